//! Which recording is replayed how, which is left out, and where the simulator differs knowingly.

use crate::compare::{self, Difference};
use crate::library::Library;
use crate::replay::Replay;
use crate::{documents, lists, refusals};

/// One replay of a recording.
pub(crate) struct Case {
    /// `folder/file`.
    pub(crate) recording: &'static str,
    /// How it is replayed, if not as it was recorded.
    pub(crate) variant: &'static str,
    pub(crate) prepare: fn(&Library, &str) -> Replay,
}

/// A difference that is meant to be.
pub(crate) struct Known {
    /// The recording, and its variant in brackets.
    pub(crate) case: &'static str,
    /// A pattern of [`compare::matches`].
    pub(crate) path: &'static str,
    pub(crate) reason: &'static str,
}

impl Known {
    /// Whether it is about this difference of this case.
    pub(crate) fn explains(&self, case: &Case, difference: &Difference) -> bool {
        self.case == case.title() && compare::matches(self.path, &difference.path)
    }
}

const fn case(recording: &'static str, prepare: fn(&Library, &str) -> Replay) -> Case {
    Case { recording, variant: "", prepare }
}

pub(crate) const CASES: &[Case] = &[
    case("qbo_api-recordings/all_customers_1.json", lists::customers),
    case("qbo_api-recordings/all_customers_2.json", lists::customers),
    case("qbo_api-recordings/all_employees_including_active_1.json", lists::employees),
    case("qbo_api-recordings/all_employees_including_active_2.json", lists::employees),
    case("qbo_api-recordings/all_vendors_by_5_1.json", lists::vendors),
    case("qbo_api-recordings/all_vendors_by_5_2.json", lists::vendors),
    case("qbo_api-recordings/all_vendors_by_5_3.json", lists::vendors),
    case("qbo_api-recordings/all_vendors_by_5_4.json", lists::vendors),
    case("qbo_api-recordings/all_vendors_by_5_5.json", lists::vendors),
    case("qbo_api-recordings/all_vendors_by_5_6.json", lists::vendors),
    case("qbo_api-recordings/all_vendors_by_5_7.json", lists::vendors),
    case("qbo_api-recordings/cdc_basic.json", documents::changes),
    Case {
        recording: "qbo_api-recordings/cdc_basic.json",
        variant: "changes of a month",
        prepare: documents::changes_of_a_month,
    },
    case("qbo_api-recordings/create_customer.json", lists::customer_created),
    case("qbo_api-recordings/deactivate_account_1.json", lists::account),
    case("qbo_api-recordings/deactivate_account_2.json", lists::account),
    case("qbo_api-recordings/error_400_1.json", lists::customers),
    case("qbo_api-recordings/error_400_2.json", refusals::wrong),
    case("qbo_api-recordings/error_400_json.json", refusals::unknown_field),
    case("qbo_api-recordings/error_401.json", refusals::token_ended),
    case("qbo_api-recordings/error_500_1.json", refusals::no_such_path),
    case("qbo_api-recordings/error_500_2.json", refusals::wrong),
    case("qbo_api-recordings/get_display_name.json", lists::customer_found),
    case("qbo_api-recordings/get_inactive_vendors.json", lists::vendors),
    case("qbo_api-recordings/misc_ampersand.json", lists::vendors),
    case("qbo_api-recordings/update_customer_1.json", lists::customer_updated),
    case("qbo_api-recordings/update_customer_2.json", lists::customer_updated),
    case("qbo_api-recordings/update_sales_receipt_1.json", documents::receipt),
    case("qbo_api-recordings/update_sales_receipt_2.json", documents::receipt),
    case("qbo_api-recordings/void_invoice_1.json", documents::invoice),
    case("qbo_api-recordings/void_invoice_2.json", documents::invoice),
    case("exquickbooks/api_query.json", lists::items),
    case("exquickbooks/api_query_error.json", refusals::query_unreadable),
    case("exquickbooks/item_read_item.json", lists::item),
    case("exquickbooks/item_read_item_error.json", refusals::item_gone),
    case("exquickbooks/item_update_item_error.json", refusals::item_stale),
    case("exquickbooks/preferences_read_preferences.json", lists::preferences),
    case("exquickbooks/sales_receipt_create_sales_receipt.json", documents::receipt_created),
    case("exquickbooks/sales_receipt_create_sales_receipt_error.json", refusals::line_without_kind),
    case("exquickbooks/sales_receipt_void_sales_receipt.json", documents::receipt_voided),
    case("intuit-oauth/dotnet_discovery.json", lists::discovery),
];

const MADE_UP: &str = "made up by the authors of a client library, no recorded exchange";

/// A file, or a whole folder, and why it is not replayed.
pub(crate) const LEFT_OUT: &[(&str, &str)] = &[
    ("qbo_api-recordings/attachment_error_estimate.json", "Attachable: not an entity of this simulator"),
    (
        "exquickbooks/preferences_update_preferences.json",
        "a write to Preferences, which this simulator only reads; the request was not recorded",
    ),
    (
        "exquickbooks/preferences_update_preferences_error.json",
        "a write to Preferences, which this simulator only reads; the request was not recorded",
    ),
    ("quickbooks-ruby-xml/", "answers without their requests, and comparison here is of JSON"),
    ("dotnet-xml/", "documents in XML from a vendor's test, no recorded exchange"),
    ("fivetran-csv/", "rows of a data warehouse, no recorded exchange"),
    ("intuit-oauth/dotnet_discovery_jwks.json", MADE_UP),
    ("intuit-oauth/dotnet_failure_token_revocation_response.json", MADE_UP),
    ("intuit-oauth/dotnet_success_revoketoken_response.json", MADE_UP),
    ("intuit-oauth/dotnet_success_userinfo_response.json", MADE_UP),
    ("intuit-oauth/jsclient_authResponse.json", MADE_UP),
    ("intuit-oauth/jsclient_bearer-token.json", MADE_UP),
    ("intuit-oauth/jsclient_errorResponse.json", MADE_UP),
    ("intuit-oauth/jsclient_jwkResponse.json", MADE_UP),
    ("intuit-oauth/jsclient_openID-token.json", MADE_UP),
    ("intuit-oauth/jsclient_refreshResponse.json", MADE_UP),
    ("intuit-oauth/jsclient_tokenResponse.json", MADE_UP),
    ("intuit-oauth/jsclient_userInfo.json", MADE_UP),
    ("xsd/", "schemas: another test's business"),
    ("LICENSES/", "licences"),
];

const LONG_AGO: &str = "qbo_api-recordings/cdc_basic.json";

const LATELY: &str = "qbo_api-recordings/cdc_basic.json (changes of a month)";

const A_MONTH: &str = "changes are told for 30 days (quickbooks.md §7); the recording asked for nine years";

const PREFERENCES: &str = "exquickbooks/preferences_read_preferences.json";

const NEWER_SETTING: &str = "a setting of today's reference (quickbooks.md §2.9) that 2017 did not have";

/// Where the recordings are older than what is documented today, or say nothing of it.
pub(crate) const DIFFERENCES: &[Known] = &[
    Known { case: LONG_AGO, path: "status", reason: A_MONTH },
    Known { case: LONG_AGO, path: "content type", reason: A_MONTH },
    Known { case: LONG_AGO, path: "CDCResponse", reason: A_MONTH },
    Known { case: LONG_AGO, path: "Fault", reason: A_MONTH },
    Known {
        case: LATELY,
        path: "*Estimate[].LinkedTxn",
        reason: "an estimate that became nothing has an empty list in today's reference (quickbooks.md §2.2)",
    },
    Known {
        case: LATELY,
        path: "*Estimate[].BillAddr.Lat",
        reason: "addresses are not located any more, or need not be (quickbooks.md §1.4)",
    },
    Known {
        case: LATELY,
        path: "*Estimate[].BillAddr.Long",
        reason: "addresses are not located any more, or need not be (quickbooks.md §1.4)",
    },
    Known { case: PREFERENCES, path: "*SalesFormsPrefs.UsingProgressInvoicing", reason: NEWER_SETTING },
    Known { case: PREFERENCES, path: "*SalesFormsPrefs.AutoApplyCredit", reason: NEWER_SETTING },
    Known { case: PREFERENCES, path: "*SalesFormsPrefs.AutoApplyPayments", reason: NEWER_SETTING },
];
