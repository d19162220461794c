//! AWS as operations see and change it.

use super::look::address;
use super::systems::Systems;
use crate::clients::aws::read::operated::{ClusterMember as Member, ClusterState, GroupState, InstanceState};
use crate::clients::change::Failure;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::evidence::aws::{
    CacheGroupSeen, CacheMember, ClusterMember, DbClusterSeen, DbEvent, DbInstanceSeen, Switch,
};
use crate::operation::evidence::{Evidence, Found, Gather};
use crate::operation::mutation::AwsMutation;
use crate::operation::mutation::aws::GroupChange;
use crate::runtime::clock::Clocks;
use crate::shown;

/// A read of AWS, or of a database.
pub async fn look(systems: &Systems, clocks: Clocks, ask: &Gather) -> Found {
    found(read(systems, clocks, ask).await)
}

fn found(read: Result<Option<Evidence>, Fault>) -> Found {
    match read {
        Ok(Some(evidence)) => Found::Evidence(evidence),
        Ok(None) => Found::Missing,
        Err(fault) => Found::Failed(fault),
    }
}

async fn read(systems: &Systems, clocks: Clocks, ask: &Gather) -> Result<Option<Evidence>, Fault> {
    match ask {
        Gather::DbInstance { region, id } => {
            let client = systems.aws_to_read(region.as_str()).await?;
            let state = client.instance(id.as_str()).await?;
            Ok(state.map(|state| Evidence::DbInstance(Box::new(instance(&state)))))
        }
        Gather::DbCluster { region, id } => {
            let client = systems.aws_to_read(region.as_str()).await?;
            let state = client.cluster(id.as_str()).await?;
            Ok(state.map(|state| Evidence::DbCluster(Box::new(cluster(&state)))))
        }
        Gather::DbEvents { region, source, cluster, since } => {
            let client = systems.aws_to_read(region.as_str()).await?;
            let events = client.events(source.as_str(), *cluster, since.millis(), clocks.now().millis()).await?;
            let event =
                |(at, message): (i64, String)| DbEvent { at: Stamp::from_millis(at), message: Raw::from(message) };
            Ok(Some(Evidence::DbEvents(events.into_iter().map(event).collect())))
        }
        Gather::CacheGroup { region, id } => {
            let client = systems.aws_to_read(region.as_str()).await?;
            let state = client.cache_group(id.as_str()).await?;
            Ok(state.map(|state| Evidence::CacheGroup(Box::new(group(&state)))))
        }
        Gather::WriteProbe { component, address } => Ok(Some(systems.endpoints().greet(component, address).await)),
        _ => Err(Fault::new(
            FaultKind::Usage,
            shown!("{} is nothing that AWS knows", ask.words()),
            Shown::fixed("this is a defect; nothing was sent"),
        )),
    }
}

fn names(list: &[&'static str]) -> Vec<Raw> {
    list.iter().map(|name| Raw::new(name)).collect()
}

fn instance(state: &InstanceState) -> DbInstanceSeen {
    DbInstanceSeen {
        id: Raw::new(&state.id),
        resource_id: Raw::new(&state.resource_id),
        status: Raw::new(&state.status),
        class: Raw::new(&state.class),
        multi_az: state.multi_az,
        zone: Raw::new(&state.zone),
        standby_zone: Raw::new(&state.standby_zone),
        pending: names(&state.carried.pending),
        pending_reboot: state.carried.parameters.iter().map(|name| Raw::new(name)).collect(),
        restorable: state.restorable.map(Stamp::from_millis),
        endpoint: state.endpoint.as_ref().map(address),
    }
}

fn cluster(state: &ClusterState) -> DbClusterSeen {
    let member = |member: &Member| ClusterMember {
        id: Raw::new(&member.id),
        writer: member.writer,
        status: member.instance.as_ref().map(|it| Raw::new(&it.status)).unwrap_or_default(),
        class: member.instance.as_ref().map(|it| Raw::new(&it.class)).unwrap_or_default(),
        zone: member.instance.as_ref().map(|it| Raw::new(&it.zone)).unwrap_or_default(),
        tier: member.tier,
        pending_reboot: member.pending_reboot,
    };
    DbClusterSeen {
        id: Raw::new(&state.id),
        resource_id: Raw::new(&state.resource_id),
        status: Raw::new(&state.status),
        members: state.members.iter().map(member).collect(),
        pending: names(&state.pending),
        restorable: state.restorable.map(Stamp::from_millis),
        endpoint: state.endpoint.as_ref().map(address),
    }
}

fn switch(word: &str) -> Switch {
    match word {
        "enabled" => Switch::On,
        "disabled" | "" => Switch::Off,
        _ => Switch::Moving,
    }
}

fn group(state: &GroupState) -> CacheGroupSeen {
    let member = |(cluster, primary, zone): &(String, bool, String)| CacheMember {
        cluster: Raw::new(cluster),
        primary: *primary,
        zone: Raw::new(zone),
    };
    CacheGroupSeen {
        id: Raw::new(&state.id),
        arn: Raw::new(&state.arn),
        status: Raw::new(&state.status),
        cluster_mode: state.cluster_mode,
        automatic: switch(&state.automatic_failover),
        multi_az: switch(&state.multi_az),
        members: state.members.iter().map(member).collect(),
        pending: names(&state.pending),
        endpoint: state.endpoint.as_ref().map(address),
    }
}

/// Sends a change, once; the provider's id of the request.
///
/// # Errors
/// [`Failure`], which says how far it came.
pub async fn send(systems: &Systems, mutation: &AwsMutation) -> Result<Option<Raw>, Failure> {
    let writer = systems.aws_to_write(mutation.region().as_str()).await;
    let writer = writer.map_err(|fault| Failure::unanswered(crate::clients::change::Reached::Nothing, fault))?;
    match mutation {
        AwsMutation::RebootDbInstance { instance, force_failover, .. } => {
            writer.reboot_db_instance(instance.as_str(), *force_failover).await
        }
        AwsMutation::FailoverDbCluster { cluster, target, .. } => {
            writer.failover_db_cluster(cluster.as_str(), target.as_ref().map(Raw::as_str)).await
        }
        AwsMutation::ModifyReplicationGroup { group, change, .. } => match change {
            GroupChange::Failover { automatic, multi_az } => {
                writer.set_cache_failover(group.as_str(), *automatic, *multi_az).await
            }
            GroupChange::Primary(cluster) => writer.set_cache_primary(group.as_str(), cluster.as_str()).await,
        },
    }
}
