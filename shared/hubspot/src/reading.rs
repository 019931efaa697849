//! Reading the enrolled record with everything on it.
//!
//! HubSpot's oddities are read here and nowhere else: an association is listed once per *type* of association, lists have
//! several names, ids are strings or numbers, a batch may leave records out. A record that cannot be read whole is an error:
//! a document with a line too few is worse than none.

use crate::associations::{Embedded, Listed, Page, billed, billed_companies, each_once};
use crate::call::Call;
use crate::client::{Client, Wanted};
use crate::error::{Associated, Cause, Doing, Error};
use mapping::hubspot::{
    Adjustment, AdjustmentProperties, Company, CompanyProperties, Contact, ContactProperties, Deal,
    DealProperties, Enrolled, LineItem, LineItemProperties, Payment, PaymentProperties, Quote,
    QuoteProperties, Record, RecordId, RecordKind,
};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// Of a batch read (hubspot.md §6.4).
const BATCH: usize = 100;
/// Of the associations endpoint (hubspot.md §6.3).
const PAGE: &str = "500";

/// One reading of one record: the portal's token stays with its calls.
pub(crate) struct Reading<'a> {
    pub(crate) client: &'a Client,
    pub(crate) token: &'a SecretString,
    pub(crate) kind: RecordKind,
    pub(crate) id: RecordId,
}

#[derive(Deserialize)]
struct Row<P> {
    id: RecordId,
    properties: P,
    #[serde(default)]
    associations: Embedded,
}

/// The record itself.
struct Read {
    record: Record,
    embedded: Embedded,
    properties: BTreeMap<String, String>,
}

impl Reading<'_> {
    pub(crate) async fn enrolled(&self, wanted: &Wanted) -> Result<Enrolled, Error> {
        // Both are waited for: when the quote is gone, only the answer about the quote itself says so.
        let (record, billed, companies) =
            tokio::join!(self.record(wanted), self.billed_contact(), self.billed_companies(wanted));
        let (Read { record, embedded, properties }, billed, companies) = (record?, billed?, companies?);
        let contact = billed.or_else(|| embedded.ids(Associated::Contacts).first().copied());
        let (contact, companies, line_items, discounts, fees, taxes, payments) = tokio::try_join!(
            self.contact(contact),
            self.companies(companies),
            self.line_items(&embedded),
            self.adjustments(Associated::Discounts, &embedded),
            self.adjustments(Associated::Fees, &embedded),
            self.adjustments(Associated::Taxes, &embedded),
            self.payments(&embedded),
        )?;
        Ok(Enrolled {
            record,
            contact,
            companies,
            line_items,
            discounts,
            fees,
            taxes,
            payments,
            properties,
            portal_currency: None,
        })
    }

    async fn record(&self, wanted: &Wanted) -> Result<Read, Error> {
        Ok(match self.kind {
            RecordKind::Deal => {
                let (row, properties) = self.record_row(DealProperties::NAMES, wanted).await?;
                let record = Record::Deal(Deal { id: row.id, properties: row.properties });
                Read { record, embedded: row.associations, properties }
            }
            RecordKind::Quote => {
                let (row, properties) = self.record_row(QuoteProperties::NAMES, wanted).await?;
                let record = Record::Quote(Quote { id: row.id, properties: row.properties });
                Read { record, embedded: row.associations, properties }
            }
        })
    }

    /// The record, and of its properties those that were asked for besides.
    async fn record_row<P: DeserializeOwned>(
        &self,
        properties: &[&str],
        wanted: &Wanted,
    ) -> Result<(Row<P>, BTreeMap<String, String>), Error> {
        let doing = Doing::ReadingRecord(self.kind);
        let associations = associations(self.kind, wanted).join(",");
        let besides = wanted.properties.iter().map(String::as_str).filter(|name| !properties.contains(name));
        let names: Vec<&str> = properties.iter().copied().chain(besides).collect();
        let query = vec![("properties", names.join(",")), ("associations", associations)];
        let Row { id, properties, associations }: Row<Map<String, Value>> =
            self.read(doing, Call::get(&self.path(), query)).await?;
        let given = |name: &String| {
            let text = properties.get(name)?.as_str().filter(|text| !text.trim().is_empty())?;
            Some((name.clone(), text.to_owned()))
        };
        let besides = wanted.properties.iter().filter_map(given).collect();
        let properties = serde_json::from_value(Value::Object(properties))
            .map_err(|_| Error::Unavailable { doing, cause: Cause::Incomplete })?;
        Ok((Row { id, properties, associations }, besides))
    }

    /// Only the associations endpoint tells a quote's billing contact from the others. Deals have none (hubspot.md §6.3).
    async fn billed_contact(&self) -> Result<Option<RecordId>, Error> {
        match self.kind {
            RecordKind::Deal => Ok(None),
            RecordKind::Quote => Ok(billed(&self.list(Associated::Contacts).await?)),
        }
    }

    /// Where the company is billed: only the associations endpoint says by documented means which one that is.
    async fn billed_companies(&self, wanted: &Wanted) -> Result<Option<Vec<RecordId>>, Error> {
        match wanted.company {
            true => Ok(Some(billed_companies(&self.list(Associated::Companies).await?))),
            false => Ok(None),
        }
    }

    async fn companies(&self, ids: Option<Vec<RecordId>>) -> Result<Option<Vec<Company>>, Error> {
        let Some(ids) = ids else { return Ok(None) };
        let rows = self.rows(Associated::Companies, &ids, CompanyProperties::NAMES).await?;
        Ok(Some(rows.into_iter().map(|(id, properties)| Company { id, properties }).collect()))
    }

    async fn contact(&self, id: Option<RecordId>) -> Result<Option<Contact>, Error> {
        let Some(id) = id else { return Ok(None) };
        let query = vec![("properties", ContactProperties::NAMES.join(","))];
        let call = Call::get(&format!("contacts/{id}"), query);
        let row: Row<ContactProperties> = self.read(Doing::Reading(Associated::Contacts), call).await?;
        Ok(Some(Contact { id: row.id, properties: row.properties }))
    }

    async fn line_items(&self, embedded: &Embedded) -> Result<Vec<LineItem>, Error> {
        let rows = self.associated(Associated::LineItems, embedded, LineItemProperties::NAMES).await?;
        Ok(rows.into_iter().map(|(id, properties)| LineItem { id, properties }).collect())
    }

    async fn adjustments(&self, what: Associated, embedded: &Embedded) -> Result<Vec<Adjustment>, Error> {
        let rows = self.associated(what, embedded, AdjustmentProperties::NAMES).await?;
        Ok(rows.into_iter().map(|(id, properties)| Adjustment { id, properties }).collect())
    }

    async fn payments(&self, embedded: &Embedded) -> Result<Vec<Payment>, Error> {
        let rows = self.associated(Associated::Payments, embedded, PaymentProperties::NAMES).await?;
        Ok(rows.into_iter().map(|(id, properties)| Payment { id, properties }).collect())
    }

    async fn associated<P: DeserializeOwned>(
        &self,
        what: Associated,
        embedded: &Embedded,
        properties: &[&str],
    ) -> Result<Vec<(RecordId, P)>, Error> {
        let ids = self.ids(what, embedded).await?;
        self.rows(what, &ids, properties).await
    }

    async fn rows<P: DeserializeOwned>(
        &self,
        what: Associated,
        ids: &[RecordId],
        properties: &[&str],
    ) -> Result<Vec<(RecordId, P)>, Error> {
        let batches = ids.chunks(BATCH).map(|ids| self.batch(what, ids, properties));
        Ok(futures::future::try_join_all(batches).await?.into_iter().flatten().collect())
    }

    /// The ids embedded in the record or, when there are more of them, those of the associations endpoint from its start:
    /// nothing says that a cursor of the one is understood by the other, and a wrong guess would lose lines.
    async fn ids(&self, what: Associated, embedded: &Embedded) -> Result<Vec<RecordId>, Error> {
        let ids = embedded.ids(what);
        if !embedded.has_more(what) {
            return Ok(ids);
        }
        let listed = self.list(what).await?;
        Ok(each_once(ids.into_iter().chain(listed.iter().map(|listed| listed.to_object_id))))
    }

    /// Every row of the associations endpoint.
    async fn list(&self, what: Associated) -> Result<Vec<Listed>, Error> {
        let path = format!("{}/associations/{}", self.path(), what.path());
        let mut rows = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let limit = ("limit", PAGE.to_owned());
            let query = std::iter::once(limit).chain(after.map(|after| ("after", after))).collect();
            let page: Page<Listed> = self.read(Doing::Listing(what), Call::get(&path, query)).await?;
            after = page.after().map(str::to_owned);
            rows.extend(page.results);
            if after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// In the order of `ids`: that of the answer is not documented.
    async fn batch<P: DeserializeOwned>(
        &self,
        what: Associated,
        ids: &[RecordId],
        properties: &[&str],
    ) -> Result<Vec<(RecordId, P)>, Error> {
        let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id.to_string()})).collect();
        // The published API description demands `propertiesWithHistory`.
        let body = json!({"inputs": inputs, "properties": properties, "propertiesWithHistory": []});
        let doing = Doing::Reading(what);
        let read: Page<Row<P>> = self.read(doing, Call::batch_read(what.path(), body)).await?;
        let mut found: HashMap<RecordId, P> =
            read.results.into_iter().map(|row| (row.id, row.properties)).collect();
        let rows = ids.iter().map(|&id| Some((id, found.remove(&id)?)));
        rows.collect::<Option<_>>().ok_or(Error::Unavailable { doing, cause: Cause::Incomplete })
    }

    async fn read<T: DeserializeOwned>(&self, doing: Doing, call: Call) -> Result<T, Error> {
        self.client.read(self.token, doing, &call).await
    }

    fn path(&self) -> String {
        let name = match self.kind {
            RecordKind::Deal => "deals",
            RecordKind::Quote => "quotes",
        };
        format!("{name}/{}", self.id)
    }
}

/// What to embed in the record. Discounts, fees and taxes of a whole record are a quote's alone (hubspot.md §6.5).
fn associations(kind: RecordKind, wanted: &Wanted) -> Vec<&'static str> {
    let always = [Associated::Contacts, Associated::LineItems];
    let of_a_quote = [Associated::Discounts, Associated::Fees, Associated::Taxes];
    let of_a_quote = of_a_quote.into_iter().filter(|_| kind == RecordKind::Quote);
    let payments = wanted.payments.then_some(Associated::Payments);
    always.into_iter().chain(of_a_quote).chain(payments).map(Associated::path).collect()
}
