//! How an execution is taken up, promised to HubSpot and called back about: the effects around those of its record.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use hubspot::callback::Completed;
use hubspot::workflow::{self, CallbackId};
use jiff::Timestamp;
use mapping::hubspot::RecordId;
use mapping::quickbooks::DocumentKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::budget::Budget;
use store::connection::Status;
use store::portal::Portal;
use store::record::{Claim, Claimed, Key, Nonce, Noted, Owed, Record, State, Transition, Written};
use store::tokens::Owner;

use crate::App;
use crate::answer;
use crate::attempt::{Attempt, Told, WAIT};
use crate::clock;
use crate::connection::{Stop, chosen_company};
use crate::effects::{self, AskedBy, Deadline, later};
use crate::execution::Execution;
use crate::failure::Trouble;
use crate::protocol::{Change, is_too_late};
use crate::telemetry::{self, Metric, chain};

/// The scope that calling back needs (hubspot.md §2.3). Every installation has it; an old one may not.
const CALL_BACK_SCOPE: &str = "automation";

/// The source of what a workflow asks for; others do not deliver again (hubspot.md §2.1).
const WORKFLOWS: &str = "WORKFLOWS";

/// What HubSpot asked for, as the record keeps it for whoever goes on without HubSpot.
#[derive(Serialize, Deserialize)]
struct Asked {
    object_type: String,
    object_id: RecordId,
    inputs: BTreeMap<String, String>,
    source: Option<String>,
    /// For people: which workflow it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow_id: Option<u64>,
}

/// The request of a record that HubSpot delivered once. What cannot be read is needed for a plan only: what is frozen is sent,
/// looked for and called back about without it, and what comes too late for a plan is failed. None: a plan is to be made.
pub(crate) fn asked_before(record: &Record, now: Timestamp) -> Option<workflow::Execution> {
    let Key::Execution { portal, callback_id, .. } = &record.key else { return None };
    let asked = record.request.as_deref().and_then(|asked| serde_json::from_str(asked).ok());
    let Asked { object_type, object_id, inputs, source, workflow_id } = match asked {
        None if record.state != State::Claimed || is_too_late(record, now) => Asked::nothing(),
        asked => asked?,
    };
    Some(workflow::Execution {
        callback_id: CallbackId::try_from(callback_id.clone()).ok()?,
        portal_id: *portal,
        object_type,
        object_id,
        inputs,
        workflow_id,
        source,
    })
}

impl Asked {
    fn nothing() -> Self {
        Self {
            object_type: String::new(),
            object_id: RecordId(0),
            inputs: BTreeMap::new(),
            source: None,
            workflow_id: None,
        }
    }
}

impl<'a> Execution<'a> {
    pub(crate) fn new(
        app: &'a App,
        kind: DocumentKind,
        key: &'a Key,
        request: &'a workflow::Execution,
        portal: Option<&'a Portal>,
        deadline: Deadline,
    ) -> Self {
        let chosen = request.inputs.get("quickbooks_account").map(String::as_str);
        let realm = chosen_company(chosen, portal);
        Self {
            app,
            key,
            request,
            portal,
            kind,
            realm,
            deadline,
            noted: AtomicBool::new(false),
            calls: Mutex::default(),
            created: Mutex::default(),
            meter: quickbooks::Meter::default(),
        }
    }

    fn asked(&self) -> String {
        let workflow::Execution { object_type, object_id, inputs, source, workflow_id, .. } =
            self.request.clone();
        serde_json::json!(Asked { object_type, object_id, inputs, source, workflow_id }).to_string()
    }

    /// `Err`: there is no token, or no time.
    async fn complete(&self, reply: &str) -> Result<Result<Completed, hubspot::Error>, Stop> {
        self.app.spend(&Budget::HubSpot(self.request.portal_id), 1, self.deadline.left_to_begin()).await?;
        let client = &self.app.vendors.hubspot;
        let callback_id = &self.request.callback_id;
        let account = self.app.account(self.portal, self.deadline).await?;
        let complete = |token| async move { client.complete(&token, callback_id, reply).await };
        self.app.call_hubspot(account, complete).await
    }
}

impl Attempt for Execution<'_> {
    async fn claim(&self) -> Result<Claimed, store::Error> {
        let asked = self.asked();
        let claim = Claim {
            action: Some(self.kind),
            realm: self.realm.as_ref().ok().cloned(),
            input_hash: Some(hex::encode(Sha256::digest(&asked))),
            subject: Some(format!("{} {}", self.request.object_type, self.request.object_id)),
            request: Some(asked),
            safe_since: self.app.config.safe_mode_since,
            ..effects::claim(self.key.clone(), &self.deadline)
        };
        let claimed = self.app.store.claim(&claim).await;
        let claimed = claimed.inspect_err(|_| telemetry::count(Metric::OwnFailures))?;
        if let Claimed::Ours(record) = &claimed
            && record.action != Some(self.kind)
        {
            // The id names one document of one kind (reliability.md §c.1): the first delivery's, which the reconciler ends.
            tracing::error!("two actions were asked for under one callback id");
            let release = Change::Release(Trouble::InProgress);
            let release = release.transition(record, self.deadline.times(record, &release));
            if let Some(release) = release {
                effects::write(&self.app.store, record, &release, &Noted::default(), &self.deadline).await?;
            }
            return Ok(Claimed::Running);
        }
        if let Claimed::Ours(record) = &claimed
            && self.deadline.asked_by() == AskedBy::HubSpot
            && record.input_hash != claim.input_hash
        {
            // The first plan stands: a refusal could say "failed" of a document that exists (reliability.md §c.5).
            tracing::warn!("HubSpot's inputs differ from the first delivery's");
        }
        Ok(claimed)
    }

    async fn may_block(&self) -> bool {
        let Some(portal) = self.portal.filter(|_| self.is_from_a_workflow()) else {
            return false;
        };
        let Some(connection) = portal.hubspot.as_ref().filter(|hubspot| hubspot.status == Status::Ok) else {
            return false;
        };
        match self.app.store.grant(&Owner::HubSpot(portal.id), connection).await {
            Ok(grant) => grant.scopes.iter().any(|scope| scope == CALL_BACK_SCOPE),
            Err(error) => {
                tracing::warn!(error = chain(&error), "HubSpot's grant could not be read");
                false
            }
        }
    }

    async fn promise(&self) -> Result<Owed, store::Error> {
        self.app.store.owe_callback(self.key, later(clock::now(), WAIT)).await
    }

    fn is_from_a_workflow(&self) -> bool {
        // Of a retry HubSpot knows nothing: it delivers it to nobody and waits for no callback.
        !self.key.is_retry() && self.request.source.as_deref() == Some(WORKFLOWS)
    }

    async fn call_back(&self, record: &Record) -> Told {
        let unknown = || answer::failed(&self.not_known_yet(record), &self.key.id());
        let reply = record.answer.clone().unwrap_or_else(unknown);
        match self.complete(&reply).await {
            Ok(Ok(Completed::Taken)) => {
                tracing::info!("called back");
                Told::Heard
            }
            Ok(Ok(Completed::Refused)) => {
                tracing::warn!("HubSpot refused the callback");
                Told::Refused
            }
            // It comes again soon: nothing is wrong with HubSpot.
            Ok(Err(hubspot::Error::RateLimited)) => Told::NotCalled,
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "HubSpot could not be called back");
                Told::NotHeard
            }
            Err(Stop::Trouble(Trouble::HubSpotThrottled | Trouble::OutOfTime)) => {
                tracing::info!("no turn to call HubSpot back");
                Told::NotCalled
            }
            Err(stop) => {
                tracing::warn!(cause = stop.as_str(), "HubSpot could not be called back");
                Told::NotHeard
            }
        }
    }

    async fn take_callback(&self, record: &Record, until: Timestamp) -> Result<bool, store::Error> {
        self.app.store.take_callback(record, clock::now(), until).await
    }

    async fn postpone(&self, record: &Record, until: Timestamp) -> Result<(), store::Error> {
        self.app.store.postpone(&record.key, Some(record), until).await
    }

    async fn note(&self, record: &Record, what: &Transition) -> Result<Written, store::Error> {
        self.app.store.write(record, what, &Nonce::new(), clock::now()).await
    }
}
