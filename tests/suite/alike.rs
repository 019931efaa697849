//! A previewed document beside one that is sent (rulings.md 36).

use app::preview::TO_BE_CREATED;
use serde_json::Value;

/// Alike up to `but`, which is taken out of texts, and with any id where something is made first.
pub(crate) fn is_same(previewed: &Value, sent: &Value, but: fn(&str) -> String) -> bool {
    match (previewed, sent) {
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, value)| other.get(name).is_some_and(|other| is_same(value, other, but));
            one.len() == other.len() && one.iter().all(same)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other, but))
        }
        (Value::String(one), Value::String(other)) => one == TO_BE_CREATED || but(one) == but(other),
        (one, other) => one == other,
    }
}
