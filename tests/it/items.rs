//! Lines that no product of QuickBooks fits: the action may create the product, once, and says so.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use local::stack::{Stack, Vendor};
use local::world::{LETTERING, PORTAL, THEO_FIRST};
use serde_json::{Value, json};
use store::record::Key;

use crate::support::{
    Checked, Shown, but, company, created, invoice, portal, refused, rows, run, settings, settled, stack,
};

/// Sales of Product Income: every simulated company has it.
const INCOME: &str = "9004";

/// A deal enrolled into an action that creates products.
fn creating(deal: u64) -> Value {
    but(invoice(deal), json!({"inputs": {"quickbooks_account": "default", "missing_item": "create"}}))
}

/// A deal of a known customer with one line for each of these.
pub(crate) async fn deal(stack: &Stack, id: u64, lines: &[Value]) {
    let line = |(number, properties): (usize, &Value)| {
        let priced = json!({"quantity": "1", "price": "50", "amount": "50"});
        json!({"id": format!("{id}{number}"), "properties": but(priced, properties.clone())})
    };
    let lines: Vec<Value> = lines.iter().enumerate().map(line).collect();
    let ids: Vec<&Value> = lines.iter().map(|line| &line["id"]).collect();
    let deal = json!({"id": id.to_string(), "properties": {"dealname": format!("Deal {id}")},
        "associations": {"contacts": ["503"], "line_items": ids}});
    portal(stack, json!({"deals": [deal], "line_items": lines})).await;
}

fn items(stack: &Stack, name: &str) -> Vec<Value> {
    rows(stack, "Item").into_iter().filter(|item| item["Name"] == name).collect()
}

fn item_refs(document: &Value) -> Vec<&Value> {
    let lines = document["Line"].as_array().unwrap().iter();
    lines.map(|line| &line["SalesItemLineDetail"]["ItemRef"]["value"]).filter(|id| !id.is_null()).collect()
}

fn item_creates(stack: &Stack) -> usize {
    let calls = stack.calls(Vendor::QuickBooks).into_iter();
    calls.filter(|call| call.method == "POST" && call.path.ends_with("/item")).count()
}

/// The products that an execution's record says were created for it.
async fn kept(stack: &Checked, shown: &Shown) -> Vec<String> {
    let callback_id = shown.0["callback_id"].as_str().unwrap();
    let record = stack.store.record(&Key::execution(PORTAL, callback_id)).await.unwrap();
    record.unwrap().created_items
}

fn told(name: &str) -> String {
    format!("Product “{name}” was created in QuickBooks.")
}

#[tokio::test]
async fn a_line_that_is_no_product_becomes_one_and_is_found_from_then_on() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    let gold = json!({"name": "Gold leaf: extra", "hs_sku": "GL-1", "hs_product_id": "77001"});
    deal(&stack, 900, &[gold.clone(), json!({"name": "Fitting"}), json!({"name": "fitting "}), gold]).await;
    let shown = created(&stack, creating(900)).await;
    let renamed = "QuickBooks does not take the texts of “Gold leaf: extra” whole: they were shortened, or lost characters.";
    let told = [told("Fitting"), told("Gold leaf extra"), renamed.to_owned()];
    assert_eq!(shown.output("warnings"), told.join(" | "));
    let (gold, fitting) = (items(&stack, "Gold leaf extra"), items(&stack, "Fitting"));
    assert_eq!((gold.len(), fitting.len()), (1, 1));
    assert_eq!(
        (&gold[0]["Sku"], &gold[0]["Type"], &gold[0]["Taxable"], &gold[0]["IncomeAccountRef"]["value"]),
        (&json!("GL-1"), &json!("NonInventory"), &json!(true), &json!(INCOME))
    );
    let made = rows(&stack, "Invoice").pop().unwrap();
    let [gold, fitting] = [&gold[0]["Id"], &fitting[0]["Id"]];
    assert_eq!(item_refs(&made), [gold, fitting, fitting, gold]);
    // The next one finds them: by product, by name, and, where the name is not HubSpot's, by what was claimed.
    deal(
        &stack,
        901,
        &[
            json!({"name": "Gold leaf: extra"}),
            json!({"name": "Fitting"}),
            json!({"name": "x", "hs_product_id": "77001"}),
        ],
    )
    .await;
    let shown = created(&stack, creating(901)).await;
    assert_eq!(shown.output("warnings"), renamed);
    assert_eq!(item_refs(rows(&stack, "Invoice").last().unwrap()), [gold, fitting, gold]);
    assert_eq!(item_creates(&stack), 2);
}

#[tokio::test]
async fn without_an_income_account_nothing_is_created_and_the_setting_is_named() {
    let stack = stack().await;
    let shown = refused(&stack, creating(LETTERING), "SETTING_MISSING").await;
    assert!(shown.output("errorMessage").contains("“income_account”"), "{}", shown.0);
    assert_eq!(shown.output("error_subject"), "Window lettering");
    settings(&stack, json!({"income_account": "9001"})).await;
    let shown = refused(&stack, creating(LETTERING), "QUICKBOOKS_REFUSED").await;
    assert!(shown.output("errorMessage").contains("QuickBooks error 6430"), "{}", shown.0);
    assert!(items(&stack, "Window lettering").is_empty());
    // What was refused is tried anew by whoever needs it next.
    settings(&stack, json!({"income_account": INCOME})).await;
    let shown = created(&stack, creating(LETTERING)).await;
    assert_eq!(shown.output("warnings"), told("Window lettering"));
}

#[tokio::test]
async fn for_a_document_that_a_person_must_mend_no_product_is_created() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    let nobody = json!({"id": "990", "properties": {"firstname": "Ida"}});
    let line =
        json!({"id": "991", "properties": {"name": "Lamp", "quantity": "1", "price": "5", "amount": "5"}});
    let deal = json!({"id": "900", "properties": {"dealname": "No address"},
        "associations": {"contacts": ["990"], "line_items": ["991"]}});
    portal(&stack, json!({"contacts": [nobody], "deals": [deal], "line_items": [line]})).await;
    refused(&stack, creating(900), "CONTACT_INCOMPLETE").await;
    assert!(items(&stack, "Lamp").is_empty());
}

#[tokio::test]
async fn what_was_created_for_a_document_that_then_failed_is_told_with_the_failure() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    let names = ["Theo Brandt", "Theo Brandt (HS 502)"].map(|name| json!({"DisplayName": name}));
    company(&stack, json!({"vendors": names})).await;
    let line =
        json!({"id": "991", "properties": {"name": "Lamp", "quantity": "1", "price": "5", "amount": "5"}});
    let deal =
        json!({"id": THEO_FIRST.to_string(), "associations": {"contacts": ["502"], "line_items": ["991"]}});
    portal(&stack, json!({"deals": [deal], "line_items": [line]})).await;
    let shown = refused(&stack, creating(THEO_FIRST), "NAME_TAKEN").await;
    assert!(shown.output("errorMessage").ends_with(&told("Lamp")), "{}", shown.0);
    // QuickBooks refuses the document itself.
    let refusal = json!({"Fault": {"Error": [{"Message": "No", "Detail": "No", "code": "6200"}], "type": "ValidationFault"}});
    let refused_once = json!([{"method": "POST", "path": "/invoice", "times": 1, "status": 400, "body": refusal.to_string()}]);
    stack.faults(Vendor::QuickBooks, &refused_once).unwrap();
    self::deal(&stack, 901, &[json!({"name": "Shade"})]).await;
    let shown = refused(&stack, creating(901), "PERIOD_CLOSED").await;
    assert!(shown.output("errorMessage").ends_with(&told("Shade")), "{}", shown.0);
}

/// Whatever ended it: a later attempt reads the record anew, and may find nothing of it.
#[tokio::test]
async fn of_products_created_side_by_side_those_that_were_are_told_with_the_one_that_was_refused() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    let names = ["Window lettering", "Door lettering", "Floor lettering"];
    let lines: Vec<Value> = names.map(|name| json!({"name": name})).into();
    deal(&stack, 900, &lines).await;
    let refusal = json!({"Fault": {"Error": [{"Message": "x", "Detail": "x", "code": "2050"}], "type": "ValidationFault"}});
    let fault = json!([{"method": "POST", "path": "/item", "times": 1, "status": 400, "body": refusal.to_string(),
        "content_type": "application/json"}]);
    stack.faults(Vendor::QuickBooks, &fault).unwrap();
    let shown = refused(&stack, creating(900), "QUICKBOOKS_REFUSED").await;
    assert_eq!(item_creates(&stack), 3);
    let message = shown.output("errorMessage");
    let told = names.iter().filter(|name| message.contains(&told(name))).count();
    assert_eq!(told, 2, "{message}");
    assert!(rows(&stack, "Invoice").is_empty());
}

#[tokio::test]
async fn what_was_created_for_a_plan_that_was_given_up_is_told_with_the_failure() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    let lamp = |gone: bool| {
        json!({
            "deals": [{"id": THEO_FIRST.to_string(), "archived": gone,
                "associations": {"contacts": ["502"], "line_items": ["991"]}}],
            "line_items": [{"id": "991", "archived": gone,
                "properties": {"name": "Lamp", "quantity": "1", "price": "5", "amount": "5"}}],
        })
    };
    portal(&stack, lamp(false)).await;
    // The product is created, and whether the customer is nobody knows yet.
    let fault = json!([{"method": "POST", "path": "/customer", "times": 1, "status": 503}]);
    stack.faults(Vendor::QuickBooks, &fault).unwrap();
    let shown = run(&stack, creating(THEO_FIRST)).await;
    assert_eq!((shown.states(), items(&stack, "Lamp").len()), (vec!["BLOCK".to_owned()], 1));
    assert_eq!(kept(&stack, &shown).await, ["Lamp"]);
    portal(&stack, lamp(true)).await;
    stack.advance_clock(SignedDuration::from_mins(5));
    let shown = settled(&stack, shown).await;
    assert_eq!(shown.output("errorCode"), "RECORD_NOT_FOUND", "{}", shown.0);
    assert!(shown.output("errorMessage").ends_with(&told("Lamp")), "{}", shown.0);
    assert!(kept(&stack, &shown).await.is_empty(), "the answer has it");

    // QuickBooks refuses the document for what a new plan may mend, and the record is gone by then.
    let gone = json!({"Fault": {"Error": [{"Message": "x", "Detail": "x", "code": "2500"}], "type": "ValidationFault"}});
    let refusal = json!([{"method": "POST", "path": "/invoice", "times": 1, "status": 400,
        "body": gone.to_string(), "content_type": "application/json"}]);
    stack.faults(Vendor::QuickBooks, &refusal).unwrap();
    let missing = json!([{"method": "GET", "path": "/deals/901", "skip": 1, "times": 99, "status": 404}]);
    stack.faults(Vendor::HubSpot, &missing).unwrap();
    deal(&stack, 901, &[json!({"name": "Shade"})]).await;
    let shown = run(&stack, creating(901)).await;
    stack.advance_clock(SignedDuration::from_mins(5));
    let shown = settled(&stack, shown).await;
    assert_eq!(shown.output("errorCode"), "RECORD_NOT_FOUND", "{}", shown.0);
    assert!(shown.output("errorMessage").ends_with(&told("Shade")), "{}", shown.0);
}

#[tokio::test]
async fn what_was_created_before_another_run_made_the_document_is_told_with_that_one() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    let inputs = json!({"quickbooks_account": "default", "missing_item": "create", "if_repeated": "return"});
    deal(&stack, 900, &[json!({"name": "Lamp"}), json!({"name": "Shade"})]).await;
    let fault = json!([{"method": "POST", "path": "/item", "skip": 1, "times": 1, "status": 503}]);
    stack.faults(Vendor::QuickBooks, &fault).unwrap();
    let waiting = run(&stack, but(invoice(900), json!({"inputs": inputs}))).await;
    assert_eq!((waiting.states(), items(&stack, "Lamp").len()), (vec!["BLOCK".to_owned()], 1));
    // Somebody takes the second line off, and enrolls the deal once more.
    deal(&stack, 900, &[json!({"name": "Lamp"})]).await;
    let made = created(&stack, invoice(900)).await;
    assert_eq!(made.output("warnings"), "");
    stack.advance_clock(SignedDuration::from_mins(5));
    let shown = settled(&stack, waiting).await;
    assert_eq!(
        (shown.output("status"), shown.output("document_id"), shown.output("warnings")),
        ("existing", made.output("document_id"), told("Lamp").as_str())
    );
}

#[tokio::test]
async fn what_has_the_name_meanwhile_is_used_if_it_can_be_sold() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    // A person calls it as QuickBooks allows, which HubSpot's name does not find.
    company(&stack, json!({"items": [{"Name": "Sign LED"}, {"Name": "Sign neon", "Type": "Category"}]}))
        .await;
    deal(&stack, 900, &[json!({"name": "Sign: LED"})]).await;
    let shown = created(&stack, creating(900)).await;
    let led = items(&stack, "Sign LED");
    assert!(
        led.len() == 1 && !shown.output("warnings").contains("created"),
        "nobody created anything: {}",
        shown.0
    );
    assert_eq!(item_refs(&rows(&stack, "Invoice")[0]), [&led[0]["Id"]]);
    deal(&stack, 901, &[json!({"name": "Sign: neon"})]).await;
    let shown = refused(&stack, creating(901), "ITEM_INACTIVE").await;
    assert!(shown.output("errorMessage").contains("category “Sign neon”"), "{}", shown.0);
}

#[tokio::test]
async fn a_crowd_of_deals_for_one_new_product_makes_one() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    let deals = 900..920;
    for id in deals.clone() {
        let name = if id % 2 == 0 { "Window lettering" } else { "WINDOW  lettering" };
        deal(&stack, id, &[json!({"name": name}), json!({"name": "Varnish"})]).await;
    }
    let shown = futures::future::join_all(deals.map(|id| run(&stack, creating(id)))).await;
    let mut told_by = 0;
    for shown in shown {
        let shown = settled(&stack, shown).await;
        assert_eq!(shown.state(), "SUCCESS", "{}", shown.0);
        told_by += usize::from(shown.output("warnings").contains("Varnish"));
    }
    let lettering: Vec<Value> = rows(&stack, "Item")
        .into_iter()
        .filter(|item| item["Name"].as_str().unwrap().to_lowercase() == "window lettering")
        .collect();
    assert_eq!((lettering.len(), items(&stack, "Varnish").len()), (1, 1));
    assert_eq!(rows(&stack, "Invoice").len(), 20);
    assert!(told_by >= 1, "nobody told that Varnish was created");
}

#[tokio::test]
async fn a_product_whose_reply_was_lost_is_found_and_told_of() {
    let stack = stack().await;
    settings(&stack, json!({"income_account": INCOME})).await;
    company(&stack, json!({"switches": {"request_ids": "ignore"}})).await;
    let fault = json!([{"method": "POST", "path": "/item", "times": 1, "status": 503, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &fault).unwrap();
    let shown = run(&stack, creating(LETTERING)).await;
    assert_eq!(shown.states(), ["BLOCK"]);
    stack.advance_clock(SignedDuration::from_mins(5));
    let shown = settled(&stack, shown).await;
    assert_eq!((shown.state(), shown.output("warnings")), ("SUCCESS", told("Window lettering").as_str()));
    assert_eq!((items(&stack, "Window lettering").len(), item_creates(&stack)), (1, 1));
}

/// The statements that asked for items so far, alone or in a batch.
fn asked_for_items(stack: &Stack) -> Vec<String> {
    let statements = |call: simulators::control::Call| match call.path.rsplit('/').next() {
        Some("query") => vec![call.request_body],
        Some("batch") => {
            let body: Value = serde_json::from_str(&call.request_body).unwrap();
            let queries = body["BatchItemRequest"].as_array().unwrap().iter();
            queries.filter_map(|item| item["Query"].as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    let asked = stack.calls(Vendor::QuickBooks).into_iter().flat_map(statements);
    asked.filter(|statement| statement.starts_with("select * from Item ")).collect()
}

/// Products of the company, and lines for them: this many found by their SKUs, as their names are others, and this many by name.
async fn many_products(stack: &Stack, by_sku: usize, by_name: usize, name: &str) -> Vec<Value> {
    let named = |number: usize| format!("{name} {number:03}");
    let with_sku = (0..by_sku)
        .map(|number| json!({"Name": format!("Part {number:03}"), "Sku": format!("P-{number:03}")}));
    let others = (0..by_name).map(|number| json!({"Name": named(number)}));
    company(stack, json!({"items": with_sku.chain(others).collect::<Vec<_>>()})).await;
    let with_sku = (0..by_sku)
        .map(|number| json!({"name": format!("In HubSpot {number:03}"), "hs_sku": format!("p-{number:03}")}));
    with_sku.chain((0..by_name).map(|number| json!({"name": named(number)}))).collect()
}

/// The names of the items on the last invoice, in its lines' order.
fn sold(stack: &Stack) -> Vec<String> {
    let names: BTreeMap<String, String> = rows(stack, "Item")
        .iter()
        .map(|item| (item["Id"].to_string(), item["Name"].as_str().unwrap().to_owned()))
        .collect();
    item_refs(rows(stack, "Invoice").last().unwrap())
        .iter()
        .map(|id| names[&id.to_string()].clone())
        .collect()
}

#[tokio::test]
async fn any_number_of_products_is_looked_for_thirty_at_a_time_and_each_line_gets_its_own() {
    let stack = stack().await;
    company(&stack, json!({"switches": {"query": {"most_values": 30, "longest_statement": 4_000}}})).await;
    let lines = many_products(&stack, 61, 35, "Fitting").await;
    deal(&stack, 900, &lines).await;
    created(&stack, invoice(900)).await;
    let expected = (0..61).map(|number| format!("Part {number:03}"));
    assert_eq!(
        sold(&stack),
        expected.chain((0..35).map(|number| format!("Fitting {number:03}"))).collect::<Vec<_>>()
    );
    // 61 SKUs, their 61 names, and 35 names that are also asked for as those of inactive products.
    let asked = asked_for_items(&stack);
    let of = |attribute: &str| {
        asked.iter().filter(|statement| statement.contains(&format!(" {attribute} in ("))).count()
    };
    assert_eq!((of("Sku"), of("Name"), asked.len()), (3, 5, 8));
}

#[tokio::test]
async fn long_names_are_looked_for_in_statements_of_four_kilobytes() {
    let stack = stack().await;
    company(&stack, json!({"switches": {"query": {"most_values": 30, "longest_statement": 4_000}}})).await;
    let name = format!("'{}", "灯".repeat(85));
    let lines = many_products(&stack, 0, 40, &name).await;
    deal(&stack, 900, &lines).await;
    created(&stack, invoice(900)).await;
    assert_eq!(sold(&stack), (0..40).map(|number| format!("{name} {number:03}")).collect::<Vec<_>>());
    let asked = asked_for_items(&stack);
    let longest = asked.iter().map(String::len).max().unwrap();
    assert!(longest <= 4_000, "{longest} bytes");
    // 80 names of some 270 bytes.
    assert_eq!(asked.len(), 6);
}
