//! What earlier sessions and colleagues left, on the desk of this one.

use super::desk::{Desk, Doubt, Owed};
use super::plan::{Debt, DebtKind};
use super::target::OperationId;
use crate::audit::record::history::{self, History};
use crate::audit::record::summary::Summary;
use crate::audit::record::{ActionId, Target, Text};
use crate::domain::id::{ComponentId, Kind};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// The identity under which this program knows an operation of the trail.
fn operation(action: &ActionId) -> OperationId {
    OperationId(Raw::new(action.as_str()))
}

/// The component that a record is about; `None` for a kind of a newer tierdeck.
fn component(target: &Target) -> Option<ComponentId> {
    Some(ComponentId::new(Kind::parse(target.kind.as_str())?, target.scope.as_str(), target.name.as_str()))
}

impl Desk {
    /// Takes over what the trail says of everything that did not begin in this session, in this environment. It may be
    /// told again and again: the newest word counts. How many operations in doubt it had to leave out, because they are of
    /// another environment or of a kind that this version does not know.
    pub fn remember(&mut self, environment: &Shown, history: &History) -> usize {
        let here = |of: &Text| of.shown() == *environment;
        let doubts = history.in_doubt.iter().filter(|row| here(&row.environment) && self.is_foreign(&row.action));
        let doubts: Vec<Doubt> = doubts.filter_map(doubt).collect();
        let foreign = history.in_doubt.iter().filter(|row| self.is_foreign(&row.action)).count();
        let left_out = foreign.saturating_sub(doubts.len());
        let owed = history.owed.iter().filter(|owed| here(&owed.environment) && self.is_foreign(&owed.debt.of));
        let owed: Vec<Owed> = owed.filter_map(owes).collect();
        let colleagues = history.in_flight.iter().filter(|row| here(&row.environment) && self.is_foreign(&row.action));
        self.colleagues = colleagues
            .map(|row| shown!("{}: {} of {} is in flight", row.who.shown(), row.operation.shown(), row.target.shown()))
            .collect();
        let resolved = |id: &OperationId| history.resolved.iter().any(|action| operation(action) == *id);
        self.doubts.retain(|doubt| doubt.earlier.is_none() && !resolved(&doubt.operation));
        self.doubts.extend(doubts);
        let paid = |owed: &Owed| {
            let what = Text::of(owed.debt.what.as_str());
            history.paid.iter().any(|(by, of)| operation(by) == owed.by && *of == what)
        };
        let own = |owed: &&Owed| self.get(&owed.by).is_some() && !paid(owed);
        let mut debts: Vec<Owed> = self.debts.iter().filter(own).cloned().collect();
        debts.extend(owed);
        self.debts = debts;
        left_out
    }

    fn is_foreign(&self, action: &ActionId) -> bool {
        self.get(&operation(action)).is_none()
    }
}

fn doubt(row: &Summary) -> Option<Doubt> {
    let steps: Vec<Shown> = row.doubts.iter().map(|doubt| shown!("{}", doubt.step)).collect();
    Some(Doubt {
        operation: operation(&row.action),
        target: component(&row.target)?,
        what: shown!("{}: nobody knows whether step {} was done", row.operation.shown(), Shown::joined(steps, ", ")),
        earlier: Some((row.who.shown(), row.last)),
    })
}

fn owes(owed: &history::Owed) -> Option<Owed> {
    let debt = &owed.debt;
    let kind = DebtKind::read(debt.sort.as_str(), |name| debt.values.get(name).map(Text::as_str))?;
    Some(Owed {
        by: operation(&debt.of),
        target: component(&owed.target)?,
        debt: Debt { what: debt.what.shown(), kind, booked_by: 0, cleared_by: None },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::summary::State;
    use crate::audit::record::{Debt as Booked, DebtState, StreamId};
    use crate::domain::time::Stamp;

    fn row(number: u8, environment: &'static str, kind: &'static str) -> Summary {
        let fixed = Text::fixed;
        let target = Target { kind: fixed(kind), scope: fixed("shop"), name: fixed("orders"), ..Target::default() };
        let stream = StreamId::new(Stamp::default(), "bastion", 1, 1);
        Summary {
            action: ActionId::new(Stamp::default(), [number; 10]),
            at: Stamp::default(),
            last: Stamp::from_millis(9),
            who: fixed("jane@bastion"),
            identity: Text::default(),
            environment: fixed(environment),
            target,
            operation: fixed("promote"),
            reason: Text::default(),
            state: State::InDoubt,
            doubts: vec![crate::audit::record::summary::Doubt { stream, seq: 2, step: 1 }],
            break_glass: false,
        }
    }

    fn owed(number: u8) -> history::Owed {
        let Summary { action: of, environment, who, target, .. } = row(number, "prod-eu", "rollout");
        let values = [("name".to_owned(), Text::fixed("orders"))].into();
        let (state, what, sort) = (DebtState::Booked, Text::fixed("orders is held"), Text::fixed("hold"));
        history::Owed { environment, who, at: Stamp::default(), target, debt: Booked { of, state, what, sort, values } }
    }

    #[test]
    fn only_what_is_of_this_environment_and_understood_comes_onto_the_desk_and_the_newest_word_counts() {
        let here = Shown::fixed("prod-eu");
        let mut desk = Desk::default();
        let history = History {
            in_doubt: vec![row(1, "prod-eu", "rollout"), row(2, "staging", "rollout"), row(3, "prod-eu", "spaceship")],
            in_flight: vec![row(4, "prod-eu", "rollout")],
            owed: vec![owed(5)],
            ..History::default()
        };
        assert_eq!(desk.remember(&here, &history), 2, "staging's and the unknown kind's");
        desk.remember(&here, &history);
        let [doubt] = desk.doubts.as_slice() else { panic!("{:?}", desk.doubts) };
        assert_eq!(doubt.target, ComponentId::new(Kind::Rollout, "shop", "orders"));
        assert_eq!(doubt.what.as_str(), "promote: nobody knows whether step 1 was done");
        assert_eq!(doubt.earlier, Some((Shown::fixed("jane@bastion"), Stamp::from_millis(9))));
        assert_eq!(desk.colleagues.len(), 1);
        let [owed] = desk.debts.as_slice() else { panic!("{:?}", desk.debts) };
        assert_eq!(owed.debt.kind, DebtKind::Hold { rollout: Raw::new("orders") });
        // Of this session itself, resolved from elsewhere.
        let own = Doubt { earlier: None, ..doubt.clone() };
        desk.doubts = vec![own];
        let resolved = [row(1, "prod-eu", "rollout").action].into();
        desk.remember(&here, &History { resolved, ..History::default() });
        assert_eq!((desk.doubts.len(), desk.debts.len(), desk.colleagues.len()), (0, 0, 0));
    }
}
