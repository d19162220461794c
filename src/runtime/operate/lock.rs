//! The lock of a target: a Lease beside it in its cluster, which colleagues see, and which is renewed while it is held.

use std::sync::Arc;

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::systems::Systems;
use super::tell;
use crate::clients::change::Failure;
use crate::clients::kube::write::Change;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::id::ComponentId;
use crate::domain::text::{Raw, Shown};
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
    /// Takes it; [`Event::Locked`] or [`Event::LockRefused`] follows, and [`Event::LockLost`] if it is lost later.
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
            Err(holder) => return tell(inbox, operation, Event::LockRefused { holder }),
        };
        tell(inbox, operation.clone(), Event::Locked);
        loop {
            let end = tokio::select! {
                _ = &mut stopped => true,
                () = tokio::time::sleep(lease::RENEW) => false,
            };
            if end {
                let _ = self.write(lease::release(&self.target, &seen, self.clocks.now())).await;
                return;
            }
            match self.claim(Some(&seen)).await {
                Ok(renewed) => seen = renewed,
                Err(why) => return tell(inbox, operation, Event::LockLost { why }),
            }
        }
    }

    /// Takes or renews it. The error is who holds it, or why it cannot be had.
    async fn claim(&self, before: Option<&LeaseSeen>) -> Result<LeaseSeen, Shown> {
        let seen = self.read(before).await.map_err(|fault| shown!("{}; {}", fault.what, fault.hint))?;
        match lease::claim(&self.target, seen.as_ref(), &self.me, self.clocks.now(), self.clocks.human()) {
            Claim::Held { by } => Err(by),
            Claim::Request(request) => match self.write(request).await {
                Ok(value) => Ok(LeaseSeen::read(&value, self.clocks.human(), None)),
                Err(failure) => Err(shown!("{}; {}", failure.fault.what, failure.fault.hint)),
            },
        }
    }

    async fn read(&self, before: Option<&LeaseSeen>) -> Result<Option<LeaseSeen>, Fault> {
        let cluster = self.systems.cluster_to_read().await?;
        match cluster.object(&lease::path(&self.target), std::time::Duration::from_secs(5)).await {
            Ok(text) => {
                let value: Value = serde_json::from_str(&text).unwrap_or_default();
                Ok(Some(LeaseSeen::read(&value, self.clocks.human(), before)))
            }
            Err(fault) if fault.kind == FaultKind::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn write(&self, request: LeaseRequest) -> Result<Value, Failure> {
        let writer = self.systems.cluster_to_write().await;
        let writer = writer.map_err(|fault| Failure::unanswered(crate::clients::change::Reached::Nothing, fault))?;
        let change =
            Change { method: request.method, path: request.path, content_type: "application/json", body: request.body };
        let accepted = writer.send(&change).await?;
        Ok(serde_json::from_str(&accepted.body).unwrap_or_default())
    }
}
