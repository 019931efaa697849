//! What HubSpot leaves open, each point under a name (hubspot.md §13). The default is the reading that breaks a careless
//! client.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

/// The switches; a seed sets all of them, those it leaves out to their defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Switches {
    /// Milliseconds an action has for its answer, where an enrollment does not say otherwise.
    pub(super) patience_ms: u64,
    /// Status for completing a callback id nobody ever had: 404, or any other 4xx, or 204 and nothing happens.
    callback_unknown: u16,
    /// The same for the id of an execution of another portal.
    callback_foreign: u16,
    /// The same for an execution that was completed, or settled by its answer.
    callback_completed: u16,
    /// The same for an execution whose block has ended.
    callback_expired: u16,
    /// The same for an execution that never answered `BLOCK`, or not yet.
    callback_not_blocked: u16,
    /// Completions in one batch.
    pub(super) callback_batch_max: usize,
    /// Whether a completion must have `typedOutputs`: the specification says so, the documentation leaves it out.
    pub(super) typed_outputs: TypedOutputs,
    /// How `Retry-After` on a 429 of ours is read.
    pub(super) retry_after: RetryAfter,
    /// What becomes of an execution whose answer says `ASYNC`, which nobody explains.
    #[serde(rename = "async")]
    pub(super) async_state: AsyncState,
    /// Whether `hs_default_expiration` is a name for how long a block lasts.
    pub(super) default_expiration: DefaultExpiration,
    /// Whether the outputs of a 4xx choose a sentence.
    pub(super) rules_on_4xx: RulesOn4xx,
    /// What a `BLOCK` in the body of a 4xx does: the prose says that blocking applies after a 2xx or 4xx (hubspot.md §2.2).
    pub(super) block_in_4xx: BlockIn4xx,
    /// Whether a retry is known by the callback id of the first attempt (hubspot.md §2.4).
    pub(super) retry_callback_id: RetryCallbackId,
    /// Whether associations come in the order in which they were made.
    pub(super) association_order: AssociationOrder,
    /// Whether a rule without conditions fits every answer, or none.
    pub(super) empty_conditions: EmptyConditions,
    /// How inputs arrive that were left empty.
    pub(super) empty_inputs: EmptyInputs,
    /// How the list of line items is called inside a record.
    pub(super) line_items_key: LineItemsKey,
    /// Associations a record embeds before it sends the reader to the associations endpoint.
    pub(super) embedded_page: usize,
    /// How the associations endpoints write `toObjectId`: the specification has a string, the guide's examples a number.
    pub(super) to_object_id: ToObjectId,
    /// What the scope `e-commerce` is worth for quotes, what hangs on them, line items and products.
    pub(super) e_commerce: ECommerce,
    /// Whether properties of the portal's own can be written on a locked quote.
    pub(super) locked_quote: LockedQuote,
    /// Whether a refresh gives out a new refresh token, and ends the one it was given.
    pub(super) refresh_token: RefreshToken,
    /// What an uninstall does to access tokens that have not ended yet.
    pub(super) uninstalled_access_token: UninstalledAccessToken,
}

/// See [`Switches::typed_outputs`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TypedOutputs {
    #[default]
    Required,
    Optional,
}

/// See [`Switches::retry_after`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RetryAfter {
    #[default]
    Milliseconds,
    Seconds,
}

/// See [`Switches::async_state`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AsyncState {
    /// The answer cannot be used.
    #[default]
    Refused,
    /// The execution is `ASYNC` and the workflow goes on.
    Accepted,
}

/// See [`Switches::default_expiration`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DefaultExpiration {
    /// An output the action does not have.
    #[default]
    Unknown,
    /// Read where `hs_expiration_duration` is missing.
    Honoured,
}

/// See [`Switches::rules_on_4xx`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RulesOn4xx {
    #[default]
    Ignored,
    Evaluated,
}

/// See [`Switches::block_in_4xx`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BlockIn4xx {
    /// The execution has failed.
    #[default]
    Fails,
    Blocks,
}

/// See [`Switches::retry_callback_id`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RetryCallbackId {
    /// As inferred from its structure.
    #[default]
    Same,
    /// Each retry after an attempt without a final answer has an id nobody saw before.
    New,
}

/// See [`Switches::association_order`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AssociationOrder {
    #[default]
    AsMade,
    Reversed,
}

/// See [`Switches::empty_conditions`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EmptyConditions {
    #[default]
    FitNothing,
    FitEverything,
}

/// See [`Switches::empty_inputs`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EmptyInputs {
    /// As the enrollment has them: who leaves one out sends no key for it.
    #[default]
    AsGiven,
    /// Every input of the action is there, `null` when left out.
    Null,
    /// Every input of the action is there, an empty text when left out.
    Blank,
}

/// See [`Switches::line_items_key`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LineItemsKey {
    #[default]
    #[serde(rename = "line items")]
    WithSpace,
    #[serde(rename = "line_items")]
    WithUnderscore,
    #[serde(rename = "0-8")]
    TypeId,
}

/// See [`Switches::to_object_id`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToObjectId {
    #[default]
    String,
    Number,
}

/// See [`Switches::e_commerce`]; the specifications of two versions disagree (hubspot.md §5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ECommerce {
    /// Nothing: the scope of the type itself is needed.
    #[default]
    NoSubstitute,
    /// As much as the scope of the type itself.
    Substitute,
    /// Both are needed.
    NeededToo,
}

/// See [`Switches::locked_quote`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LockedQuote {
    #[default]
    Refuses,
    TakesOwnProperties,
}

/// See [`Switches::refresh_token`]. The default is what a live test saw (hubspot.md §5.2), and what the stack's own seeds
/// count on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefreshToken {
    #[default]
    Kept,
    Rotated,
}

/// See [`Switches::uninstalled_access_token`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UninstalledAccessToken {
    /// 401 from then on.
    #[default]
    Dies,
    /// Works until it ends, as after a revoke.
    Lives,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            // The shortest figure anybody has seen (hubspot.md §2.4).
            patience_ms: 10_000,
            callback_unknown: 404,
            callback_foreign: 404,
            callback_completed: 400,
            callback_expired: 400,
            callback_not_blocked: 400,
            callback_batch_max: 100,
            typed_outputs: TypedOutputs::default(),
            retry_after: RetryAfter::default(),
            async_state: AsyncState::default(),
            default_expiration: DefaultExpiration::default(),
            rules_on_4xx: RulesOn4xx::default(),
            block_in_4xx: BlockIn4xx::default(),
            retry_callback_id: RetryCallbackId::default(),
            association_order: AssociationOrder::default(),
            empty_conditions: EmptyConditions::default(),
            empty_inputs: EmptyInputs::default(),
            line_items_key: LineItemsKey::default(),
            // Small enough that long lists page.
            embedded_page: 100,
            to_object_id: ToObjectId::default(),
            e_commerce: ECommerce::default(),
            locked_quote: LockedQuote::default(),
            refresh_token: RefreshToken::default(),
            uninstalled_access_token: UninstalledAccessToken::default(),
        }
    }
}

/// Why an execution cannot be completed; each has a status of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotCompletable {
    Unknown,
    Foreign,
    Completed,
    Expired,
    NotBlocked,
}

impl LineItemsKey {
    /// The key itself.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::WithSpace => "line items",
            Self::WithUnderscore => "line_items",
            Self::TypeId => "0-8",
        }
    }
}

impl Switches {
    /// What a completion is answered that cannot happen: 204 or a 4xx.
    pub(super) fn status(&self, why: NotCompletable) -> StatusCode {
        let status = match why {
            NotCompletable::Unknown => self.callback_unknown,
            NotCompletable::Foreign => self.callback_foreign,
            NotCompletable::Completed => self.callback_completed,
            NotCompletable::Expired => self.callback_expired,
            NotCompletable::NotBlocked => self.callback_not_blocked,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// What keeps these switches from being set.
    pub(super) fn problem(&self) -> Option<String> {
        let statuses = [
            self.callback_unknown,
            self.callback_foreign,
            self.callback_completed,
            self.callback_expired,
            self.callback_not_blocked,
        ];
        if let Some(stray) =
            statuses.into_iter().find(|status| *status != 204 && !(400..500).contains(status))
        {
            return Some(format!("a completion cannot be answered {stray}: 204 or a 4xx"));
        }
        (self.embedded_page == 0).then(|| "an embedded page has at least 1 row".to_owned())
    }
}
