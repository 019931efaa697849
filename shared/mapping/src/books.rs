//! How a company keeps its books, as QuickBooks says: what a document must look like there.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::money::{self, Currency};
use crate::quickbooks::{
    CompanyInfo, PaymentMethod, PaymentMethodId, Preferences, SalesFormsPrefs, TaxCode, TaxCodeId, TaxPrefs,
    TaxRate,
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What documents depend on. It can be kept for a while: people change it rarely, and QuickBooks refuses what it no longer
/// allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Books {
    /// Such as `US`, which has a sales tax of its own kind; none when QuickBooks does not say.
    pub country: Option<String>,
    /// The currency they are kept in; none when it is not known.
    pub home_currency: Option<Currency>,
    /// Whether customers and documents can be in other currencies.
    pub several_currencies: bool,
    /// Which sales tax is kept in the United States.
    pub sales_tax: SalesTax,
    /// The tax code of documents that name none, where sales tax is kept by hand.
    pub sales_tax_code: Option<TaxCodeId>,
    /// What the rates of a tax code come to, in percent, of those that were asked for.
    pub tax_percents: BTreeMap<String, Decimal>,
    /// The tax codes that were asked for, and whose rates do not simply add up.
    pub unsummed_tax_codes: BTreeSet<String>,
    /// The active payment methods, by their names; none as long as nobody asked for them.
    pub payment_methods: Option<BTreeMap<String, PaymentMethodId>>,
    /// When they were asked for; none by an earlier release.
    pub payment_methods_read_at: Option<Timestamp>,
    /// The company's own fields on documents: their ids by their names.
    pub custom_fields: BTreeMap<String, String>,
    /// Whether people give documents their numbers.
    pub custom_numbers: bool,
    /// Whether documents have a class.
    pub classes: bool,
    /// Whether lines have a class of their own.
    pub line_classes: bool,
    /// Whether documents have a location.
    pub locations: bool,
    /// Whether documents can have no discount.
    pub no_discounts: bool,
    /// The last day of closed books, on which and before which nothing can be made (quickbooks.md §4.4).
    pub closed_until: Option<Date>,
    /// What is switched off in QuickBooks, as far as it says so: then it is sent, and may not be shown.
    pub off: Off,
}

/// What documents can say and a company does not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Off {
    /// The days of lines.
    pub service_dates: bool,
    /// Where and when something is shipped.
    pub shipping: bool,
    /// Being paid online.
    pub online_payment: bool,
}

impl Off {
    fn read(prefs: &SalesFormsPrefs) -> Self {
        Self {
            service_dates: prefs.allow_service_date == Some(false),
            shipping: prefs.allow_shipping == Some(false),
            online_payment: prefs.online_payment == Some(false),
        }
    }
}

/// Which sales tax is kept in the United States (quickbooks.md §2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SalesTax {
    /// An earlier release did not ask.
    #[default]
    Unknown,
    /// None, or it is not set up yet.
    Off,
    /// By hand: a document has one code, and each line is taxed or not.
    Manual,
    /// By QuickBooks itself.
    Automated,
}

impl SalesTax {
    fn read(prefs: &TaxPrefs) -> Self {
        match (prefs.using_sales_tax.unwrap_or_default(), prefs.partner_tax_enabled) {
            (true, Some(true)) => Self::Automated,
            (true, None) => Self::Manual,
            (true, Some(false)) | (false, _) => Self::Off,
        }
    }
}

impl Books {
    /// Whether an earlier release has kept them, which did not ask for everything.
    pub fn are_incomplete(&self) -> bool {
        self.sales_tax == SalesTax::Unknown
    }

    /// Whether lines are taxed as in the United States: `TAX` or `NON`, or nothing said. What names no country is taken for
    /// American: a company elsewhere then refuses the document, for want of a tax code.
    pub fn is_american(&self) -> bool {
        self.country.as_deref().is_none_or(|country| country == "US")
    }

    /// The same books, knowing what the rates of these tax codes come to. A code with rates that do not simply add up, or
    /// without any for sales, stays unknown.
    pub fn with_tax_codes(mut self, codes: &[TaxCode], rates: &[TaxRate]) -> Self {
        let rate = |id: &str| rates.iter().find(|rate| rate.id == id)?.rate_value;
        for code in codes {
            let details = code.sales_tax_rate_list.iter().flat_map(|list| &list.tax_rate_detail);
            let percents: Option<Vec<Decimal>> = details
                .map(|detail| match detail.tax_type_applicable.as_deref() {
                    None | Some("TaxOnAmount") => rate(&detail.tax_rate_ref.value),
                    Some(_) => None,
                })
                .collect();
            let percents = percents.filter(|percents| !percents.is_empty());
            let sum = percents.map(|percents| percents.iter().sum::<Decimal>());
            match sum.filter(|sum| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(sum)) {
                Some(sum) => drop(self.tax_percents.insert(code.id.0.clone(), sum)),
                None => drop(self.unsummed_tax_codes.insert(code.id.0.clone())),
            }
        }
        self
    }

    /// The same books, with these payment methods.
    pub fn with_payment_methods(mut self, methods: Vec<PaymentMethod>, read_at: Timestamp) -> Self {
        let active = methods.into_iter().filter(|method| method.active);
        self.payment_methods = Some(active.map(|method| (method.name, method.id)).collect());
        self.payment_methods_read_at = Some(read_at);
        self
    }

    /// The last day of closed books, if this one lies in them.
    pub fn closed_for(&self, day: Date) -> Option<Date> {
        self.closed_until.filter(|until| day <= *until)
    }

    /// The currency, where it is certain that it is not the home currency.
    pub fn foreign<'a>(&self, currency: Option<&'a Currency>) -> Option<&'a Currency> {
        currency.filter(|currency| self.home_currency.as_ref().is_some_and(|home| home != *currency))
    }

    /// The decimals of amounts in this currency; of those that name none, the home currency's.
    pub(crate) fn decimals(&self, currency: Option<&Currency>) -> u32 {
        currency.or(self.home_currency.as_ref()).map_or(money::CENTS, Currency::decimals)
    }

    /// Reads them off the company's preferences and its information.
    pub fn read(preferences: &Preferences, info: &CompanyInfo) -> Self {
        let (currency, tracked) = (preferences.currency_prefs.as_ref(), &preferences.accounting_info_prefs);
        Self {
            country: info
                .country
                .clone()
                .map(|country| country.trim().to_owned())
                .filter(|text| !text.is_empty()),
            home_currency: currency
                .and_then(|prefs| prefs.home_currency.as_ref())
                .and_then(|home| home.value.parse().ok()),
            sales_tax: SalesTax::read(&preferences.tax_prefs),
            sales_tax_code: preferences.tax_prefs.tax_group_code_ref.clone().map(|code| code.value),
            tax_percents: BTreeMap::new(),
            unsummed_tax_codes: BTreeSet::new(),
            payment_methods: None,
            payment_methods_read_at: None,
            custom_fields: custom_fields(&preferences.sales_forms_prefs),
            custom_numbers: preferences.sales_forms_prefs.custom_txn_numbers.unwrap_or_default(),
            classes: tracked.class_tracking_per_txn.unwrap_or_default(),
            line_classes: tracked.class_tracking_per_txn_line.unwrap_or_default(),
            locations: tracked.track_departments.unwrap_or_default(),
            no_discounts: preferences.sales_forms_prefs.allow_discount == Some(false),
            closed_until: tracked.book_close_date.as_deref().and_then(|day| day.parse().ok()),
            off: Off::read(&preferences.sales_forms_prefs),
            several_currencies: currency.and_then(|prefs| prefs.multi_currency_enabled).unwrap_or_default(),
        }
    }
}

/// The fields that are in use, numbered from 1 to 3 (quickbooks.md §2.9).
fn custom_fields(prefs: &SalesFormsPrefs) -> BTreeMap<String, String> {
    let all = || prefs.custom_field.iter().flat_map(|group| &group.custom_field);
    let of = |name: String| all().find(move |pref| pref.name == name);
    let field = |number: u8| {
        of(format!("SalesFormsPrefs.UseSalesCustom{number}"))?.boolean_value.filter(|used| *used)?;
        let name = of(format!("SalesFormsPrefs.SalesCustomName{number}"))?.string_value.clone()?;
        Some((name, number.to_string()))
    };
    (1..=3).filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::over;
    use serde_json::{Value, from_value, json};

    #[test]
    fn they_are_read_as_far_as_quickbooks_says() {
        let check = |preferences, info, expected| {
            let (preferences, info) = (from_value(preferences).unwrap(), from_value(info).unwrap());
            assert_eq!(Books::read(&preferences, &info), expected);
        };
        let sterling =
            json!({"CurrencyPrefs": {"MultiCurrencyEnabled": true, "HomeCurrency": {"value": "GBP"}}});
        let british = Books {
            country: Some("GB".into()),
            home_currency: Some("GBP".parse().unwrap()),
            several_currencies: true,
            sales_tax: SalesTax::Off,
            ..Books::default()
        };
        check(sterling, json!({"CompanyName": "Harbour Ltd", "Country": "GB"}), british);
        let tracking = json!({
            "SalesFormsPrefs": {"CustomTxnNumbers": true, "AllowDiscount": true},
            "AccountingInfoPrefs": {"ClassTrackingPerTxnLine": true, "TrackDepartments": true},
        });
        let untaxed = || Books { sales_tax: SalesTax::Off, ..Books::default() };
        let expected = Books { custom_numbers: true, line_classes: true, locations: true, ..untaxed() };
        check(tracking, json!({}), expected);
        let closing = json!({
            "SalesFormsPrefs": {"AllowDiscount": false}, "AccountingInfoPrefs": {"BookCloseDate": "2025-12-31"},
        });
        let closed_until = Some(jiff::civil::date(2025, 12, 31));
        check(closing, json!({}), Books { no_discounts: true, closed_until, ..untaxed() });
        let switched = json!({"SalesFormsPrefs": {
            "AllowServiceDate": false, "AllowShipping": true, "ETransactionPaymentEnabled": false,
        }});
        let off = Off { service_dates: true, shipping: false, online_payment: true };
        check(switched, json!({}), Books { off, ..untaxed() });
        let custom = |name: &str, value: Value| json!({"CustomField": [over(json!({"Name": format!("SalesFormsPrefs.{name}")}), value)]});
        let fields = json!([
            custom("UseSalesCustom1", json!({"BooleanValue": true})),
            custom("SalesCustomName1", json!({"StringValue": "PO #"})),
            custom("UseSalesCustom2", json!({"BooleanValue": false})),
            custom("SalesCustomName2", json!({"StringValue": "Crew"})),
            custom("UseSalesCustom3", json!({"BooleanValue": true})),
        ]);
        let custom_fields = [("PO #".to_owned(), "1".to_owned())].into();
        let expected = Books { custom_fields, ..untaxed() };
        check(json!({"SalesFormsPrefs": {"CustomField": fields}}), json!({}), expected);
        check(json!({}), json!({"Country": " "}), untaxed());
        check(json!({"CurrencyPrefs": {}}), json!({}), untaxed());
    }

    #[test]
    fn sales_tax_is_none_or_by_hand_or_automated() {
        let check = |prefs, expected, code: Option<&str>| {
            let preferences = from_value(json!({"TaxPrefs": prefs})).unwrap();
            let books = Books::read(&preferences, &CompanyInfo::default());
            let code = code.map(|code| TaxCodeId(code.into()));
            assert_eq!((books.sales_tax, books.sales_tax_code), (expected, code));
        };
        check(json!({}), SalesTax::Off, None);
        check(json!({"UsingSalesTax": false, "PartnerTaxEnabled": true}), SalesTax::Off, None);
        check(json!({"UsingSalesTax": true, "PartnerTaxEnabled": false}), SalesTax::Off, None);
        check(json!({"UsingSalesTax": true, "PartnerTaxEnabled": true}), SalesTax::Automated, None);
        let manual = json!({"UsingSalesTax": true, "TaxGroupCodeRef": {"value": "2"}});
        check(manual, SalesTax::Manual, Some("2"));
        assert!(Books::default().are_incomplete());
        assert!(Books { country: Some("GB".into()), ..Books::default() }.are_incomplete());
    }

    #[test]
    fn the_rates_of_a_tax_code_add_up_or_are_not_known() {
        let detail =
            |rate: &str, kind: &str| json!({"TaxRateRef": {"value": rate}, "TaxTypeApplicable": kind});
        let code = |id: &str, details: &[serde_json::Value]| {
            from_value(json!({"Id": id, "SalesTaxRateList": {"TaxRateDetail": details}})).unwrap()
        };
        let rate = |id: &str, percent: &str| {
            let percent: serde_json::Value = serde_json::from_str(percent).unwrap();
            from_value(json!({"Id": id, "RateValue": percent})).unwrap()
        };
        let codes = [
            code("5", &[detail("3", "TaxOnAmount"), detail("4", "TaxOnAmount")]),
            code("6", &[detail("3", "TaxOnAmount"), detail("4", "TaxOnTax")]),
            code("7", &[detail("3", "TaxOnAmount"), detail("99", "TaxOnAmount")]),
            code("8", &[]),
            from_value(json!({"Id": "9"})).unwrap(),
        ];
        let books = Books::default().with_tax_codes(&codes, &[rate("3", "5"), rate("4", "9.975")]);
        assert_eq!(books.tax_percents, [("5".to_owned(), "14.975".parse().unwrap())].into());
    }

    #[test]
    fn what_an_earlier_release_kept_can_be_read() {
        assert_eq!(serde_json::from_str::<Books>("{}").unwrap(), Books::default());
        let tax_percents = [("5".to_owned(), "14.975".parse().unwrap())].into();
        let books = Books {
            country: Some("GB".into()),
            home_currency: Some("GBP".parse().unwrap()),
            several_currencies: true,
            tax_percents,
            locations: true,
            payment_methods: Some([("Visa".to_owned(), PaymentMethodId("4".into()))].into()),
            payment_methods_read_at: Some("2026-11-27T12:00:00Z".parse().unwrap()),
            ..Books::default()
        };
        let again = serde_json::from_str(&serde_json::to_string(&books).unwrap()).unwrap();
        assert_eq!(books, again);
    }
}
