//! What changed: deploys from ReplicaSets, aborts from Rollouts, scalings and warnings from events.

use std::time::Duration;

use super::around::Around;
use super::components::revisions;
use super::table::Table;
use super::workloads::{SetRow, Workload};
use crate::clients::kube::read::Event;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::facts::{ChangeFact, ChangeKind};
use crate::shown;

/// Older changes explain nothing that happens now.
const HISTORY: Duration = Duration::from_secs(7 * 24 * 3600);

type Sets = Table<(Raw, Raw), SetRow>;

/// The deploys of a workload that have not been told yet.
pub fn deploys(id: &ComponentId, row: Option<&Workload>, sets: &Sets, now: Stamp) -> Vec<ChangeFact> {
    let revisions = revisions(sets, id);
    let newest = revisions.last().and_then(|set| set.revision);
    let mut changes = Vec::new();
    let mut before: Option<&SetRow> = None;
    for set in revisions {
        let previous = before.replace(set);
        let written = row.and_then(|row| row.written.as_ref()).filter(|_| set.revision == newest);
        // A revision that was used before carries its first creation time: its return is as old as the last writing.
        let at = if set.reused { written.map(|(_, at)| *at).unwrap_or(now) } else { set.created.unwrap_or(now) };
        let Some(number) = set.revision.filter(|_| !set.announced && now.since(at) <= HISTORY) else { continue };
        let what = match previous {
            Some(old) => {
                let images = images(old.image.as_str(), set.image.as_str());
                shown!("{} {}→{} ({})", id.name, old.revision.unwrap_or(0), number, images)
            }
            None => shown!("{} revision {} {}", id.name, number, set.image),
        };
        changes.push(ChangeFact {
            key: Raw::from(format!("deploy/{}/{}/{}/{number}", id.kind.name(), id.scope.as_str(), id.name.as_str())),
            at,
            subject: Some(Alias::Component(id.clone())),
            kind: ChangeKind::Deploy,
            what,
            who: written.map(|(who, _)| who.clone()),
        });
    }
    changes
}

/// What of the image changed: only the tags where the repository is the same.
pub(super) fn images(old: &str, new: &str) -> Shown {
    let (before, after) = (tagged(old), tagged(new));
    match (before.1, after.1) {
        _ if old == new => shown!("same image {}", Shown::of(after.1.unwrap_or(new))),
        (Some(from), Some(to)) if before.0 == after.0 => shown!("{}→{}", Shown::of(from), Shown::of(to)),
        _ => shown!("{}→{}", Shown::of(old), Shown::of(new)),
    }
}

/// An image's repository, and its tag or the beginning of its digest (`[host:port/]path[:tag][@sha256:…]`).
fn tagged(image: &str) -> (&str, Option<&str>) {
    if let Some((name, digest)) = image.split_once('@') {
        let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
        let (repository, tag) = tagged(name);
        return (repository, tag.or(Some(hex.get(..12).unwrap_or(hex))));
    }
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (image, None),
    }
}

/// The abort of a Rollout.
pub fn abort(id: &ComponentId, row: &Workload) -> Option<ChangeFact> {
    let canary = row.canary.as_ref()?;
    let at = canary.aborted_at?;
    Some(ChangeFact {
        key: Raw::from(format!("abort/{}/{}/{}", id.scope.as_str(), id.name.as_str(), at.millis())),
        at,
        subject: Some(Alias::Component(id.clone())),
        kind: ChangeKind::Deploy,
        what: shown!("{} rollout aborted: {}", id.name, canary.message),
        who: None,
    })
}

/// An event: a scaling decision, or a warning, which is a symptom.
pub fn event(event: &Event<'_>, scaling: bool, around: &Around, sets: &Sets, now: Stamp) -> Option<ChangeFact> {
    let times = [&event.series.last_observed_time, &event.event_time, &event.last_timestamp, &event.first_timestamp];
    let at = times
        .iter()
        .find_map(|time| Stamp::parse_rfc3339(time))
        .or_else(|| Stamp::parse_rfc3339(&event.metadata.creation_timestamp))?;
    if now.since(at) > HISTORY || (scaling && &*event.reason != "SuccessfulRescale") {
        return None;
    }
    let involved = &event.involved_object;
    let (namespace, name) = (Raw::new(&involved.namespace), Raw::new(&involved.name));
    let component = |kind| Alias::Component(ComponentId { kind, scope: namespace.clone(), name: name.clone() });
    let key = (namespace.clone(), name.clone());
    let subject = match &*involved.kind {
        "Pod" => Some(Alias::Pod { namespace: namespace.clone(), name: name.clone() }),
        "Node" => Some(Alias::Node(name.clone())),
        "Deployment" => Some(component(Kind::Deployment)),
        "StatefulSet" => Some(component(Kind::StatefulSet)),
        "DaemonSet" => Some(component(Kind::DaemonSet)),
        "Rollout" => Some(component(Kind::Rollout)),
        "ReplicaSet" => sets.get(&key).and_then(|set| set.owner.clone()).map(Alias::Component),
        "HorizontalPodAutoscaler" => around.target_of(&key).cloned().map(Alias::Component),
        "Service" => Some(Alias::Service { namespace: namespace.clone(), name: name.clone() }),
        _ => None,
    };
    let count = event.count.max(event.series.count);
    let times = if count > 1 { shown!(" ×{}", count) } else { Shown::default() };
    let message = Raw::from(event.message.chars().take(300).collect::<String>());
    Some(ChangeFact {
        key: Raw::from(format!("event/{}/{}", &*event.metadata.namespace, &*event.metadata.name)),
        at,
        subject,
        kind: if scaling { ChangeKind::Scale } else { ChangeKind::Event },
        what: shown!("{} {}{}: {}", name, Raw::new(&event.reason), times, message),
        who: None,
    })
}
