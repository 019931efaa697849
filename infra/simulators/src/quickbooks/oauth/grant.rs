//! Grants: what a company's consent to an app has come to, the tokens on it, and its end (quickbooks.md §5.3, §5.4).
//!
//! A grant keeps its refresh token for 24 hours after the last change; the first refresh after that changes it. What the
//! old one still does then is disputed, and a switch.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Client;
use super::{Oauth, Refusal, later, new_token};
use crate::quickbooks::state::Company;
use crate::quickbooks::switches::{EarlierAccessTokens, RotatedToken, SecondGrant};

/// Life of an access token (§5.3).
const ACCESS_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Life of a refresh token that is not used: the 100 days of the docs (§5.3).
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(100 * 24);

/// What the service tells of it: 101 days, on which nobody should count (§5.3).
const TOLD_REFRESH_LIFE: SignedDuration = SignedDuration::from_secs(8_726_400);

/// An access token is about 1 kB of JWE (§5.3), which begins with its header.
const ACCESS_TOKEN: (&str, usize) = ("eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0..", 1024);

/// A refresh token has up to 512 characters (§5.3): here all of them.
const REFRESH_TOKEN: (&str, usize) = ("RT1-", 512);

/// Life of a grant, however often it is refreshed: five years (§5.3).
const GRANT_LIFE: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

/// How long a refresh token stays the same (§5.4), and how long a lenient service takes the one before it.
const ROTATION: SignedDuration = SignedDuration::from_hours(24);

/// One company's consent to one app. It dies with its refresh token, when it is too old, or when somebody ends it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Grant {
    pub(super) realm_id: String,
    /// Whose it is; a seeded one that names no app is of the first that refreshes it.
    client_id: Option<String>,
    refresh_token: String,
    /// The refresh tokens before this one, the latest last.
    #[serde(skip)]
    rotated_out: Vec<String>,
    /// What it gave out, ended ones too.
    #[serde(skip)]
    access_tokens: Vec<String>,
    /// A refresh of it takes its time.
    #[serde(skip)]
    pub(super) being_refreshed: bool,
    /// The last answer with tokens.
    #[serde(skip)]
    told: Option<Value>,
    /// How often fresh tokens were given out for a refresh token.
    refreshed: u64,
    rotated_at: Timestamp,
    expires_at: Timestamp,
    hard_expires_at: Timestamp,
    ended: Option<End>,
}

/// Why a grant is no more, before its time.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    /// The app gave it back.
    Revoked,
    /// A person took it back inside QuickBooks.
    Disconnected,
    /// The same app was connected to the same company again.
    Replaced,
    /// A refresh token was used that had been changed before.
    Reused,
}

/// A grant given when it is seeded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::quickbooks) struct GrantSeed {
    realm_id: String,
    refresh_token: String,
    client_id: Option<String>,
}

impl Grant {
    pub(super) fn new(realm_id: String, client_id: Option<String>, now: Timestamp) -> Grant {
        Grant {
            realm_id,
            client_id,
            refresh_token: new_token(REFRESH_TOKEN.0, REFRESH_TOKEN.1),
            rotated_out: Vec::new(),
            access_tokens: Vec::new(),
            being_refreshed: false,
            told: None,
            refreshed: 0,
            rotated_at: now,
            expires_at: later(now, REFRESH_LIFE),
            hard_expires_at: later(now, GRANT_LIFE),
            ended: None,
        }
    }

    pub(super) fn is_alive(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at.min(self.hard_expires_at)
    }

    /// Whether this app may use it.
    pub(super) fn is_of(&self, client: &Client) -> bool {
        self.client_id.as_ref().is_none_or(|id| *id == client.client_id)
    }

    /// Whose it is, if it gave out this access token.
    pub(super) fn holder_of(&self, access_token: &str) -> Option<&str> {
        self.client_id.as_deref().filter(|_| self.access_tokens.iter().any(|own| own == access_token))
    }

    /// Whether it gave out this token of either kind, now or earlier.
    pub(super) fn gave(&self, token: &str) -> bool {
        self.refresh_token == token
            || self.has_rotated(token)
            || self.access_tokens.iter().any(|own| own == token)
    }

    /// Whether this is a refresh token of before the last change, or an earlier one.
    fn has_rotated(&self, token: &str) -> bool {
        self.rotated_out.iter().any(|old| old == token)
    }

    /// Whether a refresh token of it is good: the current one, and with that switch the one before for a day.
    pub(super) fn takes(&self, token: &str, rotated: RotatedToken, now: Timestamp) -> bool {
        let is_in_grace = || {
            matches!(rotated, RotatedToken::LivesADay)
                && self.rotated_out.last().is_some_and(|last| last == token)
                && now < later(self.rotated_at, ROTATION)
        };
        self.is_alive(now) && (self.refresh_token == token || is_in_grace())
    }

    /// New tokens for a refresh token.
    pub(super) fn refresh(&mut self, client: &Client, company: &mut Company, now: Timestamp) -> Value {
        self.client_id.get_or_insert_with(|| client.client_id.clone());
        if now.duration_since(self.rotated_at) >= ROTATION {
            let new = new_token(REFRESH_TOKEN.0, REFRESH_TOKEN.1);
            self.rotated_out.push(std::mem::replace(&mut self.refresh_token, new));
            self.rotated_at = now;
        }
        self.refreshed += 1;
        self.expires_at = later(now, REFRESH_LIFE).min(self.hard_expires_at);
        if company.switches.earlier_access_tokens == EarlierAccessTokens::Die {
            self.close(company);
        }
        self.tokens(company, now)
    }

    /// An access token more, and the answer that tells of it.
    pub(super) fn tokens(&mut self, company: &mut Company, now: Timestamp) -> Value {
        let access_token = new_token(ACCESS_TOKEN.0, ACCESS_TOKEN.1);
        company.tokens.insert(access_token.clone(), Some(later(now, ACCESS_LIFE)));
        self.access_tokens.push(access_token.clone());
        let told_end = later(now, TOLD_REFRESH_LIFE).min(self.hard_expires_at);
        let told = json!({
            "token_type": "bearer",
            "access_token": access_token,
            "expires_in": ACCESS_LIFE.as_secs(),
            "refresh_token": self.refresh_token,
            "x_refresh_token_expires_in": told_end.duration_since(now).as_secs(),
        });
        self.told = Some(told.clone());
        told
    }

    /// What it gave out last, once more.
    pub(super) fn same_tokens(&self, now: Timestamp) -> Result<Value, Refusal> {
        self.told.clone().filter(|_| self.is_alive(now)).ok_or(Refusal::RefreshToken)
    }

    /// Seconds until it ends whatever is done.
    pub(super) fn hard_expires_in_s(&self, now: Timestamp) -> i64 {
        self.hard_expires_at.duration_since(now).as_secs()
    }

    /// Its access tokens open nothing any more.
    fn close(&self, company: &mut Company) {
        for token in &self.access_tokens {
            company.tokens.remove(token);
        }
    }
}

impl Oauth {
    /// A seeded grant; a refresh token known already stays as it is.
    ///
    /// # Errors
    /// It is of no company.
    pub(in crate::quickbooks) fn seed_grant(
        &mut self,
        companies: &BTreeMap<String, Company>,
        seed: GrantSeed,
        now: Timestamp,
    ) -> Result<(), String> {
        let company = companies.get(&seed.realm_id);
        let company = company.ok_or_else(|| format!("a grant of {}, which is no company", seed.realm_id))?;
        let client = seed.client_id.as_ref().and_then(|id| self.clients.get(id));
        if seed.client_id.is_some() && !client.is_some_and(|client| client.fits(company)) {
            return Err(format!("a grant of {} to an app that has no keys for it", seed.realm_id));
        }
        if !self.grants.iter().any(|grant| grant.gave(&seed.refresh_token)) {
            let grant = Grant::new(seed.realm_id, seed.client_id, now);
            self.grants.push(Grant { refresh_token: seed.refresh_token, ..grant });
        }
        Ok(())
    }

    /// A new grant, for a code. It is the only one of its app on its company unless a switch says otherwise.
    pub(super) fn connect(
        &mut self,
        companies: &mut BTreeMap<String, Company>,
        client: &Client,
        realm_id: &str,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let company = companies.get_mut(realm_id).ok_or(Refusal::Token)?;
        if !client.fits(company) {
            return Err(Refusal::Client);
        }
        let mut grant = Grant::new(realm_id.to_owned(), Some(client.client_id.clone()), now);
        let tokens = grant.tokens(company, now);
        let replaces = company.switches.second_grant == SecondGrant::Replaces;
        self.grants.push(grant);
        if replaces {
            let earlier = self.grants.len() - 1;
            let is_same =
                |grant: &Grant| grant.realm_id == realm_id && grant.is_of(client) && grant.is_alive(now);
            let same: Vec<_> = (0..earlier).filter(|at| is_same(&self.grants[*at])).collect();
            same.into_iter().for_each(|at| self.end(companies, at, End::Replaced, now));
        }
        Ok(tokens)
    }

    /// Ends the grant at this place, and its access tokens with it; with the last grant of a company go the access tokens
    /// that were seeded, which are no grant's.
    pub(super) fn end(
        &mut self,
        companies: &mut BTreeMap<String, Company>,
        at: usize,
        why: End,
        now: Timestamp,
    ) {
        let grant = &mut self.grants[at];
        let Some(company) = companies.get_mut(&grant.realm_id) else { return };
        grant.ended = Some(why);
        grant.close(company);
        self.close_ungranted(company, now);
    }

    /// Takes a company's seeded access tokens from it unless it has a grant.
    pub(super) fn close_ungranted(&self, company: &mut Company, now: Timestamp) {
        if !self.grants.iter().any(|grant| grant.realm_id == company.realm_id && grant.is_alive(now)) {
            company.tokens.clear();
        }
    }

    /// Ends the grant whose old refresh token this is, where the switch says that using one does.
    pub(super) fn punish_reuse(
        &mut self,
        companies: &mut BTreeMap<String, Company>,
        at: usize,
        token: &str,
        now: Timestamp,
    ) {
        let grant = &self.grants[at];
        let switches = companies.get(&grant.realm_id).map(|company| company.switches);
        let kills =
            switches.is_some_and(|switches| matches!(switches.rotated_token, RotatedToken::KillsGrant));
        if kills && grant.is_alive(now) && grant.has_rotated(token) {
            self.end(companies, at, End::Reused, now);
        }
    }
}
