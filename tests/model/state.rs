//! One state of the model in 24 bytes: the record, up to three attempts, and the world around them.
//!
//! Left out, because nothing depends on it: the fence is a bit of each attempt (does it still hold the record?), since only
//! equality is ever asked; times are phases (a quiet period runs or is over, HubSpot's wait is far or near its end); the
//! lease is not there at all: a record under way can be taken over, or be found taken, at any moment.

use store::record::State;

/// At most so many attempts are alive at once.
pub(crate) const SLOTS: usize = 3;

/// Sends whose sender is gone and that may still take effect. The protocol never has more than one; mutants do.
pub(crate) const STRAYS: usize = 2;

/// The number of the company, or of the deal's version: before a change, or after it.
pub(crate) type Version = u8;

/// What is frozen: for which company, and from which version of the deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) company: Version,
    pub(crate) deal: Version,
}

/// `callback_due`, and how much longer HubSpot waits or tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Debt {
    None,
    /// More than [`app::protocol::CALLBACK_BEFORE`] ahead.
    Far,
    /// At most that.
    Near,
    /// None, and HubSpot's own retries are over too.
    TooLate,
}

impl Debt {
    /// HubSpot was promised a callback.
    pub(crate) fn is_owed(self) -> bool {
        matches!(self, Self::Far | Self::Near)
    }
}

/// `quiet_until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Quiet {
    None,
    Running,
    Over,
}

/// When what is being sent was first sent: `first_sent_at`, from DOC_DONE on `pay_first_sent_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Sent {
    Never,
    Lately,
    /// Longer ago than anybody believes that it can be found out.
    LongAgo,
}

/// The record, as stored or as an attempt last saw it: what [`app::protocol::next`] and the conditions of the writes read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) state: State,
    pub(crate) realm: Version,
    pub(crate) plan: Option<Plan>,
    /// 0 to [`store::record::REPLANS`].
    pub(crate) plan_version: u8,
    pub(crate) pay_plan: bool,
    pub(crate) pay_id: bool,
    pub(crate) pay_refused: bool,
    /// Whether the document's id is recorded.
    pub(crate) made: bool,
    pub(crate) debt: Debt,
    pub(crate) quiet: Quiet,
    pub(crate) sent: Sent,
    /// HubSpot was told, before the end, that a person must look.
    pub(crate) told: bool,
}

impl Record {
    /// As the first claim leaves it.
    pub(crate) fn claimed(realm: Version) -> Self {
        Self {
            state: State::Claimed,
            realm,
            plan: None,
            plan_version: 0,
            pay_plan: false,
            pay_id: false,
            pay_refused: false,
            made: false,
            debt: Debt::None,
            quiet: Quiet::None,
            sent: Sent::Never,
            told: false,
        }
    }

    /// 22 bits.
    pub(crate) fn bits(&self) -> u32 {
        let plan = self.plan.map_or(0, |plan| 1 + plan.company * 2 + plan.deal);
        let mut bits = Bits(0);
        bits.put(state_number(self.state), 4).put(self.realm, 1).put(plan, 3).put(self.plan_version, 2);
        self.flags(&mut bits);
        bits.0 as u32
    }

    /// 18 bits: without what is only passed on, the company and the version of the deal.
    pub(crate) fn face(&self) -> u32 {
        let mut bits = Bits(0);
        bits.put(state_number(self.state), 4).put(self.plan.is_some().into(), 1).put(self.plan_version, 2);
        self.flags(&mut bits);
        bits.0 as u32
    }

    fn flags(&self, bits: &mut Bits) {
        bits.put(self.pay_plan.into(), 1).put(self.pay_id.into(), 1).put(self.pay_refused.into(), 1);
        bits.put(self.made.into(), 1)
            .put(self.debt as u8, 2)
            .put(self.quiet as u8, 2)
            .put(self.sent as u8, 2)
            .put(self.told.into(), 1);
    }

    pub(crate) fn read(bits: u32) -> Self {
        let mut bits = Bits(bits.into());
        let told = bits.flag();
        let sent = [Sent::Never, Sent::Lately, Sent::LongAgo][usize::from(bits.take(2))];
        let quiet = [Quiet::None, Quiet::Running, Quiet::Over][usize::from(bits.take(2))];
        let debt = [Debt::None, Debt::Far, Debt::Near, Debt::TooLate][usize::from(bits.take(2))];
        let (made, pay_refused) = (bits.flag(), bits.flag());
        let (pay_id, pay_plan) = (bits.flag(), bits.flag());
        let plan_version = bits.take(2);
        let plan = bits.take(3).checked_sub(1).map(|plan| Plan { company: plan / 2, deal: plan % 2 });
        let realm = bits.take(1);
        let state = State::ALL[usize::from(bits.take(4))];
        Self {
            state,
            realm,
            plan,
            plan_version,
            pay_plan,
            pay_id,
            pay_refused,
            made,
            debt,
            quiet,
            sent,
            told,
        }
    }
}

fn state_number(state: State) -> u8 {
    State::ALL.iter().position(|known| *known == state).unwrap_or_default() as u8
}

/// A change of the record, without what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Change {
    Freeze,
    Intend,
    Unsend,
    Replan,
    Record,
    Complete,
    RefusePayment,
    Fail,
    Review,
}

impl Change {
    /// Whether it ends the execution.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Fail | Self::Review)
    }
}

/// What QuickBooks answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Answer {
    Made,
    /// 400, for good.
    Refused,
    /// 400, for a reason that a new plan may mend.
    Outdated,
}

/// What an attempt does next. Each is one atomic step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Reads the deal.
    Plan,
    /// Makes one conditional write.
    Write(Change),
    /// Lets the POST go.
    Send,
    /// Waits for QuickBooks, which the POST has not reached yet; to which company it goes.
    Await(Version),
    /// QuickBooks has answered; the answer has not arrived yet.
    Receive(Answer),
    /// Searches the books.
    Look,
    /// Has searched the books, and now reads the clock: a mutant.
    Judge { found: bool },
    /// Writes down that HubSpot will be called back, and answers BLOCK.
    Promise,
    /// Calls HubSpot back.
    CallBack,
    /// Writes down that HubSpot no longer waits.
    Settle,
}

const CHANGES: [Change; 9] = [
    Change::Freeze,
    Change::Intend,
    Change::Unsend,
    Change::Replan,
    Change::Record,
    Change::Complete,
    Change::RefusePayment,
    Change::Fail,
    Change::Review,
];
const ANSWERS: [Answer; 3] = [Answer::Made, Answer::Refused, Answer::Outdated];

impl Doing {
    /// 1 to 31; 0 is no attempt.
    fn number(self) -> u8 {
        match self {
            Self::Plan => 1,
            Self::Send => 2,
            Self::Await(company) => 3 + company,
            Self::Receive(answer) => 5 + answer as u8,
            Self::Look => 8,
            Self::Judge { found } => 9 + u8::from(found),
            Self::Promise => 11,
            Self::CallBack => 12,
            Self::Settle => 13,
            Self::Write(change) => 14 + change as u8,
        }
    }

    fn read(number: u8) -> Option<Self> {
        Some(match number {
            0 => return None,
            1 => Self::Plan,
            2 => Self::Send,
            3 | 4 => Self::Await(number - 3),
            5..=7 => Self::Receive(ANSWERS[usize::from(number - 5)]),
            8 => Self::Look,
            9 | 10 => Self::Judge { found: number == 10 },
            11 => Self::Promise,
            12 => Self::CallBack,
            13 => Self::Settle,
            _ => Self::Write(CHANGES[usize::from(number - 14)]),
        })
    }
}

/// One attempt: a delivery of HubSpot's, or a run of the reconciler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) doing: Doing,
    /// HubSpot waits for it; else the reconciler makes it.
    pub(crate) delivery: bool,
    /// Its fence is the record's: nobody has claimed since.
    pub(crate) holds: bool,
    /// It wrote the intent whose quiet period the record holds.
    pub(crate) quiet_is_its: bool,
    /// It wrote an intent and has not sent yet.
    pub(crate) intends: bool,
    /// Its final write was refused once, because of a promise.
    pub(crate) again: bool,
    /// The record as it last saw it.
    pub(crate) seen: Record,
}

impl Attempt {
    fn bits(&self) -> u32 {
        let mut bits = Bits(self.seen.bits().into());
        bits.put(self.again.into(), 1).put(self.intends.into(), 1).put(self.quiet_is_its.into(), 1);
        bits.put(self.holds.into(), 1).put(self.delivery.into(), 1).put(self.doing.number(), 5);
        bits.0 as u32
    }

    fn read(bits: u32) -> Option<Self> {
        let mut rest = Bits(bits.into());
        let doing = Doing::read(rest.take(5))?;
        let (delivery, holds) = (rest.flag(), rest.flag());
        let (quiet_is_its, intends, again) = (rest.flag(), rest.flag(), rest.flag());
        let seen = Record::read(rest.0 as u32);
        Some(Self { doing, delivery, holds, quiet_is_its, intends, again, seen })
    }

    /// The POST under way is the payment's.
    pub(crate) fn pays(&self) -> bool {
        matches!(self.seen.state, State::PaySent | State::DocDone)
    }
}

/// A POST, as QuickBooks will see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) pays: bool,
    pub(crate) company: Version,
    /// The plan version that its request id names; 3 for an id that was never used before.
    pub(crate) id: u8,
    /// The plan version of its bytes.
    pub(crate) plan_version: u8,
}

impl Post {
    /// 7 bits, never 0.
    fn bits(self) -> u8 {
        let mut bits = Bits(1);
        bits.put(self.pays.into(), 1).put(self.company, 1).put(self.id, 2).put(self.plan_version, 2);
        bits.0 as u8
    }

    fn read(bits: u8) -> Option<Self> {
        let mut bits = Bits(bits.into());
        let (plan_version, id) = (bits.take(2), bits.take(2));
        let (company, pays) = (bits.take(1), bits.flag());
        bits.flag().then_some(Self { pays, company, id, plan_version })
    }
}

/// A final answer, as HubSpot was told: equal answers are equal bytes, for each is built once and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Told {
    Nothing,
    Paid,
    PaymentRefused,
    Failed,
    Review,
}

const TOLD: [Told; 5] = [Told::Nothing, Told::Paid, Told::PaymentRefused, Told::Failed, Told::Review];

/// One state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) record: Option<Record>,
    /// The record is in the index of due work.
    pub(crate) due: bool,
    pub(crate) attempts: [Option<Attempt>; SLOTS],
    pub(crate) strays: [Option<Post>; STRAYS],
    /// The company that is the portal's choice now.
    pub(crate) company: Version,
    /// The deal as it is now.
    pub(crate) deal: Version,
    pub(crate) deliveries: u8,
    pub(crate) crashes: u8,
    pub(crate) faults: u8,
    /// The company that has the document.
    pub(crate) document: Option<Version>,
    pub(crate) payment: bool,
    /// QuickBooks' first answers by request id: documents by company and plan version, then payments by company.
    pub(crate) answers: [Option<Answer>; 8],
    /// HubSpot was answered BLOCK and not called back since.
    pub(crate) waits: bool,
    pub(crate) told: Told,
}

/// [`World`], packed: what the explorer keeps of each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Packed {
    attempts: [u32; SLOTS],
    record: u32,
    rest: [u32; 2],
}

impl World {
    /// Nothing has happened.
    pub(crate) const START: Self = Self {
        record: None,
        due: false,
        attempts: [None; SLOTS],
        strays: [None; STRAYS],
        company: 0,
        deal: 0,
        deliveries: 0,
        crashes: 0,
        faults: 0,
        document: None,
        payment: false,
        answers: [None; 8],
        waits: false,
        told: Told::Nothing,
    };

    /// Attempts and strays in one order: which is which makes no difference.
    pub(crate) fn pack(&self) -> Packed {
        let mut attempts = self.attempts.map(|attempt| attempt.map_or(0, |attempt| attempt.bits()));
        attempts.sort_unstable();
        let mut strays = self.strays.map(|post| post.map_or(0, Post::bits));
        strays.sort_unstable();
        let mut rest = Bits(0);
        rest.put(self.company, 1).put(self.deal, 1).put(self.deliveries, 2).put(self.crashes, 2);
        rest.put(self.faults, 2).put(self.document.map_or(0, |company| company + 1), 2);
        rest.put(self.payment.into(), 1).put(self.due.into(), 1).put(self.waits.into(), 1);
        rest.put(self.told as u8, 3);
        for answer in self.answers {
            rest.put(answer.map_or(0, |answer| answer as u8 + 1), 2);
        }
        for post in strays {
            rest.put(post, 7);
        }
        let record = self.record.map_or(0, |record| record.bits() << 1 | 1);
        Packed { attempts, record, rest: [(rest.0 >> 32) as u32, rest.0 as u32] }
    }
}

impl Packed {
    pub(crate) fn unpack(&self) -> World {
        let mut rest = Bits(u64::from(self.rest[0]) << 32 | u64::from(self.rest[1]));
        let mut world = World::START;
        world.attempts = self.attempts.map(Attempt::read);
        for post in world.strays.iter_mut().rev() {
            *post = Post::read(rest.take(7));
        }
        for answer in world.answers.iter_mut().rev() {
            *answer = rest.take(2).checked_sub(1).map(|number| ANSWERS[usize::from(number)]);
        }
        world.told = TOLD[usize::from(rest.take(3))];
        (world.waits, world.due, world.payment) = (rest.flag(), rest.flag(), rest.flag());
        world.document = rest.take(2).checked_sub(1);
        (world.faults, world.crashes, world.deliveries) = (rest.take(2), rest.take(2), rest.take(2));
        (world.deal, world.company) = (rest.take(1), rest.take(1));
        world.record = (self.record & 1 == 1).then(|| Record::read(self.record >> 1));
        world
    }

    /// A hash that spreads well enough for open addressing.
    pub(crate) fn hash(&self) -> u64 {
        let words = [
            u64::from(self.attempts[0]) << 32 | u64::from(self.attempts[1]),
            u64::from(self.attempts[2]) << 32 | u64::from(self.record),
            u64::from(self.rest[0]) << 32 | u64::from(self.rest[1]),
        ];
        let mixed = words
            .into_iter()
            .fold(0_u64, |hash, word| (hash.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed ^ mixed >> 29
    }
}

/// Small numbers in one word: the last put is the first taken.
struct Bits(u64);

impl Bits {
    fn put(&mut self, value: u8, width: u32) -> &mut Self {
        debug_assert!(u64::from(value) < 1 << width, "{value} needs more than {width} bits");
        self.0 = self.0 << width | u64::from(value);
        self
    }

    fn take(&mut self, width: u32) -> u8 {
        let value = self.0 & ((1 << width) - 1);
        self.0 >>= width;
        value as u8
    }

    fn flag(&mut self) -> bool {
        self.take(1) == 1
    }
}
