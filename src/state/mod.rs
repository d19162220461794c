//! The state of the program and the reducer that alone changes it: messages in, effects out.

mod earlier;
mod hints;
pub mod message;
mod navigate;
pub mod operations;
pub mod palette;
pub mod rows;
pub mod session;
pub mod trail;
pub mod typed;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::action::Action;
use crate::domain::id::{ComponentId, SourceId};
use crate::domain::settings::RiskClass;
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::input::TextField;
use crate::model::board::{Board, SourceStatus};
use crate::operation::target::OperationId;
pub use operations::{Card, Menu, Operations};
pub use trail::TrailPlace;
pub use typed::{Ask, Command, Complaint};

/// Everything a frame is drawn from.
#[derive(Clone, Debug)]
pub struct State {
    pub environment: Environment,
    /// World time of this frame.
    pub now: Stamp,
    pub board: Arc<Board>,
    pub sources: Vec<SourceStatus>,
    /// The places the operator went through; the last one is on screen. Never empty.
    pub places: Vec<Place>,
    /// What is laid over the place: help, explain, a notice opened.
    pub overlay: Option<Overlay>,
    /// The filter of the current place: its text, and whether it is being typed.
    pub filter: Filter,
    /// Newest last; stand until read.
    pub notices: Vec<Notice>,
    /// Keys that matter now, the most likely first, made from the live keymap.
    pub hints: Vec<Hint>,
    /// The rows of help, made from the live keymap: context, key, what it does.
    pub help: Vec<(&'static str, Shown, &'static str)>,
    /// Columns and lines.
    pub size: (u16, u16),
    pub operations: Operations,
}

/// A key that does something now, and what in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// `None` where what is typed takes the key.
    pub action: Option<Action>,
    pub key: Shown,
    pub words: &'static str,
}

#[derive(Clone, Debug)]
pub struct Environment {
    pub name: Shown,
    pub class: RiskClass,
    /// The host's user and host name.
    pub user: Shown,
    /// Set when an endpoint of AWS is overridden or the world is the embedded one: words for the header.
    pub notice: Option<Shown>,
}

/// A page of the console with its own selection. Selections are identities, never row numbers: a list that moves does
/// not move what is selected.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Board(BoardPlace),
    Topology(TopologyPlace),
    Tier(TierPlace),
    Component(ComponentPlace),
    Sources {
        selected: Option<SourceId>,
    },
    /// The key of the selected change.
    Changes {
        selected: Option<Raw>,
    },
    /// The selected alert by its source and key.
    Alerts {
        selected: Option<(SourceId, Raw)>,
    },
    /// Operations of this session, the selected one.
    Operations {
        selected: Option<OperationId>,
    },
    /// Every workload, with what its revisions are measured at.
    Rollouts {
        selected: Option<ComponentId>,
    },
    /// Databases and caches with their instances.
    Databases {
        selected: Option<DataKey>,
    },
    /// The audit trail.
    Trail(TrailPlace),
}

/// A row of the databases: a component, or one of its instances by its name.
pub type DataKey = (ComponentId, Option<Raw>);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoardPlace {
    /// `None` until the operator moves: then the worst tier is selected.
    pub selected: Option<BoardRow>,
    /// Tiers whose components are shown below their row.
    pub open: BTreeSet<Tier>,
    /// First visible line of the table.
    pub scroll: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BoardRow {
    Users,
    Tier(Tier),
    Component(ComponentId),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyPlace {
    pub selected: Option<ComponentId>,
    /// 0: tiers, 1: components, 2: components with their instances.
    pub zoom: u8,
    pub scroll: (usize, usize),
}

#[derive(Clone, Debug, PartialEq)]
pub struct TierPlace {
    pub tier: Tier,
    pub selected: Option<ComponentId>,
    pub scroll: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ComponentPlace {
    pub component: ComponentId,
    pub tab: Tab,
    /// Index of the signal whose chart is shown, in the order of `ComponentRow::signals` without parts; `None` until the
    /// operator chooses: then the one that tells most.
    pub signal: Option<usize>,
    /// Minutes shown by the chart: 15, 60.
    pub range_minutes: u16,
    pub scroll: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tab {
    Overview,
    Members,
    Signals,
    Changes,
    Config,
}

impl Tab {
    pub const ALL: [Self; 5] = [Self::Overview, Self::Members, Self::Signals, Self::Changes, Self::Config];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Members => "members",
            Self::Signals => "signals",
            Self::Changes => "changes",
            Self::Config => "config",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    Help {
        scroll: usize,
    },
    /// Where the numbers of what is selected come from.
    Explain {
        scroll: usize,
    },
    /// The selected record of the audit trail in full.
    Record {
        scroll: usize,
    },
    /// What can be done to a component.
    Menu(Menu),
    /// What an operation still needs.
    Ask(Box<Ask>),
    /// A command is typed.
    Command(Box<Command>),
    Card(Card),
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub field: TextField,
    pub typing: bool,
}

impl Filter {
    #[must_use]
    pub fn text(&self) -> &str {
        self.field.text()
    }
}

/// Something the operator should know; it stays until it is dismissed.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub at: Stamp,
    pub text: Shown,
}

impl State {
    /// The place on screen.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.places.last()
    }
}
