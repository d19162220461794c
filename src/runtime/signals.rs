//! Signals become control messages; the loop decides.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::inbox::{Control, Inbox};

/// The signals that mean something to us. From the moment it is made none of them ends the program by itself.
pub struct Signals {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
    hangup: Option<Signal>,
    quit: Option<Signal>,
    stop: Option<Signal>,
    resized: Option<Signal>,
    continued: Option<Signal>,
}

impl Signals {
    /// Takes them over, inside a runtime. One that cannot be listened to keeps its default meaning.
    #[must_use]
    pub fn take() -> Self {
        let raw = |signal: rustix::process::Signal| SignalKind::from_raw(signal.as_raw());
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
            interrupt: signal(SignalKind::interrupt()).ok(),
            hangup: signal(SignalKind::hangup()).ok(),
            quit: signal(SignalKind::quit()).ok(),
            stop: signal(raw(rustix::process::Signal::TSTP)).ok(),
            resized: signal(SignalKind::window_change()).ok(),
            continued: signal(raw(rustix::process::Signal::CONT)).ok(),
        }
    }

    /// Listens until the runtime ends.
    pub async fn listen(mut self, inbox: Inbox) {
        loop {
            let control = tokio::select! {
                () = next(&mut self.terminate) => Control::Terminate("SIGTERM"),
                () = next(&mut self.interrupt) => Control::Terminate("SIGINT"),
                () = next(&mut self.hangup) => Control::Terminate("SIGHUP"),
                () = next(&mut self.quit) => Control::Terminate("SIGQUIT"),
                () = next(&mut self.stop) => Control::Suspend,
                () = next(&mut self.resized) => Control::Resized,
                () = next(&mut self.continued) => Control::Continued,
            };
            inbox.control(control);
        }
    }
}

/// Stops with the processes of the same job, as job control expects: a script around this program must not keep the shell
/// waiting for it.
///
/// # Errors
/// The system refuses.
pub fn stop() -> std::io::Result<()> {
    Ok(rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?)
}

async fn next(signal: &mut Option<Signal>) {
    let received = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending::<()>().await;
    }
}
