//! ministack as a process, with the functions' processes below it.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::{Result, shown};

/// How long it may take to come up; it usually takes half a second.
const STARTUP: Duration = Duration::from_secs(60);
/// How long it may take to end what it started.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// A running emulator; it ends with everything it started when dropped.
pub(super) struct Emulator {
    /// Where it answers, without a slash at the end.
    pub(super) url: String,
    process: Child,
    group: Option<u32>,
}

impl Emulator {
    /// Starts it on a free loopback port. What it writes stays in `folder`.
    pub(super) async fn start(program: &Path, folder: &Path, logs: &Path) -> Result<Self> {
        // Free now; whoever else takes it in between makes the start fail, not the test lie.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}");
        let log = File::create(logs.join("ministack.log"))?;
        let process = Command::new(program)
            .env_clear()
            .envs(environment(folder, &url))
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("IOT_MTLS_ENABLED", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Its own group, which the functions it starts are in too.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", shown(program)))?;
        let mut emulator = Self { url, group: process.id(), process };
        match tokio::time::timeout(STARTUP, emulator.up(port)).await {
            Ok(up) => up.map(|()| emulator),
            Err(_) => Err(format!("ministack did not come up in {STARTUP:?}").into()),
        }
    }

    async fn up(&mut self, port: u16) -> Result<()> {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("ministack ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Asks it to end, and sees to it.
    pub(super) async fn stop(mut self) {
        self.signal("TERM");
        let _ = tokio::time::timeout(SHUTDOWN, self.process.wait()).await;
    }

    /// The shell's own `kill`: the standard library has no signals, and not every machine has the program.
    fn signal(&self, signal: &str) {
        let Some(group) = self.group else { return };
        let _ = std::process::Command::new("sh")
            .args(["-c", "kill -s \"$0\" -- \"-$1\"", signal, &group.to_string()])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

/// What a program needs that believes to talk to AWS. Nothing else is inherited: a developer's own account is out of reach.
pub(super) fn environment(folder: &Path, url: &str) -> Vec<(String, String)> {
    let folder = folder.display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    [
        ("AWS_ACCESS_KEY_ID", local::aws::ACCESS_KEY),
        ("AWS_DEFAULT_REGION", local::aws::REGION),
        ("AWS_ENDPOINT_URL", url),
        ("AWS_SECRET_ACCESS_KEY", local::aws::SECRET_KEY),
        ("HOME", &folder),
        ("PATH", &path),
        ("SAM_CLI_TELEMETRY", "0"),
        ("TMPDIR", &folder),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
