//! What the app asks its users for, read from the project's `app-hsmeta.json` (hubspot.md §1.2, §5.1).

use serde::Deserialize;
use std::fs;
use std::io;
use std::path::Path;

/// The `auth` part of the app's configuration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Auth {
    pub(super) redirect_urls: Vec<String>,
    required_scopes: Vec<String>,
    #[serde(default)]
    conditionally_required_scopes: Vec<String>,
    #[serde(default)]
    optional_scopes: Vec<String>,
}

/// Reads the configuration of the app in the project at `project`.
pub(super) fn load(project: &Path) -> io::Result<Auth> {
    #[derive(Deserialize)]
    struct Component {
        config: Config,
    }
    #[derive(Deserialize)]
    struct Config {
        auth: Auth,
    }
    let path = project.join("src/app/app-hsmeta.json");
    let at = |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(&path).map_err(|error| at(&error))?;
    let component: Component = serde_json::from_str(&text).map_err(|error| at(&error))?;
    Ok(component.config.auth)
}

impl Auth {
    /// What stops an install that asks for these scopes: a required one that is left out, one the app does not have, one
    /// in the wrong list.
    pub(super) fn problem(&self, scopes: &[String], optional: &[String]) -> Option<String> {
        if let Some(missing) = self.required_scopes.iter().find(|scope| !scopes.contains(scope)) {
            return Some(format!("the app requires the scope {missing}, and it was not asked for"));
        }
        let is_required = |scope: &&String| {
            self.required_scopes.contains(scope) || self.conditionally_required_scopes.contains(scope)
        };
        if let Some(stray) = scopes.iter().find(|scope| !is_required(scope)) {
            return Some(format!("{stray} is no required scope of the app"));
        }
        let stray = optional.iter().find(|scope| !self.optional_scopes.contains(scope))?;
        Some(format!("{stray} is no optional scope of the app"))
    }
}
