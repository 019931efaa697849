//! Previews: what would be created and why, and nothing made of it; and that creating then sends the very same document.

use local::stack::{Stack, Vendor};
use local::world::{
    HANNA, HARBOR, LETTERING, OBRIEN_FIRST, OFFER, PAID_DEAL, PAID_QUOTE, PORTAL, THEO_FIRST,
};
use serde_json::{Value, json};
use store::record::{Key, Record, State};

use crate::console::Browser;
use crate::quotes::enroll;
use crate::support::{
    Shown, but, company, created, forget_matches, half_done_deal, invoice, portal, refused, rows, run,
    settings, settled, stack,
};

/// The enrollment, to be shown only.
fn preview(mut enrollment: Value) -> Value {
    enrollment["inputs"]["mode"] = json!("preview");
    enrollment
}

/// What the record of an execution keeps.
async fn kept(stack: &Stack, shown: &Shown) -> Record {
    let key = Key::of_id(PORTAL, shown.output("execution_id")).unwrap();
    stack.store.record(&key).await.unwrap().expect("a record")
}

/// The document that a preview shows.
async fn previewed(stack: &Stack, shown: &Shown) -> Value {
    let plan = kept(stack, shown).await.preview.expect("a preview");
    serde_json::from_str(&plan.body).unwrap()
}

/// The document that QuickBooks was last sent.
fn sent(stack: &Stack, kind: &str) -> Value {
    let calls = stack.calls(Vendor::QuickBooks);
    let last = calls.iter().rev().find(|call| call.path.ends_with(&format!("/{kind}")));
    serde_json::from_str(&last.unwrap_or_else(|| panic!("no {kind} was sent")).request_body).unwrap()
}

/// A document without its marker, and with a blank for a customer that is created with it.
fn comparable(mut document: Value, customer: &str) -> Value {
    let note = document["PrivateNote"].as_str().unwrap();
    document["PrivateNote"] = json!(note.split("[hs ").next().unwrap());
    if document["CustomerRef"]["value"] == customer {
        document["CustomerRef"]["value"] = json!("");
    }
    document
}

/// What of the books and of what we remember changes when something is made.
fn made(stack: &Stack) -> [usize; 6] {
    ["Customer", "Item", "Invoice", "Estimate", "SalesReceipt", "Payment"].map(|kind| rows(stack, kind).len())
}

/// Previews it, then creates it, and compares.
async fn check(stack: &Stack, enrollment: Value) -> Shown {
    let before = made(stack);
    let shown = created(stack, preview(enrollment.clone())).await;
    assert_eq!((shown.output("status"), made(stack)), ("preview", before), "{}", shown.0);
    assert!(!shown.label().contains("{{") && shown.label().contains("Nothing was"), "{}", shown.label());
    let document = previewed(stack, &shown).await;
    let then = created(stack, enrollment.clone()).await;
    let kind = match enrollment["action"].as_str().unwrap() {
        "receipt" => "salesreceipt",
        action => action,
    };
    let (id, is_new) = (then.output("customer_id"), then.output("customer_match") == "created");
    let sent = comparable(sent(stack, kind), if is_new { id } else { "" });
    assert_eq!(comparable(document, app::preview::TO_BE_CREATED), sent, "{enrollment}");
    for output in ["document_date", "currency", "subtotal", "customer_name", "customer_match"] {
        assert_eq!(shown.output(output), then.output(output), "{output} of {enrollment}");
    }
    shown
}

#[tokio::test]
async fn what_is_previewed_is_what_creating_then_sends() {
    let stack = stack().await;
    let paid = json!({"inputs": {"quickbooks_account": "default", "create_paid": "yes"}});
    settings(&stack, json!({"fee_item": rows(&stack, "Item")[0]["Id"], "memo": "For {dealname}"})).await;
    for enrollment in [
        invoice(HARBOR),
        invoice(HANNA),
        invoice(THEO_FIRST),
        invoice(OBRIEN_FIRST),
        but(invoice(PAID_DEAL), paid.clone()),
        but(enroll("invoice", "QUOTE", PAID_QUOTE), paid),
        enroll("invoice", "QUOTE", OFFER),
        enroll("estimate", "QUOTE", OFFER),
        enroll("estimate", "DEAL", HARBOR),
        enroll("receipt", "DEAL", PAID_DEAL),
        enroll("receipt", "QUOTE", PAID_QUOTE),
    ] {
        check(&stack, enrollment.clone()).await;
        // By what was asked for, not by what is remembered of the first time.
        forget_matches(&stack).await;
        check(&stack, enrollment).await;
    }
}

#[tokio::test]
async fn in_another_currency_or_with_a_number_of_the_record_it_is_the_same_too() {
    let stack = stack().await;
    let preferences = json!({
        "CurrencyPrefs": {"MultiCurrencyEnabled": true}, "SalesFormsPrefs": {"CustomTxnNumbers": true},
    });
    let rates = json!([{"SourceCurrencyCode": "EUR", "Rate": 1.0842, "AsOfDate": "2020-01-01"}]);
    company(&stack, json!({"preferences": preferences, "exchange_rates": rates})).await;
    let deal = json!({"id": "900", "properties": {"dealname": "Paris", "deal_currency_code": "EUR"},
        "associations": {"contacts": ["502"], "line_items": ["901"]}});
    let line = json!({"id": "901", "properties": {
        "name": "Burr grinder", "hs_sku": "EQ-GR01", "quantity": "1", "price": "240", "amount": "240.00"}});
    portal(&stack, json!({"deals": [deal], "line_items": [line]})).await;
    let shown = check(&stack, invoice(900)).await;
    assert_eq!((shown.output("currency"), shown.output("total")), ("EUR", "240.00"));
    let document = previewed(&stack, &shown).await;
    assert_eq!((&document["DocNumber"], &document["ExchangeRate"]), (&json!("HS-900"), &json!(1.0842)));
}

#[tokio::test]
async fn what_would_be_created_first_is_named_and_stands_as_new() {
    let stack = stack().await;
    // Sales of Product Income: every simulated company has it.
    settings(&stack, json!({"income_account": "9004"})).await;
    let creating = json!({"quickbooks_account": "default", "missing_item": "create"});
    let enrollment = but(invoice(LETTERING), json!({"inputs": creating}));
    let before = made(&stack);
    let shown = created(&stack, preview(enrollment.clone())).await;
    assert_eq!((shown.output("status"), made(&stack)), ("preview", before));
    let told = "The product “Window lettering” would be created.";
    assert!(shown.output("warnings").contains(told), "{}", shown.0);
    let mut document = previewed(&stack, &shown).await;
    let then = created(&stack, enrollment).await;
    let sent = comparable(sent(&stack, "invoice"), "");
    let items = rows(&stack, "Item");
    let new = items.iter().find(|item| item["Name"] == "Window lettering").unwrap()["Id"].clone();
    assert_eq!(document["Line"][1]["SalesItemLineDetail"]["ItemRef"]["value"], app::preview::TO_BE_CREATED);
    document["Line"][1]["SalesItemLineDetail"]["ItemRef"]["value"] = new;
    assert_eq!(comparable(document, ""), sent, "{}", then.0);
    let page = Browser::signed_in(&stack, PORTAL).await;
    let page = page.get(&format!("/console/execution?id={}", shown.output("execution_id"))).await.body;
    assert!(page.contains("Window lettering") && page.contains("would be created"), "{page}");
}

#[tokio::test]
async fn the_outputs_of_a_preview_are_what_the_contract_says() {
    let stack = stack().await;
    let callback_id = json!({"callback_id": "ap-1000001-900000000001-3-0"});
    let shown = created(&stack, preview(but(invoice(HARBOR), callback_id))).await;
    let mut outputs = shown.0["outputs"].clone();
    for date in ["document_date", "due_date"] {
        assert!(outputs[date].as_str().unwrap().parse::<jiff::civil::Date>().is_ok());
        outputs[date] = json!("[date]");
    }
    let url = outputs["preview_url"].as_str().unwrap();
    outputs["preview_url"] = json!(url.replace(&stack.info.public_base_url, "[base]"));
    insta::assert_json_snapshot!(outputs);
}

#[tokio::test]
async fn what_would_fail_fails_with_the_same_words_and_all_of_them_at_once() {
    let stack = stack().await;
    half_done_deal(&stack).await;
    let due = |days: &str| json!({"inputs": {"quickbooks_account": "default", "due_days": days}});
    for (enrollment, code) in [
        (invoice(900), "CONTACT_INCOMPLETE"),
        (invoice(LETTERING), "ITEM_NOT_FOUND"),
        (but(invoice(HARBOR), due("soon")), "INPUT_INVALID"),
        (invoice(999), "RECORD_NOT_FOUND"),
    ] {
        let shown = refused(&stack, preview(enrollment.clone()), code).await;
        let then = refused(&stack, enrollment, code).await;
        for output in ["status", "errorMessage", "error_subject"] {
            assert_eq!(shown.output(output), then.output(output), "{output}");
        }
        assert_eq!(shown.label(), then.label());
    }
    let shown = settled(&stack, run(&stack, preview(invoice(900))).await).await;
    let message = shown.output("errorMessage");
    for told in ["no e-mail address", "“Setup fee” has no price", "“Unknown thing” matches no"] {
        assert!(message.contains(told), "{message}");
    }
}

#[tokio::test]
async fn a_preview_delivered_again_is_answered_byte_for_byte_and_makes_nothing() {
    let stack = stack().await;
    let before = made(&stack);
    let enrollment = preview(but(invoice(THEO_FIRST), json!({"callback_id": "ap-1000001-1-3-0"})));
    let first = created(&stack, enrollment.clone()).await;
    // Whatever has changed since.
    let theo = json!({"DisplayName": "Theo Brandt", "PrimaryEmailAddr": {"Address": "theo.brandt@brandtandsons.example"}});
    company(&stack, json!({"customers": [theo]})).await;
    let again = run(&stack, enrollment).await;
    assert_eq!(first.bodies(), again.bodies());
    let record = kept(&stack, &first).await;
    assert_eq!((record.state, record.sends, &record.plan), (State::Completed, 0, &None));
    let mut after = made(&stack);
    after[0] -= 1;
    assert_eq!(after, before);
    let reads = |path: &str| ["/query", "/batch"].iter().any(|read| path.ends_with(read));
    let wrote = stack.calls(Vendor::QuickBooks).into_iter().filter(|call| !reads(&call.path));
    assert_eq!(wrote.map(|call| call.path).collect::<Vec<_>>(), Vec::<String>::new());
    // Neither a customer nor a match is held for it, and no execution is listed for its record.
    let items = stack.dynamodb.scan().table_name(&stack.info.table_name).send().await.unwrap();
    for item in items.items() {
        let pk = item["pk"].as_s().unwrap();
        assert!(!["C#", "M#", "R#", "D#"].iter().any(|kind| pk.starts_with(kind)), "{pk}");
    }
}

#[tokio::test]
async fn a_preview_does_not_count_as_a_document_and_knows_the_one_there_is() {
    let stack = stack().await;
    let repeated = |if_repeated: &str| {
        let mut enrollment = invoice(HANNA);
        enrollment["inputs"]["if_repeated"] = json!(if_repeated);
        enrollment
    };
    for if_repeated in ["create", "refuse", "return"] {
        let shown = created(&stack, preview(repeated(if_repeated))).await;
        assert_eq!(shown.output("status"), "preview", "{if_repeated}");
    }
    let first = created(&stack, repeated("refuse")).await;
    assert_eq!(first.output("status"), "created");
    assert_eq!(created(&stack, preview(repeated("create"))).await.output("status"), "preview");
    refused(&stack, preview(repeated("refuse")), "ALREADY_CREATED").await;
    let shown = created(&stack, preview(repeated("return"))).await;
    assert_eq!(
        (shown.output("status"), shown.output("document_id")),
        ("existing", first.output("document_id"))
    );
}

#[tokio::test]
async fn what_quickbooks_does_not_answer_is_previewed_later() {
    let stack = stack().await;
    let down =
        json!([{"path": "/batch", "times": 1, "status": 503}, {"path": "/query", "times": 1, "status": 503}]);
    stack.faults(Vendor::QuickBooks, &down).unwrap();
    let shown = run(&stack, preview(invoice(HARBOR))).await;
    assert_eq!(shown.state(), "BLOCK");
    let shown = settled(&stack, shown).await;
    assert_eq!(shown.output("status"), "preview");
    assert!(rows(&stack, "Invoice").is_empty());
}

#[tokio::test]
async fn the_console_shows_each_match_with_its_reason_and_the_document() {
    let stack = stack().await;
    let shown = created(&stack, preview(invoice(HARBOR))).await;
    let url = shown.output("preview_url").strip_prefix(&stack.info.public_base_url).unwrap().to_owned();
    let browser = Browser::signed_in(&stack, PORTAL).await;
    let page = browser.get(&url).await;
    assert_eq!(page.status, 200);
    for told in [
        "What would be created",
        "Ana Trujillo (would be created)",
        "House blend, 12 oz",
        "same SKU",
        "348.00",
        "&quot;CustomerRef&quot;",
        app::preview::TO_BE_CREATED,
        "Nothing was created",
    ] {
        assert!(page.body.contains(told), "{told} in {}", page.body);
    }
    let french = browser.get_in_french(&url).await.body;
    assert!(french.contains("Ce qui serait créé") && french.contains("même UGS"), "{french}");
    let list = browser.get("/console/activity").await.body;
    assert!(list.contains("Preview"), "{list}");
    // Of another portal it is nobody's.
    let other = Browser::signed_in(&stack, mapping::hubspot::PortalId(42)).await;
    assert_ne!(other.get(&url).await.status, 200);
}
