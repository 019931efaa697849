//! Which fields the bodies of vendors, employees, items and the small lists may have (quickbooks.md §2.7, §2.10), in the
//! manner of [`fields`](super::fields).

use super::fields::Shape::{self, Choice, Code, Flag, Ignored, Name, NotSimulated, Number, Reference, Text};
use super::fields::{ADDRESS, EMAIL, Field, PHONE, person};

pub(super) const VENDOR: &[Field] = person![
    ("CompanyName", Text(100)),
    ("BillAddr", Shape::Object(ADDRESS)),
    ("WebAddr", Shape::Object(&[("URI", Text(1000))])),
    ("AcctNum", Text(100)),
    ("Vendor1099", Flag),
    ("TermRef", Reference("Term")),
    ("CurrencyRef", Code),
    ("Balance", Ignored),
];

pub(super) const EMPLOYEE: &[Field] = person![
    ("PrimaryAddr", Shape::Object(ADDRESS)),
    ("EmployeeNumber", Text(100)),
    ("HiredDate", Shape::Date),
    ("ReleasedDate", Shape::Date),
    ("BillableTime", Flag),
];

/// A bundle (`Group`) cannot be made over the API.
pub(super) const ITEM: &[Field] = &[
    ("Name", Name(100)),
    ("Sku", Text(100)),
    ("Description", Text(4000)),
    ("PurchaseDesc", Text(1000)),
    ("Type", Choice(&["Service", "NonInventory", "Inventory", "Category"])),
    ("UnitPrice", Number),
    ("PurchaseCost", Number),
    ("Taxable", Flag),
    ("SalesTaxIncluded", Flag),
    ("SalesTaxCodeRef", Code),
    ("TaxClassificationRef", Code),
    ("IncomeAccountRef", Reference("Account")),
    ("ExpenseAccountRef", Reference("Account")),
    ("AssetAccountRef", Reference("Account")),
    ("TrackQtyOnHand", Flag),
    ("QtyOnHand", Number),
    ("InvStartDate", Shape::Date),
    ("ParentRef", Reference("Item")),
    ("SubItem", Flag),
    ("Active", Flag),
    ("ItemGroupDetail", NotSimulated),
    ("ItemCategoryType", NotSimulated),
    ("PrefVendorRef", NotSimulated),
    ("ReorderPoint", NotSimulated),
    ("PurchaseTaxCodeRef", NotSimulated),
    ("PurchaseTaxIncluded", NotSimulated),
    ("ClassRef", NotSimulated),
    ("Level", Ignored),
    ("FullyQualifiedName", Ignored),
];

pub(super) const ACCOUNT: &[Field] = &[
    ("Name", Name(100)),
    ("AccountType", Choice(ACCOUNT_TYPES)),
    ("AccountSubType", Text(100)),
    ("AcctNum", Text(20)),
    ("Description", Text(4000)),
    ("CurrencyRef", Code),
    ("Active", Flag),
    ("Classification", Ignored),
    ("CurrentBalance", Ignored),
    ("CurrentBalanceWithSubAccounts", Ignored),
    ("SubAccount", Ignored),
    ("FullyQualifiedName", Ignored),
];

/// Of Intuit's XSD.
const ACCOUNT_TYPES: &[&str] = &[
    "Bank",
    "Accounts Receivable",
    "Other Current Asset",
    "Fixed Asset",
    "Other Asset",
    "Accounts Payable",
    "Credit Card",
    "Other Current Liability",
    "Long Term Liability",
    "Equity",
    "Income",
    "Other Income",
    "Cost of Goods Sold",
    "Expense",
    "Other Expense",
];

pub(super) const PAYMENT_METHOD: &[Field] =
    &[("Name", Name(31)), ("Type", Choice(&["CREDIT_CARD", "NON_CREDIT_CARD"])), ("Active", Flag)];

pub(super) const TERM: &[Field] = &[
    ("Name", Name(31)),
    ("Type", Choice(&["STANDARD", "DATE_DRIVEN"])),
    ("DueDays", Number),
    ("DayOfMonthDue", Number),
    ("DueNextMonthDays", Number),
    ("DiscountPercent", Number),
    ("DiscountDays", Number),
    ("DiscountDayOfMonth", Number),
    ("Active", Flag),
];

pub(super) const CLASS: &[Field] = &[
    ("Name", Name(100)),
    ("ParentRef", Reference("Class")),
    ("SubClass", Flag),
    ("Active", Flag),
    ("FullyQualifiedName", Ignored),
];

pub(super) const DEPARTMENT: &[Field] = &[
    ("Name", Name(100)),
    ("ParentRef", Reference("Department")),
    ("SubDepartment", Flag),
    ("Active", Flag),
    ("FullyQualifiedName", Ignored),
];
