//! Talking to QuickBooks Online, one company at a time: queries, creating a document, customer or payment, what every kind
//! of refusal means for the next step, and getting, refreshing and ending the grants all that takes.
//!
//! The documents themselves are [`mapping::quickbooks`]'s. This crate knows transport only. It never sends a write twice
//! and never decides to: an answer that does not prove its outcome is [`Error::Unknown`].

pub mod about;
pub mod client;
pub mod error;
pub mod fault;
pub mod meter;
pub mod oauth;
pub mod query;
pub mod request_id;
#[cfg(test)]
mod test_server;

pub use client::{BATCH, Called, Client, Company, Created, Ending, Rows};
pub use error::Error;
pub use fault::{Fault, Meaning};
pub use meter::Meter;
pub use query::Query;
pub use request_id::RequestId;
