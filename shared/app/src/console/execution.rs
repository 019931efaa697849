//! One execution: what came of it, why, and everything that support may ask for.

use maud::{Markup, html};
use store::record::{Key, Record, State};
use store::retry::Retried;

use super::Visit;
use super::activity::address;
use super::layout::{Page, Room, Tone, amount, csrf, facts, link_out, moment, not_found, note, plain, rows};
use super::summary::{Standing, Summary};
use super::text::{fill, meaning};
use crate::ids;
use crate::web::{self, Fields, Reply};

impl Visit<'_> {
    /// `GET /console/execution?id=…`.
    pub(super) async fn execution(&self, query: &Fields) -> Result<Reply, store::Error> {
        let Some(key) = self.key(query) else { return Ok(not_found(self.language)) };
        let Some(record) = self.app.store.record(&key).await? else { return Ok(not_found(self.language)) };
        Ok(self.show_execution(&record, self.notice(query)))
    }

    /// `POST /console/retry`: a new execution of a failed one, or of a refused payment (rulings.md 13).
    pub(super) async fn retry(&self, form: &Fields) -> Result<Reply, store::Error> {
        let Some(key) = self.key(form) else { return Ok(not_found(self.language)) };
        let by = self.session.stored.user_id.to_string();
        Ok(match self.app.store.retry(&key, &by, self.now).await? {
            Retried::Begun(successor) => to_execution(&successor, "retried"),
            Retried::Before(successor) => to_execution(&successor, "retried-before"),
            Retried::NotPossible => match self.app.store.record(&key).await? {
                Some(_) => to_execution(&key, "not-retried"),
                None => not_found(self.language),
            },
        })
    }

    /// Whatever an address or a form says, it is looked for in this portal.
    fn key(&self, fields: &Fields) -> Option<Key> {
        Key::of_id(self.session.portal(), fields.one("id")?)
    }

    fn show_execution(&self, record: &Record, notice: Markup) -> Reply {
        let summary = Summary::of(record);
        let title = summary.title(self.texts());
        let page = self.page(Room::Activity, &title, self.sections(&summary));
        let trail = vec![(Room::Activity.path().to_owned(), Room::Activity.name(self.language).to_owned())];
        let badge = summary.standing().badge(self.language);
        web::page(200, Page { trail, badge, notice, ..page }.show())
    }

    fn sections(&self, summary: &Summary<'_>) -> Markup {
        html! {
            (self.reason(summary))
            (self.what_to_do(summary))
            section.card aria-labelledby="what" {
                header { h2 #what { (self.texts().details) } }
                (self.what(summary))
            }
            (self.preview(summary))
            (self.retry_of(summary))
            section.card aria-labelledby="attempts" {
                header { h2 #attempts { (self.texts().attempts) } }
                (self.attempts(summary.record))
            }
            (self.words("outputs", self.texts().outputs, self.texts().outputs_text, summary.outputs.iter()))
            @if let Some(asked) = &summary.asked {
                (self.words("inputs", self.texts().inputs, "", asked.inputs.iter()))
            }
            section.card aria-labelledby="ids" {
                header { h2 #ids { (self.texts().identifiers) } }
                p.hint { (self.texts().identifiers_text) }
                (self.identifiers(summary))
            }
        }
    }

    /// The sentence that HubSpot was told, and its code in the reader's language.
    fn reason(&self, summary: &Summary<'_>) -> Markup {
        let Some(sentence) = summary.output("errorMessage") else { return Markup::default() };
        let tone = match summary.standing() {
            Standing::Failed => Tone::Bad,
            _ => Tone::Waits,
        };
        let code = summary.code().unwrap_or_default();
        let content = html! {
            @if let Some(meaning) = meaning(code, self.language) { h2 { (meaning) } }
            p.sentence lang="en" { (sentence) }
            @if self.language != crate::web::Language::English { p.hint { (self.texts().told_in_english) } }
        };
        note(tone, &content)
    }

    /// What a person finds out where we could not.
    fn what_to_do(&self, summary: &Summary<'_>) -> Markup {
        if summary.record.state != State::NeedsReview {
            return Markup::default();
        }
        let texts = self.texts();
        let marker = self.marker(summary);
        let marker = [("marker", marker.as_str())];
        html! {
            section.card aria-labelledby="todo" {
                header { h2 #todo { (texts.what_to_do) } }
                @if summary.record.made_id.is_some() {
                    p { (fill(texts.review_payment, &marker)) }
                } @else {
                    ol {
                        li { (fill(texts.review_document, &marker)) }
                        li { (texts.review_found) }
                    }
                }
            }
        }
    }

    fn what(&self, summary: &Summary<'_>) -> Markup {
        let (texts, zone) = (self.texts(), &self.portal.time_zone);
        let output = |name| summary.output(name).map(plain).unwrap_or_default();
        let currency = summary.output("currency").unwrap_or_default();
        let money = |name| summary.output(name).map(|digits| plain(amount(self.language, digits, currency)));
        let document = match (summary.output("document_url"), summary.title(texts)) {
            (Some(address), title) => link_out(address, &title),
            (None, _) => plain(summary.document(texts)),
        };
        let workflow = summary.asked.as_ref().and_then(|asked| asked.workflow_id);
        facts(&[
            (texts.started, moment(summary.record.created_at, zone)),
            (texts.record, summary.enrolled(self.portal.id, &self.app.config, self.language)),
            (texts.billed, summary.billed(self.portal.id, &self.app.config, self.language)),
            (texts.workflow, workflow.map(|id| plain(id.to_string())).unwrap_or_default()),
            (texts.company, plain(summary.company(&self.portal, texts))),
            (texts.document, document),
            (texts.total, money("total").unwrap_or_default()),
            (texts.warnings, output("warnings")),
        ])
    }

    /// Trying again, where that is for a person to say, and the executions before and after this one.
    fn retry_of(&self, summary: &Summary<'_>) -> Markup {
        let (texts, record) = (self.texts(), summary.record);
        let link = |key: Option<Key>| {
            key.map(|key| html! { a href=(address(&key)) { (key.id()) } }).unwrap_or_default()
        };
        let before = link(record.key.predecessor());
        let after = link(record.key.successor().filter(|_| record.retried));
        if !record.may_be_retried() && before.0.is_empty() && after.0.is_empty() {
            return Markup::default();
        }
        html! {
            section.card aria-labelledby="retry" {
                header { h2 #retry { (texts.retry) } }
                (rows(&[(texts.retry_of, before), (texts.retried_by, after)]))
                @if record.may_be_retried() {
                    p { (if record.state == State::Failed { texts.retry_failed_text } else { texts.retry_payment_text }) }
                    form.actions method="post" action="/console/retry" {
                        (csrf(&self.session))
                        input type="hidden" name="id" value=(summary.id());
                        button { (texts.retry) }
                    }
                }
            }
        }
    }

    fn attempts(&self, record: &Record) -> Markup {
        let (texts, zone) = (self.texts(), &self.portal.time_zone);
        let times = |count: u64| fill(texts.times, &[("count", &count.to_string())]);
        let some = |count: u64| if count == 0 { Markup::default() } else { plain(times(count)) };
        let at = |at: Option<jiff::Timestamp>| at.map(|at| moment(at, zone)).unwrap_or_default();
        facts(&[
            (texts.deliveries, plain(times(record.deliveries))),
            (texts.taken_up, plain(times(record.fence))),
            (texts.sends, plain(times(record.sends))),
            (texts.first_sent, at(record.first_sent_at)),
            (texts.payment_sent, at(record.pay_first_sent_at)),
            (texts.metered, plain(record.metered.to_string())),
            (texts.replanned, some(record.plan_version)),
            (texts.waits_until, at(record.callback_due)),
            (texts.told_early, at(record.told_at)),
            (texts.state, html! { code { (record.state.as_str()) } }),
            (
                texts.last_trouble,
                record.trouble.as_ref().map_or(Markup::default(), |why| html! { code { (why) } }),
            ),
        ])
    }

    fn identifiers(&self, summary: &Summary<'_>) -> Markup {
        let texts = self.texts();
        let code = |text: &str| {
            if text.is_empty() {
                Markup::default()
            } else {
                html! { code { (text) } }
            }
        };
        let request_id = summary.record.plan.as_ref().map(|plan| plan.request_id.as_str());
        rows(&[
            (texts.execution_id, code(&summary.id())),
            (texts.marker, code(&self.marker(summary))),
            (texts.request_id, code(request_id.unwrap_or_default())),
            (texts.intuit_tid, code(&summary.record.intuit_tids.join(", "))),
        ])
    }

    fn marker(&self, summary: &Summary<'_>) -> String {
        ids::marker(self.app.config.environment, &summary.record.key)
    }

    /// Names and values as the workflow has them.
    fn words<'a>(
        &self,
        id: &str,
        heading: &str,
        hint: &str,
        words: impl ExactSizeIterator<Item = (&'a String, &'a String)>,
    ) -> Markup {
        if words.len() == 0 {
            return Markup::default();
        }
        html! {
            section.card aria-labelledby=(id) {
                header { h2 #(id) { (heading) } }
                @if !hint.is_empty() { p.hint { (hint) } }
                dl.rows {
                    @for (name, value) in words { div { dt { code { (name) } } dd { (value) } } }
                }
            }
        }
    }
}

/// To an execution's page, which says what was done.
fn to_execution(key: &Key, told: &str) -> Reply {
    web::see_other(&web::path("/console/execution", &[("id", &key.id()), ("told", told)]))
}
