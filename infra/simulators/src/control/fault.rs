//! One fault: which calls it disturbs, and how. What is planned, and when it strikes, is `plan`'s business.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::preset::Preset;

/// The longest answer [`Fault::pad_to_bytes`] can ask for: it is held in memory.
pub const MAX_PADDED_BYTES: u32 = 256 << 20;

/// Disturbs calls that match. The first fault of the list that matches, has skipped enough, is not used up and falls by
/// its probability applies. The table of all kinds is in the description of [this module](super).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Only calls with this method; `None` for any.
    pub method: Option<String>,
    /// Only calls whose path contains this.
    pub path: String,
    /// Matching calls to leave alone first.
    pub skip: u32,
    /// Matching calls to disturb after that.
    pub times: u32,
    /// The share of matching calls to disturb, from 0 to 1, chosen by `seed` and the number of the matching call alone;
    /// `None` for every one. `times` still limits how many.
    #[serde(with = "rust_decimal::serde::arbitrary_precision_option")]
    pub probability: Option<Decimal>,
    /// Chooses which calls a probability falls on.
    pub seed: u64,
    /// Answer as a vendor does; the fields below change the parts they name.
    pub preset: Option<Preset>,
    /// Answer this status; with neither this nor `preset` nor `redirect` the answer is left to the simulator.
    pub status: Option<u16>,
    /// The body answered with `status`.
    pub body: String,
    /// The content type of whatever is answered, also of the simulator's own answer.
    pub content_type: Option<String>,
    /// Further headers of whatever is answered.
    pub headers: BTreeMap<String, String>,
    /// Send the caller to this address instead: 302, or the `status` given.
    pub redirect: Option<String>,
    /// Do what was asked first, then fail: the caller cannot know that it happened.
    pub after_effect: bool,
    /// Answer (or drop) now, and do what was asked when the simulator's clock has gone on by this many seconds. The
    /// vendor judges the call, its token included, at that moment.
    pub effect_after_seconds: Option<u32>,
    /// Milliseconds to wait: before the effect, or between effect and answer with `after_effect`.
    pub delay_ms: u64,
    /// Close the connection without a complete answer.
    pub drop: bool,
    /// Blanks are added to the answer until it has this many bytes; at most [`MAX_PADDED_BYTES`].
    pub pad_to_bytes: Option<u32>,
    /// Send the answer gzipped, and say so, whatever the caller accepts.
    pub gzip: bool,
    /// Send the answer in small pieces.
    pub drip: Option<Drip>,
    /// Send only this many bytes of the body, announce more, and close the connection.
    pub truncate_to: Option<u32>,
}

/// How slowly a body is sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drip {
    /// Bytes in a piece; at least 1.
    pub piece_bytes: u32,
    /// Milliseconds before each piece.
    pub pause_ms: u64,
}

impl Default for Fault {
    fn default() -> Self {
        Fault {
            method: None,
            path: String::new(),
            skip: 0,
            times: 1,
            probability: None,
            seed: 0,
            preset: None,
            status: None,
            body: String::new(),
            content_type: None,
            headers: BTreeMap::new(),
            redirect: None,
            after_effect: false,
            effect_after_seconds: None,
            delay_ms: 0,
            drop: false,
            pad_to_bytes: None,
            gzip: false,
            drip: None,
            truncate_to: None,
        }
    }
}

impl Fault {
    pub(super) fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && path.contains(&self.path)
    }

    /// What stands in the log of a call it disturbs.
    pub(super) fn kind(&self) -> &'static str {
        let [before, after, later] = match (self.drop, self.replaces()) {
            (true, _) => ["drop", "drop_after_effect", "drop_effect_later"],
            (false, true) => ["answer", "answer_after_effect", "answer_effect_later"],
            (false, false) if self.relabels() || self.reshapes() => ["altered"; 3],
            (false, false) => ["delay"; 3],
        };
        match (self.effect_after_seconds, self.after_effect) {
            (Some(_), _) => later,
            (None, true) => after,
            (None, false) => before,
        }
    }

    /// Whether the body is sent otherwise than it was meant.
    pub(super) fn reshapes(&self) -> bool {
        self.pad_to_bytes.is_some() || self.gzip || self.drip.is_some() || self.truncate_to.is_some()
    }

    /// What is answered in place of the vendor's own answer; `None` leaves that to the vendor.
    ///
    /// # Errors
    /// A status or header that no HTTP answer can carry, in words.
    pub(super) fn replacement(&self, now: Timestamp) -> Result<Option<Response>, String> {
        if !self.replaces() {
            return Ok(None);
        }
        let mut response = match self.preset {
            Some(preset) => preset.answer(now),
            None => (StatusCode::FOUND, String::new()).into_response(),
        };
        if let Some(status) = self.status {
            *response.status_mut() =
                StatusCode::from_u16(status).map_err(|_| format!("{status} is no HTTP status"))?;
        }
        if !self.body.is_empty() {
            *response.body_mut() = Body::from(self.body.clone());
        }
        if let Some(location) = &self.redirect {
            response.headers_mut().insert(header::LOCATION, header_value(location)?);
        }
        Ok(Some(response))
    }

    /// Gives an answer, the vendor's own or another, the content type and headers asked for.
    ///
    /// # Errors
    /// A header that no HTTP answer can carry, in words.
    pub(super) fn relabel(&self, response: &mut Response) -> Result<(), String> {
        let content_type = self.content_type.iter().map(|value| ("content-type", value));
        for (name, value) in content_type.chain(self.headers.iter().map(|(k, v)| (k.as_str(), v))) {
            let name = name.parse::<HeaderName>().map_err(|_| format!("{name} is no header name"))?;
            response.headers_mut().insert(name, header_value(value)?);
        }
        Ok(())
    }

    /// Whether it can be carried out.
    ///
    /// # Errors
    /// Why not, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        self.replacement(Timestamp::UNIX_EPOCH)?;
        self.relabel(&mut Response::default())?;
        let later = self.effect_after_seconds.is_some();
        let mistakes = [
            (!self.probability.is_none_or(is_share), "a probability is from 0 to 1"),
            (later && self.after_effect, "an effect cannot both precede the answer and land later"),
            (
                later && !self.drop && !self.replaces(),
                "an effect can land later only if the call is answered by the fault, or dropped",
            ),
            (self.drop && self.reshapes(), "a dropped call has no body that could be sent in another way"),
            (self.drip.is_some_and(|drip| drip.piece_bytes == 0), "a piece has at least 1 byte"),
            (self.pad_to_bytes.is_some_and(|bytes| bytes > MAX_PADDED_BYTES), "that much is not padded"),
        ];
        let mistake = mistakes.iter().find(|(is_made, _)| *is_made);
        mistake.map_or(Ok(()), |(_, why)| Err((*why).to_owned()))
    }

    /// Whether the vendor's own answer is not what the caller gets, drops aside.
    pub(super) fn replaces(&self) -> bool {
        self.preset.is_some() || self.status.is_some() || self.redirect.is_some()
    }

    fn relabels(&self) -> bool {
        self.content_type.is_some() || !self.headers.is_empty()
    }
}

fn is_share(probability: Decimal) -> bool {
    (Decimal::ZERO..=Decimal::ONE).contains(&probability)
}

fn header_value(value: &str) -> Result<HeaderValue, String> {
    value.parse().map_err(|_| format!("{value:?} is no header value"))
}
