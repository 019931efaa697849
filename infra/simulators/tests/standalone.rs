//! Each simulator as a process of its own, as somebody without the rest of this workspace starts it: the address it prints,
//! a seed, one call as the vendor has it, and its page.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

use std::env::temp_dir;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::{Value, json};

struct Simulator {
    process: Child,
    url: String,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // One that is gone already has been waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Simulator {
    /// Started far from the workspace's root.
    fn start(vendor: &str) -> Simulator {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simulators"));
        let mut process = command.arg(vendor).current_dir(temp_dir()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = said.next().expect("the first line is where it serves");
        let hints: Vec<_> = said.take(2).collect();
        assert!(hints[0].contains(&format!("{url}/ ")) && hints[1].contains("/_sim/seed"), "{hints:?}");
        Simulator { process, url }
    }

    async fn seed(&self, seed: Value) {
        let answer = Client::new().post(format!("{}/_sim/seed", self.url)).json(&seed).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn get(&self, path: &str) -> String {
        let request = Client::new().get(format!("{}{path}", self.url)).bearer_auth("t");
        let answer = request.header("accept", "application/json, text/html").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }
}

#[tokio::test]
async fn hubspot_alone_is_started_seeded_read_and_looked_at() {
    let hubspot = Simulator::start("hubspot");
    let deal = json!({"id": "8800000001", "properties": {"dealname": "Acme renewal"}});
    let token = json!({"token": "t", "portal_id": 1, "scopes": ["crm.objects.deals.read"]});
    let portal = json!({"portal_id": 1, "objects": {"deals": [deal]}});
    hubspot.seed(json!({"access_tokens": [token], "portals": [portal]})).await;
    let deal = hubspot.get("/crm/objects/2026-03/deals/8800000001?properties=dealname").await;
    assert!(deal.contains("Acme renewal"), "{deal}");
    let page = hubspot.get("/").await;
    assert!(page.contains("What HubSpot holds"), "{page}");
}

#[tokio::test]
async fn quickbooks_alone_is_started_seeded_read_and_looked_at() {
    let quickbooks = Simulator::start("quickbooks");
    let company =
        json!({"realm_id": "1", "access_tokens": ["t"], "customers": [{"DisplayName": "Northwind"}]});
    quickbooks.seed(json!({"companies": [company]})).await;
    let found = quickbooks.get("/v3/company/1/query?query=select%20*%20from%20Customer").await;
    assert!(found.contains("Northwind"), "{found}");
    let page = quickbooks.get("/").await;
    assert!(page.contains("What QuickBooks holds"), "{page}");
}
