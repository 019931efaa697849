//! The names QuickBooks knows our effects by: request ids and markers, derived, never drawn. If the table were lost, a
//! retry would still send the same id and find the same marker (reliability.md §c.4, rulings.md 8, 9).

use mapping::item;
use mapping::quickbooks::RealmId;
use quickbooks::RequestId;
use sha2::{Digest, Sha256};
use store::record::Key;

use crate::config::Environment;

/// What a request id is for: one letter in it, so that no two kinds of effect can share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// An invoice, estimate or sales receipt.
    Document,
    /// A customer.
    Customer,
    /// The payment of an invoice.
    Payment,
    /// A product.
    Item,
}

impl Op {
    fn letter(self) -> &'static str {
        match self {
            Self::Document => "d",
            Self::Customer => "c",
            Self::Payment => "p",
            Self::Item => "i",
        }
    }
}

/// QuickBooks' idempotency key for one plan of one effect: `hq`, a letter and 40 hexadecimal digits.
pub fn request_id(
    op: Op,
    environment: Environment,
    realm: &RealmId,
    key: &Key,
    plan_version: u64,
) -> RequestId {
    let version = plan_version.to_string();
    let digest = digest(&[
        "hsqbo.rid.v1",
        environment.as_str(),
        realm.as_str(),
        &identity(key),
        op.letter(),
        &version,
    ]);
    RequestId::try_from(format!("hq{}{}", op.letter(), &digest[..40])).expect("43 letters and digits")
}

/// What we write into a document's `PrivateNote` to know it again: `[hs 0123456789abcdef0123]`. It depends on environment
/// and execution only, so that it survives a new plan.
pub fn marker(environment: Environment, execution: &Key) -> String {
    let identity = identity(execution);
    let mut parts = vec!["hsqbo.marker.v1", environment.as_str()];
    parts.extend(identity.split('\0'));
    format!("{MARKER}{}]", &digest(&parts)[..20])
}

/// How every marker of ours begins.
pub const MARKER: &str = "[hs ";

/// The claim on a customer to be created in a company: one per e-mail address (rulings.md 8).
pub fn customer_key(environment: Environment, realm: &RealmId, email: &str) -> Key {
    let folded = email.trim().to_lowercase();
    Key::Customer { identity: digest(&["hsqbo.customer.v1", environment.as_str(), realm.as_str(), &folded]) }
}

/// The claim on a company's customer to be created: companies of one name are one customer (product.md §3).
pub fn company_key(environment: Environment, realm: &RealmId, display_name: &str) -> Key {
    let folded = display_name.trim().to_lowercase();
    Key::Customer { identity: digest(&["hsqbo.company.v1", environment.as_str(), realm.as_str(), &folded]) }
}

/// The claim on an item to be created in a company: one per name (rulings.md 8).
pub fn item_key(environment: Environment, realm: &RealmId, name: &str) -> Key {
    let folded = item::folded(name);
    Key::Item { identity: digest(&["hsqbo.item.v1", environment.as_str(), realm.as_str(), &folded]) }
}

/// A retry is told from a callback id that looks like one by the zero byte, which no callback id holds.
fn identity(key: &Key) -> String {
    match key {
        Key::Execution { portal, callback_id, retry: 0 } => format!("{portal}\0{callback_id}"),
        Key::Execution { portal, callback_id, retry } => format!("{portal}\0{callback_id}\0~{retry}"),
        Key::Customer { identity } | Key::Item { identity } => identity.clone(),
    }
}

/// SHA-256 in hexadecimal. Each part is followed by a zero byte, so that two lists of parts cannot give one text; callback
/// ids are printable ASCII and hold none.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use mapping::hubspot::PortalId;

    use super::*;

    fn execution(portal: u64, callback_id: &str) -> Key {
        Key::execution(PortalId(portal), callback_id)
    }

    fn realm(id: &str) -> RealmId {
        RealmId::try_from(id.to_owned()).unwrap()
    }

    #[test]
    fn a_request_id_fits_quickbooks_and_depends_on_all_it_should() {
        let base = || (Op::Document, Environment::Dev, realm("1"), execution(1, "ap-1-2-3-0"), 0);
        let id = |(op, environment, realm, key, version): (Op, Environment, RealmId, Key, u64)| {
            request_id(op, environment, &realm, &key, version).as_str().to_owned()
        };
        let first = id(base());
        assert_eq!(first, id(base()));
        assert_eq!(first.len(), 43);
        let others = [
            id((Op::Customer, base().1, base().2, base().3, 0)),
            id((base().0, Environment::Prod, base().2, base().3, 0)),
            id((base().0, base().1, realm("2"), base().3, 0)),
            id((base().0, base().1, base().2, execution(11, "ap-1-2-3-0"), 0)),
            id((base().0, base().1, base().2, execution(1, "1ap-1-2-3-0"), 0)),
            id((base().0, base().1, base().2, base().3, 1)),
        ];
        for other in others {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_marker_survives_a_new_plan_and_names_one_execution() {
        let of = |key: &Key| marker(Environment::Dev, key);
        let first = execution(1, "ap-1-2-3-0");
        assert!(of(&first).starts_with(MARKER) && of(&first).len() == 25, "{}", of(&first));
        assert_ne!(of(&first), of(&execution(1, "ap-1-2-3-1")));
        let retry = first.successor().unwrap();
        assert_ne!(of(&first), of(&retry));
        assert_ne!(of(&retry), of(&execution(1, "ap-1-2-3-0~1")), "a callback id may look like a retry");
        assert_ne!(of(&retry), of(&retry.successor().unwrap()));
    }

    #[test]
    fn one_address_is_one_claim_however_it_is_written() {
        let claim = |email| customer_key(Environment::Dev, &realm("1"), email);
        assert_eq!(claim(" Ana@Northwind.example "), claim("ana@northwind.example"));
        assert_ne!(claim("ana@northwind.example"), claim("bea@northwind.example"));
        let company = |name| company_key(Environment::Dev, &realm("1"), name);
        assert_eq!(company("Northwind Traders"), company("NORTHWIND TRADERS"));
        assert_ne!(company("Northwind Traders"), company("Northwind"));
        assert_ne!(company("ana@northwind.example"), claim("ana@northwind.example"));
    }

    #[test]
    fn one_product_name_is_one_claim_however_it_is_written() {
        let claim = |name| item_key(Environment::Dev, &realm("1"), name);
        assert_eq!(claim("Window  Lettering "), claim("window lettering"));
        assert_ne!(claim("Window lettering"), claim("Window frame"));
        assert_ne!(claim("a@b.example"), customer_key(Environment::Dev, &realm("1"), "a@b.example"));
    }
}
