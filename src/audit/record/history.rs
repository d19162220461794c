//! What earlier sessions and colleagues left, for a session that starts or goes on: a fold without input or output.

use std::collections::{BTreeMap, BTreeSet};

use super::summary::{State, Summaries, Summary};
use super::{ActionId, Debt, DebtState, Event, Line, StreamId, Target, Text};
use crate::domain::text::Shown;
use crate::domain::time::Stamp;

/// What concerns a session of the others. Of every environment of the trail: whoever shows it picks its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Operations with a request in doubt, newest first.
    pub in_doubt: Vec<Summary>,
    /// Operations of living sessions that have sent something and are not over.
    pub in_flight: Vec<Summary>,
    /// Operations whose last record came when nobody of this user was looking.
    pub away: Vec<Summary>,
    /// Operations that were in doubt and are resolved.
    pub resolved: BTreeSet<ActionId>,
    /// Everything booked and not paid.
    pub owed: Vec<Owed>,
    /// Debts that were booked and are paid: who booked them, and what.
    pub paid: BTreeSet<(ActionId, Text)>,
    /// What could not be read, or is not as it was written: each says what to do.
    pub troubles: Vec<Shown>,
}

/// Something put aside that nobody has put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub environment: Text,
    pub who: Text,
    /// World time.
    pub at: Stamp,
    pub target: Target,
    pub debt: Debt,
}

/// Gathers lines, in any order within a stream's own, into a [`History`].
#[derive(Debug, Default)]
pub struct Gathering {
    summaries: Summaries,
    /// Wall time of the newest record of each operation.
    newest: BTreeMap<ActionId, Stamp>,
    sessions: BTreeMap<StreamId, Session>,
    debts: BTreeMap<(ActionId, Text), Owed>,
    paid: BTreeSet<(ActionId, Text)>,
}

/// How long somebody looked.
#[derive(Debug)]
struct Session {
    who: Text,
    is_console: bool,
    detached: Option<Stamp>,
    last: Stamp,
}

impl Gathering {
    pub fn add(&mut self, line: &Line) {
        self.summaries.add(line);
        let at = line.at();
        let session = self.sessions.entry(line.stream.clone()).or_insert_with(|| Session {
            who: line.who.clone(),
            is_console: false,
            detached: None,
            last: at,
        });
        // A later session may set a torn end aside: that is none of this one's doing.
        if !matches!(line.record.event, Event::Recovery(_)) {
            session.last = session.last.max(at);
        }
        match &line.record.event {
            Event::SessionStart(start) => session.is_console = start.mode.as_str() == "console",
            Event::Detached { .. } => session.detached = Some(at),
            Event::Debt(debt) => self.debt(line, debt),
            _ => {}
        }
        if let Some(action) = &line.record.action {
            let newest = self.newest.entry(action.clone()).or_default();
            *newest = (*newest).max(at);
        }
    }

    fn debt(&mut self, line: &Line, debt: &Debt) {
        let key = (debt.of.clone(), debt.what.clone());
        match debt.state {
            DebtState::Paid => drop(self.paid.insert(key)),
            DebtState::Booked => {
                let owed = Owed {
                    environment: line.record.environment.clone().unwrap_or_default(),
                    who: line.who.clone(),
                    at: Stamp::parse_rfc3339(&line.world).unwrap_or_default(),
                    target: line.record.target.clone().unwrap_or_default(),
                    debt: debt.clone(),
                };
                self.debts.insert(key, owed);
            }
        }
    }

    /// What it comes to for `who`, whose present session writes the streams `own`.
    #[must_use]
    pub fn history(self, who: &Text, own: &[StreamId], alive: &[StreamId], troubles: Vec<Shown>) -> History {
        let away_since = self.looked_until(who, own, alive);
        let Self { summaries, newest, debts, paid, .. } = self;
        let mut history = History { troubles, ..History::default() };
        history.owed = debts.into_iter().filter(|(key, _)| !paid.contains(key)).map(|(_, owed)| owed).collect();
        history.paid = paid;
        history.owed.sort_by_key(|owed| std::cmp::Reverse(owed.at));
        for row in summaries.rows(|stream| alive.contains(stream)) {
            if matches!(row.state, State::Resolved(_)) {
                history.resolved.insert(row.action.clone());
            }
            let ended = newest.get(&row.action).copied().unwrap_or_default();
            match row.state {
                State::InDoubt => history.in_doubt.push(row),
                State::InFlight => history.in_flight.push(row),
                State::Unverified | State::Done(_) | State::Resolved(_) if away_since.is_some_and(|at| ended > at) => {
                    history.away.push(row);
                }
                _ => {}
            }
        }
        history
    }

    /// Wall time at which a console of this user was last looked at; `None` for who has had none. One that is open
    /// elsewhere has missed nothing.
    fn looked_until(&self, who: &Text, own: &[StreamId], alive: &[StreamId]) -> Option<Stamp> {
        let theirs = self
            .sessions
            .iter()
            .filter(|(stream, session)| session.is_console && session.who == *who && !own.contains(stream));
        let until = |(stream, session): (&StreamId, &Session)| match session.detached {
            Some(at) => at,
            None if alive.contains(stream) => Stamp::from_millis(i64::MAX),
            None => session.last,
        };
        theirs.map(until).max()
    }
}
