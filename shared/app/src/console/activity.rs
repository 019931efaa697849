//! *Activity*: every execution, the newest first.

use maud::{Markup, html};
use store::activity::{Activity, Place};
use store::portal::Portal;
use store::record::{Key, State};

use super::Visit;
use super::layout::{self, Room, amount, moment};
use super::summary::Summary;
use super::text::{Texts, fill, meaning, texts};
use crate::config::Config;
use crate::web::{self, Fields, Language, Reply};

/// Executions on a page.
const AT_ONCE: usize = 25;

/// Which executions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    All,
    Working,
    Done,
    Failed,
    Review,
}

impl Filter {
    const ALL: [Self; 5] = [Self::All, Self::Working, Self::Done, Self::Failed, Self::Review];

    /// What an address says; anything unknown shows all.
    fn read(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|filter| Some(filter.word()) == word).unwrap_or(Self::All)
    }

    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Working => "working",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Review => "review",
        }
    }

    fn name(self, texts: &'static Texts) -> &'static str {
        match self {
            Self::All => texts.filter_all,
            Self::Working => texts.filter_working,
            Self::Done => texts.filter_done,
            Self::Failed => texts.filter_failed,
            Self::Review => texts.filter_review,
        }
    }

    fn states(self) -> &'static [State] {
        match self {
            Self::All => &[],
            Self::Working => &[State::Claimed, State::Planned, State::Sent, State::DocDone, State::PaySent],
            Self::Done => &[State::Completed, State::Closed],
            Self::Failed => &[State::Failed],
            Self::Review => &[State::NeedsReview],
        }
    }

    fn address(self, place: Option<&Place>) -> String {
        let place = place.map(ToString::to_string);
        let mut query = Vec::new();
        query.extend((self != Self::All).then_some(("state", self.word())));
        query.extend(place.as_deref().map(|place| ("from", place)));
        web::path(Room::Activity.path(), &query)
    }
}

impl Visit<'_> {
    /// `GET /console/activity?state=…&from=…`.
    pub(super) async fn activity(&self, query: &Fields) -> Result<Reply, store::Error> {
        let filter = Filter::read(query.one("state"));
        let Ok(place) = query.one("from").map(str::parse::<Place>).transpose() else {
            return Ok(layout::not_found(self.language));
        };
        let found =
            self.app.store.activity(self.session.portal(), filter.states(), place.as_ref(), AT_ONCE).await?;
        let listed = Listed { filter, is_first: place.is_none(), found: &found };
        let content = listed.show(self.language, &self.portal, &self.app.config);
        Ok(web::page(200, self.page(Room::Activity, self.texts().activity, content).show()))
    }
}

/// A part of the list, to be shown.
struct Listed<'a> {
    filter: Filter,
    is_first: bool,
    found: &'a Activity,
}

impl Listed<'_> {
    fn show(&self, language: Language, portal: &Portal, config: &Config) -> Markup {
        let texts = texts(language);
        let zone = portal.time_zone.iana_name().unwrap_or("UTC");
        html! {
            p.intro { (fill(texts.activity_intro, &[("zone", zone)])) }
            nav aria-label=(texts.filter) {
                ul.tabs {
                    @for filter in Filter::ALL {
                        li {
                            a href=(filter.address(None)) aria-current=[(filter == self.filter).then_some("true")] {
                                (filter.name(texts))
                            }
                        }
                    }
                }
            }
            @if self.found.records.is_empty() { (self.nothing(texts)) }
            @else { (self.table(language, portal, config)) }
            (self.pages(texts))
        }
    }

    fn nothing(&self, texts: &Texts) -> Markup {
        html! {
            div.card.empty {
                @match (self.filter, &self.found.next) {
                    (_, Some(_)) => p { (texts.activity_searching) },
                    (Filter::All, None) if self.is_first => {
                        h2 { (texts.activity_none) }
                        p { (texts.activity_none_text) }
                    },
                    (_, None) => p { (texts.activity_none_in_state) },
                }
            }
        }
    }

    fn table(&self, language: Language, portal: &Portal, config: &Config) -> Markup {
        let texts = texts(language);
        html! {
            div.list.executions {
                table {
                    thead {
                        tr {
                            th scope="col" { (texts.when) }
                            th scope="col" { (texts.result) }
                            th scope="col" { (texts.document) }
                            th scope="col" { (texts.record) }
                            th scope="col" { (texts.company) }
                            th.number scope="col" { (texts.total) }
                        }
                    }
                    tbody {
                        @for record in &self.found.records { (row(&Summary::of(record), language, portal, config)) }
                    }
                }
            }
        }
    }

    fn pages(&self, texts: &Texts) -> Markup {
        html! {
            @if !self.is_first || self.found.next.is_some() {
                nav.pages aria-label=(texts.activity) {
                    @if self.is_first { span {} }
                    @else { a.button.second href=(self.filter.address(None)) { (texts.newest) } }
                    @if let Some(next) = &self.found.next {
                        a.button.second rel="next" href=(self.filter.address(Some(next))) { (texts.older) }
                    }
                }
            }
        }
    }
}

fn row(summary: &Summary<'_>, language: Language, portal: &Portal, config: &Config) -> Markup {
    let texts = texts(language);
    let details = address(&summary.record.key);
    let total = summary
        .output("total")
        .map(|total| amount(language, total, summary.output("currency").unwrap_or_default()));
    html! {
        tr {
            td.when.whole { (moment(summary.record.created_at, &portal.time_zone)) }
            td.result {
                (summary.standing().badge(language))
                @if let Some(meaning) = summary.code().and_then(|code| meaning(code, language)) {
                    span.under { (meaning) }
                }
            }
            th.document scope="row" { a href=(details) { (summary.title(texts)) } }
            td.record.whole { (summary.enrolled(portal.id, config, language)) }
            td.company { (summary.company(portal, texts)) }
            td.number { @if let Some(total) = total { (total) } }
        }
    }
}

/// Where an execution's own page is.
pub(crate) fn address(execution: &Key) -> String {
    web::path("/console/execution", &[("id", &execution.id())])
}
