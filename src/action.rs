//! What a key or a palette entry means, in one table from which help, hints and keymap checks derive.

/// Something the operator asks of the console itself. Only [`CardAction::Fire`] may lead to a change, through the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Quit,
    Back,
    Open,
    Move(Motion),
    Show(Page),
    Help,
    Explain,
    Filter,
    NextTab,
    PreviousTab,
    ZoomIn,
    ZoomOut,
    NextSignal,
    Range,
    Refresh,
    Redraw,
    Suspend,
    Dismiss,
    /// The operations of what is selected.
    Operate,
    /// Types a command: an operation with its target, or arming.
    Command,
    Card(CardAction),
}

/// What is done on the card of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CardAction {
    /// Bound to one key, which means nothing else anywhere.
    Fire,
    /// Every step, guard and difference, or the summary.
    Whole,
    Copy,
    BreakGlass,
    /// Ends it at the next safe point.
    Stop,
    /// Suspends the owner's sync first, or not.
    SuspendOwner,
    /// Takes the loss of writes upon oneself, or not: then it has to be typed.
    AcceptLoss,
    BackOut,
}

/// How a selection or a scrolled text moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Motion {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

/// A page that can be shown from everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Page {
    Board,
    Topology,
    Sources,
    Changes,
    Alerts,
    Operations,
    Rollouts,
    Databases,
    Trail,
}

/// One row: the action, its name in keymaps, and what it does in the words of help.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub action: Action,
    pub name: &'static str,
    pub doc: &'static str,
}

const fn row(action: Action, name: &'static str, doc: &'static str) -> Row {
    Row { action, name, doc }
}

/// Every action, in the order help lists them.
pub const TABLE: [Row; 41] = [
    row(Action::Open, "open", "open"),
    row(Action::Back, "back", "back"),
    row(Action::Move(Motion::Up), "up", "up"),
    row(Action::Move(Motion::Down), "down", "down"),
    row(Action::Move(Motion::PageUp), "page-up", "page up"),
    row(Action::Move(Motion::PageDown), "page-down", "page down"),
    row(Action::Move(Motion::First), "first", "first"),
    row(Action::Move(Motion::Last), "last", "last"),
    row(Action::Show(Page::Board), "board", "board"),
    row(Action::Show(Page::Topology), "topology", "topology"),
    row(Action::Show(Page::Changes), "changes", "what changed"),
    row(Action::Show(Page::Alerts), "alerts", "alerts"),
    row(Action::Show(Page::Sources), "sources", "sources"),
    row(Action::Show(Page::Operations), "operations", "operations"),
    row(Action::Show(Page::Rollouts), "rollouts", "rollouts"),
    row(Action::Show(Page::Databases), "databases", "databases"),
    row(Action::Show(Page::Trail), "trail", "audit trail"),
    row(Action::Operate, "operate", "operate"),
    row(Action::Command, "command", "command"),
    row(Action::Card(CardAction::Fire), "fire", "do it now"),
    row(Action::Card(CardAction::Whole), "whole", "everything"),
    row(Action::Card(CardAction::Copy), "copy", "copy command"),
    row(Action::Card(CardAction::SuspendOwner), "suspend-owner", "suspend sync first"),
    row(Action::Card(CardAction::AcceptLoss), "accept-loss", "acknowledge the loss"),
    row(Action::Card(CardAction::BreakGlass), "break-glass", "break glass"),
    row(Action::Card(CardAction::Stop), "stop", "stop at the next safe point"),
    row(Action::Card(CardAction::BackOut), "back-out", "back out"),
    row(Action::Explain, "explain", "explain"),
    row(Action::Filter, "filter", "filter"),
    row(Action::NextTab, "next-tab", "next tab"),
    row(Action::PreviousTab, "previous-tab", "previous tab"),
    row(Action::NextSignal, "next-signal", "next signal"),
    row(Action::Range, "range", "time range"),
    row(Action::ZoomIn, "zoom-in", "zoom in"),
    row(Action::ZoomOut, "zoom-out", "zoom out"),
    row(Action::Refresh, "refresh", "ask sources again"),
    row(Action::Redraw, "redraw", "redraw"),
    row(Action::Dismiss, "dismiss", "dismiss notice"),
    row(Action::Help, "help", "help"),
    row(Action::Suspend, "suspend", "suspend"),
    row(Action::Quit, "quit", "quit"),
];

impl Action {
    /// The action a keymap names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.action)
    }

    /// What it does, in the words of help.
    #[must_use]
    pub fn doc(self) -> &'static str {
        TABLE.iter().find(|row| row.action == self).map_or("", |row| row.doc)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_one_row_and_a_name_of_its_own() {
        let actions: BTreeSet<_> = TABLE.iter().map(|row| row.action).collect();
        let names: BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(actions.len(), TABLE.len());
        assert_eq!(names.len(), TABLE.len());
        assert_eq!(Action::named("topology"), Some(Action::Show(Page::Topology)));
        assert_eq!(Action::named("Topology"), None);
    }
}
