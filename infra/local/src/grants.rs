//! That a role allows no more than its function needs: what was used of the roles while the real functions ran is written down,
//! and whatever they grant beyond it is superfluous (`cargo run -p local -- roles`).
//!
//! A grant is an action on one pattern of keys, one index, or one prefix of secrets: a statement with three actions and two
//! patterns is six. Stacks write theirs when `RECORD_GRANTS` names a folder, each into a file of its own.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use crate::template::Template;

/// One thing that a function may do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grant(String);

impl Grant {
    pub(crate) fn new(function: &str, action: &str, on: &str) -> Self {
        Self(format!("{function} {action} on {on}"))
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything that the roles of a template grant.
pub fn granted(template: &Template) -> BTreeSet<Grant> {
    let mut granted = BTreeSet::new();
    for function in &template.functions {
        for statement in &function.role {
            let on = match &statement.keys {
                Some(patterns) => patterns.clone(),
                None => statement.resources.iter().map(ToString::to_string).collect(),
            };
            let pairs = statement.actions.iter().flat_map(|action| on.iter().map(move |on| (action, on)));
            granted.extend(pairs.map(|(action, on)| Grant::new(&function.logical_id, action, on)));
        }
    }
    granted
}

/// Everything that stacks wrote into this folder.
///
/// # Errors
/// When it cannot be read, or nothing is in it: nothing recorded proves nothing.
pub fn read(folder: &Path) -> io::Result<BTreeSet<Grant>> {
    let mut used = BTreeSet::new();
    let named = |error| io::Error::other(format!("{}: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(named)? {
        used.extend(fs::read_to_string(entry?.path())?.lines().map(|line| Grant(line.to_owned())));
    }
    match used.is_empty() {
        true => Err(io::Error::other(format!("nothing was recorded in {}", folder.display()))),
        false => Ok(used),
    }
}

/// What one stack used so far.
#[derive(Default)]
pub(crate) struct Used(Option<Mutex<(HashSet<Grant>, File)>>);

impl Used {
    /// Written down where `RECORD_GRANTS` says; nowhere without it.
    pub(crate) fn recorded() -> io::Result<Self> {
        let Some(folder) = std::env::var_os("RECORD_GRANTS") else { return Ok(Self::default()) };
        fs::create_dir_all(&folder)?;
        let path = Path::new(&folder).join(std::process::id().to_string());
        // All stacks of a process append to one file, line by line.
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Some(Mutex::new((HashSet::new(), file)))))
    }

    /// A line for what is new.
    pub(crate) fn note(&self, grant: Grant) {
        let Some(used) = &self.0 else { return };
        let Ok(mut used) = used.lock() else { return };
        let (known, file) = &mut *used;
        let line = format!("{grant}\n");
        // A line that is lost is missed by whoever compares: nothing is proved by mistake.
        if known.insert(grant) && file.write_all(line.as_bytes()).is_err() {
            eprintln!("a grant that was used could not be recorded");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_on_each_pattern_is_a_grant_of_its_own() {
        let template = Template::parse(include_str!("../../../template.yaml")).unwrap();
        let granted = granted(&template);
        let holds = |grant: &str| granted.contains(&Grant(grant.to_owned()));
        assert!(holds("InvoiceFunction dynamodb:UpdateItem on E#*"));
        assert!(holds("ReconcileFunction dynamodb:Query on index due"));
        assert!(holds("ConnectFunction secretsmanager:CreateSecret on secrets pending/*"));
        assert!(holds("RefreshFunction secretsmanager:GetSecretValue on the app secret"));
        assert!(!holds("RefreshFunction dynamodb:UpdateItem on E#*"));
    }

    #[test]
    fn an_empty_folder_proves_nothing() {
        let folder = std::env::temp_dir().join(format!("grants-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(read(&folder).unwrap_err().to_string().contains("nothing was recorded"));
        fs::write(folder.join("1"), "A b on c\nA b on c\n").unwrap();
        fs::write(folder.join("2"), "A d on c\n").unwrap();
        assert_eq!(read(&folder).unwrap().len(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }
}
