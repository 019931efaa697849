//! The faults in force, what each has done, and the effects that are still to land.

use axum::http::Method;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::fault::Fault;

/// What `GET /_sim/faults` shows.
#[derive(Debug, Default, Serialize)]
pub(super) struct Plan {
    faults: Vec<Planned>,
    late_effects: Vec<LateEffect>,
}

#[derive(Debug, Serialize)]
struct Planned {
    #[serde(flatten)]
    fault: Fault,
    /// Matching calls that no fault before this one took.
    seen: u32,
    applied: u32,
    /// `seq` of each call it was applied to.
    applied_to: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct LateEffect {
    /// The call that asked for it.
    seq: u64,
    due: Timestamp,
    /// What the vendor would have answered; `None` until it has landed.
    status: Option<u16>,
}

impl Plan {
    /// Puts other faults in force. Effects already promised still land.
    pub(super) fn replace(&mut self, faults: Vec<Fault>) {
        let planned = |fault| Planned { fault, seen: 0, applied: 0, applied_to: Vec::new() };
        self.faults = faults.into_iter().map(planned).collect();
    }

    /// How many faults are in force.
    pub(super) fn len(&self) -> usize {
        self.faults.len()
    }

    /// The fault that disturbs this call, if one does.
    pub(super) fn strike(&mut self, seq: u64, method: &Method, path: &str) -> Option<Fault> {
        let matching = self.faults.iter_mut().filter(|planned| planned.fault.matches(method, path));
        matching.into_iter().find_map(|planned| planned.strike(seq))
    }

    pub(super) fn promise(&mut self, seq: u64, due: Timestamp) {
        self.late_effects.push(LateEffect { seq, due, status: None });
    }

    pub(super) fn landed(&mut self, seq: u64, status: u16) {
        if let Some(effect) = self.late_effects.iter_mut().find(|effect| effect.seq == seq) {
            effect.status = Some(status);
        }
    }
}

impl Planned {
    fn strike(&mut self, seq: u64) -> Option<Fault> {
        self.seen += 1;
        let strikes =
            self.seen > self.fault.skip && self.applied < self.fault.times && falls(&self.fault, self.seen);
        if !strikes {
            return None;
        }
        self.applied += 1;
        self.applied_to.push(seq);
        Some(self.fault.clone())
    }
}

/// Decides by seed and number of the matching call alone, so that a run can be had again.
fn falls(fault: &Fault, nth: u32) -> bool {
    let Some(probability) = fault.probability else { return true };
    let digest = Sha256::digest([fault.seed.to_be_bytes(), u64::from(nth).to_be_bytes()].concat());
    let roll = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    Decimal::from(roll) < probability * Decimal::from(1_u64 << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(probability: Decimal, seed: u64) -> Vec<u64> {
        let fault = Fault { probability: Some(probability), seed, times: u32::MAX, ..Fault::default() };
        let mut plan = Plan::default();
        plan.replace(vec![fault]);
        (0..1000).filter(|seq| plan.strike(*seq, &Method::GET, "/").is_some()).collect()
    }

    #[test]
    fn a_probability_strikes_its_share_of_the_calls_and_a_seed_the_same_ones_again() {
        let quarter = Decimal::new(25, 2);
        let first = struck(quarter, 1);
        assert!((200..300).contains(&first.len()), "{} of 1000", first.len());
        assert_eq!(first, struck(quarter, 1));
        assert_ne!(first, struck(quarter, 2));
    }

    #[test]
    fn probability_none_and_all_mean_it() {
        assert_eq!(struck(Decimal::ZERO, 7).len(), 0);
        assert_eq!(struck(Decimal::ONE, 7).len(), 1000);
    }
}
