//! Signals become control messages; the loop decides.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::inbox::{Control, Inbox};

/// Listens until the runtime ends. A signal that cannot be listened to keeps its default meaning.
pub async fn listen(inbox: Inbox) {
    let mut terminate = signal(SignalKind::terminate()).ok();
    let mut interrupt = signal(SignalKind::interrupt()).ok();
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut quit = signal(SignalKind::quit()).ok();
    let mut stop = signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw())).ok();
    let mut resized = signal(SignalKind::window_change()).ok();
    let mut continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw())).ok();
    loop {
        let control = tokio::select! {
            () = next(&mut terminate) => Control::Terminate("SIGTERM"),
            () = next(&mut interrupt) => Control::Terminate("SIGINT"),
            () = next(&mut hangup) => Control::Terminate("SIGHUP"),
            () = next(&mut quit) => Control::Terminate("SIGQUIT"),
            () = next(&mut stop) => Control::Suspend,
            () = next(&mut resized) => Control::Resized,
            () = next(&mut continued) => Control::Continued,
        };
        inbox.control(control);
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
