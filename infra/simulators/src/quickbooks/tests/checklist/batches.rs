//! Item 8: batches.

use super::super::*;

fn item<'a>(answer: &'a Value, id: &str) -> &'a Value {
    answer["BatchItemResponse"].as_array().unwrap().iter().find(|item| item["bId"] == id).unwrap()
}

#[tokio::test]
async fn item_8_thirty_items_are_a_batch_and_thirty_one_are_not() {
    let books = books().await;
    let queries = |count: usize| -> Value {
        let items = (0..count).map(|n| json!({"bId": n.to_string(), "Query": "select * from Item"}));
        json!({"BatchItemRequest": items.collect::<Vec<_>>()})
    };
    books.create("batch", queries(30)).await;
    assert_eq!(books.refused("batch", queries(31)).await, "1040");
    books.switch(json!({"batch_items": 10}));
    assert_eq!(books.refused("batch", queries(11)).await, "1040");
}

#[tokio::test]
async fn item_8_a_batch_is_a_200_and_each_item_has_its_own_fault() {
    let books = books().await;
    let answer = books
        .create(
            "batch",
            json!({"BatchItemRequest": [
                {"bId": "taken", "operation": "create", "Customer": {"DisplayName": "Paper Mill"}},
                {"bId": "new", "operation": "create", "Customer": {"DisplayName": "Fabrikam"}},
                {"bId": "broken", "Query": "select"}]}),
        )
        .await;
    assert_eq!((code(item(&answer, "taken")), code(item(&answer, "broken"))), ("6240".into(), "4000".into()));
    assert_eq!(item(&answer, "new")["Customer"]["DisplayName"], "Fabrikam");
    assert_eq!(books.count("Customer"), 3);
}

#[tokio::test]
async fn item_8_no_item_is_answered_where_it_was_asked_unless_the_switch_says() {
    let books = books().await;
    books.switch(json!({"limits": null}));
    for count in 2..=30_usize {
        let items = (0..count).map(|n| json!({"bId": n.to_string(), "Query": "select * from Item"}));
        let batch = json!({"BatchItemRequest": items.collect::<Vec<_>>()});
        let answer = books.create("batch", batch.clone()).await;
        let answered = answer["BatchItemResponse"].as_array().unwrap();
        assert_eq!(answered.len(), count);
        for (at, item) in answered.iter().enumerate() {
            assert_ne!(item["bId"], json!(at.to_string()), "{count}");
        }
        let again = books.create("batch", batch).await;
        assert_eq!(again["BatchItemResponse"], answer["BatchItemResponse"]);
    }
    books.switch(json!({"batch_order": "asked", "limits": null}));
    let two = json!({"BatchItemRequest": [{"bId": "a", "Query": "select * from Item"}, {"bId": "b", "Query": "select * from Item"}]});
    assert_eq!(books.create("batch", two).await["BatchItemResponse"][0]["bId"], "a");
}

#[tokio::test]
async fn item_8_items_do_not_see_each_others_creates() {
    let books = books().await;
    books.switch(json!({"batch_order": "asked"}));
    let answer = books
        .create(
            "batch",
            json!({"BatchItemRequest": [
                {"bId": "item", "operation": "create", "Item": {"Name": "Lamp", "Type": "Service", "IncomeAccountRef": {"value": "9004"}}},
                {"bId": "sold", "operation": "create", "Invoice": invoice_with(|i| i["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"] = json!("7"))},
                {"bId": "changed", "operation": "update", "Item": {"Id": "7", "SyncToken": "0", "sparse": true, "Name": "Torch"}},
                {"bId": "found", "Query": "select * from Item where Name = 'Lamp'"}]}),
        )
        .await;
    assert_eq!(item(&answer, "item")["Item"]["Id"], "7");
    assert_eq!(
        (code(item(&answer, "sold")), &item(&answer, "found")["QueryResponse"]),
        ("2500".into(), &json!({}))
    );
    assert_eq!(code(item(&answer, "changed")), "610");
    assert_eq!(books.count("Invoice"), 0);
}

#[tokio::test]
async fn item_8_a_batch_answers_a_thousand_objects_and_what_is_more_is_refused_or_cut_as_the_switch_says() {
    let books = books().await;
    let many: Vec<_> = (0..600).map(|n| json!({"DisplayName": format!("C{n:04}")})).collect();
    books.seed(json!({"customers": many}));
    let query = |id: &str| json!({"bId": id, "Query": "select * from Customer maxresults 600"});
    let made = json!({"bId": "c", "operation": "create", "Vendor": {"DisplayName": "Ink Ltd"}});
    let batch = json!({"BatchItemRequest": [query("a"), query("b"), made]});
    let one = books.create("batch", json!({"BatchItemRequest": [query("a")]})).await;
    assert_eq!(item(&one, "a")["QueryResponse"]["maxResults"], 600);
    let answer = books.create("batch", batch.clone()).await;
    assert_eq!(item(&answer, "c")["Vendor"]["DisplayName"], "Ink Ltd");
    let (refused, rest): (Vec<_>, Vec<_>) =
        ["a", "b"].into_iter().partition(|id| item(&answer, id).get("Fault").is_some());
    assert_eq!((refused.len(), code(item(&answer, refused[0])).as_str()), (1, "10100"));
    assert_eq!(item(&answer, rest[0])["QueryResponse"]["maxResults"], 600);
    books.switch(json!({"batch_objects": "truncated"}));
    let answer = books.create("batch", batch).await;
    let mut rows =
        ["a", "b"].map(|id| item(&answer, id)["QueryResponse"]["Customer"].as_array().unwrap().len());
    rows.sort_unstable();
    assert_eq!(rows, [399, 600]);
}

#[tokio::test]
async fn item_8_a_batch_with_what_is_not_simulated_is_not_begun_and_logged() {
    let books = books().await;
    let deposit = invoice_with(|i| i["Deposit"] = json!(5));
    let batch = json!({"BatchItemRequest": [
        {"bId": "a", "operation": "create", "Customer": {"DisplayName": "Fabrikam"}},
        {"bId": "b", "operation": "create", "Invoice": deposit}]});
    assert_eq!(books.refused("batch", batch).await, "2010");
    assert!(books.quickbooks.control().calls()[0].unexpected);
}
