//! The tax codes that HubSpot's rates mean: `{"20": "5", "id 4711": "6"}`, by percentage or by the id of the rate.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde_json::Value;

use super::Why;
use super::choices::is_id;
use crate::money;
use crate::quickbooks::TaxCodeId;
use crate::rate::LineTax;

/// Which QuickBooks tax code each of HubSpot's rates means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaxCodes(BTreeMap<Rate, TaxCodeId>);

/// A rate of HubSpot's, as a file names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rate {
    /// `20`, `8.875`.
    Percent(Decimal),
    /// `id 4711`: one rate of the portal's library, whatever its percentage.
    Id(String),
}

impl TaxCodes {
    /// The code of a line's rate: by its id, else by its percentage.
    pub(crate) fn of(&self, tax: &LineTax) -> Option<&TaxCodeId> {
        let by_id = tax.rate_id.as_ref().and_then(|id| self.0.get(&Rate::Id(id.clone())));
        by_id.or_else(|| self.of_percent(tax.percent?))
    }

    /// The code of a percentage.
    pub(crate) fn of_percent(&self, percent: Decimal) -> Option<&TaxCodeId> {
        self.0.get(&Rate::Percent(percent.normalize()))
    }

    /// Every code that occurs.
    pub fn codes(&self) -> impl Iterator<Item = &TaxCodeId> {
        self.0.values()
    }

    /// Each rate with its code, as a file has them.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|(rate, code)| (rate.to_string(), code.to_string()))
    }

    pub(super) fn read(value: &Value) -> Result<Self, Why> {
        let pairs = match value {
            Value::Null => return Ok(Self::default()),
            Value::Object(pairs) => pairs,
            _ => return Err(Why::NotRates),
        };
        let mut codes = BTreeMap::new();
        for (key, code) in pairs {
            let rate = Rate::read(key).ok_or_else(|| Why::NotARate { key: key.clone() })?;
            let code = code.as_str().filter(|code| is_id(code));
            let code = code.ok_or_else(|| Why::NotATaxCode { key: key.clone() })?;
            if codes.insert(rate, TaxCodeId(code.to_owned())).is_some() {
                return Err(Why::KeyTwice { key: key.clone() });
            }
        }
        Ok(Self(codes))
    }
}

impl Rate {
    fn read(key: &str) -> Option<Self> {
        match key.strip_prefix("id ") {
            Some(id) => is_id(id).then(|| Self::Id(id.to_owned())),
            None => {
                let percent = money::parse(key).ok().filter(|percent| *percent >= Decimal::ZERO)?;
                Some(Self::Percent(percent.normalize()))
            }
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => percent.fmt(f),
            Self::Id(id) => write!(f, "id {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rate_is_found_by_its_id_before_its_percentage() {
        let codes = TaxCodes::read(&json!({"20.0": "5", "id 4711": "6", "0": "7"})).unwrap();
        let check = |id: Option<&str>, percent: Option<&str>, expected: Option<&str>| {
            let percent = percent.map(|percent| percent.parse().unwrap());
            let tax = LineTax { rate_id: id.map(str::to_owned), percent, amount: None };
            assert_eq!(codes.of(&tax).map(|code| code.0.as_str()), expected);
        };
        check(Some("4711"), Some("20"), Some("6"));
        check(Some("4712"), Some("20.00"), Some("5"));
        check(None, Some("0"), Some("7"));
        check(None, Some("7"), None);
        check(Some("4712"), None, None);
    }

    #[test]
    fn the_wrong_key_is_named() {
        let check = |value: Value, why| assert_eq!(TaxCodes::read(&value), Err(why));
        let key = |key: &str| key.to_owned();
        check(json!("5"), Why::NotRates);
        check(json!([]), Why::NotRates);
        check(json!({"20 %": "5"}), Why::NotARate { key: key("20 %") });
        check(json!({"-1": "5"}), Why::NotARate { key: key("-1") });
        check(json!({"id ": "5"}), Why::NotARate { key: key("id ") });
        check(json!({"20": 5}), Why::NotATaxCode { key: key("20") });
        check(json!({"20": "TAX"}), Why::NotATaxCode { key: key("20") });
        check(json!({"20": "5", "20.0": "6"}), Why::KeyTwice { key: key("20.0") });
        assert_eq!(TaxCodes::read(&Value::Null), Ok(TaxCodes::default()));
    }
}
