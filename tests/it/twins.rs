//! The simulation's register beside the embedded DynamoDB: the same random writes, by the holder and by those before, with
//! replies lost and clocks moved, are taken and refused alike, and leave the same record. `TWINS_SEED=7 cargo test -p tests
//! --test it twins` replays one sequence.

use jiff::{SignedDuration, Timestamp};
use local::dynamodb::Dynamodb;
use mapping::hubspot::PortalId;
use mapping::quickbooks::{DocumentKind, RealmId};
use serde_json::json;
use simulators::chance::Chance;
use store::Store;
use store::record::{Claim, Claimed, Key, Mail, Nonce, Owed, Plan, Record, State, Transition, Written};

#[expect(clippy::duplicate_mod, reason = "beside the table, once more")]
#[path = "../sim/register.rs"]
#[expect(dead_code, reason = "the simulation asks it for more")]
mod register;

use register::Register;

const SEQUENCES: u64 = 90;
const STEPS: usize = 50;

/// Both, on one record.
struct Twins<'a> {
    table: &'a Store,
    register: Register,
    chance: Chance,
    key: Key,
    now: Timestamp,
    /// What claimants and writers last held, the latest last.
    held: Vec<Record>,
    last: Option<(Record, Transition, Nonce)>,
    met: Vec<State>,
}

#[tokio::test]
async fn random_sequences_of_writes_leave_the_register_and_the_table_alike() {
    let only = std::env::var("TWINS_SEED").ok().and_then(|seed| seed.parse().ok());
    let dynamodb = Dynamodb::start().await.unwrap();
    let client = local::aws::dynamodb(&dynamodb.url);
    let template = local::template::Template::parse(include_str!("../../template.yaml")).unwrap();
    local::dynamodb::create_table(&client, "records", &template.table).await.unwrap();
    let table = crate::records::store_at(&dynamodb.url);
    let (mut taken, mut refused, mut met) = (0, 0, Vec::new());
    for seed in only.map_or(0..SEQUENCES, |seed: u64| seed..seed + 1) {
        let mut twins = Twins::new(&table, seed);
        for step in 0..STEPS {
            match twins.step().await {
                Ok(true) => taken += 1,
                Ok(false) => refused += 1,
                Err(differs) => panic!("TWINS_SEED={seed}, step {step}: {differs}"),
            }
        }
        met.append(&mut twins.met);
    }
    println!("register and table: {taken} writes taken and {refused} refused, alike");
    let reaches = |state| met.iter().filter(|met| **met == state).count();
    let often = State::ALL.into_iter().filter(|state| *state != State::Closed && reaches(*state) < 20);
    assert!(only.is_some() || often.clone().count() == 0, "seldom: {:?}", often.collect::<Vec<_>>());
}

impl<'a> Twins<'a> {
    fn new(table: &'a Store, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let key = match chance.below(4) {
            0 if seed.is_multiple_of(2) => Key::Item { identity: format!("{seed:064}") },
            0 => Key::Customer { identity: format!("{seed:064}") },
            _ => Key::execution(PortalId(1), format!("ap-1-{seed}-3-0")),
        };
        let now = "2026-03-02T09:15:30Z".parse().unwrap();
        Self { table, register: Register::default(), chance, key, now, held: vec![], last: None, met: vec![] }
    }

    /// One write to both: whether it was taken.
    async fn step(&mut self) -> Result<bool, String> {
        self.now += SignedDuration::from_millis(match self.chance.below(8) {
            0 => self.chance.span(70_000),
            1 => self.chance.span(300_000),
            2 => self.chance.span(24 * 3_600_000),
            _ => 1 + self.chance.span(2_000),
        });
        let taken = match self.chance.below(10) {
            0 | 1 => self.claim().await?,
            2 => self.promise().await?,
            3 => self.postpone().await?,
            4 => self.again().await?,
            _ if self.held.is_empty() => self.claim().await?,
            _ => self.write().await?,
        };
        self.compare().await?;
        Ok(taken)
    }

    async fn compare(&mut self) -> Result<(), String> {
        let stored = self.table.record(&self.key).await.unwrap();
        let ours = self.register.record(&self.key).cloned();
        if stored != ours {
            return Err(format!("the table holds {stored:?}, the register {ours:?}"));
        }
        self.met.extend(ours.map(|record| record.state));
        if self.chance.one_in(4) {
            let at = self.now + SignedDuration::from_mins(self.chance.pick(&[0, 2, 480]));
            let due = self.table.due(at, 10_000).await.unwrap().contains(&self.key);
            if due != self.register.due(at).contains(&self.key) {
                return Err(format!("due at {at}: {due} in the table"));
            }
        }
        Ok(())
    }

    async fn claim(&mut self) -> Result<bool, String> {
        let execution = matches!(self.key, Key::Execution { .. });
        let realm = self.realm();
        let claim = Claim {
            key: self.key.clone(),
            action: execution.then_some(DocumentKind::Invoice),
            realm: (execution && !self.chance.one_in(8)).then_some(realm),
            input_hash: Some("hash".into()),
            subject: Some("DEAL 1".into()),
            request: Some(format!("{}", self.chance.below(3))),
            delivered: !self.chance.one_in(3),
            safe_since: self.chance.one_in(8).then(|| self.now - SignedDuration::from_hours(1)),
            nonce: Nonce::new(),
            now: self.now,
            lease_until: self.now + SignedDuration::from_secs(65),
        };
        // Its reply may be lost, and the SDK sends it again.
        for _time in 0..=u8::from(self.chance.one_in(6)) {
            let (table, register) = (self.table.claim(&claim).await.unwrap(), self.register.claim(&claim));
            match (table, register) {
                (Claimed::Ours(table), Claimed::Ours(register)) if table == register => {
                    self.held.push(*table);
                }
                (Claimed::Done(table), Claimed::Done(register)) if table == register => return Ok(false),
                (Claimed::Running, Claimed::Running) => return Ok(false),
                (table, register) => return Err(format!("claim: {table:?}, {register:?}")),
            }
        }
        Ok(true)
    }

    async fn write(&mut self) -> Result<bool, String> {
        // Mostly whoever holds it, and what its state leads to; at times anybody, and anything.
        let latest = self.held.len() as u64 - 1;
        let by = if self.chance.one_in(6) { self.chance.below(latest + 1) } else { latest };
        let held = self.held[usize::try_from(by).unwrap()].clone();
        let transition = self.transition(&held);
        let id = Nonce::new();
        self.last = Some((held.clone(), transition.clone(), id.clone()));
        self.write_both(&held, &transition, &id).await
    }

    /// The last write once more: whoever does not know what became of it repeats it under its id.
    async fn again(&mut self) -> Result<bool, String> {
        let Some((held, transition, id)) = self.last.clone() else { return Ok(false) };
        self.write_both(&held, &transition, &id).await
    }

    async fn write_both(
        &mut self,
        held: &Record,
        transition: &Transition,
        id: &Nonce,
    ) -> Result<bool, String> {
        let table = self.table.write(held, transition, id, self.now).await.unwrap();
        let register = self.register.write(held, transition, id, self.now);
        match (table, register) {
            (Written::Done(table), Written::Done(register)) if table == register => {
                self.held.push(*table);
                Ok(true)
            }
            (Written::Refused, Written::Refused) => Ok(false),
            (table, register) => Err(format!("{transition:?}: {table:?}, {register:?}")),
        }
    }

    async fn promise(&mut self) -> Result<bool, String> {
        let execution = matches!(self.key, Key::Execution { .. });
        if !execution || self.held.is_empty() {
            return Ok(false);
        }
        let until = self.now + SignedDuration::from_hours(6);
        let table = self.table.owe_callback(&self.key, until).await.unwrap();
        match (table, self.register.owe_callback(&self.key, until)) {
            (Owed::Yes, Some(Owed::Yes)) => Ok(true),
            (Owed::Done(table), Some(Owed::Done(register))) if table == register => Ok(false),
            (table, register) => Err(format!("promise: {table:?}, {register:?}")),
        }
    }

    async fn postpone(&mut self) -> Result<bool, String> {
        let until = self.now + SignedDuration::from_mins(15);
        let read = self.held.last().filter(|_| !self.chance.one_in(4)).cloned();
        let execution = matches!(self.key, Key::Execution { .. });
        if let Some(read) = read.as_ref().filter(|_| execution && self.chance.one_in(2)) {
            let table = self.table.take_callback(read, self.now, until).await.unwrap();
            let register = self.register.take_callback(read, self.now, until);
            return if table == register { Ok(table) } else { Err(format!("taken: {table}, {register}")) };
        }
        self.table.postpone(&self.key, read.as_ref(), until).await.unwrap();
        self.register.postpone(&self.key, read.as_ref(), until);
        Ok(true)
    }

    fn realm(&mut self) -> RealmId {
        let id = if self.chance.one_in(8) { "42" } else { "9341450000000001" };
        RealmId::try_from(id.to_owned()).unwrap()
    }

    fn plan(&mut self) -> Plan {
        let body = format!(r#"{{"Line":[{}]}}"#, self.chance.below(3));
        Plan {
            realm: self.realm(),
            request_id: "hqd0".into(),
            body,
            notes: json!({"customer": "58"}),
            emailed: false,
        }
    }

    /// One that its state leads to, or any.
    fn transition(&mut self, held: &Record) -> Transition {
        let quiet_until = self.now + SignedDuration::from_mins(4);
        let trouble = || "QUICKBOOKS_DOWN".to_owned();
        let number = match (self.chance.one_in(4), held.state) {
            (true, _) => self.chance.below(20),
            (false, State::Claimed) => self.chance.pick(&[0, 0, 0, 0, 0, 0, 9, 19]),
            (false, State::Planned) => self.chance.pick(&[1, 1, 1, 9, 4]),
            (false, State::Sent) => self.chance.pick(&[1, 2, 3, 4, 4, 4, 10]),
            (false, State::DocDone) if held.pay_plan.is_some() => self.chance.pick(&[5, 5, 5, 10]),
            (false, State::PaySent) if held.pay_id.is_none() => self.chance.pick(&[5, 6, 7, 7, 8, 10]),
            (false, State::DocDone | State::PaySent) if held.mail == Some(Mail::Tried) => {
                self.chance.pick(&[11, 17, 17, 18, 18])
            }
            (false, State::DocDone | State::PaySent) => self.chance.pick(&[11, 11, 15, 16, 16]),
            (false, _) => self.chance.pick(&[13, 14]),
        };
        match number {
            0 => Transition::Freeze(self.plan()),
            1 => Transition::Intent { quiet_until },
            2 => Transition::Unsend { trouble: trouble() },
            3 => Transition::Replan { trouble: trouble() },
            4 => {
                let pay_plan = if self.chance.one_in(2) { Some(self.plan()) } else { None };
                Transition::Record { id: "412".into(), made: json!({"Id": "412"}), pay_plan }
            }
            5 => Transition::PayIntent { quiet_until },
            6 => Transition::PayUnsend { trouble: trouble() },
            7 => Transition::PayRecord { id: "413".into() },
            8 => Transition::PayRefuse { trouble: trouble(), why: "Refused.".into() },
            9 => Transition::Fail { answer: "{}".into(), trouble: trouble() },
            10 => Transition::Review { answer: "{}".into(), trouble: trouble() },
            11 => Transition::Complete { answer: r#"{"outputFields":{}}"#.into() },
            12 => Transition::Release {
                trouble: trouble(),
                own_mistake: self.chance.one_in(2),
                next_at: self.now + SignedDuration::from_millis(self.chance.span(900_000)),
            },
            13 => Transition::Tell,
            14 => Transition::Settle,
            15 => Transition::Forget { gone: "412".into() },
            16 => Transition::MailIntent,
            17 => Transition::MailUnsend { trouble: trouble() },
            18 => Transition::MailRecord { mail: self.chance.pick(&[Mail::Sent, Mail::Failed]) },
            _ => Transition::Answer {
                answer: r#"{"outputFields":{}}"#.into(),
                outcome: "preview",
                preview: if self.chance.one_in(2) { Some(self.plan()) } else { None },
            },
        }
    }
}
