//! The interactive loop: one thread owns the state, everything else sends to its inbox.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use tokio::sync::Notify;

use super::clock::Clocks;
use super::inbox::{Batch, Control, Inbox, Input};
use super::operate::{Operator, news};
use super::progress::Progress;
use super::terminal::{Capture, Guard, Writer, read, restore};
use super::{panics, signals};
use crate::domain::text::Shown;
use crate::domain::time::Human;
use crate::operation::target::OperationId;
use crate::shown;
use crate::state::message::{Effect, Message, Timed};
use crate::state::session::Session;
use crate::theme::Theme;

/// At most 20 frames a second.
const FRAME: Duration = Duration::from_millis(50);
/// Ages and the clock move on once a second.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// While news wait for their assessment.
pub(super) const SOON: Duration = Duration::from_millis(100);

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Quit,
    /// As [`End::Quit`], but what was under way was left before its end was seen.
    Left,
    Signal(&'static str),
    TerminalLost,
    /// A defect, which [`super::panics`] has reported.
    Panicked,
}

/// The console in its terminal.
pub struct App {
    session: Session,
    theme: Theme,
    clocks: Clocks,
    inbox: Inbox,
    refresh: Arc<Notify>,
    guard: Guard,
    screen: Terminal<Capture>,
    writer: Writer,
    operator: Option<Operator>,
    /// Something visible may have changed since the last frame.
    dirty: bool,
    drawn_at: Option<Human>,
    ticked_at: Human,
}

impl App {
    /// Takes the terminal and shows the first frame, before any source has answered.
    ///
    /// # Errors
    /// There is no terminal, or it refuses.
    pub fn start(
        session: Session,
        theme: Theme,
        clocks: Clocks,
        inbox: Inbox,
        refresh: Arc<Notify>,
    ) -> io::Result<Self> {
        let guard = Guard::enter()?;
        let (columns, lines) = guard.size();
        let writer = Writer::spawn(guard.input(), inbox.clone());
        read(&guard, inbox.clone());
        let screen = Terminal::new(Capture::new(columns, lines))?;
        let ticked_at = clocks.human();
        let mut app = Self {
            session,
            theme,
            clocks,
            inbox,
            refresh,
            guard,
            screen,
            writer,
            operator: None,
            dirty: true,
            drawn_at: None,
            ticked_at,
        };
        app.tell(Message::Resized { columns, lines });
        app.draw()?;
        Ok(app)
    }

    /// Lets operations be carried out.
    pub fn operate(&mut self, operator: Operator) {
        self.operator = Some(operator);
    }

    /// Runs until the operator quits, a signal ends it, or the terminal is gone. The terminal is given back.
    ///
    /// # Errors
    /// Drawing into memory failed, which it does not.
    pub fn run(mut self) -> io::Result<End> {
        let end = self.until_the_end();
        let is_left = self.let_go(match &end {
            Ok(End::Quit | End::Left) => "quit",
            Ok(End::Signal(signal)) => signal,
            Ok(End::TerminalLost) => "the terminal is gone",
            Ok(End::Panicked) | Err(_) => "a defect",
        });
        match end {
            Ok(End::Quit) if is_left => Ok(End::Left),
            end => end,
        }
    }

    fn until_the_end(&mut self) -> io::Result<End> {
        loop {
            let batch = self.inbox.take(self.patience());
            if panics::report().is_some() {
                return Ok(End::Panicked);
            }
            if let Some(end) = self.control(&batch.control)? {
                return Ok(end);
            }
            if let Some(end) = self.input(batch)? {
                return Ok(end);
            }
            let now = self.clocks.human();
            let interval = if self.session.is_stale() { SOON } else { TICK };
            if now.0.saturating_sub(self.ticked_at.0) >= interval {
                self.ticked_at = now;
                self.hear(Message::Tick)?;
            }
            self.draw_when_due()?;
        }
    }

    /// Gives the terminal back. What has begun goes on without it to its end: a change that is half done must not be left
    /// alone because a link dropped. Whether a signal left any of it unverified.
    fn let_go(&mut self, why: &'static str) -> bool {
        restore();
        let _ = self.hear(Message::Detached);
        let machines = self.session.state().operations.desk.machines().iter();
        let begun = machines.filter(|machine| machine.has_begun()).map(|machine| machine.id.clone());
        let mut watched: Vec<(OperationId, Progress)> = begun.map(|id| (id, Progress::default())).collect();
        if !watched.is_empty() {
            if let Some(operator) = &self.operator {
                operator.detached(why);
            }
            tell(&shown!("{} under way, watched to the end; ctrl-c leaves what is not over unverified", watched.len()));
        }
        self.tell_progress(&mut watched);
        while !watched.is_empty() && panics::report().is_none() {
            let batch = self.inbox.take(TICK);
            if batch.control.iter().any(|control| matches!(control, Control::Terminate(_))) {
                break;
            }
            for control in batch.control {
                if control == Control::Suspend {
                    // Refused, it is a stop that does not happen.
                    let _ = signals::stop();
                }
                if let Some(message) = news(control) {
                    let _ = self.hear(message);
                }
            }
            let sources = batch.sources.unwrap_or_else(|| self.session.state().sources.clone());
            let _ = self.hear(Message::Feed { observations: batch.observations, sources });
            let _ = self.hear(Message::Tick);
            self.tell_progress(&mut watched);
        }
        let state = self.session.state();
        for machine in watched.iter().filter_map(|(id, _)| state.operations.desk.get(id)) {
            tell(&shown!("{}: left unverified", machine.request.title()));
        }
        // The trail of an embedded world goes with it.
        if !watched.is_empty() && state.environment.notice.is_none() {
            tell(&Shown::fixed("tierdeck audit list tells what is known of it"));
        }
        if let Some(operator) = &mut self.operator {
            operator.end("the console ended");
        }
        !watched.is_empty()
    }

    /// Tells what has changed of each, and how it ended of those that are over, which are then watched no more.
    fn tell_progress(&self, watched: &mut Vec<(OperationId, Progress)>) {
        let desk = &self.session.state().operations.desk;
        watched.retain_mut(|(id, progress)| {
            let Some(machine) = desk.get(id) else { return false };
            let title = machine.request.title();
            progress.news(machine).iter().for_each(|line| tell(&shown!("{}: {}", title, line)));
            let Some(end) = machine.end() else { return true };
            tell(&shown!("{}: {}: {}", title, Shown::fixed(end.outcome.word()).upper(), end.words));
            false
        });
    }

    /// How long the loop may sleep: until the next tick, or until a frame that waits may be drawn.
    fn patience(&self) -> Duration {
        let now = self.clocks.human().0;
        let interval = if self.session.is_stale() { SOON } else { TICK };
        let tick = (self.ticked_at.0 + interval).saturating_sub(now);
        match self.drawn_at {
            Some(at) if self.dirty && !self.writer.is_busy() => tick.min((at.0 + FRAME).saturating_sub(now)),
            _ => tick,
        }
    }

    fn control(&mut self, controls: &[Control]) -> io::Result<Option<End>> {
        for control in controls {
            match control {
                Control::Terminate(signal) => return Ok(Some(End::Signal(signal))),
                Control::TerminalLost => return Ok(Some(End::TerminalLost)),
                Control::Resized | Control::Continued => {
                    if *control == Control::Continued {
                        self.guard.resume()?;
                    }
                    let (columns, lines) = self.guard.size();
                    self.tell(Message::Resized { columns, lines });
                    self.resize(columns, lines)?;
                }
                Control::Suspend => self.suspend()?,
                Control::Drawn => {}
                Control::Operation { .. }
                | Control::Journal(_)
                | Control::Sink { .. }
                | Control::Trail(_)
                | Control::Remembered(_)
                | Control::Told(_) => {
                    if let Some(message) = news(control.clone()) {
                        self.hear(message)?;
                    }
                }
            }
        }
        Ok(None)
    }

    fn input(&mut self, batch: Batch) -> io::Result<Option<End>> {
        let had_input = !batch.input.is_empty();
        for input in batch.input {
            let message = match input {
                Input::Key(key) => Message::Key(key),
                Input::Paste { text, dropped } => Message::Paste { text, dropped },
            };
            if let Some(end) = self.hear(message)? {
                return Ok(Some(end));
            }
        }
        if !batch.observations.is_empty() || batch.sources.is_some() {
            let sources = batch.sources.unwrap_or_else(|| self.session.state().sources.clone());
            self.hear(Message::Feed { observations: batch.observations, sources })?;
        }
        if had_input && !self.writer.is_busy() {
            self.draw()?;
        }
        Ok(None)
    }

    /// Tells the state, and does what follows.
    fn hear(&mut self, message: Message) -> io::Result<Option<End>> {
        let mut effects: VecDeque<Effect> = self.tell(message).into();
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Quit => return Ok(Some(End::Quit)),
                Effect::Suspend => self.suspend()?,
                Effect::Redraw => self.redraw()?,
                Effect::Refresh => self.refresh.notify_waiters(),
                Effect::Copy(text) => self.writer.copy(&text),
                effect => {
                    let message = self.operator.as_mut().and_then(|operator| operator.perform(effect));
                    effects.extend(message.into_iter().flat_map(|message| self.tell(message)).collect::<Vec<_>>());
                }
            }
        }
        Ok(None)
    }

    fn tell(&mut self, message: Message) -> Vec<Effect> {
        self.dirty = true;
        self.session.update(Timed { now: self.clocks.now(), human: self.clocks.human(), message })
    }

    fn draw_when_due(&mut self) -> io::Result<()> {
        let due = self.drawn_at.is_none_or(|at| self.clocks.human().0.saturating_sub(at.0) >= FRAME);
        if self.dirty && due && !self.writer.is_busy() { self.draw() } else { Ok(()) }
    }

    fn draw(&mut self) -> io::Result<()> {
        let (state, theme) = (self.session.state(), &self.theme);
        let mut reach = 0;
        self.screen.draw(|frame| reach = crate::ui::draw(frame, state, theme))?;
        self.session.drawn(reach);
        self.writer.send(&self.screen.backend_mut().take());
        self.dirty = false;
        self.drawn_at = Some(self.clocks.human());
        Ok(())
    }

    fn resize(&mut self, columns: u16, lines: u16) -> io::Result<()> {
        self.screen.backend_mut().resize(columns, lines);
        self.screen.autoresize()?;
        self.redraw()
    }

    /// Every cell again, for a terminal whose content is not what we drew.
    fn redraw(&mut self) -> io::Result<()> {
        self.screen.clear()?;
        self.dirty = true;
        Ok(())
    }

    /// Gives the terminal back and stops. Continued, it takes the terminal again before anything
    /// is drawn: a frame must not land on the shell's screen.
    fn suspend(&mut self) -> io::Result<()> {
        restore();
        signals::stop()?;
        self.guard.resume()?;
        self.redraw()
    }
}

/// Writes a line to standard error. A terminal that is gone takes no words, and needs none.
fn tell(line: &Shown) {
    let _ = writeln!(io::stderr(), "tierdeck: {}", line.as_str());
}
