//! Documents that QuickBooks e-mails for us: once at most, after everything else, and never a reason to fail.

use jiff::SignedDuration;
use local::stack::{Stack, Vendor};
use local::world::HARBOR;
use serde_json::{Value, json};

use crate::paid::{paid, paid_quote, payment};
use crate::support::{but, company, created, invoice, portal, rows, run, settled, stack, the_invoice};

/// The same enrollment, and QuickBooks is to e-mail what it makes.
fn mailed(mut enrollment: Value) -> Value {
    enrollment["inputs"]["email_document"] = json!("send");
    enrollment
}

/// The paths of the calls that had an effect, the last part each.
fn made(stack: &Stack) -> Vec<String> {
    let calls = stack.calls(Vendor::QuickBooks).into_iter();
    let paths = calls.filter(|call| call.method == "POST").map(|call| call.path);
    let last = paths.map(|path| path.rsplit('/').next().unwrap_or_default().to_owned());
    last.filter(|part| ["invoice", "estimate", "salesreceipt", "payment", "send"].contains(&part.as_str()))
        .collect()
}

fn disturb(stack: &Stack, fault: Value) {
    let fault = but(json!({"method": "POST", "path": "/send", "times": 1}), fault);
    stack.faults(Vendor::QuickBooks, &json!([fault])).unwrap();
}

/// QuickBooks refuses it, for good.
fn refusal() -> Value {
    let fault = json!({"Fault": {"Error": [{"Message": "x", "Detail": "x", "code": "6000"}], "type": "ValidationFault"}});
    json!({"status": 400, "body": fault.to_string(), "content_type": "application/json"})
}

#[tokio::test]
async fn each_document_is_e_mailed_once_it_exists() {
    let stack = stack().await;
    for (action, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        let inputs = json!({"quickbooks_account": "default"});
        let enrollment = but(invoice(HARBOR), json!({"action": action, "inputs": inputs, "deliveries": 2}));
        let enrollment = mailed(enrollment);
        let shown = created(&stack, enrollment).await;
        assert_eq!(shown.output("warnings"), "");
        let document = rows(&stack, entity).pop().unwrap();
        assert_eq!(
            (&document["EmailStatus"], &document["BillEmail"]["Address"]),
            (&json!("EmailSent"), &json!("ana@harborkitchen.example"))
        );
    }
    assert_eq!(made(&stack), ["invoice", "send", "estimate", "send", "salesreceipt", "send"]);
}

#[tokio::test]
async fn a_paid_invoice_is_e_mailed_with_its_payment_on_it() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    let shown = created(&stack, mailed(paid("QUOTE", 910))).await;
    assert_eq!((shown.output("status"), shown.output("warnings")), ("paid", ""));
    assert_eq!(made(&stack), ["invoice", "payment", "send"]);
}

#[tokio::test]
async fn an_invoice_whose_payment_was_refused_is_not_e_mailed() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    disturb(&stack, but(refusal(), json!({"path": "/payment"})));
    let shown = settled(&stack, run(&stack, mailed(paid("QUOTE", 910))).await).await;
    assert_eq!(shown.output("status"), "partly_paid", "{}", shown.0);
    let warning =
        "The invoice was not e-mailed, as its payment was refused. Send it from QuickBooks once it is paid.";
    assert_eq!(shown.output("warnings"), warning);
    assert_eq!(made(&stack), ["invoice", "payment"]);
}

#[tokio::test]
async fn without_an_address_nothing_is_e_mailed_and_that_is_told() {
    let stack = stack().await;
    let contact = json!({"id": "990", "properties": {"firstname": "Ida", "lastname": "Berg"}});
    let deal = json!({"id": "900", "properties": {"dealname": "No address"},
        "associations": {"contacts": ["990"], "line_items": ["991"]}});
    let line = json!({"id": "991", "properties": {
        "name": "Burr grinder", "hs_sku": "EQ-GR01", "quantity": "1", "price": "249.99", "amount": "249.99",
    }});
    portal(&stack, json!({"contacts": [contact], "deals": [deal], "line_items": [line]})).await;
    company(&stack, json!({"customers": [{"DisplayName": "Ida Berg"}]})).await;
    let shown = created(&stack, mailed(invoice(900))).await;
    let warning = "There is no e-mail address for “Ida Berg”: the invoice was not e-mailed.";
    assert_eq!(shown.output("warnings"), warning);
    assert_eq!(made(&stack), ["invoice"]);
}

#[tokio::test]
async fn what_goes_wrong_with_a_mail_is_told_and_nothing_is_mailed_twice() {
    let unclear = "The invoice may have been e-mailed. See in QuickBooks whether it was before you send it.";
    for (fault, warning, sent) in [
        (refusal(), "The invoice could not be e-mailed. Send it from QuickBooks.", false),
        (json!({"status": 503}), unclear, false),
        (json!({"status": 503, "after_effect": true}), unclear, true),
        (json!({"drop": true, "after_effect": true}), unclear, true),
    ] {
        let stack = stack().await;
        disturb(&stack, fault.clone());
        let shown = created(&stack, mailed(but(invoice(HARBOR), json!({"deliveries": 2})))).await;
        assert_eq!(shown.output("warnings"), warning, "{fault}");
        stack.advance_clock(SignedDuration::from_mins(10));
        stack.tick("reconcile").await.unwrap();
        assert_eq!(made(&stack), ["invoice", "send"], "{fault}");
        assert_eq!(the_invoice(&stack)["EmailStatus"] == "EmailSent", sent, "{fault}");
    }
}

#[tokio::test]
async fn a_mail_that_met_a_limit_waits_for_its_turn() {
    let stack = stack().await;
    disturb(&stack, json!({"status": 429}));
    let shown = created(&stack, mailed(invoice(HARBOR))).await;
    assert_eq!((shown.states(), shown.output("warnings")), (vec!["BLOCK".to_owned()], ""));
    assert_eq!(made(&stack), ["invoice", "send", "send"]);
    assert_eq!(the_invoice(&stack)["EmailStatus"], "EmailSent");
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_document_mailed_all_the_same() {
    let stack = stack().await;
    disturb(&stack, json!({"preset": "quickbooks_401"}));
    let shown = created(&stack, mailed(invoice(HARBOR))).await;
    assert_eq!((shown.states(), shown.output("warnings")), (vec!["SUCCESS".to_owned()], ""));
    assert_eq!(the_invoice(&stack)["EmailStatus"], "EmailSent");
}
