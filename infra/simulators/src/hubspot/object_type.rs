//! The kinds of record the fake CRM knows, and what HubSpot fixes about each (hubspot.md §6.1, §6.5, §7).

use serde::{Deserialize, Serialize};

/// A kind of record; seeds and paths call it by its plural name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ObjectType {
    CommercePayments,
    Companies,
    Contacts,
    Deals,
    Discounts,
    Fees,
    LineItems,
    Products,
    Quotes,
    Taxes,
}

/// What HubSpot fixes about a kind of record.
struct Facts {
    name: &'static str,
    type_id: &'static str,
    singular: &'static str,
    read_scope: &'static str,
    write_scope: &'static str,
    dates: [&'static str; 2],
    properties: &'static str,
}

impl ObjectType {
    const ALL: [Self; 10] = [
        Self::CommercePayments,
        Self::Companies,
        Self::Contacts,
        Self::Deals,
        Self::Discounts,
        Self::Fees,
        Self::LineItems,
        Self::Products,
        Self::Quotes,
        Self::Taxes,
    ];

    /// Reads a path segment or an `associations` name: the plural name or the type id.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text || kind.type_id() == text)
    }

    /// Reads `object.objectType` of the workflow engine: the upper-case name, or the type id that HubSpot may send in its
    /// place (hubspot.md §2.1).
    pub(super) fn from_workflow(text: &str) -> Option<Self> {
        let named = match text {
            "DEAL" => Some(Self::Deals),
            "QUOTE" => Some(Self::Quotes),
            "CONTACT" => Some(Self::Contacts),
            "COMPANY" => Some(Self::Companies),
            _ => None,
        };
        named.or_else(|| Self::ALL.into_iter().find(|kind| kind.type_id() == text))
    }

    /// The plural name.
    pub(super) fn name(self) -> &'static str {
        self.facts().name
    }

    /// The name in association types.
    pub(super) fn singular(self) -> &'static str {
        self.facts().singular
    }

    fn type_id(self) -> &'static str {
        self.facts().type_id
    }

    /// The scope that reading such a record takes (hubspot.md §5.5). What hangs on a quote is read with the quote's.
    pub(super) fn read_scope(self) -> &'static str {
        self.facts().read_scope
    }

    /// Names of the creation and modification date, which come unasked.
    pub(super) fn date_properties(self) -> [&'static str; 2] {
        self.facts().dates
    }

    /// Whether the scope `e-commerce` has to do with it (hubspot.md §5.5).
    pub(super) fn is_commerce(self) -> bool {
        use ObjectType::{Discounts, Fees, LineItems, Products, Quotes, Taxes};
        matches!(self, Discounts | Fees | LineItems | Products | Quotes | Taxes)
    }

    /// The scope that writing such a record takes.
    pub(super) fn write_scope(self) -> &'static str {
        self.facts().write_scope
    }

    /// Whether every portal has the property: `null` when unset, where a name that no portal has and no seed named is
    /// dropped without a word.
    pub(super) fn has_standard_property(self, property: &str) -> bool {
        self.facts().properties.split(' ').any(|name| name == property)
    }

    /// What a standard property of it holds, as far as HubSpot checks that on writing.
    pub(super) fn value_type(self, property: &str) -> ValueType {
        if !self.has_standard_property(property) {
            return ValueType::Any;
        }
        match property {
            _ if NUMBERS.contains(&property) => ValueType::Number,
            _ if DAYS.contains(&property) => ValueType::Day,
            _ if MOMENTS.contains(&property) => ValueType::Moment,
            _ => ValueType::Any,
        }
    }

    fn facts(self) -> Facts {
        match self {
            Self::CommercePayments => COMMERCE_PAYMENTS,
            Self::Companies => COMPANIES,
            Self::Contacts => CONTACTS,
            Self::Deals => DEALS,
            Self::Discounts => DISCOUNTS,
            Self::Fees => FEES,
            Self::LineItems => LINE_ITEMS,
            Self::Products => PRODUCTS,
            Self::Quotes => QUOTES,
            Self::Taxes => TAXES,
        }
    }
}

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    /// Text, or something nobody checks.
    Any,
    /// A decimal number.
    Number,
    /// A civil date, also written as milliseconds of its midnight in UTC.
    Day,
    /// A point in time, ISO 8601 or milliseconds.
    Moment,
}

/// Standard properties that hold numbers (hubspot.md §6.5).
const NUMBERS: [&str; 17] = [
    "amount",
    "quantity",
    "price",
    "discount",
    "tax",
    "hs_discount_percentage",
    "hs_pre_discount_amount",
    "hs_total_discount",
    "hs_tax_rate",
    "hs_tax_amount",
    "hs_auto_tax_amount",
    "hs_post_tax_amount",
    "hs_position_on_quote",
    "hs_cost_of_goods_sold",
    "hs_quote_amount",
    "hs_sort_order",
    "hs_value",
];

const DAYS: [&str; 2] = ["hs_recurring_billing_start_date", "hs_recurring_billing_end_date"];

const MOMENTS: [&str; 2] = ["closedate", "hs_expiration_date"];

const DATES: [&str; 2] = ["createdate", "hs_lastmodifieddate"];
/// Of the types HubSpot added later, and of quotes.
const PREFIXED_DATES: [&str; 2] = ["hs_createdate", "hs_lastmodifieddate"];

const COMMERCE_PAYMENTS: Facts = Facts {
    name: "commerce_payments",
    type_id: "0-101",
    singular: "commerce_payment",
    read_scope: "crm.objects.commercepayments.read",
    write_scope: "crm.objects.commercepayments.write",
    dates: PREFIXED_DATES,
    properties: "hs_latest_status hs_initial_amount hs_net_amount hs_fees_amount hs_platform_fee hs_refunds_amount \
                 hs_currency_code hs_settlement_currency_code hs_initiated_date hs_payout_date hs_customer_email \
                 hs_payment_method_type hs_payment_method hs_payment_method_last_4 hs_payment_method_bank_or_issuer \
                 hs_digital_wallet_type hs_processor_type hs_payment_source_app hs_payment_source_id \
                 hs_payment_source_name hs_payment_source_url hs_payment_type hs_reference_number hs_payment_id",
};

const COMPANIES: Facts = Facts {
    name: "companies",
    type_id: "0-2",
    singular: "company",
    read_scope: "crm.objects.companies.read",
    write_scope: "crm.objects.companies.write",
    dates: DATES,
    properties: "name domain phone address address2 city state zip country",
};

const CONTACTS: Facts = Facts {
    name: "contacts",
    type_id: "0-1",
    singular: "contact",
    read_scope: "crm.objects.contacts.read",
    write_scope: "crm.objects.contacts.write",
    dates: ["createdate", "lastmodifieddate"],
    properties: "firstname lastname email phone mobilephone company jobtitle address city state zip country \
                 hs_additional_emails",
};

const DEALS: Facts = Facts {
    name: "deals",
    type_id: "0-3",
    singular: "deal",
    read_scope: "crm.objects.deals.read",
    write_scope: "crm.objects.deals.write",
    dates: DATES,
    properties: "dealname amount deal_currency_code closedate dealstage pipeline hs_is_closed_won hubspot_owner_id \
                 description",
};

const DISCOUNTS: Facts = Facts {
    name: "discounts",
    type_id: "0-84",
    singular: "discount",
    read_scope: "crm.objects.quotes.read",
    write_scope: "crm.objects.quotes.write",
    dates: PREFIXED_DATES,
    properties: "hs_label hs_type hs_value hs_duration hs_sort_order",
};

const FEES: Facts = Facts {
    name: "fees",
    type_id: "0-85",
    singular: "fee",
    read_scope: "crm.objects.quotes.read",
    write_scope: "crm.objects.quotes.write",
    dates: PREFIXED_DATES,
    properties: "hs_label hs_type hs_value hs_sort_order",
};

const LINE_ITEMS: Facts = Facts {
    name: "line_items",
    type_id: "0-8",
    singular: "line_item",
    read_scope: "crm.objects.line_items.read",
    write_scope: "crm.objects.line_items.write",
    dates: DATES,
    properties: "name description hs_sku hs_product_id quantity price discount hs_discount_percentage \
                 hs_pre_discount_amount hs_total_discount amount hs_tax_rate_group_id hs_tax_rate hs_tax_label \
                 hs_tax_category hs_tax_amount hs_auto_tax_amount hs_post_tax_amount tax hs_line_item_currency_code \
                 recurringbillingfrequency hs_recurring_billing_period hs_recurring_billing_start_date \
                 hs_recurring_billing_end_date hs_position_on_quote hs_pricing_model hs_tier_ranges hs_tier_prices \
                 hs_is_optional",
};

const PRODUCTS: Facts = Facts {
    name: "products",
    type_id: "0-7",
    singular: "product",
    read_scope: "crm.objects.products.read",
    write_scope: "crm.objects.products.write",
    dates: DATES,
    properties: "name description price hs_sku hs_cost_of_goods_sold hs_recurring_billing_period hs_pricing_model",
};

const QUOTES: Facts = Facts {
    name: "quotes",
    type_id: "0-14",
    singular: "quote",
    read_scope: "crm.objects.quotes.read",
    write_scope: "crm.objects.quotes.write",
    dates: PREFIXED_DATES,
    properties: "hs_title hs_quote_number hs_status hs_quote_amount hs_quote_total_preference hs_currency \
                 hs_expiration_date hs_language hs_locale hs_timezone hs_terms hs_comments hs_quote_link hs_locked \
                 hs_template_type hs_payment_enabled hs_payment_type hs_payment_status hs_payment_date \
                 hs_net_payment_terms",
};

const TAXES: Facts = Facts {
    name: "taxes",
    type_id: "0-86",
    singular: "tax",
    read_scope: "crm.objects.quotes.read",
    write_scope: "crm.objects.quotes.write",
    dates: PREFIXED_DATES,
    properties: "hs_label hs_type hs_value hs_sort_order",
};
