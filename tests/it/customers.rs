//! Whom a document is for: a HubSpot company instead of its contact, and names and addresses that are hard to tell apart.

use local::stack::{Stack, Vendor};
use local::world::PORTAL;
use mapping::hubspot::RecordId;
use mapping::sale::BuyerId;
use serde_json::{Value, json};
use store::record::Key;

use crate::support::{
    but, company, created, forget_matches, invoice, portal, refused, rows, settings, stack, the_invoice,
};

/// A deal over a grinder, with these contacts and companies.
fn grinder(id: u64, contacts: Value, companies: Value) -> Value {
    let line = format!("{id}1");
    json!({
        "deals": [{
            "id": id.to_string(), "properties": {"dealname": format!("Grinder {id}"), "deal_currency_code": "USD"},
            "associations": {"contacts": contacts, "companies": companies, "line_items": [line]},
        }],
        "line_items": [{"id": line, "properties": {
            "name": "Burr grinder", "hs_sku": "EQ-GR01", "quantity": "1", "price": "249.99", "amount": "249.99",
        }}],
    })
}

/// A stack that bills companies, and two of them.
async fn billing_companies() -> crate::support::Checked {
    let stack = stack().await;
    settings(&stack, json!({"bill": "company"})).await;
    let northwind = json!({
        "name": "Northwind & Söner \"Ltd\"", "domain": "northwind.example", "phone": "+1 510 555 0142",
        "address": "12 Harbour Rd", "address2": "Floor 3", "city": "Oakland", "state": "CA", "zip": "94607",
    });
    let companies = json!([
        {"id": "701", "properties": northwind},
        {"id": "702", "properties": {"name": "Bistro 100% + Co"}},
    ]);
    portal(&stack, json!({"companies": companies})).await;
    stack
}

fn customers(stack: &Stack, name: &str) -> Vec<Value> {
    rows(stack, "Customer").into_iter().filter(|customer| customer["DisplayName"] == name).collect()
}

fn primary(id: &str) -> Value {
    json!({"id": id, "type_ids": [341, 5]})
}

/// One that is not the primary one; the first of those seeded by their ids alone is.
fn unlabelled(id: &str) -> Value {
    json!({"id": id, "type_ids": [341]})
}

#[tokio::test]
async fn the_primary_company_is_billed_and_its_contact_stays_on_the_document() {
    let stack = billing_companies().await;
    portal(&stack, grinder(900, json!(["501"]), json!([unlabelled("702"), primary("701")]))).await;
    let shown = created(&stack, invoice(900)).await;
    let name = "Northwind & Söner \"Ltd\"";
    assert_eq!((shown.output("customer_name"), shown.output("customer_match")), (name, "created"));
    let record = stack.store.record(&Key::execution(PORTAL, shown.output("execution_id"))).await;
    assert_eq!(record.unwrap().unwrap().buyer, Some(BuyerId::Company(RecordId(701))));
    let made = the_invoice(&stack);
    assert_eq!(made["CustomerRef"]["value"], shown.output("customer_id"));
    assert_eq!(made["BillEmail"]["Address"], "ana@harborkitchen.example");
    assert_eq!(
        (&made["BillAddr"]["Line1"], &made["BillAddr"]["Line2"]),
        (&json!("12 Harbour Rd"), &json!("Floor 3"))
    );
    let customer = customers(&stack, name).pop().unwrap();
    assert_eq!((&customer["CompanyName"], &customer["PrimaryEmailAddr"]), (&json!(name), &json!(null)));
    assert_eq!(customer["WebAddr"]["URI"], "https://northwind.example");
    // Another contact of the same company: remembered, and without its memory found by the name.
    portal(&stack, grinder(901, json!(["503"]), json!([primary("701")]))).await;
    assert_eq!(created(&stack, invoice(901)).await.output("customer_match"), "link");
    forget_matches(&stack).await;
    let again = created(&stack, invoice(901)).await;
    assert_eq!(
        (again.output("customer_match"), again.output("customer_id")),
        ("name", shown.output("customer_id"))
    );
    assert_eq!(customers(&stack, name).len(), 1);
}

#[tokio::test]
async fn a_quotes_billing_company_is_billed_as_a_deals_only_one_is() {
    let stack = billing_companies().await;
    let customer = json!({"DisplayName": "Bistro (Oakland)", "CompanyName": "Bistro 100% + Co"});
    company(&stack, json!({"customers": [customer]})).await;
    portal(&stack, grinder(900, json!([]), json!(["702"]))).await;
    let shown = created(&stack, invoice(900)).await;
    assert_eq!((shown.output("customer_name"), shown.output("customer_match")), ("Bistro (Oakland)", "name"));
    assert_eq!(the_invoice(&stack)["BillEmail"], json!(null));
    let mut quote = crate::quotes::quote("910", json!({}));
    let billing = json!([{"id": "701", "type_ids": [71]}, {"id": "702", "type_ids": [71, 1334]}]);
    quote["quotes"][0]["associations"]["companies"] = billing;
    portal(&stack, quote).await;
    let shown = created(&stack, crate::quotes::enroll("estimate", "QUOTE", 910)).await;
    assert_eq!((shown.output("customer_name"), shown.output("customer_match")), ("Bistro (Oakland)", "link"));
}

#[tokio::test]
async fn a_company_nobody_can_be_sure_of_is_told() {
    let stack = billing_companies().await;
    portal(&stack, json!({"companies": [{"id": "703", "properties": {"domain": "nameless.example"}}]})).await;
    for (id, companies, told) in [
        (900, json!([]), "has no company"),
        (901, json!([unlabelled("701"), unlabelled("702")]), "“Bistro 100% + Co”"),
        (902, json!(["703"]), "The company 703"),
    ] {
        portal(&stack, grinder(id, json!(["501"]), companies)).await;
        let shown = refused(&stack, invoice(id), "NO_COMPANY").await;
        assert!(shown.output("errorMessage").contains(told), "{}", shown.0);
        assert!(shown.label().contains(&format!("Grinder {id}")), "{}", shown.label());
    }
}

#[tokio::test]
async fn a_companys_name_that_a_vendor_has_gets_the_companys_id() {
    let stack = billing_companies().await;
    company(&stack, json!({"vendors": [{"DisplayName": "Bistro 100% + Co"}]})).await;
    portal(&stack, grinder(900, json!(["501"]), json!(["702"]))).await;
    let shown = created(&stack, invoice(900)).await;
    assert_eq!(shown.output("customer_name"), "Bistro 100% + Co (HS 702)");
    forget_matches(&stack).await;
    let again = created(&stack, invoice(900)).await;
    assert_eq!(
        (again.output("customer_id"), again.output("customer_match")),
        (shown.output("customer_id"), "name")
    );
}

#[tokio::test]
async fn two_deals_of_one_new_company_at_once_make_one_customer() {
    let stack = billing_companies().await;
    portal(&stack, grinder(900, json!(["501"]), json!(["702"]))).await;
    portal(&stack, grinder(901, json!(["503"]), json!(["702"]))).await;
    let (first, second) = tokio::join!(created(&stack, invoice(900)), created(&stack, invoice(901)));
    assert_eq!(first.output("customer_id"), second.output("customer_id"));
    assert_eq!(customers(&stack, "Bistro 100% + Co").len(), 1);
}

#[tokio::test]
async fn a_contact_that_is_billed_costs_no_call_for_a_company() {
    let stack = stack().await;
    portal(&stack, grinder(900, json!(["501"]), json!(["702"]))).await;
    portal(&stack, json!({"companies": [{"id": "702", "properties": {"name": "Bistro"}}]})).await;
    let shown = created(&stack, but(invoice(900), json!({}))).await;
    assert_eq!(shown.output("customer_name"), "Ana Trujillo");
    assert!(stack.calls(Vendor::HubSpot).iter().all(|call| !call.path.contains("companies")));
}

#[tokio::test]
async fn a_companys_remembered_customer_that_is_gone_is_looked_for_again() {
    let stack = billing_companies().await;
    portal(&stack, grinder(900, json!(["501"]), json!(["702"]))).await;
    let first = created(&stack, invoice(900)).await;
    let id = first.output("customer_id").to_owned();
    company(&stack, json!({"customers": [{"Id": id, "Active": false}]})).await;
    let second = created(&stack, invoice(900)).await;
    assert_ne!(second.output("customer_id"), id);
    assert_eq!(second.output("customer_match"), "created");
    assert_eq!(created(&stack, invoice(900)).await.output("customer_match"), "link");
}

#[tokio::test]
async fn a_customer_that_was_merged_into_another_one_is_created_anew() {
    let stack = stack().await;
    let ana = json!({"firstname": "Ana", "lastname": "Ortiz", "email": "ana@acme.example"});
    contact(&stack, 900, ana).await;
    let id = created(&stack, invoice(900)).await.output("customer_id").to_owned();
    // What was merged is found by nothing any more, and a document that names it is refused.
    let other = json!({"Id": id, "DisplayName": "Acme", "GivenName": "A", "FamilyName": "B",
        "PrimaryEmailAddr": {"Address": "office@acme.example"}});
    company(&stack, json!({"customers": [other]})).await;
    let gone = json!({"Fault": {"Error": [{"Message": "Invalid Reference Id", "code": "2500",
        "Detail": format!("Invalid Reference Id : Customers element id {id} not found")}], "type": "ValidationFault"}});
    let answer = |method: &str, path: &str, status: u16, body: Value| {
        json!({"method": method, "path": path, "times": 1, "status": status, "body": body.to_string(),
            "content_type": "application/json"})
    };
    let nothing = json!({"QueryResponse": {}});
    let faults = json!([answer("POST", "/invoice", 400, gone), answer("GET", "/query", 200, nothing)]);
    stack.faults(Vendor::QuickBooks, &faults).unwrap();
    let before = stack.calls(Vendor::QuickBooks).len();
    let again = created(&stack, invoice(900)).await;
    assert_ne!(again.output("customer_id"), id);
    assert_eq!((again.output("customer_match"), again.output("customer_name")), ("created", "Ana Ortiz"));
    let calls = &stack.calls(Vendor::QuickBooks)[before..];
    let asked = calls.iter().filter(|call| call.path.ends_with("/query")).count();
    assert_eq!(asked, 1, "by its id");
}

#[tokio::test]
async fn a_customer_whose_address_was_corrected_in_quickbooks_is_still_the_contact_s() {
    let stack = stack().await;
    contact(&stack, 900, json!({"firstname": "Ana", "lastname": "Ortiz", "email": "ana@acme.exmaple"})).await;
    let id = created(&stack, invoice(900)).await.output("customer_id").to_owned();
    for address in ["ana@acme.example", "books@acme.example, ana@acme.exmaple"] {
        let corrected = json!({"Id": id, "PrimaryEmailAddr": {"Address": address}});
        company(&stack, json!({"customers": [corrected]})).await;
        forget_matches(&stack).await;
        assert_eq!(created(&stack, invoice(900)).await.output("customer_id"), id, "{address}");
    }
}

#[tokio::test]
async fn an_address_that_moved_to_another_person_is_another_customer() {
    let stack = stack().await;
    let shared = "info@acme.example";
    contact(&stack, 900, json!({"firstname": "Ana", "lastname": "Ortiz", "email": shared})).await;
    let ana = created(&stack, invoice(900)).await.output("customer_id").to_owned();
    let own = json!({"Id": ana, "PrimaryEmailAddr": {"Address": "ana@acme.example"}});
    company(&stack, json!({"customers": [own]})).await;
    contact(&stack, 910, json!({"firstname": "Bob", "lastname": "Ortiz", "email": shared})).await;
    let bob = created(&stack, invoice(910)).await;
    assert_eq!((bob.output("customer_match"), bob.output("customer_name")), ("created", "Bob Ortiz"));
    assert_ne!(bob.output("customer_id"), ana);
    // And the address is Bob's from then on.
    contact(&stack, 920, json!({"firstname": "Bob", "lastname": "Ortiz", "email": shared})).await;
    assert_eq!(created(&stack, invoice(920)).await.output("customer_id"), bob.output("customer_id"));
}

/// A contact of these properties, with a deal over a grinder.
async fn contact(stack: &Stack, id: u64, properties: Value) {
    let contact_id = format!("{id}5");
    portal(stack, json!({"contacts": [{"id": contact_id, "properties": properties}]})).await;
    portal(stack, grinder(id, json!([contact_id]), json!([]))).await;
}

#[tokio::test]
async fn people_whose_names_are_hard_to_write_are_created_and_found_again() {
    let stack = stack().await;
    for (id, first, last) in [
        (900, "Seán \"Sam\" O'Hara", "& Søn + 100% \\ Co"),
        (901, "\u{202B}דנה", "לוי\u{202C}"),
        (902, "محمد", "الفاسي"),
        (903, "Ame\u{301}lie", "Du\u{AD}pont"),
        (904, "花子", "山田"),
        (905, "Cher", " "),
        (906, "🎁 Ana", "Trujillo: Jr"),
        (907, &"å".repeat(90), &"ß".repeat(90)),
    ] {
        let email = format!("someone+{id}@people.example");
        contact(&stack, id, json!({"firstname": first, "lastname": last, "email": email})).await;
        let shown = created(&stack, invoice(id)).await;
        assert_eq!(shown.output("customer_match"), "created", "{}", shown.0);
        let made = customers(&stack, shown.output("customer_name")).pop().unwrap();
        assert_eq!(made["PrimaryEmailAddr"]["Address"], email);
        // By the address, and without one by the name.
        forget_matches(&stack).await;
        let again = created(&stack, invoice(id)).await;
        assert_eq!(
            (again.output("customer_match"), again.output("customer_id")),
            ("email", shown.output("customer_id"))
        );
        company(&stack, json!({"customers": [{"Id": made["Id"], "PrimaryEmailAddr": null}]})).await;
        forget_matches(&stack).await;
        let again = created(&stack, invoice(id)).await;
        assert_eq!(
            (again.output("customer_match"), again.output("customer_id")),
            ("name", shown.output("customer_id"))
        );
    }
}

#[tokio::test]
async fn several_customers_with_the_contacts_address_are_listed() {
    let stack = stack().await;
    let twin = |name: &str| json!({"DisplayName": name, "PrimaryEmailAddr": {"Address": "ana@harborkitchen.example"}});
    company(&stack, json!({"customers": [twin("Harbor East"), twin("Harbor West")]})).await;
    let shown = refused(&stack, invoice(local::world::HARBOR), "CUSTOMER_AMBIGUOUS").await;
    let message = shown.output("errorMessage");
    assert!(message.contains("“Harbor East”, “Harbor West”"), "{message}");
}

#[tokio::test]
async fn the_first_of_several_addresses_in_one_field_is_used_and_that_is_told() {
    let stack = stack().await;
    let email = "eva@people.example; office@people.example";
    contact(&stack, 900, json!({"firstname": "Eva", "lastname": "Soto", "email": email})).await;
    let shown = created(&stack, invoice(900)).await;
    assert!(shown.output("warnings").contains("several e-mail addresses"), "{}", shown.0);
    assert_eq!(the_invoice(&stack)["BillEmail"]["Address"], "eva@people.example");
}

#[tokio::test]
async fn a_name_that_another_customer_has_gets_the_contacts_id() {
    let stack = stack().await;
    let other = json!({"DisplayName": "Theo Brandt", "PrimaryEmailAddr": {"Address": "other@theo.example"}});
    company(&stack, json!({"customers": [other]})).await;
    let shown = created(&stack, invoice(local::world::THEO_FIRST)).await;
    assert_eq!(shown.output("customer_name"), "Theo Brandt (HS 502)");
}

/// Intuit renames customers that are made inactive; one that kept its name nevertheless is no one's to replace.
#[tokio::test]
async fn an_inactive_customer_that_keeps_its_name_is_told() {
    let stack = stack().await;
    let taken = json!({"Fault": {"Error": [{"Message": "x", "Detail": "x : null", "code": "6240"}], "type": "ValidationFault"}});
    let address = "theo.brandt@brandtandsons.example";
    let inactive = json!({"Id": "77", "DisplayName": "Theo Brandt", "Active": false, "PrimaryEmailAddr": {"Address": address}});
    let found = json!({"QueryResponse": {"Customer": [inactive], "startPosition": 1, "maxResults": 1}});
    let answer = |path: &str, status: u16, body: Value| {
        json!({"method": "POST", "path": path, "times": 1, "status": status, "body": body.to_string(),
            "content_type": "application/json"})
    };
    let faults = json!([answer("/customer", 400, taken), answer("/query", 200, found)]);
    stack.faults(Vendor::QuickBooks, &faults).unwrap();
    let shown = refused(&stack, invoice(local::world::THEO_FIRST), "CUSTOMER_INACTIVE").await;
    assert_eq!(shown.output("error_subject"), "Theo Brandt");
    assert!(shown.label().contains("Theo Brandt"), "{}", shown.label());
}

#[tokio::test]
async fn a_company_waits_for_a_person_where_several_customers_have_its_name() {
    let stack = billing_companies().await;
    let branch = |name: &str| json!({"DisplayName": name, "CompanyName": "Bistro 100% + Co"});
    company(&stack, json!({"customers": [branch("Bistro East"), branch("Bistro West")]})).await;
    portal(&stack, grinder(900, json!(["501"]), json!(["702"]))).await;
    let shown = refused(&stack, invoice(900), "CUSTOMER_AMBIGUOUS").await;
    let message = shown.output("errorMessage");
    assert!(message.contains("“Bistro East”, “Bistro West”"), "{message}");
    assert_eq!(shown.output("error_subject"), "Bistro 100% + Co");
    assert!(shown.label().contains("company name of Bistro 100% + Co"), "{}", shown.label());
}
