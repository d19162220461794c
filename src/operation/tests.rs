//! Confirmation: what fires, and what never does.

use std::time::Duration;

use super::confirm::{self, Around, Confirmation, Press, Step};
use super::policy::Policy;
use super::testing::human;
use super::verb::Risk;
use crate::domain::settings::RiskClass;

const CLEAR: Around = Around { armed: true, clear: true, alone: Duration::from_secs(120) };

fn card(risk: Risk, glass: bool) -> Confirmation {
    let need = confirm::need(risk, RiskClass::Production, &Policy::default(), glass, "backend@prod-eu".into());
    Confirmation::new(need, human(0))
}

/// Types a text at a human pace from a moment on; the moment after it.
fn typed(card: &mut Confirmation, text: &str, mut at: u64) -> u64 {
    for c in text.chars() {
        at += 120;
        assert_eq!(card.press(Press::Char(c), human(at), CLEAR), Step::Nothing);
    }
    at
}

#[test]
fn each_risk_needs_its_own_confirmation() {
    use RiskClass::{Production, Staging};
    // armed before, arms by itself, token, reason
    let cases = [
        (Risk::Safer, Production, (false, true, false, false)),
        (Risk::Careful, Production, (true, false, false, false)),
        (Risk::Risky, Production, (true, false, true, false)),
        (Risk::Irreversible, Production, (true, false, true, true)),
        (Risk::Safer, Staging, (false, false, false, false)),
        (Risk::Risky, Staging, (false, false, false, false)),
        (Risk::Irreversible, Staging, (false, false, true, true)),
    ];
    for (risk, class, expected) in cases {
        let need = confirm::need(risk, class, &Policy::default(), false, "a@b".into());
        assert_eq!((need.armed, need.arms, need.token.is_some(), need.reason), expected, "{risk:?} {class:?}");
        assert!(!need.approval);
    }
    let strict = Policy { approval: true, ..Policy::default() };
    assert!(confirm::need(Risk::Irreversible, Production, &strict, false, "a@b".into()).approval);
    assert!(!confirm::need(Risk::Risky, Production, &strict, false, "a@b".into()).approval);
}

#[test]
fn the_fire_key_fires_once_it_is_meant() {
    let mut safer = card(Risk::Safer, false);
    assert_eq!(safer.press(Press::Enter, human(1000), CLEAR), Step::Nothing);
    assert_eq!(safer.press(Press::Fire, human(1100), CLEAR), Step::Fire);
    let mut risky = card(Risk::Risky, false);
    assert!(matches!(risky.press(Press::Fire, human(1000), CLEAR), Step::Refused(_)));
    let at = typed(&mut risky, "backend@prod-eu", 1000);
    assert_eq!(risky.press(Press::Fire, human(at + 100), CLEAR), Step::Fire);
    let mut careful = card(Risk::Careful, false);
    let unarmed = Around { armed: false, ..CLEAR };
    assert!(
        matches!(careful.press(Press::Fire, human(1000), unarmed), Step::Refused(why) if why.as_str().contains("arm"))
    );
    let blocked = Around { clear: false, ..CLEAR };
    assert!(matches!(card(Risk::Safer, false).press(Press::Fire, human(1000), blocked), Step::Refused(_)));
}

#[test]
fn a_key_held_across_the_opening_never_fires() {
    for delay in [250, 500, 660, 1000] {
        for begins in (0..900).step_by(37) {
            let mut card = card(Risk::Safer, false);
            // Pressed before or after the card opens, then repeated at 60 Hz; only the first press can be meant.
            let first = begins;
            let repeats = (0..300).map(|n| first + delay + n * 16);
            let mut fired = u32::from(card.press(Press::Fire, human(first), CLEAR) == Step::Fire);
            let meant = first >= 400;
            for at in repeats {
                fired += u32::from(fired == 0 && card.press(Press::Fire, human(at), CLEAR) == Step::Fire);
            }
            assert_eq!(fired > 0, meant, "delay {delay}, begins {begins}");
        }
    }
}

#[test]
fn pasted_text_never_confirms() {
    let mut bracketed = card(Risk::Risky, false);
    assert!(matches!(bracketed.press(Press::Paste("backend@prod-eu".into()), human(1000), CLEAR), Step::Refused(_)));
    assert_eq!(bracketed.token, "");
    let mut bare = card(Risk::Risky, false);
    let fired = "backend@prod-eu"
        .chars()
        .map(Press::Char)
        .chain([Press::Fire])
        .enumerate()
        .any(|(n, press)| bare.press(press, human(1000 + n as u64), CLEAR) == Step::Fire);
    assert!(!fired && bare.token != "backend@prod-eu", "{}", bare.token);
    assert!(matches!(bare.press(Press::Fire, human(1030), CLEAR), Step::Refused(_)));
    let mut ahead = card(Risk::Risky, false);
    for (n, c) in "backend@prod-eu".chars().enumerate() {
        ahead.press(Press::Char(c), human(n as u64 * 20), CLEAR);
    }
    assert_eq!(ahead.token, "", "typed before the card could be read");
    let mut reason = card(Risk::Irreversible, false);
    let at = typed(&mut reason, "backend@prod-eu", 1000);
    reason.press(Press::Tab, human(at + 200), CLEAR);
    assert_eq!(reason.press(Press::Paste("INC-4711\u{1b}".into()), human(at + 400), CLEAR), Step::Nothing);
    assert_eq!(reason.reason, "INC-4711");
    assert_eq!(reason.press(Press::Fire, human(at + 3000), CLEAR), Step::Fire);
}

#[test]
fn glass_takes_a_token_a_phrase_a_reason_and_ten_seconds() {
    let mut glass = card(Risk::Safer, true);
    let mut at = typed(&mut glass, "backend@prod-eu", 1000);
    for text in [confirm::PHRASE, "freeze is wrong"] {
        assert!(glass.missing(human(20_000), CLEAR).is_some());
        at += 200;
        glass.press(Press::Tab, human(at), CLEAR);
        at = typed(&mut glass, text, at);
    }
    assert!(at < 10_000);
    assert!(glass.missing(human(9_999), CLEAR).is_some());
    assert_eq!(glass.press(Press::Fire, human(10_001), CLEAR), Step::Fire);
}

#[test]
fn headless_needs_a_reason_in_production_and_the_token_from_careful_up() {
    let run = |risk, class, reason, token| {
        let wanted = "backend@prod-eu".into();
        let need = confirm::need(risk, class, &Policy::default(), false, "backend@prod-eu".into());
        confirm::headless(&need, risk, class, reason, token, &wanted).is_ok()
    };
    use RiskClass::{Production, Staging};
    assert!(run(Risk::Safer, Production, Some("r"), None));
    assert!(!run(Risk::Safer, Production, None, None));
    assert!(!run(Risk::Safer, Production, Some("r"), Some("backend@prod-us")), "meant for another place");
    assert!(!run(Risk::Careful, Production, Some("r"), None));
    assert!(!run(Risk::Risky, Production, Some("r"), Some("backend@prod-us")));
    assert!(run(Risk::Risky, Production, Some("r"), Some("backend@prod-eu")));
    assert!(run(Risk::Safer, Staging, None, None));
    assert!(!run(Risk::Irreversible, Staging, None, Some("backend@prod-eu")));
}
