//! Whole screens as text and as roles, each looked at; what a screen must never do, for every size.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that cannot be built fails its test")]

mod fixture;
mod invariants;
mod keys;
mod operations;
mod pages;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tierdeck::domain::tier::Tier;
use tierdeck::state::{ComponentPlace, Overlay, Place, State, Tab, TierPlace, TopologyPlace};
use tierdeck::theme::Theme;
use tierdeck::ui::{paint, snapshot};

/// The screen as it is drawn at a size.
fn frame(state: &State, width: u16, height: u16, theme: &Theme) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    paint(&mut buffer, state, theme);
    buffer
}

/// Text grid and role grid.
fn both(state: &State, width: u16, height: u16) -> String {
    let buffer = frame(state, width, height, &Theme::markers());
    format!("{}\n{}", snapshot::text(&buffer), snapshot::roles(&buffer))
}

fn check(name: &str, state: &State, width: u16, height: u16) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("{name}-{width}x{height}"), both(state, width, height)));
    // Built with TIERDECK_LOOK=FOLDER, the tests also leave pictures to look at.
    if let Some(folder) = option_env!("TIERDECK_LOOK") {
        let theme = Theme::builtin("dark").unwrap();
        let svg = snapshot::svg(&frame(state, width, height, &theme), &theme);
        std::fs::write(format!("{folder}/{name}-{width}x{height}.svg"), svg).unwrap();
    }
}

fn at(place: Place) -> State {
    State { places: vec![place], ..fixture::incident() }
}

#[test]
fn board() {
    check("board-incident", &fixture::incident(), 80, 24);
    check("board-incident", &fixture::incident(), 120, 40);
    check("board-incident", &fixture::incident(), 120, 30);
    check("board-incident", &fixture::incident(), 60, 16);
    check("board-calm", &fixture::state(fixture::calm_board()), 80, 24);
    check("board-without-prometheus", &fixture::without_prometheus(), 80, 24);
    check("board-without-prometheus", &fixture::without_prometheus(), 60, 24);
    check("board-connecting", &fixture::connecting(), 80, 24);
    check("board-hostile", &fixture::hostile(), 80, 24);
}

#[test]
fn topology() {
    let place = |zoom| Place::Topology(TopologyPlace { zoom, ..TopologyPlace::default() });
    check("topology", &at(place(1)), 80, 24);
    check("topology", &at(place(1)), 120, 40);
    check("topology-tiers", &at(place(0)), 120, 30);
    check("topology-instances", &at(place(2)), 160, 45);
    let forty = State { places: vec![place(1)], ..fixture::state(fixture::forty_components()) };
    check("topology-forty", &forty, 120, 40);
    check("topology-forty", &forty, 80, 24);
}

#[test]
fn details() {
    let tier = Place::Tier(TierPlace { tier: Tier::Application, selected: None, scroll: 0 });
    check("tier", &at(tier.clone()), 80, 24);
    check("tier", &at(tier), 120, 40);
    for tab in Tab::ALL {
        check(&format!("component-{}", tab.name()), &at(component(tab)), 80, 24);
    }
    check("component-overview", &at(component(Tab::Overview)), 120, 40);
    check("component-overview", &at(component(Tab::Overview)), 60, 16);
}

fn component(tab: Tab) -> Place {
    Place::Component(ComponentPlace {
        component: fixture::orders_id(),
        tab,
        signal: None,
        range_minutes: 60,
        scroll: 0,
    })
}

#[test]
fn lists() {
    check(
        "sources",
        &State {
            places: vec![Place::Sources { selected: Some(tierdeck::domain::id::SourceId::new("prom")) }],
            ..fixture::without_prometheus()
        },
        80,
        24,
    );
    check("changes", &at(Place::Changes { selected: None }), 80, 24);
    check("alerts", &at(Place::Alerts { selected: None }), 80, 24);
}

#[test]
fn rollouts_and_databases() {
    let rollouts = at(Place::Rollouts { selected: None });
    check("rollouts", &rollouts, 80, 24);
    check("rollouts", &rollouts, 60, 16);
    check("rollouts", &rollouts, 120, 34);
    let databases =
        State { places: vec![Place::Databases { selected: None }], ..fixture::state(fixture::databases_board()) };
    check("databases", &databases, 80, 24);
    check("databases", &databases, 60, 16);
    check("databases", &databases, 120, 34);
    let cache = State { places: vec![Place::Databases { selected: Some((fixture::cache_id(), None)) }], ..databases };
    check("databases-cache", &cache, 80, 24);
}

#[test]
fn overlays() {
    let help = State { overlay: Some(Overlay::Help { scroll: 0 }), ..fixture::incident() };
    check("help", &help, 80, 24);
    let explain = State { overlay: Some(Overlay::Explain { scroll: 0 }), ..fixture::incident() };
    check("explain-tier", &explain, 80, 24);
    check("explain-tier", &explain, 120, 40);
    check("explain-component", &State { places: vec![component(Tab::Overview)], ..explain }, 80, 24);
}
