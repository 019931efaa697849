//! Lambda on one machine: the real binaries as processes, several instances per function, the Runtime API in between.
//!
//! As on AWS an instance serves one invocation at a time, an idle one is used before a new one is started, an invocation that
//! takes too long is ended with SIGKILL, and an instance that dies is gone. Unlike on AWS idle instances are neither frozen
//! nor recycled.

mod environment;
mod instance;
mod runtime_api;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use jiff::Timestamp;
use simulators::control::Clock;
use tokio::sync::Semaphore;
use uuid::Uuid;

use self::instance::{Instance, Interrupted};
use self::runtime_api::Invocation;
pub(crate) use self::runtime_api::trace_root;

/// What a pool needs to know of its function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name, in its environment and its log.
    pub name: String,
    /// The program to start.
    pub program: PathBuf,
    /// After this long an invocation is killed.
    pub timeout: Duration,
    /// Its memory in MiB: told to the function, not enforced.
    pub memory_mb: u64,
    /// The most invocations at once.
    pub concurrency: usize,
    /// Its environment variables, beside those of Lambda itself.
    pub variables: Vec<(String, String)>,
    /// The file that takes what its instances print.
    pub log: PathBuf,
    /// The clock that deadlines are set by. Moving it past one kills the invocation.
    pub clock: Clock,
}

/// A function and its instances.
#[derive(Debug)]
pub struct Pool {
    function: Arc<Function>,
    running: Semaphore,
    instances: Mutex<Vec<Arc<Instance>>>,
    cold_starts: AtomicUsize,
    last: Mutex<Option<Span>>,
    closed: AtomicBool,
}

/// When an invocation ran: from the moment the function was handed the event to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The event was handed over.
    pub began: Instant,
    /// The answer was there.
    pub ended: Instant,
}

/// An instance that has come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColdStart {
    /// The id of its process.
    pub pid: u32,
    /// From the start of the process to its first request for work.
    pub took: Duration,
}

/// Why an invocation has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// As many invocations as allowed are running: Lambda's 429.
    #[error("throttled: every allowed instance is busy")]
    Throttled,
    /// The instance could not be started, or failed before it asked for work.
    #[error("the function did not start: {0}")]
    Init(String),
    /// The function answered with an error: the JSON it sent.
    #[error("the function failed: {0}")]
    Function(String),
    /// The invocation took too long, and its instance was killed.
    #[error("the function took longer than {0:?} and was killed")]
    TimedOut(Duration),
    /// The process ended during the invocation.
    #[error("the function's process ended: {0}")]
    Died(String),
}

impl Function {
    /// When an invocation that begins now is killed.
    fn deadline(&self) -> Timestamp {
        let now = self.clock.now();
        now.checked_add(self.timeout).unwrap_or(now)
    }
}

impl Pool {
    /// A pool without instances yet.
    pub fn new(function: Function) -> Self {
        Self {
            running: Semaphore::new(function.concurrency),
            function: Arc::new(function),
            instances: Mutex::default(),
            cold_starts: AtomicUsize::new(0),
            last: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// Runs one invocation with this event, on an idle instance or a new one.
    ///
    /// # Errors
    /// Every case of [`Failure`].
    pub async fn invoke(&self, event: Bytes) -> Result<Bytes, Failure> {
        let Ok(_permit) = self.running.try_acquire() else { return Err(Failure::Throttled) };
        let request_id = Uuid::new_v4().to_string();
        loop {
            let instance = match self.take_idle() {
                Some(instance) => instance,
                None => self.start().await?,
            };
            let (invocation, reply) = Invocation::new(&self.function, &request_id, event.clone());
            match instance.invoke(invocation, reply, &self.function).await {
                Ok(served) => {
                    instance.release();
                    *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(served.span);
                    return served.outcome;
                }
                // It died while idle: nobody has seen the event, so another instance may have it.
                Err(Interrupted::Unseen) => {}
                Err(Interrupted::Failed(failure)) => return Err(failure),
            }
        }
    }

    /// Starts an instance that waits for work, if there is none.
    ///
    /// # Errors
    /// [`Failure::Init`].
    pub async fn warm(&self) -> Result<(), Failure> {
        if self.instances() == 0 {
            self.start().await?.release();
        }
        Ok(())
    }

    /// Starts one more instance, which then waits for work.
    ///
    /// # Errors
    /// [`Failure::Init`].
    pub async fn cold_start(&self) -> Result<ColdStart, Failure> {
        let instance = self.start().await?;
        instance.release();
        Ok(instance.cold_start())
    }

    /// When the invocation ran that was answered last.
    pub fn last_invocation(&self) -> Option<Span> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills every instance, starting, idle or busy, with SIGKILL, and waits until they are gone; how many there were.
    pub async fn kill_all(&self) -> usize {
        let instances = std::mem::take(&mut *self.lock());
        for instance in &instances {
            instance.kill();
        }
        for instance in &instances {
            instance.gone().await;
        }
        instances.len()
    }

    /// How many instances were started so far.
    pub fn cold_starts(&self) -> usize {
        self.cold_starts.load(Ordering::Relaxed)
    }

    /// How many instances are alive.
    pub fn instances(&self) -> usize {
        self.lock().iter().filter(|instance| instance.alive()).count()
    }

    /// The file that takes what the instances print.
    pub fn log(&self) -> &std::path::Path {
        &self.function.log
    }

    /// Kills every instance and starts no more. For the end of a stack, where nobody can wait.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for instance in self.lock().drain(..) {
            instance.kill();
        }
    }

    /// The idle instance that was used last, as Lambda prefers it too.
    fn take_idle(&self) -> Option<Arc<Instance>> {
        let mut instances = self.lock();
        instances.retain(|instance| instance.alive());
        instances.iter().rev().find(|instance| instance.occupy()).cloned()
    }

    async fn start(&self) -> Result<Arc<Instance>, Failure> {
        self.cold_starts.fetch_add(1, Ordering::Relaxed);
        let (instance, phase) = Instance::start(&self.function).await?;
        let instance = Arc::new(instance);
        {
            let mut instances = self.lock();
            // Looked at under the lock that `close` drains the instances under: none slips through.
            if self.closed.load(Ordering::SeqCst) {
                return Err(Failure::Init("the stack has stopped".to_owned()));
            }
            instances.push(instance.clone());
        }
        let ready = instance.ready(phase, &self.function).await;
        if ready.is_err() {
            instance.kill();
        }
        ready.map(|()| instance)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Instance>>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::SignedDuration;
    use serde_json::{Value, json};

    use super::*;

    /// A pool of `examples/echo.rs`, which cargo builds before it runs these tests.
    pub(crate) fn echo(change: impl FnOnce(&mut Function)) -> Pool {
        let test = std::env::current_exe().unwrap();
        let program = test.ancestors().nth(2).unwrap().join("examples/echo");
        assert!(program.is_file(), "build it first: cargo build -p local --example echo");
        let log = crate::paths::new_log_folder().unwrap().join("echo.log");
        let mut function = Function {
            name: "Echo".to_owned(),
            program,
            timeout: Duration::from_secs(60),
            memory_mb: 256,
            concurrency: 64,
            variables: Vec::new(),
            log,
            clock: Clock::default(),
        };
        change(&mut function);
        Pool::new(function)
    }

    /// An event that has the echo function do something.
    pub(crate) fn event(todo: Value) -> Bytes {
        let http = json!({"method": "POST", "path": "/echo", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""});
        let event = json!({
            "version": "2.0", "routeKey": "POST /echo", "rawPath": "/echo", "rawQueryString": "", "headers": {},
            "requestContext": {"http": http, "stage": "$default", "timeEpoch": 0}, "body": todo.to_string(),
            "isBase64Encoded": false,
        });
        event.to_string().into()
    }

    /// What the echo function reported of itself.
    fn report(answer: Result<Bytes, Failure>) -> Value {
        let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
        serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn invocations_one_after_the_other_share_an_instance() {
        let pool = echo(|_| {});
        let first = report(pool.invoke(event(json!({}))).await);
        let second = report(pool.invoke(event(json!({}))).await);
        assert_eq!(first["pid"], second["pid"]);
        assert_ne!(first["request_id"], second["request_id"]);
        assert_eq!((pool.cold_starts(), pool.instances()), (1, 1));
    }

    #[tokio::test]
    async fn an_instance_that_was_started_ahead_serves_the_next_invocation() {
        let pool = echo(|_| {});
        let started = pool.cold_start().await.unwrap();
        assert_eq!(pool.last_invocation(), None);
        let seen = report(pool.invoke(event(json!({"sleep_ms": 50}))).await);
        assert_eq!(seen["pid"], started.pid);
        let span = pool.last_invocation().unwrap();
        assert!(span.ended - span.began >= Duration::from_millis(50), "{span:?}");
    }

    #[tokio::test]
    async fn invocations_at_the_same_time_have_an_instance_each() {
        let pool = echo(|_| {});
        let sleepy = || pool.invoke(event(json!({"sleep_ms": 1_000})));
        let (a, b, c) = tokio::join!(sleepy(), sleepy(), sleepy());
        let pids: std::collections::HashSet<_> =
            [a, b, c].map(|answer| report(answer)["pid"].to_string()).into();
        assert_eq!((pids.len(), pool.cold_starts(), pool.instances()), (3, 3, 3));
    }

    #[tokio::test]
    async fn beyond_the_limit_an_invocation_is_throttled() {
        let pool = echo(|function| function.concurrency = 1);
        let sleepy = || pool.invoke(event(json!({"sleep_ms": 300})));
        let (first, second) = tokio::join!(sleepy(), sleepy());
        assert!(first.is_ok());
        assert_eq!(second, Err(Failure::Throttled));
    }

    #[tokio::test]
    async fn a_slow_invocation_is_killed_at_the_time_limit() {
        let pool = echo(|function| function.timeout = Duration::from_millis(300));
        // The limit runs from the moment the function has the event, so start-up does not count.
        report(pool.invoke(event(json!({}))).await);
        let start = Instant::now();
        let answer = pool.invoke(event(json!({"sleep_ms": 60_000}))).await;
        assert_eq!(answer, Err(Failure::TimedOut(Duration::from_millis(300))));
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(pool.instances(), 0);
        report(pool.invoke(event(json!({}))).await);
        assert_eq!(pool.cold_starts(), 2);
    }

    #[tokio::test]
    async fn a_deadline_is_of_the_clock_that_can_be_moved() {
        let pool = Arc::new(echo(|_| {}));
        let clock = pool.function.clock.clone();
        let day = SignedDuration::from_hours(24);
        clock.advance(day);
        let seen = report(pool.invoke(event(json!({}))).await);
        let remaining = SignedDuration::from_millis(seen["remaining_ms"].as_i64().unwrap());
        assert!(remaining > day, "the function goes by its own clock: {seen}");
        let running = tokio::spawn({
            let pool = pool.clone();
            async move { pool.invoke(event(json!({"sleep_ms": 60_000}))).await }
        });
        while pool.take_idle().map(|idle| idle.release()).is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        clock.advance(SignedDuration::from_secs(60));
        assert_eq!(running.await.unwrap(), Err(Failure::TimedOut(Duration::from_secs(60))));
    }

    #[tokio::test]
    async fn a_crash_ends_the_invocation_and_the_instance() {
        let pool = echo(|_| {});
        let answer = pool.invoke(event(json!({"crash": true}))).await;
        assert!(matches!(answer, Err(Failure::Died(_))), "{answer:?}");
        assert_eq!(pool.instances(), 0);
        report(pool.invoke(event(json!({}))).await);
        assert_eq!(pool.cold_starts(), 2);
    }

    #[tokio::test]
    async fn killing_ends_a_running_invocation_and_the_next_one_starts_afresh() {
        let pool = Arc::new(echo(|_| {}));
        report(pool.invoke(event(json!({}))).await);
        let running = tokio::spawn({
            let pool = pool.clone();
            async move { pool.invoke(event(json!({"sleep_ms": 60_000}))).await }
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(pool.kill_all().await, 1);
        assert!(matches!(running.await.unwrap(), Err(Failure::Died(_))));
        report(pool.invoke(event(json!({}))).await);
        assert_eq!(pool.cold_starts(), 2);
    }

    #[tokio::test]
    async fn an_error_or_a_panic_of_the_function_is_its_failure_and_the_instance_lives() {
        let pool = echo(|_| {});
        for todo in [json!({"fail": true}), json!({"panic": true})] {
            let answer = pool.invoke(event(todo)).await;
            let Err(Failure::Function(body)) = answer else { panic!("{answer:?}") };
            let body: Value = serde_json::from_str(&body).unwrap();
            assert!(body["errorMessage"].as_str().unwrap().contains("as asked"), "{body}");
        }
        assert_eq!((pool.cold_starts(), pool.instances()), (1, 1));
    }

    #[tokio::test]
    async fn a_function_that_does_not_come_up_fails_the_invocation() {
        let pool = echo(|function| function.variables.push(("ECHO_INIT".to_owned(), "fail".to_owned())));
        let answer = pool.invoke(event(json!({}))).await;
        assert!(matches!(answer, Err(Failure::Init(_))), "{answer:?}");
        let log = std::fs::read_to_string(pool.log()).unwrap();
        assert!(log.contains("no init, as asked"), "{log}");
        let missing = echo(|function| function.program = "/nowhere".into());
        assert!(matches!(missing.invoke(event(json!({}))).await, Err(Failure::Init(_))));
    }

    #[tokio::test]
    async fn a_function_sees_what_lambda_tells_it_and_nothing_of_this_process() {
        let pool = echo(|function| function.variables.push(("TABLE_NAME".to_owned(), "records".to_owned())));
        let seen = report(pool.invoke(event(json!({}))).await);
        let variables = &seen["environment"];
        assert_eq!(variables["TABLE_NAME"], "records");
        assert_eq!(variables["AWS_LAMBDA_FUNCTION_NAME"], "Echo");
        assert_eq!(variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
        assert_eq!(variables["HOME"], Value::Null);
        assert_eq!(seen["arn"], "arn:aws:lambda:us-east-1:123456789012:function:Echo");
        assert!(seen["remaining_ms"].as_i64().unwrap() > 50_000, "{seen}");
        assert!(seen["trace_id"].as_str().unwrap().starts_with("Root=1-"), "{seen}");
    }
}
