//! Whom and what sales tax is due of, as QuickBooks said it of customers and items: only where it is kept by hand, and for an hour,
//! as QuickBooks takes a document that is taxed as its customer or items were yesterday.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::lookup::Untold;
use mapping::quickbooks::{CustomerId, ItemId, RealmId, TaxCodeId};
use mapping::tax::{CustomerTax, Taxable};

use crate::item::{Item, text};
use crate::matches::{held_until, holds};
use crate::{Error, Store};

/// For so long it holds.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

const CUSTOMER: &str = "TAX#CUSTOMER#";
const ITEM: &str = "TAX#ITEM#";

impl Store {
    /// What is remembered of this customer and these items. What cannot be read at once counts as not remembered.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn taxable(
        &self,
        portal: PortalId,
        realm: &RealmId,
        of: &Untold,
        now: Timestamp,
    ) -> Result<Taxable, Error> {
        let customer = of.customer.iter().map(|id| format!("{CUSTOMER}{id}"));
        let sorts: Vec<String> = customer.chain(of.items.iter().map(|id| format!("{ITEM}{id}"))).collect();
        let mut found = Taxable::default();
        for attributes in self.recalled(portal, realm, &sorts).await? {
            let item = Item { what: "what is taxed", attributes: &attributes };
            if !holds(&item, now)? {
                continue;
            }
            let (sort, is_taxed) = (item.text("sk")?, flag(&item, "taxed")?);
            if let Some(id) = sort.strip_prefix(CUSTOMER) {
                let code = item.optional_text("code").map(TaxCodeId);
                let customer = CustomerTax { is_exempt: !is_taxed, code };
                found.customers.insert(CustomerId(id.to_owned()), customer);
            } else if let Some(id) = sort.strip_prefix(ITEM) {
                found.items.insert(ItemId(id.to_owned()), is_taxed);
            }
        }
        Ok(found)
    }

    /// Remembers it, the newest over older ones.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; some may be remembered then.
    pub async fn keep_taxable(
        &self,
        portal: PortalId,
        realm: &RealmId,
        taxable: &Taxable,
        now: Timestamp,
    ) -> Result<(), Error> {
        let until = now.checked_add(KEPT).unwrap_or(now);
        let item = |sort: String, is_taxed| {
            let taxed = ("taxed".to_owned(), AttributeValue::Bool(is_taxed));
            HashMap::from_iter([("sk".to_owned(), text(sort)), taxed].into_iter().chain(held_until(until)))
        };
        let customers = taxable.customers.iter().map(|(id, CustomerTax { is_exempt, code })| {
            let mut item: HashMap<_, _> = item(format!("{CUSTOMER}{id}"), !is_exempt);
            item.extend(code.iter().map(|code| ("code".to_owned(), text(&code.0))));
            item
        });
        let items = taxable.items.iter().map(|(id, is_taxed)| item(format!("{ITEM}{id}"), *is_taxed));
        self.put_remembered(portal, realm, customers.chain(items)).await
    }
}

fn flag(item: &Item<'_>, name: &str) -> Result<bool, Error> {
    let flag = item.attributes.get(name).and_then(|value| value.as_bool().ok());
    flag.copied().ok_or_else(|| Error::corrupt(item.what, name))
}
