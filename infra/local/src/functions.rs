//! Building the function binaries from inside a run or a test.
//!
//! Neither `cargo run -p local` nor `cargo test` builds them: they are other packages' programs. So cargo is called again,
//! once per process. The outer cargo has released its lock by then.
//!
//! What is built must not differ in features from what the outer command built, or most of the dependencies are compiled
//! twice: features are unified over the packages on the command line. `-p invoice` alone would build about 100 of 254 units
//! anew after `cargo run -p local`; `--workspace --bins` the same, and more to link. `-p local -p invoice --bin invoice`
//! unifies with this crate, whose Cargo.toml in turn switches on what the functions switch on: 5 units after
//! `cargo run -p local` (our own crates), fewer than 20 after `cargo test --workspace` (what test dependencies switch on).
//!
//! What is measured must be what is deployed, though: [`build_alone`] takes the hundred units and builds a function with its
//! own features and no others.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::paths;

/// How to compile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    #[default]
    Dev,
    /// As deployed: takes minutes.
    Release,
}

/// Programs by the name of their binary.
pub type Programs = BTreeMap<String, PathBuf>;

/// Why there are no programs.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Cargo could not be started.
    #[error("cannot run {cargo}: {reason}")]
    NoCargo {
        /// What was to be run.
        cargo: String,
        /// What the system said.
        reason: String,
    },
    /// Cargo failed; it has said why on stderr.
    #[error("cargo could not build {0}")]
    Failed(String),
    /// Cargo was content, and yet a program is missing.
    #[error("cargo built no program named {0}: the package of a function must have a binary of that name")]
    Missing(String),
}

/// Builds these binaries, each from the package of its name, and says where they are. Cargo's progress goes to stderr.
/// The first call of a process builds; later ones get the same answer. Blocks the thread.
///
/// # Errors
/// Every case of [`Error`].
pub fn build(profile: Profile, binaries: &[String]) -> Result<Programs, Error> {
    static DEV: OnceLock<Result<Programs, Error>> = OnceLock::new();
    static RELEASE: OnceLock<Result<Programs, Error>> = OnceLock::new();
    let built = match profile {
        Profile::Dev => &DEV,
        Profile::Release => &RELEASE,
    };
    let mut selection = strings(&["-p", "local"]);
    selection.extend(binaries.iter().flat_map(|name| strings(&["-p", name, "--bin", name])));
    built.get_or_init(|| run_cargo(profile, &selection, binaries)).clone()
}

/// Builds the program of one package and nothing else, as a deployment does. Blocks the thread.
///
/// # Errors
/// Every case of [`Error`].
pub fn build_alone(profile: Profile, package: &str) -> Result<PathBuf, Error> {
    build_one(profile, &["-p", package, "--bin", package], package)
}

/// Builds an example of this package. Blocks the thread.
///
/// # Errors
/// Every case of [`Error`].
pub fn build_example(profile: Profile, name: &str) -> Result<PathBuf, Error> {
    build_one(profile, &["-p", "local", "--example", name], name)
}

fn build_one(profile: Profile, selection: &[&str], name: &str) -> Result<PathBuf, Error> {
    let mut built = run_cargo(profile, &strings(selection), &[name.to_owned()])?;
    built.remove(name).ok_or_else(|| Error::Missing(name.to_owned()))
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A line of cargo's `--message-format=json` that says what was built.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds what is selected and looks for these binaries in it.
fn run_cargo(profile: Profile, selection: &[String], binaries: &[String]) -> Result<Programs, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = command(&cargo, profile, selection)
        .output()
        .map_err(|error| Error::NoCargo { cargo: cargo.display().to_string(), reason: error.to_string() })?;
    if !output.status.success() {
        return Err(Error::Failed(binaries.join(", ")));
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let artifacts = lines.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let built: Programs =
        artifacts.filter_map(|built| Some((built.target.name, built.executable?))).collect();
    match binaries.iter().find(|name| !built.contains_key(*name)) {
        Some(missing) => Err(Error::Missing(missing.clone())),
        None => Ok(built),
    }
}

fn command(cargo: &OsString, profile: Profile, selection: &[String]) -> Command {
    let mut command = Command::new(cargo);
    command.args(["build", "--message-format=json-render-diagnostics"]).args(selection);
    if profile == Profile::Release {
        command.arg("--release");
    }
    // The parent's own package, as cargo told it: it means nothing to the nested build, and build scripts may look.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(name);
        }
    }
    command.current_dir(paths::workspace()).stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}
