//! Creating what documents refer to: vendors, employees, items and the small lists.

use super::*;

fn item(part: Value) -> Value {
    let mut item = json!({"Name": "Lamp", "Type": "NonInventory", "IncomeAccountRef": {"value": "9004"}});
    item.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    item
}

#[tokio::test]
async fn an_item_is_completed_found_and_sold() {
    let books = books().await;
    let made = books.create("item", item(json!({"Sku": "LMP-1", "UnitPrice": exact("12.50")}))).await["Item"]
        .clone();
    assert_eq!(
        (&made["Id"], &made["Active"], &made["FullyQualifiedName"]),
        (&json!("7"), &json!(true), &json!("Lamp"))
    );
    assert_eq!(made["IncomeAccountRef"], json!({"value": "9004", "name": "Sales of Product Income"}));
    assert_eq!((&made["Taxable"], &made["TrackQtyOnHand"]), (&json!(false), &json!(false)));
    let found = books.query("select * from Item where Sku in ('LMP-1')").await;
    assert_eq!(found["QueryResponse"]["Item"][0], made);
    books
        .create(
            "invoice",
            invoice_with(|i| i["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"] = json!("7")),
        )
        .await;
}

#[tokio::test]
async fn an_item_in_a_category_is_called_after_it() {
    let books = books().await;
    let category = books.create("item", json!({"Name": "Light", "Type": "Category"})).await["Item"].clone();
    let inside = json!({"ParentRef": {"value": category["Id"]}, "SubItem": true});
    let made = books.create("item", item(inside.clone())).await["Item"].clone();
    assert_eq!((&made["FullyQualifiedName"], &made["SubItem"]), (&json!("Light:Lamp"), &json!(true)));
    // A name is taken among the items of one parent only.
    books.create("item", item(json!({}))).await;
    assert_eq!(books.refused("item", item(inside)).await, "6240");
}

#[tokio::test]
async fn each_broken_rule_of_an_item_has_its_code() {
    let books = books().await;
    let without = |name: &str| {
        let mut item = item(json!({}));
        item.as_object_mut().unwrap().remove(name);
        item
    };
    for (expected, body) in [
        ("2010", item(json!({"Colour": "blue"}))),
        ("2020", without("Name")),
        ("2020", without("Type")),
        ("2020", without("IncomeAccountRef")),
        ("2020", item(json!({"Type": "Inventory"}))),
        ("2040", item(json!({"Name": "Light:Lamp"}))),
        ("2050", item(json!({"Name": "x".repeat(101)}))),
        ("2170", item(json!({"Type": "Group"}))),
        ("2500", item(json!({"IncomeAccountRef": {"value": "79"}}))),
        ("6240", item(json!({"Name": "WIDGET"}))),
        ("6430", item(json!({"IncomeAccountRef": {"value": "9001"}}))),
    ] {
        assert_eq!(books.refused("item", body.clone()).await, expected, "{body}");
    }
    books.switch(json!({"omitted_item_type": "service"}));
    assert_eq!(books.create("item", without("Type")).await["Item"]["Type"], "Service");
    books.switch(json!({"plan": "essentials"}));
    let stocked = json!({"Name": "Chair", "Type": "Inventory", "TrackQtyOnHand": true, "QtyOnHand": 5, "InvStartDate": "2026-01-01",
        "AssetAccountRef": {"value": "9003"}, "ExpenseAccountRef": {"value": "9004"}});
    assert_eq!(books.refused("item", item(stocked.clone())).await, "5030");
    books.switch(json!({}));
    assert_eq!(books.create("item", item(stocked)).await["Item"]["TrackQtyOnHand"], true);
}

#[tokio::test]
async fn a_full_update_of_an_item_takes_away_what_it_leaves_out_but_not_what_it_is() {
    let books = books().await;
    let made =
        books.create("item", item(json!({"Sku": "LMP-1", "Description": "Bright"}))).await["Item"].clone();
    let body = json!({"Id": made["Id"], "SyncToken": "0", "Name": "Lantern", "Sku": "LMP-1"});
    let changed = books.create("item", body).await["Item"].clone();
    assert_eq!(
        (&changed["Name"], &changed["Type"], changed.get("Description")),
        (&json!("Lantern"), &json!("NonInventory"), None)
    );
    assert_eq!(changed["FullyQualifiedName"], "Lantern");
    let other = json!({"Id": made["Id"], "SyncToken": "1", "sparse": true, "Type": "Service"});
    assert_eq!(books.refused("item", other).await, "6000");
}

#[tokio::test]
async fn vendors_and_employees_are_called_like_customers() {
    let books = books().await;
    let vendor = books
        .create("vendor", json!({"GivenName": "Ana", "FamilyName": "Trujillo", "CompanyName": "Ink"}))
        .await;
    assert_eq!(
        (&vendor["Vendor"]["DisplayName"], &vendor["Vendor"]["Balance"]),
        (&json!("Ana Trujillo"), &json!(0))
    );
    assert_eq!(vendor["Vendor"]["CurrencyRef"]["value"], "USD");
    assert_eq!(books.refused("customer", json!({"DisplayName": "ana trujillo"})).await, "6240");
    let employee = books.create("employee", json!({"GivenName": "Bo", "FamilyName": "Li"})).await;
    assert_eq!(
        (&employee["Employee"]["DisplayName"], &employee["Employee"]["BillableTime"]),
        (&json!("Bo Li"), &json!(false))
    );
    for path in ["vendor", "employee"] {
        assert_eq!(books.refused(path, json!({})).await, "6080");
        assert_eq!(books.refused(path, json!({"DisplayName": "a:b"})).await, "2040");
    }
    assert_eq!(
        books.refused("vendor", json!({"DisplayName": "x", "CurrencyRef": {"value": "EUR"}})).await,
        "6000"
    );
}

#[tokio::test]
async fn the_small_lists_are_created_and_used() {
    let books = books().await;
    books.seed(json!({"preferences": {"AccountingInfoPrefs": {"ClassTrackingPerTxn": true, "TrackDepartments": true}}}));
    let made = |entity: &'static str, body: Value| {
        let (books, path) = (&books, entity.to_lowercase());
        async move { books.create(&path, body).await[entity].clone() }
    };
    let retail = made("Class", json!({"Name": "Retail"})).await;
    let shop = made("Class", json!({"Name": "Shop", "ParentRef": {"value": retail["Id"]}})).await;
    assert_eq!((&shop["FullyQualifiedName"], &shop["SubClass"]), (&json!("Retail:Shop"), &json!(true)));
    let oslo = made("Department", json!({"Name": "Oslo"})).await;
    let term = made("Term", json!({"Name": "Net 7", "DueDays": 7})).await;
    assert_eq!((&term["Type"], &term["Active"]), (&json!("STANDARD"), &json!(true)));
    let method = made("PaymentMethod", json!({"Name": "Stripe"})).await;
    let account = made("Account", json!({"Name": "Stripe balance", "AccountType": "Bank"})).await;
    assert_eq!(
        (&account["Classification"], &account["FullyQualifiedName"]),
        (&json!("Asset"), &json!("Stripe balance"))
    );
    let body = invoice_with(|i| {
        i["ClassRef"] = json!({"value": shop["Id"]});
        i["DepartmentRef"] = json!({"value": oslo["Id"]});
        i["SalesTermRef"] = json!({"value": term["Id"]});
    });
    let invoice = books.create("invoice", body).await["Invoice"].clone();
    assert_eq!(
        (&invoice["ClassRef"]["name"], &invoice["DueDate"]),
        (&json!("Retail:Shop"), &json!("2026-03-09"))
    );
    let paid = json!({"TotalAmt": 5, "CustomerRef": {"value": "1"}, "PaymentMethodRef": {"value": method["Id"]},
        "DepositToAccountRef": {"value": account["Id"]}});
    assert_eq!(
        books.create("payment", paid).await["Payment"]["DepositToAccountRef"]["name"],
        "Stripe balance"
    );
    for (path, expected, body) in [
        ("term", "6240", json!({"Name": "NET 30", "DueDays": 30})),
        ("term", "2020", json!({"Name": "Net"})),
        ("paymentmethod", "2050", json!({"Name": "x".repeat(32)})),
        ("paymentmethod", "6240", json!({"Name": "cash"})),
        ("account", "2020", json!({"Name": "Till"})),
        ("account", "2170", json!({"Name": "Till", "AccountType": "Drawer"})),
        ("class", "6240", json!({"Name": "retail"})),
        ("department", "2020", json!({})),
    ] {
        assert_eq!(books.refused(path, body.clone()).await, expected, "{path} {body}");
    }
}

#[tokio::test]
async fn customers_nest_in_five_levels_and_in_no_circle() {
    let books = books().await;
    let mut parent = "1".to_owned();
    for level in 2..=5 {
        let child =
            json!({"DisplayName": format!("Level {level}"), "ParentRef": {"value": parent}, "Job": true});
        parent = id(&books.create("customer", child).await["Customer"]).to_owned();
    }
    let sixth = json!({"DisplayName": "Level 6", "ParentRef": {"value": parent}});
    assert_eq!(books.refused("customer", sixth).await, "6180");
    let circle = json!({"Id": "7", "SyncToken": "0", "sparse": true, "ParentRef": {"value": "8"}});
    assert_eq!(books.refused("customer", circle).await, "700");
}

#[tokio::test]
async fn lengths_and_emoji_are_what_the_switches_say() {
    let books = books().await;
    let long = json!({"GivenName": "x".repeat(60), "FamilyName": "y".repeat(60)});
    assert_eq!(books.refused("customer", long).await, "2050");
    let party = json!({"DisplayName": "party 🎉"});
    assert_eq!(books.refused("customer", party.clone()).await, "2040");
    books.switch(json!({"display_name_length": 10, "beyond_bmp": "kept"}));
    assert_eq!(books.refused("customer", json!({"DisplayName": "Eleven more"})).await, "2050");
    assert_eq!(books.refused("customer", json!({"GivenName": "Eleven", "FamilyName": "more"})).await, "2050");
    assert_eq!(books.create("customer", party).await["Customer"]["DisplayName"], "party 🎉");
}

#[tokio::test]
async fn a_changed_row_is_as_sound_as_a_new_one() {
    let books = books().await;
    let made = books.create("item", item(json!({"Name": "Lamp"}))).await["Item"].clone();
    let row = |part: Value| {
        let mut row = json!({"Id": made["Id"], "SyncToken": "0", "sparse": true});
        row.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        row
    };
    assert_eq!(books.refused("item", row(json!({"IncomeAccountRef": {"value": "9001"}}))).await, "6430");
    let term = json!({"Id": "9201", "SyncToken": "0", "sparse": true, "DueDays": 1000});
    assert_eq!(books.refused("term", term).await, "2240");
}
