//! What confirmation a change needs, and what counts as one. Pure: every press comes with its moment of human time.
//!
//! Nothing fires by accident: Enter never does; a press within [`DWELL`] of the card's opening, a held key, a burst that
//! no hand can type, and pasted text do not either (facts/trust.md A3, facts/peers.md).

use std::collections::VecDeque;
use std::time::Duration;

use super::policy::Policy;
use super::target::Target;
use super::verb::Risk;
use crate::domain::settings::RiskClass;
use crate::domain::text::Shown;
use crate::domain::time::Human;
use crate::shown;

/// What was typed before the card could be read does not count.
pub const DWELL: Duration = Duration::from_millis(400);
/// After a fire key that did not count, another one counts only after this pause: longer than the delay after which
/// keyboards begin to repeat.
pub const QUIET: Duration = Duration::from_millis(1200);
/// Three presses within this are a paste (terminals without bracketed paste).
pub const BURST: Duration = Duration::from_millis(5);
/// The fire key needs a hand to move to it.
pub const HAND: Duration = Duration::from_millis(50);
/// How long the glass is looked at before it is broken.
pub const GLASS: Duration = Duration::from_secs(10);
/// Typed to break it, after the target.
pub const PHRASE: &str = "break glass";
/// Typed to acknowledge that a failover loses writes, after the target.
pub const LOSS: &str = "lose writes";
/// The same on a card whose glass is broken.
const GLASS_AND_LOSS: &str = "break glass, lose writes";
/// A reason is being typed while its last press is younger than this.
const TYPING: Duration = Duration::from_secs(30);

/// What is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Production must be armed before; `false` also where the card arms by itself.
    pub armed: bool,
    /// The card arms production when it fires.
    pub arms: bool,
    /// Typed letter by letter: `backend@prod-eu`.
    pub token: Option<Shown>,
    /// Typed after the token.
    pub phrase: Option<&'static str>,
    pub reason: bool,
    pub approval: bool,
    /// How long the card must have been open.
    pub wait: Duration,
}

impl Need {
    /// The same for one who acknowledges that writes are lost: in words that are typed, and with the reason.
    #[must_use]
    pub fn with_loss(self) -> Self {
        let phrase = Some(if self.breaks_glass() { GLASS_AND_LOSS } else { LOSS });
        Self { phrase, reason: true, ..self }
    }

    #[must_use]
    pub fn breaks_glass(&self) -> bool {
        self.phrase.is_some_and(|phrase| phrase.starts_with(PHRASE))
    }
}

/// The token of a target: its name and the environment.
#[must_use]
pub fn token(target: &Target, environment: &Shown) -> Shown {
    shown!("{}@{}", target.component.name, environment)
}

/// What a risk needs in an environment.
#[must_use]
pub fn need(risk: Risk, class: RiskClass, policy: &Policy, glass: bool, token: Shown) -> Need {
    let production = class == RiskClass::Production;
    let risk = risk.within(class);
    let typed = risk >= Risk::Risky || glass;
    Need {
        armed: production && risk != Risk::Safer,
        arms: production && risk == Risk::Safer,
        token: typed.then_some(token),
        phrase: glass.then_some(PHRASE),
        reason: risk == Risk::Irreversible || glass,
        approval: risk == Risk::Irreversible && policy.approval && !glass,
        wait: if glass { GLASS } else { DWELL },
    }
}

/// What `tierdeck run` needs: no arming; a reason in production, the token from *careful* up.
///
/// # Errors
/// What is missing, in words.
pub fn headless(
    need: &Need,
    risk: Risk,
    class: RiskClass,
    reason: Option<&str>,
    token: Option<&str>,
    wanted: &Shown,
) -> Result<(), Shown> {
    if (class == RiskClass::Production || need.reason) && reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Shown::fixed("a reason is needed: --reason TEXT"));
    }
    // A token for something else is a mistake, whether one was needed or not.
    let fits = token.map_or(risk.within(class) < Risk::Careful, |token| token == wanted.as_str());
    if !fits {
        return Err(shown!("it must be confirmed: --confirm {}", wanted));
    }
    if need.approval {
        return Err(Shown::fixed("a second person must approve it on the card"));
    }
    Ok(())
}

/// A key on the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    Char(char),
    Backspace,
    /// Moves between the fields.
    Tab,
    Enter,
    /// The fire key, which is bound to nothing else.
    Fire,
    /// Bracketed paste.
    Paste(String),
    /// The terminal says that the key is held.
    Repeat,
}

/// What is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Token,
    Phrase,
    Reason,
}

/// What a press came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// It did not count, and why.
    Refused(Shown),
    Fire,
}

/// A confirmation under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmation {
    pub need: Need,
    pub field: Field,
    pub token: String,
    pub phrase: String,
    pub reason: String,
    /// A second person has approved this very plan.
    pub approved_by: Option<Shown>,
    pub opened: Human,
    presses: VecDeque<Human>,
    quiet_until: Option<Human>,
    typed_reason: Option<Human>,
}

/// What is known around a press.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    pub armed: bool,
    /// Every guard has been evaluated and none blocks.
    pub clear: bool,
    /// How long one who is alone waits for an approval.
    pub alone: Duration,
}

fn since(now: Human, then: Human) -> Duration {
    now.0.saturating_sub(then.0)
}

impl Confirmation {
    #[must_use]
    pub fn new(need: Need, now: Human) -> Self {
        let field = if need.token.is_some() { Field::Token } else { Field::Reason };
        Self {
            need,
            field,
            token: String::new(),
            phrase: String::new(),
            reason: String::new(),
            approved_by: None,
            opened: now,
            presses: VecDeque::new(),
            quiet_until: None,
            typed_reason: None,
        }
    }

    /// The same confirmation for a plan that only was refreshed.
    #[must_use]
    pub fn kept(&self, need: Need) -> Self {
        Self { need, ..self.clone() }
    }

    /// Whether a reason is being typed: the plan does not expire meanwhile.
    #[must_use]
    pub fn is_typing_reason(&self, now: Human) -> bool {
        self.field == Field::Reason && self.typed_reason.is_some_and(|at| since(now, at) < TYPING)
    }

    pub fn press(&mut self, press: Press, now: Human, around: Around) -> Step {
        if matches!(press, Press::Repeat | Press::Enter) {
            return Step::Nothing;
        }
        if let Press::Paste(text) = press {
            return self.paste(&text, now);
        }
        let (previous, burst) = self.rhythm(now);
        let early = since(now, self.opened) < DWELL;
        if press == Press::Fire {
            return self.fire(now, early, burst, previous, around);
        }
        if burst && self.field != Field::Reason {
            self.clear();
            return Step::Refused(Shown::fixed("pasted text is not taken here: type it"));
        }
        if early {
            return Step::Nothing;
        }
        self.edit(&press, now);
        Step::Nothing
    }

    /// The moment of the press before, and whether this one ends a burst.
    fn rhythm(&mut self, now: Human) -> (Option<Human>, bool) {
        let previous = self.presses.back().copied();
        self.presses.push_back(now);
        if self.presses.len() > 3 {
            self.presses.pop_front();
        }
        let third = if self.presses.len() == 3 { self.presses.front() } else { None };
        (previous, third.is_some_and(|third| since(now, *third) <= BURST))
    }

    fn clear(&mut self) {
        match self.field {
            Field::Token => self.token.clear(),
            Field::Phrase => self.phrase.clear(),
            Field::Reason => {}
        }
    }

    fn paste(&mut self, text: &str, now: Human) -> Step {
        if self.field != Field::Reason || since(now, self.opened) < DWELL {
            self.clear();
            return Step::Refused(Shown::fixed("pasted text is not taken here: type it"));
        }
        self.reason.extend(text.chars().filter(|c| !c.is_control()));
        self.typed_reason = Some(now);
        Step::Nothing
    }

    fn edit(&mut self, press: &Press, now: Human) {
        let typed = match self.field {
            Field::Token => &mut self.token,
            Field::Phrase => &mut self.phrase,
            Field::Reason => {
                self.typed_reason = Some(now);
                &mut self.reason
            }
        };
        match press {
            Press::Char(c) if !c.is_control() && typed.chars().count() < 500 => typed.push(*c),
            Press::Backspace => drop(typed.pop()),
            Press::Tab => {
                self.field = match self.field {
                    Field::Token if self.need.phrase.is_some() => Field::Phrase,
                    Field::Token | Field::Phrase => Field::Reason,
                    Field::Reason if self.need.token.is_some() => Field::Token,
                    Field::Reason => Field::Reason,
                };
            }
            _ => {}
        }
    }

    fn fire(&mut self, now: Human, early: bool, burst: bool, previous: Option<Human>, around: Around) -> Step {
        let held = self.quiet_until.is_some_and(|until| now < until);
        let hasty = previous.is_some_and(|previous| since(now, previous) < HAND);
        if early || burst || held || hasty {
            self.quiet_until = Some(Human(now.0 + QUIET));
            return Step::Refused(Shown::fixed("too fast to be meant: read the card, then press it once"));
        }
        match self.missing(now, around) {
            None => Step::Fire,
            Some(why) => {
                self.quiet_until = Some(Human(now.0 + QUIET));
                Step::Refused(why)
            }
        }
    }

    /// What still stands between the card and the first byte.
    #[must_use]
    pub fn missing(&self, now: Human, around: Around) -> Option<Shown> {
        let need = &self.need;
        if !around.clear {
            return Some(Shown::fixed("a guard blocks, or is not evaluated yet"));
        }
        if need.armed && !around.armed {
            return Some(Shown::fixed("production is read-only: arm it first"));
        }
        if let Some(token) = &need.token
            && token.as_str() != self.token
        {
            return Some(shown!("type {}", token));
        }
        if let Some(phrase) = need.phrase
            && phrase != self.phrase
        {
            return Some(shown!("type {}", phrase));
        }
        if need.reason && self.reason.trim().is_empty() {
            return Some(Shown::fixed("a reason or ticket is needed (tab)"));
        }
        let open = since(now, self.opened);
        if open < need.wait {
            return Some(shown!("wait {} s", (need.wait - open).as_secs() + 1));
        }
        if need.approval && self.approved_by.is_none() && open < around.alone {
            return Some(shown!(
                "a second person approves it, or wait {} s alone",
                (around.alone - open).as_secs() + 1
            ));
        }
        None
    }
}
