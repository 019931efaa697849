//! The fault matrix of reliability.md §b: each cell of the steps S3 to S10 that this world can force, as a named case with
//! the outcome that the matrix demands.

use app::action::DocumentKind;
use store::record::State;

use crate::books::RequestIds;
use crate::exhaustive::scripted;
use crate::fault::{Call, Fault, Faults};
use crate::history::Answered;
use crate::orders;
use crate::proof::Proof;
use crate::rare::Rare;
use crate::run::{Run, run};
use crate::setup::Happening;

const FREEZE: Call = Call::Write("freezing the plan");
const INTENT: Call = Call::Write("writing the intent");
const RECORD: Call = Call::Write("recording the document");
const PAY_INTENT: Call = Call::Write("writing the payment's intent");
const PAY_RECORD: Call = Call::Write("recording the payment");
const COMPLETE: Call = Call::Write("completing the record");

/// What the matrix demands, in its own codes where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    /// RD: nothing had been sent; a later attempt than the one that met the fault starts from the stored state, and sends once.
    Redrive,
    /// RP: it had been sent when the fault came, and nothing is sent or looked for again.
    Replay,
    /// AM, and what was made is adopted.
    Adopt,
    /// AM, and the same bytes are sent again.
    Resend,
    /// BO after a proof of no effect: the intent is taken back.
    Unsend,
    /// REF: the token is renewed, and the same is sent with the same request id.
    Refresh,
    /// REF of a question: the token is renewed, the same attempt asks again, and sends once.
    AskAgain,
    /// FAILC.
    Fail,
    /// Planned anew, once.
    Replan,
    /// Our own write is known again.
    Acknowledged,
    /// BUSY.
    Busy,
    /// The document stands without its payment, and the answer says so.
    PaymentRefused,
}

impl Code {
    /// The code that it must not be taken for: sent once either way, and what differs is when and by whom.
    fn unlike(self) -> Option<Self> {
        match self {
            Self::Redrive => Some(Self::Replay),
            Self::Replay => Some(Self::Redrive),
            _ => None,
        }
    }
}

type Script = &'static [(Call, Fault)];

/// The cells of a document, by name.
const DOCUMENT_CELLS: &[(&str, Script, Code)] = &[
    ("b_S3_crash_before_io", &[(Call::Claim, Fault::DiesBefore)], Code::Redrive),
    ("b_S3_crash_after_effect", &[(Call::Claim, Fault::DiesAfterEffect)], Code::Redrive),
    ("b_S3_timeout_effect_not_done", &[(Call::Claim, Fault::Unavailable)], Code::Redrive),
    ("b_S3_timeout_effect_done", &[(Call::Claim, Fault::SentTwice)], Code::Acknowledged),
    ("b_S3_timeout_effect_done_later", &[(Call::Claim, Fault::Late)], Code::Redrive),
    ("b_S3_5xx", &[(Call::Claim, Fault::ReplyLost)], Code::Redrive),
    ("b_S3_slow_drip", &[(Call::Claim, Fault::Stall)], Code::Redrive),
    ("b_S3_connection_reset", &[(Call::Claim, Fault::SentTwice)], Code::Acknowledged),
    ("b_S3_cold_dynamodb_throttle", &[(Call::Claim, Fault::Unavailable)], Code::Redrive),
    ("b_S4_crash_before_io", &[(Call::Deal, Fault::DiesBefore)], Code::Redrive),
    ("b_S4_crash_after_effect", &[(Call::Deal, Fault::DiesWithReply)], Code::Redrive),
    ("b_S4_timeout", &[(Call::Deal, Fault::Unavailable)], Code::Redrive),
    ("b_S4_429", &[(Call::Deal, Fault::Throttled)], Code::Redrive),
    ("b_S4_slow_drip", &[(Call::Deal, Fault::Stall)], Code::Redrive),
    ("b_S4_record_gone", &[(Call::Deal, Fault::Gone)], Code::Fail),
    ("b_S4_cold_dynamodb_throttle", &[(FREEZE, Fault::Unavailable)], Code::Redrive),
    ("b_S4_freeze_crash_after_effect", &[(FREEZE, Fault::DiesAfterEffect)], Code::Redrive),
    ("b_S4_freeze_reply_lost", &[(FREEZE, Fault::SentTwice)], Code::Acknowledged),
    ("b_S6_crash_before_io", &[(Call::Find, Fault::DiesBefore)], Code::Redrive),
    ("b_S6_crash_after_effect", &[(Call::Find, Fault::DiesWithReply)], Code::Redrive),
    ("b_S6_timeout", &[(Call::Find, Fault::Unavailable)], Code::Redrive),
    ("b_S6_401", &[(Call::Find, Fault::Unauthorized)], Code::AskAgain),
    ("b_S6_401_not_renewed", &[(Call::Find, Fault::Unauthorized), (Call::Renew, Fault::Refused)], Code::Fail),
    ("b_S6_401_twice", &[(Call::Find, Fault::Unauthorized), (Call::Find, Fault::Unauthorized)], Code::Fail),
    ("b_S6_429", &[(Call::Find, Fault::Throttled)], Code::Redrive),
    ("b_S6_slow_drip", &[(Call::Find, Fault::Stall)], Code::Redrive),
    ("b_S7_crash_before_io_planned", &[(INTENT, Fault::DiesBefore)], Code::Redrive),
    ("b_S7_crash_before_io_sent", &[(Call::Document, Fault::DiesBefore)], Code::Resend),
    ("b_S7_crash_without_effect", &[(Call::Document, Fault::DiesWithoutEffect)], Code::Resend),
    ("b_S7_crash_after_effect", &[(Call::Document, Fault::DiesAfterEffect)], Code::Adopt),
    ("b_S7_crash_effect_done_later", &[(Call::Document, Fault::DiesBeforeEffect)], Code::Adopt),
    ("b_S7_crash_with_reply", &[(Call::Document, Fault::DiesWithReply)], Code::Adopt),
    ("b_S7_timeout_effect_not_done", &[(Call::Document, Fault::Unavailable)], Code::Resend),
    ("b_S7_timeout_effect_done", &[(Call::Document, Fault::ReplyLost)], Code::Adopt),
    ("b_S7_timeout_effect_done_later", &[(Call::Document, Fault::Late)], Code::Adopt),
    ("b_S7_401", &[(Call::Document, Fault::Unauthorized)], Code::Refresh),
    (
        "b_S7_401_twice",
        &[(Call::Document, Fault::Unauthorized), (Call::Document, Fault::Unauthorized)],
        Code::Fail,
    ),
    (
        "b_S7_401_then_5xx_effect_done",
        &[(Call::Document, Fault::Unauthorized), (Call::Document, Fault::ServerAfter)],
        Code::Adopt,
    ),
    ("b_S7_403", &[(Call::Document, Fault::Forbidden)], Code::Resend),
    ("b_S7_429", &[(Call::Document, Fault::Throttled)], Code::Unsend),
    ("b_S7_5xx_effect_not_done", &[(Call::Document, Fault::ServerBefore)], Code::Resend),
    ("b_S7_5xx_effect_done", &[(Call::Document, Fault::ServerAfter)], Code::Adopt),
    ("b_S7_5xx_effect_done_later", &[(Call::Document, Fault::ServerLate)], Code::Adopt),
    ("b_S7_malformed_body", &[(Call::Document, Fault::Unreadable)], Code::Adopt),
    ("b_S7_slow_drip", &[(Call::Document, Fault::Late)], Code::Adopt),
    ("b_S7_connection_reset_before_first_byte", &[(Call::Document, Fault::NotConnected)], Code::Unsend),
    ("b_S7_connection_reset_effect_done", &[(Call::Document, Fault::ReplyLost)], Code::Adopt),
    ("b_S7_definite_400", &[(Call::Document, Fault::Refused)], Code::Fail),
    ("b_S7_object_gone_610", &[(Call::Document, Fault::Outdated)], Code::Replan),
    ("b_S7_cold_dynamodb_throttle", &[(INTENT, Fault::Unavailable)], Code::Redrive),
    ("b_S7_intent_reply_lost", &[(INTENT, Fault::ReplyLost)], Code::Redrive),
    ("b_S9_crash_before_io", &[(RECORD, Fault::DiesBefore)], Code::Adopt),
    ("b_S9_crash_after_effect", &[(RECORD, Fault::DiesAfterEffect)], Code::Replay),
    ("b_S9_timeout_effect_not_done", &[(RECORD, Fault::Unavailable)], Code::Replay),
    ("b_S9_timeout_effect_done", &[(RECORD, Fault::ReplyLost)], Code::Acknowledged),
    ("b_S9_timeout_effect_done_later", &[(RECORD, Fault::Late)], Code::Replay),
    ("b_S9_connection_reset", &[(RECORD, Fault::SentTwice)], Code::Acknowledged),
    ("b_S9_cold_dynamodb_throttle", &[(RECORD, Fault::Unavailable)], Code::Replay),
    ("b_S9_cold_dynamodb_throttle_to_the_end", &[(RECORD, Fault::Unavailable); 400], Code::Adopt),
    ("b_S9_complete_crash_before_io", &[(COMPLETE, Fault::DiesBefore)], Code::Replay),
    ("b_S9_complete_crash_after_effect", &[(COMPLETE, Fault::DiesAfterEffect)], Code::Replay),
    ("b_S9_complete_timeout_effect_done", &[(COMPLETE, Fault::ReplyLost)], Code::Acknowledged),
    ("b_S10_crash_before_io", &[(COMPLETE, Fault::DiesWithReply)], Code::Replay),
    (
        "b_S10_callback_crash_before_io",
        &[(Call::Document, Fault::ReplyLost), (Call::Callback, Fault::DiesBefore)],
        Code::Adopt,
    ),
    (
        "b_S10_callback_crash_after_effect",
        &[(Call::Document, Fault::ReplyLost), (Call::Callback, Fault::DiesAfterEffect)],
        Code::Adopt,
    ),
    (
        "b_S10_callback_timeout_effect_not_done",
        &[(Call::Document, Fault::ReplyLost), (Call::Callback, Fault::Unavailable)],
        Code::Adopt,
    ),
    (
        "b_S10_callback_timeout_effect_done",
        &[(Call::Document, Fault::ReplyLost), (Call::Callback, Fault::ReplyLost)],
        Code::Adopt,
    ),
];

/// The cells of an invoice's payment.
const PAYMENT_CELLS: &[(&str, Script, Code)] = &[
    ("b_S8_crash_before_io_unsent", &[(PAY_INTENT, Fault::DiesBefore)], Code::Redrive),
    ("b_S8_crash_before_io_sent", &[(Call::Payment, Fault::DiesBefore)], Code::Resend),
    ("b_S8_crash_without_effect", &[(Call::Payment, Fault::DiesWithoutEffect)], Code::Resend),
    ("b_S8_crash_after_effect", &[(Call::Payment, Fault::DiesAfterEffect)], Code::Adopt),
    ("b_S8_crash_effect_done_later", &[(Call::Payment, Fault::DiesBeforeEffect)], Code::Adopt),
    ("b_S8_crash_with_reply", &[(Call::Payment, Fault::DiesWithReply)], Code::Adopt),
    ("b_S8_timeout_effect_not_done", &[(Call::Payment, Fault::Unavailable)], Code::Resend),
    ("b_S8_timeout_effect_done", &[(Call::Payment, Fault::ReplyLost)], Code::Adopt),
    ("b_S8_timeout_effect_done_later", &[(Call::Payment, Fault::Late)], Code::Adopt),
    ("b_S8_401", &[(Call::Payment, Fault::Unauthorized)], Code::Refresh),
    (
        "b_S8_401_twice",
        &[(Call::Payment, Fault::Unauthorized), (Call::Payment, Fault::Unauthorized)],
        Code::Unsend,
    ),
    ("b_S8_403", &[(Call::Payment, Fault::Forbidden)], Code::Resend),
    ("b_S8_429", &[(Call::Payment, Fault::Throttled)], Code::Unsend),
    ("b_S8_5xx_effect_not_done", &[(Call::Payment, Fault::ServerBefore)], Code::Resend),
    ("b_S8_5xx_effect_done", &[(Call::Payment, Fault::ServerAfter)], Code::Adopt),
    ("b_S8_5xx_effect_done_later", &[(Call::Payment, Fault::ServerLate)], Code::Adopt),
    ("b_S8_malformed_body", &[(Call::Payment, Fault::Unreadable)], Code::Adopt),
    ("b_S8_slow_drip", &[(Call::Payment, Fault::Late)], Code::Adopt),
    ("b_S8_connection_reset_before_first_byte", &[(Call::Payment, Fault::NotConnected)], Code::Unsend),
    ("b_S8_connection_reset_effect_done", &[(Call::Payment, Fault::ReplyLost)], Code::Adopt),
    ("b_S8_definite_400", &[(Call::Payment, Fault::Refused)], Code::PaymentRefused),
    ("b_S8_cold_dynamodb_throttle", &[(PAY_INTENT, Fault::Unavailable)], Code::Redrive),
    ("b_S9_payment_crash_before_io", &[(PAY_RECORD, Fault::DiesBefore)], Code::Adopt),
    ("b_S9_payment_crash_after_effect", &[(PAY_RECORD, Fault::DiesAfterEffect)], Code::Replay),
    ("b_S9_payment_timeout_effect_done", &[(PAY_RECORD, Fault::ReplyLost)], Code::Acknowledged),
];

/// The cells of a customer that is created. A refusal frees the claim, and the next deal tries again.
const CUSTOMER_CELLS: &[(&str, Script, Code)] = &[
    ("b_S5_crash_before_io_planned", &[(INTENT, Fault::DiesBefore)], Code::Redrive),
    ("b_S5_crash_before_io_sent", &[(Call::Document, Fault::DiesBefore)], Code::Resend),
    ("b_S5_crash_after_effect", &[(Call::Document, Fault::DiesAfterEffect)], Code::Adopt),
    ("b_S5_crash_effect_done_later", &[(Call::Document, Fault::DiesBeforeEffect)], Code::Adopt),
    ("b_S5_timeout_effect_not_done", &[(Call::Document, Fault::Unavailable)], Code::Resend),
    ("b_S5_timeout_effect_done", &[(Call::Document, Fault::ReplyLost)], Code::Adopt),
    ("b_S5_timeout_effect_done_later", &[(Call::Document, Fault::Late)], Code::Adopt),
    ("b_S5_401", &[(Call::Document, Fault::Unauthorized)], Code::Refresh),
    ("b_S5_403", &[(Call::Document, Fault::Forbidden)], Code::Resend),
    ("b_S5_429", &[(Call::Document, Fault::Throttled)], Code::Unsend),
    ("b_S5_5xx_effect_not_done", &[(Call::Document, Fault::ServerBefore)], Code::Resend),
    ("b_S5_5xx_effect_done", &[(Call::Document, Fault::ServerAfter)], Code::Adopt),
    ("b_S5_5xx_effect_done_later", &[(Call::Document, Fault::ServerLate)], Code::Adopt),
    ("b_S5_malformed_body", &[(Call::Document, Fault::Unreadable)], Code::Adopt),
    ("b_S5_slow_drip", &[(Call::Document, Fault::Late)], Code::Adopt),
    ("b_S5_connection_reset_before_first_byte", &[(Call::Document, Fault::NotConnected)], Code::Unsend),
    ("b_S5_connection_reset_effect_done", &[(Call::Document, Fault::ReplyLost)], Code::Adopt),
    ("b_S5_definite_400", &[(Call::Document, Fault::Refused)], Code::Replan),
    ("b_S5_cold_dynamodb_throttle", &[(INTENT, Fault::Unavailable)], Code::Redrive),
    ("b_S5_record_reply_lost", &[(RECORD, Fault::ReplyLost)], Code::Acknowledged),
];

/// Cells that nothing in this world can be.
const NOT_HERE: &[&str] = &[
    "S1 and S2, all: the gate is not part of an attempt; it/gate sends them to the real binaries",
    "S4 and S10, 401: HubSpot's token; it/connections lets the simulator of HubSpot refuse it",
    "S3 to S9, 401 and 403 of AWS, and corrupt items: shared/store's errors, one word for a caller: unavailable",
    "S4 and S6, partial pages: the clients of hubspot and quickbooks read all pages or fail",
    "S10, malformed bodies and truncated answers: the gateway's; the next delivery gets the stored answer (b_S10)",
    "clock skew, all steps: in the random seeds, in a quarter of which every attempt has a clock of its own",
];

/// Runs all cells, for each kind of document.
pub(crate) fn cells(proof: &mut Proof) {
    let mut names = Vec::new();
    let kinds = [DocumentKind::Invoice, DocumentKind::Estimate, DocumentKind::SalesReceipt];
    for kind in kinds {
        for (name, script, code) in DOCUMENT_CELLS {
            cell(proof, kind, false, (name, script, *code));
            names.push(format!("{} {name} {code:?}", kind.entity()));
        }
        duplicate(proof, kind);
        names.push(format!("{} b_S3_duplicate_concurrent_delivery {:?}", kind.entity(), Code::Busy));
    }
    for (name, script, code) in PAYMENT_CELLS {
        cell(proof, DocumentKind::Invoice, true, (name, script, *code));
        names.push(format!("Invoice {name} {code:?}"));
    }
    for (name, script, code) in CUSTOMER_CELLS {
        for request_ids in [RequestIds::Honoured, RequestIds::Ignored] {
            let run = orders::one(request_ids, script);
            judge(proof, &run, (name, State::DocDone, false, *code));
        }
        names.push(format!("Customer {name} {code:?}"));
    }
    println!("fault matrix: {} named cells", names.len());
    for name in names {
        println!("  {name}");
    }
    for cell in NOT_HERE {
        println!("  not here: {cell}");
    }
}

fn cell(proof: &mut Proof, kind: DocumentKind, paid: bool, (name, script, code): (&str, Script, Code)) {
    let end = if code == Code::Fail { State::Failed } else { State::Completed };
    for request_ids in [RequestIds::Honoured, RequestIds::Ignored] {
        let run = run(scripted(kind, paid, request_ids, Faults::Next(script.to_vec())));
        judge(proof, &run, (&format!("{} {name}", kind.entity()), end, paid, code));
    }
}

fn judge(proof: &mut Proof, run: &Run, (name, end, paid, code): (&str, State, bool, Code)) {
    proof.saw(run, || name.to_owned());
    if run.unmet > 0 || run.met.is_empty() {
        proof.wrong.push(format!("{name}: {} faults of the cell never happened", run.unmet));
        return;
    }
    let is_another = code.unlike().is_some_and(|other| is_as_demanded(run, paid, other));
    if !is_as_demanded(run, paid, code) || is_another || run.state != Some(end) {
        let Run { state, sends, rare, .. } = run;
        proof.wrong.push(format!("{name}: {code:?} is demanded, it came to {state:?}, {sends:?}, {rare:?}"));
    }
}

/// Two deliveries at once: one works, the other one is told to wait, and both get the same.
fn duplicate(proof: &mut Proof, kind: DocumentKind) {
    let mut setup = scripted(kind, false, RequestIds::Ignored, Faults::none());
    setup.agenda.push((0, Happening::Delivery));
    let run = run(setup);
    let name = || format!("{} b_S3_duplicate_concurrent_delivery", kind.entity());
    proof.saw(&run, name);
    if !run.rare.contains(&Rare::Running) || !run.answers.contains(&Answered::Wait) || run.sends.0 != 1 {
        proof.wrong.push(format!("{}: {:?}, {:?}", name(), run.sends, run.answers));
    }
}

/// Whether a run went as its cell demands.
fn is_as_demanded(run: &Run, paid: bool, code: Code) -> bool {
    let hit = |rare| run.rare.contains(&rare);
    let sends = if paid { run.sends.1 } else { run.sends.0 };
    let adopted = hit(if paid { Rare::PaymentAdopted } else { Rare::Adopted });
    let resent = hit(if paid { Rare::PaymentResent } else { Rare::Resent });
    let unsent = hit(if paid { Rare::PaymentUnsend } else { Rare::Unsend });
    let plain = !adopted && !resent && !unsent;
    match code {
        Code::Redrive => {
            sends == 1 && !adopted && !unsent && run.plans <= 1 && sent_by_a_later_attempt(run, paid)
        }
        Code::Replay => sends == 1 && plain && sent_before_the_fault(run, paid),
        Code::AskAgain => sends == 1 && plain && !sent_by_a_later_attempt(run, paid),
        Code::Adopt => adopted && !resent,
        // Once only, if the first send never left.
        Code::Resend => sends <= 2 && resent && !adopted,
        Code::Unsend => unsent && !adopted && !resent,
        Code::Refresh => sends == 2 && plain && hit(Rare::Renewed),
        Code::Fail => plain,
        Code::Replan => sends == 2 && plain && hit(Rare::ReplannedOnce),
        Code::Acknowledged => sends == 1 && plain && hit(Rare::OwnAck),
        Code::Busy => hit(Rare::Running),
        Code::PaymentRefused => sends == 1 && plain && hit(Rare::PaymentRefused),
    }
}

/// The number of the last request to create it, and the attempt that made it.
fn last_send(run: &Run, paid: bool) -> Option<(usize, usize)> {
    let what = if paid { Call::Payment } else { Call::Document };
    let mut calls = run.made_calls.iter().enumerate().rev();
    calls.find(|(_, (call, _))| *call == what).map(|(number, (_, attempt))| (number, *attempt))
}

fn sent_by_a_later_attempt(run: &Run, paid: bool) -> bool {
    let met_by = run.met.first().map(|number| run.made_calls[*number].1);
    last_send(run, paid).zip(met_by).is_some_and(|((_, sender), met_by)| sender > met_by)
}

fn sent_before_the_fault(run: &Run, paid: bool) -> bool {
    last_send(run, paid).zip(run.met.first()).is_some_and(|((sent, _), met)| sent < *met)
}
