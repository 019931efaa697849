//! The choices of a drop-down in the workflow editor (hubspot.md §3): the portal's companies, and a company's payment
//! methods and deposit accounts.
//!
//! The editor shows nothing of an error, so whatever keeps a list from being made stands in the list itself, as one choice
//! that cannot be used: its value is refused when the action runs.

use std::convert::Infallible;

use hubspot::workflow::{Choice, OptionsReply, OptionsRequest};
use lambda_http::{Request, RequestExt, Response};
use mapping::quickbooks::{Account, DocumentKind, PaymentMethod};
use quickbooks::Meter;
use quickbooks::query::{Attribute, Entity, Query};
use store::portal::Portal;

use crate::App;
use crate::action::ends_at;
use crate::attempt::PATIENCE;
use crate::clock;
use crate::connection::{Company, Stop, chosen_company, unreadable};
use crate::effects::Deadline;
use crate::failure::{Failure, Trouble};
use crate::gate::{BODY_LIMIT, Unproven};
use crate::inputs::NO_CHOICE;
use crate::telemetry::chain;

/// How many choices are shown at once.
const PAGE: usize = 100;

/// The drop-downs there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// The portal's companies.
    QuickBooksAccount,
    /// A company's payment methods.
    PaymentMethod,
    /// A company's accounts that money can be deposited to.
    DepositAccount,
}

impl Field {
    fn read(name: &str) -> Option<Self> {
        match name {
            "quickbooks_account" => Some(Self::QuickBooksAccount),
            "payment_method" => Some(Self::PaymentMethod),
            "deposit_account" => Some(Self::DepositAccount),
            _ => None,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::QuickBooksAccount => "/options/quickbooks_account",
            Self::PaymentMethod => "/options/payment_method",
            Self::DepositAccount => "/options/deposit_account",
        }
    }
}

/// Answers the editor. It cannot fail: whatever happens is an answer.
///
/// # Errors
/// None.
pub async fn handle(app: &App, request: Request) -> Result<Response<String>, Infallible> {
    clock::follow(&request);
    let field = request.path_parameters().first("field").and_then(Field::read);
    let (status, body) = match field {
        None => (404, String::new()),
        Some(_) if request.body().len() > BODY_LIMIT => (413, String::new()),
        Some(field) => match app.gate.check(&app.config, &app.store, field.path(), &request).await {
            Err(Unproven::Wrong) => (401, String::new()),
            Err(Unproven::Later) => (503, String::new()),
            Ok(()) => {
                let deadline = Deadline::at(ends_at(&request), Some(PATIENCE));
                answer(app, field, request.body().as_ref(), deadline).await
            }
        },
    };
    tracing::info!(status, ?field, "answered");
    Ok(crate::action::json(status, body))
}

async fn answer(app: &App, field: Field, body: &[u8], deadline: Deadline) -> (u16, String) {
    let request = match OptionsRequest::parse(body) {
        Ok(request) => request,
        Err(error) => {
            tracing::error!(error = chain(&error), "a signed request could not be read");
            return (503, String::new());
        }
    };
    let reply = match choices(app, field, &request, deadline).await {
        Ok(choices) => page(choices, request.q.as_deref(), request.after.as_deref()),
        // Whatever was typed: an empty list would explain nothing.
        Err(stop) => OptionsReply { options: vec![explaining(&stop)], after: None, searchable: false },
    };
    (200, String::from_utf8_lossy(&reply.to_bytes()).into_owned())
}

async fn choices(
    app: &App,
    field: Field,
    request: &OptionsRequest,
    deadline: Deadline,
) -> Result<Vec<Choice>, Stop> {
    let portal = app.store.portal(request.portal_id).await?;
    if field == Field::QuickBooksAccount {
        return companies(portal.as_ref());
    }
    // Ids are one company's: another's list would look right and be wrong.
    let chosen = request.inputs.get("quickbooks_account").map(String::as_str);
    let chosen = chosen.ok_or_else(|| Stop::Failure(Failure::no_company_chosen()))?;
    let realm = chosen_company(Some(chosen), portal.as_ref()).map_err(Stop::Failure)?;
    let meter = Meter::default();
    let company = app.company(portal.as_ref(), &realm, deadline).await?.metered_by(&meter);
    let choices = match field {
        Field::DepositAccount => accounts(app, &company).await,
        Field::QuickBooksAccount | Field::PaymentMethod => payment_methods(app, &company).await,
    };
    app.count_reads(&realm, meter.take()).await;
    choices
}

/// The default first, then by name.
fn companies(portal: Option<&Portal>) -> Result<Vec<Choice>, Stop> {
    // As an action would: no portal, or no company.
    let default = chosen_company(Some("default"), portal);
    let companies = portal.map(|portal| portal.companies.as_slice()).unwrap_or_default();
    if companies.is_empty() {
        return Err(Stop::Failure(default.err().unwrap_or_else(Failure::not_connected)));
    }
    let named = |realm| companies.iter().find(|company| company.realm == realm);
    let default = default.ok().and_then(named).map(|company| {
        choice(format!("Default company ({})", company.name), "Follows the app's settings", "default")
    });
    let mut each: Vec<Choice> = companies
        .iter()
        .map(|company| {
            let kind = if company.sandbox { "Sandbox company" } else { "" };
            choice(company.name.clone(), kind, company.realm.as_str())
        })
        .collect();
    each.sort_by_key(|choice| choice.label.to_lowercase());
    Ok(default.into_iter().chain(each).collect())
}

async fn payment_methods(app: &App, company: &Company) -> Result<Vec<Choice>, Stop> {
    let methods: Vec<PaymentMethod> = all(app, company, Query::from(Entity::PaymentMethod)).await?;
    Ok(methods.into_iter().map(|method| choice(method.name, "", &method.id.0)).collect())
}

/// QuickBooks deposits to accounts of these types only (6430, quickbooks.md §2.8).
async fn accounts(app: &App, company: &Company) -> Result<Vec<Choice>, Stop> {
    let query = Query::from(Entity::Account).is_in(Attribute::AccountType, ["Bank", "Other Current Asset"]);
    let accounts: Vec<Account> = all(app, company, query).await?;
    let label =
        |account: &Account| account.fully_qualified_name.clone().unwrap_or_else(|| account.name.clone());
    Ok(accounts.iter().map(|account| choice(label(account), &account.account_type, &account.id.0)).collect())
}

/// Only active rows, up to QuickBooks' largest page: companies have fewer of either.
async fn all<T: serde::de::DeserializeOwned>(
    app: &App,
    company: &Company,
    query: Query,
) -> Result<Vec<T>, Stop> {
    // For sentences only; a list is for no document in particular.
    let what = DocumentKind::Invoice;
    let rows = app.ask(company, what, &[query.max_results(1000)]).await?;
    rows[0].read().map_err(unreadable(what, &company.name))
}

fn choice(label: String, description: &str, value: &str) -> Choice {
    Choice { label, description: description.to_owned(), value: value.to_owned() }
}

fn explaining(stop: &Stop) -> Choice {
    let label = match stop {
        Stop::Failure(failure) => failure.message.clone(),
        Stop::Trouble(Trouble::StoreDown | Trouble::Internal) => {
            "The list cannot be shown right now. Try again in a minute.".to_owned()
        }
        Stop::Trouble(_) => "QuickBooks does not answer right now. Try again in a minute.".to_owned(),
    };
    choice(label, "", NO_CHOICE)
}

/// The choices whose label or value holds what was typed, a page at a time; the cursor is how many were shown.
fn page(choices: Vec<Choice>, typed: Option<&str>, after: Option<&str>) -> OptionsReply {
    let typed = typed.unwrap_or_default().trim().to_lowercase();
    let fits = |choice: &Choice| choice.label.to_lowercase().contains(&typed) || choice.value == typed;
    let shown = after.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(0);
    let searchable = choices.len() > 1;
    let fitting: Vec<Choice> = choices.into_iter().filter(fits).collect();
    let next = shown.saturating_add(PAGE);
    let after = (next < fitting.len()).then(|| next.to_string());
    OptionsReply { options: fitting.into_iter().skip(shown).take(PAGE).collect(), after, searchable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many() -> Vec<Choice> {
        (0..250).map(|at| choice(format!("Account {at}"), "", &at.to_string())).collect()
    }

    #[test]
    fn long_lists_come_a_page_at_a_time_and_end() {
        let mut after = None;
        let mut seen = Vec::new();
        for expected in [100, 100, 50] {
            let reply = page(many(), None, after.as_deref());
            assert_eq!(reply.options.len(), expected);
            seen.extend(reply.options.into_iter().map(|choice| choice.value));
            after = reply.after;
        }
        assert_eq!((after, seen.len()), (None, 250));
    }

    #[test]
    fn typing_narrows_the_list_whatever_the_case() {
        let labels = |typed| {
            let reply = page(many(), Some(typed), None);
            reply.options.into_iter().map(|choice| choice.label).collect::<Vec<_>>()
        };
        assert_eq!(
            labels(" account 24"),
            [
                "Account 24",
                "Account 240",
                "Account 241",
                "Account 242",
                "Account 243",
                "Account 244",
                "Account 245",
                "Account 246",
                "Account 247",
                "Account 248",
                "Account 249"
            ]
        );
        assert!(labels("nothing").is_empty());
    }

    #[test]
    fn a_cursor_that_is_no_number_starts_again() {
        assert_eq!(page(many(), None, Some("x")).options.len(), 100);
    }
}
