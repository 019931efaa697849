//! QuickBooks' books of two companies, as far as an execution touches them. Documents of a run are all the execution's own:
//! their marker is always the same, unless a person removes it.

use crate::fault::Call;

/// What the server makes of a request id it has seen (reliability.md §a.3: none of this is promised).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestIds {
    /// The first answer again.
    Honoured,
    /// A second effect.
    Ignored,
    /// The first answer again for so many milliseconds, then a second effect.
    Forgotten(i64),
    /// 600 while the first is worked on, then the first answer again.
    InProgress,
}

/// The id of what is made first.
pub(crate) const FIRST_ID: u64 = 1001;

/// What is asked to be created.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// [`Call::Document`], [`Call::Payment`], or [`Call::Mail`], which makes a mail.
    pub(crate) what: Call,
    /// The company of the URL.
    pub(crate) realm: usize,
    /// The company of the token.
    pub(crate) token: usize,
    pub(crate) request_id: String,
    pub(crate) body: String,
    /// A payment's or a mail's document.
    pub(crate) pays: Option<u64>,
    pub(crate) total: u64,
    /// Who sent it.
    pub(crate) task: usize,
}

/// What exists.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) id: u64,
    pub(crate) post: Post,
    pub(crate) at: i64,
    /// From then on queries show it.
    pub(crate) shown_from: i64,
    /// A person may remove the marker.
    pub(crate) marked: bool,
}

/// A request that was accepted and takes effect later.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) at: i64,
    pub(crate) post: Post,
}

/// What the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Made(u64),
    /// 600.
    InProgress,
    /// 6240.
    NameTaken,
}

/// The books of all companies.
pub(crate) struct Books {
    pub(crate) request_ids: RequestIds,
    pub(crate) made: Vec<Made>,
    pub(crate) flights: Vec<Flight>,
    /// How long after an effect queries may not show it, in milliseconds.
    pub(crate) lag: i64,
    /// Names nobody can have any more; none: what is made has no name.
    pub(crate) names: Option<Vec<String>>,
}

impl Books {
    pub(crate) fn new(request_ids: RequestIds, lag: i64) -> Self {
        Self { request_ids, made: Vec::new(), flights: Vec::new(), lag, names: None }
    }

    /// A request arrives and takes effect.
    pub(crate) fn receive(&mut self, post: &Post, now: i64) -> Said {
        let same = |other: &Post| other.request_id == post.request_id && other.realm == post.realm;
        let in_progress = self.flights.iter().any(|flight| same(&flight.post));
        if self.request_ids == RequestIds::InProgress && in_progress {
            return Said::InProgress;
        }
        let seen = self.made.iter().find(|made| same(&made.post));
        match (self.request_ids, seen) {
            (RequestIds::Honoured | RequestIds::InProgress, Some(made)) => return Said::Made(made.id),
            (RequestIds::Forgotten(after), Some(made)) if now - made.at < after => {
                return Said::Made(made.id);
            }
            _ => {}
        }
        if let Some(names) = &mut self.names {
            if names.contains(&post.body) {
                return Said::NameTaken;
            }
            names.push(post.body.clone());
        }
        let id = FIRST_ID + self.made.len() as u64;
        let shown_from = now + self.lag;
        self.made.push(Made { id, post: post.clone(), at: now, shown_from, marked: true });
        Said::Made(id)
    }

    /// A request arrives and takes effect later.
    pub(crate) fn accept(&mut self, post: Post, at: i64) {
        self.flights.push(Flight { at, post });
    }

    /// Lets the flight that is due first land; its sender.
    pub(crate) fn land(&mut self, now: i64) -> Option<usize> {
        let index = self.flights.iter().position(|flight| flight.at <= now)?;
        let flight = self.flights.swap_remove(index);
        self.receive(&flight.post, now);
        Some(flight.post.task)
    }

    pub(crate) fn next_landing(&self) -> Option<i64> {
        self.flights.iter().map(|flight| flight.at).min()
    }

    /// What a query shows of one kind in one company, created since then.
    pub(crate) fn shown(
        &self,
        what: Call,
        realm: usize,
        since: i64,
        now: i64,
    ) -> impl Iterator<Item = &Made> {
        self.made.iter().filter(move |made| {
            made.post.what == what && made.post.realm == realm && made.at >= since && made.shown_from <= now
        })
    }
}
