//! Pages for the person at the keyboard: what those of both simulators have in common.
//!
//! They only read, and stand at `/`, under `/_sim/pages` and where the vendor's own pages stand, outside what
//! [`Control::mount`] observes: looking at them leaves nothing in the log, counts for nothing, takes no token and is never
//! disturbed. No token, code or secret is on them; what calls carried of those is left out by `redact`.

pub(crate) mod calls;
mod faults;
pub(crate) mod redact;
mod table;

pub(crate) use table::{Column, Paging, Visit, number, table, text};

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use crate::control::Control;

/// Whose pages these are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Site {
    HubSpot,
    QuickBooks,
}

impl Site {
    fn name(self) -> &'static str {
        match self {
            Site::HubSpot => "HubSpot simulator",
            Site::QuickBooks => "QuickBooks simulator",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Site::HubSpot => "hubspot",
            Site::QuickBooks => "quickbooks",
        }
    }

    fn home(self) -> &'static str {
        match self {
            Site::HubSpot => "Portals",
            Site::QuickBooks => "Companies",
        }
    }
}

/// One page, to be [shown](Page::show).
pub(crate) struct Page<'a> {
    pub(crate) site: Site,
    pub(crate) title: &'a str,
    /// The state of what the page is about, from [`badge`].
    pub(crate) badge: Markup,
    /// What the page is part of, outermost first: address and name.
    pub(crate) trail: &'a [(String, String)],
    pub(crate) content: Markup,
}

impl Page<'_> {
    /// The whole answer.
    pub(crate) fn show(self, control: &Control) -> Response {
        let Page { site, title, badge, trail, content } = self;
        let html = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Given here, or the browser would call for one, and that would stand in the log.
                    link rel="icon" href="data:,";
                    title { (title) " · " (site.name()) }
                    style { (PreEscaped(STYLE)) }
                }
                body class=(site.class()) {
                    a.skip href="#content" { "To the content" }
                    (banner(site, control))
                    main #content {
                        @if !trail.is_empty() {
                            nav.trail aria-label="Part of" {
                                @for (address, name) in trail { a href=(address) { (name) } " / " }
                            }
                        }
                        h1 { (title) " " (badge) }
                        (content)
                    }
                }
            }
        };
        // Nothing a record holds can make the browser run or fetch anything, even if it were not escaped.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
        ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html.into_string())).into_response()
    }
}

/// The 404 of a page: says what is not there.
pub(crate) fn missing(site: Site, control: &Control, why: &str) -> Response {
    let content = html! { p { (why) } p { a href="/" { "All " (site.home().to_lowercase()) } } };
    let page = Page { site, title: "Not here", badge: Markup::default(), trail: &[], content };
    (StatusCode::NOT_FOUND, page.show(control)).into_response()
}

/// How a state looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Waits,
    Plain,
}

/// A state in a word or two.
pub(crate) fn badge(tone: Tone, state: &str) -> Markup {
    let class = match tone {
        Tone::Good => "badge good",
        Tone::Bad => "badge bad",
        Tone::Waits => "badge waits",
        Tone::Plain => "badge",
    };
    html! { span class=(class) { (state) } }
}

/// An HTTP status, coloured; `None` when there was no answer.
pub(crate) fn status(status: Option<u16>) -> Markup {
    match status {
        None => badge(Tone::Bad, "none"),
        Some(status @ 200..400) => badge(Tone::Good, &status.to_string()),
        Some(status @ 400..500) => badge(Tone::Waits, &status.to_string()),
        Some(status) => badge(Tone::Bad, &status.to_string()),
    }
}

/// Facts by their names; empty ones are left out.
pub(crate) fn facts<const N: usize>(facts: [(&str, Markup); N]) -> Markup {
    html! { dl { (pairs(&facts)) } }
}

/// The same with room for sentences.
pub(crate) fn notes<const N: usize>(facts: [(&str, Markup); N]) -> Markup {
    html! { dl.wide.written { (pairs(&facts)) } }
}

fn pairs(facts: &[(&str, Markup)]) -> Markup {
    html! {
        @for (name, value) in facts.iter().filter(|(_, value)| !value.0.is_empty()) {
            div { dt { (name) } dd { (value) } }
        }
    }
}

/// A plain text as a fact or cell.
pub(crate) fn plain(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}

/// A link.
pub(crate) fn link(address: &str, text: &str) -> Markup {
    html! { a href=(address) { (text) } }
}

/// Choices of what a page shows: name, how many, address, and whether it is the one shown.
pub(crate) fn tabs(label: &str, tabs: &[(String, usize, String, bool)]) -> Markup {
    html! {
        nav aria-label=(label) {
            ul.tabs {
                @for (name, count, address, is_shown) in tabs {
                    li { a href=(address) aria-current=[is_shown.then_some("page")] { (name) " " span { (count) } } }
                }
            }
        }
    }
}

/// A text to unfold, indented where it is JSON; nothing for an empty one.
pub(crate) fn unfold(summary: &str, text: &str) -> Markup {
    if text.is_empty() {
        return Markup::default();
    }
    let parsed =
        serde_json::from_str::<Value>(text).ok().filter(|value| value.is_object() || value.is_array());
    let shown = parsed.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let shown = shown.as_deref().unwrap_or(text);
    let end = shown.char_indices().nth(LONGEST_TEXT).map_or(shown.len(), |(end, _)| end);
    html! {
        details {
            summary { (summary) }
            pre { (&shown[..end]) @if end < shown.len() { "\n… " (shown.len() - end) " bytes more" } }
        }
    }
}

/// A moment to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

const STYLE: &str = include_str!("page/style.css");

/// Characters of a text that are shown: request bodies have no limit.
const LONGEST_TEXT: usize = 50_000;

fn banner(site: Site, control: &Control) -> Markup {
    let (calls, faults) = (control.count_calls(), control.count_faults());
    html! {
        header {
            div {
                a.brand href="/" { (site.name()) }
                nav aria-label="Main" {
                    a href="/" { (site.home()) }
                    a href="/_sim/pages/calls" { "Calls (" (calls) ")" }
                    a href="/_sim/pages/faults" { "Faults (" (faults) ")" }
                }
                span.clock { "Clock " (moment(control.now())) (moved(control.now(), Timestamp::now())) }
            }
        }
    }
}

/// How far a clock is from the real time, if it was moved.
fn moved(shown: Timestamp, real: Timestamp) -> String {
    // Both were looked at one after the other.
    let milliseconds = shown.duration_since(real).as_millis();
    let seconds = (milliseconds + 500 * milliseconds.signum()) / 1000;
    if seconds.abs() < 2 {
        return String::new();
    }
    let sign = if seconds < 0 { '−' } else { '+' };
    let (days, hours) = (seconds.abs() / 86_400, seconds.abs() / 3600 % 24);
    let (minutes, rest) = (seconds.abs() / 60 % 60, seconds.abs() % 60);
    let days = if days > 0 { format!("{days} d ") } else { String::new() };
    format!(" (moved {sign}{days}{hours:02}:{minutes:02}:{rest:02})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_says_how_far_it_was_moved() {
        let real: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let at = |text: &str| moved(text.parse().unwrap(), real);
        assert_eq!(at("2026-03-02T10:00:01Z"), "");
        assert_eq!(at("2026-03-02T11:30:04.999Z"), " (moved +01:30:05)");
        assert_eq!(at("2026-02-28T09:00:00Z"), " (moved −2 d 01:00:00)");
    }

    #[test]
    fn a_text_is_escaped_and_json_is_indented() {
        let shown = unfold("Body", r#"{"a":"<script>"}"#).into_string();
        assert!(shown.contains("{\n  &quot;a&quot;: &quot;&lt;script&gt;&quot;\n}"), "{shown}");
    }

    #[test]
    fn a_long_text_says_how_much_is_left_out() {
        let shown = unfold("Body", &"ä".repeat(LONGEST_TEXT + 3)).into_string();
        assert!(shown.contains("… 6 bytes more"));
    }
}
