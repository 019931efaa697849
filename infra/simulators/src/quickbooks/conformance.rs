//! Whether bodies are what Intuit's XSDs say: names, types, enumerations, lengths and what must be there; order aside.
//!
//! A [`QuickBooks`](super::QuickBooks) made with [`checked`](super::QuickBooks::checked) holds every body that
//! reaches it and every answer of its own against the schemas, before a fault alters the answer, and remembers what does not
//! conform, and whether it was accepted: see `traffic`. `schema` reads the files, `lengths` finds the lengths, which stand in prose there, `divergence` lists
//! where Intuit's JSON is known to differ from its XSDs and why, `check` walks a value.
//!
//! How the XML of the schemas is written as JSON (quickbooks.md §1.4 and the recordings of `quickbooks-data`):
//!
//! | in the XSD | in JSON |
//! | --- | --- |
//! | elements and attributes of a type | members of one object |
//! | text with attributes: references, memos | `{"value": text, "name": …}` |
//! | `maxOccurs` above 1 | a list, also of one |
//! | an element of the substitution group `IntuitObject` | a member with the entity's name |
//! | decimals and integers, booleans | numbers without exponent, `true` and `false` |
//! | strings, dates, times, ids | strings |
//!
//! Not checked: what the gateway answers itself (`{"fault": …}` in lower case, and XML), which is no document of these
//! schemas, and statements of queries, which are text.

mod check;
mod divergence;
mod lengths;
mod schema;
#[cfg(test)]
mod tests;
mod traffic;

use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};

pub use check::Finding;
pub use schema::Schemas;
pub use traffic::{Nonconforming, Outcome, Side};
pub(super) use traffic::{Record, observed};

/// A line that `cargo test` shows also of a test that passes: it catches what the print macros write, nothing else.
#[cfg(test)]
pub(super) fn say(line: &str) {
    use std::io::Write as _;
    // Nobody to tell it to is no failure of the test.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Where the XSDs stand beside the checkout, from the workspace's root.
const BESIDE: &str = "../shared/reference/quickbooks-data/xsd";

/// Intuit's XSDs where they stand beside this checkout, read once per process; `None` where they do not.
///
/// # Errors
/// They are there and cannot be read.
pub fn beside_the_checkout() -> io::Result<Option<Arc<Schemas>>> {
    static READ: LazyLock<Result<Option<Arc<Schemas>>, String>> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = root.join(BESIDE);
        if !folder.is_dir() {
            return Ok(None);
        }
        Schemas::read(&folder).map(|schemas| Some(Arc::new(schemas))).map_err(|error| error.to_string())
    });
    READ.clone().map_err(io::Error::other)
}
