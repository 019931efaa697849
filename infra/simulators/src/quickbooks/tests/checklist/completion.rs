//! Items 2 and 3: how answers look, and what the service adds to a document.

use super::super::*;

/// What somebody sees who does not say what he accepts.
async fn in_xml(books: &Books, path: &str, body: Option<Value>) -> (u16, String, String) {
    let request = match &body {
        Some(body) => books.client.post(books.url(path)).json(body),
        None => books.client.get(books.url(path)),
    };
    let answer = request.bearer_auth("good").send().await.unwrap();
    let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), content_type, answer.text().await.unwrap())
}

#[tokio::test]
async fn item_2_every_answer_carries_an_intuit_tid_of_its_own() {
    let books = books().await;
    let fault = Fault { path: "preferences".into(), status: Some(429), ..Fault::default() };
    books.quickbooks.control().set_faults(vec![fault]).unwrap();
    let mut tids = Vec::new();
    for path in ["preferences", "preferences", "invoice/abc", "nowhere"] {
        let answer = books.get(path).send().await.unwrap();
        tids.push(answer.headers()["intuit_tid"].to_str().unwrap().to_owned());
    }
    let unsigned = books.client.get(books.url("preferences")).send().await.unwrap();
    assert_eq!(unsigned.status().as_u16(), 401);
    tids.push(unsigned.headers()["intuit_tid"].to_str().unwrap().to_owned());
    tids.sort();
    tids.dedup();
    assert_eq!(tids.len(), 5);
}

#[tokio::test]
async fn item_2_json_is_answered_only_to_who_accepts_it() {
    let books = books().await;
    let asked = books.post("invoice", &invoice()).send().await.unwrap();
    assert!(asked.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
    let (status, content_type, made) = in_xml(&books, "invoice", Some(invoice())).await;
    assert_eq!((status, content_type.as_str()), (200, "application/xml;charset=UTF-8"));
    assert!(made.contains("<Invoice domain=\"QBO\" sparse=\"false\">"), "{made}");
    assert!(made.contains("<CustomerRef name=\"Northwind Traders\">1</CustomerRef>"), "{made}");
    assert!(made.contains("<TotalAmt>149.97</TotalAmt>"), "{made}");
    // Whoever cannot read it made an invoice all the same.
    assert_eq!(books.count("Invoice"), 2);
}

#[tokio::test]
async fn item_2_queries_and_batches_are_answered_in_xml_too() {
    let books = books().await;
    let (_, _, found) = in_xml(&books, "query?query=select%20*%20from%20Item", None).await;
    assert!(
        found.contains("<QueryResponse maxResults=\"1\" startPosition=\"1\"><Item domain=\"QBO\""),
        "{found}"
    );
    let batch = json!({"BatchItemRequest": [{"bId": "q", "Query": "select"}]});
    let (status, _, answer) = in_xml(&books, "batch", Some(batch)).await;
    assert_eq!(status, 200);
    assert!(answer.contains("<BatchItemResponse bId=\"q\"><Fault type=\"ValidationFault\">"), "{answer}");
    assert!(answer.contains("code=\"4000\""), "{answer}");
}

#[tokio::test]
async fn item_2_a_fault_has_three_shapes() {
    let books = books().await;
    let (_, service) = json_of(books.post("invoice", &json!({}))).await;
    assert_eq!(service["Fault"]["Error"][0]["code"], "2020");
    assert_eq!((&service["Fault"]["type"], service["time"].is_string()), (&json!("ValidationFault"), true));
    let wrong = books.client.get(books.url("preferences")).bearer_auth("unknown");
    let (_, gateway) = json_of(wrong.header("accept", "application/json")).await;
    assert_eq!(gateway["fault"]["error"][0]["code"], "3200");
    assert_eq!((gateway.get("Fault"), &gateway["fault"]["type"]), (None, &json!("AUTHENTICATION")));
    let (status, content_type, text) = in_xml(&books, "invoice", Some(json!({}))).await;
    assert_eq!((status, content_type.as_str()), (400, "application/xml"));
    assert!(
        text.contains("<Fault type=\"ValidationFault\"><Error code=\"2020\" element=\"Line\">"),
        "{text}"
    );
}

#[tokio::test]
async fn item_3_a_create_answers_200_with_the_whole_object_which_a_read_repeats() {
    let books = books().await;
    let (status, answer) = json_of(books.post("invoice", &invoice())).await;
    assert_eq!(status, 200);
    assert!(answer["time"].as_str().unwrap().contains('.'), "the envelope's time has milliseconds");
    let made = &answer["Invoice"];
    assert_eq!((&made["PrivateNote"], made["TotalAmt"].to_string()), (&json!("deal 4821"), "149.97".into()));
    assert_eq!(&books.read("Invoice", id(made)).await, made);
}

#[tokio::test]
async fn item_3_ids_come_from_one_counter_of_the_company_whatever_is_created() {
    let books = books().await;
    let mut ids = Vec::new();
    for (path, entity, body) in [
        ("invoice", "Invoice", invoice()),
        ("customer", "Customer", json!({"DisplayName": "Fabrikam"})),
        ("estimate", "Estimate", invoice()),
        ("vendor", "Vendor", json!({"DisplayName": "Ink Ltd"})),
        ("salesreceipt", "SalesReceipt", invoice()),
        ("payment", "Payment", json!({"TotalAmt": 5, "CustomerRef": {"value": "1"}})),
    ] {
        let made = books.create(path, body).await[entity].clone();
        assert_eq!(made["SyncToken"], "0");
        ids.push(made["Id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids, ["7", "8", "9", "10", "11", "12"]);
}

#[tokio::test]
async fn item_3_times_are_pacific_with_their_offset() {
    let books = books().await;
    for (now, local) in
        [("2030-01-15T05:30:00Z", "2030-01-14T21:30:0"), ("2030-07-15T05:30:00Z", "2030-07-14T22:30:0")]
    {
        let clock = format!("{}/_sim/clock", books.serving.url);
        books.client.post(clock).json(&json!({"now": now})).send().await.unwrap();
        let undated = invoice_with(|i| drop(i.as_object_mut().unwrap().remove("TxnDate")));
        let made = books.create("invoice", undated).await["Invoice"].clone();
        let offset = if local.starts_with("2030-01") { "-08:00" } else { "-07:00" };
        for name in ["CreateTime", "LastUpdatedTime"] {
            let time = made["MetaData"][name].as_str().unwrap();
            assert!(time.starts_with(local) && time.ends_with(offset), "{time}");
        }
        assert_eq!(made["TxnDate"].as_str().unwrap(), &local[..10]);
    }
}

#[tokio::test]
async fn item_3_what_was_not_given_is_completed_and_nothing_is_null() {
    let books = books().await;
    let made =
        books.create("invoice", invoice_with(|i| i["BillEmail"] = Value::Null)).await["Invoice"].clone();
    assert_eq!((&made["domain"], &made["sparse"]), (&json!("QBO"), &json!(false)));
    assert!(made.as_object().unwrap().values().all(|value| !value.is_null()), "{made}");
    assert_eq!(made.get("BillEmail"), None);
    assert_eq!(made["DueDate"], "2026-04-01");
    assert_eq!(made["CurrencyRef"], json!({"value": "USD", "name": "United States Dollar"}));
    assert_eq!(made["BillAddr"]["City"], "Oakland");
    assert_eq!((&made["PrintStatus"], &made["EmailStatus"]), (&json!("NeedToPrint"), &json!("NotSet")));
    let lines = made["Line"].as_array().unwrap();
    assert_eq!(lines[0]["SalesItemLineDetail"]["TaxCodeRef"]["value"], "NON");
    let last = lines.last().unwrap();
    assert_eq!((&last["DetailType"], last.get("Id")), (&json!("SubTotalLineDetail"), None));
    assert_eq!((last["Amount"].to_string(), &last["SubTotalLineDetail"]), ("149.97".into(), &json!({})));
}

#[tokio::test]
async fn item_3_a_due_date_is_derived_from_a_term_of_either_kind() {
    let books = books().await;
    let term = json!({"Name": "Tenth", "DayOfMonthDue": 10, "DueNextMonthDays": 5});
    let made = books.create("term", term).await["Term"].clone();
    assert_eq!(made["Type"], "DATE_DRIVEN");
    let due = async |day: &str, term: &str| {
        let body = invoice_with(|i| {
            i["TxnDate"] = json!(day);
            i["SalesTermRef"] = json!({"value": term});
        });
        books.create("invoice", body).await["Invoice"]["DueDate"].as_str().unwrap().to_owned()
    };
    assert_eq!(due("2026-03-02", "9201").await, "2026-03-17");
    assert_eq!(due("2026-03-02", id(&made)).await, "2026-03-10");
    // Within five days of the tenth, and after it.
    assert_eq!(due("2026-03-06", id(&made)).await, "2026-04-10");
    assert_eq!(due("2026-03-11", id(&made)).await, "2026-04-10");
    let last = books.create("term", json!({"Name": "Last", "DayOfMonthDue": 31})).await["Term"].clone();
    assert_eq!(due("2026-02-11", id(&last)).await, "2026-02-28");
}
