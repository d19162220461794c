//! One operation without a screen: the state, the machine, the operator and the door of the console, driven by flags.

use std::time::Duration;

use super::launch::Headless;
use super::panics;
use super::progress::Progress;
use crate::domain::error::Fault;
use crate::domain::settings::Settings;
use crate::domain::text::Shown;
use crate::model::board::{Evidence, SourceKind, SourceState, SourceStatus};
use crate::operation::guard::Verdict;
use crate::operation::machine::{Card, Event, Machine, Phase};
use crate::operation::registry::{self, Unclear};
use crate::operation::target::{OperationId, Request};
use crate::report::run::{Ending, guard_id};
use crate::shown;
use crate::state::message::Message;
use crate::state::operations::opening;
use crate::state::typed::Order;

/// How long sources have to tell what there is. Their own deadlines are shorter: this is for what they do not cover.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long what users feel may take to be seen, once the target is known: until then a guard would call it blind.
const SIGHT: Duration = Duration::from_secs(5);
/// What waits for less is not told that it waits.
const PATIENT: Duration = Duration::from_secs(1);
/// The longest turn of the loop.
const TURN: Duration = Duration::from_millis(100);

/// What the command line gives beside the operation.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub reason: Option<String>,
    /// `NAME@ENV`.
    pub confirm: Option<String>,
    /// Stop after the guards.
    pub dry_run: bool,
}

/// Why there is no operation. Nothing was sent, and nothing planned.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopped {
    Unclear(Unclear),
    /// What the target would be told by does not answer.
    Unknown(Shown),
    Signal(&'static str),
}

/// What is told on the way, a line at a time.
pub type Tell<'a> = &'a mut dyn FnMut(&Shown);

/// Waits for the sources that a target rests on, not for all, and finds it.
///
/// # Errors
/// [`Stopped`].
pub fn find(headless: &mut Headless, settings: &Settings, order: &Order, tell: Tell<'_>) -> Result<Request, Stopped> {
    let begun = headless.clocks().human().0;
    let kinds = registry::told_by(order.verb);
    let mut told = false;
    loop {
        turn(headless)?;
        let waits = awaited(headless, settings, &kinds);
        let waited = headless.clocks().human().0.saturating_sub(begun);
        let is_named = registry::is_exact(&order.target) && order.request(&headless.state().board).is_ok();
        let is_over = waits.is_empty() && headless.knows_journal();
        if is_over || (is_named && headless.knows_journal()) || waited >= PATIENCE {
            break;
        }
        if !told && waited >= PATIENT && !waits.is_empty() {
            told = true;
            tell(&shown!("waiting for {}", Shown::joined(waits, ", ")));
        }
    }
    headless.assess();
    let request = order.request(&headless.state().board).map_err(|unclear| {
        let silent = silent(headless, settings, &kinds);
        // Several are there already: what does not answer could only add to them.
        if unclear.is_ambiguous || silent.is_empty() {
            return Stopped::Unclear(unclear);
        }
        let target = Shown::of(&order.target);
        Stopped::Unknown(shown!("{} cannot be looked up: {}", target, Shown::joined(silent, "; ")))
    })?;
    see(headless)?;
    Ok(request)
}

fn turn(headless: &mut Headless) -> Result<(), Stopped> {
    headless.turn(TURN);
    headless.tick();
    match headless.signals().first() {
        Some(signal) => Err(Stopped::Signal(signal)),
        None => Ok(()),
    }
}

/// Waits until somebody sees what users feel, or until everybody who could has answered.
fn see(headless: &mut Headless) -> Result<(), Stopped> {
    let until = headless.clocks().human().0 + SIGHT;
    let measures = |source: &&SourceStatus| source.kind.measures();
    loop {
        let state = headless.state();
        let is_blind = matches!(state.board.evidence, Evidence::Connecting | Evidence::Blind { .. });
        let waits = state.sources.iter().filter(measures).any(|source| !source.has_answered());
        if !is_blind || !waits || headless.clocks().human().0 >= until {
            headless.assess();
            return Ok(());
        }
        turn(headless)?;
    }
}

fn configured(settings: &Settings, kind: SourceKind) -> usize {
    match kind {
        SourceKind::Kubernetes => settings.kubernetes.len(),
        SourceKind::Aws => settings.aws.len(),
        _ => 0,
    }
}

/// The sources of these kinds that have not told what there is.
fn awaited(headless: &Headless, settings: &Settings, kinds: &[SourceKind]) -> Vec<Shown> {
    let has_told = |source: &SourceStatus| match (source.kind, &source.state) {
        (_, SourceState::Failed { .. }) => true,
        // A cluster tells its workloads together, once it has listed all that shapes them.
        (SourceKind::Kubernetes, _) => {
            ["workloads", "nodes"].into_iter().all(|scope| headless.has_heard(&source.id, scope))
        }
        _ => source.has_answered(),
    };
    let mut waits = Vec::new();
    for kind in kinds {
        let sources: Vec<_> = headless.state().sources.iter().filter(|source| source.kind == *kind).collect();
        waits.extend(sources.iter().filter(|source| !has_told(source)).map(|source| source.id.shown()));
        // Those that are still being built have no status yet.
        if sources.len() < configured(settings, *kind) {
            waits.push(Shown::fixed(kind.name()));
        }
    }
    waits
}

/// Sources of these kinds that failed or did not answer in time, each with the reason.
fn silent(headless: &Headless, settings: &Settings, kinds: &[SourceKind]) -> Vec<Shown> {
    let failed = headless.state().sources.iter().filter(|source| kinds.contains(&source.kind));
    let why = |source: &SourceStatus, fault: &Fault| shown!("{}: {}; {}", source.id.shown(), fault.what, fault.hint);
    let mut silent: Vec<Shown> = failed
        .filter_map(|source| match &source.state {
            SourceState::Failed { fault, .. } => Some(why(source, fault)),
            _ => None,
        })
        .collect();
    let late = awaited(headless, settings, kinds).into_iter();
    silent.extend(late.map(|name| shown!("{}: no answer within {} s", name, PATIENCE.as_secs())));
    silent
}

/// Plans, judges, confirms by the flags, and follows it to its end. Which operation it was, and how it ended.
pub fn carry_out(
    headless: &mut Headless,
    request: Request,
    flags: &Flags,
    tell: Tell<'_>,
) -> Option<(OperationId, Ending)> {
    let open = opening(headless.state(), request);
    headless.perform(vec![open]);
    let id = headless.state().operations.desk.machines().last()?.id.clone();
    let mut run = Run { id: id.clone(), flags, tell, confirmed: false, heeded: 0, progress: Progress::default() };
    loop {
        headless.turn(TURN);
        headless.tick();
        if let Some(ending) = run.step(headless) {
            return Some((id, ending));
        }
    }
}

struct Run<'a, 't> {
    id: OperationId,
    flags: &'a Flags,
    tell: Tell<'t>,
    confirmed: bool,
    /// Signals that were heeded.
    heeded: usize,
    progress: Progress,
}

impl Run<'_, '_> {
    /// Looks where it stands and does what is next; how it ended.
    fn step(&mut self, headless: &mut Headless) -> Option<Ending> {
        self.follow(headless);
        if let Some(ending) = self.heed(headless) {
            return Some(ending);
        }
        let Some(machine) = headless.state().operations.desk.get(&self.id) else {
            return Some(Ending::Left(Shown::fixed("the operation is not known any more")));
        };
        match (&machine.phase, &machine.card) {
            (Phase::Done(end), _) => Some(Ending::Over(end.clone())),
            (Phase::Confirming(_) | Phase::Guarded { .. }, Some(card)) if !self.confirmed => {
                self.tell_plan(&card.clone());
                self.confirm(headless)
            }
            // What was planned is not what would be sent now, or somebody else has the lock: nobody is there to read it.
            (Phase::Confirming(_) | Phase::Guarded { .. }, Some(card)) => {
                let mut why: Vec<Shown> = machine.notice.iter().cloned().collect();
                why.extend(card.report.blocks().into_iter().map(|finding| finding.text.clone()));
                let change = card.drifted.iter();
                why.extend(change.map(|change| shown!("{}: {}, now {}", change.what, change.before, change.after)));
                self.give(headless, Event::Cancel);
                Some(Ending::Refused(why))
            }
            _ => None,
        }
    }

    /// The flags confirm it, or it was only to be looked at.
    fn confirm(&mut self, headless: &mut Headless) -> Option<Ending> {
        self.confirmed = true;
        if self.flags.dry_run {
            self.give(headless, Event::Cancel);
            return Some(Ending::Rehearsed);
        }
        let Flags { reason, confirm, .. } = self.flags.clone();
        self.give(headless, Event::Confirm { reason, token: confirm });
        self.follow(headless);
        None
    }

    /// The first signal stops it at the next safe point, another one ends at once.
    fn heed(&mut self, headless: &mut Headless) -> Option<Ending> {
        if let Some(report) = panics::report() {
            return Some(Ending::Left(Shown::of(report)));
        }
        let signals = headless.signals();
        let (count, last) = (signals.len(), signals.last().copied()?);
        let has_begun = headless.state().operations.desk.get(&self.id).is_some_and(Machine::has_begun);
        if count > self.heeded.max(1) && has_begun {
            return Some(Ending::Left(shown!("ended by a second {} before its end was seen", last)));
        }
        if self.heeded == 0 {
            self.say(&if has_begun {
                shown!(
                    "{}: no further request goes, what was sent is watched to its end; another one ends at once",
                    last
                )
            } else {
                shown!("{}: nothing is sent", last)
            });
            self.give(headless, Event::Cancel);
        }
        self.heeded = count;
        None
    }

    fn give(&self, headless: &mut Headless, event: Event) {
        headless.hear(Message::Operation { id: self.id.clone(), event: Box::new(event) });
    }

    fn say(&mut self, line: &Shown) {
        (self.tell)(line);
    }

    /// Tells what has changed since it was last told.
    fn follow(&mut self, headless: &Headless) {
        let Some(machine) = headless.state().operations.desk.get(&self.id) else { return };
        self.progress.news(machine).iter().for_each(|line| (self.tell)(line));
    }

    fn tell_plan(&mut self, card: &Card) {
        let (plan, findings) = (&card.plan, &card.report.findings);
        let steps = match plan.steps.len() {
            1 => Shown::fixed("1 step"),
            many => shown!("{} steps", many),
        };
        self.say(&shown!("planned: {}, about {} s, {}", steps, plan.timing.expected.as_secs(), plan.risk.word()));
        for finding in findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
            self.say(&shown!("guard {} {}: {}", finding.verdict.word(), guard_id(finding.guard), finding.text));
        }
        self.say(&shown!("guards: {} pass of {}", card.report.passed(), findings.len()));
    }
}
