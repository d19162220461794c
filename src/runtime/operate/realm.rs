//! Where a target really is, by the server's own word: the uid of its cluster, or its account. A context's or a profile's
//! name can lead anywhere.

use std::time::Duration;

use serde_json::Value;

use super::systems::Systems;
use crate::clients::aws::read::sts::Sts;
use crate::domain::text::Raw;
use crate::operation::evidence::json;
use crate::operation::target::Target;

const DEADLINE: Duration = Duration::from_secs(5);

/// The namespace that every cluster has from its first moment: its uid stands for the cluster's, which has none.
const FIRST: &str = "/api/v1/namespaces/kube-system";

/// `None` where nobody says: records then name no realm.
pub async fn of(systems: &Systems, target: &Target) -> Option<Raw> {
    if target.engine.is_kubernetes() {
        let answer = systems.cluster_to_read().await.ok()?.object(FIRST, DEADLINE).await.ok()?;
        let value: Value = serde_json::from_str(&answer).ok()?;
        return Some(json::raw(&value, "/metadata/uid")).filter(|uid| !uid.is_empty());
    }
    let connection = systems.account(target.scope().as_str()).await.ok()?;
    Some(Raw::from(Sts::new(connection).caller().await.ok()?.account))
}
