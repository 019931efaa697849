//! *Companies*: the QuickBooks companies of a portal, whether they are healthy, and how to connect another.

use jiff::Timestamp;
use mapping::quickbooks::RealmId;
use maud::{Markup, html};
use store::connection::{Connection, Status};
use store::portal::{Company, Portal};

use super::Visit;
use super::layout::{Room, Tone, badge, csrf, day, facts, moment, note, plain};
use super::text::{Texts, fill};
use crate::web::{self, Fields, Reply};

/// From so many days before its end on, a grant is shown as ending: time enough for a person to connect again.
const ENDS_SOON_DAYS: i64 = 60;

/// Where a company's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Good,
    /// Days left, whatever is done.
    Ending(i64),
    Ended,
}

impl Health {
    pub(super) fn of(company: &Company, now: Timestamp) -> Self {
        match (company.connection.status, days_left(Life::of(company).hard_expires_at, now)) {
            (Status::ReauthRequired, _) => Self::Ended,
            // No token is taken: whether the grant ended or the person's rights did, a person can connect again.
            (Status::Ok, _) if company.connection.refused_at.is_some() => Self::Ended,
            (Status::Ok, Some(days)) if days <= ENDS_SOON_DAYS => Self::Ending(days),
            (Status::Ok, _) => Self::Good,
        }
    }

    pub(super) fn badge(self, texts: &Texts) -> Markup {
        match self {
            Self::Good => badge(Tone::Good, texts.status_ok),
            Self::Ending(_) => badge(Tone::Waits, texts.status_ending),
            Self::Ended => badge(Tone::Bad, texts.status_ended),
        }
    }
}

/// How a connection came to be, and when it ends.
#[derive(Default)]
struct Life<'a> {
    connected_by: Option<&'a str>,
    connected_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    /// Unless it is used before.
    refresh_expires_at: Option<Timestamp>,
    /// Whatever is done.
    hard_expires_at: Option<Timestamp>,
}

impl<'a> Life<'a> {
    fn of(company: &'a Company) -> Self {
        Self {
            connected_by: company.connected_by.as_deref(),
            connected_at: company.connected_at,
            last_used_at: company.connection.last_used_at,
            refresh_expires_at: company.connection.refresh_expires_at,
            hard_expires_at: company.connection.hard_expires_at,
        }
    }
}

/// Whole days from now on; a moment that has passed is none.
pub(super) fn days_left(end: Option<Timestamp>, now: Timestamp) -> Option<i64> {
    end.map(|end| (end.as_second() - now.as_second()).max(0) / (24 * 3600))
}

/// A number of days, in words.
pub(super) fn days(count: i64, texts: &Texts) -> String {
    let text = if count == 1 { texts.days_one } else { texts.days_many };
    fill(text, &[("count", &count.to_string())])
}

/// Where a company's own page is.
pub(super) fn address(realm: &RealmId) -> String {
    format!("/console/company/{realm}")
}

/// Where a company is connected again.
pub(super) fn reconnect_address(realm: &RealmId) -> String {
    web::path("/reconnect/quickbooks", &[("realm", realm.as_str())])
}

/// Whether this company is what `default` means.
pub(super) fn is_default(portal: &Portal, company: &Company) -> bool {
    portal.default_realm.as_ref() == Some(&company.realm)
}

impl Visit<'_> {
    /// `GET /console`.
    pub(super) fn companies(&self, query: &Fields) -> Reply {
        let content = html! {
            (self.hubspot())
            @if self.portal.companies.is_empty() { (self.no_company()) } @else {
                p.intro { (self.texts().companies_intro) }
                @if self.portal.default_realm.is_none() {
                    (note(Tone::Waits, &html! { p { (self.texts().no_default) } }))
                }
                @for company in &self.portal.companies { (self.card(company)) }
                div.actions {
                    a.button.second href="/connect/quickbooks" { (self.texts().connect_another) }
                    (self.connect_sandbox())
                }
            }
            p.intro { a href="/console/uninstall" { (self.texts().uninstall) } }
        };
        let page = self.page(Room::Companies, self.texts().companies, content);
        web::page(200, super::Page { notice: self.notice(query), ..page }.show())
    }

    /// `GET /console/uninstall`: nothing is ended by a mere click.
    pub(super) fn ask_to_uninstall(&self) -> Reply {
        let texts = self.texts();
        let content = html! {
            section.card {
                p { (texts.uninstall_text) }
                div.actions {
                    form method="post" action="/connect/hubspot/uninstall" {
                        (csrf(&self.session))
                        button.danger { (texts.uninstall_yes) }
                    }
                    a.button.second href="/console" { (texts.uninstall_no) }
                }
            }
        };
        web::page(200, self.page(Room::Companies, texts.uninstall_title, content).show())
    }

    /// Says so when HubSpot refuses us: nothing works then, whatever the companies' state.
    fn hubspot(&self) -> Markup {
        let is_sound = |hubspot: &Connection| hubspot.status == Status::Ok && hubspot.refused_at.is_none();
        let sound = self.portal.hubspot.as_ref().is_some_and(is_sound);
        if sound {
            return Markup::default();
        }
        let content = html! {
            p { (self.texts().hubspot_ended) " " a href="/connect/hubspot" { (self.texts().install_again) } }
        };
        note(Tone::Bad, &content)
    }

    /// Intuit's button stands here as long as nothing is connected; afterwards each company has its *Disconnect*
    /// (quickbooks.md §9).
    fn no_company(&self) -> Markup {
        html! {
            section.card.empty aria-labelledby="none" {
                h2 #none { (self.texts().companies_none) }
                p { (self.texts().companies_none_text) }
                p { a.button.intuit href="/connect/quickbooks" { (self.texts().connect) } }
                (self.connect_sandbox())
            }
        }
    }

    /// Sandbox companies have keys of their own (rulings.md 24). Where there are no others, every button is for them.
    fn connect_sandbox(&self) -> Markup {
        html! {
            @if self.app.vendors.has_both_kinds() {
                a.button.second href="/connect/quickbooks?sandbox=1" { (self.texts().connect_sandbox) }
            }
        }
    }

    fn card(&self, company: &Company) -> Markup {
        let texts = self.texts();
        let health = Health::of(company, self.now);
        let id = format!("company-{}", company.realm);
        html! {
            section.card aria-labelledby=(id) {
                header {
                    h2 #(id) { a href=(address(&company.realm)) { (company.name) } }
                    (self.badges(company))
                }
                @if health == Health::Ended { (note(Tone::Bad, &html! { p { (texts.status_ended_text) } })) }
                (self.connection_facts(company))
                div.actions {
                    @if health != Health::Good {
                        a.button href=(reconnect_address(&company.realm))
                            aria-label=(fill(texts.reconnect_company, &[("name", &company.name)])) { (texts.reconnect) }
                    }
                    a.button.second href=(address(&company.realm))
                        aria-label=(fill(texts.manage_company, &[("name", &company.name)])) { (texts.manage) }
                }
            }
        }
    }

    /// What is to be seen of a company at a glance.
    pub(super) fn badges(&self, company: &Company) -> Markup {
        let texts = self.texts();
        html! {
            (Health::of(company, self.now).badge(texts)) " "
            @if is_default(&self.portal, company) { (badge(Tone::Plain, texts.default)) " " }
            @if company.sandbox { (badge(Tone::Waits, texts.sandbox)) }
        }
    }

    /// How a connection came to be, and how long it will last.
    pub(super) fn connection_facts(&self, company: &Company) -> Markup {
        let (texts, zone) = (self.texts(), &self.portal.time_zone);
        let life = Life::of(company);
        let lasts = |end| match company.connection.status {
            Status::Ok => days_left(end, self.now).map(|count| plain(days(count, texts))).unwrap_or_default(),
            Status::ReauthRequired => Markup::default(),
        };
        facts(&[
            (texts.connected_by, life.connected_by.map(plain).unwrap_or_default()),
            (texts.connected_on, life.connected_at.map(|at| day(at, zone)).unwrap_or_default()),
            (texts.last_used, life.last_used_at.map_or_else(|| plain(texts.never), |at| moment(at, zone))),
            (texts.ends_unused, lasts(life.refresh_expires_at)),
            (texts.ends_whatever, lasts(life.hard_expires_at)),
            (
                texts.home_currency,
                company.home_currency.as_ref().map(|currency| plain(currency.as_str())).unwrap_or_default(),
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::text::texts;
    use crate::web::Language;

    #[test]
    fn days_are_counted_down_to_none() {
        let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let left = |end: &str| days_left(Some(end.parse().unwrap()), now);
        assert_eq!(left("2026-06-10T12:00:00Z"), Some(100));
        assert_eq!(left("2026-03-03T11:59:59Z"), Some(0));
        assert_eq!(left("2026-01-01T00:00:00Z"), Some(0));
        assert_eq!(days_left(None, now), None);
        let words = |count, language| days(count, texts(language));
        assert_eq!(words(1, Language::English), "1 day");
        assert_eq!(words(100, Language::French), "100 jours");
    }
}
