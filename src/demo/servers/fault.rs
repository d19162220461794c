//! How a server misbehaves, and the connections that obey.
//!
//! A fault can be switched while clients are connected. Everything but the HTTP answers of [`Fault::Status`] and
//! [`Fault::Truncate`] happens below the protocol, in [`Gate`] and [`Gated`].

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Ok,
    /// Nobody listens: connections are refused, those that were open are closed.
    Stopped,
    /// Accepts and never answers; what was open falls silent.
    Hang,
    /// Accepts and resets at once.
    Refuse,
    /// Answers every request with this HTTP status.
    Status(u16),
    /// Cuts every answer in the middle of its body.
    Truncate,
}

impl Fault {
    /// The fault that a control command's verb means.
    #[must_use]
    pub fn from_verb(verb: &str) -> Option<Self> {
        Some(match verb {
            "start" => Self::Ok,
            "stop" => Self::Stopped,
            "hang" => Self::Hang,
            "refuse" => Self::Refuse,
            "401" => Self::Status(401),
            "403" => Self::Status(403),
            "429" => Self::Status(429),
            "500" => Self::Status(500),
            "truncate" => Self::Truncate,
            _ => return None,
        })
    }
}

/// Holds the fault of one server: what the operator of the demo asked for, over whether the world has it up.
#[derive(Clone)]
pub struct Switch(Arc<Levers>);

struct Levers {
    asked: Mutex<(Fault, bool)>,
    effective: watch::Sender<Fault>,
}

impl Default for Switch {
    fn default() -> Self {
        Self(Arc::new(Levers { asked: Mutex::new((Fault::Ok, true)), effective: watch::Sender::new(Fault::Ok) }))
    }
}

impl Switch {
    /// Sets the fault that was asked for.
    pub fn set(&self, fault: Fault) {
        self.change(|asked| asked.0 = fault);
    }

    /// Says whether the world has this server running; one that is down is [`Fault::Stopped`].
    pub fn set_up(&self, up: bool) {
        self.change(|asked| asked.1 = up);
    }

    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Fault> {
        self.0.effective.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut (Fault, bool))) {
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut asked);
        let effective = match *asked {
            (Fault::Ok, false) => Fault::Stopped,
            (fault, _) => fault,
        };
        self.0.effective.send_if_modified(|known| std::mem::replace(known, effective) != effective);
    }
}

/// A loopback port whose listener comes and goes with the fault.
pub struct Gate {
    /// Bound and never listening: it keeps the port ours, and connections refused, while the server is stopped.
    _reservation: TcpSocket,
    address: SocketAddr,
    listener: Option<TcpListener>,
    faults: watch::Receiver<Fault>,
}

impl Gate {
    /// Takes a free port of 127.0.0.1 and listens on it unless the switch says stopped.
    ///
    /// # Errors
    /// When the operating system gives no port.
    pub fn open(switch: &Switch) -> io::Result<Self> {
        let reservation = reusable(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = reservation.local_addr()?;
        let mut faults = switch.subscribe();
        let listener = if *faults.borrow_and_update() == Fault::Stopped {
            None
        } else {
            Some(reusable(address)?.listen(BACKLOG)?)
        };
        Ok(Self { _reservation: reservation, address, listener, faults })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection that is to be served.
    pub async fn accept(&mut self) -> Gated {
        loop {
            let fault = *self.faults.borrow_and_update();
            if fault == Fault::Stopped {
                self.listener = None;
                wait_for_change(&mut self.faults).await;
                continue;
            }
            let Some(listener) = &self.listener else {
                match reusable(self.address).and_then(|socket| socket.listen(BACKLOG)) {
                    Ok(listener) => self.listener = Some(listener),
                    Err(_) => tokio::time::sleep(RETRY).await,
                }
                continue;
            };
            let accepted = tokio::select! {
                () = wait_for_change(&mut self.faults) => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) if fault == Fault::Refuse => {
                    // A close with nothing lingering is a reset on the wire.
                    drop(stream.set_zero_linger());
                }
                Ok((stream, _)) => {
                    drop(stream.set_nodelay(true));
                    return Gated::new(stream, fault, self.faults.clone());
                }
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }
}

impl axum::serve::Listener for Gate {
    type Io = Gated;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Gated, SocketAddr) {
        (Self::accept(self).await, self.address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

const BACKLOG: u32 = 1024;
const RETRY: Duration = Duration::from_millis(20);

fn reusable(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Waits for the next fault; forever when there can be none any more.
pub async fn wait_for_change(faults: &mut watch::Receiver<Fault>) {
    if faults.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Open,
    Frozen,
    Cut,
}

type NextFault = Pin<Box<dyn Future<Output = watch::Receiver<Fault>> + Send>>;

/// A connection that freezes while its server hangs, and that is cut when any other fault begins.
pub struct Gated {
    stream: TcpStream,
    flow: Flow,
    next: NextFault,
}

impl Gated {
    fn new(stream: TcpStream, fault: Fault, faults: watch::Receiver<Fault>) -> Self {
        let flow = if fault == Fault::Hang { Flow::Frozen } else { Flow::Open };
        Self { stream, flow, next: next_fault(faults) }
    }

    /// Where the bytes may go now. `Pending` wakes the task when that changes.
    fn poll_flow(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Poll::Ready(mut faults) = self.next.as_mut().poll(cx) {
            self.flow = match *faults.borrow_and_update() {
                _ if self.flow == Flow::Cut => Flow::Cut,
                Fault::Ok => Flow::Open,
                Fault::Hang => Flow::Frozen,
                _ => Flow::Cut,
            };
            self.next = next_fault(faults);
        }
        match self.flow {
            Flow::Open => Poll::Ready(Ok(())),
            Flow::Frozen => Poll::Pending,
            Flow::Cut => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

fn next_fault(mut faults: watch::Receiver<Fault>) -> NextFault {
    Box::pin(async move {
        wait_for_change(&mut faults).await;
        faults
    })
}

macro_rules! ready {
    ($flow:expr) => {
        match $flow {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
    };
}

impl AsyncRead for Gated {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flow(cx));
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Gated {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.poll_flow(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.stream).poll_write(cx, buf),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flow(cx));
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
