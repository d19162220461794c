//! The reads of a verification, each at its own pace of world time.

use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::look::look;
use super::systems::Systems;
use super::tell;
use crate::domain::time::Stamp;
use crate::operation::machine::{Event, Follow};
use crate::operation::target::OperationId;
use crate::runtime::clock::Clocks;
use crate::runtime::inbox::Inbox;
use std::sync::Arc;

/// Asks until the task is ended, or the time is over.
pub fn follow(
    handle: &Handle,
    (systems, clocks, inbox): (Arc<Systems>, Clocks, Inbox),
    operation: OperationId,
    reads: Vec<Follow>,
    until: Stamp,
) -> JoinHandle<()> {
    handle.spawn(async move {
        let each = reads.into_iter().map(|read| {
            let (systems, inbox, operation) = (systems.clone(), inbox.clone(), operation.clone());
            async move {
                while clocks.now() < until {
                    let seen = look(&systems, clocks, &read.ask).await;
                    tell(&inbox, operation.clone(), Event::Sighted { ask: read.ask.clone(), seen });
                    tokio::time::sleep(clocks.on_the_wall(read.every)).await;
                }
            }
        });
        join_all(each).await;
    })
}
