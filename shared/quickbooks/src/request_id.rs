//! The id a write is sent under: QuickBooks answers a repeated one with the first answer (quickbooks.md §1.5).

use std::fmt;

/// A `requestid`, unique within a company: 1–50 lower-case letters and digits. QuickBooks publishes no alphabet (2130
/// refuses what is outside it) and allows 50 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(String);

/// A text that is not 1–50 lower-case letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request id is 1 to 50 lower-case letters and digits")]
pub struct NotARequestId;

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequestId {
    type Error = NotARequestId;

    fn try_from(text: String) -> Result<Self, NotARequestId> {
        let fits = (1..=50).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err(NotARequestId) }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_up_to_fifty_letters_and_digits() {
        for text in ["a", "hqd0123456789abcdef", &"9".repeat(50)] {
            assert_eq!(RequestId::try_from(text.to_owned()).unwrap().as_str(), text);
        }
        for text in ["", "A", "a-b", "a b", "a&b", "é", &"9".repeat(51)] {
            assert_eq!(RequestId::try_from(text.to_owned()), Err(NotARequestId), "{text}");
        }
    }
}
