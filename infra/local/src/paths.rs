//! Where things are in the checkout.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Logs of earlier runs are kept this long.
const KEEP_LOGS: Duration = Duration::from_hours(24);

/// The workspace's root: where `template.yaml` is.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// `target/local`, in whichever target folder this program was built: cargo marks it with a file.
pub fn local() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target.map_or_else(|| workspace().join("target"), Path::to_owned).join("local")
}

/// `target/smoke`: the tools, package and logs of the deployment smoke.
pub fn smoke() -> PathBuf {
    local().with_file_name("smoke")
}

/// Where a serving stack says where it is (contract §7).
pub fn stack_json() -> PathBuf {
    local().join("stack.json")
}

/// A new folder for the logs of one stack.
///
/// # Errors
/// When it cannot be created.
pub(crate) fn new_log_folder() -> std::io::Result<PathBuf> {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let logs = local().join("logs");
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    if run == 0 {
        forget_old(&logs);
    }
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%S");
    let folder = logs.join(format!("{time}-{}-{run}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Removes old logs, as far as that goes: another process may be at it too.
fn forget_old(logs: &Path) {
    let Some(horizon) = SystemTime::now().checked_sub(KEEP_LOGS) else { return };
    for entry in std::fs::read_dir(logs).into_iter().flatten().flatten() {
        if entry.metadata().and_then(|data| data.modified()).is_ok_and(|time| time < horizon) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
