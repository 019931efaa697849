//! The same record again: what `if_repeated` says, and retries that a person asks for.

use aws_sdk_dynamodb::types::AttributeValue;
use local::stack::{Stack, Vendor};
use local::world::{HANNA, HARBOR, LETTERING, PORTAL, REALM};
use serde_json::{Value, json};
use store::record::{Key, Record, State};
use store::retry::Retried;

use crate::paid::{paid, paid_quote, payment};
use crate::support::{
    Shown, but, company, created, history, invoice, refused, rows, run, settled, stack, the_invoice,
};

/// The enrollment, with this `if_repeated`.
fn repeated(deal: u64, if_repeated: &str) -> Value {
    let mut enrollment = invoice(deal);
    enrollment["inputs"]["if_repeated"] = json!(if_repeated);
    enrollment
}

/// Voids or deletes a document by hand.
async fn undo(stack: &Stack, operation: &str, document: &Value) {
    let url = format!("{}/v3/company/{REALM}/invoice?operation={operation}", stack.info.quickbooks_url);
    let body = json!({"Id": document["Id"], "SyncToken": document["SyncToken"]});
    let post = stack.http.post(url).bearer_auth(local::world::QUICKBOOKS_TOKEN).json(&body);
    let undone = post.header("accept", "application/json").send().await.unwrap();
    assert_eq!(undone.status(), 200, "{}", undone.text().await.unwrap());
}

async fn record(stack: &Stack, key: &Key) -> Record {
    stack.store.record(key).await.unwrap().expect("a record")
}

/// Asks for a retry, and lets the reconciler end it.
async fn retried(stack: &Stack, key: &Key) -> Record {
    let retried = stack.store.retry(key, "7", jiff::Timestamp::now()).await.unwrap();
    let Retried::Begun(successor) = retried else { panic!("{retried:?}") };
    for _minute in 0..10 {
        stack.tick("reconcile").await.unwrap();
        let record = record(stack, &successor).await;
        if record.state.is_terminal() {
            return record;
        }
        stack.advance_clock(jiff::SignedDuration::from_mins(1));
    }
    panic!("{} did not end", successor.id());
}

/// The outputs of a record's answer.
fn outputs(record: &Record) -> Value {
    let answer: Value = serde_json::from_str(record.answer.as_deref().unwrap()).unwrap();
    answer["outputFields"].clone()
}

#[tokio::test]
async fn a_record_may_become_a_second_document_unless_the_action_says_otherwise() {
    let stack = stack().await;
    let first = created(&stack, invoice(HANNA)).await;
    let second = created(&stack, repeated(HANNA, "create")).await;
    assert_ne!(first.output("document_id"), second.output("document_id"));

    let shown = refused(&stack, repeated(HANNA, "refuse"), "ALREADY_CREATED").await;
    assert!(shown.output("errorMessage").contains(second.output("document_number")), "{}", shown.0);
    assert_eq!(shown.output("error_subject"), "Norr Bistro – weekly beans");
    // When HubSpot does not say what it is called, by its id.
    let down = json!([{"path": format!("/deals/{HANNA}"), "times": 2, "status": 503}]);
    stack.faults(Vendor::HubSpot, &down).unwrap();
    let shown = refused(&stack, repeated(HANNA, "refuse"), "ALREADY_CREATED").await;
    assert_eq!(shown.output("error_subject"), format!("deal {HANNA}"));

    let shown = created(&stack, repeated(HANNA, "return")).await;
    assert_eq!(shown.output("status"), "existing");
    for output in ["document_id", "document_number", "document_url", "total", "balance", "customer_id"] {
        assert_eq!(shown.output(output), second.output(output), "{output}");
    }
    assert_eq!(rows(&stack, "Invoice").len(), 2);
    // Its label has every value it names.
    assert!(!shown.label().contains("{{") && shown.label().contains("already exists"), "{}", shown.label());
}

#[tokio::test]
async fn only_this_kind_of_document_of_this_record_counts() {
    let stack = stack().await;
    created(&stack, invoice(HANNA)).await;
    created(&stack, repeated(HARBOR, "refuse")).await;
    let estimate = json!({
        "action": "estimate", "portal_id": PORTAL.0, "object_type": "DEAL", "object_id": HANNA,
        "inputs": {"quickbooks_account": "default", "if_repeated": "refuse"},
    });
    created(&stack, estimate.clone()).await;
    let shown = settled(&stack, run(&stack, estimate).await).await;
    assert_eq!(shown.output("errorCode"), "ALREADY_CREATED", "{}", shown.0);
}

/// Its reply was lost, and somebody voided it before it was looked for: neither another one nor a success.
#[tokio::test]
async fn an_invoice_that_was_voided_before_it_was_found_is_for_a_person() {
    let stack = stack().await;
    let lost =
        json!([{"method": "POST", "path": "/invoice", "times": 1, "drop": true, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let shown = run(&stack, invoice(HARBOR)).await;
    assert_eq!(shown.states(), ["BLOCK"]);
    undo(&stack, "void", &the_invoice(&stack)).await;
    let shown = settled(&stack, shown).await;
    assert_eq!((shown.state(), shown.output("errorCode")), ("FAIL_CONTINUE", "NEEDS_REVIEW"));
    the_invoice(&stack);
}

#[tokio::test]
async fn what_was_voided_or_deleted_or_failed_does_not_count() {
    let stack = stack().await;
    refused(&stack, repeated(LETTERING, "refuse"), "ITEM_NOT_FOUND").await;
    let item = json!({"Name": "Window lettering", "Type": "Service", "UnitPrice": 10});
    company(&stack, json!({"items": [item]})).await;
    created(&stack, repeated(LETTERING, "refuse")).await;
    for operation in ["void", "delete"] {
        let newest = rows(&stack, "Invoice").pop().unwrap();
        undo(&stack, operation, &newest).await;
        let shown = created(&stack, repeated(LETTERING, "refuse")).await;
        assert_eq!(shown.output("status"), "created", "after {operation}");
    }
}

#[tokio::test]
async fn while_an_earlier_run_is_unresolved_the_next_one_waits_and_then_decides() {
    let stack = stack().await;
    let lost =
        json!([{"method": "POST", "path": "/invoice", "times": 1, "status": 503, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let first = run(&stack, repeated(HANNA, "refuse")).await;
    let second = run(&stack, repeated(HANNA, "return")).await;
    assert_eq!((first.state(), second.state()), ("BLOCK", "BLOCK"));
    let first = settled(&stack, first).await;
    assert_eq!(first.output("status"), "created");
    let second = history(&stack, second.0["callback_id"].as_str().unwrap()).await;
    let second = settled(&stack, second).await;
    assert_eq!(
        (second.output("status"), second.output("document_id")),
        ("existing", first.output("document_id"))
    );
    the_invoice(&stack);
}

#[tokio::test]
async fn an_earlier_run_in_review_is_told_and_not_waited_for() {
    let stack = stack().await;
    let lost =
        json!([{"method": "POST", "path": "/invoice", "times": 1, "status": 503, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let first = run(&stack, repeated(HANNA, "refuse")).await;
    let id = first.0["callback_id"].as_str().unwrap().to_owned();
    // Somebody removes the marker: nobody can tell any more whether it is ours.
    let made = the_invoice(&stack);
    let mut changed = made.clone();
    changed["PrivateNote"] = json!("by hand");
    let url = format!("{}/v3/company/{REALM}/invoice", stack.info.quickbooks_url);
    let post = stack.http.post(url).bearer_auth(local::world::QUICKBOOKS_TOKEN).json(&changed);
    assert_eq!(post.header("accept", "application/json").send().await.unwrap().status(), 200);
    assert_eq!(settled(&stack, first).await.output("errorCode"), "NEEDS_REVIEW");
    let second = run(&stack, repeated(HANNA, "refuse")).await;
    assert_eq!((second.state(), second.output("errorCode")), ("FAIL_CONTINUE", "IN_PROGRESS"));

    // What the runbook lets a person say of it (infra/RUNBOOK.md, NEEDS_REVIEW): it made none, and is closed …
    write_by_hand(&stack, [&format!("E#{PORTAL}#{id}"), "EXECUTION"], "st", "CLOSED").await;
    created(&stack, repeated(HANNA, "refuse")).await;
    undo(&stack, "delete", &rows(&stack, "Invoice").pop().unwrap()).await;
    // … or it made this one.
    let run_of = format!("R#{PORTAL}#{REALM}#Invoice#deal#{HANNA}");
    write_by_hand(&stack, [&run_of, &format!("RUN#{id}")], "document", made["Id"].as_str().unwrap()).await;
    let shown = refused(&stack, repeated(HANNA, "refuse"), "ALREADY_CREATED").await;
    assert!(shown.output("errorMessage").contains(made["DocNumber"].as_str().unwrap()), "{}", shown.0);
}

/// Changes an attribute of an item that is there.
async fn write_by_hand(stack: &Stack, [pk, sk]: [&str; 2], attribute: &str, value: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let update = stack.dynamodb.update_item().table_name(&stack.info.table_name);
    let update =
        update.key("pk", text(pk)).key("sk", text(sk)).expression_attribute_values(":value", text(value));
    let update = update.update_expression(format!("SET {attribute} = :value"));
    update.condition_expression("attribute_exists(pk)").send().await.unwrap();
}

#[tokio::test]
async fn of_many_at_once_that_refuse_a_second_one_wins() {
    let stack = stack().await;
    let runs = (0..8).map(|_| run(&stack, repeated(HANNA, "refuse")));
    let runs: Vec<Shown> = futures::future::join_all(runs).await;
    let mut ends = Vec::new();
    for shown in runs {
        let now = history(&stack, shown.0["callback_id"].as_str().unwrap()).await;
        let shown = settled(&stack, now).await;
        ends.push((shown.state().to_owned(), shown.output("errorCode").to_owned()));
    }
    ends.sort();
    let won = ends.iter().filter(|(state, _)| state == "SUCCESS").count();
    let lost = ends.iter().filter(|(_, code)| code == "ALREADY_CREATED").count();
    assert_eq!((won, lost), (1, 7), "{ends:?}");
    the_invoice(&stack);
}

#[tokio::test]
async fn a_failed_execution_is_mended_and_retried_as_one_of_its_own() {
    let stack = stack().await;
    let callback_id = "ap-1000001-1-3-0";
    let enrollment = but(invoice(LETTERING), json!({"callback_id": callback_id}));
    let first = refused(&stack, enrollment.clone(), "ITEM_NOT_FOUND").await;
    let key = Key::execution(PORTAL, callback_id);
    // Not mended yet: the retry fails in its turn, and can be retried.
    let failed = retried(&stack, &key).await;
    assert_eq!((failed.state, &outputs(&failed)["errorCode"]), (State::Failed, &json!("ITEM_NOT_FOUND")));
    let item = json!({"Name": "Window lettering", "Type": "Service", "UnitPrice": 10});
    company(&stack, json!({"items": [item]})).await;
    let done = retried(&stack, &failed.key).await;
    assert_eq!(done.state, State::Completed, "{}", outputs(&done));
    let (made, outputs) = (the_invoice(&stack), outputs(&done));
    assert_eq!((&outputs["status"], &outputs["document_id"]), (&json!("created"), &made["Id"]));
    assert_eq!(outputs["execution_id"], format!("{callback_id}~2"));
    // HubSpot is told what it was told before, and nobody retries twice.
    assert_eq!(run(&stack, enrollment).await.bodies(), first.bodies());
    let again = stack.store.retry(&key, "7", jiff::Timestamp::now()).await.unwrap();
    assert_eq!(again, Retried::Before(key.successor().unwrap()));
    the_invoice(&stack);
}

#[tokio::test]
async fn a_retry_meets_faults_as_any_execution_does() {
    let stack = stack().await;
    let callback_id = "ap-1000001-1-3-0";
    refused(&stack, but(invoice(LETTERING), json!({"callback_id": callback_id})), "ITEM_NOT_FOUND").await;
    let item = json!({"Name": "Window lettering", "Type": "Service", "UnitPrice": 10});
    company(&stack, json!({"items": [item]})).await;
    let lost =
        json!([{"method": "POST", "path": "/invoice", "times": 1, "status": 503, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let done = retried(&stack, &Key::execution(PORTAL, callback_id)).await;
    assert_eq!((done.state, &outputs(&done)["document_id"]), (State::Completed, &the_invoice(&stack)["Id"]));
}

/// A paid quote whose invoice was made and whose payment was refused.
async fn partly_paid(stack: &Stack, callback_id: &str) -> Key {
    paid_quote(stack, payment("9401", json!({}))).await;
    let fault = json!({"Fault": {"Error": [{"Message": "x", "Detail": "x", "code": "6000"}], "type": "ValidationFault"}});
    let refusal = json!([{"method": "POST", "path": "/payment", "times": 1, "status": 400, "body": fault.to_string(),
        "content_type": "application/json"}]);
    stack.faults(Vendor::QuickBooks, &refusal).unwrap();
    let shown = run(stack, but(paid("QUOTE", 910), json!({"callback_id": callback_id}))).await;
    assert_eq!((shown.state(), shown.output("status")), ("SUCCESS", "partly_paid"), "{}", shown.0);
    Key::execution(PORTAL, callback_id)
}

#[tokio::test]
async fn a_refused_payment_is_retried_alone() {
    let stack = stack().await;
    let key = partly_paid(&stack, "ap-1000001-1-3-0").await;
    let invoice = the_invoice(&stack);
    // The reply to the second try is lost: found, not sent again.
    let lost =
        json!([{"method": "POST", "path": "/payment", "times": 1, "drop": true, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let done = retried(&stack, &key).await;
    let outputs = outputs(&done);
    assert_eq!((done.state, &outputs["status"]), (State::Completed, &json!("paid")), "{outputs}");
    let payments = rows(&stack, "Payment");
    assert_eq!((payments.len(), &payments[0]["Id"]), (1, &outputs["payment_id"]));
    assert_eq!((&outputs["document_id"], &outputs["balance"]), (&invoice["Id"], &json!("0.00")));
    assert_eq!(the_invoice(&stack)["Id"], invoice["Id"], "and no second invoice");
    // It made what it should: nothing is left to retry.
    let again = stack.store.retry(&done.key, "7", jiff::Timestamp::now()).await.unwrap();
    assert_eq!(again, Retried::NotPossible);
}

#[tokio::test]
async fn the_retry_of_a_payment_names_the_method_that_there_is_by_then() {
    let stack = stack().await;
    let method =
        |active: bool| json!({"payment_methods": [{"Id": "9199", "Name": "Credit card", "Active": active}]});
    company(&stack, method(true)).await;
    paid_quote(&stack, payment("9401", json!({"hs_payment_method_type": "card"}))).await;
    assert_eq!(created(&stack, paid("QUOTE", 910)).await.output("status"), "paid");
    // What the company has is remembered for a day.
    company(&stack, method(false)).await;
    let callback_id = "ap-1000001-1-3-0";
    let refused = run(&stack, but(paid("QUOTE", 910), json!({"callback_id": callback_id}))).await;
    assert_eq!((refused.state(), refused.output("status")), ("SUCCESS", "partly_paid"), "{}", refused.0);
    let done = retried(&stack, &Key::execution(PORTAL, callback_id)).await;
    assert_eq!(outputs(&done)["status"], "paid", "{:?}", done.answer);
    let methods = rows(&stack, "Payment").into_iter().map(|row| row["PaymentMethodRef"]["value"].clone());
    assert_eq!(methods.collect::<Vec<_>>(), [json!("9199"), json!(null)]);
}

#[tokio::test]
async fn a_payment_that_is_not_owed_any_more_is_not_made_and_one_of_a_voided_invoice_fails() {
    let stack = stack().await;
    let key = partly_paid(&stack, "ap-1000001-1-3-0").await;
    let invoice = the_invoice(&stack);
    undo(&stack, "void", &invoice).await;
    let failed = retried(&stack, &key).await;
    assert_eq!((failed.state, &outputs(&failed)["errorCode"]), (State::Failed, &json!("PAYMENT_REFUSED")));

    let stack = crate::support::stack().await;
    let key = partly_paid(&stack, "ap-1000001-1-3-0").await;
    let invoice = the_invoice(&stack);
    // The bookkeeper has recorded it by hand.
    let body = json!({"CustomerRef": invoice["CustomerRef"], "TotalAmt": 171, "Line": [
        {"Amount": 171, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}]});
    let url = format!("{}/v3/company/{REALM}/payment", stack.info.quickbooks_url);
    let post = stack.http.post(url).bearer_auth(local::world::QUICKBOOKS_TOKEN).json(&body);
    let paid = post.header("accept", "application/json").send().await.unwrap();
    assert_eq!(paid.status(), 200, "{}", paid.text().await.unwrap());
    let done = retried(&stack, &key).await;
    assert_eq!((done.state, rows(&stack, "Payment").len()), (State::Completed, 1));
    assert_eq!(outputs(&done)["balance"], "0.00");
}
