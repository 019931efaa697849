//! Companies that tax in each way, and what becomes of a record in them.

use mapping::books::Books;
use mapping::document::{self, Header};
use mapping::hubspot::Enrolled;
use mapping::item::MissingItem;
use mapping::lookup::{Answers, LinkedCustomer, Links, Matched};
use mapping::problem::Problem;
use mapping::quickbooks::{
    CompanyInfo, CustomerId, DocumentKind, Item, ItemId, Preferences, TaxCode, TaxRate,
};
use mapping::sale;
use mapping::settings::{Choices, Settings};
use rust_decimal::Decimal;
use serde_json::{Value, from_value, json};
use simulators::chance::Chance;
use simulators::quickbooks::QuickBooks;

/// How a company taxes: its country, what its preferences say, and whether HubSpot's tax has a place there.
pub(crate) struct Regime {
    name: &'static str,
    country: &'static str,
    tax_prefs: &'static str,
    taxes: bool,
}

pub(crate) const REGIMES: [Regime; 4] = [
    Regime { name: "no sales tax", country: "US", tax_prefs: "{}", taxes: false },
    Regime {
        name: "automated sales tax",
        country: "US",
        tax_prefs: r#"{"UsingSalesTax": true, "PartnerTaxEnabled": true}"#,
        taxes: true,
    },
    Regime { name: "sales tax by hand", country: "US", tax_prefs: r#"{"UsingSalesTax": true}"#, taxes: true },
    Regime { name: "tax by codes", country: "GB", tax_prefs: r#"{"UsingSalesTax": true}"#, taxes: true },
];

const REALM: &str = "9341450000000001";

/// One company, its books as QuickBooks tells them.
pub(crate) struct World {
    pub(crate) name: &'static str,
    quickbooks: QuickBooks,
    books: Books,
    items: Vec<Item>,
    taxes: bool,
}

/// What is sent.
pub(crate) struct Body {
    kind: DocumentKind,
    pub(crate) json: Value,
}

/// A document as QuickBooks would have made it.
pub(crate) struct Tried {
    pub(crate) document: Value,
    pub(crate) total: Decimal,
    pub(crate) tax: Decimal,
}

impl World {
    pub(crate) fn new(regime: &Regime) -> Self {
        let quickbooks = QuickBooks::new();
        let tax_prefs: Value = serde_json::from_str(regime.tax_prefs).unwrap();
        let exact = |number: &str| serde_json::from_str::<Value>(number).unwrap();
        let rate = |id: &str, percent: &str| json!({"Id": id, "Name": format!("Rate {id}"), "RateValue": exact(percent)});
        let code = |id: &str, rates: &[&str]| {
            let detail =
                |rate: &&str| json!({"TaxRateRef": {"value": rate}, "TaxTypeApplicable": "TaxOnAmount"});
            let details: Vec<Value> = rates.iter().map(detail).collect();
            json!({"Id": id, "Name": format!("Code {id}"), "SalesTaxRateList": {"TaxRateDetail": details}})
        };
        let company = json!({
            "realm_id": REALM, "country": regime.country, "preferences": {"TaxPrefs": tax_prefs},
            "customers": [{"Id": "5801", "DisplayName": "Ana Trujillo"}],
            "items": [{"Id": "2101", "Name": "Widget", "Sku": "WID-1", "Type": "Service", "Taxable": true},
                {"Id": "3101", "Name": "Freight", "Type": "Service", "Taxable": false}],
            "tax_rates": [rate("601", "20"), rate("602", "7"), rate("603", "8.25"), rate("604", "0.625"), rate("605", "0")],
            "tax_codes": [code("701", &["601"]), code("702", &["602"]), code("703", &["603", "604"]), code("704", &["605"])],
        });
        quickbooks.seed(json!({"companies": [company]})).unwrap();
        let state = &quickbooks.state()["companies"][0];
        let preferences: Preferences = from_value(state["preferences"].clone()).unwrap();
        let info: CompanyInfo = from_value(json!({"Country": state["country"]})).unwrap();
        let (codes, rates): (Vec<TaxCode>, Vec<TaxRate>) =
            (from_value(state["TaxCode"].clone()).unwrap(), from_value(state["TaxRate"].clone()).unwrap());
        let books = Books::read(&preferences, &info).with_tax_codes(&codes, &rates);
        let items = from_value(state["Item"].clone()).unwrap();
        Self { name: regime.name, quickbooks, books, items, taxes: regime.taxes }
    }

    /// Settings of chance, of which each rate of [`crate::record::sound`] has a code.
    pub(crate) fn settings(&self, chance: &mut Chance) -> Settings {
        // HubSpot's tax has no place where there is none.
        let tax = if self.taxes {
            chance.pick(&["quickbooks", "hubspot", "none"])
        } else {
            chance.pick(&["quickbooks", "none"])
        };
        let code = chance.pick(&["701", "702", "703"]);
        let by_hand = self.books.sales_tax == mapping::books::SalesTax::Manual;
        // A document has one code there.
        let codes = if by_hand { [code; 4] } else { ["701", "702", "703", "704"] };
        let file = json!({
            "version": 1, "fee_item": "3101", "tax": tax, "amounts": chance.pick(&["net", "gross"]),
            "discounts": chance.pick(&["net", "document"]),
            // What has no rate in HubSpot has none here.
            "default_tax_code": if tax == "hubspot" && !by_hand { "704" } else { code },
            "tax_codes": {"20": codes[0], "7": codes[1], "8.875": codes[2], "0": codes[3], "id 4711": code},
            "memo": chance.pick(&[None, Some("For {order}. Thank you.")]),
        });
        let choices = Choices::default().changed_by(&file.to_string()).unwrap();
        Settings { books: self.books.clone(), choices }
    }

    pub(crate) fn matched(&self, enrolled: &Enrolled, settings: &Settings) -> Result<Matched, Vec<Problem>> {
        let customer =
            LinkedCustomer { id: CustomerId("5801".into()), name: "Ana Trujillo".into(), currency: None };
        let links = Links { customer: Some(customer), ..Links::default() };
        let answers = Answers { items: self.items.clone(), ..Answers::default() };
        sale::read(enrolled).settle(&links, &answers, settings, MissingItem::Refuse)
    }

    pub(crate) fn written(
        &self,
        kind: DocumentKind,
        matched: &Matched,
        settings: &Settings,
        header: &Header,
    ) -> Body {
        let customer = CustomerId("5801".into());
        let items = matched.items.iter().map(|item| item.existing().map(|item| item.id.clone()));
        let items: Vec<ItemId> = items.collect::<Option<_>>().unwrap();
        let draft = document::write(kind, matched, &customer, &items, settings, header);
        Body { kind, json: serde_json::to_value(draft).unwrap() }
    }

    /// What QuickBooks would make of it, or why it refuses.
    pub(crate) fn tried(&self, Body { kind, json }: &Body) -> Result<Tried, String> {
        let document = self
            .quickbooks
            .rehearsed(REALM, kind.entity(), json)
            .map_err(|refused| format!("{refused}\n{json}"))?;
        let amount = |value: &Value| value.to_string().parse::<Decimal>().unwrap_or_default();
        let (total, tax) = (amount(&document["TotalAmt"]), amount(&document["TxnTaxDetail"]["TotalTax"]));
        Ok(Tried { document, total, tax })
    }
}
