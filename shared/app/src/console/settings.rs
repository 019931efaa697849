//! A company's settings as a file: exported, changed, looked at beside today's, and saved.
//!
//! Nothing is saved that was not shown as a difference first, and nothing that was typed is lost: each page that refuses a
//! file holds it.

use mapping::settings::{Choices, Difference, NAMES, Why, Wrong};
use maud::{Markup, html};
use store::choice::Chosen;
use store::portal::Company;

use super::Visit;
use super::companies::address;
use super::layout::{Page, Room, Tone, csrf, note, notice};
use super::text::{Texts, fill};
use crate::web::{self, Fields, Reply};

/// `GET /console/company/{realm}/settings.json`.
pub(super) fn export(company: &Company) -> Reply {
    let mut reply = web::answer(200, "application/json", company.choices.to_file());
    let disposition = format!("attachment; filename=\"settings-{}.json\"", company.realm);
    if let Ok(disposition) = disposition.parse() {
        reply.headers_mut().insert(lambda_http::http::header::CONTENT_DISPOSITION, disposition);
    }
    reply
}

impl Visit<'_> {
    /// `GET /console/company/{realm}/settings`.
    pub(super) fn settings(&self, company: &Company) -> Reply {
        self.settings_page(200, company, Markup::default(), &company.choices.to_file(), &[])
    }

    /// `POST /console/company/{realm}/settings/check`: shows what a file would change.
    pub(super) fn check_settings(&self, company: &Company, form: &Fields) -> Reply {
        let file = form.one("file").filter(|file| !file.trim().is_empty());
        // A file that is no text is no field: the browser says all the same that one was chosen.
        let Some(text) = file.or(form.one("text")) else {
            let wrong = note(Tone::Bad, &html! { p { (self.texts().wrong_not_text) } });
            return self.settings_page(422, company, wrong, &company.choices.to_file(), &[]);
        };
        match company.choices.changed_by(text) {
            Ok(new) => self.difference_page(200, company, Markup::default(), text, &new),
            Err(wrong) => self.settings_page(422, company, Markup::default(), text, &wrong),
        }
    }

    /// `POST /console/company/{realm}/settings/edit`: back to what was typed.
    pub(super) fn edit_settings(&self, company: &Company, form: &Fields) -> Reply {
        self.settings_page(200, company, Markup::default(), form.one("text").unwrap_or_default(), &[])
    }

    /// `POST /console/company/{realm}/settings`: saves what was shown, if nobody else saved since.
    pub(super) async fn save_settings(
        &self,
        company: &Company,
        form: &Fields,
    ) -> Result<Reply, store::Error> {
        let text = form.one("text").unwrap_or_default();
        let new = match company.choices.changed_by(text) {
            Ok(new) => new,
            Err(wrong) => return Ok(self.settings_page(422, company, Markup::default(), text, &wrong)),
        };
        let seen = form.one("revision").and_then(|revision| revision.parse().ok());
        let chosen = match seen.filter(|seen| *seen == company.settings_revision) {
            Some(seen) => {
                let portal = self.session.portal();
                self.app.store.save_choices(portal, &company.realm, &new, seen).await?
            }
            None => Chosen::Overtaken,
        };
        Ok(match chosen {
            Chosen::Yes => Self::chosen(company, Chosen::Yes, "settings"),
            Chosen::Overtaken => {
                let overtaken = notice(Tone::Waits, self.texts().settings_overtaken);
                self.difference_page(409, company, overtaken, text, &new)
            }
        })
    }

    fn settings_page(
        &self,
        status: u16,
        company: &Company,
        notice: Markup,
        text: &str,
        wrong: &[Wrong],
    ) -> Reply {
        let texts = self.texts();
        let address = address(&company.realm);
        let content = html! {
            p.intro { (texts.settings_text) }
            (self.wrongs(wrong))
            div.actions {
                a.button.second href={ (address) "/settings.json" } download { (texts.settings_export) }
            }
            section.card aria-labelledby="import" {
                header { h2 #import { (texts.settings_import) } }
                form method="post" action={ (address) "/settings/check" } enctype="multipart/form-data" {
                    (csrf(&self.session))
                    label for="text" { (texts.settings_paste) }
                    textarea #text name="text" spellcheck="false" autocomplete="off" rows="10"
                        aria-invalid=[(!wrong.is_empty()).then_some("true")]
                        aria-describedby=[(!wrong.is_empty()).then_some("wrong")] { (text) }
                    label for="file" { (texts.settings_file) }
                    input #file type="file" name="file" accept=".json,application/json" aria-describedby="file-hint";
                    p.hint #file-hint { (texts.settings_file_note) }
                    div.actions { button { (texts.settings_check) } }
                }
            }
            section.card aria-labelledby="fields" {
                header { h2 #fields { (texts.settings_fields) } }
                dl.rows {
                    @for (name, explained) in explained(texts) { div { dt { code { (name) } } dd { (explained) } } }
                }
            }
        };
        let title = fill(texts.settings_of, &[("name", &company.name)]);
        let page = self.page(Room::Companies, &title, content);
        web::page(status, Page { trail: self.company_trail(company), notice, ..page }.show())
    }

    fn wrongs(&self, wrong: &[Wrong]) -> Markup {
        if wrong.is_empty() {
            return Markup::default();
        }
        let texts = self.texts();
        let content = html! {
            h2 { (texts.settings_wrong) }
            p { (texts.settings_wrong_text) }
            ul #wrong {
                @for wrong in wrong {
                    li { @if let Some(field) = &wrong.field { code { (field) } " " } (why(&wrong.why, texts)) }
                }
            }
        };
        html! { div role="alert" { (note(Tone::Bad, &content)) } }
    }

    fn difference_page(
        &self,
        status: u16,
        company: &Company,
        notice: Markup,
        text: &str,
        new: &Choices,
    ) -> Reply {
        let texts = self.texts();
        let address = address(&company.realm);
        let differences = company.choices.differences(new);
        let content = html! {
            h2 { (texts.settings_diff) }
            @if differences.is_empty() { section.card { p { (texts.settings_same) } } } @else {
                (self.differences(&differences))
            }
            form.actions method="post" action={ (address) "/settings" } {
                (csrf(&self.session))
                input type="hidden" name="text" value=(text);
                input type="hidden" name="revision" value=(company.settings_revision);
                @if !differences.is_empty() { button { (texts.settings_save) } }
                button.second formaction={ (address) "/settings/edit" } { (texts.settings_edit) }
            }
        };
        let title = fill(texts.settings_of, &[("name", &company.name)]);
        let page = self.page(Room::Companies, &title, content);
        web::page(status, Page { trail: self.company_trail(company), notice, ..page }.show())
    }

    fn differences(&self, differences: &[Difference]) -> Markup {
        let texts = self.texts();
        html! {
            div.list {
                table {
                    thead {
                        tr {
                            th scope="col" { (texts.setting) }
                            th scope="col" { (texts.today) }
                            th scope="col" { (texts.then) }
                        }
                    }
                    tbody {
                        @for difference in differences {
                            tr {
                                th scope="row" { code { (difference.field) } }
                                td data-name=(texts.today) { del { (value(&difference.before, texts)) } }
                                td data-name=(texts.then) { ins { (value(&difference.after, texts)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn value<'a>(value: &'a Option<String>, texts: &'a Texts) -> &'a str {
    value.as_deref().unwrap_or(texts.none)
}

fn explained(texts: &Texts) -> [(&'static str, &'static str); NAMES.len()] {
    NAMES.map(|name| (name, explanation(name, texts)))
}

fn explanation(name: &str, texts: &Texts) -> &'static str {
    match name {
        "version" => texts.explain_version,
        "fee_item" => texts.explain_fee_item,
        "default_item" => texts.explain_default_item,
        "income_account" => texts.explain_income_account,
        "no_line_items" => texts.explain_no_line_items,
        "totals" => texts.explain_totals,
        "tax" => texts.explain_tax,
        "default_tax_code" => texts.explain_default_tax_code,
        "tax_codes" => texts.explain_tax_codes,
        "discounts" => texts.explain_discounts,
        "amounts" => texts.explain_amounts,
        "document_number" => texts.explain_document_number,
        "memo" => texts.explain_memo,
        "terms" => texts.explain_terms,
        "class" => texts.explain_class,
        "location" => texts.explain_location,
        "bill" => texts.explain_bill,
        "cc" => texts.explain_cc,
        "bcc" => texts.explain_bcc,
        "card_payment" => texts.explain_card_payment,
        "bank_payment" => texts.explain_bank_payment,
        "service_dates" => texts.explain_service_dates,
        "ship_date" => texts.explain_ship_date,
        "custom_fields" => texts.explain_custom_fields,
        "payment_methods" => texts.explain_payment_methods,
        _ => "",
    }
}

fn why(why: &Why, texts: &Texts) -> String {
    match why {
        Why::TooLarge => texts.wrong_too_large.to_owned(),
        Why::NotJson { line, column } => {
            let (line, column) = (line.to_string(), column.to_string());
            fill(texts.wrong_not_json, &[("line", &line), ("column", &column)])
        }
        Why::NotAnObject => texts.wrong_not_an_object.to_owned(),
        Why::Twice => texts.wrong_twice.to_owned(),
        Why::Unknown { known } => fill(texts.wrong_unknown, &[("known", &known.join(", "))]),
        Why::NoVersion => texts.wrong_version.to_owned(),
        Why::NotAnId => texts.wrong_id.to_owned(),
        Why::NotANumberRule => texts.wrong_number_rule.to_owned(),
        Why::NotATemplate => texts.wrong_template.to_owned(),
        Why::NotAddresses => texts.wrong_addresses.to_owned(),
        Why::NotAProperty => texts.wrong_property.to_owned(),
        Why::NotCustomFields => texts.wrong_custom_fields.to_owned(),
        Why::NotPaymentMethods => texts.wrong_payment_methods.to_owned(),
        Why::NotRates => texts.wrong_rates.to_owned(),
        Why::NotARate { key } => fill(texts.wrong_rate, &[("key", key)]),
        Why::NotATaxCode { key } => fill(texts.wrong_tax_code, &[("key", key)]),
        Why::KeyTwice { key } => fill(texts.wrong_key_twice, &[("key", key)]),
        Why::NotOneOf { words } => fill(texts.wrong_word, &[("words", &words.join(", "))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::text::texts;
    use crate::web::Language;

    #[test]
    fn each_setting_is_explained() {
        for language in [Language::English, Language::French] {
            for (name, explained) in explained(texts(language)) {
                assert!(!explained.is_empty(), "{name}");
            }
        }
    }
}
