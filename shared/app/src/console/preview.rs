//! What a preview shows: the customer and every line with the reason for each match, and the document itself.

use maud::{Markup, html};
use store::record::Plan;

use super::Visit;
use super::layout::{amount, plain, rows};
use super::summary::Summary;
use super::text::{Texts, fill};
use crate::answer::money;
use crate::preview::{Line, Preview};

impl Visit<'_> {
    /// The part of an execution's page that only a preview has.
    pub(super) fn preview(&self, summary: &Summary<'_>) -> Markup {
        let Some(plan) = &summary.record.preview else { return Markup::default() };
        let texts = self.texts();
        html! {
            section.card aria-labelledby="preview" {
                header { h2 #preview { (texts.preview_heading) } }
                p.hint { (texts.preview_text) }
                @if let Some(preview) = Preview::of(plan) { (self.matches(&preview)) }
                details {
                    summary { (texts.document_sent) }
                    pre tabindex="0" { code { (document(plan)) } }
                }
            }
        }
    }

    fn matches(&self, preview: &Preview) -> Markup {
        let (texts, notes) = (self.texts(), &preview.notes);
        let reason = customer_reason(&notes.customer_match, texts);
        let customer = html! { (notes.customer_name) @if !reason.is_empty() { " (" (reason) ")" } };
        // A sales receipt is its own payment.
        let paid = notes.paid.as_ref().filter(|_| notes.booking.is_some());
        let paid = paid.map(|paid| self.sum(paid.amount, preview));
        let paid = paid.map(|paid| plain(fill(texts.payment_limit, &[("amount", &paid)])));
        html! {
            (rows(&[(texts.customer, customer), (texts.payment_to_come, paid.unwrap_or_default())]))
            div.list {
                table {
                    thead {
                        tr {
                            th scope="col" { (texts.line) }
                            th.number scope="col" { (texts.quantity) }
                            th.number scope="col" { (texts.line_amount) }
                            th scope="col" { (texts.product_found) }
                            th scope="col" { (texts.why) }
                        }
                    }
                    tbody { @for line in &preview.lines { (self.line(line, preview)) } }
                }
            }
        }
    }

    fn line(&self, line: &Line, preview: &Preview) -> Markup {
        let (texts, item) = (self.texts(), line.item_name.as_deref().unwrap_or(&line.item));
        html! {
            tr {
                th scope="row" { (line.name) }
                td.number data-name=(texts.quantity) { (line.quantity.normalize()) }
                td.number data-name=(texts.line_amount) { (self.sum(line.amount, preview)) }
                td data-name=(texts.product_found) { (item) }
                td data-name=(texts.why) { (item_reason(&line.matched, texts)) }
            }
        }
    }

    fn sum(&self, sum: rust_decimal::Decimal, preview: &Preview) -> String {
        let currency = preview.currency.as_ref().map(ToString::to_string).unwrap_or_default();
        amount(self.language, &money(sum), &currency)
    }
}

/// The document, laid out for reading; every value as it would be sent.
fn document(plan: &Plan) -> String {
    let value = serde_json::from_str::<serde_json::Value>(&plan.body);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| plan.body.clone())
}

fn customer_reason(matched: &str, texts: &Texts) -> &'static str {
    match matched {
        "link" => texts.customer_link,
        "email" => texts.customer_email,
        "name" => texts.customer_name_match,
        "created" => texts.customer_new,
        _ => "",
    }
}

fn item_reason(matched: &str, texts: &Texts) -> &'static str {
    match matched {
        "link" => texts.item_link,
        "sku" => texts.item_sku,
        "full_name" => texts.item_full_name,
        "name" => texts.item_name_match,
        "default" => texts.item_default,
        "fee_item" => texts.item_fee,
        "created" => texts.item_new,
        _ => "",
    }
}
