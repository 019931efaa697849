//! One company: its name, whether it is the default, its connection, and how to end that.

use maud::{Markup, html};
use store::choice::Chosen;
use store::portal::Company;

use super::companies::{Health, address, is_default, reconnect_address};
use super::layout::{Page, Room, Tone, csrf, note};
use super::text::fill;
use super::{Visit, disconnect_address};
use crate::web::{self, Fields, Reply};

/// What a drop-down of the workflow editor can show.
const NAME_LIMIT: usize = 100;

impl Visit<'_> {
    /// `GET /console/company/{realm}`.
    pub(super) async fn show_company(
        &self,
        company: &Company,
        query: &Fields,
    ) -> Result<Reply, store::Error> {
        self.company_page(200, company, self.notice(query), &company.name, None).await
    }

    /// `typed` is what stands in the name's field; `wrong` says why it cannot stay so.
    async fn company_page(
        &self,
        status: u16,
        company: &Company,
        notice: Markup,
        typed: &str,
        wrong: Option<&str>,
    ) -> Result<Reply, store::Error> {
        let reads = self.app.store.reads_of(&company.realm, self.now).await?;
        let content = html! {
            (self.connection(company))
            (self.name(company, typed, wrong))
            (self.default(company))
            (self.settings_teaser(company))
            (self.metered(reads))
        };
        let page = self.page(Room::Companies, &company.name, content);
        let badge = self.badges(company);
        Ok(web::page(status, Page { trail: self.trail(), badge, notice, ..page }.show()))
    }

    fn metered(&self, reads: u64) -> Markup {
        let texts = self.texts();
        html! {
            section.card aria-labelledby="metered" {
                header { h2 #metered { (texts.metered_month) } }
                p { (reads) }
                p.hint { (texts.metered_text) }
            }
        }
    }

    /// Every page of a company is part of the companies.
    pub(super) fn trail(&self) -> Vec<(String, String)> {
        vec![(Room::Companies.path().to_owned(), Room::Companies.name(self.language).to_owned())]
    }

    /// The same, for what is part of a company.
    pub(super) fn company_trail(&self, company: &Company) -> Vec<(String, String)> {
        let mut trail = self.trail();
        trail.push((address(&company.realm), company.name.clone()));
        trail
    }

    fn connection(&self, company: &Company) -> Markup {
        let texts = self.texts();
        html! {
            section.card aria-labelledby="connection" {
                header { h2 #connection { (texts.connection) } }
                @if Health::of(company, self.now) == Health::Ended {
                    (note(Tone::Bad, &html! { p { (texts.status_ended_text) } }))
                }
                (self.connection_facts(company))
                p.hint { (texts.ends_unused_note) }
                div.actions {
                    a.button.second href=(reconnect_address(&company.realm)) { (texts.reconnect) }
                    a.button.second href=(disconnect_address(&company.realm)) { (texts.disconnect) }
                }
            }
        }
    }

    fn name(&self, company: &Company, typed: &str, wrong: Option<&str>) -> Markup {
        let texts = self.texts();
        html! {
            section.card aria-labelledby="name-heading" {
                header { h2 #name-heading { (texts.name) } }
                form method="post" action={ (address(&company.realm)) "/name" } {
                    (csrf(&self.session))
                    p.hint #name-hint { (texts.name_text) }
                    @if let Some(wrong) = wrong { (note(Tone::Bad, &html! { p #name-wrong { (wrong) } })) }
                    div.field-row {
                        input #name type="text" name="name" value=(typed) required maxlength=(NAME_LIMIT) autocomplete="off"
                            aria-labelledby="name-heading" aria-invalid=[wrong.map(|_| "true")]
                            aria-describedby=(if wrong.is_some() { "name-wrong name-hint" } else { "name-hint" });
                        button.second { (texts.rename) }
                    }
                }
            }
        }
    }

    fn default(&self, company: &Company) -> Markup {
        let texts = self.texts();
        html! {
            section.card aria-labelledby="default" {
                header { h2 #default { (texts.default) } }
                @if is_default(&self.portal, company) { p { (texts.is_default_text) } } @else {
                    p { (texts.make_default_text) }
                    form.actions method="post" action={ (address(&company.realm)) "/default" } {
                        (csrf(&self.session))
                        button.second { (texts.make_default) }
                    }
                }
            }
        }
    }

    fn settings_teaser(&self, company: &Company) -> Markup {
        let texts = self.texts();
        html! {
            section.card aria-labelledby="settings" {
                header { h2 #settings { (texts.settings) } }
                p { (texts.settings_text) }
                div.actions {
                    a.button.second href={ (address(&company.realm)) "/settings" } { (texts.settings_open) }
                }
            }
        }
    }

    /// `GET /console/company/{realm}/disconnect`: nothing is ended by a mere click.
    pub(super) fn ask_to_disconnect(&self, company: &Company) -> Reply {
        let texts = self.texts();
        let title = fill(texts.disconnect_title, &[("name", &company.name)]);
        let content = html! {
            section.card {
                p { (texts.disconnect_text) }
                @if is_default(&self.portal, company) { p { (texts.disconnect_default_text) } }
                div.actions {
                    form method="post" action="/disconnect/quickbooks" {
                        (csrf(&self.session))
                        input type="hidden" name="realm" value=(company.realm);
                        button.danger { (texts.disconnect_yes) }
                    }
                    a.button.second href=(address(&company.realm)) { (texts.disconnect_no) }
                }
            }
        };
        let page = self.page(Room::Companies, &title, content);
        web::page(200, Page { trail: self.company_trail(company), ..page }.show())
    }

    /// `POST /console/company/{realm}/name`.
    pub(super) async fn rename(&self, company: &Company, form: &Fields) -> Result<Reply, store::Error> {
        let typed = form.one("name").unwrap_or_default();
        let name = typed.trim();
        let fits = (1..=NAME_LIMIT).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if !fits {
            let wrong = self.texts().name_wrong;
            return self.company_page(422, company, Markup::default(), typed, Some(wrong)).await;
        }
        let chosen = self.app.store.rename_company(self.session.portal(), &company.realm, name).await?;
        Ok(Self::chosen(company, chosen, "renamed"))
    }

    /// `POST /console/company/{realm}/default`.
    pub(super) async fn choose_default(&self, company: &Company) -> Result<Reply, store::Error> {
        let chosen = self.app.store.choose_default(self.session.portal(), &company.realm).await?;
        Ok(Self::chosen(company, chosen, "default"))
    }

    /// Back to where the choice was made; to all companies when this one is gone.
    pub(super) fn chosen(company: &Company, chosen: Chosen, done: &str) -> Reply {
        match chosen {
            Chosen::Yes => web::see_other(&web::path(&address(&company.realm), &[("told", done)])),
            Chosen::Overtaken => web::see_other(&web::path("/console", &[("told", "overtaken")])),
        }
    }
}
