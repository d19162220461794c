//! End states of databases and caches (facts/aws.md 1.1, 1.2, 1.7 and 5, facts/kubernetes.md 1.8).

use super::Glance;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::evidence::Sheet;
use crate::operation::evidence::aws::{CacheGroupSeen, Switch};
use crate::shown;

/// Clocks of the provider and ours may differ by this much.
const SLACK: std::time::Duration = std::time::Duration::from_secs(5);

/// What the provider's events say, matched on the stems of their texts (facts/aws.md 5).
enum Told {
    Completed,
    Abandoned(Shown),
    Failed(Shown),
    Started,
    Nothing,
}

fn told(sheet: &Sheet, since: Stamp) -> Told {
    let mut verdict = Told::Nothing;
    let ours = sheet.db_events().unwrap_or_default().iter().filter(|event| event.at >= since - SLACK);
    for event in ours {
        let text = event.message.as_str().to_lowercase();
        let says = |stem: &str| text.contains(stem);
        if says("abandoning user requested failover") || says("promoting previous primary again") {
            return Told::Abandoned(event.message.shown());
        }
        if says("failover failed") {
            return Told::Failed(event.message.shown());
        }
        if says("failover completed") || says("completed failover") {
            verdict = Told::Completed;
        } else if says("failover started") || says("started cross az failover") || says("started same az failover") {
            verdict = if matches!(verdict, Told::Completed) { verdict } else { Told::Started };
        }
    }
    verdict
}

/// The zone may be shown stale for minutes, so the event decides; a zone that has changed proves it too.
pub fn rds(sheet: &Sheet, resource_id: &Raw, zone: &Raw, since: Stamp) -> Glance {
    let Some(seen) = sheet.db_instance() else { return Glance::Unseen };
    if seen.resource_id != *resource_id {
        return Glance::Failed(shown!("another instance has the name now ({})", seen.resource_id));
    }
    let told = told(sheet, since);
    match told {
        Told::Abandoned(text) => return Glance::NoEffect(text),
        Told::Failed(text) => return Glance::Failed(text),
        Told::Completed | Told::Started | Told::Nothing => {}
    }
    let moved = matches!(told, Told::Completed) || (seen.zone != *zone && !seen.zone.is_empty());
    let words = shown!("{} in {}", seen.status, seen.zone);
    if moved && seen.status.as_str() == "available" { Glance::Reached(words) } else { Glance::Pending(words) }
}

/// The cluster's writer.
pub fn writer(sheet: &Sheet) -> Option<&Raw> {
    sheet.db_cluster()?.members.iter().find(|member| member.writer).map(|member| &member.id)
}

pub fn aurora(sheet: &Sheet, resource_id: &Raw, roles: (&Raw, &Raw), since: Stamp) -> Glance {
    let (from, to) = roles;
    let Some(seen) = sheet.db_cluster() else { return Glance::Unseen };
    if seen.resource_id != *resource_id {
        return Glance::Failed(shown!("another cluster has the name now ({})", seen.resource_id));
    }
    match told(sheet, since) {
        Told::Abandoned(text) => return Glance::NoEffect(text),
        Told::Failed(text) => return Glance::Failed(text),
        Told::Completed | Told::Started | Told::Nothing => {}
    }
    let writer = seen.members.iter().find(|member| member.writer).map(|member| &member.id);
    let waiting = seen.members.iter().find(|member| member.status.as_str() != "available");
    match (writer, waiting) {
        (Some(writer), _) if writer != from && writer != to => {
            Glance::Away(shown!("{} became the writer, not {}", writer, to))
        }
        (Some(writer), None) if writer == to => Glance::Reached(shown!("{} is the writer", writer)),
        (Some(writer), Some(member)) if writer == to => {
            Glance::Pending(shown!("{} is the writer, {} is {}", writer, member.id, member.status))
        }
        (Some(writer), _) => Glance::Pending(shown!("{}, the writer is still {}", seen.status, writer)),
        (None, _) => Glance::Pending(shown!("{}, no writer", seen.status)),
    }
}

pub fn cnpg(sheet: &Sheet, uid: &Raw, from: &Raw, to: &Raw) -> Glance {
    let Some(seen) = sheet.cnpg() else { return Glance::Unseen };
    if seen.head.uid != *uid {
        return Glance::Failed(shown!("another cluster has the name now (uid {})", seen.head.uid));
    }
    if seen.target != *to {
        return Glance::Away(shown!("the operator's target is {}, not {}", seen.target, to));
    }
    let words = shown!("primary {}, {}", seen.current, seen.phase);
    if seen.current == *to && seen.phase.as_str() == "Cluster in healthy state" {
        return Glance::Reached(words);
    }
    if seen.current != *to && seen.current != *from {
        return Glance::Away(shown!("{} became primary", seen.current));
    }
    Glance::Pending(words)
}

fn group<'a>(sheet: &'a Sheet, arn: &Raw) -> Result<&'a CacheGroupSeen, Glance> {
    let seen = sheet.cache().ok_or(Glance::Unseen)?;
    if seen.arn == *arn {
        Ok(seen)
    } else {
        Err(Glance::Failed(shown!("another group has the name now ({})", seen.arn)))
    }
}

pub fn switches(sheet: &Sheet, arn: &Raw, automatic: bool, multi_az: bool) -> Glance {
    let seen = match group(sheet, arn) {
        Ok(seen) => seen,
        Err(glance) => return glance,
    };
    let is = |switch: Switch, wanted: bool| switch == if wanted { Switch::On } else { Switch::Off };
    if seen.status.as_str() == "available" && is(seen.automatic, automatic) && is(seen.multi_az, multi_az) {
        return Glance::Reached(Shown::fixed(if automatic {
            "automatic failover is on"
        } else {
            "automatic failover is off"
        }));
    }
    Glance::Pending(shown!("the group is {}", seen.status))
}

pub fn cache(sheet: &Sheet, arn: &Raw, from: &Raw, to: &Raw) -> Glance {
    let seen = match group(sheet, arn) {
        Ok(seen) => seen,
        Err(glance) => return glance,
    };
    let primary = seen.members.iter().find(|member| member.primary).map(|member| &member.cluster);
    match primary {
        Some(primary) if primary == to && seen.status.as_str() == "available" => {
            Glance::Reached(shown!("{} is primary", primary))
        }
        Some(primary) if primary != to && primary != from => Glance::Away(shown!("{} became primary", primary)),
        Some(primary) => Glance::Pending(shown!("{}, primary {}", seen.status, primary)),
        None => Glance::Pending(shown!("{}, no primary", seen.status)),
    }
}
