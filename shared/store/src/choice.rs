//! What a portal's people choose in the console: a company's name, the default company, a company's settings.
//!
//! Each write holds only while the company is linked to the portal that chooses (reliability.md §f, T4).

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use mapping::settings::Choices;

use crate::item::{VERSION, is_refusal, number, text, unless_refused};
use crate::portal::{LINK, PORTAL, SETTINGS, partition};
use crate::{Error, Store};

/// What became of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// It holds from now on.
    Yes,
    /// Nothing was changed: the company is not linked any more, or somebody else chose meanwhile.
    Overtaken,
}

impl Store {
    /// Calls a company something else.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn rename_company(
        &self,
        portal: PortalId,
        realm: &RealmId,
        name: &str,
    ) -> Result<Chosen, Error> {
        let rename = self
            .dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(partition(portal)))
            .key("sk", text(format!("{LINK}{realm}")))
            .update_expression("SET #name = :name")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", text(name));
        let is_renamed = unless_refused(rename, "renaming the company").await?;
        Ok(if is_renamed { Chosen::Yes } else { Chosen::Overtaken })
    }

    /// Lets the choice `default` mean this company.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn choose_default(&self, portal: PortalId, realm: &RealmId) -> Result<Chosen, Error> {
        let choose = self
            .item(Update::builder(), portal, PORTAL)
            .update_expression("SET default_realm = :realm")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":realm", text(realm.as_str()));
        self.choose_for_linked(portal, realm, choose, "choosing the default company").await
    }

    /// Saves a company's settings, if they are still those that `revision` names: two people do not overwrite each other
    /// without seeing it.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn save_choices(
        &self,
        portal: PortalId,
        realm: &RealmId,
        choices: &Choices,
        revision: u64,
    ) -> Result<Chosen, Error> {
        // What an earlier release wrote has no revision.
        let seen = match revision {
            0 => "attribute_not_exists(revision) OR revision = :seen",
            _ => "revision = :seen",
        };
        let mut save = self
            .item(Update::builder(), portal, &format!("{SETTINGS}{realm}"))
            .condition_expression(seen)
            .expression_attribute_values(":v", number(VERSION))
            .expression_attribute_values(":seen", number(revision))
            .expression_attribute_values(":next", number(revision + 1));
        let (mut set, mut remove) = ("SET v = :v, revision = :next".to_owned(), Vec::new());
        for (name, value) in choices.stored() {
            // Behind a placeholder: some of these names are words of DynamoDB's.
            let (attribute, placeholder) = (format!("#{name}"), format!(":{name}"));
            save = save.expression_attribute_names(&attribute, name);
            match value {
                Some(value) => {
                    set += &format!(", {attribute} = {placeholder}");
                    save = save.expression_attribute_values(placeholder, text(value));
                }
                None => remove.push(attribute),
            }
        }
        if !remove.is_empty() {
            set += &format!(" REMOVE {}", remove.join(", "));
        }
        let save = save.update_expression(set);
        self.choose_for_linked(portal, realm, save, "saving the settings").await
    }

    /// Makes a choice in one transaction with a look at the company's link.
    async fn choose_for_linked(
        &self,
        portal: PortalId,
        realm: &RealmId,
        choose: UpdateBuilder,
        doing: &'static str,
    ) -> Result<Chosen, Error> {
        let linked = ConditionCheck::builder()
            .table_name(&self.names.table)
            .key("pk", text(partition(portal)))
            .key("sk", text(format!("{LINK}{realm}")))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(Error::unavailable(doing))?;
        let choose = choose.build().map_err(Error::unavailable(doing))?;
        let sent = self
            .dynamodb
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().condition_check(linked).build())
            .transact_items(TransactWriteItem::builder().update(choose).build())
            .send()
            .await;
        sent.map_or_else(|error| overtaken(error, doing), |_| Ok(Chosen::Yes))
    }

    fn item(&self, update: UpdateBuilder, portal: PortalId, sort: &str) -> UpdateBuilder {
        update.table_name(&self.names.table).key("pk", text(partition(portal))).key("sk", text(sort))
    }
}

/// A transaction whose conditions did not hold was overtaken. One that was cancelled for anything else, such as a limit, says
/// nothing of anybody.
fn overtaken<R: std::fmt::Debug + Send + Sync + 'static>(
    error: SdkError<TransactWriteItemsError, R>,
    doing: &'static str,
) -> Result<Chosen, Error> {
    match error.as_service_error().is_some_and(is_refusal) {
        true => Ok(Chosen::Overtaken),
        false => Err(Error::unavailable(doing)(error)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;

    use super::*;

    #[test]
    fn only_a_condition_that_did_not_hold_means_that_somebody_was_faster() {
        let cancelled = |codes: [&str; 2]| {
            let reasons = codes.map(|code| CancellationReason::builder().code(code).build());
            let cancelled =
                TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.into()));
            let error = TransactWriteItemsError::TransactionCanceledException(cancelled.build());
            overtaken(SdkError::service_error(error, "the answer"), "choosing").ok()
        };
        assert_eq!(cancelled(["ConditionalCheckFailed", "None"]), Some(Chosen::Overtaken));
        assert_eq!(cancelled(["None", "ConditionalCheckFailed"]), Some(Chosen::Overtaken));
        for other in
            ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict", "ValidationError"]
        {
            assert_eq!(cancelled(["None", other]), None, "{other}");
        }
    }
}
