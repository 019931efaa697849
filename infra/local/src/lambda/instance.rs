//! One instance of a function: a process, and its own Runtime API on its own port.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, watch};

use super::environment;
use super::runtime_api::{self, Desk, Invocation, Outcome, Phase, Reply};
use super::{ColdStart, Failure, Function, Span};
use crate::task::{self, Task};

/// A running process and the way to it.
#[derive(Debug)]
pub(super) struct Instance {
    work: mpsc::Sender<Invocation>,
    busy: AtomicBool,
    kill: Arc<Notify>,
    killed: AtomicBool,
    /// How the process ended, once it has.
    ended: watch::Receiver<Option<String>>,
    log: File,
    pid: u32,
    started: Instant,
    /// From then to its first request for work, once that has come.
    took: OnceLock<Duration>,
    _runtime_api: Task,
}

/// An invocation that came to an outcome.
pub(super) struct Served {
    pub(super) outcome: Outcome,
    pub(super) span: Span,
}

/// An invocation without an outcome.
pub(super) enum Interrupted {
    /// The instance was gone before the function saw the event.
    Unseen,
    /// The function saw the event, and then this happened.
    Failed(Failure),
}

impl Instance {
    /// Starts a process. It counts as busy: whoever started it has work for it once it is [`ready`](Self::ready).
    pub(super) async fn start(function: &Function) -> Result<(Self, watch::Receiver<Phase>), Failure> {
        let failed =
            |error: std::io::Error| Failure::Init(format!("{}: {error}", function.program.display()));
        let log = File::options().create(true).append(true).open(&function.log).map_err(failed)?;
        let (listener, address) = task::listen(0).await.map_err(failed)?;
        let (work, inbox) = mpsc::channel(1);
        let (desk, phase) = Desk::new(inbox);
        let runtime_api = Task::serve(listener, runtime_api::router(desk));
        let started = Instant::now();
        let child = Command::new(&function.program)
            .env_clear()
            .envs(environment::variables(function, address))
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log.try_clone().map_err(failed)?)
            // Its own group: Ctrl-C in the terminal is for the stack, which then ends its functions.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let pid = child.id().unwrap_or_default();
        let kill = Arc::new(Notify::new());
        let instance = Self {
            work,
            busy: AtomicBool::new(true),
            ended: watch_over(child, kill.clone()),
            kill,
            killed: AtomicBool::new(false),
            log,
            pid,
            started,
            took: OnceLock::new(),
            _runtime_api: runtime_api,
        };
        Ok((instance, phase))
    }

    /// Waits until the process asks for work.
    ///
    /// Lambda repeats an initialisation of more than 10 s inside the invocation, so what bounds it is the time-out.
    pub(super) async fn ready(
        &self,
        mut phase: watch::Receiver<Phase>,
        function: &Function,
    ) -> Result<(), Failure> {
        let patience = function.timeout.max(Duration::from_secs(10));
        let asked = async {
            match phase.wait_for(|phase| *phase != Phase::Starting).await.as_deref() {
                Ok(Phase::Ready) => Ok(()),
                Ok(Phase::Failed(reason)) => Err(Failure::Init(reason.clone())),
                Ok(Phase::Starting) | Err(_) => Err(Failure::Init("its Runtime API ended".to_owned())),
            }
        };
        let result = tokio::select! {
            biased;
            result = asked => result,
            how = self.end() => Err(Failure::Init(how)),
            () = tokio::time::sleep(patience) => Err(Failure::Init(format!("no request for work in {patience:?}"))),
        };
        self.took.get_or_init(|| self.started.elapsed());
        result
    }

    /// Runs one invocation to its end, or to the instance's.
    pub(super) async fn invoke(
        &self,
        invocation: Invocation,
        reply: Reply,
        function: &Function,
    ) -> Result<Served, Interrupted> {
        let Reply { seen, mut outcome } = reply;
        if self.work.send(invocation).await.is_err() {
            return Err(Interrupted::Unseen);
        }
        // In both choices what the function managed to say counts before how it ended.
        tokio::select! {
            biased;
            seen = seen => seen.map_err(|_| Interrupted::Unseen)?,
            _ = self.end() => return Err(Interrupted::Unseen),
        }
        let began = Instant::now();
        let deadline = function.deadline();
        let result = tokio::select! {
            biased;
            Ok(outcome) = &mut outcome => Ok(outcome),
            how = self.end() => Err(Failure::Died(how)),
            () = function.clock.sleep_until(deadline) => Err(Failure::TimedOut(function.timeout)),
        };
        let span = Span { began, ended: Instant::now() };
        self.note(&result, span.ended - span.began);
        if matches!(result, Err(Failure::TimedOut(_))) {
            self.kill();
        }
        result.map(|outcome| Served { outcome, span }).map_err(Interrupted::Failed)
    }

    /// How it came up.
    pub(super) fn cold_start(&self) -> ColdStart {
        ColdStart { pid: self.pid, took: self.took.get().copied().unwrap_or_default() }
    }

    /// Takes the instance for an invocation; false if it has one.
    pub(super) fn occupy(&self) -> bool {
        !self.busy.swap(true, Ordering::SeqCst)
    }

    /// Makes the instance idle again.
    pub(super) fn release(&self) {
        self.busy.store(false, Ordering::SeqCst);
    }

    /// Whether the process runs and nobody has asked for its end.
    pub(super) fn alive(&self) -> bool {
        !self.killed.load(Ordering::SeqCst) && self.ended.borrow().is_none()
    }

    /// Ends the process with SIGKILL, soon.
    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        self.kill.notify_one();
    }

    /// Waits until the process has ended.
    pub(super) async fn gone(&self) {
        self.end().await;
    }

    async fn end(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "nobody watches it any more".to_owned(),
        }
    }

    /// A line in the log as Lambda writes one, so that the function's own lines can be told apart.
    fn note(&self, result: &Result<Outcome, Failure>, took: Duration) {
        let ending = match result {
            Ok(Ok(_)) => "answered".to_owned(),
            Ok(Err(failure)) | Err(failure) => failure.to_string(),
        };
        let _ = writeln!(&self.log, "REPORT Duration: {} ms; {ending}", took.as_millis());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for a process to end, and ends it when told to. If the async runtime goes first, the process goes with it.
fn watch_over(mut child: Child, kill: Arc<Notify>) -> watch::Receiver<Option<String>> {
    let (ended, observed) = watch::channel(None);
    tokio::spawn(async move {
        let status = tokio::select! {
            status = child.wait() => status,
            () = kill.notified() => match child.start_kill() {
                Ok(()) => child.wait().await,
                Err(error) => Err(error),
            },
        };
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        ended.send_replace(Some(how));
    });
    observed
}
