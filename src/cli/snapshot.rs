//! `tierdeck snapshot`: one screen as text or SVG, from the configured environment or from a world of one's choice.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::demo::WorldArgs;
use super::{Failure, Global, OK, out, places};
use crate::domain::text::Shown;
use crate::domain::tier::Tier;
use crate::runtime::launch::{self, Headless};
use crate::runtime::terminal::LARGEST;
use crate::state::{BoardPlace, ComponentPlace, Overlay, Place, State, Tab, TierPlace, TopologyPlace, rows};

#[derive(Clone, Debug, Args)]
pub struct SnapshotArgs {
    /// board, topology, rollouts, databases, sources, changes, alerts, help, explain, tier/NAME or component/NAME
    #[arg(long, default_value = "board", value_name = "SCREEN")]
    screen: String,
    /// Columns and lines
    #[arg(long, default_value = "80x24", value_name = "WxH", value_parser = parse_size)]
    size: (u16, u16),
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// From the embedded world instead of the configured environment
    #[arg(long)]
    demo: bool,
    /// With --demo: the moment, RFC 3339; the world stands still there
    #[arg(long, value_name = "TIME", requires = "demo")]
    at: Option<String>,
    #[command(flatten)]
    world: WorldArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Svg,
}

pub fn run(global: &Global, args: &SnapshotArgs) -> Result<u8, Failure> {
    let demo = if args.demo {
        let at = args
            .at
            .as_deref()
            .map(|text| {
                crate::domain::time::Stamp::parse_rfc3339(text)
                    .map(crate::domain::time::Stamp::millis)
                    .ok_or_else(|| Failure::usage(format!("`{text}` is no RFC 3339 time, like 2026-11-21T03:12:07Z")))
            })
            .transpose()?;
        Some(super::demo::start(&args.world.options(at)?)?)
    } else {
        None
    };
    let config = demo.as_ref().map(|demo| demo.endpoints().config.clone()).or_else(|| global.config.clone());
    let global = Global { config, ..global.clone() };
    let settings = places::settings(&global)?;
    let theme = match args.format {
        Format::Text => places::theme(&settings)?,
        Format::Svg => places::picture_theme(&settings)?,
    };
    let user = if args.demo { Shown::fixed("sre1@bastion-1") } else { places::user() };
    let mut headless = Headless::start(&settings, places::keymap(&settings)?, user).map_err(Failure::error)?;
    headless.settle(Duration::from_secs(10));
    let mut state = headless.state().clone();
    state.size = args.size;
    show(&mut state, &args.screen)?;
    let state = headless.described(state);
    let buffer = launch::draw(&state, &theme);
    out::write(&match args.format {
        Format::Text => crate::ui::snapshot::text(&buffer),
        Format::Svg => crate::ui::snapshot::svg(&buffer, &theme),
    })?;
    Ok(OK)
}

/// Goes to the named screen.
fn show(state: &mut State, screen: &str) -> Result<(), Failure> {
    let place = match screen.split_once('/') {
        None => match screen {
            "board" => Place::Board(BoardPlace::default()),
            "topology" => Place::Topology(TopologyPlace::default()),
            "sources" => Place::Sources { selected: None },
            "changes" => Place::Changes { selected: None },
            "alerts" => Place::Alerts { selected: None },
            "rollouts" => Place::Rollouts { selected: None },
            "databases" => Place::Databases { selected: None },
            "help" => {
                state.overlay = Some(Overlay::Help { scroll: 0 });
                return Ok(());
            }
            "explain" => {
                state.overlay = Some(Overlay::Explain { scroll: 0 });
                return Ok(());
            }
            _ => return Err(Failure::usage(format!("there is no screen `{screen}`"))),
        },
        Some(("tier", name)) => {
            let tier = Tier::ALL.into_iter().find(|tier| tier.name() == name);
            let tier = tier.ok_or_else(|| Failure::usage(format!("there is no tier `{name}`")))?;
            Place::Tier(TierPlace { tier, selected: None, scroll: 0 })
        }
        Some(("component", name)) => {
            let found = state.board.tiers.iter().flat_map(|tier| &tier.components).find(|c| c.name.as_str() == name);
            let id = found
                .map(|component| component.id.clone())
                .or_else(|| {
                    let order = rows::topology_order(&state.board);
                    order.into_iter().map(|row| row.id.clone()).find(|id| id.shown().as_str() == name)
                })
                .ok_or_else(|| Failure::usage(format!("there is no component `{name}`")))?;
            let place =
                ComponentPlace { component: id, tab: Tab::Overview, signal: None, range_minutes: 60, scroll: 0 };
            Place::Component(place)
        }
        Some(_) => return Err(Failure::usage(format!("there is no screen `{screen}`"))),
    };
    state.places = vec![place];
    Ok(())
}

fn parse_size(text: &str) -> Result<(u16, u16), String> {
    let (columns, lines) = text.split_once('x').ok_or("write it like 80x24")?;
    match (columns.parse(), lines.parse()) {
        (Ok(columns), Ok(lines)) if (20..=LARGEST.0).contains(&columns) && (4..=LARGEST.1).contains(&lines) => {
            Ok((columns, lines))
        }
        _ => Err(format!("columns are 20 to {}, lines 4 to {}", LARGEST.0, LARGEST.1)),
    }
}
