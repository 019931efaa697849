//! Length, enumeration and character rules of quickbooks.md §2, by no code of ours or of the stand-in's.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

/// What a field, by its JSON pointer, may hold.
struct Rule(&'static str, Holds);

enum Holds {
    /// At most so many characters.
    Text(usize),
    /// The same, something, and no character that tells names apart.
    Name(usize),
    /// An address of at most 100 characters.
    Email,
    /// One of these words.
    Word(&'static [&'static str]),
}

use Holds::{Email, Name, Text, Word};

const CUSTOMER: &[Rule] = &[
    Rule("/DisplayName", Name(100)),
    Rule("/GivenName", Name(100)),
    Rule("/FamilyName", Name(100)),
    Rule("/CompanyName", Text(100)),
    Rule("/PrimaryEmailAddr/Address", Email),
    Rule("/PrimaryPhone/FreeFormNumber", Text(30)),
    Rule("/WebAddr/URI", Text(1000)),
];

const ITEM: &[Rule] =
    &[Rule("/Name", Name(100)), Rule("/Sku", Text(100)), Rule("/Type", Word(&["NonInventory"]))];

const PAYMENT: &[Rule] = &[Rule("/PaymentRefNum", Text(21)), Rule("/PrivateNote", Text(4000))];

const DOCUMENT: &[Rule] = &[
    Rule("/DocNumber", Text(21)),
    Rule("/PrivateNote", Text(4000)),
    Rule("/CustomerMemo/value", Text(1000)),
    Rule("/BillEmail/Address", Email),
    Rule("/BillEmailCc/Address", Email),
    Rule("/BillEmailBcc/Address", Email),
    Rule("/PaymentRefNum", Text(21)),
    Rule("/GlobalTaxCalculation", Word(&["TaxExcluded", "TaxInclusive", "NotApplicable"])),
    Rule("/EmailStatus", Word(&["NeedToSend"])),
    Rule("/TxnStatus", Word(&["Pending"])),
    Rule("/CustomField/0/StringValue", Text(31)),
];

const ADDRESS: &[Rule] = &[
    Rule("/Line1", Text(500)),
    Rule("/Line2", Text(500)),
    Rule("/Line3", Text(500)),
    Rule("/City", Text(255)),
    Rule("/CountrySubDivisionCode", Text(255)),
    Rule("/PostalCode", Text(30)),
    Rule("/Country", Text(255)),
];

/// Holds the body of a create against them; `decimals` are those of its currency.
pub(crate) fn check(entity: &str, body: &Value, decimals: u32) {
    let (rules, needed): (_, &[&str]) = match entity {
        "Customer" => (CUSTOMER, &["DisplayName"]),
        "Item" => (ITEM, &["Name", "Type", "IncomeAccountRef"]),
        "Payment" => (PAYMENT, &["CustomerRef", "TotalAmt", "TxnDate", "PrivateNote", "Line"]),
        _ => (DOCUMENT, &["CustomerRef", "TxnDate", "PrivateNote", "Line"]),
    };
    assert!(needed.iter().all(|name| !body[*name].is_null()), "{body}");
    fields(rules, body);
    for address in ["BillAddr", "ShipAddr"] {
        fields(ADDRESS, &body[address]);
    }
    let has_lines = ["PrivateNote", "CustomerMemo", "Description"];
    all_texts("", body, &mut |field, text| {
        assert!(!text.trim().is_empty() && text.chars().all(|c| c.len_utf16() == 1), "{field}: {text:?}");
        let is_allowed = |c: char| !c.is_control() || (c == '\n' && has_lines.contains(&field));
        assert!(text.chars().all(is_allowed), "{field}: {text:?}");
    });
    match entity {
        "Customer" | "Item" => {}
        "Payment" => payment(body),
        _ => lines(body, decimals),
    }
}

fn fields(rules: &[Rule], body: &Value) {
    for Rule(pointer, holds) in rules {
        let Some(value) = body.pointer(pointer) else { continue };
        let text = value.as_str().unwrap_or_else(|| panic!("{pointer} of {body} is no text"));
        let length = text.encode_utf16().count();
        let keeps = match holds {
            Text(most) => length <= *most,
            Name(most) => length <= *most && !text.contains([':', '\t', '\n']),
            Email => length <= 100 && text.contains('@'),
            Word(words) => words.contains(&text),
        };
        assert!(keeps, "{pointer} of {body}");
    }
}

/// Each with the name of the last field above it, but for what is called `value`.
fn all_texts<'a>(field: &'a str, value: &'a Value, check: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => check(field, text),
        Value::Array(values) => values.iter().for_each(|value| all_texts(field, value, check)),
        Value::Object(values) => values.iter().for_each(|(name, value)| {
            all_texts(if name == "value" { field } else { name.as_str() }, value, check);
        }),
        _ => {}
    }
}

/// It pays what it says.
fn payment(body: &Value) {
    let total = amount(&body["TotalAmt"], 2);
    let lines = body["Line"].as_array().unwrap().iter().map(|line| amount(&line["Amount"], 2));
    assert!(total > Decimal::ZERO && lines.sum::<Decimal>() == total, "{body}");
}

/// Amounts that hold their tax are split to the cent in any currency.
fn lines(body: &Value, decimals: u32) {
    let decimals = if body["GlobalTaxCalculation"] == "TaxInclusive" { 2 } else { decimals.min(2) };
    let mut discounts = 0;
    for line in body["Line"].as_array().unwrap() {
        fields(&[Rule("/Description", Text(4000))], line);
        let amount = amount(&line["Amount"], decimals);
        match line["DetailType"].as_str().unwrap() {
            "SalesItemLineDetail" => {
                let detail = &line["SalesItemLineDetail"];
                let (quantity, price) = (number(&detail["Qty"]), number(&detail["UnitPrice"]));
                assert!(quantity.scale() <= 7 && price.scale() <= 7 && quantity > Decimal::ZERO, "{line}");
                let product =
                    (quantity * price).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
                assert_eq!(product, amount, "{line}");
            }
            "DiscountLineDetail" => discounts += 1,
            other => panic!("{other}"),
        }
    }
    assert!(discounts <= 1, "{body}");
}

fn amount(value: &Value, decimals: u32) -> Decimal {
    let amount = number(value);
    let fits = amount.scale() <= 2 && amount.normalize().scale() <= decimals;
    assert!(fits && amount >= Decimal::ZERO && amount < Decimal::from(10_u64.pow(13)), "{amount}");
    amount
}

fn number(value: &Value) -> Decimal {
    value.to_string().parse().unwrap_or_else(|_| panic!("{value} is no number"))
}
