//! What we write to and read from QuickBooks Online. What is sent and what comes back are different types; a read field
//! is optional when the service may leave it out. Amounts are JSON numbers that keep their digits.
//!
//! Field rules: quickbooks.md §2 (Intuit's `all-entities` pages).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One QuickBooks company, by its realm id: 1–20 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RealmId(String);

/// A realm id that is not 1–20 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a QuickBooks company id is 1 to 20 digits")]
pub struct NotARealmId;

impl RealmId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RealmId {
    type Error = NotARealmId;

    fn try_from(text: String) -> Result<Self, NotARealmId> {
        let fits = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err(NotARealmId) }
    }
}

impl From<RealmId> for String {
    fn from(realm: RealmId) -> String {
        realm.0
    }
}

impl fmt::Display for RealmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

text_id!(
    /// A customer's id. Text, not a number: QuickBooks has symbolic ids too.
    CustomerId
);
text_id!(
    /// An item's id.
    ItemId
);
text_id!(
    /// The id of an invoice, estimate or sales receipt.
    DocumentId
);
text_id!(
    /// The id of a payment in QuickBooks.
    PaymentId
);
text_id!(
    /// A payment method's id.
    PaymentMethodId
);
text_id!(
    /// A tax code's id; `TAX` and `NON` in the United States.
    TaxCodeId
);
text_id!(
    /// The id of terms of payment.
    TermId
);
text_id!(
    /// A class's id.
    ClassId
);
text_id!(
    /// The id of a department, which people see as a location.
    DepartmentId
);
text_id!(
    /// The id of a ledger account.
    AccountId
);

/// What an action makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DocumentKind {
    /// Owed, with a due date.
    Invoice,
    /// Offered, with an expiration date.
    Estimate,
    /// Paid at once.
    SalesReceipt,
}

impl DocumentKind {
    /// QuickBooks' name of the entity, as it stands in queries and answers.
    pub fn entity(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::Estimate => "Estimate",
            Self::SalesReceipt => "SalesReceipt",
        }
    }

    /// The word for a person.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Estimate => "estimate",
            Self::SalesReceipt => "sales receipt",
        }
    }
}

/// A reference by id; QuickBooks ignores the name on write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ref<Id> {
    /// The id.
    pub value: Id,
    /// Decoration in answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl<Id> Ref<Id> {
    /// A reference to `id`.
    pub fn to(id: Id) -> Self {
        Self { value: id, name: None }
    }
}

/// `{"Address": "…"}`: at most 100 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Email {
    /// The address.
    pub address: String,
}

/// `{"FreeFormNumber": "…"}`: at most 30 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Phone {
    /// The number.
    pub free_form_number: String,
}

/// `{"URI": "…"}`: at most 1000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebAddress {
    /// The address, with its scheme.
    #[serde(rename = "URI")]
    pub uri: String,
}

/// A postal address to send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Address {
    /// Street and number, ≤ 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    /// Floor, suite and the like, ≤ 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// The same, below a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line3: Option<String>,
    /// City, ≤ 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State or region, ≤ 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_sub_division_code: Option<String>,
    /// Postal code, ≤ 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, ≤ 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// A customer as QuickBooks returns it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Unique among customers, vendors and employees.
    #[serde(default)]
    pub display_name: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// The company it is or belongs to.
    pub company_name: Option<String>,
    /// Whether it is a job of another customer, which often has that one's company name.
    #[serde(default)]
    pub job: bool,
    /// E-mail; some companies keep several addresses in it, separated by commas.
    pub primary_email_addr: Option<Email>,
    /// Fixed when the customer was created.
    pub currency_ref: Option<Ref<String>>,
    /// Whether sales tax is due of it, in the United States; false for one that is exempt.
    pub taxable: Option<bool>,
    /// Outside of automated sales tax: the code of its documents, where it is not the company's.
    pub default_tax_code_ref: Option<Ref<TaxCodeId>>,
    /// False for a customer that was made inactive.
    #[serde(default = "yes")]
    pub active: bool,
}

/// A customer to create. QuickBooks names one by its parts when `DisplayName` is missing, so it is always sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewCustomer {
    /// ≤ 100 characters, without `:`, tab or newline.
    pub display_name: String,
    /// ≤ 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// ≤ 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// ≤ 100 characters; of a company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// E-mail; a company has none in HubSpot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_email_addr: Option<Email>,
    /// Phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_phone: Option<Phone>,
    /// Website.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_addr: Option<WebAddress>,
    /// Billing address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_addr: Option<Address>,
    /// Sent when the record has one: a customer's currency is fixed when it is created (§2.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_ref: Option<Ref<String>>,
}

/// A product or service as QuickBooks returns it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// Unique within its category.
    pub name: String,
    /// Stock keeping unit; not forced to be unique.
    pub sku: Option<String>,
    /// `Category:Name`.
    pub fully_qualified_name: Option<String>,
    /// `Service`, `NonInventory`, `Inventory`, `Group`, `Category` or something newer.
    #[serde(rename = "Type", default)]
    pub kind: String,
    /// Whether sales tax is due on it, in the United States.
    pub taxable: Option<bool>,
    /// False for an item that was made inactive.
    #[serde(default = "yes")]
    pub active: bool,
}

/// A product to create: not kept in stock, which would need an opening balance and a larger plan. It has no price: what one
/// deal was sold at is not what the product costs (quickbooks.md §2.7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewItem {
    /// ≤ 100 characters, without `:`, tab or newline.
    pub name: String,
    /// Stock keeping unit, ≤ 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Always said: what QuickBooks would take it for otherwise is not documented.
    #[serde(rename = "Type")]
    pub kind: NewItemKind,
    /// United States: whether sales tax is due on it. Elsewhere each line says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxable: Option<bool>,
    /// Where what it brings in is booked.
    pub income_account_ref: Ref<AccountId>,
}

/// What kind of item is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum NewItemKind {
    /// Sold, and not kept in stock.
    NonInventory,
}

/// A document to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Draft {
    /// Owed, with a due date.
    Invoice(Invoice),
    /// Offered, with an expiration date.
    Estimate(Estimate),
    /// Paid at once.
    SalesReceipt(SalesReceipt),
}

impl Draft {
    /// What it is.
    pub fn kind(&self) -> DocumentKind {
        match self {
            Self::Invoice(_) => DocumentKind::Invoice,
            Self::Estimate(_) => DocumentKind::Estimate,
            Self::SalesReceipt(_) => DocumentKind::SalesReceipt,
        }
    }

    /// What it has in common with the other two.
    pub fn form(&self) -> &SalesForm {
        match self {
            Self::Invoice(invoice) => &invoice.form,
            Self::Estimate(estimate) => &estimate.form,
            Self::SalesReceipt(receipt) => &receipt.form,
        }
    }

    /// When an invoice is due; none where QuickBooks' terms decide, and of the other two.
    pub fn due_date(&self) -> Option<Date> {
        match self {
            Self::Invoice(invoice) => invoice.due_date,
            Self::Estimate(_) | Self::SalesReceipt(_) => None,
        }
    }
}

/// An invoice to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Invoice {
    /// What every document has.
    #[serde(flatten)]
    pub form: SalesForm,
    /// When payment is due; left out, the terms decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    /// Which terms, never beside a due date; left out, the customer's or company's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sales_term_ref: Option<Ref<TermId>>,
    /// Whether it can be paid online by card; left out, the company's settings decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_online_credit_card_payment: Option<bool>,
    /// Whether it can be paid online from a bank account; left out, the company's settings decide.
    #[serde(rename = "AllowOnlineACHPayment", skip_serializing_if = "Option::is_none")]
    pub allow_online_ach_payment: Option<bool>,
}

/// An estimate to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Estimate {
    /// What every document has.
    #[serde(flatten)]
    pub form: SalesForm,
    /// Until when it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Date>,
    /// How far it has come.
    pub txn_status: TxnStatus,
}

/// How far an estimate has come, as far as we say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TxnStatus {
    /// Nobody has accepted it yet.
    Pending,
}

/// A sales receipt to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SalesReceipt {
    /// What every document has.
    #[serde(flatten)]
    pub form: SalesForm,
    /// How it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method_ref: Option<Ref<PaymentMethodId>>,
    /// ≤ 21 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_ref_num: Option<String>,
    /// Where the money goes; left out, to *Undeposited Funds*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit_to_account_ref: Option<Ref<AccountId>>,
}

/// What invoice, estimate and sales receipt have in common (quickbooks.md §2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SalesForm {
    /// Posting date, in the portal's time zone.
    pub txn_date: Date,
    /// Its number, ≤ 21 characters; left out, QuickBooks gives one, or none where people give them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_number: Option<String>,
    /// Whom it is for.
    pub customer_ref: Ref<CustomerId>,
    /// Where it may be e-mailed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_email: Option<Email>,
    /// Whether it waits to be e-mailed; left out, it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_status: Option<EmailStatus>,
    /// Where it is addressed to; left out, QuickBooks copies the customer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_addr: Option<Address>,
    /// Sent when the record has one: needed in companies with several currencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_ref: Option<Ref<String>>,
    /// In a foreign currency: units of the home currency for one of it. Left out, QuickBooks would book at one to one.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "rust_decimal::serde::arbitrary_precision_option"
    )]
    pub exchange_rate: Option<Decimal>,
    /// Outside the United States: what the amounts are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_tax_calculation: Option<GlobalTax>,
    /// Set with a discount in the United States: HubSpot takes it off before tax, QuickBooks after it unless told
    /// (hubspot.md §6.5, quickbooks.md §2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply_tax_after_discount: Option<bool>,
    /// The tax of the whole, where it is not left to QuickBooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub txn_tax_detail: Option<TaxSaid>,
    /// Where the company tracks classes of documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_ref: Option<Ref<ClassId>>,
    /// Where the company tracks locations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_ref: Option<Ref<DepartmentId>>,
    /// Who gets a copy of it, where it is e-mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_email_cc: Option<Email>,
    /// Who gets one that the others do not know of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_email_bcc: Option<Email>,
    /// Where it is shipped to; left out, QuickBooks copies the customer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ship_addr: Option<Address>,
    /// When it is shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ship_date: Option<Date>,
    /// The company's own fields that have something in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_field: Vec<CustomField>,
    /// What the customer reads below the lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_memo: Option<Memo>,
    /// Not shown on the printed form, ≤ 4000 characters: the link to the HubSpot record and our marker.
    pub private_note: String,
    /// At least one; a discount comes last.
    pub line: Vec<Line>,
}

/// One of a company's own fields on a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomField {
    /// Which of the three it is.
    definition_id: String,
    /// What people call it.
    name: String,
    /// They are texts.
    #[serde(rename = "Type")]
    kind: &'static str,
    /// What stands in it, ≤ 31 characters.
    string_value: String,
}

impl CustomField {
    /// The field of this id and name, with this text in it.
    pub(crate) fn of(definition_id: &str, name: &str, text: &str) -> Self {
        Self {
            definition_id: definition_id.to_owned(),
            name: name.to_owned(),
            kind: "StringType",
            string_value: text.to_owned(),
        }
    }
}

/// Whether a document waits to be e-mailed, as far as we say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum EmailStatus {
    /// It stands in the list of forms that people send; without an address QuickBooks refuses it (6420).
    NeedToSend,
}

/// `{"value": "…"}`: at most 1000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Memo {
    /// The text.
    pub value: String,
}

/// What the amounts of a document are, outside the United States.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum GlobalTax {
    /// Net: tax comes on top.
    TaxExcluded,
    /// Gross: tax is in them. A line's `Amount` is net all the same.
    TaxInclusive,
    /// Outside of tax.
    NotApplicable,
}

/// What a document says of its tax as a whole (quickbooks.md §2.5): one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaxSaid {
    /// Manual sales tax: the one code of all its taxed lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub txn_tax_code_ref: Option<Ref<TaxCodeId>>,
    /// Automated sales tax: what it comes to, in place of what would be computed.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "rust_decimal::serde::arbitrary_precision_option"
    )]
    pub total_tax: Option<Decimal>,
}

/// A line of a document to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Line {
    /// What kind of line it is.
    #[serde(flatten)]
    pub detail: LineDetail,
    /// Two decimals, never negative: QuickBooks itself subtracts a discount (§2.2).
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub amount: Decimal,
    /// ≤ 4000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The kinds of line we send: `DetailType`, and beside it a field of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "DetailType")]
pub enum LineDetail {
    /// A product line.
    #[serde(rename = "SalesItemLineDetail")]
    Item {
        /// What is sold.
        #[serde(rename = "SalesItemLineDetail")]
        sold: SalesItemLineDetail,
    },
    /// A discount on the whole document: one at most, and no more than the product lines add up to.
    #[serde(rename = "DiscountLineDetail")]
    Discount {
        /// How it is reckoned.
        #[serde(rename = "DiscountLineDetail")]
        discount: DiscountLineDetail,
    },
}

/// How a discount is reckoned. Which account it is booked to is left to the company's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiscountLineDetail {
    /// False: the line's `Amount` is what is taken off.
    pub percent_based: bool,
    /// Where the company tracks classes of lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_ref: Option<Ref<ClassId>>,
}

/// The product, quantity and price of a line: `Qty × UnitPrice`, rounded half up, is the line's `Amount`, or QuickBooks
/// refuses the document with 6070.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SalesItemLineDetail {
    /// The item.
    pub item_ref: Ref<ItemId>,
    /// At most seven decimals.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub qty: Decimal,
    /// At most seven decimals.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub unit_price: Decimal,
    /// When what it sells begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_date: Option<Date>,
    /// How it is taxed; left out, the company's settings and the item decide, in the United States only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_code_ref: Option<Ref<TaxCodeId>>,
    /// Where the company tracks classes of lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_ref: Option<Ref<ClassId>>,
    /// What the line comes to with its tax, where amounts are gross.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "rust_decimal::serde::arbitrary_precision_option"
    )]
    pub tax_inclusive_amt: Option<Decimal>,
}

/// An invoice, estimate or sales receipt as QuickBooks returns it: the part we record and show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Its number; missing in companies with custom numbers when none was sent.
    pub doc_number: Option<String>,
    /// Posting date.
    pub txn_date: Option<Date>,
    /// Invoices only.
    pub due_date: Option<Date>,
    /// Total including tax.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub total_amt: Decimal,
    /// What is still owed; an estimate has none.
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    pub balance: Option<Decimal>,
    /// The tax QuickBooks computed.
    pub txn_tax_detail: Option<TxnTaxDetail>,
    /// Currency.
    pub currency_ref: Option<Ref<String>>,
    /// Units of the home currency for one of [`Self::currency_ref`]; none in companies with a single currency.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "rust_decimal::serde::arbitrary_precision_option"
    )]
    pub exchange_rate: Option<Decimal>,
    /// The customer.
    pub customer_ref: Option<Ref<CustomerId>>,
    /// Holds our marker.
    pub private_note: Option<String>,
}

impl Document {
    /// Whether it was voided: it keeps its id and number, its amounts are zero, and QuickBooks writes so into the note, in
    /// place of ours or before it (recordings of a voided invoice).
    pub fn is_voided(&self) -> bool {
        let says_so =
            self.private_note.as_deref().is_some_and(|note| note.trim_start().starts_with("Voided"));
        self.total_amt.is_zero() && says_so
    }
}

/// A payment to create for an invoice (quickbooks.md §2.8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewPayment {
    /// The invoice's customer.
    pub customer_ref: Ref<CustomerId>,
    /// Posting date: when it was paid.
    pub txn_date: Date,
    /// Two decimals, more than zero.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub total_amt: Decimal,
    /// The invoice's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_ref: Option<Ref<String>>,
    /// The invoice's, where there is one.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "rust_decimal::serde::arbitrary_precision_option"
    )]
    pub exchange_rate: Option<Decimal>,
    /// How it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method_ref: Option<Ref<PaymentMethodId>>,
    /// ≤ 21 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_ref_num: Option<String>,
    /// Where the money goes; left out, to *Undeposited Funds*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit_to_account_ref: Option<Ref<AccountId>>,
    /// Our marker.
    pub private_note: String,
    /// What it settles.
    pub line: Vec<PaymentLine>,
}

/// What a payment settles of one invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaymentLine {
    /// Two decimals, at most the invoice's balance.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub amount: Decimal,
    /// The invoice.
    pub linked_txn: [LinkedTxn; 1],
}

/// A reference to another document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LinkedTxn {
    /// Its id.
    pub txn_id: DocumentId,
    /// What it is.
    pub txn_type: DocumentKind,
}

/// A payment as QuickBooks returns it: the part we record and show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// What was paid.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub total_amt: Decimal,
    /// Holds our marker.
    pub private_note: Option<String>,
}

/// The tax of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TxnTaxDetail {
    /// The sum over all rates.
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    pub total_tax: Option<Decimal>,
}

fn yes() -> bool {
    true
}

/// A ledger account as QuickBooks returns it (§2.10): where money can be deposited.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Unique among the accounts under the same parent.
    pub name: String,
    /// `Parent:Name`.
    pub fully_qualified_name: Option<String>,
    /// `Bank`, `Other Current Asset`, … as QuickBooks spells it.
    #[serde(default)]
    pub account_type: String,
    /// False for an account that was made inactive.
    #[serde(default = "yes")]
    pub active: bool,
}

/// A way of paying as QuickBooks returns it (§2.10).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaymentMethod {
    /// Its id.
    pub id: PaymentMethodId,
    /// Its name.
    pub name: String,
    /// False for one that was made inactive.
    #[serde(default = "yes")]
    pub active: bool,
}

/// A company's preferences, as far as documents depend on them (§2.9).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Preferences {
    /// Its currencies.
    pub currency_prefs: Option<CurrencyPrefs>,
    /// Its sales forms.
    #[serde(default)]
    pub sales_forms_prefs: SalesFormsPrefs,
    /// What it tracks.
    #[serde(default)]
    pub accounting_info_prefs: AccountingInfoPrefs,
    /// Its sales tax.
    #[serde(default)]
    pub tax_prefs: TaxPrefs,
}

/// A company's sales tax (§2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxPrefs {
    /// Whether it keeps any.
    pub using_sales_tax: Option<bool>,
    /// Whether the automated one is set up; left out where there is only the manual one.
    pub partner_tax_enabled: Option<bool>,
    /// Manual sales tax: the code of documents that name none.
    pub tax_group_code_ref: Option<Ref<TaxCodeId>>,
}

/// What a company's sales forms have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SalesFormsPrefs {
    /// Whether people give documents their numbers.
    pub custom_txn_numbers: Option<bool>,
    /// Whether documents can have a discount.
    pub allow_discount: Option<bool>,
    /// The company's own fields: which are in use, and what they are called.
    pub custom_field: Vec<CustomFieldPrefs>,
    /// Whether lines show a day of their own.
    pub allow_service_date: Option<bool>,
    /// Whether documents show where and when they are shipped.
    pub allow_shipping: Option<bool>,
    /// Whether customers can pay online.
    #[serde(rename = "ETransactionPaymentEnabled")]
    pub online_payment: Option<bool>,
}

/// Some preferences of the company's own fields: they come in lists of lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CustomFieldPrefs {
    /// Each of them.
    pub custom_field: Vec<CustomFieldPref>,
}

/// One preference of a company's own fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CustomFieldPref {
    /// `SalesFormsPrefs.UseSalesCustom1`, `SalesFormsPrefs.SalesCustomName1`, …
    pub name: String,
    /// Whether a field is in use.
    pub boolean_value: Option<bool>,
    /// What it is called.
    pub string_value: Option<String>,
}

/// What a company tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AccountingInfoPrefs {
    /// One class for a document.
    pub class_tracking_per_txn: Option<bool>,
    /// A class for each line.
    pub class_tracking_per_txn_line: Option<bool>,
    /// Locations.
    pub track_departments: Option<bool>,
    /// The last day of closed books, where any are.
    pub book_close_date: Option<String>,
}

/// Which currencies a company has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CurrencyPrefs {
    /// The one its books are kept in.
    pub home_currency: Option<Ref<String>>,
    /// Whether there are others.
    pub multi_currency_enabled: Option<bool>,
}

/// A tax code outside the United States (§2.5).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaxCode {
    /// Its id.
    pub id: TaxCodeId,
    /// The rates it stands for in sales.
    pub sales_tax_rate_list: Option<TaxRateList>,
}

/// The rates of a tax code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaxRateList {
    /// Each of them.
    #[serde(default)]
    pub tax_rate_detail: Vec<TaxRateDetail>,
}

/// One rate of a tax code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaxRateDetail {
    /// The rate.
    pub tax_rate_ref: Ref<String>,
    /// `TaxOnAmount`, or something that does not simply add up, such as `TaxOnTax`.
    pub tax_type_applicable: Option<String>,
}

/// A tax rate (§2.5).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaxRate {
    /// Its id.
    pub id: String,
    /// Percent; none for one that is no percentage.
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    pub rate_value: Option<Decimal>,
}

/// What a company says of itself (§2.9).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CompanyInfo {
    /// Such as `US`.
    pub country: Option<String>,
}

/// A payment found in the books, ours or not, with what it settles (§2.8).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaymentSeen {
    /// Its id.
    pub id: PaymentId,
    /// What was paid.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub total_amt: Decimal,
    /// Holds our marker, if it is ours.
    pub private_note: Option<String>,
    /// What it settles; nothing for money on account.
    #[serde(default)]
    pub line: Vec<PaymentSeenLine>,
}

/// What a payment that was found settles.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaymentSeenLine {
    /// The documents.
    #[serde(default)]
    pub linked_txn: Vec<LinkedTxnSeen>,
}

/// A reference to another document in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LinkedTxnSeen {
    /// Its id.
    pub txn_id: DocumentId,
    /// `Invoice`, `CreditMemo`, `Deposit`, … as QuickBooks spells it: more than we make.
    pub txn_type: String,
}
