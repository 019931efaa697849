//! What becomes of a record in a company: read, matched and written by the real rules, each body held against the rules and
//! then created in a copy of the stand-in's books.

use std::collections::BTreeMap;

use app::preview;
use jiff::civil::date;
use jiff::tz::TimeZone;
use mapping::books::Books;
use mapping::customer::CustomerFound;
use mapping::document::{self, Emailing, Header};
use mapping::hubspot::{
    self, Adjustment, Contact, Deal, Enrolled, LineItem, Payment, Quote, Record, RecordId,
};
use mapping::item::{self, ItemFound, MissingItem};
use mapping::lookup::{Answers, LinkedCustomer, Links, Matched};
use mapping::number::Number;
use mapping::payment::{self, Booking, Paid};
use mapping::problem::Problem;
use mapping::quickbooks::{
    AccountId, CompanyInfo, CustomerId, DocumentKind, Item, ItemId, NewCustomer, PaymentMethod,
    PaymentMethodId, Preferences, TaxCode, TaxRate,
};
use mapping::sale;
use mapping::settings::{Bill, Choices, Settings};
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json};
use simulators::quickbooks::{QuickBooks, Rehearsal};

use crate::alike::is_same;
use crate::company::Company;
use crate::record::{Drawn, ORDER};
use crate::rules;
use simulators::chance::Chance;

const REALM: &str = "9341450000000001";
const MARKER: &str = "[hs 0123456789abcdef0123]";

/// One company, and its books as QuickBooks tells them.
pub(crate) struct World {
    pub(crate) company: Company,
    rehearsal: Rehearsal,
    books: Books,
    items: Vec<Item>,
}

/// A record that can be billed, and all that is asked for.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) matched: Matched,
    pub(crate) settings: Settings,
    kind: DocumentKind,
    header: Header,
    paid: Option<Paid>,
    booking: Booking,
}

/// A document as QuickBooks makes it.
pub(crate) struct Made {
    pub(crate) document: Value,
    pub(crate) total: Decimal,
    pub(crate) tax: Decimal,
    /// The entities that were created beside it.
    pub(crate) beside: Vec<&'static str>,
}

impl World {
    pub(crate) fn new(company: Company) -> Self {
        let quickbooks = QuickBooks::new();
        let mut seed = company.seed();
        seed["realm_id"] = json!(REALM);
        quickbooks.seed(json!({"companies": [seed]})).unwrap();
        let state = &quickbooks.state()["companies"][0];
        let preferences: Preferences = from_value(state["preferences"].clone()).unwrap();
        let info: CompanyInfo = from_value(json!({"Country": state["country"]})).unwrap();
        let (codes, rates): (Vec<TaxCode>, Vec<TaxRate>) =
            (from_value(state["TaxCode"].clone()).unwrap(), from_value(state["TaxRate"].clone()).unwrap());
        let methods: Vec<PaymentMethod> = from_value(state["PaymentMethod"].clone()).unwrap();
        let books = Books::read(&preferences, &info).with_tax_codes(&codes, &rates);
        let books = books.with_payment_methods(methods, jiff::Timestamp::now());
        let items = from_value(state["Item"].clone()).unwrap();
        Self { company, rehearsal: quickbooks.rehearsal(REALM).unwrap(), books, items }
    }

    /// The record with settings of chance. Of `links`, the customer it knows.
    ///
    /// # Errors
    /// What is wrong with the record.
    pub(crate) fn ordered(
        &self,
        drawn: &Drawn,
        chance: &mut Chance,
        links: Links,
    ) -> Result<Order, Vec<Problem>> {
        let file = self.company.settings(chance);
        let choices = Choices::default().changed_by(&file.to_string()).unwrap();
        let settings = Settings { books: self.books.clone(), choices };
        let enrolled = enrolled(drawn, settings.choices.bill);
        let answers = Answers { items: self.items.clone(), ..Answers::default() };
        let reading = sale::read(&enrolled).in_books(&settings.books, &enrolled);
        let matched = reading.settle(&links, &answers, &settings, MissingItem::Create);
        let paid = payment::paid(&enrolled, &TimeZone::UTC, &settings);
        let (matched, paid) = match (matched, paid) {
            (Ok(matched), Ok(paid)) => (matched, paid),
            (matched, paid) => return Err(matched.err().into_iter().chain(paid.err()).flatten().collect()),
        };
        let kind = chance.pick(&[DocumentKind::Invoice, DocumentKind::Estimate, DocumentKind::SalesReceipt]);
        let booking = Booking {
            today: date(2026, 3, 2),
            payment_method: paid.as_ref().and_then(|paid| paid.method_of(&settings)),
            deposit_account: chance.pick(&[None, Some("9001")]).map(|id| AccountId(id.into())),
            marker: MARKER.into(),
        };
        let header = self.header(kind, &enrolled, &booking, paid.clone(), chance);
        Ok(Order { matched, settings, kind, header, paid, booking })
    }

    fn header(
        &self,
        kind: DocumentKind,
        enrolled: &Enrolled,
        booking: &Booking,
        paid: Option<Paid>,
        chance: &mut Chance,
    ) -> Header {
        Header {
            today: booking.today,
            due_days: chance.one_in(2).then(|| "30".parse().unwrap()),
            number: chance.pick(&[Number::OfQuickBooks, Number::OfRecord("HS-4821".into())]),
            emailing: chance.pick(&[Emailing::No, Emailing::Queue]),
            properties: enrolled.properties.clone(),
            exchange_rate: self.company.rate(),
            expires: chance.one_in(2).then(|| date(2026, 3, 31)),
            paid: paid.filter(|_| kind == DocumentKind::SalesReceipt),
            payment_method: booking.payment_method.clone().or(Some(PaymentMethodId("9101".into()))),
            deposit_account: booking.deposit_account.clone(),
            ship_to: payment::ship_to(enrolled),
            ship_date: chance.one_in(4).then(|| date(2026, 4, 1)),
            marker: MARKER.into(),
            record_url: format!(
                "https://app.hubspot.com/contacts/1/record/0-3/{}",
                "4".repeat(usize::try_from(chance.below(30)).unwrap())
            ),
        }
    }

    /// Creates everything it takes: customer, products, document, and the payment of an invoice. Where the customer's name is
    /// taken by a vendor, it is created under a name of its own.
    ///
    /// # Errors
    /// What QuickBooks refuses.
    pub(crate) fn made(&self, order: &Order, name_is_taken: bool) -> Result<Made, String> {
        let Order { matched, settings, kind, header, paid, booking } = order;
        let decimals = self.company.currency.decimals;
        let mut making = Making {
            rehearsal: self.rehearsal.clone(),
            decimals,
            items: BTreeMap::new(),
            beside: Vec::new(),
        };
        let customer = match &matched.customer {
            CustomerFound::Existing { id, .. } => id.clone(),
            CustomerFound::Missing(new) if name_is_taken => making.named_otherwise(new, matched)?,
            CustomerFound::Missing(new) => CustomerId(making.created("Customer", new)?),
        };
        let items = matched.items.iter().map(|item| making.item(item, &self.items));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let write = |customer: &CustomerId, items: &[ItemId]| {
            serde_json::to_value(document::write(*kind, matched, customer, items, settings, header)).unwrap()
        };
        let draft = write(&customer, &items);
        let (shown_customer, shown_items) =
            (preview::customer(&matched.customer).0, matched.items.iter().map(preview::item));
        let shown = write(&shown_customer, &shown_items.collect::<Vec<_>>());
        assert!(is_same(&shown, &draft, str::to_owned), "previewed {shown}, created {draft}");
        let document = making.create(kind.entity(), &draft)?;
        let amount = |value: &Value| value.to_string().parse::<Decimal>().unwrap_or_default();
        let (total, tax) = (amount(&document["TotalAmt"]), amount(&document["TxnTaxDetail"]["TotalTax"]));
        if let Some(paid) = paid.as_ref().filter(|_| *kind == DocumentKind::Invoice && !total.is_zero()) {
            let invoice = from_value(document.clone()).unwrap();
            let payment = payment::write(paid, &invoice, &customer, booking).unwrap();
            assert_eq!(payment.total_amt, paid.amount.min(total), "{document}");
            making.created("Payment", &payment)?;
        }
        Ok(Made { document, total, tax, beside: making.beside })
    }
}

/// The link of a record's contact or company to the customer there is.
pub(crate) fn known() -> Links {
    let customer =
        LinkedCustomer { id: CustomerId("5801".into()), name: "Ana Trujillo".into(), currency: None };
    Links { customer: Some(customer), ..Links::default() }
}

/// The record as it is read.
fn enrolled(drawn: &Drawn, bill: Bill) -> Enrolled {
    fn read<T: DeserializeOwned>(properties: &Value) -> T {
        from_value(properties.clone()).unwrap()
    }
    fn numbered<T>(first: u64, all: &[Value], one: impl Fn(RecordId, &Value) -> T) -> Vec<T> {
        (first..).zip(all).map(|(id, properties)| one(RecordId(id), properties)).collect()
    }
    let adjustments = |all: &[Value]| numbered(1, all, |id, one| Adjustment { id, properties: read(one) });
    let company = || vec![hubspot::Company { id: RecordId(401), properties: read(&drawn.company) }];
    let order = drawn.record[ORDER].as_str().filter(|order| !order.trim().is_empty());
    Enrolled {
        record: if drawn.is_quote {
            Record::Quote(Quote { id: RecordId(7701), properties: read(&drawn.record) })
        } else {
            Record::Deal(Deal { id: RecordId(4821), properties: read(&drawn.record) })
        },
        contact: Some(Contact { id: RecordId(501), properties: read(&drawn.contact) }),
        companies: (bill == Bill::Company).then(company),
        line_items: numbered(601, &drawn.lines, |id, line| LineItem { id, properties: read(line) }),
        discounts: adjustments(&drawn.discounts),
        fees: adjustments(&drawn.fees),
        taxes: adjustments(&drawn.taxes),
        payments: numbered(901, &drawn.payments, |id, payment| Payment { id, properties: read(payment) }),
        properties: order.map(|order| (ORDER.to_owned(), order.to_owned())).into_iter().collect(),
        portal_currency: None,
    }
}

/// One execution's creates.
struct Making {
    rehearsal: Rehearsal,
    decimals: u32,
    /// Those that were created, by name.
    items: BTreeMap<String, ItemId>,
    beside: Vec<&'static str>,
}

impl Making {
    fn create(&mut self, entity: &str, body: &impl Serialize) -> Result<Value, String> {
        let body = serde_json::to_value(body).unwrap();
        rules::check(entity, &body, self.decimals);
        self.rehearsal.create(entity, &body).map_err(|refused| format!("{refused}\n{body}"))
    }

    /// The id of what is created beside the document.
    fn created(&mut self, entity: &'static str, body: &impl Serialize) -> Result<String, String> {
        let made = self.create(entity, body)?;
        self.beside.push(entity);
        Ok(made["Id"].as_str().unwrap().to_owned())
    }

    fn named_otherwise(&mut self, new: &NewCustomer, matched: &Matched) -> Result<CustomerId, String> {
        self.rehearsal.create("Vendor", &json!({"DisplayName": new.display_name}))?;
        let refused = self.create("Customer", new).unwrap_err();
        assert!(refused.contains("6240"), "{refused}");
        let new = new.clone().under_own_name(matched.sale.buyer.id.record());
        self.created("Customer", &new).map(CustomerId)
    }

    fn item(&mut self, found: &ItemFound, known: &[Item]) -> Result<ItemId, String> {
        let new = match found {
            ItemFound::Existing(item) => return Ok(item.id.clone()),
            ItemFound::Missing(new) => new,
        };
        if let Some(id) = self.items.get(&new.name) {
            return Ok(id.clone());
        }
        let id = match self.created("Item", new) {
            Ok(id) => ItemId(id),
            // What is left of its name is that of another product, which is taken then.
            Err(refused) => match known.iter().find(|item| item::is_namesake(item, &new.name)) {
                Some(namesake) if refused.contains("6240") => namesake.id.clone(),
                _ => return Err(refused),
            },
        };
        self.items.insert(new.name.clone(), id.clone());
        Ok(id)
    }
}
