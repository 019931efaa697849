//! ministack and the SAM command line, from PyPI.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use local::paths;
use tokio::process::Command;

use super::Result;

/// The emulated AWS, with what expands SAM templates.
const MINISTACK: &str = "ministack[full]==1.5.33";
/// What says which `sam` is used.
const TOOLS: &str = include_str!("../../../tools");

/// A first install takes one to two minutes.
const PATIENCE: Duration = Duration::from_mins(10);

/// What pip says when it reaches no index (`.ci/run` asks for the same).
const UNREACHABLE: [&str; 4] =
    ["NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError"];

/// The programs.
pub(super) struct Tools {
    pub(super) ministack: PathBuf,
    pub(super) sam: PathBuf,
}

/// Installs both, each into an environment of its own: they want different versions of the same library. Where they are
/// installed already, this takes two seconds and no network. Where this machine cannot have them, it is said why.
///
/// # Errors
/// When pip had what it needs, and failed all the same.
pub(super) async fn install(folder: &Path) -> Result<std::result::Result<Tools, String>> {
    // Where `infra/tools` puts it too: whoever comes second finds it there.
    let (ministack, sam) = (folder.join("ministack"), paths::workspace().join("target/tools/sam"));
    let version = TOOLS.split_whitespace().find(|word| word.starts_with("aws-sam-cli=="));
    let version = version.ok_or("infra/tools names no aws-sam-cli")?;
    let installed = tokio::try_join!(install_into(&ministack, MINISTACK), install_into(&sam, version))?;
    let tools = Tools { ministack: ministack.join("bin/ministack"), sam: sam.join("bin/sam") };
    Ok(installed.0.and(installed.1).map(|()| tools))
}

async fn install_into(environment: &Path, package: &str) -> Result<std::result::Result<(), String>> {
    std::fs::create_dir_all(environment)?;
    let log = environment.with_extension("pip.log");
    let environment = environment.display().to_string();
    if !finishes(&["python3", "-m", "venv", &environment], &log).await? {
        return Ok(Err("there is no python3 with venv and pip here".to_owned()));
    }
    let pip = format!("{environment}/bin/pip");
    if finishes(&[&pip, "install", "--quiet", "--disable-pip-version-check", package], &log).await? {
        return Ok(Ok(()));
    }
    let said = std::fs::read_to_string(&log)?;
    match UNREACHABLE.iter().any(|word| said.contains(word)) {
        true => Ok(Err(format!("pip reaches no package index for {package}"))),
        false => Err(format!("{package} cannot be installed:\n{said}").into()),
    }
}

/// A program that is not there has not finished well either.
async fn finishes(command: &[&str], log: &Path) -> Result<bool> {
    let log = File::create(log)?;
    let mut command = program(command);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.status()).await {
        Ok(Ok(status)) => Ok(status.success()),
        Ok(Err(_)) => Ok(false),
        Err(_) => Err(format!("{:?} took longer than {PATIENCE:?}", command.as_std()).into()),
    }
}

fn program(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().unwrap_or((&"true", &[]));
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
