//! The lock of a target: a Lease beside it in its cluster, which colleagues see, and which is renewed while it is held.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::systems::Systems;
use super::tell;
use crate::clients::change::{Failure, Reached};
use crate::clients::kube::write::Change;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::id::ComponentId;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::lease::{self, Claim, LeaseRequest, LeaseSeen};
use crate::operation::machine::Event;
use crate::operation::target::{Engine, OperationId, Target};
use crate::runtime::clock::Clocks;
use crate::runtime::inbox::Inbox;
use crate::shown;

/// A lock that is held or being taken. Dropped without [`Lock::release`] it expires by itself.
pub struct Lock {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Lock {
    /// Takes it; [`Event::Locked`], [`Event::LockRefused`] or [`Event::LockFailed`] follows, and [`Event::LockLost`] if it is lost later.
    pub fn take(
        handle: &Handle,
        (systems, clocks, inbox): (Arc<Systems>, Clocks, Inbox),
        who: &Shown,
        operation: OperationId,
        component: ComponentId,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let me = Raw::from(format!("{}#{}", who.as_str(), operation.0.as_str()));
        let engine = Engine::of(component.kind, None).filter(|engine| engine.is_kubernetes());
        let task = handle.spawn(async move {
            let Some(engine) = engine else {
                // What is not in a cluster has no place for a Lease that others would see.
                tell(&inbox, operation, Event::Locked);
                return;
            };
            let holder = Holder { systems, clocks, target: Target { component, engine }, me };
            holder.hold(&inbox, operation, stopped).await;
        });
        Self { stop, task }
    }

    /// Whether it is held, being taken or being let go.
    pub fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }

    /// Lets it go; the task is over when others can see that.
    pub fn release(self) -> JoinHandle<()> {
        let _ = self.stop.send(());
        self.task
    }
}

/// Deadline of reading it.
const READ: Duration = Duration::from_secs(5);
/// A renewal that failed is tried again after this.
const AGAIN: Duration = Duration::from_secs(3);

/// Why it cannot be had.
enum Denied {
    /// By whom.
    Held(Shown),
    Failed(Fault),
}

fn words(fault: &Fault) -> Shown {
    shown!("{}; {}", fault.what, fault.hint)
}

struct Holder {
    systems: Arc<Systems>,
    clocks: Clocks,
    target: Target,
    me: Raw,
}

impl Holder {
    async fn hold(&self, inbox: &Inbox, operation: OperationId, mut stopped: oneshot::Receiver<()>) {
        let mut seen = match self.claim(None).await {
            Ok(seen) => seen,
            Err(Denied::Held(holder)) => return tell(inbox, operation, Event::LockRefused { holder }),
            Err(Denied::Failed(fault)) => {
                let forbidden = fault.kind == FaultKind::Forbidden;
                return tell(inbox, operation, Event::LockFailed { why: words(&fault), forbidden });
            }
        };
        tell(inbox, operation.clone(), Event::Locked);
        let mut renewed = self.clocks.human();
        let mut pause = lease::RENEW;
        loop {
            let end = tokio::select! {
                _ = &mut stopped => true,
                () = tokio::time::sleep(pause) => false,
            };
            if end {
                let _ = self.write(lease::release(&self.target, &seen, self.clocks.now())).await;
                return;
            }
            match self.claim(Some(&seen)).await {
                Ok(fresh) => (seen, renewed, pause) = (fresh, self.clocks.human(), lease::RENEW),
                Err(Denied::Held(why)) => return tell(inbox, operation, Event::LockLost { why }),
                // Nobody else can take it before it expires: a server that stumbles is asked again.
                Err(Denied::Failed(fault)) => {
                    let age = self.clocks.human().0.saturating_sub(renewed.0);
                    if age + AGAIN + READ >= Duration::from_secs(u64::from(lease::SECONDS)) {
                        return tell(inbox, operation, Event::LockLost { why: words(&fault) });
                    }
                    pause = AGAIN;
                }
            }
        }
    }

    /// Takes or renews it; where somebody was faster, who.
    async fn claim(&self, before: Option<&LeaseSeen>) -> Result<LeaseSeen, Denied> {
        match self.try_claim(before).await? {
            Err(failure) if failure.reached == Reached::Outdated => self.try_claim(before).await?,
            claimed => claimed,
        }
        .map_err(|failure| Denied::Failed(failure.fault))
    }

    async fn try_claim(&self, before: Option<&LeaseSeen>) -> Result<Result<LeaseSeen, Failure>, Denied> {
        let seen = self.read(before).await.map_err(Denied::Failed)?;
        match lease::claim(&self.target, seen.as_ref(), &self.me, self.clocks.now(), self.clocks.human()) {
            Claim::Held { by } => Err(Denied::Held(by)),
            Claim::Request(request) => {
                let written = self.write(request).await;
                Ok(written.map(|value| LeaseSeen::read(&value, self.clocks.human(), None, None)))
            }
        }
    }

    async fn read(&self, before: Option<&LeaseSeen>) -> Result<Option<LeaseSeen>, Fault> {
        let cluster = self.systems.cluster_to_read().await?;
        match cluster.dated_object(&lease::path(&self.target), READ).await {
            Ok((text, date)) => {
                let value: Value = serde_json::from_str(&text).unwrap_or_default();
                let mut seen = LeaseSeen::read(&value, self.clocks.human(), date.map(Stamp::from_millis), before);
                seen.age = seen.age.map(|age| self.clocks.on_the_wall(age));
                Ok(Some(seen))
            }
            Err(fault) if fault.kind == FaultKind::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn write(&self, request: LeaseRequest) -> Result<Value, Failure> {
        let writer = self.systems.cluster_to_write().await;
        let writer = writer.map_err(|fault| Failure::unanswered(Reached::Nothing, fault))?;
        let change =
            Change { method: request.method, path: request.path, content_type: "application/json", body: request.body };
        let accepted = writer.send(&change).await?;
        Ok(serde_json::from_str(&accepted.body).unwrap_or_default())
    }
}
