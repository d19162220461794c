//! What objects become, without a wire.

use super::components::Origin;
use super::feeds::{Feed, Watched, feeds};
use super::pods::kubectl_status;
use super::store::Store;
use super::{KubernetesSource, RENEWAL};
use crate::clients::egress::Egress;
use crate::clients::kube::read::{Pod, read};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind, SourceId};
use crate::domain::reading::Query;
use crate::domain::settings::KubernetesSettings;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::facts::RolloutStep::{Pause, Weight};
use crate::model::facts::{ChangeFact, ComponentFact, Fact, MemberFact, MemberState, Observation, ReplicaClass};

const NOW: &str = "2026-11-21T03:12:00Z";

fn now() -> Stamp {
    Stamp::parse_rfc3339(NOW).unwrap()
}

fn store() -> Store {
    let origin = Origin { source: SourceId::new("k8s"), endpoint: Raw::new("https://127.0.0.1:6443") };
    Store::new(origin, feeds(&[]))
}

fn feed(watched: Watched) -> usize {
    feeds(&[]).iter().position(|feed| feed.watched == watched).unwrap()
}

fn list(store: &mut Store, watched: Watched, items: &[&str]) {
    store.begin_page(feed(watched), true);
    for item in items {
        store.put(feed(watched), item, now());
    }
    store.end_list(feed(watched));
}

/// Everything that is not given is listed as empty, so that the store is settled.
fn listed(parts: &[(Watched, &[&str])]) -> Store {
    let mut store = store();
    for Feed { watched, .. } in feeds(&[]) {
        let items = parts.iter().find(|(of, _)| *of == watched).map(|(_, items)| *items);
        list(&mut store, watched, items.unwrap_or_default());
    }
    assert!(store.is_settled());
    store
}

fn facts<T>(observations: &[Observation], pick: fn(&Fact) -> Option<&T>) -> Vec<&T> {
    observations.iter().flat_map(|observation| &observation.facts).filter_map(pick).collect()
}

fn members(observations: &[Observation]) -> Vec<&MemberFact> {
    facts(observations, |fact| if let Fact::Member(member) = fact { Some(member) } else { None })
}

fn components(observations: &[Observation]) -> Vec<&ComponentFact> {
    facts(observations, |fact| if let Fact::Component(component) = fact { Some(component) } else { None })
}

fn changes(observations: &[Observation]) -> Vec<&ChangeFact> {
    facts(observations, |fact| if let Fact::Change(change) = fact { Some(change) } else { None })
}

fn pod(name: &str, owner: &str, status: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"shop","creationTimestamp":"2026-11-21T03:00:00Z",
        "labels":{{"pod-template-hash":"abc"}},
        "ownerReferences":[{{"kind":"ReplicaSet","name":"{owner}","controller":true}}]}},
        "spec":{{"nodeName":"n1","containers":[{{"name":"main"}}]}},"status":{status}}}"#
    )
}

const READY: &str = r#"{"phase":"Running","podIP":"10.0.0.7","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-11-21T03:00:09Z"}],
    "containerStatuses":[{"name":"main","ready":true,"state":{"running":{}}}]}"#;

/// Status texts and restarts as kubectl 1.36 prints them.
#[test]
fn the_status_word_is_kubectls() {
    let cases = [
        (r#"{"status":{"phase":"Pending"}}"#, "Pending", 0),
        (r#"{"status":{"phase":"Failed","reason":"Evicted"}}"#, "Evicted", 0),
        (
            r#"{"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]}}"#,
            "SchedulingGated",
            0,
        ),
        (
            r#"{"status":{"phase":"Running","containerStatuses":[{"restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}"#,
            "CrashLoopBackOff",
            3,
        ),
        (
            r#"{"spec":{"initContainers":[{"name":"a"},{"name":"b"}]},"status":{"phase":"Pending","initContainerStatuses":[
                {"name":"a","state":{"terminated":{"exitCode":0}}},{"name":"b","restartCount":2,"state":{"running":{}}}]}}"#,
            "Init:1/2",
            2,
        ),
        (
            r#"{"spec":{"initContainers":[{"name":"a"}]},"status":{"phase":"Pending","initContainerStatuses":[
                {"name":"a","state":{"terminated":{"exitCode":7}}}]}}"#,
            "Init:ExitCode:7",
            0,
        ),
        (
            r#"{"spec":{"initContainers":[{"name":"side","restartPolicy":"Always"}]},"status":{"phase":"Running",
                "initContainerStatuses":[{"name":"side","started":true,"restartCount":1,"state":{"running":{}}}],
                "containerStatuses":[{"ready":true,"restartCount":1,"state":{"running":{}}}]}}"#,
            "Running",
            2,
        ),
        (
            r#"{"status":{"phase":"Running","containerStatuses":[
                {"ready":true,"state":{"running":{}}},{"state":{"terminated":{"reason":"Completed"}}}]}}"#,
            "NotReady",
            0,
        ),
        (
            r#"{"status":{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"signal":9,"exitCode":137}}}]}}"#,
            "Signal:9",
            0,
        ),
        (r#"{"metadata":{"deletionTimestamp":"2026-11-21T03:00:00Z"},"status":{"phase":"Running"}}"#, "Terminating", 0),
        (
            r#"{"metadata":{"deletionTimestamp":"2026-11-21T03:00:00Z"},"status":{"phase":"Running","reason":"NodeLost"}}"#,
            "Unknown",
            0,
        ),
        (
            r#"{"metadata":{"deletionTimestamp":"2026-11-21T03:00:00Z"},"status":{"phase":"Succeeded",
                "containerStatuses":[{"state":{"terminated":{"reason":"Completed"}}}]}}"#,
            "Completed",
            0,
        ),
    ];
    for (text, word, restarts) in cases {
        let pod: Pod<'_> = read(text).unwrap();
        assert_eq!(kubectl_status(&pod), (word.to_owned(), restarts), "{text}");
    }
}

#[test]
fn a_pod_finds_its_workload_by_replica_set_or_by_name() {
    let mut store = store();
    list(&mut store, Watched::Pods, &[&pod("orders-abc-1", "orders-abc", READY)]);
    let told = store.flush(now());
    let deployment = ComponentId::new(Kind::Deployment, "shop", "orders");
    assert_eq!(members(&told)[0].component, deployment);
    // The ReplicaSet says otherwise: the member moves.
    let set = r#"{"metadata":{"name":"orders-abc","namespace":"shop","labels":{"rollouts-pod-template-hash":"abc"},
        "ownerReferences":[{"kind":"Rollout","name":"orders","controller":true}]}}"#;
    list(&mut store, Watched::ReplicaSets, &[set]);
    store.put(feed(Watched::Pods), &pod("orders-abc-1", "orders-abc", READY), now());
    let told = store.flush(now());
    assert_eq!(members(&told)[0].component, ComponentId::new(Kind::Rollout, "shop", "orders"));
    assert!(told.iter().any(|o| o.facts.iter().any(|f| matches!(f, Fact::MemberGone(id, _) if *id == deployment))));
}

#[test]
fn members_carry_state_zone_and_address() {
    let node = r#"{"metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"eu-west-1a"}},
        "status":{"conditions":[{"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown"}]}}"#;
    let crash = r#"{"phase":"Running","containerStatuses":[{"restartCount":2,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}"#;
    let fresh = r#"{"phase":"Running","startTime":"2026-11-21T03:00:00Z","containerStatuses":[{"state":{"running":{}}}],
        "conditions":[{"type":"Ready","status":"False","lastTransitionTime":"2026-11-21T03:00:00Z"}]}"#;
    let lost = r#"{"phase":"Running","startTime":"2026-11-21T02:00:00Z","containerStatuses":[{"state":{"running":{}}}],
        "conditions":[{"type":"Ready","status":"False","lastTransitionTime":"2026-11-21T03:00:00Z"}]}"#;
    let pods = [("a", READY), ("b", crash), ("c", fresh), ("d", lost), ("e", r#"{"phase":"Pending"}"#), ("f", "null")];
    let pods: Vec<String> = pods.iter().map(|(name, status)| pod(name, "orders-abc", status)).collect();
    let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
    // Pods first: zones come with the nodes.
    let mut store = listed(&[(Watched::Pods, &pods), (Watched::Nodes, &[node])]);
    let told = store.flush(now());
    let states: Vec<_> = members(&told).iter().map(|member| member.state).collect();
    use MemberState::{Failed, NotReady, Ready, Starting, Unknown};
    assert_eq!(states, [Ready, Failed, Starting, NotReady, Starting, Unknown]);
    let first = members(&told)[0];
    assert_eq!(first.zone, Some(Raw::new("eu-west-1a")));
    assert_eq!(first.address, Some(Raw::new("10.0.0.7")));
    assert_eq!(first.since, Stamp::parse_rfc3339("2026-11-21T03:00:09Z"));
    assert_eq!(members(&told)[3].since, Stamp::parse_rfc3339("2026-11-21T03:00:00Z"), "since it was lost");
    let host = components(&told)[0];
    assert_eq!(host.condition, Some((Health::Critical, Shown::fixed("NotReady: NodeStatusUnknown"))));
    assert_eq!(host.replicas.unwrap().ready, 0);
}

const DEPLOYMENT: &str = r#"{"metadata":{"name":"web","namespace":"shop","generation":3,
    "managedFields":[{"manager":"argocd-controller","time":"2026-11-21T03:05:00Z"},
        {"manager":"kube-controller-manager","time":"2026-11-21T03:06:00Z"},
        {"manager":"x","time":"2026-11-21T03:07:00Z","subresource":"status"}]},
    "spec":{"replicas":4,"template":{"metadata":{"labels":{"app":"web","tier":"front"}},
        "spec":{"containers":[{"name":"main","image":"shop/web:2","ports":[{"containerPort":8080}]}]}}},
    "status":{"observedGeneration":3,"replicas":5,"readyReplicas":4,"updatedReplicas":2,"availableReplicas":4}}"#;

fn set(name: &str, revision: u64, image: &str, ready: u32, created: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"web-{name}","namespace":"shop","creationTimestamp":"{created}",
        "labels":{{"pod-template-hash":"{name}"}},"annotations":{{"deployment.kubernetes.io/revision":"{revision}"}},
        "ownerReferences":[{{"kind":"Deployment","name":"web","controller":true}}]}},
        "spec":{{"replicas":{ready},"template":{{"spec":{{"containers":[{{"image":"{image}"}}]}}}}}},
        "status":{{"readyReplicas":{ready}}}}}"#
    )
}

#[test]
fn a_deployment_is_joined_with_what_surrounds_it() {
    let service = r#"{"metadata":{"name":"web-svc","namespace":"shop"},"spec":{"selector":{"app":"web"}}}"#;
    let other = r#"{"metadata":{"name":"other","namespace":"shop"},"spec":{"selector":{"app":"web","tier":"back"}}}"#;
    let no_selector = r#"{"metadata":{"name":"external","namespace":"shop"},"spec":{}}"#;
    let slice = r#"{"metadata":{"name":"web-svc-1","namespace":"shop","labels":{"kubernetes.io/service-name":"web-svc"}},
        "endpoints":[{"conditions":{"ready":true}},{"conditions":{"ready":false}},{"conditions":{}}]}"#;
    let hpa = r#"{"metadata":{"name":"h","namespace":"shop"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"web"},"maxReplicas":9}}"#;
    let pdb = r#"{"metadata":{"name":"p","namespace":"shop"},"spec":{"selector":{"matchExpressions":[
        {"key":"app","operator":"In","values":["web","x"]},{"key":"gone","operator":"DoesNotExist"}]}},"status":{"desiredHealthy":3}}"#;
    let sets = [
        set("aaa", 1, "shop/web:1", 2, "2026-11-20T00:00:00Z"),
        set("bbb", 2, "shop/web:2", 2, "2026-11-21T03:05:01Z"),
    ];
    let mut store = listed(&[
        (Watched::Deployments, &[DEPLOYMENT]),
        (Watched::ReplicaSets, &[&sets[0], &sets[1]]),
        (Watched::Services, &[service, other, no_selector]),
        (Watched::EndpointSlices, &[slice]),
        (Watched::Autoscalers, &[hpa]),
        (Watched::Budgets, &[pdb]),
    ]);
    let told = store.flush(now());
    let web = components(&told)[0];
    let replicas = web.replicas.unwrap();
    assert_eq!((replicas.ready, replicas.desired, replicas.bounds, replicas.floor), (4, 4, Some((1, 9)), Some(3)));
    assert_eq!(web.class, ReplicaClass::Pool);
    let services: Vec<_> = web.aliases.iter().filter(|alias| matches!(alias, Alias::Service { .. })).collect();
    assert_eq!(services, [&Alias::Service { namespace: Raw::new("shop"), name: Raw::new("web-svc") }]);
    assert!(web.attributes.contains(&("service", Raw::new("web-svc 2/3 endpoints ready"))), "{:?}", web.attributes);
    assert_eq!(
        web.provenance.query,
        Query::Http {
            path: Raw::new("/apis/apps/v1/namespaces/shop/deployments/web"),
            pointer: Some(Raw::new("/status/readyReplicas"))
        }
    );
    let rollout = web.rollout.as_ref().unwrap();
    assert_eq!(rollout.phase, Raw::new("Progressing"));
    assert_eq!((rollout.stable.number, rollout.canary.as_ref().unwrap().number), (Some(1), Some(2)));
    assert_eq!(rollout.actual_weight, Some(50));
    let deploy = changes(&told)[1];
    assert_eq!(deploy.what.as_str(), "web 1→2 (1→2)");
    assert_eq!(deploy.at, Stamp::parse_rfc3339("2026-11-21T03:05:01Z").unwrap());
    assert_eq!(deploy.who, Some(Raw::new("argocd-controller")));
    // A deploy is told once; a new revision later is another.
    store.put(feed(Watched::ReplicaSets), &sets[1], now());
    assert_eq!(changes(&store.flush(now())), Vec::<&ChangeFact>::new());
    let third = set("ccc", 3, "shop/web:3", 0, "2026-11-21T03:11:00Z");
    store.put(feed(Watched::ReplicaSets), &third, now());
    assert_eq!(changes(&store.flush(now())).len(), 1);
}

#[test]
fn a_canary_tells_step_weights_and_revisions() {
    let rollout = |status: &str| {
        format!(
            r#"{{"metadata":{{"name":"web","namespace":"shop","generation":4}},"spec":{{"replicas":5,"strategy":{{"canary":
            {{"steps":[{{"setWeight":20}},{{"pause":{{}}}},{{"setWeight":50}},{{"pause":{{}}}}]}}}}}},"status":{status}}}"#
        )
    };
    let cases = [
        (
            r#"{"observedGeneration":"4","phase":"Paused","currentStepIndex":1,"stableRS":"aaa","currentPodHash":"bbb",
                "controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep","startTime":"2026-11-21T03:08:00Z"}],
                "canary":{}}"#,
            ("Paused", Some((1, 4)), Some(20), Some(20), true, None),
            Some(("its step waits until it is promoted", "03:08:00")),
        ),
        (
            r#"{"observedGeneration":"4","phase":"Paused","currentStepIndex":1,"stableRS":"aaa","currentPodHash":"bbb",
                "controllerPause":true,"canary":{"weights":{"canary":{"weight":35}}}}"#,
            ("Progressing", Some((1, 4)), Some(20), Some(35), true, None),
            None,
        ),
        (
            r#"{"observedGeneration":"3","phase":"Healthy","stableRS":"aaa","currentPodHash":"aaa","currentStepIndex":4}"#,
            ("Progressing", Some((4, 4)), None, None, false, None),
            None,
        ),
        (
            r#"{"observedGeneration":"4","phase":"Degraded","message":"RolloutAborted: by hand","stableRS":"aaa",
                "currentPodHash":"bbb","currentStepIndex":0,"abort":true,"abortedAt":"2026-11-21T03:10:00Z"}"#,
            ("Degraded", Some((0, 4)), Some(0), Some(20), true, Some("Degraded: RolloutAborted: by hand")),
            Some(("aborted", "03:10:00")),
        ),
    ];
    let sets = ["aaa", "bbb"].map(|hash| {
        set(hash, 1, "i", if hash == "aaa" { 4 } else { 1 }, "2026-11-21T03:00:00Z")
            .replace("pod-template-hash", "rollouts-pod-template-hash")
            .replace("Deployment", "Rollout")
    });
    for (status, (phase, step, asked, actual, under_way, condition), halt) in cases {
        let wire = rollout(status);
        let mut store = listed(&[(Watched::Rollouts, &[&wire]), (Watched::ReplicaSets, &[&sets[0], &sets[1]])]);
        let told = store.flush(now());
        let fact = components(&told)[0];
        let rollout = fact.rollout.as_ref().unwrap();
        assert_eq!((rollout.phase.as_str(), rollout.step), (phase, step), "{status}");
        assert_eq!((rollout.set_weight, rollout.actual_weight), (asked, actual), "{status}");
        let held = rollout.halt.as_ref().map(|halt| (halt.why.to_string(), halt.since.map(Stamp::clock)));
        assert_eq!(held, halt.map(|(why, since)| (why.to_owned(), Some(since.to_owned()))), "{status}");
        assert_eq!(*rollout.steps, [Weight(20), Pause, Weight(50), Pause]);
        assert_eq!(
            (rollout.stable.ready, rollout.canary.as_ref().map(|canary| canary.ready)),
            (4, under_way.then_some(1))
        );
        assert_eq!(fact.condition.as_ref().map(|(_, words)| words.as_str()), condition, "{status}");
        let aborted = changes(&told).iter().any(|change| change.key.as_str().starts_with("abort/"));
        assert_eq!(aborted, condition.is_some());
    }
}

#[test]
fn a_new_list_replaces_and_a_refusal_is_a_gap() {
    let pods = ["a", "b"].map(|name| pod(name, "orders-abc", READY));
    let mut store = listed(&[(Watched::Pods, &[&pods[0], &pods[1]])]);
    assert_eq!(members(&store.flush(now())).len(), 2);
    list(&mut store, Watched::Pods, &[&pods[1]]);
    let told = store.flush(now());
    assert!(told.iter().any(|observation| observation.scope == "pods" && observation.complete));
    assert_eq!(members(&told).iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["b"]);
    let fault = Fault::new(FaultKind::Forbidden, Shown::fixed("forbidden: list pods"), Shown::fixed("ask"));
    store.refuse(feed(Watched::Pods), fault);
    let missing = Fault::new(FaultKind::Missing, Shown::fixed("no rollouts"), Shown::fixed("-"));
    store.refuse(feed(Watched::Rollouts), missing);
    let told = store.flush(now());
    assert!(told.iter().any(|observation| observation.scope == "pods" && observation.complete));
    let gaps = facts(&told, |fact| if let Fact::Gap(gap) = fact { Some(gap) } else { None });
    assert_eq!(gaps.iter().map(|gap| gap.what.as_str()).collect::<Vec<_>>(), ["forbidden: list pods"]);
    assert!(store.blind().is_none());
}

#[test]
fn hostile_objects_are_counted_and_harm_nobody() {
    let long = pod(&"x".repeat(1 << 20), "orders-abc", READY);
    let escape = pod(r"a\u001b[31m", "orders-abc", READY);
    let bad = [
        "null",
        "7",
        "[]",
        "{}",
        r#"{"metadata":null}"#,
        r#"{"metadata":{"name":7}}"#,
        r#"{"metadata":{"name":"\ud800"}}"#,
        r#"{"metadata":{"name":"a"},"status":{"containerStatuses":[{"restartCount":-1}]}}"#,
    ];
    for watched in Watched::ALL {
        let mut items = bad.to_vec();
        items.extend([long.as_str(), escape.as_str()]);
        let mut store = listed(&[(watched, &items)]);
        let told = store.flush(now());
        if watched == Watched::Pods {
            assert_eq!(members(&told).len(), 2);
            let gaps = facts(&told, |fact| if let Fact::Gap(gap) = fact { Some(gap) } else { None });
            assert_eq!(gaps[0].what.as_str(), "8 of pods could not be read");
        }
    }
}

#[test]
fn events_name_their_subject_by_the_newest_of_their_times() {
    let hpa = r#"{"metadata":{"name":"h","namespace":"shop"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"web"},"maxReplicas":9}}"#;
    let scaled = r#"{"metadata":{"name":"e1","namespace":"shop"},"reason":"SuccessfulRescale","message":"New size: 7",
        "involvedObject":{"kind":"HorizontalPodAutoscaler","namespace":"shop","name":"h"},"lastTimestamp":"2026-11-21T03:11:00Z"}"#;
    let warning = r#"{"metadata":{"name":"e2","namespace":"shop"},"type":"Warning","reason":"BackOff","message":"back\u001b off",
        "involvedObject":{"kind":"Pod","namespace":"shop","name":"p"},"series":{"count":12,"lastObservedTime":"2026-11-21T03:10:00Z"},
        "eventTime":"2026-11-21T02:00:00Z","lastTimestamp":null}"#;
    let old =
        r#"{"metadata":{"name":"e3","namespace":"shop"},"reason":"BackOff","lastTimestamp":"2026-10-01T00:00:00Z"}"#;
    let mut store = listed(&[
        (Watched::Autoscalers, &[hpa]),
        (Watched::Rescales, &[scaled, warning]),
        (Watched::Warnings, &[warning, old]),
    ]);
    let told = store.flush(now());
    let found: Vec<_> = changes(&told);
    assert_eq!(found.len(), 2, "{found:?}");
    let by = |key: &str| *found.iter().find(|change| change.key.as_str() == key).unwrap();
    let web = Alias::Component(ComponentId::new(Kind::Deployment, "shop", "web"));
    assert_eq!(by("event/shop/e1").subject, Some(web));
    let warned = by("event/shop/e2");
    assert_eq!(warned.at, Stamp::parse_rfc3339("2026-11-21T03:10:00Z").unwrap());
    assert_eq!(warned.what.as_str(), "p BackOff ×12: back\\x1b off");
}

#[test]
fn a_change_of_image_is_told_by_what_differs() {
    for (old, new, told) in [
        ("shop/web:2.31.1", "shop/web:2.31.2", "2.31.1→2.31.2"),
        ("hub:5000/web:1", "hub:5000/web:2", "1→2"),
        ("hub:5000/web", "hub:5000/api", "hub:5000/web→hub:5000/api"),
        ("shop/web:1", "other/web:1", "shop/web:1→other/web:1"),
        ("shop/web:1", "shop/web:1", "same image 1"),
        ("web@sha256:0123456789abcdef", "web@sha256:fedcba9876543210", "0123456789ab→fedcba987654"),
        ("web:1@sha256:0123456789abcdef", "web:2@sha256:fedcba9876543210", "1→2"),
    ] {
        assert_eq!(super::changes::images(old, new).as_str(), told);
    }
}

#[test]
fn ended_credentials_are_replaced_at_once_but_not_in_a_loop() {
    let settings =
        KubernetesSettings { name: "k8s".to_owned(), kubeconfig: None, context: None, namespaces: Vec::new() };
    let mut source = KubernetesSource::new(&settings, Egress::LoopbackOnly);
    assert!(source.may_renew());
    assert!(!source.may_renew());
    source.renewed_at = source.renewed_at.and_then(|at| at.checked_sub(RENEWAL));
    assert!(source.may_renew());
}
