//! Putting the parts together: settings to sources, a session, and either the console or a headless run.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::app::{self, App, End};
use super::clock::Clocks;
use super::connect;
use super::inbox::{Control, Inbox};
use super::operate::{Actor, Operator, news};
use super::signals::{self, Signals};
use super::{panics, runner};
use crate::audit::record::StreamId;
use crate::domain::id::SourceId;
use crate::domain::settings::Settings;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Human;
use crate::input::Keymap;
use crate::model::board::{SourceState, SourceStatus};
use crate::model::facts::Scope;
use crate::model::world::World;
use crate::operation::policy::Policy;
use crate::state::message::{Effect, Message, Timed};
use crate::state::operations::Opening;
use crate::state::session::Session;
use crate::state::{BoardPlace, Environment, Filter, Operations, Place, State};
use crate::theme::Theme;

/// No news for this long after every source has answered means that the first round is in.
const QUIET: Duration = Duration::from_millis(400);
/// How long the end waits for a lock that is being taken.
const LETTING_GO: Duration = Duration::from_secs(2);

/// Tasks get so long to end what they have started; a thread that hangs on a name service or a file system is left behind.
const LAST: Duration = Duration::from_millis(100);

/// Shows the console in this terminal until it ends.
///
/// # Errors
/// There is no terminal, or it refuses.
pub fn console(settings: &Settings, keymap: Keymap, theme: Theme, actor: Actor) -> io::Result<End> {
    let clocks = Clocks::new(settings.clock.unwrap_or_default());
    let inbox = Inbox::default();
    let refresh = Arc::new(Notify::new());
    let session = session(settings, keymap, actor.who.clone(), &clocks, Opening::ReadOnly);
    // From here on a signal ends the loop: one that ended the program would leave the terminal as we have made it.
    let runtime = threads(&inbox)?;
    // The first frame is drawn before any source is built: nothing slow may stand before it.
    let mut app = App::start(session, theme, clocks, inbox.clone(), refresh.clone())?;
    drive(&runtime, settings, &inbox, clocks, &refresh);
    app.operate(Operator::new(runtime.handle().clone(), inbox, clocks, settings, actor));
    let end = app.run();
    runtime.shutdown_timeout(LAST);
    end
}

/// A run without a terminal, for `status`, `snapshot` and `run`.
pub struct Headless {
    session: Session,
    clocks: Clocks,
    inbox: Inbox,
    /// Signals that asked us to end, in the order in which they came.
    signals: Vec<&'static str>,
    /// What has come whole: collections by source, and whether the journal takes records.
    heard: BTreeSet<(SourceId, Scope)>,
    journal: bool,
    ticked_at: Human,
    /// Carries out what operations ask, where any may be.
    operator: Option<Operator>,
    /// Taken when dropped.
    runtime: Option<Runtime>,
}

impl Headless {
    /// Starts every source.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn start(settings: &Settings, keymap: Keymap, user: Shown) -> io::Result<Self> {
        Self::build(settings, keymap, user, Opening::ReadOnly, None)
    }

    /// The same with operations, which are confirmed by flags.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn operating(settings: &Settings, actor: Actor) -> io::Result<Self> {
        Self::build(settings, Keymap::default(), actor.who.clone(), Opening::Flags, Some(actor))
    }

    fn build(
        settings: &Settings,
        keymap: Keymap,
        user: Shown,
        door: Opening,
        actor: Option<Actor>,
    ) -> io::Result<Self> {
        let clocks = Clocks::new(settings.clock.unwrap_or_default());
        let inbox = Inbox::default();
        let runtime = threads(&inbox)?;
        drive(&runtime, settings, &inbox, clocks, &Arc::new(Notify::new()));
        let operator =
            actor.map(|actor| Operator::new(runtime.handle().clone(), inbox.clone(), clocks, settings, actor));
        Ok(Self {
            session: session(settings, keymap, user, &clocks, door),
            clocks,
            inbox,
            signals: Vec::new(),
            heard: BTreeSet::new(),
            journal: false,
            ticked_at: clocks.human(),
            operator,
            runtime: Some(runtime),
        })
    }

    /// Runs until every source has answered or failed and nothing new comes, at most `limit`.
    pub fn settle(&mut self, limit: Duration) {
        let begun = self.clocks.human().0;
        let mut news_at = begun;
        loop {
            let now = self.clocks.human().0;
            let waiting = self.session.state().sources.iter().any(|source| !source.has_answered());
            let quiet = now.saturating_sub(news_at) >= QUIET;
            if (!waiting && quiet) || now.saturating_sub(begun) >= limit || self.is_interrupted() {
                break;
            }
            if self.turn(Duration::from_millis(50)) {
                news_at = self.clocks.human().0;
            }
        }
        self.session.assess(self.clocks.now());
    }

    /// Runs for a span of human time.
    pub fn run_for(&mut self, span: Duration) {
        let until = self.clocks.human().0 + span;
        while self.clocks.human().0 < until && !self.is_interrupted() {
            self.turn(Duration::from_millis(200).min(until.saturating_sub(self.clocks.human().0)));
        }
        self.session.assess(self.clocks.now());
    }

    #[must_use]
    pub const fn state(&self) -> &State {
        self.session.state()
    }

    /// A state with the hints and help of this run's keymap.
    #[must_use]
    pub fn described(&self, state: State) -> State {
        self.session.described(state)
    }

    /// Whether a signal asked us to end.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        !self.signals.is_empty() || panics::report().is_some()
    }

    /// Signals that asked us to end so far.
    #[must_use]
    pub fn signals(&self) -> &[&'static str] {
        &self.signals
    }

    #[must_use]
    pub const fn clocks(&self) -> Clocks {
        self.clocks
    }

    /// Whether a source has told all it knows of a collection.
    #[must_use]
    pub fn has_heard(&self, source: &SourceId, scope: Scope) -> bool {
        self.heard.contains(&(source.clone(), scope))
    }

    /// Whether the journal has said if it takes records.
    #[must_use]
    pub const fn knows_journal(&self) -> bool {
        self.journal
    }

    pub fn assess(&mut self) {
        self.session.assess(self.clocks.now());
    }

    /// One turn of the loop; whether observations came.
    pub fn turn(&mut self, timeout: Duration) -> bool {
        let batch = self.inbox.take(timeout);
        if batch.control.contains(&Control::Suspend) {
            // Refused, it is a stop that does not happen.
            let _ = signals::stop();
        }
        for control in batch.control {
            match control {
                Control::Terminate(signal) => self.signals.push(signal),
                control => {
                    self.journal |= matches!(control, Control::Journal(_));
                    news(control).into_iter().for_each(|message| self.hear(message));
                }
            }
        }
        let has_news = !batch.observations.is_empty();
        if has_news || batch.sources.is_some() {
            let whole = batch.observations.iter().filter(|observation| observation.complete);
            self.heard.extend(whole.map(|observation| (observation.source.clone(), observation.scope)));
            let sources = batch.sources.unwrap_or_else(|| self.session.state().sources.clone());
            self.hear(Message::Feed { observations: batch.observations, sources });
        }
        has_news
    }

    /// Lets the state know that time has passed, when it is due.
    pub fn tick(&mut self) {
        let now = self.clocks.human();
        let interval = if self.session.is_stale() { app::SOON } else { app::TICK };
        if now.0.saturating_sub(self.ticked_at.0) >= interval {
            self.ticked_at = now;
            self.hear(Message::Tick);
        }
    }

    /// Tells the state, and does what follows.
    pub fn hear(&mut self, message: Message) {
        let effects = self.session.update(Timed { now: self.clocks.now(), human: self.clocks.human(), message });
        self.perform(effects);
    }

    /// Does what the state asks; without operations there is nothing to do.
    pub fn perform(&mut self, effects: Vec<Effect>) {
        let Some(operator) = &mut self.operator else { return };
        let messages: Vec<Message> = effects.into_iter().filter_map(|effect| operator.perform(effect)).collect();
        messages.into_iter().for_each(|message| self.hear(message));
    }

    /// Ends operations in order: no lock of ours stays, and the journal is closed; which stream of the trail it was.
    pub fn end(&mut self, why: &'static str) -> Option<StreamId> {
        let until = self.clocks.human().0 + LETTING_GO;
        let idle = |headless: &Self| headless.session.state().operations.desk.in_flight() == 0;
        // A lock that was asked for before it was cancelled is let go when it comes.
        while idle(self) && self.operator.as_ref().is_some_and(Operator::holds_a_lock) && self.clocks.human().0 < until
        {
            self.turn(Duration::from_millis(50));
        }
        self.operator.as_mut()?.end(why)
    }
}

/// What hangs must not hold the program.
impl Drop for Headless {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(LAST);
        }
    }
}

/// Draws a state into memory.
#[must_use]
pub fn draw(state: &State, theme: &Theme) -> Buffer {
    let (columns, lines) = state.size;
    let mut buffer = Buffer::default();
    if let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, lines))
        && let Ok(frame) = terminal.draw(|frame| {
            crate::ui::draw(frame, state, theme);
        })
    {
        buffer = frame.buffer.clone();
    }
    buffer
}

/// The threads that tasks run on; signals have become messages when it returns.
fn threads(inbox: &Inbox) -> io::Result<Runtime> {
    // A test keeps the embedded catalogue whole; a build that has slipped past it must not look like a quiet system.
    if let Some(defect) = crate::model::signals::defects().first() {
        return Err(io::Error::other(format!("tierdeck's own signal catalogue is defective: {defect}")));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let signals = {
        let _inside = runtime.enter();
        Signals::take()
    };
    runtime.spawn(signals.listen(inbox.clone()));
    Ok(runtime)
}

/// Starts every source.
fn drive(runtime: &Runtime, settings: &Settings, inbox: &Inbox, clocks: Clocks, refresh: &Arc<Notify>) {
    for entry in connect::entries(settings) {
        runtime.spawn(build(entry, inbox.clone(), clocks, refresh.clone()));
    }
}

/// Builds the sources of an entry and drives them; what cannot be built stands among the sources as failed.
async fn build(entry: connect::Entry, inbox: Inbox, clocks: Clocks, refresh: Arc<Notify>) {
    match entry.build.await {
        Ok(sources) => {
            for source in sources {
                tokio::spawn(runner::drive(source, inbox.clone(), clocks, refresh.clone()));
            }
        }
        Err(fault) => inbox.add_source(SourceStatus {
            id: SourceId::new(&entry.name),
            kind: entry.kind,
            state: SourceState::Failed { since: clocks.now(), fault },
            sample_at: None,
            endpoint: Raw::default(),
            took: None,
            cost: None,
            identity: None,
        }),
    }
}

fn session(settings: &Settings, keymap: Keymap, user: Shown, clocks: &Clocks, door: Opening) -> Session {
    let now = clocks.now();
    let world = World::new(settings);
    let board = Arc::new(world.assess(&[], now));
    let notice = settings.egress.loopback_only.then(|| Shown::fixed("demo"));
    let state = State {
        environment: Environment {
            name: Shown::of(&settings.environment.name),
            class: settings.environment.class,
            user,
            notice,
        },
        now,
        board,
        sources: Vec::new(),
        places: vec![Place::Board(BoardPlace::default())],
        overlay: None,
        filter: Filter::default(),
        notices: Vec::new(),
        hints: Vec::new(),
        help: Vec::new(),
        size: (80, 24),
        operations: Operations {
            door,
            ..Operations::new(
                Shown::of(&settings.environment.name),
                settings.environment.class,
                Policy::of(&settings.policy, &settings.environment.name, settings.environment.class),
            )
        },
    };
    Session::new(state, world, keymap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::KubernetesSettings;
    use crate::domain::time::Clock;

    #[test]
    fn a_plugin_that_hangs_does_not_hold_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let config = "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
             clusters: [{name: c, cluster: {server: \"https://127.0.0.1:9\"}}]\n\
             users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ['8']}}}]\n\
             contexts: [{name: it, context: {cluster: c, user: u}}]\n";
        std::fs::write(&file, config).unwrap();
        let cluster = KubernetesSettings {
            name: "k8s".to_owned(),
            kubeconfig: Some(file),
            context: None,
            namespaces: Vec::new(),
        };
        let settings = Settings { kubernetes: vec![cluster], ..Settings::default() };
        let clocks = Clocks::new(Clock::default());
        let begun = clocks.human().0;
        let mut headless = Headless::start(&settings, Keymap::default(), Shown::fixed("tester")).unwrap();
        headless.settle(Duration::from_millis(500));
        drop(headless);
        assert!(clocks.human().0.saturating_sub(begun) < Duration::from_secs(4));
    }
}
