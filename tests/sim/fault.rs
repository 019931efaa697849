//! The calls an attempt makes, and what can befall each of them.

use simulators::chance::Chance;

/// One outgoing call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Taking the record.
    Claim,
    /// Reading a connection and its grant.
    Connection,
    /// Reading the deal in HubSpot.
    Deal,
    /// Finding customer and items in QuickBooks.
    Find,
    /// A transition of the record, by what it does.
    Write(&'static str),
    /// Creating the document.
    Document,
    /// Creating its payment.
    Payment,
    /// Having the document e-mailed.
    Mail,
    /// Renewing a token that was refused.
    Renew,
    /// Looking for the document or the payment.
    Look,
    /// Reading whether HubSpot may be told to wait.
    MayBlock,
    /// Writing down that HubSpot will be called back.
    Promise,
    /// Calling HubSpot back.
    Callback,
    /// Asking what is due.
    Due,
    /// Reading a record that is due.
    Record,
}

/// What befalls a call. The first four are the process dying at four points of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before the call leaves.
    DiesBefore,
    /// The process dies when the call has left, and it has no effect.
    DiesWithoutEffect,
    /// The process dies when the call had its effect, before the reply.
    DiesAfterEffect,
    /// The process dies with the reply in its hands.
    DiesWithReply,
    /// The process dies when the call has left, and the effect comes later.
    DiesBeforeEffect,
    /// The call takes long, perhaps longer than the process lives.
    Stall,
    /// No effect, and the caller knows no more than that it failed.
    Unavailable,
    /// The effect takes place, and its reply is lost.
    ReplyLost,
    /// The reply is lost, and the effect comes later.
    Late,
    /// The reply is lost, and the SDK sends the write again.
    SentTwice,
    /// The enrolled record is gone.
    Gone,
    /// 429.
    Throttled,
    /// Not a byte left.
    NotConnected,
    /// 400 with a definite code.
    Refused,
    /// 400 with code 610: a new plan may do.
    Outdated,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 503 without an effect.
    ServerBefore,
    /// 503 after the effect.
    ServerAfter,
    /// 503, and the effect comes later.
    ServerLate,
    /// 2xx with the effect, and the answer cannot be read.
    Unreadable,
    /// 400 with code 6240: somebody else has the name. Not by chance.
    NameTaken,
}

impl Fault {
    /// The ways to die.
    pub(crate) const DEATHS: [Self; 4] =
        [Self::DiesBefore, Self::DiesWithoutEffect, Self::DiesAfterEffect, Self::DiesWithReply];

    pub(crate) fn kills(self) -> bool {
        Self::DEATHS.contains(&self) || self == Self::DiesBeforeEffect
    }
}

impl Call {
    /// What can befall it beside the [`Fault::DEATHS`].
    pub(crate) fn faults(self) -> &'static [Fault] {
        use Fault::{
            DiesBeforeEffect, Forbidden, Gone, Late, NotConnected, Outdated, Refused, ReplyLost, SentTwice,
            ServerAfter, ServerBefore, ServerLate, Stall, Throttled, Unauthorized, Unavailable, Unreadable,
        };
        match self {
            Self::Claim | Self::Write(_) | Self::Promise => {
                &[DiesBeforeEffect, Stall, Unavailable, ReplyLost, Late, SentTwice]
            }
            Self::Connection | Self::MayBlock | Self::Due | Self::Record => &[Stall, Unavailable],
            Self::Deal => &[Stall, Unavailable, Throttled, Gone],
            Self::Find | Self::Look => &[Stall, Unavailable, Throttled, Unauthorized],
            Self::Renew => &[Stall, Unavailable, Refused],
            Self::Document | Self::Payment | Self::Mail => &[
                DiesBeforeEffect,
                Stall,
                Unavailable,
                ReplyLost,
                Late,
                Throttled,
                NotConnected,
                Refused,
                Outdated,
                Unauthorized,
                Forbidden,
                ServerBefore,
                ServerAfter,
                ServerLate,
                Unreadable,
            ],
            Self::Callback => &[Stall, Unavailable, ReplyLost],
        }
    }
}

/// Which call meets which fault.
#[derive(Clone, Debug)]
pub(crate) enum Faults {
    /// By chance: at most so many, at one in so many calls, and at each call that can meet the favourite,
    /// or only at calls of its kind.
    Chance { left: u32, one_in: u64, favourite: Option<(Fault, Option<Call>)> },
    /// At these calls of a run, by number.
    At(Vec<(usize, Fault)>),
    /// At the next call of these kinds, in this order.
    Next(Vec<(Call, Fault)>),
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self::At(Vec::new())
    }

    /// How many faults of a script have not happened.
    pub(crate) fn unmet(&self) -> usize {
        match self {
            Self::Next(script) => script.len(),
            Self::Chance { .. } | Self::At(_) => 0,
        }
    }

    /// What befalls this call, the `number`th of the run.
    pub(crate) fn pick(&mut self, call: Call, number: usize, chance: &mut Chance) -> Option<Fault> {
        match self {
            Self::Chance { left: 0, .. } => None,
            Self::Chance { left, favourite: Some((favourite, only)), .. }
                if call.faults().contains(favourite) && only.is_none_or(|only| only == call) =>
            {
                *left -= 1;
                Some(*favourite)
            }
            Self::Chance { left, one_in, .. } => {
                if !chance.one_in(*one_in) {
                    return None;
                }
                *left -= 1;
                let dies = chance.one_in(4);
                Some(if dies { chance.pick(&Fault::DEATHS) } else { chance.pick(call.faults()) })
            }
            Self::At(script) => script.iter().find(|(at, _)| *at == number).map(|(_, fault)| *fault),
            Self::Next(script) => match script.first() {
                Some((at, fault)) if *at == call => {
                    let fault = *fault;
                    script.remove(0);
                    Some(fault)
                }
                _ => None,
            },
        }
    }
}
