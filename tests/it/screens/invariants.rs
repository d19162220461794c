//! What holds for every screen at every size.

use ratatui::style::{Color, Modifier};
use tierdeck::domain::tier::Tier;
use tierdeck::state::rows;
use tierdeck::state::{BoardPlace, BoardRow, ComponentPlace, Overlay, Place, State, Tab, TierPlace, TopologyPlace};
use tierdeck::theme::{ColorDepth, GlyphSet, Theme};
use tierdeck::ui::snapshot;
use unicode_width::UnicodeWidthStr;

use tierdeck::domain::health::Health;
use tierdeck::domain::settings::Settings;
use tierdeck::domain::time::{Human, Stamp};
use tierdeck::input::Keymap;
use tierdeck::model::board::{SourceKind, SourceState, SourceStatus};
use tierdeck::model::world::World;
use tierdeck::state::message::{Message, Timed};
use tierdeck::state::session::Session;

use super::{fixture, frame, operations, pages};

/// Every kind of place, with every overlay, over every board.
fn everything() -> Vec<State> {
    let topology = |zoom| Place::Topology(TopologyPlace { zoom, ..TopologyPlace::default() });
    let component = |tab| {
        let component = fixture::orders_id();
        Place::Component(ComponentPlace { component, tab, signal: Some(9), range_minutes: 15, scroll: 99 })
    };
    let open = Tier::ALL.into_iter().collect();
    let mut places = vec![
        Place::Board(BoardPlace::default()),
        Place::Board(BoardPlace { selected: Some(BoardRow::Users), open, scroll: 500 }),
        topology(0),
        topology(1),
        topology(2),
        Place::Tier(TierPlace { tier: Tier::Application, selected: Some(fixture::orders_id()), scroll: 7 }),
        Place::Tier(TierPlace { tier: Tier::Host, selected: None, scroll: 0 }),
        Place::Sources { selected: None },
        Place::Changes { selected: None },
        Place::Alerts { selected: None },
        Place::Rollouts { selected: None },
        Place::Databases { selected: None },
    ];
    places.extend(Tab::ALL.map(component));
    let mut states = Vec::new();
    for board in [
        fixture::incident(),
        fixture::state(fixture::calm_board()),
        fixture::connecting(),
        fixture::without_prometheus(),
        fixture::hostile(),
        fixture::state(fixture::forty_components()),
    ] {
        for place in &places {
            states.push(State { places: vec![place.clone()], ..board.clone() });
        }
        states.push(State { overlay: Some(Overlay::Help { scroll: 99 }), ..board.clone() });
        states.push(State { overlay: Some(Overlay::Explain { scroll: 3 }), ..board });
    }
    states
}

/// Cards of every operation in every state, the menu, what is typed, and the list of operations; the last ones are about
/// objects with hostile names.
fn operated() -> Vec<State> {
    let mut states: Vec<State> = operations::every_card().into_iter().map(|(_, state)| state).collect();
    states.extend(operations::every_end().into_iter().map(|(_, bench)| bench.shown()));
    for state in states.clone() {
        let mut state = state;
        if let Some(Overlay::Card(card)) = &mut state.overlay {
            (card.whole, card.scroll) = (true, 7);
        }
        states.push(state.clone());
        state.overlay = None;
        state.places = vec![Place::Operations { selected: None }];
        states.push(state);
    }
    states.extend(operations::menu_and_lines());
    states.extend(pages::lines());
    states.extend(pages::trails());
    states
}

#[test]
fn every_screen_is_drawn_at_every_size_and_never_loses_the_environment() {
    let theme = Theme::builtin("dark").unwrap();
    let states: Vec<State> = everything().into_iter().chain(operated()).chain(operations::hostile()).collect();
    for (width, height) in [
        (0, 0),
        (1, 1),
        (20, 5),
        (59, 24),
        (60, 15),
        (60, 16),
        (61, 17),
        (80, 24),
        (100, 20),
        (119, 34),
        (120, 34),
        (250, 70),
    ] {
        for state in &states {
            let buffer = frame(state, width, height, &theme);
            let text = snapshot::text(&buffer);
            if width < 60 || height < 16 {
                assert!(width < 40 || text.contains("tierdeck needs 60x16"), "{text}");
                continue;
            }
            assert!(text.starts_with(" PROD-"), "{width}x{height}:\n{text}");
            for (line, y) in text.lines().zip(0..) {
                assert!(line.width() <= usize::from(width), "line {y} of {width}x{height} is too long: {line}");
            }
        }
    }
}

#[test]
fn nothing_from_outside_reaches_a_cell_unescaped() {
    let theme = Theme::builtin("dark").unwrap();
    for state in everything().into_iter().chain(operated()).chain(operations::hostile()) {
        for cell in frame(&state, 120, 40, &theme).content {
            let bad = |c: char| {
                c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                    || c == '\u{feff}'
            };
            assert!(!cell.symbol().chars().any(bad), "{:?}", cell.symbol());
        }
    }
}

#[test]
fn every_glyph_has_an_ascii_twin() {
    let unicode = Theme::builtin("dark").unwrap();
    let ascii = unicode.clone().with_glyphs(GlyphSet::Ascii);
    for (number, state) in everything().iter().enumerate() {
        let (shown, folded) = (frame(state, 120, 40, &unicode), frame(state, 120, 40, &ascii));
        for (a, b) in shown.content.iter().zip(&folded.content) {
            assert!(b.symbol().is_ascii(), "{:?}", b.symbol());
            let ours = number / 19 != 4;
            assert!(!ours || b.symbol() != "?" || a.symbol() == "?", "{:?} has no twin", a.symbol());
        }
    }
    for state in operated() {
        let (shown, folded) = (frame(&state, 80, 24, &unicode), frame(&state, 80, 24, &ascii));
        for (a, b) in shown.content.iter().zip(&folded.content) {
            assert!(b.symbol().is_ascii(), "{:?}", b.symbol());
            assert!(b.symbol() != "?" || a.symbol() == "?", "{:?} has no twin", a.symbol());
        }
    }
}

#[test]
fn without_colour_the_words_are_the_same_and_no_cell_has_a_colour() {
    let dark = Theme::builtin("dark").unwrap();
    for theme in [Theme::builtin("mono").unwrap(), dark.clone().degrade(ColorDepth::None)] {
        let state = fixture::incident();
        let (coloured, plain) = (frame(&state, 80, 24, &dark), frame(&state, 80, 24, &theme));
        assert_eq!(snapshot::text(&coloured), snapshot::text(&plain));
        let mut reversed = 0;
        for cell in &plain.content {
            assert!(matches!(cell.fg, Color::Reset) && matches!(cell.bg, Color::Reset), "{cell:?}");
            reversed += usize::from(cell.modifier.contains(Modifier::REVERSED));
        }
        assert!(reversed > 80, "the banner and the selected row stand out");
    }
    let text = snapshot::text(&frame(&fixture::incident(), 80, 24, &dark));
    for word in ["x application   CRIT", "~ database      warn", "+ edge          ok", "▸"] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn sick_tiers_are_never_folded() {
    for state in [fixture::incident(), fixture::without_prometheus()] {
        let text = snapshot::text(&frame(&state, 80, 24, &Theme::markers()));
        for row in state.board.tiers.iter().filter(|row| row.health.is_sick()) {
            let shown = text.lines().any(|line| line.get(3..).is_some_and(|rest| rest.starts_with(row.tier.name())));
            assert!(
                shown || text.lines().any(|line| line.starts_with('▸') && line.contains(row.tier.name())),
                "{text}"
            );
        }
    }
}

#[test]
fn the_selected_row_is_always_on_screen() {
    let mut state = fixture::state(fixture::forty_components());
    let open: std::collections::BTreeSet<Tier> = Tier::ALL.into_iter().collect();
    let place = BoardPlace { selected: None, open: open.clone(), scroll: 0 };
    let all = rows::board_rows(&state.board, &place, "");
    assert!(all.len() > 45, "{}", all.len());
    for scroll in [0, 20, 90] {
        for row in &all {
            state.places = vec![Place::Board(BoardPlace { selected: Some(row.clone()), open: open.clone(), scroll })];
            let roles = snapshot::roles(&frame(&state, 60, 16, &Theme::markers()));
            assert_eq!(
                roles.lines().filter(|line| line.starts_with('A') || line.starts_with('a')).count(),
                1,
                "{row:?}"
            );
        }
    }
}

#[test]
fn what_failed_and_what_to_do_is_whole_at_60_columns() {
    let text = snapshot::text(&frame(&fixture::without_prometheus(), 60, 24, &Theme::markers()));
    let words: Vec<&str> = text.split_whitespace().collect();
    let fault = fixture::refused();
    let sentence = format!("{}; {}", fault.what, fault.hint);
    assert!(words.join(" ").contains(&sentence), "{text}");
    assert!(text.contains("PARTIAL no prom since 03:10:30"));
}

#[test]
fn an_unknown_is_never_a_zero_and_never_ok() {
    let mut state = fixture::without_prometheus();
    state.sources.truncate(1);
    let text = snapshot::text(&frame(&state, 80, 24, &Theme::markers()));
    let row = text.lines().find(|line| line.starts_with(" ? application   ?")).unwrap();
    assert!(row.ends_with("2m old"), "{row}");
    let connecting = snapshot::text(&frame(&fixture::connecting(), 80, 24, &Theme::markers()));
    assert!(connecting.contains("users  failing ?  ?"), "{connecting}");
    assert!(connecting.lines().skip(1).all(|line| !line.contains(" 0") && !line.contains("ok")), "{connecting}");
}

#[test]
fn a_frame_is_the_same_twice_and_so_is_its_picture() {
    let theme = Theme::builtin("dark").unwrap();
    for state in everything() {
        let (first, second) = (frame(&state, 120, 40, &theme), frame(&state, 120, 40, &theme));
        assert_eq!(first, second);
        let svg = snapshot::svg(&first, &theme);
        assert_eq!(svg, snapshot::svg(&second, &theme));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<text ").count(), svg.matches("</text>").count());
        assert!(!svg.contains("href") && !svg.chars().any(|c| c.is_control() && c != '\n'));
    }
}

#[test]
fn every_tier_has_a_row_or_is_counted() {
    let mut state = fixture::incident();
    let mut board = (*state.board).clone();
    for (tier, health) in
        board.tiers.iter_mut().zip([Health::Unknown, Health::Critical, Health::Warn].into_iter().cycle())
    {
        tier.health = health;
        tier.reasons = vec![fixture::reason("stale", "prom gives nothing", health, Some("03:10:30"))];
    }
    state.board = board.into();
    for (board, sizes) in [
        (state, [(80, 24), (80, 20), (80, 16), (60, 16)]),
        (fixture::without_prometheus(), [(80, 24), (80, 20), (80, 16), (60, 16)]),
    ] {
        for (width, height) in sizes {
            let text = snapshot::text(&frame(&board, width, height, &Theme::markers()));
            for tier in board.board.tiers.iter().map(|row| row.tier.name()) {
                let counted = |line: &str| line.contains(" more ") && line.starts_with(" …");
                let told =
                    text.lines().any(|line| line.get(3..).is_some_and(|rest| rest.contains(tier)) || counted(line));
                assert!(told, "{tier} is not on {width}x{height}:\n{text}");
            }
        }
    }
}

#[test]
fn every_source_has_its_light_and_a_failed_one_its_name() {
    let kinds = [
        ("k8s", SourceKind::Kubernetes),
        ("prom", SourceKind::Prometheus),
        ("aws-rds", SourceKind::Aws),
        ("aws-elbv2", SourceKind::Aws),
        ("cw", SourceKind::CloudWatch),
        ("probes", SourceKind::Probe),
        ("am", SourceKind::Alertmanager),
    ];
    let mut state = fixture::incident();
    let live = state.sources[0].clone();
    let source = |(id, kind): (&str, SourceKind)| SourceStatus {
        id: tierdeck::domain::id::SourceId::new(id),
        kind,
        ..live.clone()
    };
    for failed in 0..=kinds.len() {
        state.sources = kinds.into_iter().map(source).collect();
        for source in state.sources.iter_mut().take(failed) {
            source.state = SourceState::Failed { since: fixture::at("03:10:30"), fault: fixture::refused() };
        }
        for width in [60, 70, 80, 120] {
            let text = snapshot::text(&frame(&state, width, 24, &Theme::markers()));
            let header = text.lines().next().unwrap();
            assert!(header.starts_with(" PROD-EU "), "{header}");
            let number = |word: &str| {
                let before = header.split(word).next().filter(|_| header.contains(word))?;
                before.trim_end().rsplit([' ', '+']).next()?.parse::<usize>().ok()
            };
            let live =
                ["k8s", "prom", "cw", "aws", "probes", "am"].into_iter().filter(|name| header.contains(name)).count();
            assert!(number(" ok").is_some() || failed > 0 || live == 6, "{header}");
            if (1..=2).contains(&failed) {
                assert!(header.contains("x k8s"), "{width}: {header}");
                assert!(failed < 2 || header.contains("x prom"), "{width}: {header}");
            }
            assert!(failed == 0 || header.contains("x k8s") || number(" failed") == Some(failed), "{width}: {header}");
        }
    }
}

#[test]
fn a_second_without_news_changes_no_cell_of_a_calm_screen() {
    let theme = Theme::markers();
    let calm = fixture::state(fixture::calm_board());
    for state in everything().into_iter().skip(everything().len() / 6).take(everything().len() / 6) {
        let now = State { overlay: None, ..State { board: calm.board.clone(), ..state } };
        let later = State { now: now.now + std::time::Duration::from_secs(1), ..now.clone() };
        assert_eq!(snapshot::text(&frame(&now, 120, 40, &theme)), snapshot::text(&frame(&later, 120, 40, &theme)));
    }
}

#[test]
fn a_filter_counts_and_says_what_to_press_when_nothing_matches() {
    let screen = |place: Place, filter: &str| {
        let mut state = State { places: vec![place], ..fixture::incident() };
        state.filter.field.paste(filter);
        snapshot::text(&frame(&state, 80, 24, &Theme::markers()))
    };
    let changes = || Place::Changes { selected: None };
    let kind = screen(changes(), "scale");
    assert!(kind.contains("1 of 3") && kind.contains("api-gateway"), "{kind}");
    assert!(screen(changes(), "argocd").contains(" of 3"), "who did it is a column, too");
    assert!(screen(Place::Alerts { selected: None }, "database").contains("1 of 2"));
    let board = screen(Place::Board(BoardPlace::default()), "canary-of-nothing");
    assert!(board.contains("0 of ") && board.contains("esc shows all"), "{board}");
    assert!(screen(changes(), "nothing-like-it").contains("nothing matches the filter; esc shows all"));
}

#[test]
fn without_a_source_of_alerts_no_alerts_is_not_said() {
    let mut state = fixture::without_prometheus();
    let mut board = (*state.board).clone();
    board.alerts.clear();
    state.board = board.into();
    for place in [Place::Board(BoardPlace::default()), Place::Alerts { selected: None }] {
        state.places = vec![place];
        let text = snapshot::text(&frame(&state, 80, 24, &Theme::markers()));
        assert!(text.contains("? whether alerts fire is not known: prom refused"), "{text}");
        assert!(!text.contains("no alerts"));
    }
}

#[test]
fn explain_explains_what_is_selected() {
    let place = Place::Sources { selected: Some(tierdeck::domain::id::SourceId::new("prom")) };
    let overlay = Some(Overlay::Explain { scroll: 0 });
    let state = State { places: vec![place], overlay, ..fixture::without_prometheus() };
    let text = snapshot::text(&frame(&state, 80, 24, &Theme::markers()));
    assert!(text.contains("explain prom") && text.contains("10.0.0.5:9090 refused the connection"), "{text}");
}

#[test]
fn time_alone_assesses_nothing_before_the_board_says_so() {
    let mut session = Session::new(fixture::incident(), World::new(&Settings::default()), Keymap::default());
    let mut tick = |now: Stamp| {
        session.update(Timed { now, human: Human::default(), message: Message::Tick });
        session.state().board.clone()
    };
    let first = tick(fixture::now());
    let second = |seconds| fixture::now() + std::time::Duration::from_secs(seconds);
    assert!(std::sync::Arc::ptr_eq(&first, &tick(second(1))));
    assert!(std::sync::Arc::ptr_eq(&first, &tick(second(29))));
    assert!(!std::sync::Arc::ptr_eq(&first, &tick(second(30))));
}
