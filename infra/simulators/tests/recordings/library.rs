//! The folder of recordings beside the checkout.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folders looked at; everything in them is claimed by a case or left out with a reason.
pub(crate) struct Library {
    root: PathBuf,
    /// `folder/file`, in order.
    files: Vec<String>,
}

impl Library {
    /// `None` where there is no such folder.
    pub(crate) fn open() -> Option<Library> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/reference/quickbooks-data")
            .canonicalize();
        let root = root.ok()?;
        let mut files: Vec<_> = entries(&root)
            .filter(|folder| folder.is_dir())
            .flat_map(|folder| entries(&folder).collect::<Vec<_>>())
            .filter_map(|file| Some(file.strip_prefix(&root).ok()?.to_str()?.to_owned()))
            .collect();
        files.sort();
        Some(Library { root, files })
    }

    /// Every file, as `folder/file`.
    pub(crate) fn files(&self) -> &[String] {
        &self.files
    }

    /// One file's JSON, amounts exact.
    pub(crate) fn json(&self, file: &str) -> Value {
        let text = fs::read_to_string(self.root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// The body of a recorded answer, whether or not its request was recorded with it.
    pub(crate) fn answer(&self, file: &str) -> Value {
        let mut recording = self.json(file);
        match recording.get("response") {
            Some(_) => recording["response"]["body"].take(),
            None => recording,
        }
    }

    /// The rows of a recorded query.
    pub(crate) fn rows(&self, file: &str, entity: &str) -> Vec<Value> {
        let answer = self.answer(file);
        answer["QueryResponse"][entity].as_array().unwrap_or_else(|| panic!("{file} has no {entity}")).clone()
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}
