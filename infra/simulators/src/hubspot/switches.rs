//! What HubSpot leaves open, each point under a name (hubspot.md §13). The default is the reading that breaks a careless
//! client.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

/// The switches; a seed sets all of them, those it leaves out to their defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Switches {
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
    /// Whether a refresh gives out a new refresh token, and ends the one it was given.
    pub(super) refresh_token: RefreshToken,
    /// What an uninstall does to access tokens that have not ended yet.
    pub(super) uninstalled_access_token: UninstalledAccessToken,
}

/// See [`Switches::typed_outputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TypedOutputs {
    Required,
    Optional,
}

/// See [`Switches::retry_after`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RetryAfter {
    Milliseconds,
    Seconds,
}

/// See [`Switches::refresh_token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefreshToken {
    Kept,
    Rotated,
}

/// See [`Switches::uninstalled_access_token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UninstalledAccessToken {
    /// 401 from then on.
    Dies,
    /// Works until it ends, as after a revoke.
    Lives,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            callback_unknown: 404,
            callback_foreign: 404,
            callback_completed: 400,
            callback_expired: 400,
            callback_not_blocked: 400,
            callback_batch_max: 100,
            typed_outputs: TypedOutputs::Required,
            retry_after: RetryAfter::Milliseconds,
            // What a live test saw (hubspot.md §5.2), and what the stack's own seeds count on.
            refresh_token: RefreshToken::Kept,
            uninstalled_access_token: UninstalledAccessToken::Dies,
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
        let stray = statuses.into_iter().find(|status| *status != 204 && !(400..500).contains(status))?;
        Some(format!("a completion cannot be answered {stray}: 204 or a 4xx"))
    }
}
