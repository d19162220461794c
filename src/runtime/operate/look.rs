//! Reads of operations: what a plan, a guard and a verification look at.

use std::time::Duration;

use serde_json::Value;

use super::aws;
use super::systems::Systems;
use crate::clients::kube::write::Change;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::{Evidence, Found, Gather, HttpRead, Seen};
use crate::runtime::clock::Clocks;
use crate::shown;

/// Deadline of one read.
const DEADLINE: Duration = Duration::from_secs(8);

/// Runs a read. Its time is the one at which it was asked: what is seen is at least as new.
pub async fn look(systems: &Systems, clocks: Clocks, ask: &Gather) -> Seen {
    let at = clocks.now();
    let found = match ask.http() {
        Some(request) => kubernetes(systems, ask, &request).await,
        None => aws::look(systems, clocks, ask).await,
    };
    Seen { at, found }
}

async fn kubernetes(systems: &Systems, ask: &Gather, request: &HttpRead) -> Found {
    if let Gather::DryRun(_) = ask {
        return rehearsal(systems, request).await;
    }
    let answer = async {
        let cluster = systems.cluster_to_read().await?;
        match &request.body {
            Some(body) => cluster.review(&request.path, body.clone().into_bytes(), DEADLINE).await,
            None => cluster.object(&request.path, DEADLINE).await,
        }
    };
    let text = match answer.await {
        Ok(text) => text,
        Err(fault) if fault.kind == FaultKind::Missing => return Found::Missing,
        Err(fault) => return Found::Failed(fault),
    };
    let read = serde_json::from_str::<Value>(&text).map_err(|_| Shown::fixed("it is not JSON"));
    match read.and_then(|value| ask.read(&value)) {
        Ok(evidence) => Found::Evidence(evidence),
        Err(why) => Found::Failed(unreadable(ask, &why)),
    }
}

fn unreadable(ask: &Gather, why: &Shown) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        shown!("{} cannot be understood: {}", ask.words(), why),
        Shown::fixed("look at the object with kubectl"),
    )
}

/// A server dry run goes to the server that would be written to, with the client that would write.
async fn rehearsal(systems: &Systems, request: &HttpRead) -> Found {
    let change = Change {
        method: request.method,
        path: request.path.clone(),
        content_type: request.content_type.unwrap_or("application/json"),
        body: request.body.clone().unwrap_or_default(),
    };
    let writer = match systems.cluster_to_write().await {
        Ok(writer) => writer,
        Err(fault) => return Found::Failed(fault),
    };
    match writer.rehearse(&change).await {
        Ok(accepted) => Found::Evidence(Evidence::DryRun { warnings: accepted.warnings }),
        Err(failure) => Found::Failed(failure.fault),
    }
}

/// `host:port` as text.
pub fn address((host, port): &(String, u16)) -> Raw {
    Raw::from(format!("{host}:{port}"))
}
