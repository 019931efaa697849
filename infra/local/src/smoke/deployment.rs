//! The packaged template, and `sam deploy`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use local::functions::Programs;
use local::{aws, paths};
use tokio::process::Command;

use super::{Result, emulator, shown};

/// The name of the stack, as `infra/samconfig.toml` has it.
pub(super) const STACK: &str = "hsqbo-dev";
/// One deployment; it takes ten seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// A place to deploy to, and what to deploy.
pub(super) struct Deployment {
    /// The program `sam`.
    pub(super) sam: PathBuf,
    /// The folder with the packaged template.
    pub(super) package: PathBuf,
    /// Stands for the home of whoever deploys.
    pub(super) home: PathBuf,
    /// Takes what `sam` prints.
    pub(super) log: PathBuf,
    /// The emulated AWS.
    pub(super) url: String,
}

/// What the stack says of itself.
pub(super) struct Outputs {
    pub(super) api_url: String,
    pub(super) table_name: String,
    pub(super) app_secret_id: String,
}

/// Writes `template.yaml` and a folder per function with its program as `bootstrap`: what `sam build` leaves behind. The
/// template is the real one but for a line per function that says where its program is, and for what alarms watch.
pub(super) fn package(folder: &Path, programs: &Programs) -> Result<()> {
    let template = std::fs::read_to_string(paths::workspace().join("template.yaml"))?;
    let mut template = without_metric_math(&template);
    for (function, program) in programs {
        let place = format!("        Binary: {function}\n    Properties:\n");
        if template.matches(&place).count() != 1 {
            return Err(format!("template.yaml: where is {place:?}?").into());
        }
        template = template.replace(&place, &format!("{place}      CodeUri: {function}\n"));
        std::fs::create_dir(folder.join(function))?;
        std::fs::copy(program, folder.join(function).join("bootstrap"))?;
    }
    Ok(std::fs::write(folder.join("template.yaml"), template)?)
}

/// The emulator has no alarms over several metrics; here they watch one that nobody sends.
fn without_metric_math(template: &str) -> String {
    const ONE_METRIC: &str =
        "      Namespace: smoke\n      MetricName: none\n      Statistic: Sum\n      Period: 300\n";
    let (mut plain, mut lines) = (String::new(), template.lines().peekable());
    while let Some(line) = lines.next() {
        if line == "      Metrics:" {
            plain.push_str(ONE_METRIC);
            while lines.next_if(|line| line.starts_with("        ")).is_some() {}
        } else {
            plain.push_str(line);
            plain.push('\n');
        }
    }
    plain
}

impl Deployment {
    /// Creates or changes the stack.
    pub(super) async fn deploy(&self, parameters: &[(&str, String)]) -> Result<()> {
        let overrides: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut arguments =
            vec!["deploy", "--template-file", "template.yaml", "--stack-name", STACK, "--resolve-s3"];
        arguments.extend(["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"]);
        arguments.push("--parameter-overrides");
        arguments.extend(overrides.iter().map(String::as_str));
        self.sam(&arguments).await.map(drop)
    }

    /// What the stack says of itself.
    pub(super) async fn outputs(&self) -> Result<Outputs> {
        let text = self.sam(&["list", "stack-outputs", "--stack-name", STACK, "--output", "json"]).await?;
        let outputs: Vec<BTreeMap<String, String>> = serde_json::from_str(&text)?;
        let value = |key: &str| {
            let found = outputs.iter().find(|output| output.get("OutputKey").is_some_and(|name| name == key));
            let value = found.and_then(|output| output.get("OutputValue").cloned());
            value.ok_or_else(|| format!("the stack has no output {key}"))
        };
        Ok(Outputs {
            api_url: value("ApiUrl")?,
            table_name: value("TableName")?,
            app_secret_id: value("AppSecretId")?,
        })
    }

    /// Deletes the stack; what must outlive it stays.
    pub(super) async fn delete(&self) -> Result<()> {
        self.sam(&["delete", "--no-prompts", "--stack-name", STACK, "--region", aws::REGION]).await.map(drop)
    }

    /// What `sam` printed on stdout; all of it is in the log too.
    async fn sam(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.sam);
        command.args(arguments).current_dir(&self.package).stdin(Stdio::null()).kill_on_drop(true);
        command.env_clear().envs(emulator::environment(&self.home, &self.url));
        let running = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = running.map_err(|_| format!("sam {} took longer than {PATIENCE:?}", arguments[0]))?;
        let output = output.map_err(|error| format!("{}: {error}", shown(&self.sam)))?;
        let mut log = File::options().create(true).append(true).open(&self.log)?;
        log.write_all(&output.stdout)?;
        log.write_all(&output.stderr)?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(format!("sam {} failed: {}", arguments[0], output.status).into()),
        }
    }
}

impl Outputs {
    /// Where the emulator at this address serves the API that answers at `ApiUrl` on AWS.
    pub(super) fn local_api_url(&self, emulator: &str) -> Result<String> {
        let id = self.api_url.strip_prefix("https://").and_then(|rest| rest.split('.').next());
        let id = id.ok_or_else(|| format!("{} is no address of an API", self.api_url))?;
        Ok(format!("{emulator}/_aws/execute-api/{id}/$default"))
    }
}
