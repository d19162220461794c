//! Putting the parts together: settings to sources, a session, and either the console or a headless run.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::app::{App, End};
use super::clock::Clocks;
use super::connect;
use super::inbox::{Control, Inbox};
use super::operate::{Actor, Operator};
use super::{panics, runner, signals};
use crate::domain::id::SourceId;
use crate::domain::settings::Settings;
use crate::domain::text::{Raw, Shown};
use crate::input::Keymap;
use crate::model::board::{SourceState, SourceStatus};
use crate::model::world::World;
use crate::operation::policy::Policy;
use crate::state::message::{Message, Timed};
use crate::state::session::Session;
use crate::state::{BoardPlace, Environment, Filter, Operations, Place, State};
use crate::theme::Theme;

/// No news for this long after every source has answered means that the first round is in.
const QUIET: Duration = Duration::from_millis(400);

/// Shows the console in this terminal until it ends.
///
/// # Errors
/// There is no terminal, or it refuses.
pub fn console(settings: &Settings, keymap: Keymap, theme: Theme, actor: Actor) -> io::Result<End> {
    let clocks = Clocks::new(settings.clock.unwrap_or_default());
    let inbox = Inbox::default();
    let refresh = Arc::new(Notify::new());
    let session = session(settings, keymap, actor.who.clone(), &clocks);
    // The first frame is drawn before any source is built: nothing slow may stand before it.
    let mut app = App::start(session, theme, clocks, inbox.clone(), refresh.clone())?;
    let runtime = start(settings, &inbox, clocks, &refresh)?;
    app.operate(Operator::new(runtime.handle().clone(), inbox, clocks, settings, actor));
    let end = app.run();
    runtime.shutdown_background();
    end
}

/// A run without a terminal, for `status` and `snapshot`.
pub struct Headless {
    session: Session,
    clocks: Clocks,
    inbox: Inbox,
    interrupted: bool,
    /// Taken when dropped.
    runtime: Option<Runtime>,
}

impl Headless {
    /// Starts every source.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn start(settings: &Settings, keymap: Keymap, user: Shown) -> io::Result<Self> {
        let clocks = Clocks::new(settings.clock.unwrap_or_default());
        let inbox = Inbox::default();
        let runtime = start(settings, &inbox, clocks, &Arc::new(Notify::new()))?;
        let session = session(settings, keymap, user, &clocks);
        Ok(Self { session, clocks, inbox, interrupted: false, runtime: Some(runtime) })
    }

    /// Runs until every source has answered or failed and nothing new comes, at most `limit`.
    pub fn settle(&mut self, limit: Duration) {
        let begun = self.clocks.human().0;
        let mut news_at = begun;
        loop {
            let now = self.clocks.human().0;
            let waiting = self.session.state().sources.iter().any(|source| !source.has_answered());
            let quiet = now.saturating_sub(news_at) >= QUIET;
            if (!waiting && quiet) || now.saturating_sub(begun) >= limit || self.interrupted {
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
        while self.clocks.human().0 < until && !self.interrupted {
            self.turn(Duration::from_millis(200).min(until.saturating_sub(self.clocks.human().0)));
        }
        self.session.assess(self.clocks.now());
    }

    #[must_use]
    pub const fn state(&self) -> &State {
        self.session.state()
    }

    #[must_use]
    pub const fn clocks(&self) -> Clocks {
        self.clocks
    }

    /// A state with the hints and help of this run's keymap.
    #[must_use]
    pub fn described(&self, state: State) -> State {
        self.session.described(state)
    }

    /// Whether a signal asked us to end.
    #[must_use]
    pub const fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// One turn of the loop; whether observations came.
    fn turn(&mut self, timeout: Duration) -> bool {
        let batch = self.inbox.take(timeout);
        let ends = |control: &Control| matches!(control, Control::Terminate(_));
        self.interrupted |= batch.control.iter().any(ends) || panics::report().is_some();
        if batch.control.contains(&Control::Suspend) {
            // Refused, it is a stop that does not happen.
            let _ = signals::stop();
        }
        let news = !batch.observations.is_empty();
        if news || batch.sources.is_some() {
            let sources = batch.sources.unwrap_or_else(|| self.session.state().sources.clone());
            let message = Message::Feed { observations: batch.observations, sources };
            self.session.update(Timed { now: self.clocks.now(), human: self.clocks.human(), message });
        }
        news
    }
}

/// A credential plugin or a name service that hangs must not hold the program: what is still running is left behind.
impl Drop for Headless {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Draws a state into memory.
#[must_use]
pub fn draw(state: &State, theme: &Theme) -> Buffer {
    let (columns, lines) = state.size;
    let mut buffer = Buffer::default();
    if let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, lines))
        && let Ok(frame) = terminal.draw(|frame| crate::ui::draw(frame, state, theme))
    {
        buffer = frame.buffer.clone();
    }
    buffer
}

fn start(settings: &Settings, inbox: &Inbox, clocks: Clocks, refresh: &Arc<Notify>) -> io::Result<Runtime> {
    // A test keeps the embedded catalogue whole; a build that has slipped past it must not look like a quiet system.
    if let Some(defect) = crate::model::signals::defects().first() {
        return Err(io::Error::other(format!("tierdeck's own signal catalogue is defective: {defect}")));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.spawn(signals::listen(inbox.clone()));
    for entry in connect::entries(settings) {
        runtime.spawn(build(entry, inbox.clone(), clocks, refresh.clone()));
    }
    Ok(runtime)
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

fn session(settings: &Settings, keymap: Keymap, user: Shown, clocks: &Clocks) -> Session {
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
        operations: Operations::new(
            Shown::of(&settings.environment.name),
            settings.environment.class,
            Policy::of(&settings.policy, &settings.environment.name, settings.environment.class),
        ),
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
