//! ministack and the SAM command line, from PyPI.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use local::paths;
use tokio::process::Command;

/// The emulated AWS, with what expands SAM templates.
const MINISTACK: &str = "ministack[full]==1.5.33";
/// What says which `sam` is used.
const TOOLS: &str = include_str!("../../../tools");

/// A first install takes one to two minutes.
const PATIENCE: Duration = Duration::from_mins(10);

/// The programs.
pub(super) struct Tools {
    pub(super) ministack: PathBuf,
    pub(super) sam: PathBuf,
}

/// Installs both, each into an environment of its own: they want different versions of the same library. Where they are
/// installed already, this takes two seconds and no network.
///
/// # Errors
/// Why they are not there, in words.
pub(super) async fn install(folder: &Path) -> Result<Tools, String> {
    // Where `infra/tools` puts it too: whoever comes second finds it there.
    let (ministack, sam) = (folder.join("ministack"), paths::workspace().join("target/tools/sam"));
    let version = TOOLS.split_whitespace().find(|word| word.starts_with("aws-sam-cli=="));
    let version = version.ok_or("infra/tools names no aws-sam-cli")?;
    tokio::try_join!(install_into(&ministack, MINISTACK), install_into(&sam, version))?;
    Ok(Tools { ministack: ministack.join("bin/ministack"), sam: sam.join("bin/sam") })
}

async fn install_into(environment: &Path, package: &str) -> Result<(), String> {
    std::fs::create_dir_all(environment).map_err(|error| error.to_string())?;
    let log = environment.with_extension("pip.log");
    let environment = environment.display().to_string();
    let pip = format!("{environment}/bin/pip");
    let commands = [
        vec!["python3", "-m", "venv", &environment],
        vec![&pip, "install", "--quiet", "--disable-pip-version-check", package],
    ];
    for command in commands {
        let finished = tokio::time::timeout(PATIENCE, finishes(&command, &log)).await;
        if !matches!(finished, Ok(Ok(true))) {
            return Err(format!("{package} cannot be installed here; see {}", log.display()));
        }
    }
    Ok(())
}

async fn finishes(command: &[&str], log: &Path) -> std::io::Result<bool> {
    let log = File::create(log)?;
    let mut command = program(command);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
    Ok(command.status().await?.success())
}

fn program(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().unwrap_or((&"true", &[]));
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
