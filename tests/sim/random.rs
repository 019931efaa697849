//! A run drawn from a seed: deliveries, faults, events, outages, clocks, and what QuickBooks makes of request ids.

use app::action::DocumentKind;
use simulators::chance::Chance;

use crate::books::RequestIds;
use crate::fault::{Call, Fault, Faults};
use crate::mutant::Mutant;
use crate::retry::Retry;
use crate::setup::{Happening, Restored, Setup};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What happens beside attempts, and how often.
const EVENTS: [Happening; 7] = [
    Happening::EditDeal,
    Happening::EditDeal,
    Happening::SwitchCompany,
    Happening::Deploy,
    Happening::MoveClocks,
    Happening::Round,
    Happening::Round,
];

/// A company chosen meanwhile, or a marker removed, is beyond what safe mode can know.
const BEYOND_SAFE_MODE: [Happening; 3] =
    [Happening::SwitchCompany, Happening::Disconnect, Happening::RemoveMarker];

/// The run of a seed.
pub(crate) fn setup(seed: u64, mutant: Option<Mutant>) -> Setup {
    let mut chance = Chance::new(!seed);
    let kinds = [DocumentKind::Invoice, DocumentKind::Estimate, DocumentKind::SalesReceipt];
    let kind = if chance.one_in(2) { DocumentKind::Invoice } else { chance.pick(&kinds) };
    let request_ids = match chance.below(4) {
        0 => RequestIds::Honoured,
        1 => RequestIds::Ignored,
        2 => RequestIds::Forgotten(chance.span(5 * MINUTE)),
        _ => RequestIds::InProgress,
    };
    let mut setup = Setup {
        seed,
        kind,
        paid: kind == DocumentKind::Invoice && !chance.one_in(4),
        mailed: false,
        request_ids: match mutant {
            Some(Mutant::ReplayAtOnceIgnored) => RequestIds::Ignored,
            Some(Mutant::ReplayAtOnceHonoured) => RequestIds::Honoured,
            _ => request_ids,
        },
        lag: if chance.one_in(3) { chance.span(20 * SECOND) } else { 0 },
        workflow: !chance.one_in(8),
        may_block: !chance.one_in(8),
        agenda: agenda(&mut chance),
        first_round: chance.span(2 * MINUTE),
        books_down: None,
        hubspot_down: None,
        faults: Faults::Chance {
            left: u32::try_from(chance.below(7)).unwrap_or_default(),
            one_in: chance.pick(&[2, 4, 8, 16]),
            favourite: favourite(&mut chance),
        },
        rough: true,
        clocks_differ: chance.one_in(4),
        redelivers: true,
        restored: None,
        restores: false,
        preview: false,
        retry: None,
        mutant,
        trace: false,
    };
    outages(&mut setup, &mut chance);
    if setup.clocks_differ {
        // An early clock takes over what a slow attempt still believes to hold.
        let late = [Happening::Delivery, Happening::Round];
        setup.agenda.extend([(); 3].map(|()| (20 * SECOND + chance.span(40 * SECOND), chance.pick(&late))));
        if let Faults::Chance { favourite, .. } = &mut setup.faults
            && chance.one_in(3)
        {
            *favourite = Some((Fault::Stall, None));
        }
    }
    if chance.one_in(16) {
        // As below; and a restored table may know less of a failure than HubSpot was told.
        setup.agenda.retain(|(_, happening)| !BEYOND_SAFE_MODE.contains(happening));
        let within = chance.pick(&[2 * SECOND, MINUTE, 6 * MINUTE, 30 * MINUTE]);
        setup.agenda.push((1 + chance.span(within), Happening::Restore));
        setup.restores = true;
    } else if chance.one_in(40) {
        // What was sent shortly before the restore was made long ago, or is still to take effect.
        let landing = if chance.one_in(2) { Some(chance.span(100 * SECOND)) } else { None };
        setup.agenda.retain(|(_, happening)| !BEYOND_SAFE_MODE.contains(happening));
        setup.restored = Some(Restored { landing, paid: setup.paid && chance.one_in(2) });
    } else if chance.one_in(24) {
        // Only the rounds go on with it.
        setup.agenda.retain(|(_, happening)| *happening != Happening::Delivery);
        setup.retry = Some(if setup.paid { Retry::Payment } else { Retry::Failed });
    }
    setup.mailed = chance.one_in(2);
    // What happens first stands last.
    setup.agenda.sort_by_key(|(at, _)| -at);
    setup
}

/// In some runs one thing goes wrong again and again.
fn favourite(chance: &mut Chance) -> Option<(Fault, Option<Call>)> {
    let only = chance.pick(&[None, None, Some(Call::Document), Some(Call::Payment), Some(Call::Mail)]);
    chance.one_in(5).then(|| (chance.pick(Call::Document.faults()), only))
}

fn agenda(chance: &mut Chance) -> Vec<(i64, Happening)> {
    let mut agenda = vec![(0, Happening::Delivery)];
    for _ in 0..chance.below(4) {
        let at = match chance.below(4) {
            0 | 1 => chance.span(2 * SECOND),
            2 => chance.span(2 * MINUTE),
            _ => chance.span(20 * MINUTE),
        };
        agenda.push((at, Happening::Delivery));
    }
    for _ in 0..chance.below(4) {
        let at = if chance.one_in(3) { chance.span(5 * MINUTE) } else { chance.span(2 * SECOND) };
        agenda.push((at, chance.pick(&EVENTS)));
    }
    if chance.one_in(20) {
        let at = chance.span(2 * SECOND);
        agenda.push((at, Happening::Disconnect));
        agenda.push((at + SECOND + chance.span(20 * MINUTE), Happening::Reconnect));
    }
    if chance.one_in(6) {
        let within = chance.pick(&[2 * SECOND, MINUTE, 4 * MINUTE]);
        agenda.push((chance.span(within), Happening::RemoveMarker));
    }
    agenda
}

/// Now and then a vendor is away for long, and HubSpot's patience ends.
fn outages(setup: &mut Setup, chance: &mut Chance) {
    let from = chance.span(3 * SECOND);
    match chance.below(100) {
        0..=2 => setup.books_down = Some((from, from + chance.span(8 * HOUR))),
        3 => setup.hubspot_down = Some((from, from + chance.span(8 * HOUR))),
        4 => {
            // Nothing runs for more than a week, and then QuickBooks is still away for some minutes.
            setup.first_round = 7 * DAY + HOUR;
            setup.books_down = Some((from, setup.first_round + chance.span(20 * MINUTE)));
        }
        5 => {
            // HubSpot stops waiting while nobody can look.
            setup.books_down = Some((from, from + 5 * HOUR + chance.span(3 * HOUR)));
        }
        6..=7 => {
            // A vendor is away for longer than HubSpot delivers, and nobody may be told to wait.
            (setup.workflow, setup.may_block) = (true, false);
            let down = Some((from, from + 50 * HOUR + chance.span(30 * HOUR)));
            if chance.one_in(2) { setup.hubspot_down = down } else { setup.books_down = down }
        }
        8..=10 => {
            let down = Some((from, from + chance.span(10 * MINUTE)));
            if chance.one_in(3) { setup.hubspot_down = down } else { setup.books_down = down }
        }
        _ => {}
    }
}
