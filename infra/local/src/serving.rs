//! Leaving a stack running, and saying where it is.

use std::path::PathBuf;

use local::{Stack, paths, world};
use tokio::signal::unix::{SignalKind, signal};

/// Writes `stack.json`, says how to use the stack, and waits for the interrupt that ends the caller.
pub(crate) async fn serve(stack: &Stack) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let file = StackFile::write(stack)?;
    let info = &stack.info;
    println!("\nServing until Ctrl-C");
    for (what, value) in [
        ("gateway", info.public_base_url.as_str()),
        ("HubSpot", info.hubspot_url.as_str()),
        ("QuickBooks", info.quickbooks_url.as_str()),
        ("DynamoDB", info.dynamodb_url.as_str()),
        ("Secrets Manager", info.secretsmanager_url.as_str()),
        ("all of it", &file.0.display().to_string()),
        ("logs", &stack.logs.display().to_string()),
    ] {
        println!("  {what:<16} {value}");
    }
    println!(
        "\nOpen this page, and sign in through the HubSpot simulator:\n  {}/console",
        info.public_base_url
    );
    println!("\nEnroll a deal, then look at the books:");
    println!(
        "  curl -s {}/_sim/executions -d '{{\"action\":\"invoice\",\"portal_id\":{},\"object_type\":\"DEAL\",\
         \"object_id\":{},\"inputs\":{{\"quickbooks_account\":\"default\",\"due_days\":\"30\"}}}}'",
        info.hubspot_url,
        info.portal_id,
        world::HARBOR,
    );
    println!("  curl -s {}/_sim/state", info.quickbooks_url);
    std::future::pending().await
}

/// Waits for Ctrl-C, or for the signal that other programs end this one with.
pub(crate) async fn interrupted() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without a handler the signal ends the process by itself.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// `stack.json` while the stack serves.
struct StackFile(PathBuf);

impl StackFile {
    /// Written beside and moved, so that nobody reads half of it.
    fn write(stack: &Stack) -> std::io::Result<Self> {
        let path = paths::stack_json();
        let draft = path.with_extension("json.new");
        std::fs::create_dir_all(paths::local())?;
        std::fs::write(&draft, serde_json::to_string_pretty(&stack.info)?)?;
        std::fs::rename(&draft, &path)?;
        Ok(Self(path))
    }
}

impl Drop for StackFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
