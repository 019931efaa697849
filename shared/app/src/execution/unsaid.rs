//! What settings or records ask for and the document does not say: told with it, so that nobody looks for it in vain.

use mapping::custom::{self, Unfit};
use mapping::document::Header;
use mapping::hubspot::RecordKind;
use mapping::item;
use mapping::lookup::Matched;
use mapping::quickbooks::DocumentKind;
use mapping::settings::{Discounts, Online, ServiceDates, Settings};

/// A sentence each.
pub(super) fn warnings(
    kind: DocumentKind,
    record: RecordKind,
    matched: &Matched,
    settings: &Settings,
    header: &Header,
) -> Vec<String> {
    let tracked = untracked(settings).map(str::to_owned);
    let own_fields = own_fields(settings, header);
    let ship_date = no_ship_date(kind, record, settings, header);
    let off = switched_off(kind, matched, settings, header).map(str::to_owned);
    let skus = skus_left_out(matched);
    let tracked = tracked.chain(discounts_netted(matched, settings));
    let said = tracked.chain(own_fields).chain(ship_date).chain(off);
    said.chain(several_emails(matched)).chain(skus).collect()
}

/// A company that stopped tracking classes or locations would refuse a document that has one.
fn untracked(Settings { books, choices }: &Settings) -> impl Iterator<Item = &'static str> {
    let class = choices.class.is_some() && !books.classes && !books.line_classes;
    let location = choices.location.is_some() && !books.locations;
    let class = class.then_some(
        "The QuickBooks company does not track classes: the class of the app's settings (“class”) was left out.",
    );
    let location = location.then_some(
        "The QuickBooks company does not track locations: the location of the app's settings (“location”) was left out.",
    );
    class.into_iter().chain(location)
}

/// A discount of the whole document would lower every tax in it.
fn discounts_netted(matched: &Matched, Settings { choices, .. }: &Settings) -> Option<String> {
    let are_left = matched.sale.lines.iter().any(|line| line.figures.gross != line.figures.amount);
    let so = choices.discounts == Discounts::Document && !matched.tax.is_uniform(&matched.sale) && are_left;
    let text = "The lines are taxed differently: their discounts were taken off the lines, not off the whole document (“discounts”), \
                so that each lowers its own line's tax.";
    so.then(|| text.to_owned())
}

/// What is sent all the same: whether QuickBooks keeps it is not documented, and a person may switch it on later.
fn switched_off(
    kind: DocumentKind,
    matched: &Matched,
    Settings { books, choices }: &Settings,
    header: &Header,
) -> impl Iterator<Item = &'static str> {
    let dated = choices.service_dates == ServiceDates::BillingStart
        && matched.sale.lines.iter().any(|line| line.article.begins.is_some());
    let online = [choices.card_payment, choices.bank_payment].contains(&Online::Yes);
    let told = [
        (
            dated && books.off.service_dates,
            "Service dates are switched off in the QuickBooks company: those of the lines (“service_dates”) may not be shown.",
        ),
        (
            header.ship_date.is_some() && books.off.shipping,
            "Shipping is switched off in the QuickBooks company: the day of shipping (“ship_date”) may not be shown.",
        ),
        (
            online && kind == DocumentKind::Invoice && books.off.online_payment,
            "Online payment is switched off in the QuickBooks company: the invoice may not be payable online (“card_payment”, \
             “bank_payment”).",
        ),
    ];
    told.into_iter().filter_map(|(is_told, sentence)| is_told.then_some(sentence))
}

fn own_fields(settings: &Settings, header: &Header) -> impl Iterator<Item = String> {
    let (_, unfit) = custom::fields(settings, &header.properties);
    unfit.into_iter().map(|(name, unfit)| match unfit {
        Unfit::Unknown => format!(
            "The QuickBooks company has no custom field “{name}” on its sales forms: that of the app's settings (“custom_fields”) \
             was left out."
        ),
        Unfit::TooLong => format!(
            "The custom field “{name}” holds {} characters at most: what is longer was cut.",
            custom::TEXT_LIMIT
        ),
        Unfit::Refused => {
            format!("The custom field “{name}” lost characters of its text that QuickBooks does not take.")
        }
    })
}

fn no_ship_date(
    kind: DocumentKind,
    record: RecordKind,
    settings: &Settings,
    header: &Header,
) -> Option<String> {
    let name = settings.choices.ship_date.as_ref().filter(|_| header.ship_date.is_none())?;
    let (noun, what) = (record.noun(), kind.noun());
    let told =
        format!("The {noun}'s property “{name}” is no date: the {what} does not say when it is shipped.");
    header.properties.contains_key(name).then_some(told)
}

fn several_emails(matched: &Matched) -> Option<String> {
    let buyer = &matched.sale.buyer;
    let email = buyer.email.as_ref().filter(|_| buyer.has_more_emails)?;
    Some(format!("The contact has several e-mail addresses in one field: only the first was used, {email}."))
}

/// A part of a SKU would be another one.
fn skus_left_out(matched: &Matched) -> impl Iterator<Item = String> {
    let lines = matched.sale.lines.iter().zip(&matched.items);
    let without = lines.filter(|(line, item)| item::is_sku_left_out(&line.article, item));
    without.map(|(line, _)| {
        let line = line.article.label();
        format!("The SKU of line item “{line}” is longer than QuickBooks takes: its new product has none.")
    })
}
