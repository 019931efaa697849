//! Talking to HubSpot: reading the record an action runs on, installing the app and refreshing the tokens that takes, and the two sides of a
//! request of HubSpot's workflows: is it really from HubSpot, what does it ask, and how is it answered.
//!
//! The records themselves are [`mapping::hubspot`]'s. This crate knows transport only: pages, partial answers, limits,
//! signatures. It decides no status code and keeps no tokens.

mod associations;
mod call;
pub mod callback;
pub mod client;
pub mod error;
pub mod install;
pub mod oauth;
mod reading;
pub mod signature;
mod tax_rates;
#[cfg(test)]
mod test_server;
pub mod workflow;

pub use client::{Called, Client, Ending, Wanted};
pub use error::Error;
