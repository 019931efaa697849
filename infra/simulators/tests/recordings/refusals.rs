//! What was refused, and how.

use serde_json::{Value, json};

use crate::compare::{Loose, Rule};
use crate::entered;
use crate::library::Library;
use crate::replay::{ENDED, Replay};

const DETAIL: &str = "Fault.Error[].Detail";

/// A request that is wrong in itself, whatever the company.
pub(crate) fn wrong(library: &Library, file: &str) -> Replay {
    Replay::recorded(library, file)
}

/// A token that has ended; which one, the detail tells.
pub(crate) fn token_ended(library: &Library, file: &str) -> Replay {
    Replay::recorded(library, file)
        .with_token(ENDED)
        .loosely(&[("fault.error[].detail", Rule::Around(": ", ""))])
}

/// A field nobody knows; how many are known depends on the version of the service.
pub(crate) fn unknown_field(library: &Library, file: &str) -> Replay {
    loose(Replay::recorded(library, file), Rule::Around("ignorable (", "])"))
}

/// A path that leads nowhere, by the service's own name of its host.
pub(crate) fn no_such_path(library: &Library, file: &str) -> Replay {
    loose(Replay::recorded(library, file), Rule::Around(" full path: ", " is not"))
}

/// `SELECT * FROM NULL`, by the column the answer names. What was expected instead depends on the parser.
pub(crate) fn query_unreadable(library: &Library, file: &str) -> Replay {
    let target = "query?query=SELECT%20*%20FROM%20NULL";
    loose(Replay::asked(library, file, 400, "GET", target, Value::Null), Rule::Around("column 15.", ""))
}

/// An item that is not there.
pub(crate) fn item_gone(library: &Library, file: &str) -> Replay {
    Replay::asked(library, file, 400, "GET", "item/999", Value::Null)
}

/// An item saved since it was read; by whom, the detail tells.
pub(crate) fn item_stale(library: &Library, file: &str) -> Replay {
    let item = &library.answer("exquickbooks/item_read_item.json")["Item"];
    let body = json!({"Id": item["Id"], "SyncToken": "0", "sparse": true, "Name": item["Name"]});
    let replay = Replay::asked(library, file, 400, "POST", "item", body);
    loose(replay, Rule::Around(": You and ", " finished before"))
        .seeded(json!({"items": [entered::row("Item", item)]}))
}

/// A sales receipt with a line of no kind.
pub(crate) fn line_without_kind(library: &Library, file: &str) -> Replay {
    let body = json!({"Line": [{"Amount": 10, "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}]});
    Replay::asked(library, file, 400, "POST", "salesreceipt", body)
        .seeded(json!({"items": [{"Id": "1", "Name": "Services"}]}))
}

fn loose(replay: Replay, rule: Rule) -> Replay {
    let rule: Loose = (DETAIL, rule);
    replay.loosely(&[rule])
}
