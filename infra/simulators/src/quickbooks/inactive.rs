//! Making a row inactive, which is all the deletion lists have (quickbooks.md §2.6, §12.11).

use serde_json::Value;

use super::customer::NAMED;
use super::json::Object;

/// Frees the name of an inactive row: it ends in " (deleted)" from then on.
pub(super) fn retire(entity: &str, row: &mut Object) {
    const SUFFIX: &str = " (deleted)";
    if row.get("Active") != Some(&Value::Bool(false)) {
        return;
    }
    for name in [label(entity), "FullyQualifiedName"] {
        if let Some(Value::String(name)) = row.get_mut(name)
            && !name.ends_with(SUFFIX)
        {
            name.push_str(SUFFIX);
        }
    }
}

/// The field that names a row of this entity.
pub(super) fn label(entity: &str) -> &'static str {
    if NAMED.contains(&entity) { "DisplayName" } else { "Name" }
}
