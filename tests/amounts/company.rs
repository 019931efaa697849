//! Companies that tax in each way, with records in each currency, and what people could have chosen for them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use simulators::chance::Chance;

/// A company, and the currency that its records are in.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    regime: &'static Regime,
    has_several_currencies: bool,
    pub(crate) currency: &'static Currency,
}

/// How a company taxes: its country, what its preferences say, and whether HubSpot's tax has a place there.
#[derive(Debug)]
struct Regime {
    name: &'static str,
    country: &'static str,
    home: &'static Currency,
    tax_prefs: &'static str,
    has_tax: bool,
}

/// A currency, with its decimals, and what one of it is worth where it is foreign.
#[derive(Debug)]
pub(crate) struct Currency {
    pub(crate) code: &'static str,
    pub(crate) decimals: u32,
    rate: &'static str,
}

const DOLLAR: Currency = Currency { code: "USD", decimals: 2, rate: "0.79" };
const POUND: Currency = Currency { code: "GBP", decimals: 2, rate: "1.27" };
const EURO: Currency = Currency { code: "EUR", decimals: 2, rate: "1.0842" };
const YEN: Currency = Currency { code: "JPY", decimals: 0, rate: "0.00671234567" };
const DINAR: Currency = Currency { code: "KWD", decimals: 3, rate: "3.26" };

const AUTOMATED: &str = r#"{"UsingSalesTax": true, "PartnerTaxEnabled": true}"#;
const BY_HAND: &str = r#"{"UsingSalesTax": true}"#;

const REGIMES: [Regime; 6] = [
    Regime { name: "no sales tax", country: "US", home: &DOLLAR, tax_prefs: "{}", has_tax: false },
    Regime { name: "automated sales tax", country: "US", home: &DOLLAR, tax_prefs: AUTOMATED, has_tax: true },
    Regime { name: "sales tax by hand", country: "US", home: &DOLLAR, tax_prefs: BY_HAND, has_tax: true },
    Regime { name: "tax by codes", country: "GB", home: &POUND, tax_prefs: BY_HAND, has_tax: true },
    Regime { name: "tax by codes in yen", country: "JP", home: &YEN, tax_prefs: BY_HAND, has_tax: true },
    Regime { name: "tax by codes in dinars", country: "KW", home: &DINAR, tax_prefs: BY_HAND, has_tax: true },
];

const FOREIGN: [&Currency; 3] = [&EURO, &YEN, &DINAR];

impl Company {
    /// Of each regime one with a single currency, one whose records are in its own of several, and one for each foreign one.
    pub(crate) fn all() -> Vec<Self> {
        let of = |regime: &'static Regime| {
            let home = regime.home;
            let foreign = FOREIGN.into_iter().filter(move |currency| currency.code != home.code);
            let several = [home].into_iter().chain(foreign);
            let several =
                several.map(move |currency| Self { regime, has_several_currencies: true, currency });
            [Self { regime, has_several_currencies: false, currency: home }].into_iter().chain(several)
        };
        REGIMES.iter().flat_map(of).collect()
    }

    /// What it is called where something is wrong.
    pub(crate) fn name(&self) -> String {
        let Self { regime, currency, .. } = self;
        match (self.has_several_currencies, self.rate()) {
            (false, _) => regime.name.to_owned(),
            (true, None) => format!("{}, several currencies", regime.name),
            (true, Some(_)) => format!("{}, records in {}", regime.name, currency.code),
        }
    }

    /// Units of its own currency for one of its records', where that is foreign.
    pub(crate) fn rate(&self) -> Option<Decimal> {
        let is_foreign = self.currency.code != self.regime.home.code;
        is_foreign.then(|| self.currency.rate.parse().unwrap())
    }

    /// Whether a record may leave its currency out, as in portals with a single one. HubSpot's amounts then have two decimals.
    pub(crate) fn may_name_no_currency(&self) -> bool {
        !self.has_several_currencies && self.currency.decimals == 2
    }

    /// Its books, as a seed of the stand-in.
    pub(crate) fn seed(&self) -> Value {
        let exact = |number: &str| serde_json::from_str::<Value>(number).unwrap();
        let rate = |id: &str, percent: &str| json!({"Id": id, "Name": format!("Rate {id}"), "RateValue": exact(percent)});
        let code = |id: &str, rates: &[&str]| {
            let detail =
                |rate: &&str| json!({"TaxRateRef": {"value": rate}, "TaxTypeApplicable": "TaxOnAmount"});
            let details: Vec<Value> = rates.iter().map(detail).collect();
            json!({"Id": id, "Name": format!("Code {id}"), "SalesTaxRateList": {"TaxRateDetail": details}})
        };
        let Regime { country, home, tax_prefs, .. } = self.regime;
        let currency = &self.currency.code;
        let custom = |name: &str, kind: &str, value: Value| json!({"CustomField": [{"Name": format!("SalesFormsPrefs.{name}"), "Type": format!("{kind}Type"), format!("{kind}Value"): value}]});
        let preferences = json!({
            "TaxPrefs": exact(tax_prefs),
            "CurrencyPrefs": {
                "MultiCurrencyEnabled": self.has_several_currencies, "HomeCurrency": {"value": home.code},
            },
            "AccountingInfoPrefs": {"ClassTrackingPerTxn": true, "TrackDepartments": true},
            "SalesFormsPrefs": {"CustomField": [
                custom("UseSalesCustom1", "Boolean", json!(true)),
                custom("SalesCustomName1", "String", json!("Order")),
            ]},
        });
        let rates = FOREIGN.iter().map(|foreign| {
            json!({"SourceCurrencyCode": foreign.code, "Rate": exact(foreign.rate), "AsOfDate": "2020-01-01"})
        });
        let rates: Vec<Value> = rates.filter(|rate| rate["SourceCurrencyCode"] != home.code).collect();
        json!({
            "country": country, "preferences": preferences,
            "exchange_rates": if self.has_several_currencies { rates } else { Vec::new() },
            "customers": [{"Id": "5801", "DisplayName": "Ana Trujillo", "CurrencyRef": {"value": currency},
                "PrimaryEmailAddr": {"Address": KNOWN_EMAIL}}],
            "items": [{"Id": "2101", "Name": "Kettle", "Sku": KNOWN_SKU, "Type": "Service", "Taxable": true},
                {"Id": "3101", "Name": "Freight", "Type": "Service", "Taxable": false}],
            "classes": [{"Id": "4101", "Name": "West"}],
            "departments": [{"Id": "4201", "Name": "Oakland"}],
            "tax_rates": [rate("601", "20"), rate("602", "7"), rate("603", "8.25"), rate("604", "0.625"), rate("605", "0")],
            "tax_codes": [code("701", &["601"]), code("702", &["602"]), code("703", &["603", "604"]), code("704", &["605"])],
        })
    }

    /// Settings of chance, as a file has them, of which each rate of [`super::record::sound`] has a code.
    pub(crate) fn settings(&self, chance: &mut Chance) -> Value {
        // HubSpot's tax has no place where there is none.
        let tax = if self.regime.has_tax {
            chance.pick(&["quickbooks", "hubspot", "none"])
        } else {
            chance.pick(&["quickbooks", "none"])
        };
        let code = chance.pick(&["701", "702", "703"]);
        let by_hand = self.regime.country == "US" && self.regime.tax_prefs == BY_HAND;
        // A document has one code there.
        let codes = if by_hand { [code; 4] } else { ["701", "702", "703", "704"] };
        json!({
            "version": 1, "fee_item": "3101", "default_item": "2101", "income_account": "9004",
            "tax": tax, "amounts": chance.pick(&["net", "gross"]),
            "discounts": chance.pick(&["net", "document"]),
            // What has no rate in HubSpot has none here.
            "default_tax_code": if tax == "hubspot" && !by_hand { "704" } else { code },
            "tax_codes": {"20": codes[0], "7": codes[1], "8.875": codes[2], "0": codes[3], "id 4711": code},
            "memo": chance.pick(&[None, Some("For {order}. Thank you.")]),
            "document_number": chance.pick(&["quickbooks", "quickbooks", "prefix D-"]),
            "terms": chance.pick(&[None, Some("9201")]),
            "class": chance.pick(&[None, Some("4101")]),
            "location": chance.pick(&[None, Some("4201")]),
            "bill": chance.pick(&["contact", "contact", "company"]),
            "cc": chance.pick(&[None, Some("books@harbour.example")]),
            "bcc": chance.pick(&[None, Some("a@harbour.example; b@harbour.example")]),
            "card_payment": chance.pick(&["quickbooks", "yes", "no"]),
            "service_dates": chance.pick(&["none", "billing_start"]),
            "custom_fields": chance.pick(&[json!({}), json!({"Order": "{order}"})]),
        })
    }
}

/// The address of the one customer there is.
pub(crate) const KNOWN_EMAIL: &str = "ana@harbour.example";

/// What the one product is found by.
pub(crate) const KNOWN_SKU: &str = "KET-1";
