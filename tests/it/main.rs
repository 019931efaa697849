//! Whole flows on the local stack: the real binaries over the real Runtime API, the real SDK, real HTTP.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

mod alarms;
mod amounts;
mod budgets;
mod canaries;
mod cases;
mod conforming;
mod connect;
mod connections;
mod console;
mod currencies;
mod customers;
mod deliveries;
mod fields;
mod gate;
mod invoice;
mod items;
mod lossy;
mod mail;
mod metered;
mod paid;
mod preview;
mod quotes;
mod records;
mod repeats;
mod roles;
mod simulated;
mod support;
mod taxed;
mod tidy;
mod tokens;
mod twins;
