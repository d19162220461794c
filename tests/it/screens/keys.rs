//! What keys do: on cards, in what is scrolled.

use std::time::Duration;

use ratatui::buffer::Buffer;
use tierdeck::domain::settings::Settings;
use tierdeck::domain::time::Human;
use tierdeck::input::keymap::DEFAULT;
use tierdeck::input::{Key, KeyName, Keymap};
use tierdeck::model::world::World;
use tierdeck::operation::confirm::{LOSS, Press};
use tierdeck::operation::machine::{Event, Phase};
use tierdeck::operation::target::{Engine, Params};
use tierdeck::operation::verb::{Risk, Verb};
use tierdeck::state::message::{Effect, Message, Timed};
use tierdeck::state::session::Session;
use tierdeck::state::{ComponentPlace, Overlay, Place, State, Tab};
use tierdeck::theme::Theme;
use tierdeck::ui::{paint, snapshot};

use super::fixture::operations::{Bench, carded};
use super::operations::{every_card, every_end};
use super::{check, fixture, frame};

/// A session over a state, with the default keys.
pub struct Desk(pub Session);

impl Desk {
    pub fn new(state: State) -> Self {
        let keymap = Keymap::load(DEFAULT, "default.toml").unwrap();
        let session = Session::new(fixture::incident(), World::new(&Settings::default()), keymap);
        let mut state = session.described(state);
        // Long enough to have read it.
        state.operations.human = Human(state.operations.human.0 + Duration::from_millis(1500));
        let keymap = Keymap::load(DEFAULT, "default.toml").unwrap();
        Self(Session::new(state, World::new(&Settings::default()), keymap))
    }

    pub fn state(&self) -> &State {
        self.0.state()
    }

    pub fn press(&mut self, key: Key) -> Vec<Effect> {
        let state = self.state();
        let (now, human) = (state.now, state.operations.human);
        self.0.update(Timed { now, human, message: Message::Key(key) })
    }

    pub fn types(&mut self, text: &str) {
        text.chars().for_each(|c| drop(self.press(Key::char(c))));
    }

    /// Draws, as the loop does after keys.
    fn frame(&mut self) -> Buffer {
        let mut buffer = frame(self.state(), 80, 24, &Theme::markers());
        let reach = paint(&mut buffer, self.state(), &Theme::markers());
        self.0.drawn(reach);
        buffer
    }

    pub fn text(&self) -> String {
        snapshot::text(&frame(self.state(), 80, 24, &Theme::markers()))
    }
}

/// The key that hints write like this.
fn key(written: &str) -> Key {
    let names = [KeyName::Tab, KeyName::Escape, KeyName::Enter, KeyName::Up, KeyName::Down].map(Key::plain);
    let chars = (' '..='~').map(Key::char).chain(('a'..='z').map(Key::control));
    chars.chain(names).find(|key| key.to_string() == written).unwrap_or_else(|| panic!("{written}"))
}

/// Cards in every phase.
fn cards() -> Vec<(String, State)> {
    let mut cards = every_card();
    cards.extend(every_end().into_iter().map(|(word, bench)| (word.to_owned(), bench.shown())));
    let mut reading = Bench::new();
    reading.silent = |_| true;
    reading.open(Verb::Abort, Engine::Rollout, Params::default());
    cards.push(("reading".to_owned(), reading.shown()));
    let mut expired = carded(Verb::Abort, Engine::Rollout);
    expired.silent = |_| true;
    expired.pass(121_000);
    cards.push(("expired".to_owned(), expired.shown()));
    let mut running = carded(Verb::Abort, Engine::Rollout);
    let id = running.state.operations.desk.machines()[0].id.clone();
    running.go(&id);
    cards.push(("executing".to_owned(), running.shown()));
    running.accept(&id, 0);
    cards.push(("verifying".to_owned(), running.shown()));
    let mut unarmed = Bench::new();
    unarmed.open(Verb::PromoteFull, Engine::Rollout, Params::default());
    cards.push(("unarmed".to_owned(), unarmed.shown()));
    cards.push(("loss".to_owned(), losing().shown()));
    cards
}

#[test]
fn every_key_a_card_shows_does_something_on_it_and_esc_leaves_it() {
    for (name, state) in cards() {
        let hints = Desk::new(state.clone()).state().hints.clone();
        assert!(hints.iter().any(|hint| hint.key.as_str() == "esc"), "{name}");
        for hint in hints {
            let mut desk = Desk::new(state.clone());
            let effects = desk.press(key(hint.key.as_str()));
            let (before, after) = (&state, desk.state());
            let same = before.overlay == after.overlay && before.operations.desk == after.operations.desk;
            assert!(!same || !effects.is_empty(), "{name}: {} {} does nothing", hint.key, hint.words);
        }
        for typing in [false, true] {
            let mut desk = Desk::new(state.clone());
            if typing {
                desk.press(Key::plain(KeyName::Tab));
                desk.types("x");
            }
            desk.press(Key::plain(KeyName::Escape));
            assert_eq!(desk.state().overlay, None, "{name}");
        }
    }
}

#[test]
fn what_runs_is_found_again_after_its_card_is_left() {
    let mut bench = carded(Verb::Abort, Engine::Rollout);
    let id = bench.state.operations.desk.machines()[0].id.clone();
    bench.go(&id);
    let mut desk = Desk::new(bench.shown());
    desk.press(Key::plain(KeyName::Escape));
    desk.press(Key::char('o'));
    desk.press(Key::plain(KeyName::Enter));
    assert!(matches!(&desk.state().overlay, Some(Overlay::Card(card)) if card.operation == id));
}

#[test]
fn production_is_armed_from_the_card_and_the_card_stays() {
    let mut bench = Bench::new();
    let id = bench.open(Verb::Promote, Engine::Rollout, Params::default());
    let mut desk = Desk::new(bench.shown());
    assert!(desk.text().contains("still needed: arming (:)"), "{}", desk.text());
    desk.press(Key::char(':'));
    desk.types("INC-4711");
    check("card-arming", desk.state(), 80, 24);
    let effects = desk.press(Key::plain(KeyName::Enter));
    assert!(matches!(effects.as_slice(), [Effect::Armed { .. }]), "{effects:?}");
    assert!(matches!(&desk.state().overlay, Some(Overlay::Card(card)) if card.operation == id));
    assert!(desk.text().contains("[ ^G ] promote now"), "{}", desk.text());
    // While a name is typed letters are text; another key opens the same line, and leaving it leads back.
    let mut typed = Bench::new();
    let id = typed.open(Verb::PromoteFull, Engine::Rollout, Params::default());
    typed.types(&id, "orders@");
    let mut desk = Desk::new(typed.shown());
    desk.press(Key::control('o'));
    desk.press(Key::plain(KeyName::Escape));
    assert!(desk.text().contains("orders@▌"), "{}", desk.text());
}

/// The primary is dead, and nobody knows what its replicas lack.
fn losing() -> Bench {
    let mut bench = Bench::new().armed();
    bench.dead = true;
    bench.open(Verb::Failover, Engine::CloudNativePg, Params::default());
    bench
}

#[test]
fn a_loss_is_acknowledged_by_typing_it_with_a_reason() {
    let mut bench = losing();
    let id = bench.state.operations.desk.machines()[0].id.clone();
    check("card-loss", &bench.shown(), 80, 24);
    bench.send(&id, Event::Choose { suspend_owner: false, accept_loss: true });
    bench.pass(1_000);
    let need = |bench: &Bench| match &bench.state.operations.desk.machines()[0].phase {
        Phase::Confirming(confirmation) => confirmation.need.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((need(&bench).phrase, need(&bench).reason), (Some(LOSS), true));
    bench.types(&id, "ledger@prod-eu");
    bench.send(&id, Event::Press(Press::Tab));
    bench.types(&id, "lose wri");
    check("card-loss-acknowledged", &bench.shown(), 80, 24);
    let fire = |bench: &mut Bench| {
        bench.pass(2_000);
        bench.send(&id, Event::Press(Press::Fire));
        !matches!(bench.state.operations.desk.machines()[0].phase, Phase::Confirming(_))
    };
    assert!(!fire(&mut bench), "the words are not whole");
    bench.types(&id, "tes");
    assert!(!fire(&mut bench), "no reason is given");
    bench.pass(200);
    bench.send(&id, Event::Press(Press::Tab));
    bench.types(&id, "INC-4711 primary is gone");
    bench.send(&id, Event::Press(Press::Enter));
    assert!(matches!(bench.state.operations.desk.machines()[0].phase, Phase::Confirming(_)), "enter fires nothing");
    assert!(fire(&mut bench));
    // The key does nothing where nothing is lost.
    let mut whole = Desk::new(carded(Verb::Scale, Engine::Rollout).shown());
    assert!(whole.press(Key::control('k')).is_empty());
}

#[test]
fn starting_again_what_was_aborted_is_careful_and_no_way_back() {
    let (_, failed) = every_end().into_iter().find(|(word, _)| *word == "failed").unwrap();
    let failed = Desk::new(failed.shown());
    assert!(failed.state().hints.iter().all(|hint| hint.words != "retry"), "{}", failed.text());
    let mut aborted = carded(Verb::Abort, Engine::Rollout);
    let id = aborted.state.operations.desk.machines()[0].id.clone();
    aborted.go(&id);
    aborted.accept(&id, 0);
    aborted.rollout = fixture::operations::aborted(15);
    for _ in 0..120 {
        aborted.pass(2_000);
        aborted.heal();
        aborted.sight_rollout(&id);
    }
    check("card-aborted", &aborted.shown(), 80, 24);
    let mut desk = Desk::new(aborted.shown());
    assert!(desk.text().contains("u retry: another card") && !desk.text().contains("BACK OUT"), "{}", desk.text());
    let effects = desk.press(Key::char('u'));
    let [Effect::Open { request, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(request.backs_out.is_some() && !request.is_way_back() && !request.mitigates());
    let mut bench = Bench::new();
    bench.rollout = fixture::operations::aborted(15);
    let id = tierdeck::operation::target::OperationId("0199-again".into());
    bench.begin(id.clone(), (**request).clone());
    let card = bench.state.operations.desk.get(&id).unwrap().card.clone().unwrap();
    assert_eq!(card.plan.risk, Risk::Careful);
}

#[test]
fn scrolling_ends_where_the_text_ends() {
    let mut whole = carded(Verb::Rollback, Engine::Rollout);
    if let Some(Overlay::Card(card)) = &mut whole.state.overlay {
        card.whole = true;
    }
    let members = ComponentPlace {
        component: fixture::orders_id(),
        tab: Tab::Signals,
        signal: None,
        range_minutes: 60,
        scroll: 0,
    };
    let overlaid = |overlay| State { overlay: Some(overlay), ..fixture::incident() };
    for (name, state) in [
        ("help", overlaid(Overlay::Help { scroll: 0 })),
        ("explain", overlaid(Overlay::Explain { scroll: 0 })),
        ("card", whole.shown()),
        ("signals", State { places: vec![Place::Component(members)], ..fixture::incident() }),
    ] {
        let mut desk = Desk::new(state);
        let top = desk.frame();
        for _ in 0..60 {
            desk.press(Key::plain(KeyName::PageDown));
            desk.frame();
        }
        let end = desk.frame();
        desk.press(Key::plain(KeyName::Up));
        let above = desk.frame();
        assert!(top == end || above != end, "{name}: the first key up only takes back what ran past the end");
        desk.press(Key::plain(KeyName::Down));
        assert_eq!(desk.frame(), end, "{name}");
        assert!(name == "signals" || top != end, "{name} is not scrolled");
    }
}
