//! Talking to HubSpot: reading the record an action runs on, and the two sides of a workflow action's request: is it
//! really from HubSpot, what does it ask, and how is it answered.
//!
//! The records themselves are [`mapping::hubspot`]'s. This crate knows transport only: pages, partial answers, limits,
//! signatures. It decides no status code and holds no tokens.

pub mod client;
pub mod error;
pub mod signature;
#[cfg(test)]
mod test_server;
pub mod workflow;

pub use client::Client;
pub use error::Error;
