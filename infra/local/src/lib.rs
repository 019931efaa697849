//! The whole product on one machine: the real function binaries behind a gateway, with DynamoDB, Secrets Manager, HubSpot
//! and QuickBooks beside them, all on loopback and in one process tree.
//!
//! ```no_run
//! use local::{Options, Stack, world};
//! use serde_json::json;
//!
//! # async fn example() -> Result<(), local::Error> {
//! let stack = Stack::start(Options::default()).await?;
//! let history = stack
//!     .execute(&json!({
//!         "action": "invoice", "portal_id": world::PORTAL.0, "object_type": "DEAL", "object_id": world::HARBOR,
//!         "inputs": {"quickbooks_account": "default", "due_days": "30"},
//!     }))
//!     .await?;
//! assert_eq!(history["state"], "SUCCESS");
//! assert_eq!(stack.books(world::REALM)["Invoice"][0]["TotalAmt"].to_string(), "949.40");
//! # Ok(())
//! # }
//! ```
//!
//! It reads functions, roles, routes, time limits and the table from `template.yaml`, so it cannot drift from what is
//! deployed. Its Lambda neither freezes nor recycles instances.

pub mod aws;
pub mod dynamodb;
pub mod functions;
pub mod gateway;
pub mod grants;
mod iam;
pub mod lambda;
pub mod paths;
pub mod proxy;
pub mod schedule;
pub mod secrets;
pub mod stack;
mod task;
pub mod template;
pub mod vendors;
pub mod world;

pub use functions::Profile;
pub use simulators::control::{Call, Fault, round_trips};
pub use stack::{Error, Info, Options, Stack};
pub use vendors::{Vendor, Vendors};
