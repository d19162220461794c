//! Moving through the places. Selections are identities, so a list that moves does not move what is selected.

use super::trail::Trail;
use super::{
    BoardPlace, BoardRow, ComponentPlace, Overlay, Place, State, Tab, TierPlace, TopologyPlace, TrailPlace, operations,
    rows, trail,
};
use crate::action::{Motion, Page};
use crate::domain::id::{Alias, ComponentId, SourceId};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::model::board::{AlertRow, Board, Cause};
use crate::operation::target::Target;

/// Lines of a page step.
const PAGE: usize = 10;

/// Leaves what is on top: an overlay, a filter, an opened tier, a place.
pub fn back(state: &mut State) {
    if state.overlay.take().is_some() {
        return;
    }
    if !state.filter.text().is_empty() {
        state.filter = super::Filter::default();
        return;
    }
    if state.places.len() > 1 {
        state.places.pop();
    } else if let Some(Place::Board(place)) = state.places.last_mut() {
        place.open.clear();
    }
}

/// Opens what is selected.
pub fn open(state: &mut State) {
    if state.overlay.is_some() {
        return;
    }
    if let Some(Place::Operations { selected }) = state.place() {
        if let Some(id) = rows::operation(state, selected.as_ref()) {
            operations::show(state, id);
        }
        return;
    }
    let board = state.board.clone();
    let filter = state.filter.text().to_owned();
    let next = match state.place() {
        Some(Place::Board(place)) => match rows::selection(&board, place) {
            BoardRow::Users => Some(topology_place(None)),
            BoardRow::Tier(tier) => Some(tier_place(tier)),
            BoardRow::Component(id) => Some(component_place(id)),
        },
        Some(Place::Topology(place)) => rows::topology_selection(&board, place).map(component_place),
        Some(Place::Tier(place)) => rows::tier_selection(&board, place, &filter).map(component_place),
        Some(Place::Changes { selected }) => {
            let list = rows::changes(state, &filter);
            let at = rows::place_of(&list, |change| Some(&change.key) == selected.as_ref());
            list.get(at).and_then(|change| change_subject(change)).map(component_place)
        }
        Some(Place::Alerts { selected }) => {
            let list = rows::alerts(state, &filter);
            let at = rows::place_of(&list, |alert| is_alert(alert, selected.as_ref()));
            list.get(at).and_then(|alert| match (&alert.component, alert.tier) {
                (Some(id), _) => Some(component_place(id.clone())),
                (None, Some(tier)) => Some(tier_place(tier)),
                (None, None) => None,
            })
        }
        Some(Place::Rollouts { selected }) => {
            let list = rows::rollouts(state, &filter);
            list.get(rows::place_of(&list, |row| Some(&row.id) == selected.as_ref()))
                .map(|row| component_place(row.id.clone()))
        }
        Some(Place::Databases { selected }) => {
            let list = rows::databases(state, &filter);
            list.get(rows::place_of(&list, |row| row.is(selected.as_ref())))
                .map(|row| component_place(row.of.id.clone()))
        }
        Some(Place::Trail(place)) => {
            if !trail::found(place, &filter, state.now).is_empty() {
                state.overlay = Some(Overlay::Record { scroll: 0 });
            }
            None
        }
        Some(Place::Component(_) | Place::Sources { .. } | Place::Operations { .. }) | None => None,
    };
    if let Some(place) = next {
        state.filter = super::Filter::default();
        state.places.push(place);
    }
}

/// Opens a component.
pub fn go_to(state: &mut State, component: ComponentId) {
    state.filter = super::Filter::default();
    state.places.push(component_place(component));
}

/// Shows a page; one that is already below is gone back to, so that Back never runs in circles.
pub fn show(state: &mut State, page: Page) {
    state.overlay = None;
    state.filter = super::Filter::default();
    let is_page = |place: &Place| {
        matches!(
            (page, place),
            (Page::Board, Place::Board(_))
                | (Page::Topology, Place::Topology(_))
                | (Page::Sources, Place::Sources { .. })
                | (Page::Changes, Place::Changes { .. })
                | (Page::Alerts, Place::Alerts { .. })
                | (Page::Operations, Place::Operations { .. })
                | (Page::Rollouts, Place::Rollouts { .. })
                | (Page::Databases, Place::Databases { .. })
                | (Page::Trail, Place::Trail(_))
        )
    };
    if let Some(index) = state.places.iter().position(is_page) {
        state.places.truncate(index + 1);
        return;
    }
    state.places.push(match page {
        Page::Board => Place::Board(BoardPlace::default()),
        Page::Topology => topology_place(selection(state)),
        Page::Sources => Place::Sources { selected: None },
        Page::Changes => Place::Changes { selected: None },
        Page::Alerts => Place::Alerts { selected: None },
        Page::Operations => Place::Operations { selected: None },
        Page::Rollouts => Place::Rollouts { selected: None },
        Page::Databases => Place::Databases { selected: None },
        Page::Trail => Place::Trail(TrailPlace::default()),
    });
}

/// The component the operator is looking at, where the place has one.
fn selection(state: &State) -> Option<ComponentId> {
    match state.place()? {
        Place::Board(place) => match place.selected.as_ref()? {
            BoardRow::Component(id) => Some(id.clone()),
            BoardRow::Tier(tier) => tier_ids(&state.board, *tier, "").into_iter().next(),
            BoardRow::Users => None,
        },
        Place::Tier(place) => rows::tier_selection(&state.board, place, state.filter.text()),
        Place::Component(place) => Some(place.component.clone()),
        _ => None,
    }
}

/// The component that is operated from here: what is selected; of users and of a tier the probable cause where it lies
/// there, else the worst component.
pub fn operable(state: &State) -> Option<ComponentId> {
    let board = &state.board;
    let cause = if let Cause::Found(suspect) = &board.cause { Some(&suspect.component) } else { None };
    let filter = state.filter.text();
    match state.place()? {
        Place::Board(place) => match rows::selection(board, place) {
            BoardRow::Component(id) => Some(id),
            BoardRow::Users => cause.cloned(),
            BoardRow::Tier(tier) => operable_of(board, tier, cause),
        },
        Place::Topology(place) => rows::topology_selection(board, place),
        Place::Tier(place) => rows::tier_selection(board, place, filter),
        Place::Component(place) => Some(place.component.clone()),
        Place::Changes { selected } => {
            let list = rows::changes(state, filter);
            list.get(rows::place_of(&list, |change| Some(&change.key) == selected.as_ref()))
                .and_then(|c| change_subject(c))
        }
        Place::Alerts { selected } => {
            let list = rows::alerts(state, filter);
            let at = rows::place_of(&list, |alert| is_alert(alert, selected.as_ref()));
            list.get(at).and_then(|alert| alert.component.clone())
        }
        Place::Rollouts { selected } => {
            let list = rows::rollouts(state, filter);
            list.get(rows::place_of(&list, |row| Some(&row.id) == selected.as_ref())).map(|row| row.id.clone())
        }
        Place::Databases { selected } => {
            let list = rows::databases(state, filter);
            let row = list.get(rows::place_of(&list, |row| row.is(selected.as_ref())))?;
            let able = [row.of, row.head].into_iter().find(|row| Target::of(row).is_some());
            able.map(|row| row.id.clone())
        }
        Place::Sources { .. } | Place::Operations { .. } | Place::Trail(_) => None,
    }
}

fn operable_of(board: &Board, tier: Tier, cause: Option<&ComponentId>) -> Option<ComponentId> {
    let row = rows::tier(board, tier)?;
    let here = cause.filter(|id| row.components.iter().any(|component| component.id == **id));
    let able = rows::tier_components(row, "").into_iter().find(|row| Target::of(row).is_some());
    here.cloned().or_else(|| able.map(|row| row.id.clone()))
}

/// The scroll of the text on top, where that is scrolled and not selected in.
fn scroll(state: &mut State) -> Option<&mut usize> {
    match &mut state.overlay {
        Some(Overlay::Help { scroll } | Overlay::Explain { scroll } | Overlay::Record { scroll }) => Some(scroll),
        Some(Overlay::Card(card)) => Some(&mut card.scroll),
        Some(_) => None,
        None => match state.places.last_mut() {
            Some(Place::Component(place)) => Some(&mut place.scroll),
            _ => None,
        },
    }
}

/// Takes a scroll back that runs past the end: only drawing knows how long a text is when it is wrapped.
pub fn hold(state: &mut State, reach: usize) {
    if let Some(scroll) = scroll(state) {
        *scroll = (*scroll).min(reach);
    }
}

/// Moves the selection, or scrolls the text on top; `reach` is how far that can be scrolled, where it has been drawn.
pub fn motion(state: &mut State, motion: Motion, reach: Option<usize>) {
    if let Some(scroll) = scroll(state) {
        *scroll = moved(*scroll, reach.map_or(usize::MAX, |reach| reach + 1), motion);
        return;
    }
    if matches!(state.overlay, Some(Overlay::Menu(_))) {
        operations::move_menu(state, motion);
        return;
    }
    let Some(mut place) = state.places.pop() else { return };
    step_in(state, &mut place, motion);
    state.places.push(place);
}

/// The audit trail has been read, for the page that waits for it.
pub fn take_trail(state: &mut State, read: Result<Trail, Shown>) {
    let pages = state.places.iter_mut().rev();
    if let Some(place) =
        pages.filter_map(|place| if let Place::Trail(place) = place { Some(place) } else { None }).next()
    {
        place.trail = Some(read);
    }
}

/// Moves the selection of a place.
fn step_in(state: &State, place: &mut Place, motion: Motion) {
    let board = &state.board;
    let filter = state.filter.text();
    match place {
        Place::Board(place) => {
            let rows = rows::board_rows(board, place, filter);
            place.selected = step(&rows, Some(&rows::selection(board, place)), motion);
        }
        Place::Topology(place) => {
            let order: Vec<_> = rows::topology_order(board).into_iter().map(|row| row.id.clone()).collect();
            place.selected = step(&order, rows::topology_selection(board, place).as_ref(), motion);
        }
        Place::Tier(place) => {
            let ids = tier_ids(board, place.tier, filter);
            place.selected = step(&ids, rows::tier_selection(board, place, filter).as_ref(), motion);
        }
        Place::Component(_) => {}
        Place::Sources { selected } => {
            let ids: Vec<_> = rows::sources(state, filter).into_iter().map(|source| source.id.clone()).collect();
            *selected = step_from_first(&ids, selected.as_ref(), motion);
        }
        Place::Changes { selected } => {
            let keys: Vec<_> = rows::changes(state, filter).into_iter().map(|change| change.key.clone()).collect();
            *selected = step_from_first(&keys, selected.as_ref(), motion);
        }
        Place::Alerts { selected } => {
            let alerts = rows::alerts(state, filter);
            let keys: Vec<_> = alerts.into_iter().map(|alert| (alert.source.clone(), alert.key.clone())).collect();
            *selected = step_from_first(&keys, selected.as_ref(), motion);
        }
        Place::Operations { selected } => {
            *selected = step_from_first(&rows::operations(state), selected.as_ref(), motion);
        }
        Place::Rollouts { selected } => {
            let ids: Vec<_> = rows::rollouts(state, filter).into_iter().map(|row| row.id.clone()).collect();
            *selected = step_from_first(&ids, selected.as_ref(), motion);
        }
        Place::Databases { selected } => {
            let keys: Vec<_> = rows::databases(state, filter).into_iter().map(|row| row.key()).collect();
            *selected = step_from_first(&keys, selected.as_ref(), motion);
        }
        Place::Trail(place) => {
            let rows = trail::found(place, filter, state.now);
            let at = rows::place_of(&rows, |row| row.is(place.selected.as_ref()));
            let key = rows.get(moved(at, rows.len(), motion)).map(|row| row.key());
            place.selected = key;
        }
    }
}

pub fn tab(state: &mut State, by: isize) {
    if let Some(Place::Component(place)) = state.places.last_mut() {
        let at = Tab::ALL.iter().position(|tab| *tab == place.tab).unwrap_or_default();
        let next = at.saturating_add_signed(by + isize::try_from(Tab::ALL.len()).unwrap_or_default()) % Tab::ALL.len();
        if let Some(tab) = Tab::ALL.get(next) {
            place.tab = *tab;
            place.scroll = 0;
        }
    }
}

pub fn zoom(state: &mut State, by: i8) {
    if let Some(Place::Topology(place)) = state.places.last_mut() {
        place.zoom = place.zoom.saturating_add_signed(by).min(2);
    }
}

pub fn next_signal(state: &mut State) {
    if let Some(Place::Component(place)) = state.places.last_mut() {
        let next = |row| (rows::charted(row, place.signal) + 1).checked_rem(rows::signals(row).len());
        place.signal = rows::component(&state.board, &place.component).and_then(|(_, row)| next(row));
    }
}

pub fn range(state: &mut State) {
    if let Some(Place::Component(place)) = state.places.last_mut() {
        place.range_minutes = if place.range_minutes == 60 { 15 } else { 60 };
    }
}

/// The component a change is about, once the model has joined its names.
fn change_subject(change: &crate::model::facts::ChangeFact) -> Option<ComponentId> {
    if let Some(Alias::Component(id)) = &change.subject { Some(id.clone()) } else { None }
}

fn tier_place(tier: Tier) -> Place {
    Place::Tier(TierPlace { tier, selected: None, scroll: 0 })
}

fn component_place(component: ComponentId) -> Place {
    Place::Component(ComponentPlace { component, tab: Tab::Overview, signal: None, range_minutes: 60, scroll: 0 })
}

fn topology_place(selected: Option<ComponentId>) -> Place {
    Place::Topology(TopologyPlace { selected, zoom: 1, ..TopologyPlace::default() })
}

fn tier_ids(board: &Board, tier: Tier, filter: &str) -> Vec<ComponentId> {
    let row = rows::tier(board, tier);
    row.map(|row| rows::tier_components(row, filter)).into_iter().flatten().map(|row| row.id.clone()).collect()
}

fn is_alert(alert: &AlertRow, selected: Option<&(SourceId, Raw)>) -> bool {
    selected.is_some_and(|(source, key)| (source, key) == (&alert.source, &alert.key))
}

/// In a list whose first row is selected until the operator moves.
fn step_from_first<T: PartialEq + Clone>(rows: &[T], current: Option<&T>, motion: Motion) -> Option<T> {
    step(rows, current.or_else(|| rows.first()), motion)
}

/// The row a motion leads to; from a row that is gone, the first.
fn step<T: PartialEq + Clone>(rows: &[T], current: Option<&T>, motion: Motion) -> Option<T> {
    let at = current.and_then(|current| rows.iter().position(|row| row == current));
    let next = at.map_or(0, |at| moved(at, rows.len(), motion));
    rows.get(next).cloned()
}

pub fn moved(at: usize, len: usize, motion: Motion) -> usize {
    let last = len.saturating_sub(1);
    match motion {
        Motion::Up => at.saturating_sub(1),
        Motion::Down => (at + 1).min(last),
        Motion::PageUp => at.saturating_sub(PAGE),
        Motion::PageDown => at.saturating_add(PAGE).min(last),
        Motion::First => 0,
        Motion::Last => last,
    }
}
