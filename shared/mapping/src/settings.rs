//! What is known of one QuickBooks company, and what was chosen for it.

use crate::money::Currency;
use crate::quickbooks::ItemId;

/// The settings of one company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The currency its books are kept in; none when it is not known.
    pub home_currency: Option<Currency>,
    /// The item a quote's own fees are put on; none when nobody chose one.
    pub fee_item: Option<ItemId>,
}
