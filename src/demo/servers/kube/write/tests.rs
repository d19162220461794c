//! Writes over HTTP into the default world, with the bodies that kubectl and kubectl-argo-rollouts send, and what becomes
//! of them as its time goes on.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::demo::clock::Clock;
use crate::demo::production::Production;
use crate::demo::servers::fault::{Gate, Switch};
use crate::demo::servers::http::serve;
use crate::demo::servers::kube::{refusal, router};
use crate::demo::world::{Options, World};

/// 2026-11-21T10:00:00Z.
const NOW: i64 = 1_795_255_200_000;
const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

struct Cluster {
    production: Arc<Production>,
    address: SocketAddr,
    client: reqwest::Client,
}

/// World `shop-eks` with a scenario, standing still at [`NOW`].
fn cluster(scenario: &str, seed: u64) -> Cluster {
    let options = Options { scenario: scenario.to_owned(), seed, history: 300_000, ..Options::default() };
    let world = World::new(&options, NOW).expect("a world");
    let production = Arc::new(Production::new(world, Clock { origin: NOW, world: NOW, rate: 0.0 }));
    let switch = Switch::default();
    let gate = Gate::open(&switch).expect("a port");
    let address = gate.address();
    serve(gate, router(production.clone(), None), &switch, refusal);
    Cluster { production, address, client: reqwest::Client::new() }
}

impl Cluster {
    async fn send(&self, method: Method, path: &str, kind: &str, body: Value) -> (StatusCode, Value) {
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        let request = request.header("content-type", kind).header("user-agent", "tierdeck/0.1 (test)");
        let response = request.body(body.to_string()).send().await.expect("an answer");
        (response.status(), response.json().await.expect("JSON"))
    }

    async fn patch(&self, path: &str, kind: &str, body: Value) -> (StatusCode, Value) {
        self.send(Method::PATCH, path, kind, body).await
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("http://{}{path}", self.address)).send().await.expect("an answer");
        response.json().await.expect("JSON")
    }

    /// Moves the world by so many seconds, one at a time as its clock would.
    fn pass(&self, seconds: i64) {
        (0..seconds).for_each(|_| self.production.step(1_000));
    }

    /// The culprit of the scenario and its path.
    fn culprit(&self) -> (String, String) {
        let name = self.production.read(World::truth).culprit.expect("a culprit").workload;
        let path = format!("{ROLLOUTS}/{name}");
        (name, path)
    }

    /// Share of the users' requests that fail.
    fn failing(&self) -> f64 {
        self.production
            .read(|world| world.flow().entry().map_or(0.0, crate::demo::world::flow::ServiceFlow::error_ratio))
    }
}

fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().expect("a uid")
}

fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().expect("a version")
}

/// A seed whose culprit of `bad-canary` is owned by no self-healing Application.
const SEED: u64 = 2;

#[tokio::test]
async fn an_abort_takes_the_users_back_to_the_stable_revision() {
    let cluster = cluster("bad-canary", SEED);
    let (name, path) = cluster.culprit();
    let before = cluster.get(&path).await;
    assert_eq!((&before["status"]["phase"], &before["status"]["currentStepIndex"]), (&json!("Paused"), &json!(1)));
    assert!(cluster.failing() > 0.001, "{name}: {}", cluster.failing());
    // On the main resource the status is not written: 200, and nothing happens.
    let (code, same) = cluster.patch(&path, MERGE, json!({"status": {"abort": true}})).await;
    assert_eq!((code, version(&same)), (StatusCode::OK, version(&before)));
    let status = format!("{path}/status");
    let (code, dry) = cluster.patch(&format!("{status}?dryRun=All"), MERGE, json!({"status": {"abort": true}})).await;
    assert_eq!((code, &dry["status"]["abort"]), (StatusCode::OK, &json!(true)));
    assert_eq!(version(&cluster.get(&path).await), version(&before), "a dry run stores nothing");
    let (code, answer) = cluster.patch(&status, MERGE, json!({"status": {"abort": true}})).await;
    assert_eq!(
        (code, &answer["status"]["phase"]),
        (StatusCode::OK, &json!("Paused")),
        "the controller has not looked yet"
    );
    let manager = answer["metadata"]["managedFields"].as_array().expect("entries").last().expect("one").clone();
    assert_eq!((&manager["manager"], &manager["subresource"]), (&json!("tierdeck"), &json!("status")));
    assert_eq!(manager["fieldsV1"], json!({"f:status": {"f:abort": {}}}));
    cluster.pass(1);
    let aborted = cluster.get(&path).await;
    let progressing =
        aborted["status"]["conditions"].as_array().expect("conditions").iter().find(|c| c["type"] == "Progressing");
    assert_eq!(aborted["status"]["phase"], "Degraded");
    assert!(aborted["status"]["message"].as_str().expect("text").starts_with("RolloutAborted: Rollout aborted update"));
    assert_eq!(progressing.expect("a condition")["reason"], "RolloutAborted");
    assert_eq!(aborted["status"]["currentStepIndex"], 0);
    assert_eq!(aborted["spec"], before["spec"], "what is wanted stays the new revision");
    assert!(aborted["status"]["pauseConditions"].is_null() && aborted["status"]["abortedAt"].is_string());
    cluster.pass(45);
    assert!(cluster.failing() < 0.001, "{}", cluster.failing());
    let done = cluster.get(&path).await;
    assert_eq!((&done["status"]["updatedReplicas"], &done["status"]["phase"]), (&json!(0), &json!("Degraded")));
    assert_eq!(done["status"]["readyReplicas"], done["spec"]["replicas"]);
    // A promotion of what is aborted does nothing; a retry begins again.
    cluster.patch(&status, MERGE, json!({"status": {"pauseConditions": null, "currentStepIndex": 1}})).await;
    cluster.pass(3);
    assert_eq!(cluster.get(&path).await["status"]["phase"], "Degraded");
    cluster.patch(&status, MERGE, json!({"status": {"abort": false}})).await;
    cluster.pass(40);
    let again = cluster.get(&path).await;
    assert_eq!((&again["status"]["phase"], &again["status"]["currentStepIndex"]), (&json!("Paused"), &json!(1)));
    assert!(cluster.failing() > 0.001, "the canary is as bad as before");
}

#[tokio::test]
async fn promotions_go_step_by_step_or_all_the_way_and_spread_a_bad_canary() {
    let cluster = cluster("bad-canary", SEED);
    let (_, path) = cluster.culprit();
    let status = format!("{path}/status");
    let first = cluster.failing();
    let (_, answer) = cluster.patch(&status, MERGE, json!({"status": {"pauseConditions": null}})).await;
    let told = &answer["status"];
    assert_eq!(
        (&told["phase"], &told["controllerPause"], &told["currentStepIndex"]),
        (&json!("Paused"), &json!(true), &json!(1))
    );
    assert!(told["pauseConditions"].is_null(), "unpausing");
    cluster.pass(1);
    assert_eq!(cluster.get(&path).await["status"]["phase"], "Progressing");
    cluster.pass(45);
    let half = cluster.get(&path).await;
    assert_eq!((&half["status"]["phase"], &half["status"]["currentStepIndex"]), (&json!("Paused"), &json!(3)));
    let spread = cluster.failing();
    assert!(spread > 1.5 * first, "{first} {spread}");
    // The step that the operator saw is gone: the test fails and nothing is promoted.
    let stale = json!([{"op": "test", "path": "/status/currentStepIndex", "value": 1},
        {"op": "remove", "path": "/status/pauseConditions"}]);
    let (code, refused) = cluster.patch(&status, JSON, stale).await;
    assert_eq!(
        (code, &refused["reason"], &refused["details"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("Invalid"), &json!({}))
    );
    // While all of it is paused, a promotion takes the condition away and the pause comes back.
    cluster.patch(&path, MERGE, json!({"spec": {"paused": true}})).await;
    cluster.pass(1);
    assert_eq!(cluster.get(&path).await["status"]["message"], "manually paused");
    cluster.patch(&status, MERGE, json!({"status": {"pauseConditions": null}})).await;
    cluster.pass(1);
    cluster.patch(&path, MERGE, json!({"spec": {"paused": false}})).await;
    cluster.pass(5);
    let still = cluster.get(&path).await;
    assert_eq!((&still["status"]["phase"], &still["status"]["currentStepIndex"]), (&json!("Paused"), &json!(3)));
    cluster.patch(&status, MERGE, json!({"status": {"promoteFull": true}})).await;
    cluster.pass(120);
    let whole = cluster.get(&path).await;
    assert_eq!(whole["status"]["phase"], "Healthy");
    assert_eq!(whole["status"]["stableRS"], whole["status"]["currentPodHash"]);
    assert!(whole["status"]["promoteFull"].is_null());
    assert!(cluster.failing() > spread, "{} {spread}", cluster.failing());
}

#[tokio::test]
async fn a_rollback_takes_the_old_template_under_a_new_number() {
    for (scenario, path, prefix, label) in [
        ("crashing-release", None, "rollout.argoproj.io", "rollouts-pod-template-hash"),
        ("calm", Some(format!("{DEPLOYMENTS}/worker")), "deployment.kubernetes.io", "pod-template-hash"),
    ] {
        let seed = 3;
        let cluster = cluster(scenario, seed);
        let path = path.unwrap_or_else(|| {
            let name = cluster.production.read(World::truth).culprit.expect("a culprit").workload;
            if ["frontend", "worker"].contains(&name.as_str()) {
                format!("{DEPLOYMENTS}/{name}")
            } else {
                format!("{ROLLOUTS}/{name}")
            }
        });
        let (prefix, label) = if path.contains("deployments") {
            ("deployment.kubernetes.io", "pod-template-hash")
        } else {
            (prefix, label)
        };
        let live = cluster.get(&path).await;
        let sets = cluster.get("/apis/apps/v1/namespaces/shop/replicasets").await;
        let number = |object: &Value| {
            object["metadata"]["annotations"][format!("{prefix}/revision")].as_str().and_then(|n| n.parse::<u32>().ok())
        };
        let newest = number(&live).expect("a revision");
        let sets = sets["items"].as_array().expect("items");
        let before = sets
            .iter()
            .filter(|set| set["metadata"]["ownerReferences"][0]["uid"] == live["metadata"]["uid"])
            .find(|set| number(set) == Some(newest - 1))
            .expect("the revision before");
        let mut template = before["spec"]["template"].clone();
        template["metadata"]["labels"].as_object_mut().expect("labels").remove(label);
        let patch = json!([
            {"op": "test", "path": "/metadata/uid", "value": uid(&live)},
            {"op": "test", "path": "/metadata/generation", "value": live["metadata"]["generation"]},
            {"op": "replace", "path": "/spec/template", "value": template},
            {"op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": "back by on-call"},
        ]);
        let (code, answer) = cluster.patch(&path, JSON, patch.clone()).await;
        assert_eq!(code, StatusCode::OK, "{answer}");
        assert_eq!(answer["spec"]["template"], template);
        let observed = answer["status"]["observedGeneration"].to_string().trim_matches('"').parse::<i64>().ok();
        assert!(observed < answer["metadata"]["generation"].as_i64(), "{scenario}: nobody has looked yet");
        let (code, _) = cluster.patch(&path, JSON, patch).await;
        assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY, "a second submission finds another generation");
        cluster.pass(150);
        let done = cluster.get(&path).await;
        assert_eq!(number(&done), Some(newest + 1), "{scenario}");
        assert_eq!(done["metadata"]["annotations"]["kubernetes.io/change-cause"], "back by on-call");
        let name = before["metadata"]["name"].as_str().expect("a name");
        let set = cluster.get(&format!("/apis/apps/v1/namespaces/shop/replicasets/{name}")).await;
        assert_eq!(number(&set), Some(newest + 1), "the ReplicaSet of old is taken again");
        assert_eq!(set["metadata"]["annotations"][format!("{prefix}/revision-history")], (newest - 1).to_string());
        if scenario == "crashing-release" {
            assert_eq!(done["status"]["readyReplicas"], done["spec"]["replicas"]);
            assert_eq!(done["status"]["replicas"], done["spec"]["replicas"], "the crashing pods are gone");
        } else {
            assert_eq!(set["status"]["readyReplicas"], done["spec"]["replicas"], "{set}");
        }
    }
}

#[tokio::test]
async fn a_restart_replaces_every_pod_and_counts_as_a_revision() {
    let cluster = cluster("calm", 1);
    let path = format!("{DEPLOYMENTS}/worker");
    let pods = "/api/v1/namespaces/shop/pods?labelSelector=app%3Dworker";
    let names = |list: &Value| -> Vec<String> {
        list["items"].as_array().expect("pods").iter().map(|p| p["metadata"]["name"].to_string()).collect()
    };
    let before = names(&cluster.get(pods).await);
    let body = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-21T10:00:00Z"}}}}});
    let (code, first) = cluster.patch(&path, STRATEGIC, body.clone()).await;
    assert_eq!(code, StatusCode::OK);
    let (code, second) = cluster.patch(&path, STRATEGIC, body).await;
    assert_eq!((code, version(&second)), (StatusCode::OK, version(&first)), "the same again changes nothing");
    cluster.pass(120);
    let after = names(&cluster.get(pods).await);
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|name| !before.contains(name)), "{before:?} {after:?}");
}

#[tokio::test]
async fn a_stateful_set_goes_back_by_the_data_of_its_revision() {
    let cluster = cluster("calm", 1);
    let apps = "/apis/apps/v1/namespaces/monitoring";
    let path = format!("{apps}/statefulsets/alertmanager");
    let live = cluster.get(&path).await;
    let revisions = cluster.get(&format!("{apps}/controllerrevisions?labelSelector=app%3Dalertmanager")).await;
    let mut revisions = revisions["items"].as_array().expect("revisions").clone();
    revisions.sort_by_key(|r| r["revision"].as_i64());
    let [before, now] = revisions.as_slice() else { panic!("{revisions:?}") };
    assert_eq!(live["status"]["updateRevision"], now["metadata"]["name"]);
    let pod = "/api/v1/namespaces/monitoring/pods/alertmanager-0";
    let first = cluster.get(pod).await;
    let (code, answer) = cluster.patch(&path, STRATEGIC, before["data"].clone()).await;
    assert_eq!(code, StatusCode::OK);
    assert_ne!(answer["spec"]["template"], live["spec"]["template"]);
    assert!(answer["spec"]["template"]["$patch"].is_null());
    cluster.pass(45);
    let second = cluster.get(pod).await;
    assert_ne!(uid(&second), uid(&first), "another pod of the same name");
    let hash = |object: &Value| object["metadata"]["labels"]["controller-revision-hash"].clone();
    assert_eq!(hash(&second), hash(before));
    let done = cluster.get(&path).await;
    assert_eq!(
        (&done["status"]["updateRevision"], &done["status"]["readyReplicas"]),
        (&before["metadata"]["name"], &json!(1))
    );
}

#[tokio::test]
async fn preconditions_and_refusals_are_the_api_servers() {
    let cluster = cluster("calm", 1);
    let scale = format!("{DEPLOYMENTS}/worker/scale");
    let worker = format!("{DEPLOYMENTS}/worker");
    let rollout = format!("{ROLLOUTS}/orders");
    let (old, other) = (
        json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}),
        json!({"metadata": {"uid": "x"}, "spec": {"replicas": 3}}),
    );
    let test = json!([{"op": "test", "path": "/spec/replicas", "value": 99}]);
    let cases = [
        ("stale scale", &scale, MERGE, old.clone(), 409, "Conflict"),
        ("scale of another uid", &scale, MERGE, other.clone(), 409, "Conflict"),
        ("stale object", &worker, STRATEGIC, old.clone(), 409, "Conflict"),
        ("object of another uid", &worker, MERGE, other.clone(), 422, "Invalid"),
        ("rollout of another uid", &rollout, MERGE, other.clone(), 422, "Invalid"),
        ("failing test", &scale, JSON, test, 422, "Invalid"),
        ("negative", &scale, MERGE, json!({"spec": {"replicas": -1}}), 422, "Invalid"),
        ("strategic for a custom resource", &rollout, STRATEGIC, json!({}), 415, "UnsupportedMediaType"),
        ("half a dry run", &format!("{scale}?dryRun=Some"), MERGE, json!({}), 422, "Invalid"),
        ("a name that is not there", &format!("{DEPLOYMENTS}/nobody/scale"), MERGE, json!({}), 404, "NotFound"),
        ("a part that is not there", &format!("{DEPLOYMENTS}/worker/rollback"), MERGE, json!({}), 404, "NotFound"),
        (
            "what the role lacks",
            &"/api/v1/namespaces/shop/services/orders".to_owned(),
            MERGE,
            json!({}),
            403,
            "Forbidden",
        ),
    ];
    for (what, path, kind, body, code, reason) in cases {
        let (status, answer) = cluster.patch(path, kind, body).await;
        assert_eq!((status.as_u16(), &answer["reason"]), (code, &json!(reason)), "{what}: {answer}");
        assert_eq!((&answer["kind"], &answer["code"]), (&json!("Status"), &json!(code)), "{what}");
    }
    let (code, _) = cluster.patch(&format!("{rollout}/scale?dryRun=All"), MERGE, other).await;
    assert_eq!(code, StatusCode::OK, "a custom resource's scale takes no notice of the uid");
    let (_, refused) = cluster.patch(&scale, MERGE, old).await;
    assert_eq!(
        (&refused["details"], refused["message"].as_str().expect("a message")),
        (
            &json!({"name": "worker", "group": "apps", "kind": "deployments"}),
            "Operation cannot be fulfilled on deployments.apps \"worker\": the object has been modified; please apply \
             your changes to the latest version and try again"
        )
    );
}

#[tokio::test]
async fn pods_of_a_larger_scale_take_their_time_and_an_autoscaler_takes_them_back() {
    let cluster = cluster("calm", 1);
    let worker = format!("{DEPLOYMENTS}/worker");
    let (_, scale) = cluster.patch(&format!("{worker}/scale"), MERGE, json!({"spec": {"replicas": 5}})).await;
    assert_eq!(
        (&scale["kind"], &scale["apiVersion"], &scale["spec"]["replicas"]),
        (&json!("Scale"), &json!("autoscaling/v1"), &json!(5))
    );
    cluster.pass(8);
    let soon = cluster.get(&worker).await;
    assert_eq!((&soon["spec"]["replicas"], &soon["status"]["readyReplicas"]), (&json!(5), &json!(2)));
    cluster.pass(40);
    assert_eq!(cluster.get(&worker).await["status"]["readyReplicas"], 5, "nobody heals it");
    let frontend = format!("{DEPLOYMENTS}/frontend");
    cluster.patch(&format!("{frontend}/scale"), MERGE, json!({"spec": {"replicas": 2}})).await;
    assert_eq!(cluster.get(&frontend).await["spec"]["replicas"], 2);
    cluster.pass(20);
    assert_eq!(cluster.get(&frontend).await["spec"]["replicas"], 4, "the autoscaler keeps its minimum");
    let hpa = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/orders";
    let (code, answer) = cluster.patch(hpa, MERGE, json!({"spec": {"minReplicas": 9}})).await;
    assert_eq!((code, &answer["spec"]["minReplicas"]), (StatusCode::OK, &json!(9)));
    cluster.pass(20);
    assert_eq!(cluster.get(&format!("{ROLLOUTS}/orders")).await["spec"]["replicas"], 9);
    let before = cluster.production.read(|world| world.flow().service("orders").map(|s| s.groups[0].utilisation));
    cluster.pass(60);
    let after = cluster.production.read(|world| world.flow().service("orders").map(|s| s.groups[0].utilisation));
    assert!(after < before.map(|b| b * 0.75), "{before:?} {after:?}");
}

#[tokio::test]
async fn evictions_keep_the_budget_and_a_cordoned_node_empties() {
    let cluster = cluster("calm", 1);
    let pods = cluster.get("/api/v1/namespaces/shop/pods?labelSelector=app%3Dorders").await;
    let pod = |index: usize| pods["items"][index].clone();
    let name = |pod: &Value| pod["metadata"]["name"].as_str().expect("a name").to_owned();
    let node = pod(0)["spec"]["nodeName"].as_str().expect("a node").to_owned();
    let (code, answer) =
        cluster.patch(&format!("/api/v1/nodes/{node}"), STRATEGIC, json!({"spec": {"unschedulable": true}})).await;
    assert_eq!((code, &answer["spec"]["unschedulable"]), (StatusCode::OK, &json!(true)));
    assert_eq!(answer["spec"]["taints"][0]["key"], "node.kubernetes.io/unschedulable");
    let evict = async |pod: &Value, uid: &str, dry: bool| {
        let mut options = json!({"preconditions": {"uid": uid}});
        if dry {
            options["dryRun"] = json!(["All"]);
        }
        let body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name(pod)}, "deleteOptions": options});
        let path = format!("/api/v1/namespaces/shop/pods/{}/eviction", name(pod));
        cluster.send(Method::POST, &path, "application/json", body).await
    };
    assert_eq!(evict(&pod(0), uid(&pod(0)), true).await.0, StatusCode::CREATED);
    assert_eq!(evict(&pod(0), "x", true).await.0, StatusCode::CONFLICT);
    let (code, done) = evict(&pod(0), uid(&pod(0)), false).await;
    assert_eq!((code, &done["status"]), (StatusCode::CREATED, &json!("Success")));
    let (code, refused) = evict(&pod(1), uid(&pod(1)), false).await;
    assert_eq!((code, &refused["reason"]), (StatusCode::TOO_MANY_REQUESTS, &json!("TooManyRequests")));
    assert_eq!(refused["details"]["causes"][0]["reason"], "DisruptionBudget");
    assert_eq!(
        refused["details"]["causes"][0]["message"],
        "The disruption budget orders needs 4 healthy pods and has 4 currently"
    );
    cluster.pass(45);
    let gone = cluster.get(&format!("/api/v1/namespaces/shop/pods/{}", name(&pod(0)))).await;
    assert_eq!(gone["code"], 404);
    let now = cluster.get("/api/v1/namespaces/shop/pods?labelSelector=app%3Dorders").await;
    let now = now["items"].as_array().expect("pods");
    assert!(now.len() == 5 && now.iter().all(|p| p["spec"]["nodeName"] != node.as_str()), "it moved");
    // A wrong uid is refused and spends the budget for two minutes all the same.
    assert_eq!(evict(&pod(1), "x", false).await.0, StatusCode::CONFLICT);
    assert_eq!(evict(&pod(1), uid(&pod(1)), false).await.0, StatusCode::TOO_MANY_REQUESTS);
    cluster.pass(121);
    assert_eq!(evict(&pod(1), uid(&pod(1)), false).await.0, StatusCode::CREATED);
    let (_, answer) =
        cluster.patch(&format!("/api/v1/nodes/{node}"), STRATEGIC, json!({"spec": {"unschedulable": null}})).await;
    assert!(answer["spec"]["unschedulable"].is_null() && answer["spec"]["taints"].is_null(), "{answer}");
}

#[tokio::test]
async fn a_lease_is_taken_once_and_renewed_by_its_version() {
    let cluster = cluster("calm", 1);
    let leases = "/apis/coordination.k8s.io/v1/namespaces/shop/leases";
    let path = format!("{leases}/tierdeck-rollout-orders");
    let spec =
        |holder: &str, time: &str| json!({"holderIdentity": holder, "leaseDurationSeconds": 60, "renewTime": time});
    let lease =
        |holder: &str, time: &str| json!({"metadata": {"name": "tierdeck-rollout-orders"}, "spec": spec(holder, time)});
    let time = "2026-11-21T10:00:00.000000Z";
    let (code, first) = cluster.send(Method::POST, leases, "application/json", lease("a", time)).await;
    assert_eq!((code, &first["kind"]), (StatusCode::CREATED, &json!("Lease")));
    let (code, taken) = cluster.send(Method::POST, leases, "application/json", lease("b", time)).await;
    assert_eq!((code.as_u16(), &taken["reason"]), (409, &json!("AlreadyExists")));
    let mut renewed = first.clone();
    renewed["spec"] = spec("a", "2026-11-21T10:00:20.000000Z");
    let (code, second) = cluster.send(Method::PUT, &path, "application/json", renewed.clone()).await;
    assert_eq!(code, StatusCode::OK);
    assert_ne!(version(&second), version(&first));
    let (code, lost) = cluster.send(Method::PUT, &path, "application/json", renewed).await;
    assert_eq!((code.as_u16(), &lost["reason"]), (409, &json!("Conflict")));
    let (code, _) = cluster.send(Method::PUT, &path, "application/json", lease("a", time)).await;
    assert_eq!(code.as_u16(), 422, "without a version");
    let (code, _) = cluster.send(Method::PUT, &path, "application/json", lease("a", "2026-11-21T10:00:00Z")).await;
    assert_eq!(code.as_u16(), 400, "without microseconds");
    let stale = json!({"preconditions": {"resourceVersion": version(&first)}});
    assert_eq!(cluster.send(Method::DELETE, &path, "application/json", stale).await.0.as_u16(), 409);
    assert_eq!(cluster.send(Method::DELETE, &path, "application/json", json!({})).await.0, StatusCode::OK);
    assert_eq!(cluster.get(&path).await["code"], 404);
}

#[tokio::test]
async fn an_event_of_a_user_is_shown_by_both_groups() {
    let cluster = cluster("calm", 1);
    let event = json!({
        "metadata": {"generateName": "tierdeck-"}, "eventTime": "2026-11-21T10:00:00.000000Z", "type": "Normal",
        "reportingController": "tierdeck", "reportingInstance": "bastion-1", "action": "Abort", "reason": "Operation",
        "note": "aborted by on-call", "regarding": {"kind": "Rollout", "namespace": "shop", "name": "orders"},
    });
    let path = "/apis/events.k8s.io/v1/namespaces/shop/events";
    let (code, answer) = cluster.send(Method::POST, path, "application/json", event).await;
    assert_eq!(code, StatusCode::CREATED, "{answer}");
    let name = answer["metadata"]["name"].as_str().expect("a name");
    let old = cluster.get(&format!("/api/v1/namespaces/shop/events/{name}")).await;
    assert_eq!((&old["message"], &old["involvedObject"]["name"]), (&json!("aborted by on-call"), &json!("orders")));
    let (code, _) = cluster.send(Method::POST, path, "application/json", json!({"metadata": {"name": "x"}})).await;
    assert_eq!(code.as_u16(), 422, "without its time");
}

#[tokio::test]
async fn an_owner_that_heals_itself_undoes_what_git_does_not_know_until_its_sync_is_suspended() {
    let cluster = cluster("calm", 1);
    let (app, rollout) =
        ("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/catalogue", format!("{ROLLOUTS}/catalogue"));
    let hpa = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/catalogue";
    let live = cluster.get(&rollout).await;
    assert_eq!(
        live["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"],
        "catalogue:argoproj.io/Rollout:shop/catalogue"
    );
    let image = |object: &Value| object["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    let other =
        json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "shop/catalogue:9.9.9"}]);
    cluster.patch(&rollout, JSON, other.clone()).await;
    cluster.patch(hpa, MERGE, json!({"spec": {"minReplicas": 7}})).await;
    assert_eq!(image(&cluster.get(&rollout).await), "shop/catalogue:9.9.9");
    assert_eq!(cluster.get(app).await["status"]["sync"]["status"], "OutOfSync");
    cluster.pass(10);
    let healed = cluster.get(&rollout).await;
    assert_eq!(image(&healed), image(&live));
    assert_eq!(cluster.get(hpa).await["spec"]["minReplicas"], 5);
    let managers = healed["metadata"]["managedFields"].to_string();
    assert!(managers.contains("argocd-application-controller"), "{managers}");
    assert_eq!(cluster.get(app).await["status"]["sync"]["status"], "Synced");
    let (code, answer) = cluster.patch(app, MERGE, json!({"spec": {"syncPolicy": {"automated": null}}})).await;
    assert_eq!((code, &answer["spec"]["syncPolicy"]["automated"]), (StatusCode::OK, &Value::Null));
    cluster.patch(&rollout, JSON, other).await;
    cluster.pass(90);
    assert_eq!(image(&cluster.get(&rollout).await), "shop/catalogue:9.9.9", "nobody undoes it");
    cluster.patch(app, MERGE, json!({"spec": {"syncPolicy": {"automated": {"prune": true, "selfHeal": true}}}})).await;
    cluster.pass(10);
    assert_eq!(image(&cluster.get(&rollout).await), image(&live));
}
