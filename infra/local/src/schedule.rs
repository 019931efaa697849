//! EventBridge on one machine: functions that a rule starts at a rate, by the stack's clock.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::control::Clock;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::aws;
use crate::lambda::Pool;
use crate::template::Schedule;

/// The rules of a stack at work; they stop when dropped.
#[derive(Debug)]
pub struct Schedules {
    _tasks: JoinSet<()>,
}

impl Schedules {
    /// Starts each rule's function, with the pools by the logical ids of their functions, whenever its time has come. As with
    /// EventBridge, a run that is still under way does not keep the next one from starting.
    pub fn start(schedules: &[Schedule], pools: &HashMap<String, Arc<Pool>>, clock: &Clock) -> Self {
        let mut tasks = JoinSet::new();
        for schedule in schedules {
            let Some(pool) = pools.get(&schedule.function).cloned() else { continue };
            let (every, clock) = (schedule.every, clock.clone());
            tasks.spawn(async move {
                let mut runs = JoinSet::new();
                loop {
                    let now = clock.now();
                    clock.sleep_until(now.checked_add(every).unwrap_or(now)).await;
                    let (pool, event) = (pool.clone(), event(clock.now()).to_string());
                    // What it says of itself is in its log.
                    runs.spawn(async move { pool.invoke(event.into()).await.is_ok() });
                    while runs.try_join_next().is_some() {}
                }
            });
        }
        Self { _tasks: tasks }
    }
}

/// What EventBridge sends at this time.
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>)
pub(crate) fn event(now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": Uuid::new_v4().to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": aws::ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": aws::REGION,
        "resources": [format!("arn:aws:events:{}:{}:rule/local", aws::REGION, aws::ACCOUNT)],
        "detail": {},
    })
}
