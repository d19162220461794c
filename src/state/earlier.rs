//! What earlier sessions and colleagues left: on the desk, in a notice, and how a doubt is resolved.

use super::message::Effect;
use super::{Notice, State};
use crate::audit::record::Outcome;
use crate::audit::record::history::History;
use crate::domain::text::{Raw, Shown};
use crate::operation::target::OperationId;
use crate::shown;

/// Takes over what the trail tells now, of this environment; what is new since the last time is told in notices.
pub fn remember(state: &mut State, mut history: History) {
    let environment = state.operations.place.environment.clone();
    let before: Vec<OperationId> = state.operations.desk.doubts.iter().map(|doubt| doubt.operation.clone()).collect();
    let left_out = state.operations.desk.remember(&environment, &history);
    if left_out > 0 {
        history.troubles.push(shown!(
            "{} more in doubt, of other environments or of kinds unknown here: tierdeck audit list --outcome in-doubt",
            left_out
        ));
    }
    let known = &state.operations.earlier;
    let mut news: Vec<Shown> = history.troubles.iter().filter(|told| !known.troubles.contains(told)).cloned().collect();
    history.away.retain(|row| row.environment.shown() == environment);
    let ended = history.away.iter().filter(|row| known.away.iter().all(|old| old.action != row.action)).count();
    let doubts = state.operations.desk.doubts.iter().filter(|doubt| !before.contains(&doubt.operation)).count();
    if ended + doubts > 0 {
        news.push(shown!("while you were away: {} ended, {} in doubt (o)", ended, doubts));
    }
    state.operations.earlier = history;
    let at = state.now;
    state.notices.extend(news.into_iter().map(|text| Notice { at, text }));
}

/// `resolve ID OUTCOME HOW YOU KNOW`.
///
/// # Errors
/// What is expected instead.
pub fn resolve(state: &State, text: &str) -> Result<Vec<Effect>, Shown> {
    let (id, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let (outcome, reason) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let doubts = &state.operations.desk.doubts;
    let is_meant = |of: &OperationId| id.len() >= 4 && (of.0.as_str().starts_with(id) || of.0.as_str().ends_with(id));
    let mut meant = doubts.iter().filter(|doubt| is_meant(&doubt.operation));
    let (Some(doubt), None) = (meant.next(), meant.next()) else {
        return Err(shown!("{} is no operation in doubt; o lists them", Raw::new(id)));
    };
    let known = Outcome::ALL.into_iter().filter(|of| *of != Outcome::Unknown);
    let Some(outcome) = known.clone().find(|of| of.name() == outcome) else {
        return Err(shown!("how did it end? {}", Shown::joined(known.map(Outcome::name), ", ")));
    };
    if reason.trim().is_empty() {
        return Err(Shown::fixed("how do you know? resolve ID OUTCOME REASON"));
    }
    let (operation, reason) = (doubt.operation.clone(), Shown::of(reason.trim()));
    Ok(vec![Effect::Resolve { operation, outcome, reason }])
}
