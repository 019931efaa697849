//! What a HubSpot deal is, what a QuickBooks document is, and how one becomes the other.

pub mod hubspot;
pub mod quickbooks;
