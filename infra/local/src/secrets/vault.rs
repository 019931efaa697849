//! The secrets and the operations on them, from parsed input to the JSON of the answer.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::version::{Content, Version, Versions};
use crate::aws;

/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>)
const LARGEST_VALUE_BYTES: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Vault(BTreeMap<String, Secret>);

#[derive(Debug)]
struct Secret {
    name: String,
    arn: String,
    description: Option<String>,
    /// What it is encrypted with; none for AWS's own key.
    kms_key_id: Option<String>,
    tags: Value,
    created: Timestamp,
    changed: Timestamp,
    /// When it goes for good, once it is deleted.
    deletion: Option<Timestamp>,
    versions: Versions,
}

/// An error as the API names it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new("ResourceNotFoundException", format!("Secrets Manager can't find {what}."))
    }

    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    fn exists(message: impl Into<String>) -> Self {
        Self::new("ResourceExistsException", message)
    }

    fn request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestException", message)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    name: String,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Value,
    /// The SDK makes one up when the caller does not.
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutValue {
    secret_id: String,
    version_stages: Option<Vec<String>>,
    /// The SDK makes one up when the caller does not.
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListVersions {
    secret_id: String,
    #[serde(default)]
    include_deprecated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MoveStage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

impl Vault {
    pub(super) fn create(&mut self, input: Create) -> Result<Value, Refusal> {
        let token = token(input.client_request_token);
        let content = content(input.secret_string, input.secret_binary)?;
        if let Some(secret) = self.0.get(&input.name) {
            return secret.replay_creation(&token, content.as_ref());
        }
        let mut secret = Secret::new(input.name, input.description, input.kms_key_id);
        secret.tags = input.tags;
        if let Some(content) = content {
            secret.versions.add(&token, content, &[]);
        }
        let answer = secret.answer(json!({"VersionId": token}));
        self.0.insert(secret.name.clone(), secret);
        Ok(answer)
    }

    pub(super) fn put_value(&mut self, input: PutValue) -> Result<Value, Refusal> {
        let token = token(input.client_request_token);
        let Some(content) = content(input.secret_string, input.secret_binary)? else {
            return Err(Refusal::parameter("You must provide either SecretString or SecretBinary."));
        };
        let secret = self.live(&input.secret_id)?;
        match secret.versions.by_id(&token) {
            Some(version) if version.content == content => {}
            Some(_) => {
                return Err(Refusal::exists(format!(
                    "You can't use ClientRequestToken {token} because that value is already in use for a version of secret \
                     {}, and you can't modify an existing version.",
                    secret.arn
                )));
            }
            None => {
                let stages = input.version_stages.unwrap_or_else(|| vec!["AWSCURRENT".to_owned()]);
                secret.versions.add(&token, content, &stages);
                secret.changed = Timestamp::now();
            }
        }
        let stages = secret.versions.by_id(&token).map(|version| &version.stages);
        Ok(secret.answer(json!({"VersionId": token, "VersionStages": stages})))
    }

    pub(super) fn get_value(&mut self, input: &GetValue) -> Result<Value, Refusal> {
        let secret = self.live(&input.secret_id)?;
        let version = secret.version(input.version_id.as_deref(), input.version_stage.as_deref())?;
        let mut answer = secret.answer(json!({
            "VersionId": version.id, "VersionStages": version.stages, "CreatedDate": version.created.as_second(),
        }));
        version.content.write(&mut answer);
        Ok(answer)
    }

    pub(super) fn describe(&mut self, input: &Describe) -> Result<Value, Refusal> {
        // A secret marked for deletion can still be described: that is how its date is seen.
        let secret = self.find(&input.secret_id)?;
        let labelled = secret.versions.iter().filter(|version| !version.stages.is_empty());
        let versions: BTreeMap<_, _> = labelled.map(|version| (&version.id, &version.stages)).collect();
        let mut answer = secret.answer(json!({
            "CreatedDate": secret.created.as_second(), "LastChangedDate": secret.changed.as_second(),
            "VersionIdsToStages": versions, "Tags": secret.tags,
        }));
        if let Some(description) = &secret.description {
            answer["Description"] = json!(description);
        }
        if let Some(key) = &secret.kms_key_id {
            answer["KmsKeyId"] = json!(key);
        }
        if let Some(deletion) = secret.deletion {
            answer["DeletedDate"] = json!(deletion.as_second());
        }
        Ok(answer)
    }

    pub(super) fn list_versions(&mut self, input: &ListVersions) -> Result<Value, Refusal> {
        let secret = self.find(&input.secret_id)?;
        let listed =
            secret.versions.iter().filter(|version| input.include_deprecated || !version.stages.is_empty());
        let versions: Vec<_> = listed
            .map(|version| {
                json!({
                    "VersionId": version.id, "VersionStages": version.stages,
                    "CreatedDate": version.created.as_second(),
                })
            })
            .collect();
        Ok(secret.answer(json!({"Versions": versions})))
    }

    pub(super) fn move_stage(&mut self, input: &MoveStage) -> Result<Value, Refusal> {
        let secret = self.live(&input.secret_id)?;
        let (from, to) = (input.remove_from_version_id.as_deref(), input.move_to_version_id.as_deref());
        secret.versions.shift(&input.version_stage, from, to)?;
        secret.changed = Timestamp::now();
        Ok(secret.answer(json!({})))
    }

    pub(super) fn delete(&mut self, input: &Delete) -> Result<Value, Refusal> {
        let days = match (input.recovery_window_in_days, input.force_delete_without_recovery) {
            (Some(_), true) => {
                return Err(Refusal::parameter(
                    "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
                ));
            }
            (Some(days), _) if !(7..=30).contains(&days) => {
                return Err(Refusal::parameter(
                    "RecoveryWindowInDays must be between 7 and 30 days (inclusive).",
                ));
            }
            (days, _) => days.unwrap_or(30),
        };
        let date = Timestamp::now() + (days * 24).hours();
        if input.force_delete_without_recovery {
            let name = self.find(&input.secret_id).ok().map(|secret| secret.name.clone());
            let gone = name.and_then(|name| self.0.remove(&name));
            let gone = gone.unwrap_or_else(|| Secret::new(input.secret_id.clone(), None, None));
            return Ok(gone.answer(json!({"DeletionDate": Timestamp::now().as_second()})));
        }
        let secret = self.live(&input.secret_id)?;
        secret.deletion = Some(date);
        Ok(secret.answer(json!({"DeletionDate": date.as_second()})))
    }

    /// By name, by ARN, or by an ARN without its random end.
    fn find(&mut self, id: &str) -> Result<&mut Secret, Refusal> {
        let matches = |secret: &Secret| {
            secret.name == id
                || secret.arn == id
                || secret.arn.rsplit_once('-').is_some_and(|(partial, _)| partial == id)
        };
        self.0
            .values_mut()
            .find(|secret| matches(secret))
            .ok_or_else(|| Refusal::not_found("the specified secret"))
    }

    fn live(&mut self, id: &str) -> Result<&mut Secret, Refusal> {
        match self.find(id)? {
            secret if secret.deletion.is_none() => Ok(secret),
            _ => Err(Refusal::request(
                "You can't perform this operation on the secret because it was marked for deletion.",
            )),
        }
    }
}

impl Secret {
    fn new(name: String, description: Option<String>, kms_key_id: Option<String>) -> Self {
        let random = &Uuid::new_v4().simple().to_string()[..6];
        let arn = format!("arn:aws:secretsmanager:{}:{}:secret:{name}-{random}", aws::REGION, aws::ACCOUNT);
        let now = Timestamp::now();
        Self {
            name,
            arn,
            description,
            kms_key_id,
            tags: Value::Null,
            created: now,
            changed: now,
            deletion: None,
            versions: Versions::default(),
        }
    }

    /// What every answer starts with, and more.
    fn answer(&self, mut more: Value) -> Value {
        more["ARN"] = json!(self.arn);
        more["Name"] = json!(self.name);
        more
    }

    fn replay_creation(&self, token: &str, content: Option<&Content>) -> Result<Value, Refusal> {
        if self.deletion.is_some() {
            return Err(Refusal::request(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        match self.versions.by_id(token) {
            Some(version) if Some(&version.content) == content => {
                Ok(self.answer(json!({"VersionId": token})))
            }
            _ => Err(Refusal::exists(format!(
                "The operation failed because the secret {} already exists.",
                self.name
            ))),
        }
    }

    fn version(&self, id: Option<&str>, stage: Option<&str>) -> Result<&Version, Refusal> {
        let Some(id) = id else {
            let stage = stage.unwrap_or("AWSCURRENT");
            let found = self.versions.by_stage(stage);
            return found.ok_or_else(|| {
                Refusal::not_found(format!("the specified secret value for staging label: {stage}"))
            });
        };
        let found = self.versions.by_id(id);
        let version = found
            .ok_or_else(|| Refusal::not_found(format!("the specified secret value for VersionId: {id}")))?;
        match stage {
            Some(stage) if !version.stages.contains(stage) => Err(Refusal::request(
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )),
            _ => Ok(version),
        }
    }
}

fn token(given: Option<String>) -> String {
    given.unwrap_or_else(|| Uuid::new_v4().to_string())
}

fn content(text: Option<String>, bytes: Option<String>) -> Result<Option<Content>, Refusal> {
    match (text, bytes) {
        (Some(_), Some(_)) => Err(Refusal::parameter(
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )),
        (Some(text), None) if text.len() > LARGEST_VALUE_BYTES => Err(too_long("secretString")),
        // Base64 makes four characters of three bytes.
        (None, Some(base64)) if base64.trim_end_matches('=').len() * 3 / 4 > LARGEST_VALUE_BYTES => {
            Err(too_long("secretBinary"))
        }
        (Some(text), None) => Ok(Some(Content::Text(text))),
        (None, Some(base64)) => Ok(Some(Content::Bytes(base64))),
        (None, None) => Ok(None),
    }
}

fn too_long(member: &str) -> Refusal {
    Refusal::new(
        "ValidationException",
        format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less \
             than or equal to {LARGEST_VALUE_BYTES}"
        ),
    )
}
