//! The Kubernetes objects against the API's own types.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::de::DeserializeOwned;

use super::{NOW, World, world};
use crate::demo::store::kube;
use crate::demo::store::kube::Gvr;

fn parse<T: DeserializeOwned>(world: &World, gvr: Gvr, expected: usize) -> Vec<T> {
    let parsed: Vec<T> = world
        .stores
        .kube
        .list(gvr)
        .map(|object| serde_json::from_value((**object).clone()).unwrap_or_else(|error| panic!("{error}: {object}")))
        .collect();
    assert!(parsed.len() >= expected, "{}: {}", gvr.resource, parsed.len());
    parsed
}

#[test]
fn objects_are_what_the_api_defines() {
    for scenario in ["bad-canary", "crashing-release", "monitoring-down"] {
        let mut world = world(scenario, 7);
        world.advance(NOW + 30_000);
        parse::<Namespace>(&world, kube::NAMESPACES, 5);
        parse::<Node>(&world, kube::NODES, 6);
        parse::<Service>(&world, kube::SERVICES, 10);
        parse::<Event>(&world, kube::EVENTS, 0);
        parse::<Deployment>(&world, kube::DEPLOYMENTS, 8);
        parse::<StatefulSet>(&world, kube::STATEFULSETS, 2);
        parse::<DaemonSet>(&world, kube::DAEMONSETS, 1);
        parse::<HorizontalPodAutoscaler>(&world, kube::HPAS, 4);
        parse::<PodDisruptionBudget>(&world, kube::PDBS, 6);
        let sets = parse::<ReplicaSet>(&world, kube::REPLICASETS, 20);
        let pods = parse::<Pod>(&world, kube::PODS, 40);
        for pod in &pods {
            let owner = pod.metadata.owner_references.as_ref().and_then(|o| o.first()).expect("an owner");
            if owner.kind == "ReplicaSet" {
                let set = sets.iter().find(|s| s.metadata.uid.as_ref() == Some(&owner.uid)).expect("its ReplicaSet");
                assert_eq!(set.metadata.name.as_ref(), Some(&owner.name));
                let hash = |labels: &Option<std::collections::BTreeMap<String, String>>| {
                    let labels = labels.clone().unwrap_or_default();
                    labels.into_iter().find(|(k, _)| k.ends_with("pod-template-hash"))
                };
                assert_eq!(hash(&pod.metadata.labels), hash(&set.metadata.labels));
            }
        }
        for slice in parse::<EndpointSlice>(&world, kube::ENDPOINT_SLICES, 10) {
            for endpoint in slice.endpoints {
                let target = endpoint.target_ref.expect("a target").name;
                let pod = pods.iter().find(|p| p.metadata.name == target).expect("its pod");
                assert_eq!(pod.status.as_ref().and_then(|s| s.pod_ip.as_ref()), endpoint.addresses.first());
            }
        }
    }
}
