//! The reducer: messages in, effects out. It dispatches; the sub-reducers each own one slice.

use std::sync::Arc;

use super::message::{Effect, Message, Timed};
use super::{Overlay, Place, State, earlier, navigate, operations, typed};
use crate::action::{Action, Page};
use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::input::{Context, Key, KeyName, Keymap, Lookup};
use crate::model::board::{SourceKind, SourceState, SourceStatus};
use crate::model::world::World;
use crate::shown;

/// World time between two assessments while news stream in, ms.
const ASSESS_EVERY: u64 = 400;

/// Notices that are kept; the oldest go first.
const NOTICES: usize = 20;

/// The state with what it is made from.
pub struct Session {
    state: State,
    world: World,
    keymap: Keymap,
    /// Keys that begin a longer binding.
    pending: Vec<Key>,
    /// News have been applied that no assessment has seen.
    stale: bool,
    assessed_at: Option<Stamp>,
    /// How far the text on top can be scrolled, since it was drawn.
    reach: Option<usize>,
}

impl Session {
    #[must_use]
    pub fn new(state: State, world: World, keymap: Keymap) -> Self {
        let mut session =
            Self { state, world, keymap, pending: Vec::new(), stale: false, assessed_at: None, reach: None };
        describe(&mut session.state, &session.keymap);
        session
    }

    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What drawing has found out: how far the text on top can be scrolled, lines.
    pub fn drawn(&mut self, reach: usize) {
        self.reach = Some(reach);
        navigate::hold(&mut self.state, reach);
    }

    /// Takes one message; what the shell shall do follows.
    pub fn update(&mut self, timed: Timed) -> Vec<Effect> {
        self.state.now = timed.now;
        self.state.operations.human = timed.human;
        match timed.message {
            Message::Key(key) => {
                operations::awake(&mut self.state);
                let effects = self.key(key);
                describe(&mut self.state, &self.keymap);
                return effects;
            }
            Message::Paste { text, dropped } => return self.paste(&text, dropped),
            Message::Feed { observations, sources } => {
                let first = self.assessed_at.is_none();
                self.stale |= first || !observations.is_empty() || !judges_alike(&sources, &self.state.sources);
                for observation in observations {
                    self.world.apply(observation);
                }
                self.notice_losses(&sources);
                self.state.sources = sources;
                operations::know_who(&mut self.state);
                self.assess_when_due(timed.now);
            }
            Message::Tick => {
                // Without news only the time can change what is known, and the board says when it may.
                self.stale |= self.assessed_at.is_none() || timed.now >= self.state.board.holds_until;
                self.assess_when_due(timed.now);
                let effects = operations::tick(&mut self.state);
                if matches!(self.state.overlay, Some(Overlay::Card(_))) {
                    describe(&mut self.state, &self.keymap);
                }
                return effects;
            }
            Message::Resized { columns, lines } => {
                self.state.size = (columns, lines);
                return vec![Effect::Redraw];
            }
            Message::Opened { id, request } => return self.operated(|state| operations::open(state, id, *request)),
            Message::Operation { id, event } => return self.operated(|state| operations::handle(state, &id, *event)),
            Message::Detached => return operations::detached(&mut self.state),
            Message::Trail(read) => navigate::take_trail(&mut self.state, read),
            Message::Journal(health) => self.state.operations.journal = health,
            Message::Sink { name, health } => self.state.operations.sink(&name, health),
            Message::Remembered(history) => earlier::remember(&mut self.state, *history),
            Message::Told(text) => self.state.notices.push(super::Notice { at: timed.now, text }),
        }
        Vec::new()
    }

    /// The keys of a card follow its phase.
    fn operated(&mut self, change: impl FnOnce(&mut State) -> Vec<Effect>) -> Vec<Effect> {
        let effects = change(&mut self.state);
        describe(&mut self.state, &self.keymap);
        effects
    }

    /// Whether news wait for an assessment, so that the loop shall tick again soon.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.stale
    }

    fn assess_when_due(&mut self, now: Stamp) {
        let due = self.assessed_at.is_none_or(|at| now.since(at).as_millis() >= u128::from(ASSESS_EVERY) || now < at);
        if self.stale && due {
            self.assess(now);
        }
    }

    /// Assesses now, whatever was assessed before.
    pub fn assess(&mut self, now: Stamp) {
        self.state.now = now;
        // A sink tells nothing of the world.
        let sources = self.state.sources.iter().filter(|source| source.kind != SourceKind::Sink);
        self.state.board = Arc::new(self.world.assess(&sources.cloned().collect::<Vec<_>>(), now));
        self.assessed_at = Some(now);
        self.stale = false;
    }

    /// Another state with the hints and help of this session's keymap.
    #[must_use]
    pub fn described(&self, state: State) -> State {
        let mut state = state;
        describe(&mut state, &self.keymap);
        state
    }

    /// A source that was live and failed is told in a notice that stands until it is dismissed: the next failure or the
    /// recovery must not take the words away before they are read.
    fn notice_losses(&mut self, sources: &[SourceStatus]) {
        let was_live = |id: &SourceId| self.state.sources.iter().any(|old| old.id == *id && old.state.is_live());
        let lost: Vec<_> = sources
            .iter()
            .filter(|source| was_live(&source.id))
            .filter_map(|source| match &source.state {
                SourceState::Failed { since, fault } => {
                    Some(super::Notice { at: *since, text: shown!("{}; {}", fault.what, fault.hint) })
                }
                _ => None,
            })
            .collect();
        self.state.notices.extend(lost);
        let excess = self.state.notices.len().saturating_sub(NOTICES);
        self.state.notices.drain(..excess);
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        if self.state.filter.typing {
            return self.filter_key(key);
        }
        match &self.state.overlay {
            Some(Overlay::Ask(_)) => return typed::ask_key(&mut self.state, key),
            Some(Overlay::Command(_)) => {
                return match typed::command_key(&mut self.state, key) {
                    typed::Said::Effects(effects) => effects,
                    typed::Said::Act(action) => {
                        self.state.overlay = None;
                        self.act(action)
                    }
                };
            }
            // A letter, an erased letter and Enter belong to the text.
            Some(Overlay::Card(_)) if is_text(key) && operations::takes_letters(&self.state) => {
                return operations::card_key(&mut self.state, key);
            }
            _ => {}
        }
        let context = context(&self.state);
        self.pending.push(key);
        match self.keymap.lookup(context, &self.pending) {
            Lookup::Found(action) => {
                self.pending.clear();
                self.act(action)
            }
            Lookup::Prefix => Vec::new(),
            Lookup::Nothing => {
                // A chord that leads nowhere: its last key counts alone, the ones before are forgotten.
                let alone = self.pending.len() == 1;
                self.pending.clear();
                match (&self.state.overlay, alone) {
                    (Some(Overlay::Card(_)), true) => operations::card_key(&mut self.state, key),
                    (_, true) => Vec::new(),
                    (_, false) => self.key(key),
                }
            }
        }
    }

    /// Pasted text goes where text is typed, else nowhere: it is no command.
    fn paste(&mut self, text: &str, dropped: usize) -> Vec<Effect> {
        if !self.state.filter.typing {
            return operations::paste(&mut self.state, text);
        }
        self.state.filter.field.paste(text);
        if dropped > 0 {
            let text = shown!("the paste is too long: its last {} bytes were left out", dropped);
            self.state.notices.push(super::Notice { at: self.state.now, text });
        }
        Vec::new()
    }

    /// Text of the filter. Enter keeps it, Esc and Ctrl-C clear it: neither does anything else.
    fn filter_key(&mut self, key: Key) -> Vec<Effect> {
        match key.name {
            KeyName::Escape => self.state.filter = super::Filter::default(),
            KeyName::Char('c') if key.control => self.state.filter = super::Filter::default(),
            KeyName::Enter => self.state.filter.typing = false,
            _ => self.state.filter.field.key(key),
        }
        Vec::new()
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        let reach = self.reach.take();
        match (&self.state.overlay, action) {
            (Some(Overlay::Card(_)), Action::Redraw | Action::Suspend | Action::Move(_)) => {}
            (Some(Overlay::Card(_)), _) => return operations::card_action(&mut self.state, action),
            (Some(Overlay::Menu(_)), Action::Open) => return operations::choose(&mut self.state),
            _ => {}
        }
        match action {
            Action::Quit => return vec![Effect::Quit],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Refresh => {
                let on_trail = matches!(self.state.place(), Some(Place::Trail(_)));
                let trail = on_trail.then_some(Effect::ReadTrail);
                return std::iter::once(Effect::Refresh).chain(trail).collect();
            }
            Action::Help => self.state.overlay = Some(Overlay::Help { scroll: 0 }),
            Action::Explain => self.state.overlay = Some(Overlay::Explain { scroll: 0 }),
            Action::Filter => self.state.filter.typing = true,
            Action::Dismiss => drop(self.state.notices.pop()),
            Action::Back => navigate::back(&mut self.state),
            Action::Open => navigate::open(&mut self.state),
            Action::Move(motion) => {
                self.reach = reach;
                navigate::motion(&mut self.state, motion, reach);
            }
            Action::Show(page) => {
                navigate::show(&mut self.state, page);
                return (page == Page::Trail).then_some(Effect::ReadTrail).into_iter().collect();
            }
            Action::NextTab => navigate::tab(&mut self.state, 1),
            Action::PreviousTab => navigate::tab(&mut self.state, -1),
            Action::ZoomIn => navigate::zoom(&mut self.state, 1),
            Action::ZoomOut => navigate::zoom(&mut self.state, -1),
            Action::NextSignal => navigate::next_signal(&mut self.state),
            Action::Range => navigate::range(&mut self.state),
            Action::Operate => {
                let selected = navigate::operable(&self.state);
                operations::menu(&mut self.state, selected);
            }
            Action::Command => self.state.overlay = Some(Overlay::Command(Box::default())),
            Action::Card(_) => {}
        }
        Vec::new()
    }
}

/// Whether two statuses of the sources mean the same for what is judged by them; how old their newest sample is and how
/// long a round took is only shown.
fn judges_alike(new: &[SourceStatus], old: &[SourceStatus]) -> bool {
    let judged = |source: &SourceStatus| (source.id.clone(), source.kind, source.state.clone());
    new.len() == old.len() && new.iter().map(judged).eq(old.iter().map(judged))
}

const fn is_text(key: Key) -> bool {
    !key.control && !key.alt && matches!(key.name, KeyName::Char(_) | KeyName::Backspace | KeyName::Enter)
}

/// Which bindings apply.
fn context(state: &State) -> Context {
    match &state.overlay {
        None => place_context(state),
        Some(Overlay::Menu(_)) => Context::Menu,
        Some(Overlay::Card(_)) => Context::Card,
        Some(_) => Context::Overlay,
    }
}

fn place_context(state: &State) -> Context {
    match state.place() {
        Some(Place::Board(_)) | None => Context::Board,
        Some(Place::Topology(_)) => Context::Topology,
        Some(Place::Tier(_)) => Context::Tier,
        Some(Place::Component(_)) => Context::Component,
        Some(Place::Sources { .. }) => Context::Sources,
        Some(Place::Changes { .. }) => Context::Changes,
        Some(Place::Alerts { .. }) => Context::Alerts,
        Some(Place::Operations { .. }) => Context::Operations,
        Some(Place::Rollouts { .. }) => Context::Rollouts,
        Some(Place::Databases { .. }) => Context::Databases,
        Some(Place::Trail(_)) => Context::Trail,
    }
}

/// Hints and help from the live keymap.
fn describe(state: &mut State, keymap: &Keymap) {
    state.hints = super::hints::hints(state, context(state), keymap);
    if matches!(state.overlay, Some(Overlay::Help { .. })) {
        state.help = help(state, keymap);
    }
}

/// A line per action with every key for it: first those of the place that help was asked in, then those that work
/// everywhere, then the other places'.
fn help(state: &State, keymap: &Keymap) -> Vec<(&'static str, Shown, &'static str)> {
    let here = place_context(state);
    let order = |context: Context| (context != here, context != Context::Global, context);
    let mut contexts: Vec<Context> = Context::ALL.into_iter().map(|(_, context)| context).collect();
    contexts.sort_by_key(|context| order(*context));
    let mut lines = Vec::new();
    for context in contexts {
        for row in crate::action::TABLE {
            let bound = keymap.rows().filter(|(of, _, action)| *of == context && *action == row.action);
            let keys: Vec<String> = bound.map(|(_, keys, _)| keys).collect();
            if !keys.is_empty() {
                lines.push((context.title(), Shown::of(&keys.join(", ")), row.doc));
            }
        }
    }
    lines
}
