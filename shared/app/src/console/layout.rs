//! What all pages have in common: the frame around them, and the small parts they are made of.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};

use super::text::{fill, texts};
use crate::session::Session;
use crate::web::{self, Language, Reply};

/// The stylesheet of all pages, served at [`STYLE_PATH`].
pub(crate) const STYLE: &str = include_str!("style.css");
/// Where the stylesheet is.
pub(crate) const STYLE_PATH: &str = "/console/style.css";

/// The rooms of the console, as the menu names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Companies,
    Activity,
}

impl Room {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Companies => "/console",
            Self::Activity => "/console/activity",
        }
    }

    pub(crate) fn name(self, language: Language) -> &'static str {
        match self {
            Self::Companies => texts(language).companies,
            Self::Activity => texts(language).activity,
        }
    }
}

/// A page of the console, to be [shown](Page::show).
pub(crate) struct Page<'a> {
    pub(crate) language: Language,
    pub(crate) session: Option<&'a Session>,
    pub(crate) room: Option<Room>,
    /// What the page is part of, outermost first: address and name.
    pub(crate) trail: Vec<(String, String)>,
    pub(crate) title: &'a str,
    /// Beside the heading.
    pub(crate) badge: Markup,
    /// What was just done, above everything else.
    pub(crate) notice: Markup,
    pub(crate) content: Markup,
}

impl<'a> Page<'a> {
    /// A page with a heading and nothing above it.
    pub(crate) fn new(language: Language, title: &'a str, content: Markup) -> Self {
        let (trail, badge, notice) = (Vec::new(), Markup::default(), Markup::default());
        Self { language, session: None, room: None, trail, title, badge, notice, content }
    }

    /// The whole document.
    pub(crate) fn show(self) -> Markup {
        let texts = texts(self.language);
        html! {
            (DOCTYPE)
            html lang=(self.language.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " – " (texts.product) }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href=(STYLE_PATH);
                }
                body {
                    a.skip href="#content" { (texts.skip) }
                    (self.banner())
                    main #content tabindex="-1" {
                        @if !self.trail.is_empty() { (trail(self.language, &self.trail)) }
                        (self.notice)
                        h1 { (self.title) @if !self.badge.0.is_empty() { " " (self.badge) } }
                        (self.content)
                    }
                    footer { p { (texts.footer) } }
                }
            }
        }
    }

    fn banner(&self) -> Markup {
        let texts = texts(self.language);
        html! {
            header {
                div {
                    a.brand href="/console" { (texts.product) }
                    @if let Some(session) = self.session {
                        nav aria-label=(texts.main_menu) {
                            @for room in [Room::Companies, Room::Activity] {
                                a href=(room.path()) aria-current=[(self.room == Some(room)).then_some("true")] {
                                    (room.name(self.language))
                                }
                            }
                        }
                        (signed_in(self.language, session))
                    }
                }
            }
        }
    }
}

fn signed_in(language: Language, session: &Session) -> Markup {
    let texts = texts(language);
    let (portal, user) = (session.portal().to_string(), session.stored.user.as_str());
    html! {
        div.who {
            span title=(fill(texts.portal, &[("id", &portal)])) { (session.stored.portal_name) " · " (portal) }
            span title=(fill(texts.signed_in_as, &[("user", user)])) { (user) }
        }
        form method="post" action="/console/sign-out" {
            (csrf(session))
            button.quiet { (texts.sign_out) }
        }
    }
}

fn trail(language: Language, trail: &[(String, String)]) -> Markup {
    html! {
        nav.trail aria-label=(texts(language).part_of) {
            ol { @for (address, name) in trail { li { a href=(address) { (name) } } } }
        }
    }
}

/// A page for somebody who may have no session.
pub(crate) fn page(language: Language, title: &str, session: Option<&Session>, content: Markup) -> Markup {
    Page { session, ..Page::new(language, title, content) }.show()
}

/// What every form holds: proof that it is from a page that was made for this session.
pub(crate) fn csrf(session: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(session.csrf()); }
}

/// How a state or notice looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Waits,
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Waits => "waits",
            Self::Plain => "plain",
        }
    }
}

/// A state in a word or two.
pub(crate) fn badge(tone: Tone, word: &str) -> Markup {
    html! { span.badge.(tone.class()) { (word) } }
}

/// Something to know, set apart.
pub(crate) fn note(tone: Tone, content: &Markup) -> Markup {
    html! { div.note.(tone.class()) { (content) } }
}

/// Says what came of what was just done; a screen reader reads it first.
pub(crate) fn notice(tone: Tone, text: &str) -> Markup {
    html! { div.note.(tone.class()) role="status" { p { (text) } } }
}

/// Facts by their names, side by side; empty ones are left out.
pub(crate) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! { dl { (told(facts)) } }
}

/// The same one below the other, for what is long.
pub(crate) fn rows(facts: &[(&str, Markup)]) -> Markup {
    html! { dl.rows { (told(facts)) } }
}

fn told(facts: &[(&str, Markup)]) -> Markup {
    let told = facts.iter().filter(|(_, value)| !value.0.is_empty());
    html! { @for (name, value) in told { div { dt { (name) } dd { (value) } } } }
}

/// A plain text as a fact.
pub(crate) fn plain(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}

/// A link off our pages. The other side does not learn from where.
pub(crate) fn link_out(address: &str, text: &str) -> Markup {
    html! { a.out href=(address) rel="noreferrer" { (text) } }
}

/// A moment in the portal's time zone, to the minute.
pub(crate) fn moment(at: Timestamp, zone: &TimeZone) -> Markup {
    let shown = zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
    html! { time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) { (shown) } }
}

/// A day in the portal's time zone.
pub(crate) fn day(at: Timestamp, zone: &TimeZone) -> Markup {
    let day = zone.to_datetime(at).strftime("%Y-%m-%d").to_string();
    html! { time datetime=(day) { (day) } }
}

/// An amount of an answer, such as `1949.40`, as it is written in a language.
pub(crate) fn amount(language: Language, digits: &str, currency: &str) -> String {
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let (comma, point) = match language {
        Language::English => (",", "."),
        Language::French => ("\u{202f}", ","),
    };
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("−", whole));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push_str(comma);
        }
        grouped.push(digit);
    }
    let point = if part.is_empty() { "" } else { point };
    format!("{sign}{grouped}{point}{part}\u{a0}{currency}").trim_end().to_owned()
}

/// The page for what is not there.
pub(crate) fn not_found(language: Language) -> Reply {
    let texts = texts(language);
    message(404, language, texts.not_found, texts.not_found_text)
}

/// The page for what we could not do; it can be tried again.
pub(crate) fn unavailable(language: Language) -> Reply {
    let texts = texts(language);
    message(503, language, texts.unavailable, texts.unavailable_text)
}

/// The page for a form that is not from a page of ours, or whose session is over.
pub(crate) fn form_refused(language: Language) -> Reply {
    let texts = texts(language);
    message(403, language, texts.form_refused, texts.form_refused_text)
}

/// The page for more than we take.
pub(crate) fn too_large(language: Language) -> Reply {
    let texts = texts(language);
    message(413, language, texts.too_large, texts.too_large_text)
}

/// A page that says one thing.
pub(crate) fn message(status: u16, language: Language, title: &str, text: &str) -> Reply {
    let content = html! { p { (text) } p { a href="/console" { (texts(language).back_to_console) } } };
    web::page(status, page(language, title, None, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_language_writes_them() {
        for (digits, english, french) in [
            ("949.40", "949.40\u{a0}USD", "949,40\u{a0}USD"),
            ("1234567.00", "1,234,567.00\u{a0}USD", "1\u{202f}234\u{202f}567,00\u{a0}USD"),
            ("-12.5", "−12.5\u{a0}USD", "−12,5\u{a0}USD"),
            ("7", "7\u{a0}USD", "7\u{a0}USD"),
        ] {
            assert_eq!(amount(Language::English, digits, "USD"), english);
            assert_eq!(amount(Language::French, digits, "USD"), french);
        }
        assert_eq!(amount(Language::English, "7.00", ""), "7.00");
    }

    #[test]
    fn a_page_is_escaped_and_says_its_language() {
        let shown = page(Language::French, "<script>", None, html! { p { "x" } }).into_string();
        assert!(shown.contains(r#"<html lang="fr">"#) && shown.contains("&lt;script&gt;"), "{shown}");
        assert!(!shown.contains("<script>"), "{shown}");
    }
}
