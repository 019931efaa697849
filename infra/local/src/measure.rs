//! `cargo run -p local --release -- measure`: how large the functions are, how fast they start, and how much time of their
//! own an execution takes, beside `examples/hello.rs`, the least that `lambda_http` can be, in the same run.
//!
//! Absolute figures are those of this machine and this moment, so every figure is also given as a multiple of hello's, and
//! only ratios, the size of the zip and the functions' own time have a bar.
//!
//! - **What is built.** Each function by `cargo build --release -p <function>` alone, so that its features are those of the
//!   deployed one; hello as an example of this crate, of whose larger features link-time optimisation keeps what it uses.
//!   Without `--release` the same is done with debug builds, which is good for trying this program and for nothing else.
//! - **Size** is that of the program, **zip** what `sam` uploads: the program deflated at zlib's default level.
//! - **Start**: from just before the process is spawned until its first `GET …/invocation/next` has arrived. All functions
//!   take turns, so that whatever else the machine does hits all of them. **Memory** is the resident set at that moment, read
//!   from `/proc/<pid>/statm` (Linux only).
//!   A function that speaks TLS reads this machine's root certificates in that time, once per client it builds. Where they
//!   stand as a bundle and again as a directory of some hundred files, as on Debian, both are read; `SSL_CERT_FILE=<bundle>
//!   SSL_CERT_DIR=/nowhere` before the command leaves the bundle.
//! - **First**: an execution in a process that has done nothing but start, from the event's hand-over to the answer.
//!   Everything here is plain HTTP, so the TLS handshakes that are part of it on AWS are not in it.
//! - **Own time**: the same span, without the time in which at least one request of the function was with an upstream. Between
//!   function and upstreams (HubSpot, QuickBooks, DynamoDB, Secrets Manager) stands a proxy that takes the time from the first
//!   byte of a request to the last byte of its answer; what overlaps counts once. The way to the proxy and back, and the
//!   Runtime API's, count as the function's own, so the figures are a little too high, never too low.

mod report;
mod waited;
mod work;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use jiff::{SignedDuration, Timestamp};
use local::functions::{self, Programs};
use local::lambda::{Function, Pool};
use local::proxy::Proxies;
use local::template::Template;
use local::{Options, Profile, Stack, paths, world};
use mapping::quickbooks::RealmId;
use simulators::control::Clock;
use store::budget::Budget;

use self::report::Figures;

/// Processes started per function.
const STARTS: usize = 40;
/// Executions in a process that has only started, per function.
const FIRSTS: usize = 15;
/// Executions in a process that has done the same before, per function.
const WARM: usize = 200;
/// Of those, left out of the figures: caches fill, connections open.
const WARM_UP: usize = 10;

/// Before each execution the clock is moved on, so that the vendors' limits, and ours below them, are not in the way
/// (hubspot.md §8, quickbooks.md §6.1).
///
/// No more than that: HubSpot signs at the moved time, and a release build goes by the real one, five minutes off at most.
const RESPITE: SignedDuration = SignedDuration::from_millis(600);

const HELLO: &str = "hello";

/// Measures everything and prints it; a failure only if something could not be measured.
pub(crate) async fn run() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let profile = if cfg!(debug_assertions) { Profile::Dev } else { Profile::Release };
    let template = Template::read(&paths::workspace().join("template.yaml"))?;
    let names: Vec<_> = template.functions.iter().map(|function| function.binary.clone()).collect();
    eprintln!("Building hello and each function by itself …");
    let programs = tokio::task::spawn_blocking(move || build(profile, names)).await??;

    let proxies = Proxies::open().await?;
    let options =
        Options { programs: Some(programs.clone()), variables: proxies.variables(), ..Options::default() };
    let stack = Stack::start(options).await?;
    proxies.lead_to(&stack.info)?;
    let subjects: Vec<_> =
        programs.iter().map(|(name, program)| Subject::new(&stack, name, program)).collect();

    eprintln!("Starting each of them {STARTS} times …");
    let starts = starts(&subjects).await?;
    let mut figures = Vec::new();
    for (subject, (starts, memory_kib)) in subjects.iter().zip(starts) {
        eprintln!("Executing {} …", subject.name);
        let size = std::fs::read(&subject.program)?;
        figures.push(Figures {
            name: subject.name.clone(),
            bytes: size.len(),
            zip_bytes: zip_bytes(&subject.name, &size)?,
            starts,
            memory_kib,
            firsts: subject.firsts(&stack, &proxies).await?,
            warm: subject.warm(&stack, &proxies).await?,
        });
    }
    println!("{}", report::print(&figures, HELLO, profile));
    Ok(ExitCode::SUCCESS)
}

/// Something to measure, and its instances.
struct Subject {
    name: String,
    program: PathBuf,
    pool: Arc<Pool>,
}

/// How long an invocation took, and how much of that was the function's own time.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) total: Duration,
    pub(crate) own: Duration,
}

impl Subject {
    fn new(stack: &Stack, name: &str, program: &Path) -> Self {
        let pool =
            stack.function(name).cloned().unwrap_or_else(|| Arc::new(Pool::new(hello(stack, program))));
        Self { name: name.to_owned(), program: program.to_owned(), pool }
    }

    async fn firsts(
        &self,
        stack: &Stack,
        proxies: &Proxies,
    ) -> Result<Vec<Took>, Box<dyn Error + Send + Sync>> {
        let mut firsts = Vec::new();
        for _ in 0..FIRSTS {
            self.pool.kill_all().await;
            self.pool.cold_start().await?;
            firsts.push(self.invocation(stack, proxies).await?);
        }
        Ok(firsts)
    }

    async fn warm(
        &self,
        stack: &Stack,
        proxies: &Proxies,
    ) -> Result<Vec<Took>, Box<dyn Error + Send + Sync>> {
        // HubSpot and the function agree about the time again.
        stack.hubspot.control().clock().set(Timestamp::now());
        let mut all = Vec::new();
        for _execution in 0..WARM_UP + WARM {
            respite(stack).await?;
            all.push(self.invocation(stack, proxies).await?);
        }
        self.pool.kill_all().await;
        Ok(all.split_off(WARM_UP))
    }

    /// One invocation, from the event's hand-over to the answer.
    async fn invocation(
        &self,
        stack: &Stack,
        proxies: &Proxies,
    ) -> Result<Took, Box<dyn Error + Send + Sync>> {
        proxies.forget();
        work::once(stack, &self.name, &self.pool).await?;
        let span = self.pool.last_invocation().ok_or("the function was not invoked")?;
        let total = span.ended - span.began;
        Ok(Took { total, own: total - waited::covered(span, proxies.waits()) })
    }
}

fn build(profile: Profile, names: Vec<String>) -> Result<Programs, functions::Error> {
    let mut programs = Programs::new();
    for name in names {
        programs.insert(name.clone(), functions::build_alone(profile, &name)?);
    }
    programs.insert(HELLO.to_owned(), functions::build_example(profile, HELLO)?);
    Ok(programs)
}

/// Lets the simulators forget what they count, and fills the functions' own buckets: how long a call must wait for its turn is
/// not what is measured.
async fn respite(stack: &Stack) -> Result<(), Box<dyn Error + Send + Sync>> {
    stack.advance_clock(RESPITE);
    let realm = RealmId::try_from(world::REALM.to_owned())?;
    let hubspot = Budget::HubSpot(world::PORTAL);
    for budget in [hubspot, Budget::QuickBooks(realm.clone()), Budget::QuickBooksBatches(realm)] {
        let delete = stack.dynamodb.delete_item().table_name(&stack.info.table_name);
        let delete = delete.key("pk", AttributeValue::S(budget.partition()));
        delete.key("sk", AttributeValue::S("BUDGET".to_owned())).send().await?;
    }
    Ok(())
}

fn hello(stack: &Stack, program: &Path) -> Function {
    Function {
        name: HELLO.to_owned(),
        program: program.to_owned(),
        timeout: Duration::from_secs(60),
        memory_mb: 256,
        concurrency: 1,
        variables: Vec::new(),
        log: stack.logs.join("hello.log"),
        clock: Clock::default(),
    }
}

/// Per subject, each of its starts and the resident memory in KiB at that moment.
type Starts = (Vec<Duration>, Vec<u64>);

async fn starts(subjects: &[Subject]) -> Result<Vec<Starts>, Box<dyn Error + Send + Sync>> {
    let mut all: Vec<Starts> = subjects.iter().map(|_| Starts::default()).collect();
    for _ in 0..STARTS {
        for (subject, (starts, memory_kib)) in subjects.iter().zip(&mut all) {
            let started = subject.pool.cold_start().await?;
            starts.push(started.took);
            memory_kib.extend(resident_kib(started.pid));
            subject.pool.kill_all().await;
        }
    }
    Ok(all)
}

/// The resident set of a process, where there is a `/proc`; its pages are of 4 KiB on every machine Lambda has.
fn resident_kib(pid: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4)
}

/// A zip with this one program, named `bootstrap`: the deflated bytes, and what frames them.
fn zip_bytes(name: &str, program: &[u8]) -> std::io::Result<usize> {
    const FRAME: usize = 30 + 46 + 22 + 2 * "bootstrap".len();
    eprintln!("Compressing {name} …");
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(program)?;
    Ok(deflated.finish()?.len() + FRAME)
}
