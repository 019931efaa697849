//! QuickBooks' Fault in all its shapes (quickbooks.md §4.1) and what its codes mean to us (§4.2).
//!
//! Texts of a fault are localised and quote what was sent: they are kept for a person who may see them, and never printed
//! by `Debug` or `Display`. Decisions are made on codes.

use mapping::quickbooks::DocumentId;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// Why QuickBooks refused.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    /// At least one.
    pub errors: Vec<FaultError>,
    /// `ValidationFault`, `SystemFault`, `AUTHENTICATION`, … as sent; empty when it was not.
    pub kind: String,
    /// Intuit's id of the call: support asks for it.
    pub intuit_tid: Option<String>,
}

/// One reason of a [`Fault`].
#[derive(Clone, PartialEq, Eq)]
pub struct FaultError {
    /// A number as text.
    pub code: String,
    /// Short, localised. Not for logs.
    pub message: String,
    /// Longer, localised, can quote names and numbers of the books. Not for logs.
    pub detail: Option<String>,
    /// The offending field, such as `Line.DetailType`.
    pub element: Option<String>,
}

/// What a fault means for the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// 6240: a customer, vendor or employee has this name.
    DuplicateName,
    /// 6140: a document has this number; QuickBooks names it in the detail.
    DuplicateNumber(Option<DocumentId>),
    /// 610, 2500: something referred to was deleted or made inactive.
    ObjectGone,
    /// 6250: the customer was deleted or made inactive.
    CustomerGone,
    /// 6200, 6210: the date is in closed books.
    PeriodClosed,
    /// 6100, 6160, 6230, or 6000 about a missing tax code: the company's tax settings are not what we took them for.
    TaxCode,
    /// 2280, 6170, 6470: the tax itself, not a code of it.
    Tax,
    /// 2220, or 6000 about a currency: the company keeps its books in more or fewer of them than we took it to.
    Currency,
    /// 5020, 5030: the company's plan or the user's role lacks the feature.
    FeatureOff,
    /// 140, 6190: the company is locked, or its subscription has ended; the books can only be read.
    ReadOnly,
    /// 100, 110, 120, 3100, 3202: the app or the person who connected it may not use the company.
    Access,
    /// 2080 to 2110, 2140 to 2160, 2240, 2290, 6070, 6520: a figure of a line, or that quantity × price is not the amount.
    Figure,
    /// 2200, 2210, 6420: the e-mail or web address is malformed, or missing.
    Email,
    /// 2040, 2050, 2180: forbidden characters, or too many.
    Text,
    /// 6430, 6460: the account does not take what was to be booked on it.
    Account,
    /// 6270: the day is before the one from which an item is counted.
    Inventory,
    /// 3000: a custom field.
    CustomField,
    /// 6000: a business rule; only the detail says which.
    Business,
    /// Anything else.
    Other,
}

/// Codes that say for certain that the request had no effect and, sent again unchanged, would be refused again: rows N, F
/// and U of quickbooks.md §4.2, and 6140. Everything else may follow an effect.
#[rustfmt::skip]
const DEFINITE: &[u32] = &[
    100, 110, 120, 140, 500, 610, 620, 630, 700, 800, 900,
    1000, 1010, 1020, 1040, 1050,
    2000, 2010, 2020, 2030, 2040, 2050, 2060, 2070, 2080, 2090, 2100, 2110, 2120, 2130, 2140, 2150, 2160, 2170, 2180,
    2190, 2200, 2210, 2220, 2230, 2240, 2250, 2280, 2290, 2500, 2600,
    3000, 3100, 3202,
    4000, 4001,
    5000, 5010, 5020, 5030,
    6000, 6070, 6080, 6090, 6100, 6130, 6140, 6150, 6160, 6170, 6180, 6190, 6200, 6210, 6230, 6240, 6250, 6270,
    6310, 6420, 6430, 6440, 6450, 6460, 6470, 6480, 6520, 6530, 6540,
    10100, 10200,
];

const THROTTLED: u32 = 3001;
const AUTHENTICATION: u32 = 3200;

impl Fault {
    /// Finds the fault in a body, if there is one: JSON in upper or lower case, or XML.
    pub(crate) fn find(body: &[u8], intuit_tid: Option<&str>) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let found = if text.trim_start().starts_with('<') { from_xml(text) } else { from_json(text) };
        found.map(|fault| Self { intuit_tid: intuit_tid.map(str::to_owned), ..fault })
    }

    /// What the fault means: the first of its errors that means something in particular.
    pub fn meaning(&self) -> Meaning {
        let meanings = self.errors.iter().map(FaultError::meaning);
        meanings
            .reduce(|first, next| if first == Meaning::Other { next } else { first })
            .unwrap_or(Meaning::Other)
    }

    /// The codes, as sent: fit for logs and sentences.
    pub fn codes(&self) -> String {
        let codes: Vec<&str> = self.errors.iter().map(FaultError::printable_code).collect();
        codes.join(" ")
    }

    /// The row that a reference to it does not find (610, 2500), where QuickBooks names it: the word for its kind, such as
    /// `Accounts`, and its id. In another language than English it is not found out.
    pub fn missing_row(&self) -> Option<(&str, &str)> {
        self.errors.iter().filter(|error| error.meaning() == Meaning::ObjectGone).find_map(|error| {
            let (before, after) = error.detail.as_deref()?.split_once(" element id ")?;
            let kind = before.split_whitespace().next_back()?;
            let id = after.split(|c: char| !c.is_ascii_digit()).next()?;
            (1..=20).contains(&id.len()).then_some((kind, id))
        })
    }

    /// Whether an error names this field of what was sent.
    pub fn is_about(&self, field: &str) -> bool {
        let names = |error: &FaultError| {
            let element = error.element.as_deref().unwrap_or_default();
            element.split('.').any(|part| part == field)
        };
        self.errors.iter().any(names)
    }

    /// Does every code prove that nothing happened?
    pub(crate) fn is_definite(&self) -> bool {
        self.all(|code| DEFINITE.contains(&code))
    }

    pub(crate) fn is_throttling(&self) -> bool {
        self.all(|code| code == THROTTLED)
    }

    pub(crate) fn is_authentication(&self) -> bool {
        self.all(|code| code == AUTHENTICATION)
    }

    fn all(&self, wanted: impl Fn(u32) -> bool) -> bool {
        !self.errors.is_empty() && self.errors.iter().all(|error| error.number().is_some_and(&wanted))
    }
}

impl FaultError {
    fn number(&self) -> Option<u32> {
        let digits = !self.code.is_empty() && self.code.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| self.code.parse().ok()).flatten()
    }

    fn printable_code(&self) -> &str {
        if self.number().is_some() { &self.code } else { "?" }
    }

    fn meaning(&self) -> Meaning {
        match self.number() {
            Some(6240) => Meaning::DuplicateName,
            Some(6140) => Meaning::DuplicateNumber(self.detail.as_deref().and_then(named_document)),
            Some(2500) if self.detail.as_deref().is_some_and(|detail| detail.contains("TaxCode")) => {
                Meaning::TaxCode
            }
            Some(610 | 2500) => Meaning::ObjectGone,
            Some(6250) => Meaning::CustomerGone,
            Some(6200 | 6210) => Meaning::PeriodClosed,
            Some(6100 | 6160 | 6230) => Meaning::TaxCode,
            Some(6000) if self.detail.as_deref().is_some_and(is_about_tax_codes) => Meaning::TaxCode,
            Some(6000) if self.detail.as_deref().is_some_and(is_about_currencies) => Meaning::Currency,
            Some(6000) => Meaning::Business,
            Some(2280 | 6170 | 6470) => Meaning::Tax,
            Some(2220) => Meaning::Currency,
            Some(5020 | 5030) => Meaning::FeatureOff,
            Some(140 | 6190) => Meaning::ReadOnly,
            Some(100 | 110 | 120 | 3100 | 3202) => Meaning::Access,
            Some(2080 | 2090 | 2100 | 2110 | 2140 | 2150 | 2160 | 2240 | 2290 | 6070 | 6520) => {
                Meaning::Figure
            }
            Some(2200 | 2210 | 6420) => Meaning::Email,
            Some(2040 | 2050 | 2180) => Meaning::Text,
            Some(6430 | 6460) => Meaning::Account,
            Some(6270) => Meaning::Inventory,
            Some(3000) => Meaning::CustomField,
            _ => Meaning::Other,
        }
    }
}

/// `… is assigned to TxnType=Facture with TxnId=398`: all but the two keys is localised (quickbooks.md §2.3), and the number
/// that comes before them is the customer's own text.
fn named_document(detail: &str) -> Option<DocumentId> {
    let (_, after) = detail.rsplit_once("TxnId=")?;
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    (1..=20).contains(&end).then(|| DocumentId(after[..end].to_owned()))
}

/// 6000 has no code of its own for a line without a tax code, which companies outside the US need (quickbooks.md §2.5).
/// The text is in the company's language (§4.1): what it says in English is known, in the other languages of the books' users it
/// can hardly lack the word for the tax. Where it does, it is [`Meaning::Business`], and nothing is tried again.
fn is_about_tax_codes(detail: &str) -> bool {
    let detail = detail.to_lowercase();
    let phrases =
        ["vat rate", "gst rate", "hst rate", "tax code", "tax rate", "code de taxe", "taux de taxe"];
    let stems = ["mehrwertsteuer", "umsatzsteuer", "steuersatz", "steuercode", "impuesto", "imposto", "税"];
    let words = ["tva", "tps", "tvh", "iva", "mwst", "ust", "btw"];
    phrases.iter().chain(&stems).any(|part| detail.contains(part))
        || detail.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
}

/// Nor has 6000 one for a document without its currency, or in another one than its customer's (quickbooks.md §12.14). What it
/// says is not documented; the word in English and in the other languages of the books' users is what it can hardly lack.
fn is_about_currencies(detail: &str) -> bool {
    let detail = detail.to_lowercase();
    ["currenc", "devise", "moneda", "moeda", "währung", "valuta", "通貨"]
        .iter()
        .any(|word| detail.contains(word))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.codes())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("codes", &self.codes())
            .field("intuit_tid", &self.intuit_tid)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultError").field("code", &self.printable_code()).finish_non_exhaustive()
    }
}

/// `{"Fault": {"Error": […]}}` from the service and from the items of a batch, `{"fault": {"error": […]}}` from the gateway.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Fault", alias = "fault")]
    fault: Option<JsonFault>,
}

#[derive(Deserialize)]
struct JsonFault {
    #[serde(rename = "Error", alias = "error", default)]
    errors: Vec<JsonError>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct JsonError {
    #[serde(rename = "Message", alias = "message")]
    message: Option<String>,
    #[serde(rename = "Detail", alias = "detail")]
    detail: Option<String>,
    /// A string everywhere it was seen; a number would say the same.
    #[serde(default)]
    code: Value,
    element: Option<String>,
}

fn from_json(text: &str) -> Option<Fault> {
    let fault = serde_json::from_str::<Envelope>(text).ok()?.fault?;
    let error = |error: JsonError| FaultError {
        code: error.code.as_str().map_or_else(|| error.code.to_string(), str::to_owned),
        message: error.message.unwrap_or_default(),
        detail: error.detail,
        element: error.element.filter(|element| !element.is_empty()),
    };
    fault_of(fault.errors.into_iter().map(error).collect(), fault.kind)
}

/// `<Fault type="…"><Error code="…" element="…"><Message/><Detail/></Error></Fault>`, alone or in an `<IntuitResponse>`.
fn from_xml(text: &str) -> Option<Fault> {
    let document = roxmltree::Document::parse(text).ok()?;
    let fault = document.descendants().find(|node| node.tag_name().name() == "Fault")?;
    let errors = fault.children().filter(|node| node.tag_name().name() == "Error").map(|error| {
        let child = |name| error.children().find(|node| node.tag_name().name() == name);
        let text = |name| child(name).and_then(|node| node.text()).map(|text| text.trim().to_owned());
        FaultError {
            code: error.attribute("code").unwrap_or_default().to_owned(),
            message: text("Message").unwrap_or_default(),
            detail: text("Detail"),
            element: error.attribute("element").map(str::to_owned),
        }
    });
    fault_of(errors.collect(), fault.attribute("type").map(str::to_owned))
}

fn fault_of(errors: Vec<FaultError>, kind: Option<String>) -> Option<Fault> {
    let fault = Fault { errors, kind: kind.unwrap_or_default(), intuit_tid: None };
    (!fault.errors.is_empty()).then_some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(code: &str, detail: &str) -> Fault {
        let body =
            serde_json::json!({"Fault": {"Error": [{"Message": "m", "Detail": detail, "code": code}]}});
        Fault::find(body.to_string().as_bytes(), None).unwrap()
    }

    #[track_caller]
    fn check(code: &str, detail: &str, expected: Meaning) {
        assert_eq!(with(code, detail).meaning(), expected, "{code} {detail}");
    }

    #[test]
    fn codes_mean_what_the_product_acts_on() {
        check("6240", "The name supplied already exists. : null", Meaning::DuplicateName);
        check("610", "Objet introuvable", Meaning::ObjectGone);
        check("2500", "Invalid Reference Id : Accounts element id 999 not found", Meaning::ObjectGone);
        check("6250", "", Meaning::CustomerGone);
        check("6200", "", Meaning::PeriodClosed);
        check("6210", "", Meaning::PeriodClosed);
        check("6100", "", Meaning::TaxCode);
        check("5020", "", Meaning::FeatureOff);
        check("5030", "", Meaning::FeatureOff);
        check("6190", "", Meaning::ReadOnly);
        check("6070", "", Meaning::Figure);
        check("2210", "", Meaning::Email);
        check("2040", "", Meaning::Text);
        check("2050", "", Meaning::Text);
        check("2020", "", Meaning::Other);
        check("nonsense", "", Meaning::Other);
    }

    #[test]
    fn a_row_that_is_not_found_is_named_where_quickbooks_names_it() {
        let missing = |code, detail| {
            let fault = with(code, detail);
            fault.missing_row().map(|(kind, id)| (kind.to_owned(), id.to_owned()))
        };
        let account = Some(("Accounts".to_owned(), "999".to_owned()));
        assert_eq!(missing("2500", "Invalid Reference Id : Accounts element id 999 not found"), account);
        assert_eq!(
            missing("610", "Object Not Found : Something you're trying to use has been made inactive."),
            None
        );
        assert_eq!(missing("2500", "Accounts element id x"), None);
        assert_eq!(missing("6240", "Accounts element id 999"), None);
    }

    #[test]
    fn a_business_error_about_a_missing_tax_code_is_told_from_the_others() {
        for detail in [
            "Make sure all your transactions have a VAT rate before you save.",
            "Make sure all your transactions have a GST/HST rate before you save.",
            "One or more transaction lines do not have a tax code associated with it",
            "Vérifiez que toutes vos opérations ont un taux de TVA avant d'enregistrer.",
            "Assurez-vous que toutes vos opérations ont un taux de TPS/TVH.",
            "Aucun code de taxe n'est associé à une ou plusieurs lignes.",
            "Asegúrese de que todas las transacciones tengan una tasa de IVA.",
            "Eine oder mehrere Zeilen haben keinen Umsatzsteuersatz.",
            "Alle transacties moeten een btw-tarief hebben.",
            "Verifique se todas as transações têm uma taxa de imposto.",
            "すべての取引に税率を指定してください。",
        ] {
            check("6000", detail, Meaning::TaxCode);
        }
        check("6000", "Business Validation Error: The entity Estimate 75 does not exist.", Meaning::Business);
        check("6000", "Business Validation Error: Corporate rate is private", Meaning::Business);
        check(
            "6000",
            "Business Validation Error: La cuenta privada está inactiva desde August",
            Meaning::Business,
        );
    }

    #[test]
    fn a_business_error_about_a_currency_is_told_from_the_others() {
        for detail in [
            "Business Validation Error: the currency must be USD, the customer's",
            "La devise de la transaction ne correspond pas",
        ] {
            check("6000", detail, Meaning::Currency);
        }
    }

    #[test]
    fn a_duplicate_number_names_the_document_that_has_it() {
        let named = |id: &str| Meaning::DuplicateNumber(Some(DocumentId(id.into())));
        let english = "Duplicate Document Number Error : You must specify a different number. This number has already been used. \
                       DocNumber=HS-4821 is assigned to TxnType=Invoice with TxnId=398";
        check("6140", english, named("398"));
        check("6140", "DocNumber=HS-4821 est affecté à TxnType=Facture avec TxnId=399.", named("399"));
        check("6140", "DocNumber=TxnId=7 is assigned to TxnType=Sales Receipt with TxnId=400", named("400"));
        for detail in ["", "TxnId=", "TxnId=x", "TxnId=123456789012345678901"] {
            check("6140", detail, Meaning::DuplicateNumber(None));
        }
    }

    #[test]
    fn the_first_error_with_a_meaning_counts() {
        let body = br#"{"Fault": {"Error": [{"code": "2020"}, {"code": 6240}, {"code": "6190"}]}}"#;
        assert_eq!(Fault::find(body, None).unwrap().meaning(), Meaning::DuplicateName);
    }

    #[test]
    fn one_code_without_proof_spoils_the_others() {
        let find = |body: &str| Fault::find(body.as_bytes(), None).unwrap();
        assert!(find(r#"{"Fault": {"Error": [{"code": "6240"}, {"code": "2050"}]}}"#).is_definite());
        for other in ["600", "10000", "130", "150", "4002", "3001", "3200", "99999", "", "6240x", "+610"] {
            let body = format!(r#"{{"Fault": {{"Error": [{{"code": "6240"}}, {{"code": "{other}"}}]}}}}"#);
            assert!(!find(&body).is_definite(), "{other}");
        }
    }

    #[test]
    fn texts_of_a_fault_are_never_printed() {
        let fault = with("6240", "O'Brien & Søn is taken");
        assert_eq!(fault.to_string(), "code 6240");
        let printed = format!("{fault} {fault:?} {:?} {:?}", fault.errors, with("O'Brien", ""));
        assert!(!printed.contains("Brien"), "{printed}");
    }

    #[test]
    fn what_is_no_fault_is_none() {
        for body in [
            "",
            "{}",
            "null",
            "[]",
            "<html><body>Bad gateway</body></html>",
            "<html><br></html>",
            r#"{"Fault": null}"#,
            r#"{"Fault": {}}"#,
            r#"{"Fault": {"Error": []}}"#,
            r#"{"Invoice": {"Id": "1"}}"#,
            r#"{"Fault": {"Error": [{"code": "6240"}]}} trailing"#,
            "<Fault/>",
        ] {
            assert_eq!(Fault::find(body.as_bytes(), None), None, "{body}");
        }
        assert_eq!(Fault::find(b"\xff{\"Fault\"", None), None);
    }
}
