//! Stateful stand-ins for HubSpot and QuickBooks Online, over HTTP on this machine.
//!
//! Each keeps books of its own and answers as the vendor documents it, traps included; what they refuse is part of what
//! they are for. They are strict: where the vendor's behaviour is not known for certain, they choose what breaks a
//! careless client. Tests assert on their state and call log, and make them misbehave through [`control`].

pub mod chance;
pub mod control;
pub mod hubspot;
mod page;
pub mod quickbooks;
