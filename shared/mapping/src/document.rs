//! The third step: a matched sale written as a QuickBooks document.

use crate::date::{self, DueDays};
use crate::line::{Discount, SaleLine};
use crate::lookup::Matched;
use crate::money::{self, Priced};
use crate::quickbooks::{CustomerId, DetailType, Email, Invoice, ItemId, Line, Ref, SalesItemLineDetail};
use crate::text::{cut, length};
use jiff::civil::Date;

/// The longest `Description` and `PrivateNote` (quickbooks.md §2.1, §2.2).
const TEXT_LIMIT: usize = 4000;

/// What a document says besides the sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The portal's civil day: the posting date.
    pub today: Date,
    /// None leaves the due date to QuickBooks' terms.
    pub due_days: Option<DueDays>,
    /// The execution's marker, by which a document is recognised as ours after a lost reply.
    pub marker: String,
    /// Where the deal or quote is found in HubSpot.
    pub record_url: String,
}

/// The invoice for a sale. Its lines add up to [`Sale::subtotal`](crate::sale::Sale::subtotal).
pub fn invoice(matched: &Matched, customer: &CustomerId, header: &Header) -> Invoice {
    let Matched { sale, items, .. } = matched;
    let address = &sale.buyer.address;
    Invoice {
        txn_date: header.today,
        due_date: header.due_days.map(|days| date::due(header.today, days)),
        customer_ref: Ref::to(customer.clone()),
        bill_email: sale.buyer.email.clone().map(|address| Email { address }),
        // Without a street it would only displace the better one QuickBooks copies from the customer: HubSpot fills in
        // a contact's city and country by itself.
        bill_addr: address.line1.is_some().then(|| address.clone()),
        currency_ref: sale.currency.as_ref().map(|currency| Ref::to(currency.to_string())),
        private_note: private_note(&header.record_url, &header.marker),
        line: sale.lines.iter().zip(items).map(|(sold, item)| line(sold, &item.id)).collect(),
    }
}

/// The link to the HubSpot record, then the marker on a line of its own: ≤ 4000 characters, the marker always whole.
pub fn private_note(record_url: &str, marker: &str) -> String {
    with_notes(record_url, &[marker.to_owned()]).unwrap_or_default()
}

fn line(sold: &SaleLine, item: &ItemId) -> Line {
    let figures = &sold.figures;
    let priced = money::priced(figures.quantity, figures.price, figures.amount);
    Line {
        detail_type: DetailType::SalesItemLineDetail,
        amount: figures.amount,
        description: description(sold, &priced),
        sales_item_line_detail: SalesItemLineDetail {
            item_ref: Ref::to(item.clone()),
            qty: priced.qty,
            unit_price: priced.unit_price,
        },
    }
}

/// What the customer reads: HubSpot's description if there is one, else the line's name (the item's own name stands
/// beside it), then what quantity and price do not show.
fn description(sold: &SaleLine, priced: &Priced) -> Option<String> {
    let text = sold.article.description.as_deref().or(sold.article.name.as_deref()).unwrap_or_default();
    let quantity = priced.as_one.then(|| {
        let price = money::display(sold.figures.price);
        format!("Quantity {} at {price}", sold.figures.quantity)
    });
    let discount = sold.figures.discount.map(|discount| match discount {
        Discount::Percent(percent) => format!("Discount {percent} %"),
        Discount::PerUnit(amount) => format!("Discount {} per unit", money::display(amount)),
    });
    let notes: Vec<String> = quantity.into_iter().chain(discount).collect();
    with_notes(&printable(text), &notes)
}

/// The text, cut so that each note still fits on a line below it; none when there is nothing to say.
fn with_notes(text: &str, notes: &[String]) -> Option<String> {
    let room = notes.iter().map(|note| length(note) + 1).sum();
    let text = cut(text, TEXT_LIMIT.saturating_sub(room));
    let lines = [text].into_iter().chain(notes.iter().map(String::as_str)).filter(|line| !line.is_empty());
    let all = lines.collect::<Vec<_>>().join("\n");
    if all.is_empty() { None } else { Some(all) }
}

/// Lines stay lines; other control characters go.
fn printable(text: &str) -> String {
    let lines = text.lines().map(|line| line.replace(char::is_control, " "));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hubspot::Enrolled;
    use crate::lookup::{Answers, Links};
    use crate::sale;
    use crate::testing::{contact_with, deal, over, widget, widget_line};
    use jiff::civil::date;
    use proptest::prelude::*;
    use rust_decimal::Decimal;
    use serde_json::{Value, json};

    fn matched(enrolled: &Enrolled) -> Matched {
        let answers = Answers { items: vec![widget()], ..Answers::default() };
        sale::read(enrolled).settle(&Links::default(), &answers).unwrap()
    }

    fn written(enrolled: &Enrolled, due_days: Option<&str>) -> Invoice {
        let header = Header {
            today: date(2026, 3, 2),
            due_days: due_days.map(|days| days.parse().unwrap()),
            marker: "[hs 0123456789abcdef0123]".into(),
            record_url: "https://app.hubspot.com/contacts/1/record/0-3/4821".into(),
        };
        invoice(&matched(enrolled), &CustomerId("58".into()), &header)
    }

    fn json_of(invoice: &Invoice) -> String {
        serde_json::to_string_pretty(invoice).unwrap()
    }

    fn described(fields: Value) -> Option<String> {
        written(&deal([over(widget_line(), fields)]), None).line.remove(0).description
    }

    #[test]
    fn a_deal_becomes_an_invoice() {
        let contact = json!({
            "firstname": "Ana", "lastname": "Trujillo", "email": "ana@harbour.example", "phone": "(510) 555-0142",
            "address": "12 Harbour Rd", "city": "Oakland", "state": "CA", "zip": "94607", "country": "United States"
        });
        let lines = [
            over(widget_line(), json!({"hs_line_item_currency_code": "USD"})),
            over(widget_line(), json!({"hs_discount_percentage": "10", "amount": "134.97"})),
            over(
                widget_line(),
                json!({"quantity": "0.3333333333333333", "price": "300.5", "amount": "100.17",
                                       "description": "A third of a year"}),
            ),
        ];
        let enrolled = Enrolled { contact: Some(contact_with(contact)), ..deal(lines) };
        insta::assert_snapshot!(json_of(&written(&enrolled, Some("30"))));
    }

    #[test]
    fn without_due_days_currency_and_street_quickbooks_decides() {
        let contact = json!({"firstname": "Ana", "email": "ana@harbour.example", "city": "Oakland"});
        let enrolled = Enrolled { contact: Some(contact_with(contact)), ..deal([widget_line()]) };
        insta::assert_snapshot!(json_of(&written(&enrolled, None)));
    }

    #[test]
    fn a_line_says_what_quantity_and_price_do_not() {
        let check = |fields, expected: &str| assert_eq!(described(fields).as_deref(), Some(expected));
        check(json!({}), "Widget");
        check(json!({"description": " Blue,\r\nwith a\u{7} bell "}), "Blue,\nwith a  bell");
        check(json!({"discount": "5", "amount": "134.97"}), "Widget\nDiscount 5.00 per unit");
        check(json!({"hs_discount_percentage": "12.5", "amount": "131.22"}), "Widget\nDiscount 12.5 %");
        check(
            json!({"quantity": "700000000", "price": "1", "amount": "100000000.01"}),
            "Widget\nQuantity 700000000 at 1.00",
        );
        assert_eq!(described(json!({"name": null})), None);
    }

    #[test]
    fn texts_are_cut_and_notes_and_marker_stay_whole() {
        let long =
            described(json!({"description": "å".repeat(5000), "hs_discount_percentage": "10"})).unwrap();
        assert_eq!(long.chars().count(), 4000);
        assert!(long.ends_with("å\nDiscount 10 %"));
        let note = private_note(&"u".repeat(5000), "[hs 0123]");
        assert_eq!(note.len(), 4000);
        assert!(note.ends_with("u\n[hs 0123]"));
        assert_eq!(private_note("https://app.example/1", "[hs 0123]"), "https://app.example/1\n[hs 0123]");
    }

    /// A line in millionths, and what HubSpot would charge for it in cents: reckoned in whole numbers, by no rule of ours.
    #[derive(Clone, Debug)]
    struct Drawn {
        properties: Value,
        cents: i128,
    }

    fn drawn_line() -> impl Strategy<Value = Drawn> {
        let discount = prop_oneof![Just((0, 0)), (0..=10_000_i128, Just(0)), (Just(0), 0..=1_000_000_i128)];
        (1..=9_999_999_999_i128, 0..=99_999_999_999_i128, discount, any::<bool>()).prop_map(
            |(quantity, price, (percent, per_mille_of_price), stated)| {
                let per_unit = price * per_mille_of_price / 1_000_000;
                // 12 decimals of quantity × price, 4 of the percentage in hundredths.
                let net = quantity * (price - per_unit) * (10_000 - percent);
                let cents = (net + 5 * 10_i128.pow(13)) / 10_i128.pow(14);
                let fixed = |number: i128, scale| Decimal::from_i128_with_scale(number, scale).to_string();
                let properties = json!({
                    "name": "Widget", "hs_sku": "WID-1", "quantity": fixed(quantity, 6), "price": fixed(price, 6),
                    "hs_discount_percentage": (percent > 0).then(|| fixed(percent, 2)),
                    "discount": (per_unit > 0).then(|| fixed(per_unit, 6)),
                    "amount": stated.then(|| fixed(cents, 2)),
                });
                Drawn { properties, cents }
            },
        )
    }

    proptest! {
        #[test]
        fn lines_multiply_and_add_up_to_hubspots_sum(lines in prop::collection::vec(drawn_line(), 1..=60)) {
            let enrolled = deal(lines.iter().map(|line| line.properties.clone()));
            let invoice = written(&enrolled, None);
            for line in &invoice.line {
                let SalesItemLineDetail { qty, unit_price, .. } = line.sales_item_line_detail;
                prop_assert_eq!(money::round_half_up(qty * unit_price), line.amount, "{:?}", line);
                prop_assert!(qty.scale() <= 7 && unit_price.scale() <= 7 && line.amount.scale() == 2);
            }
            let sum: Decimal = invoice.line.iter().map(|line| line.amount).sum();
            prop_assert_eq!(sum, Decimal::from_i128_with_scale(lines.iter().map(|line| line.cents).sum(), 2));
            prop_assert_eq!(sum, matched(&enrolled).sale.subtotal());
        }

        #[test]
        fn no_text_makes_the_rules_panic(texts in prop::collection::vec("(?s:.){0,60}|[0-9]{1,40}", 12)) {
            let text = |at: usize| texts[at].as_str();
            let line = json!({
                "name": text(0), "description": text(1), "hs_sku": text(2), "quantity": text(3), "price": text(4),
                "discount": text(5), "hs_discount_percentage": text(6), "amount": text(7),
                "hs_line_item_currency_code": text(8), "hs_position_on_quote": text(9)
            });
            let contact = contact_with(json!({"firstname": text(10), "email": text(11), "address": text(1)}));
            let enrolled = Enrolled { contact: Some(contact), ..deal([line.clone(), line]) };
            let reading = sale::read(&enrolled);
            let wanted = reading.wanted(&Links::default());
            prop_assert!(wanted.skus.iter().chain(&wanted.item_names).all(|name| name.chars().count() <= 100));
            let answers = Answers { items: vec![widget()], ..Answers::default() };
            if let Err(problems) = reading.settle(&Links::default(), &answers) {
                prop_assert!(!problems.is_empty());
            }
        }
    }
}
