//! The simulator checklist of hubspot.md §11, item by item: each test is called after its item.
//!
//! | item | what | where |
//! | --- | --- | --- |
//! | 1 | the body, the headers and both signatures of an execution, and what can be left out | `executions` |
//! | 2 | patience, retries with the same callback id, `Retry-After`, three days | `deliveries`, `patience` |
//! | 3 | the same execution twice, at once too | `deliveries` |
//! | 4 | execution rules, in order | `rules` |
//! | 5 | blocks, their end and their completion | `blocks` |
//! | 6 | drop-downs | `options` |
//! | 7 | codes, tokens, introspection, revoking, uninstalling | `install`, `oauth`, `proof` |
//! | 8 | records, associations, batches, limits | `crm`, `associations`, `limits`, `quotes`, `locked` |
//! | 9 | payments and what they do to a quote | `payments` |

mod associations;
mod blocks;
mod crm;
mod deliveries;
mod executions;
mod install;
mod limits;
mod locked;
mod oauth;
mod options;
mod patience;
mod payments;
mod proof;
mod quotes;
mod rules;

use super::*;

impl Fixture {
    async fn seeded(&self, seed: Value) {
        assert_eq!(self.post("/_sim/seed", &seed).await, (204, Value::Null));
    }

    async fn switch(&self, switches: Value) {
        self.seeded(json!({ "switches": switches })).await;
    }

    async fn advance(&self, seconds: i64) {
        self.post("/_sim/clock", &json!({ "advance_seconds": seconds })).await;
    }

    /// An action at the invoice's place that does this with every request.
    async fn serve_invoice(&self, action: axum::routing::MethodRouter) -> Serving {
        let serving = serve(Router::new().route("/actions/invoice", action), 0).await.unwrap();
        self.hubspot.set_action_base_url(serving.url.clone());
        serving
    }
}

fn unavailable() -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

fn read(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}
