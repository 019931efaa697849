//! How a caller comes to a token that is good: a pure function from what just happened to what is done next
//! (reliability.md §d, rulings.md 20–22).
//!
//! It knows no clock, no network and no table; `app::grant` runs its steps, and the model of `tests/model/tokens` runs the
//! same ones against vendors that rotate refresh tokens leniently, strictly, and with revenge. The rules:
//!
//! - One caller at a time buys: the one that has the lease. The others go on with the token they have, or wait for the new
//!   one; they never buy.
//! - Whoever has the lease first looks for tokens that were bought and not committed. To use the older refresh token then
//!   could end the whole grant.
//! - A purchase is begun only when it ends well before the lease does, and what was bought is written into the journal
//!   before it is committed, and committed before it is used.
//! - What was just bought is used, however short it lives: nobody buys twice in a row.
//! - A refusal is believed only when it comes twice, with the same lease, and nobody has newer tokens. Whatever else happens,
//!   nothing is cleared.

use jiff::SignedDuration;

/// How long a lease lasts. A purchase takes up to twenty seconds.
pub const LEASE: SignedDuration = SignedDuration::from_secs(45);

/// A purchase is begun only with this much left of the lease: its twenty seconds, and ten to write down what was bought.
pub const PURCHASE_NEEDS: SignedDuration = SignedDuration::from_secs(30);

/// A token with less time left is renewed before it is used, if nobody does so already. To it comes some chance, so that not
/// all callers want to renew at once.
pub const RENEWED_BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// The most that chance adds.
pub const CHANCE: SignedDuration = SignedDuration::from_mins(1);

/// A token with less time left is not used any more.
pub const USABLE: SignedDuration = SignedDuration::from_secs(30);

/// How long a caller without the lease waits for the new tokens, look by look, in milliseconds: three seconds.
pub const LOOKS_MS: [u64; 5] = [100, 200, 400, 800, 1500];

/// Between a refusal and the same question once more: time for newer tokens to show up.
pub const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(5);

/// What is believed to be a refusal.
const REFUSALS: u8 = 2;

/// The access token of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Good for a while.
    Fresh,
    /// About to end.
    Ending,
    /// Ended, or the vendor refused it.
    Over,
}

/// What a strongly consistent read of the connection shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is not there, or its grant was refused for good.
    Ended,
    /// It names tokens.
    Standing {
        /// Its generation.
        generation: u64,
        /// Its access token.
        token: Token,
    },
}

/// What just happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection was read.
    Read(Seen),
    /// The lease is ours, on this generation.
    Leased(u64),
    /// The lease is not ours; the connection as it stands.
    NotLeased(Seen),
    /// The journal was read.
    Journal(Left),
    /// The vendor gave new tokens.
    Bought,
    /// The vendor does not take the refresh token.
    Refused,
    /// No usable answer, or our own credentials are wrong: whether something was bought is not known.
    NoAnswer,
    /// Too little time is left to buy; nothing was asked.
    NoTime,
    /// Some seconds have passed.
    Paused,
    /// The new tokens are in the journal.
    Kept,
    /// They are not.
    NotKept,
    /// The connection names the new tokens, whose access token is in this state; the lease is given back.
    Committed(Token),
    /// Somebody else has committed or taken over since.
    Overtaken,
    /// The connection says that a person must connect again.
    GivenUp,
    /// The lease is given back.
    Released,
}

/// What a renewal before has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing newer than the connection's tokens.
    Nothing,
    /// Newer tokens, in the journal.
    InJournal,
    /// Newer tokens, in the memory of this process alone.
    InMemory,
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go: with the tokens of the connection, as last read or committed.
    Use,
    /// Take the lease.
    Lease,
    /// Wait a moment, the so many-th of [`LOOKS_MS`], and read the connection.
    LookAgain(u8),
    /// Read the connection.
    Read,
    /// Read the journal.
    ReadJournal,
    /// Buy new tokens with the connection's, once, if there is time.
    Buy,
    /// Wait [`ASK_AGAIN_AFTER`].
    Pause,
    /// Write the new tokens into the journal.
    Keep,
    /// Let the connection name the new tokens.
    Commit,
    /// Write down that a person must connect again.
    GiveUp,
    /// Give the lease back.
    Release,
    /// No token.
    End(End),
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A person must connect again.
    Disconnected,
    /// Somebody else is renewing. Later.
    Busy,
    /// The vendor gave no usable answer. Later; until the lease ends nobody asks again.
    NoAnswer,
    /// Too little time was left. Later.
    NoTime,
    /// The new tokens are in this process only. Later.
    NotKept,
}

/// One caller's way to a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Renewal {
    /// The generation on which it has the lease.
    leased: Option<u64>,
    looks: u8,
    refusals: u8,
    /// What it is about to commit, it has bought itself.
    bought: bool,
}

impl Renewal {
    /// The next step.
    pub fn next(&mut self, event: Event) -> Step {
        match event {
            Event::Read(seen) => self.read(seen),
            Event::NotLeased(seen) => self.not_leased(seen),
            Event::Leased(generation) => {
                self.leased = Some(generation);
                Step::ReadJournal
            }
            Event::Journal(Left::InJournal) => Step::Commit,
            Event::Journal(Left::InMemory) => Step::Keep,
            Event::Journal(Left::Nothing) => match self.refusals {
                0 => Step::Buy,
                REFUSALS.. => Step::GiveUp,
                _ => Step::Pause,
            },
            Event::Paused => Step::Buy,
            Event::Bought => {
                self.bought = true;
                Step::Keep
            }
            Event::Kept => Step::Commit,
            Event::Refused => {
                self.refusals += 1;
                Step::Read
            }
            Event::Committed(token) => {
                let Self { bought, .. } = std::mem::take(self);
                // What a renewal before has left may have ended meanwhile. What was just bought is as good as it gets,
                // however short the vendor lets it live: whoever bought it and bought again would never end.
                if bought || token != Token::Over { Step::Use } else { Step::Lease }
            }
            Event::Overtaken => {
                *self = Self::default();
                Step::Read
            }
            Event::NoTime => Step::Release,
            Event::GivenUp => Step::End(End::Disconnected),
            Event::Released => Step::End(End::NoTime),
            Event::NoAnswer => Step::End(End::NoAnswer),
            Event::NotKept => Step::End(End::NotKept),
        }
    }

    fn read(&mut self, seen: Seen) -> Step {
        let Seen::Standing { generation, token } = seen else { return Step::End(End::Disconnected) };
        match self.leased {
            // A refusal: are there newer tokens?
            Some(leased) if leased == generation => return Step::ReadJournal,
            Some(_) => *self = Self::default(),
            None if self.looks > 0 => return self.wait_for(token),
            None => {}
        }
        if token == Token::Fresh { Step::Use } else { Step::Lease }
    }

    fn not_leased(&mut self, seen: Seen) -> Step {
        match seen {
            Seen::Ended => Step::End(End::Disconnected),
            Seen::Standing { token, .. } => self.wait_for(token),
        }
    }

    /// Whoever has not got the lease never buys.
    fn wait_for(&mut self, token: Token) -> Step {
        match token {
            Token::Fresh | Token::Ending => Step::Use,
            Token::Over if usize::from(self.looks) < LOOKS_MS.len() => {
                self.looks += 1;
                Step::LookAgain(self.looks - 1)
            }
            Token::Over => Step::End(End::Busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps that follow on these events.
    fn steps(events: &[Event]) -> Vec<Step> {
        let mut renewal = Renewal::default();
        events.iter().map(|event| renewal.next(*event)).collect()
    }

    fn standing(generation: u64, token: Token) -> Seen {
        Seen::Standing { generation, token }
    }

    const OVER: Event = Event::Read(Seen::Standing { generation: 1, token: Token::Over });
    const NOTHING: Event = Event::Journal(Left::Nothing);

    #[test]
    fn a_token_that_is_good_for_a_while_is_used_and_nothing_is_written() {
        assert_eq!(steps(&[Event::Read(standing(1, Token::Fresh))]), [Step::Use]);
    }

    #[test]
    fn an_ended_token_is_renewed_journal_first_and_used_once_it_is_committed() {
        let events =
            [OVER, Event::Leased(1), NOTHING, Event::Bought, Event::Kept, Event::Committed(Token::Fresh)];
        let expected = [Step::Lease, Step::ReadJournal, Step::Buy, Step::Keep, Step::Commit, Step::Use];
        assert_eq!(steps(&events), expected);
    }

    #[test]
    fn who_does_not_get_the_lease_uses_what_there_is_or_waits_and_never_buys() {
        let ending = standing(1, Token::Ending);
        assert_eq!(steps(&[Event::Read(ending), Event::NotLeased(ending)]), [Step::Lease, Step::Use]);
        let mut events = vec![OVER, Event::NotLeased(standing(1, Token::Over))];
        events.extend([OVER; LOOKS_MS.len()]);
        let steps = steps(&events);
        assert_eq!(steps[1..3], [Step::LookAgain(0), Step::LookAgain(1)]);
        assert_eq!(steps.last(), Some(&Step::End(End::Busy)));
        assert!(!steps.contains(&Step::Buy));
        assert!(LOOKS_MS.iter().sum::<u64>() <= 3000);
    }

    #[test]
    fn tokens_that_a_crash_left_in_the_journal_are_committed_and_nothing_is_bought() {
        let events =
            [OVER, Event::Leased(1), Event::Journal(Left::InJournal), Event::Committed(Token::Fresh)];
        assert_eq!(steps(&events), [Step::Lease, Step::ReadJournal, Step::Commit, Step::Use]);
        let events = [OVER, Event::Leased(1), Event::Journal(Left::InMemory), Event::Kept];
        assert_eq!(steps(&events), [Step::Lease, Step::ReadJournal, Step::Keep, Step::Commit]);
        let long_ago =
            [OVER, Event::Leased(1), Event::Journal(Left::InJournal), Event::Committed(Token::Over)];
        assert_eq!(steps(&long_ago).last(), Some(&Step::Lease));
    }

    #[test]
    fn what_was_just_bought_is_used_however_short_it_lives() {
        for token in [Token::Fresh, Token::Ending, Token::Over] {
            let bought =
                [OVER, Event::Leased(1), NOTHING, Event::Bought, Event::Kept, Event::Committed(token)];
            assert_eq!(steps(&bought).last(), Some(&Step::Use), "{token:?}");
        }
    }

    #[test]
    fn a_refusal_is_believed_the_second_time_when_nobody_has_newer_tokens() {
        let events = [
            OVER,
            Event::Leased(1),
            NOTHING,
            Event::Refused,
            OVER,
            NOTHING,
            Event::Paused,
            Event::Refused,
            OVER,
            NOTHING,
            Event::GivenUp,
        ];
        let expected = [
            Step::Lease,
            Step::ReadJournal,
            Step::Buy,
            Step::Read,
            Step::ReadJournal,
            Step::Pause,
            Step::Buy,
            Step::Read,
            Step::ReadJournal,
            Step::GiveUp,
            Step::End(End::Disconnected),
        ];
        assert_eq!(steps(&events), expected);
    }

    #[test]
    fn after_a_refusal_newer_tokens_are_used_wherever_they_are() {
        let refused = [OVER, Event::Leased(1), NOTHING, Event::Refused];
        let then = |event: &[Event]| *steps(&[&refused, event].concat()).last().unwrap();
        assert_eq!(then(&[Event::Read(standing(2, Token::Fresh))]), Step::Use);
        assert_eq!(then(&[OVER, Event::Journal(Left::InJournal)]), Step::Commit);
        assert_eq!(then(&[Event::Read(Seen::Ended)]), Step::End(End::Disconnected));
    }

    #[test]
    fn no_answer_clears_nothing_and_no_time_gives_the_lease_back() {
        let leased = [OVER, Event::Leased(1), NOTHING];
        let then = |event| *steps(&[&leased[..], &[event]].concat()).last().unwrap();
        assert_eq!(then(Event::NoAnswer), Step::End(End::NoAnswer));
        assert_eq!(then(Event::NoTime), Step::Release);
    }
}
