//! What stands for something we keep, in the hands of a browser: a session, a connect that is under way.
//!
//! Whoever shows it is let in, so nobody may guess it, and it stands nowhere: the table is keyed by its hash.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits, as 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Handle(String);

const DIGITS: usize = 64;

impl Handle {
    /// A new one.
    ///
    /// # Panics
    /// When the system has no randomness: nothing could be kept from anybody then.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let mut bits = [0; DIGITS / 2];
        getrandom::fill(&mut bits).expect("the system has randomness");
        Self(hex::encode(bits))
    }

    /// One that was shown to us; none if it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == DIGITS && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The digits, for the browser whose it is.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is the one shown, found out in a time that tells nothing of it.
    pub fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// What it is called where it is kept.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same_and_each_is_read_back() {
        let (one, other) = (Handle::new(), Handle::new());
        assert_ne!(one, other);
        assert_ne!(one.hash(), one.expose());
        assert_eq!(Handle::read(one.expose()), Some(one.clone()));
        assert!(one.is(one.expose()) && !one.is(other.expose()) && !one.is(""));
        assert_eq!(format!("{one:?}"), "[redacted]");
    }

    #[test]
    fn anything_else_is_none() {
        for text in
            ["", "a", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64), &"A".repeat(64), &"é".repeat(32)]
        {
            assert_eq!(Handle::read(text), None, "{text}");
        }
    }
}
