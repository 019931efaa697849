//! Every failure: its code, its sentence, and what the workflow sees. All sentences stand here, so that they sound alike.
//!
//! A sentence names the record, says what is wrong, and where to mend it. It never holds an upstream's own words, a host
//! name, a body or a debug form: those are for the log.

mod action;
mod code;
mod connection;
mod outcome;
mod problem;
mod record;
mod refusal;
mod trouble;

pub use code::Code;
pub(crate) use problem::uncounted;
pub(crate) use refusal::COPY;
pub use refusal::Chosen;
pub use trouble::Trouble;

use mapping::quickbooks::DocumentKind;
use mapping::sale::RecordRef;

/// What a person must mend before the action can succeed. It is kept as the execution's answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its stable name.
    pub code: Code,
    /// The sentence, in English.
    pub message: String,
    /// Names only, of the records or lines concerned: labels of every language interpolate it.
    pub subject: String,
}

/// Without the sentence: it holds names.
impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Failure").field(&self.code).finish()
    }
}

impl Failure {
    fn new(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, subject: subject.into(), message: message.into() }
    }
}

/// The record in a sentence: “deal “Acme renewal””, and by its id where its name is not known.
fn called(of: &RecordRef) -> String {
    let RecordRef { kind, id, name } = of;
    let noun = kind.noun();
    if *name == id.to_string() { format!("{noun} {id}") } else { format!("{noun} “{name}”") }
}

/// The record in a label of any language.
fn subject(of: &RecordRef) -> String {
    if of.name == of.id.to_string() { called(of) } else { of.name.clone() }
}

/// The document and the record it is made of: what was asked for may be unreadable by now, and then only the document.
fn document_of(what: DocumentKind, of: Option<&RecordRef>) -> String {
    let what = what.noun();
    of.map_or_else(|| what.to_owned(), |of| format!("{what} of the {}", called(of)))
}

/// What a person enrolls again.
fn noun(of: Option<&RecordRef>) -> &'static str {
    of.map_or("record", |of| of.kind.noun())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use jiff::civil::Date;
    use mapping::hubspot::RecordKind;
    use mapping::payment::{Standing, Uncounted};
    use mapping::problem::{
        AdjustmentFault, Figure, Lack, LineFault, LineLabel, NumberFault, Problem, Unusable,
    };
    use mapping::quickbooks::Document;
    use mapping::sale::AmountDiffers;
    use quickbooks::fault::Fault;

    use super::problem::sentence;
    use super::*;

    fn line(number: usize, name: &str) -> LineLabel {
        LineLabel { number, name: Some(name.to_owned()) }
    }

    fn fault(code: &str) -> Fault {
        let error = quickbooks::fault::FaultError {
            code: code.to_owned(),
            message: "upstream message".to_owned(),
            detail: Some("upstream detail".to_owned()),
            element: None,
        };
        Fault { errors: vec![error], kind: "ValidationFault".to_owned(), intuit_tid: None }
    }

    fn differs(held: Option<&str>, comes_to: &str) -> AmountDiffers {
        let held = held.map(|tax| tax.parse().unwrap());
        AmountDiffers { amount: "150.00".parse().unwrap(), comes_to: comes_to.parse().unwrap(), held }
    }

    fn not_received(amount: Option<&str>, status: Option<&str>) -> Uncounted {
        Uncounted {
            payment: "ch_3PqX21".to_owned(),
            amount: amount.map(|amount| amount.parse().unwrap()),
            currency: Some("USD".to_owned()),
            status: status.map(str::to_owned),
        }
    }

    fn problems() -> Vec<Problem> {
        let (record, contact) = ("Acme renewal".to_owned(), "Ana Trujillo".to_owned());
        let usd = || "USD".parse().unwrap();
        let faults = [
            LineFault::Missing(Figure::Price),
            LineFault::Missing(Figure::Amount),
            LineFault::Missing(Figure::Tax),
            LineFault::Unreadable(Figure::Quantity, "a dozen".into()),
            LineFault::Negative(Figure::Discount),
            LineFault::TooLarge(Figure::Amount),
            LineFault::ZeroQuantity,
        ];
        let faults = faults.map(|fault| Problem::LineInvalid { line: line(2, "Setup fee"), fault });
        let lacks = vec![Lack::Email, Lack::Name];
        let unusable = vec![Lack::UsableEmail("ana at northwind".into())];
        let candidates = vec!["Northwind Traders".to_owned(), "Northwind (old)".to_owned()];
        let others = [
            Problem::NoContact { record: record.clone() },
            Problem::NoCompany { record: record.clone(), companies: Vec::new() },
            Problem::NoCompany { record: record.clone(), companies: candidates.clone() },
            Problem::CompanyNameless { record: record.clone(), company: "701".into() },
            Problem::CompanyAmbiguous { company: "Northwind".into(), candidates: candidates.clone() },
            Problem::ContactIncomplete { contact: contact.clone(), lacks },
            Problem::ContactIncomplete { contact: contact.clone(), lacks: unusable },
            Problem::CustomerAmbiguous { contact, candidates: candidates.clone() },
            Problem::NoLineItems { record: record.clone() },
            Problem::TotalDiffers { record: record.clone(), differs: differs(None, "149.97") },
            Problem::TotalDiffers { record: record.clone(), differs: differs(Some("11.11"), "138.89") },
            Problem::LineNameless { line: LineLabel { number: 3, name: None } },
            Problem::ItemNotFound { line: line(1, "Widget"), sku: Some("WID-1".into()) },
            Problem::ItemNotFound { line: line(1, "Widget"), sku: None },
            Problem::ItemAmbiguous { line: line(1, "Widget"), candidates },
            Problem::ItemUnusable {
                line: line(1, "Widget"),
                item: "Old:Widget".into(),
                reason: Unusable::Inactive,
            },
            Problem::ItemUnusable {
                line: line(1, "Widget"),
                item: "Widgets".into(),
                reason: Unusable::Category,
            },
            Problem::ItemUnusable { line: line(1, "Widget"), item: "Kit".into(), reason: Unusable::Bundle },
            Problem::AdjustmentInvalid {
                label: "Loyalty".into(),
                fault: AdjustmentFault::Value(NumberFault::Missing),
            },
            Problem::AdjustmentInvalid { label: "Loyalty".into(), fault: AdjustmentFault::Kind(None) },
            Problem::AdjustmentInvalid { label: "Loyalty".into(), fault: AdjustmentFault::MoreThanSubtotal },
            Problem::FeeItemMissing { fee: "Delivery".into() },
            Problem::DefaultItemMissing { subject: "Window lettering".into() },
            Problem::IncomeAccountMissing { line: line(4, "Window lettering") },
            Problem::NoAmount { record: record.clone() },
            Problem::TaxCodeMissing { record: record.clone() },
            Problem::TaxRateUnknown { record: record.clone(), code: "5".into() },
            Problem::TaxUnmapped { subject: "Setup fee".into(), rate: Some("19 %".into()) },
            Problem::TaxUnmapped { subject: "Setup fee".into(), rate: None },
            Problem::TaxWithoutRate { subject: "Setup fee".into() },
            Problem::QuoteTaxUncoded { taxes: "Tyre levy".into() },
            Problem::TaxCodesMixed { record: record.clone(), codes: vec!["5".into(), "6".into()] },
            Problem::TaxOff { record: record.clone() },
            Problem::TooManyLines { record: record.clone(), count: 812 },
            Problem::TotalTooLarge { record: record.clone() },
            Problem::OptionalUnclear { lines: vec![line(2, "Setup fee"), line(3, "Support")] },
            Problem::PaymentInvalid {
                payment: "ch_3PqX21".into(),
                fault: NumberFault::Unreadable("much".into()),
            },
            Problem::PaymentCurrency {
                payment: "ch_3PqX21".into(),
                currency: usd(),
                record: record.clone(),
                expected: "EUR".parse().unwrap(),
            },
            Problem::NotPaid {
                record: record.clone(),
                standing: Standing::NotSaid,
                payments: vec![not_received(Some("149.97"), Some("failed")), not_received(None, None)],
            },
            Problem::NotPaid { record: record.clone(), standing: Standing::UnderWay, payments: Vec::new() },
            Problem::NotPaid {
                record: record.clone(),
                standing: Standing::Awaited,
                payments: vec![not_received(Some("50.00"), Some("succeeded"))],
            },
            Problem::CurrencyForeign {
                record: record.clone(),
                currency: "EUR".parse().unwrap(),
                home: usd(),
            },
            Problem::CurrencyUnreadable { subject: record.clone(), text: "euro".into() },
            Problem::CurrenciesMixed {
                record: record.clone(),
                currencies: vec!["EUR".parse().unwrap(), usd()],
            },
            Problem::CurrencyMismatch {
                record,
                currency: usd(),
                customer: "Northwind Traders".into(),
                customer_currency: "EUR".into(),
            },
        ];
        faults.into_iter().chain(others).collect()
    }

    fn record() -> RecordRef {
        RecordRef {
            kind: RecordKind::Deal,
            id: mapping::hubspot::RecordId(8_800_000_001),
            name: "Acme renewal".to_owned(),
        }
    }

    fn document() -> Document {
        serde_json::from_value(serde_json::json!({"Id": "412", "DocNumber": "1001", "TotalAmt": 10})).unwrap()
    }

    fn catalogue() -> Vec<Failure> {
        let mut failures: Vec<Failure> =
            problems().into_iter().map(|problem| Failure::problems(RecordKind::Deal, &[problem])).collect();
        let (invoice, record, company) = (DocumentKind::Invoice, record(), "Sandbox Company");
        let refusals = [
            "6210", "5030", "6190", "6100", "6470", "6140", "2220", "610", "6070", "2050", "6430", "6270",
            "3000", "2010", "110", "6250", "2210",
        ];
        let class = Chosen {
            kind: "Class",
            id: "31".into(),
            text: "class 31 of the app's settings (“class”)".into(),
        };
        let chosen = [class];
        let refused = |fault: &Fault| {
            Failure::document_refused(invoice, &record, company, "Ana Trujillo", &chosen, fault)
        };
        failures.extend(refusals.map(|code| refused(&fault(code))));
        failures.extend(["Classes", "Customers", "Items", "Terms"].map(|kind| {
            let mut fault = fault("2500");
            fault.errors[0].detail = Some(format!("Invalid Reference Id : {kind} element id 31 not found"));
            refused(&fault)
        }));
        failures.push(Failure::refused(invoice, None, company, &fault("6190")));
        let payments = ["6210", "610", "6190", "5020", "2220", "6430", "6000"];
        failures.extend(payments.map(|code| {
            let why = Failure::of_payment(invoice, Some(&record), company, &fault(code)).message;
            Failure::payment_refused(DocumentKind::Invoice, &document(), &why)
        }));
        failures.push(Failure::payment_refused(DocumentKind::Invoice, &document(), "PERIOD_CLOSED"));
        let customers = ["6240", "2210", "2040"];
        failures.extend(customers.map(|code| Failure::customer_refused("Ana Trujillo", &fault(code))));
        failures.extend(["6240", "6430"].map(|code| Failure::item_refused("Window lettering", &fault(code))));
        let nameless = RecordRef { name: record.id.to_string(), ..record.clone() };
        failures.extend([
            Failure::customer_inactive("Ana Trujillo", "Ana Trujillo"),
            Failure::not_connected(),
            Failure::connection_expired("Sandbox Company"),
            Failure::hubspot_connection_expired(),
            Failure::company_not_linked("42"),
            Failure::record_not_found(RecordKind::Deal, "8800000001"),
            Failure::record_type_unsupported("TICKET"),
            Failure::input_invalid("due_days", "a whole number from 0 to 3650"),
            Failure::permission_missing(&["crm.objects.line_items.read".into()]),
            Failure::record_incomplete(RecordKind::Deal, "8800000001"),
            Failure::too_large(RecordKind::Deal, "Acme renewal"),
            Failure::number_taken(invoice, &record, "PO 7"),
            Failure::no_exchange_rate(
                RecordKind::Deal,
                "Acme renewal",
                &"EUR".parse().unwrap(),
                Date::constant(2026, 3, 2),
            ),
            Failure::no_default_company(),
            Failure::no_company_chosen(),
            Failure::needs_review(invoice, Some(&record), company),
            Failure::needs_review(invoice, None, company),
            Failure::payment_needs_review(invoice, Some(&record), "1001"),
            Failure::payment_pending(invoice, Some(&record), "1001"),
            Failure::already_created(invoice, &record, &document()),
            Failure::already_created(invoice, &nameless, &document()),
            Failure::earlier_in_review(invoice, &record),
            Failure::document_gone(invoice, "412"),
        ]);
        failures
    }

    #[test]
    fn all_sentences_sound_alike() {
        let mut sentences = String::new();
        for Failure { code, message, subject } in catalogue() {
            writeln!(sentences, "{} [{subject}]\n    {message}", code.as_str()).unwrap();
        }
        insta::assert_snapshot!(sentences);
    }

    #[test]
    fn no_sentence_passes_on_what_an_upstream_said() {
        for failure in catalogue() {
            assert!(!failure.message.contains("upstream"), "{}", failure.message);
            assert!(failure.message.ends_with('.'), "{}", failure.message);
            assert!(!failure.subject.is_empty(), "{}", failure.message);
        }
    }

    #[test]
    fn all_problems_are_told_at_once_and_the_first_gives_the_code() {
        let problems = problems();
        let failure = Failure::problems(RecordKind::Deal, &problems);
        assert_eq!(failure.code, Code::LineInvalid);
        for problem in &problems {
            assert!(failure.message.contains(&sentence("deal", problem)));
        }
    }

    #[test]
    fn codes_are_unique() {
        let codes: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
