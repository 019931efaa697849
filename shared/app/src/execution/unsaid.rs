//! What settings or records ask for and the document does not say: told with it, so that nobody looks for it in vain.

use mapping::custom::{self, Unfit};
use mapping::document::Header;
use mapping::hubspot::RecordKind;
use mapping::lookup::Matched;
use mapping::quickbooks::DocumentKind;
use mapping::settings::Settings;

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
    tracked.chain(own_fields).chain(ship_date).chain(several_emails(matched)).collect()
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
