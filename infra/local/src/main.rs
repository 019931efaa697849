//! The product on one machine: `cargo run -p local -- demo` shows it at work, `serve` leaves it running, `measure` says how
//! large and how fast its functions are, `smoke` deploys it into an emulated AWS.

mod demo;
mod measure;
mod serving;
mod smoke;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::template::Template;
use local::{Options, Stack, grants, paths};

/// The whole product on one machine: HubSpot and QuickBooks stand-ins, the real Lambda functions between them.
#[derive(Parser)]
#[command(name = "local")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the functions, runs the demo scenarios, and shows what happened and the resulting books.
    Demo {
        /// Leave everything serving afterwards.
        #[arg(long)]
        keep: bool,
        /// The gateway's port; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Serves until stopped; target/local/stack.json says where.
    Serve {
        /// Nothing is installed and no company connected: a browser has to do it.
        #[arg(long)]
        bare: bool,
        /// The gateway's port; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Sizes, starts and times of the functions, beside a minimal one; run it with --release.
    Measure,
    /// Says what of the roles in template.yaml no function used in the runs that had RECORD_GRANTS=<folder> set.
    Roles {
        /// That folder.
        folder: PathBuf,
    },
    /// Deploys template.yaml into an emulated AWS and makes one invoice there; needs python3 with pip.
    Smoke,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Dropping the stack, also when interrupted, ends the functions.
    tokio::select! {
        result = run(arguments.command) => match result {
            Ok(code) => code,
            Err(error) => {
                report(error.as_ref());
                ExitCode::FAILURE
            }
        },
        () = serving::interrupted() => ExitCode::from(130),
    }
}

async fn run(command: Command) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let (port, demo, keep, bare) = match command {
        Command::Demo { keep, port } => (port, true, keep, false),
        Command::Serve { port, bare } => (port, false, true, bare),
        Command::Measure => return measure::run().await,
        Command::Roles { folder } => return roles(&folder),
        Command::Smoke => return smoke::run().await,
    };
    let progress = |step: &str| eprintln!("{step} …");
    let options = Options {
        port,
        warm: true,
        local_links: true,
        scheduled: keep,
        installed: !bare,
        progress,
        ..Options::default()
    };
    let stack = Stack::start(options).await?;
    let code = match demo {
        true => demo::run(&stack).await?,
        false => ExitCode::SUCCESS,
    };
    if keep {
        serving::serve(&stack).await?;
    }
    Ok(code)
}

/// Whether the roles grant what was used and nothing else.
fn roles(folder: &Path) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let template = Template::read(&paths::workspace().join("template.yaml"))?;
    let (granted, used) = (grants::granted(&template), grants::read(folder)?);
    let superfluous: Vec<_> = granted.difference(&used).collect();
    for grant in &superfluous {
        println!("allowed, and used by nothing: {grant}");
    }
    // The local stack refuses what is not granted, so this is a record of another template.
    let unknown: Vec<_> = used.difference(&granted).collect();
    for grant in &unknown {
        println!("recorded, and not in template.yaml: {grant}");
    }
    println!("{} grants of {} roles, {} used", granted.len(), template.functions.len(), used.len());
    Ok(match superfluous.is_empty() && unknown.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The error and its causes, each on a line.
fn report(error: &dyn Error) {
    eprintln!("\nerror: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
