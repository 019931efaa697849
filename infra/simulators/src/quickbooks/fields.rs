//! Which fields a body may have and what each may hold, as one table per entity (quickbooks.md §2).
//!
//! A field whose effect is not simulated is [`Shape::NotSimulated`]: it is refused rather than lost in silence, and told
//! from one that Intuit does not know either.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::create;
use super::fault::{Fault, Reason};
use super::json::{Object, decimal, plain, says_nothing, text};
use super::state::Company;
use super::switches::{BeyondBmp, ConvertedStatus, QuotedNumbers};

/// What a field may hold.
#[derive(Debug)]
pub(super) enum Shape {
    /// Read-only or without effect here: accepted and dropped.
    Ignored,
    /// Intuit's, and not simulated: accepted while it says nothing, as clients that send whole objects have it; else 2010,
    /// and the call is logged as unexpected.
    NotSimulated,
    /// At most so many characters.
    Text(usize),
    /// The same, without colon, tab and line break (2040).
    Name(usize),
    Email,
    Date,
    Flag,
    Number,
    /// A number of at most 15 digits, two of them decimals.
    Money,
    Choice(&'static [&'static str]),
    /// A reference to a row of this entity, which must exist (2500) and be active (610).
    Reference(&'static str),
    /// A reference to a currency or tax code: any value.
    Code,
    Object(&'static [Field]),
    List(&'static [Field]),
}

pub(super) type Field = (&'static str, Shape);

use Shape::{Choice, Code, Email, Flag, Ignored, List, Money, Name, NotSimulated, Number, Reference, Text};

const SYSTEM: [&str; 6] = ["Id", "SyncToken", "MetaData", "domain", "sparse", "status"];

pub(super) const ADDRESS: &[Field] = &[
    ("Line1", Text(500)),
    ("Line2", Text(500)),
    ("Line3", Text(500)),
    ("Line4", Text(500)),
    ("Line5", Text(500)),
    ("City", Text(255)),
    ("Country", Text(255)),
    ("CountrySubDivisionCode", Text(255)),
    ("PostalCode", Text(30)),
    ("Lat", Ignored),
    ("Long", Ignored),
    ("Note", NotSimulated),
];

pub(super) const EMAIL: &[Field] = &[("Address", Email)];

pub(super) const PHONE: &[Field] = &[("FreeFormNumber", Text(30))];

/// What customers, vendors and employees share, and then each one's own. How long a `DisplayName` may be is a switch.
macro_rules! person {
    ($($own:expr),* $(,)?) => {
        &[
            ("DisplayName", Name(100)),
            ("Title", Name(16)),
            ("GivenName", Name(100)),
            ("MiddleName", Name(100)),
            ("FamilyName", Name(100)),
            ("Suffix", Name(16)),
            ("PrintOnCheckName", Text(110)),
            ("PrimaryEmailAddr", Shape::Object(EMAIL)),
            ("PrimaryPhone", Shape::Object(PHONE)),
            ("Mobile", Shape::Object(PHONE)),
            ("Active", Flag),
            ("OtherAddr", NotSimulated),
            $($own,)*
        ]
    };
}
pub(super) use person;

pub(super) const CUSTOMER: &[Field] = person![
    ("CompanyName", Text(100)),
    ("AlternatePhone", Shape::Object(PHONE)),
    ("Fax", Shape::Object(PHONE)),
    ("WebAddr", Shape::Object(&[("URI", Text(1000))])),
    ("Notes", Text(2000)),
    ("BillAddr", Shape::Object(ADDRESS)),
    ("ShipAddr", Shape::Object(ADDRESS)),
    ("CurrencyRef", Code),
    ("ParentRef", Reference("Customer")),
    ("Job", Flag),
    ("BillWithParent", Flag),
    ("SalesTermRef", Reference("Term")),
    ("PaymentMethodRef", Reference("PaymentMethod")),
    ("PreferredDeliveryMethod", Choice(&["Print", "Email", "None"])),
    ("Taxable", Flag),
    ("DefaultTaxCodeRef", Code),
    ("ResaleNum", Text(16)),
    ("FullyQualifiedName", Ignored),
    ("Level", Ignored),
    ("Balance", Ignored),
    ("BalanceWithJobs", Ignored),
    ("IsProject", NotSimulated),
    ("OpenBalanceDate", NotSimulated),
    ("PrimaryTaxIdentifier", NotSimulated),
    ("SecondaryTaxIdentifier", NotSimulated),
    ("TaxExemptionReasonId", NotSimulated),
    ("BusinessNumber", NotSimulated),
    ("GSTIN", NotSimulated),
    ("GSTRegistrationType", NotSimulated),
    ("CustomerTypeRef", NotSimulated),
    ("ARAccountRef", NotSimulated),
    ("AcctNum", NotSimulated),
    ("ContactName", NotSimulated),
    ("AltContactName", NotSimulated),
    ("CreditLimit", NotSimulated),
    ("SalesRepRef", NotSimulated),
    ("Source", NotSimulated),
];

/// Whom a document is sent to.
pub(super) const RECIPIENT: &[Field] = &[("BillEmail", Shape::Object(EMAIL))];

/// What the three sales documents share, and then each one's own.
macro_rules! sales_document {
    ($($own:expr),* $(,)?) => {
        &[
            ("CustomerRef", Reference("Customer")),
            ("Line", List(LINE)),
            ("CurrencyRef", Code),
            ("DocNumber", Text(21)),
            ("TxnDate", Shape::Date),
            ("PrivateNote", Text(4000)),
            ("CustomerMemo", Shape::Object(&[("value", Text(1000))])),
            ("BillEmail", Shape::Object(EMAIL)),
            ("BillEmailCc", Shape::Object(EMAIL)),
            ("BillEmailBcc", Shape::Object(EMAIL)),
            ("EmailStatus", Choice(&["NotSet", "NeedToSend", "EmailSent"])),
            ("PrintStatus", Choice(&["NotSet", "NeedToPrint", "PrintComplete"])),
            ("BillAddr", Shape::Object(ADDRESS)),
            ("ShipAddr", Shape::Object(ADDRESS)),
            ("ShipDate", Shape::Date),
            ("ClassRef", Reference("Class")),
            ("DepartmentRef", Reference("Department")),
            ("CustomField", List(CUSTOM_FIELD)),
            ("ExchangeRate", Number),
            ("GlobalTaxCalculation", Choice(&["TaxExcluded", "TaxInclusive", "NotApplicable"])),
            ("ApplyTaxAfterDiscount", Flag),
            ("TxnTaxDetail", Shape::Object(TAX)),
            ("TotalAmt", Ignored),
            ("HomeTotalAmt", Ignored),
            ("Balance", Ignored),
            ("HomeBalance", Ignored),
            ("LinkedTxn", NotSimulated),
            ("ShipMethodRef", NotSimulated),
            ("ShipFromAddr", NotSimulated),
            ("TrackingNum", NotSimulated),
            ("ProjectRef", NotSimulated),
            ("FreeFormAddress", NotSimulated),
            ("TransactionLocationType", NotSimulated),
            ("TaxExemptionRef", NotSimulated),
            ("TemplateRef", NotSimulated),
            ("RecurDataRef", NotSimulated),
            ("SalesRepRef", NotSimulated),
            ("PONumber", NotSimulated),
            $($own,)*
        ]
    };
}

pub(super) const INVOICE: &[Field] = sales_document![
    ("DueDate", Shape::Date),
    ("SalesTermRef", Reference("Term")),
    ("AllowOnlineCreditCardPayment", Flag),
    ("AllowOnlineACHPayment", Flag),
    // Retired, and answered as false whatever is sent: python-quickbooks sends true.
    ("AllowIPNPayment", Ignored),
    ("Deposit", NotSimulated),
    ("InvoiceLink", NotSimulated),
    ("LessCIS", NotSimulated),
];

pub(super) const ESTIMATE: &[Field] = sales_document![
    ("DueDate", Shape::Date),
    ("SalesTermRef", Reference("Term")),
    ("ExpirationDate", Shape::Date),
    ("TxnStatus", Choice(&["Pending", "Accepted", "Closed", "Rejected"])),
    ("AcceptedBy", Text(100)),
    ("AcceptedDate", Shape::Date),
];

pub(super) const SALES_RECEIPT: &[Field] = sales_document![
    ("PaymentMethodRef", Reference("PaymentMethod")),
    ("PaymentRefNum", Text(21)),
    ("DepositToAccountRef", Reference("Account")),
    ("CreditCardPayment", NotSimulated),
    ("CheckPayment", NotSimulated),
    ("PaymentType", NotSimulated),
];

pub(super) const PAYMENT: &[Field] = &[
    ("TotalAmt", Money),
    ("CustomerRef", Reference("Customer")),
    ("CurrencyRef", Code),
    ("ExchangeRate", Number),
    ("TxnDate", Shape::Date),
    ("PrivateNote", Text(4000)),
    ("PaymentMethodRef", Reference("PaymentMethod")),
    ("PaymentRefNum", Text(21)),
    ("DepositToAccountRef", Reference("Account")),
    ("ProcessPayment", Flag),
    ("CreditCardPayment", NotSimulated),
    ("CheckPayment", NotSimulated),
    ("PaymentType", NotSimulated),
    ("ARAccountRef", NotSimulated),
    ("LinkedTxn", NotSimulated),
    ("TransactionLocationType", NotSimulated),
    ("ProjectRef", NotSimulated),
    ("UnappliedAmt", Ignored),
    ("Line", List(PAYMENT_LINE)),
];

const PAYMENT_LINE: &[Field] = &[("Amount", Money), ("LinkedTxn", List(LINKED))];

/// What a new invoice may come from.
pub(super) const LINKS: &[Field] = &[("LinkedTxn", List(LINKED))];

/// Which line of an invoice is paid does not matter: an invoice is owed as a whole.
const LINKED: &[Field] = &[("TxnId", Text(30)), ("TxnType", Text(30)), ("TxnLineId", Ignored)];

/// What was computed comes back with a whole document; tax lines of the caller's own are not simulated.
const TAX: &[Field] = &[
    ("TotalTax", Money),
    ("TxnTaxCodeRef", Code),
    ("TaxLine", NotSimulated),
    ("DefaultTaxCodeRef", NotSimulated),
    ("UseAutomatedSalesTax", NotSimulated),
];

const CUSTOM_FIELD: &[Field] = &[
    ("DefinitionId", Text(30)),
    ("Name", Text(30)),
    ("Type", Choice(&["StringType"])),
    ("StringValue", Text(31)),
];

const LINE: &[Field] = &[
    ("Id", Text(30)),
    (
        "DetailType",
        Choice(&["SalesItemLineDetail", "DescriptionOnly", "DiscountLineDetail", "SubTotalLineDetail"]),
    ),
    ("Description", Text(4000)),
    ("Amount", Money),
    ("LineNum", Ignored),
    ("SalesItemLineDetail", Shape::Object(SALES_ITEM)),
    ("DescriptionLineDetail", Shape::Object(&[("ServiceDate", Shape::Date), ("TaxCodeRef", Code)])),
    ("DiscountLineDetail", Shape::Object(DISCOUNT)),
    ("SubTotalLineDetail", Ignored),
    ("LinkedTxn", NotSimulated),
    ("CustomField", NotSimulated),
    ("GroupLineDetail", NotSimulated),
    ("TaxLineDetail", NotSimulated),
    ("ProjectRef", NotSimulated),
    ("CustomExtensions", NotSimulated),
];

const DISCOUNT: &[Field] = &[
    ("PercentBased", Flag),
    ("DiscountPercent", Number),
    ("DiscountAccountRef", Reference("Account")),
    ("ClassRef", Reference("Class")),
];

const SALES_ITEM: &[Field] = &[
    ("ItemRef", Reference("Item")),
    ("Qty", Number),
    ("UnitPrice", Number),
    ("TaxCodeRef", Code),
    ("ServiceDate", Shape::Date),
    ("ClassRef", Reference("Class")),
    ("ItemAccountRef", Ignored),
    ("TaxInclusiveAmt", Money),
    ("DiscountRate", NotSimulated),
    ("DiscountAmt", NotSimulated),
    ("MarkupInfo", NotSimulated),
    ("PriceLevelRef", NotSimulated),
    ("TaxClassificationRef", NotSimulated),
    ("DeferredRevenue", NotSimulated),
];

/// Refuses a field no table knows, or a list of something else than objects (2010). Checked before anything else, as the
/// service does when it reads the body.
pub(super) fn known(entity: &str, fields: &[Field], object: &Object) -> Result<(), Fault> {
    for (name, value) in object {
        if SYSTEM.contains(&name.as_str()) {
            continue;
        }
        match (fields.iter().find(|(field, _)| field == name), value) {
            (None, _) => return Err(unknown_field(entity, name, fields)),
            (Some((_, NotSimulated)), value) if !says_nothing(value) => {
                return Err(Fault::unsimulated_field(entity, name));
            }
            (Some((_, Shape::Object(inner))), Value::Object(part)) => known(name, inner, part)?,
            (Some((_, List(inner))), Value::Array(parts)) => {
                for part in parts {
                    known(name, inner, part.as_object().ok_or_else(|| unreadable(name, part))?)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses the same as [`known`] for what is Intuit's and not simulated, and nothing else.
pub(super) fn simulated(entity: &str, fields: &[Field], object: &Object) -> Result<(), Fault> {
    for (name, shape) in fields {
        match (shape, object.get(*name)) {
            (NotSimulated, Some(value)) if !says_nothing(value) => {
                return Err(Fault::unsimulated_field(entity, name));
            }
            (Shape::Object(inner), Some(Value::Object(part))) => simulated(name, inner, part)?,
            (List(inner), Some(Value::Array(parts))) => {
                let mut objects = parts.iter().filter_map(Value::as_object);
                objects.try_for_each(|part| simulated(name, inner, part))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn unknown_field(entity: &str, name: &str, fields: &[Field]) -> Fault {
    let names: Vec<_> = fields.iter().map(|(field, _)| format!("\"{field}\"")).collect();
    Fault::new(
        2010,
        format!(
            "Property Name:Unrecognized field \"{name}\" (class com.intuit.schema.finance.v3.{entity}), not marked as \
             ignorable ({} known properties: {}])\n specified is unsupported or invalid",
            names.len(),
            names.join(", "),
        ),
    )
}

fn unreadable(path: &str, value: &Value) -> Reason {
    Reason::new(2010, format!("Property Name:{path} cannot be read from {value}"))
}

/// Reads a body whose fields are known: what is kept of it, references with their names, nulls and empty texts gone.
///
/// References to rows with an `Id` above `horizon` do not resolve: a batch item must not see what its neighbours create.
/// What no call can create is always seen.
///
/// # Errors
/// Every value that breaks a rule of the table, at once.
pub(super) fn read(
    fields: &[Field],
    object: &Object,
    company: &Company,
    horizon: u64,
) -> Result<Object, Fault> {
    let mut reader = Reader { company, horizon, reasons: Vec::new() };
    let kept = reader.object("", fields, object);
    if reader.reasons.is_empty() { Ok(kept) } else { Err(Fault::validation(reader.reasons)) }
}

/// As answers refer to a row: its `Id` and what it is called.
pub(super) fn reference_to(row: &Object) -> Value {
    let name = ["DisplayName", "FullyQualifiedName", "Name"].iter().find_map(|label| row.get(*label));
    json!({"value": text(row, &["Id"]), "name": name})
}

struct Reader<'a> {
    company: &'a Company,
    horizon: u64,
    reasons: Vec<Reason>,
}

impl Reader<'_> {
    fn object(&mut self, path: &str, fields: &[Field], object: &Object) -> Object {
        let mut kept = Object::new();
        for (name, shape) in fields {
            let Some(value) = object.get(*name) else { continue };
            let path = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
            if let Some(value) = self.value(&path, shape, value) {
                kept.insert((*name).to_owned(), value);
            }
        }
        kept
    }

    fn value(&mut self, path: &str, shape: &Shape, value: &Value) -> Option<Value> {
        match (shape, value) {
            (Ignored | NotSimulated, _) | (_, Value::Null) => return None,
            (_, Value::String(text)) if text.is_empty() => return None,
            (Shape::Object(fields), Value::Object(object)) => {
                return Some(Value::Object(self.object(path, fields, object)));
            }
            (List(fields), Value::Array(items)) => return Some(self.list(path, fields, items)),
            (Reference(entity), Value::Object(reference)) => return self.reference(path, entity, reference),
            (Code, Value::Object(code)) if code.get("value").is_some_and(Value::is_string) => {}
            (Text(longest), Value::String(text)) => self.text(path, *longest, text),
            (Name(longest), Value::String(text)) => self.name(path, *longest, text),
            (Email, Value::String(text)) => self.email(path, text),
            (Shape::Date, Value::String(text)) => self.date(path, text),
            (Choice(choices), Value::String(text)) => self.choice(path, choices, text),
            (Flag, Value::Bool(_)) => {}
            (Number | Money, Value::String(text)) if self.reads_quoted_numbers() => {
                return self.quoted(path, shape, text);
            }
            (Number, Value::Number(_)) if decimal(value).is_some() => {}
            (Money, Value::Number(_)) => self.money(path, value),
            _ => self.refuse(unreadable(path, value)),
        }
        Some(value.clone())
    }

    fn reads_quoted_numbers(&self) -> bool {
        self.company.switches.quoted_numbers == QuotedNumbers::Read
    }

    fn quoted(&mut self, path: &str, shape: &Shape, text: &str) -> Option<Value> {
        match text.parse::<Decimal>() {
            Ok(number) => self.value(path, shape, &plain(number)),
            Err(_) => {
                self.refuse(unreadable(path, &json!(text)));
                None
            }
        }
    }

    fn refuse(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }

    fn list(&mut self, path: &str, fields: &[Field], items: &[Value]) -> Value {
        let objects = items.iter().filter_map(Value::as_object);
        objects.map(|item| Value::Object(self.object(path, fields, item))).collect()
    }

    fn reference(&mut self, path: &str, entity: &str, reference: &Object) -> Option<Value> {
        let id = text(reference, &["value"]);
        let visible = create::sees(entity, id, self.horizon);
        let Some(row) = self.company.row(entity, id).filter(|_| visible) else {
            let detail = format!("Invalid Reference Id : {entity}s element id {id} not found");
            self.refuse(Reason::new(2500, detail).at(path));
            return None;
        };
        if row.get("Active") == Some(&Value::Bool(false)) {
            self.refuse(Reason::gone());
        }
        Some(reference_to(row))
    }

    fn text(&mut self, path: &str, longest: usize, text: &str) {
        let length = text.chars().count();
        if length > longest {
            let detail = format!(
                "String length is either shorter or longer than supported by specification. \
                 Min:0 Max:{longest} supported. Supplied length:{length}"
            );
            self.refuse(Reason::new(2050, detail).at(path));
        }
        // Whoever sends an emoji shall learn here that it may not arrive (§1.4).
        let refuses = self.company.switches.beyond_bmp == BeyondBmp::Refused;
        if refuses && text.chars().any(|c| c > '\u{ffff}') {
            self.refuse(Reason::new(2040, format!("Characters beyond the BMP in {path}")).at(path));
        }
    }

    fn name(&mut self, path: &str, longest: usize, text: &str) {
        let longest = if path == "DisplayName" { self.company.switches.display_name_length } else { longest };
        self.text(path, longest, text);
        if text.contains([':', '\t', '\n', '\r']) {
            self.refuse(Reason::new(2040, format!("{path} has a colon, tab or line break")).at(path));
        }
    }

    fn email(&mut self, path: &str, text: &str) {
        self.text(path, 100, text);
        if !text.split(',').all(|address| is_email(address.trim())) {
            self.refuse(
                Reason::new(2210, format!("Email Address does not conform to RFC 822: {text}")).at(path),
            );
        }
    }

    fn date(&mut self, path: &str, text: &str) {
        // Longer forms, with a time of day, would parse as well.
        if text.len() != 10 || text.parse::<Date>().is_err() {
            self.refuse(Reason::new(2060, format!("Date is not YYYY-MM-DD. Supplied value:{text}")).at(path));
        }
    }

    fn choice(&mut self, path: &str, choices: &[&str], text: &str) {
        let accepts_converted = self.company.switches.converted_status == ConvertedStatus::Accepted;
        if path == "TxnStatus" && text == "Converted" && accepts_converted {
            return;
        }
        if !choices.contains(&text) {
            let detail = format!("{path} is none of {}. Supplied value:{text}", choices.join(", "));
            self.refuse(Reason::new(2170, detail).at(path));
        }
    }

    fn money(&mut self, path: &str, value: &Value) {
        let fits =
            |amount: Decimal| amount.normalize().scale() <= 2 && amount.abs() < Decimal::from(10_u64.pow(13));
        if !decimal(value).is_some_and(fits) {
            let detail =
                format!("Amounts have at most 15 digits, two of them decimals. Supplied value:{value}");
            self.refuse(Reason::new(2140, detail).at(path));
        }
    }
}

/// One plain address; quoted local parts and comments of RFC 822 are not simulated.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    !local.is_empty() && local.chars().all(atom) && domain.contains('.') && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_told_from_malformed_ones() {
        for good in ["ap@northwind.example", "o'brien+x@a-b.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["", "ap", "@b.example", "a@b", "a@b..example", "a b@c.example", "a@b@c.example", "sø@n.example"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
