//! A Secrets Manager endpoint: the operations the product uses, with their exact rules.
//!
//! The usual emulators are lax where token refreshes race: client request tokens, labels that move, compare-and-swap.
//! The rules are those of the API reference (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/>).
//! Versions without labels are kept, as AWS keeps them for a day at least. Lists come in one page.

mod vault;
mod version;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use self::vault::{Refusal, Vault};
use crate::task::{self, Task};

/// A running endpoint with its own, empty store of secrets; it stops when dropped.
#[derive(Debug)]
pub struct Secrets {
    /// The endpoint's URL.
    pub url: String,
    _server: Task,
}

impl Secrets {
    /// Starts an endpoint on a free loopback port.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start() -> std::io::Result<Self> {
        let (listener, address) = task::listen(0).await?;
        let vault = Arc::new(Mutex::new(Vault::default()));
        // Far above what a secret may hold, so that the rule about it is answered by the rule.
        let router = Router::new()
            .route("/", post(handle))
            .layer(DefaultBodyLimit::max(1024 * 1024))
            .with_state(vault);
        Ok(Self { url: format!("http://{address}"), _server: Task::serve(listener, router) })
    }
}

async fn handle(State(vault): State<Arc<Mutex<Vault>>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("secretsmanager.").unwrap_or_default();
    let mut vault = vault.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, answer) = match dispatch(&mut vault, operation, &body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err(refusal) => {
            (StatusCode::BAD_REQUEST, json!({"__type": refusal.kind, "Message": refusal.message}))
        }
    };
    let headers = [
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amzn-requestid", Uuid::new_v4().to_string()),
    ];
    (status, headers, answer.to_string()).into_response()
}

fn dispatch(vault: &mut Vault, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
    match operation {
        "CreateSecret" => vault.create(input(body)?),
        "PutSecretValue" => vault.put_value(input(body)?),
        "GetSecretValue" => vault.get_value(&input(body)?),
        "DescribeSecret" => vault.describe(&input(body)?),
        "ListSecretVersionIds" => vault.list_versions(&input(body)?),
        "UpdateSecretVersionStage" => vault.move_stage(&input(body)?),
        "DeleteSecret" => vault.delete(&input(body)?),
        other => Err(Refusal::new("UnknownOperationException", format!("“{other}” is not spoken here"))),
    }
}

fn input<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new("SerializationException", error.to_string()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::Client;
    use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

    use super::*;
    use crate::aws;

    const A: &str = "aaaaaaaa-0000-0000-0000-000000000001";
    const B: &str = "bbbbbbbb-0000-0000-0000-000000000002";
    const C: &str = "cccccccc-0000-0000-0000-000000000003";

    struct Running {
        client: Client,
        _secrets: Secrets,
    }

    /// An endpoint with the secret `s`, whose version A holds "one".
    async fn start() -> Running {
        let secrets = Secrets::start().await.unwrap();
        let client = aws::secrets_manager(&secrets.url);
        client.create_secret().name("s").client_request_token(A).secret_string("one").send().await.unwrap();
        Running { client, _secrets: secrets }
    }

    fn code<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> String {
        answer.err().and_then(|error| error.code().map(str::to_owned)).unwrap_or_else(|| "none".to_owned())
    }

    impl Running {
        async fn put(&self, token: &str, value: &str, stages: &[&str]) -> String {
            let put = self
                .client
                .put_secret_value()
                .secret_id("s")
                .client_request_token(token)
                .secret_string(value);
            let stages =
                (!stages.is_empty()).then(|| stages.iter().map(|stage| (*stage).to_owned()).collect());
            code(put.set_version_stages(stages).send().await)
        }

        async fn shift(&self, stage: &str, from: Option<&str>, to: Option<&str>) -> String {
            let update = self.client.update_secret_version_stage().secret_id("s").version_stage(stage);
            let update = update.set_remove_from_version_id(from.map(str::to_owned));
            code(update.set_move_to_version_id(to.map(str::to_owned)).send().await)
        }

        async fn value(&self, id: Option<&str>, stage: Option<&str>) -> Result<String, String> {
            let get = self.client.get_secret_value().secret_id("s").set_version_id(id.map(str::to_owned));
            match get.set_version_stage(stage.map(str::to_owned)).send().await {
                Ok(answer) => Ok(answer.secret_string.unwrap()),
                Err(error) => Err(error.code().unwrap().to_owned()),
            }
        }

        /// Every version and its labels, `A:AWSCURRENT` for short.
        async fn labels(&self) -> Vec<String> {
            let list = self.client.list_secret_version_ids().secret_id("s").include_deprecated(true);
            let mut labels = Vec::new();
            for version in list.send().await.unwrap().versions() {
                let id = version.version_id().unwrap()[..1].to_uppercase();
                labels.push(format!("{id}:{}", version.version_stages().join("+")));
            }
            labels
        }
    }

    #[tokio::test]
    async fn creating_again_is_a_replay_with_the_same_token_and_value_only() {
        let stack = start().await;
        let create = |token: &str, value: &str| {
            stack.client.create_secret().name("s").client_request_token(token).secret_string(value).send()
        };
        assert_eq!(create(A, "one").await.unwrap().version_id().unwrap(), A);
        assert_eq!(code(create(A, "two").await), "ResourceExistsException");
        assert_eq!(code(create(B, "one").await), "ResourceExistsException");
        assert_eq!(stack.labels().await, ["A:AWSCURRENT"]);
    }

    #[tokio::test]
    async fn putting_a_value_moves_current_and_previous() {
        let stack = start().await;
        assert_eq!(stack.put(B, "two", &[]).await, "none");
        assert_eq!(stack.labels().await, ["A:AWSPREVIOUS", "B:AWSCURRENT"]);
        assert_eq!(stack.put(C, "three", &[]).await, "none");
        assert_eq!(stack.labels().await, ["A:", "B:AWSPREVIOUS", "C:AWSCURRENT"]);
        assert_eq!(stack.value(None, None).await.unwrap(), "three");
        assert_eq!(stack.value(None, Some("AWSPREVIOUS")).await.unwrap(), "two");
    }

    #[tokio::test]
    async fn a_repeated_put_is_ignored_and_a_different_one_refused() {
        let stack = start().await;
        stack.put(B, "two", &["AWSPENDING"]).await;
        assert_eq!(stack.put(B, "two", &["AWSCURRENT"]).await, "none");
        assert_eq!(stack.put(B, "other", &["AWSPENDING"]).await, "ResourceExistsException");
        assert_eq!(stack.labels().await, ["A:AWSCURRENT", "B:AWSPENDING"]);
        assert_eq!(stack.value(Some(B), None).await.unwrap(), "two");
    }

    #[tokio::test]
    async fn pending_moves_between_versions_and_current_stays() {
        let stack = start().await;
        stack.put(B, "two", &["AWSPENDING"]).await;
        stack.put(C, "three", &["AWSPENDING"]).await;
        assert_eq!(stack.labels().await, ["A:AWSCURRENT", "B:", "C:AWSPENDING"]);
        assert_eq!(stack.value(None, None).await.unwrap(), "one");
    }

    #[tokio::test]
    async fn a_version_without_labels_is_readable_by_its_id() {
        let stack = start().await;
        stack.put(B, "two", &["AWSPENDING"]).await;
        stack.put(C, "three", &["AWSPENDING"]).await;
        assert_eq!(stack.value(Some(B), None).await.unwrap(), "two");
        let list = stack.client.list_secret_version_ids().secret_id("s").send().await.unwrap();
        assert_eq!(list.versions().len(), 2, "without the deprecated one");
    }

    #[tokio::test]
    async fn moving_current_is_a_compare_and_swap() {
        let stack = start().await;
        stack.put(B, "two", &["AWSPENDING"]).await;
        assert_eq!(stack.shift("AWSCURRENT", None, Some(B)).await, "InvalidParameterException");
        assert_eq!(stack.shift("AWSCURRENT", Some(B), Some(B)).await, "InvalidParameterException");
        assert_eq!(stack.shift("AWSCURRENT", Some(C), Some(B)).await, "InvalidParameterException");
        assert_eq!(stack.labels().await, ["A:AWSCURRENT", "B:AWSPENDING"]);
        assert_eq!(stack.shift("AWSCURRENT", Some(A), Some(B)).await, "none");
        assert_eq!(stack.labels().await, ["A:AWSPREVIOUS", "B:AWSCURRENT+AWSPENDING"]);
        assert_eq!(stack.value(None, None).await.unwrap(), "two");
        assert_eq!(
            stack.shift("AWSCURRENT", Some(A), Some(B)).await,
            "InvalidParameterException",
            "the loser of a race"
        );
    }

    #[tokio::test]
    async fn of_many_at_once_one_swap_wins() {
        let stack = start().await;
        stack.put(B, "two", &["AWSPENDING"]).await;
        stack.put(C, "three", &["OTHER"]).await;
        let swaps = (0..16).map(|n| stack.shift("AWSCURRENT", Some(A), Some(if n % 2 == 0 { B } else { C })));
        let won = futures::future::join_all(swaps).await.into_iter().filter(|code| code == "none").count();
        assert_eq!(won, 1);
    }

    #[tokio::test]
    async fn labels_can_be_removed_but_current_cannot() {
        let stack = start().await;
        stack.put(B, "two", &["AWSPENDING"]).await;
        assert_eq!(stack.shift("AWSPENDING", Some(B), None).await, "none");
        assert_eq!(stack.labels().await, ["A:AWSCURRENT", "B:"]);
        assert_eq!(stack.shift("AWSCURRENT", Some(A), None).await, "InvalidParameterException");
        assert_eq!(
            stack.shift("AWSPENDING", None, Some(B)).await,
            "none",
            "held by nobody: no need to name a holder"
        );
        assert_eq!(stack.shift("AWSPENDING", None, Some(C)).await, "ResourceNotFoundException");
    }

    #[tokio::test]
    async fn going_back_swaps_current_and_previous() {
        let stack = start().await;
        stack.put(B, "two", &[]).await;
        assert_eq!(stack.shift("AWSCURRENT", Some(B), Some(A)).await, "none");
        assert_eq!(stack.labels().await, ["A:AWSCURRENT", "B:AWSPREVIOUS"]);
    }

    #[tokio::test]
    async fn what_does_not_exist_is_not_found() {
        let stack = start().await;
        let get = stack.client.get_secret_value();
        assert_eq!(code(get.secret_id("nobody").send().await), "ResourceNotFoundException");
        assert_eq!(stack.value(Some(C), None).await.unwrap_err(), "ResourceNotFoundException");
        assert_eq!(stack.value(None, Some("AWSPENDING")).await.unwrap_err(), "ResourceNotFoundException");
        assert_eq!(stack.value(Some(A), Some("AWSPENDING")).await.unwrap_err(), "InvalidRequestException");
    }

    #[tokio::test]
    async fn a_secret_holds_64_kib_and_no_byte_more() {
        let stack = start().await;
        assert_eq!(stack.put(B, &"x".repeat(65_536), &[]).await, "none");
        assert_eq!(stack.put(C, &"x".repeat(65_537), &[]).await, "ValidationException");
    }

    #[tokio::test]
    async fn a_secret_answers_to_its_arn_and_describes_its_versions() {
        let stack = start().await;
        let described = stack.client.describe_secret().secret_id("s").send().await.unwrap();
        let arn = described.arn().unwrap();
        assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:123456789012:secret:s-"), "{arn}");
        assert_eq!(described.version_ids_to_stages().unwrap()[A], ["AWSCURRENT"]);
        let partial = arn.rsplit_once('-').unwrap().0;
        for id in [arn, partial] {
            let value = stack.client.get_secret_value().secret_id(id).send().await.unwrap();
            assert_eq!((value.name(), value.secret_string()), (Some("s"), Some("one")), "{id}");
        }
    }

    #[tokio::test]
    async fn a_deleted_secret_refuses_everything_and_a_forced_one_is_gone() {
        let stack = start().await;
        let delete = || stack.client.delete_secret().secret_id("s");
        let both = delete().force_delete_without_recovery(true).recovery_window_in_days(7);
        assert_eq!(code(both.send().await), "InvalidParameterException");
        assert_eq!(code(delete().recovery_window_in_days(7).send().await), "none");
        assert_eq!(stack.value(None, None).await.unwrap_err(), "InvalidRequestException");
        assert_eq!(stack.put(B, "two", &[]).await, "InvalidRequestException");
        assert_eq!(
            code(stack.client.create_secret().name("s").secret_string("x").send().await),
            "InvalidRequestException"
        );
        assert_eq!(code(delete().force_delete_without_recovery(true).send().await), "none");
        assert_eq!(stack.value(None, None).await.unwrap_err(), "ResourceNotFoundException");
        assert_eq!(
            code(delete().force_delete_without_recovery(true).send().await),
            "none",
            "forcing is idempotent"
        );
        assert_eq!(code(stack.client.create_secret().name("s").secret_string("x").send().await), "none");
    }

    #[tokio::test]
    async fn bytes_are_kept_as_bytes() {
        let stack = start().await;
        let blob = aws_sdk_secretsmanager::primitives::Blob::new([0, 159, 146]);
        let put = stack.client.put_secret_value().secret_id("s").secret_binary(blob.clone());
        put.clone().send().await.unwrap();
        let value = stack.client.get_secret_value().secret_id("s").send().await.unwrap();
        assert_eq!((value.secret_binary(), value.secret_string()), (Some(&blob), None));
        assert_eq!(code(put.secret_string("both").send().await), "InvalidParameterException");
    }
}
