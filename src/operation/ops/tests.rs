//! Evidence in, requests out: byte for byte, with their command lines, risks and refusals.

use serde_json::{Value, json};

use crate::domain::settings::RiskClass;
use crate::domain::text::Raw;
use crate::operation::evidence::{Evidence, Gather};
use crate::operation::guard::{GuardId, Verdict};
use crate::operation::mutation::Mutation;
use crate::operation::plan::{Drift, Plan};
use crate::operation::target::{Engine, Params};
use crate::operation::testing::*;
use crate::operation::verb::{Risk, Verb};

fn plan(answers: &Answers, verb: Verb, engine: Engine, params: Params) -> Result<Plan, String> {
    let setting = Setting::new(RiskClass::Production);
    answers.plan(&request(verb, engine, params), &setting).map_err(|refusal| refusal.what.as_str().to_owned())
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| step.mutation.canonical()).collect()
}

fn verdict(plan: &Plan, guard: GuardId) -> Vec<Verdict> {
    plan.findings.iter().filter(|finding| finding.guard == guard).map(|finding| finding.verdict).collect()
}

const STATUS: &str = "PATCH /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/backend/status?fieldManager=tierdeck \
                      application/json-patch+json\n";
const MAIN: &str = "PATCH /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/backend?fieldManager=tierdeck application/json-patch+json\n";
const UID: &str = r#"{"op":"test","path":"/metadata/uid","value":"5b0e"}"#;
const CANARY: &str = r#"{"op":"test","path":"/status/currentPodHash","value":"7b9f"}"#;
const STABLE: &str = r#"{"op":"test","path":"/status/stableRS","value":"6d4f"}"#;

#[test]
fn requests_to_a_rollout_are_exact() {
    let release = format!(
        r#"{MAIN}[{UID},{{"op":"test","path":"/spec/paused","value":true}},{{"op":"add","path":"/spec/paused","value":false}}]"#
    );
    let abort = format!(r#"{STATUS}[{UID},{CANARY},{STABLE},{{"op":"add","path":"/status/abort","value":true}}]"#);
    let step = r#"{"op":"test","path":"/status/currentStepIndex","value":1}"#;
    let unpause = format!(r#"{STATUS}[{UID},{CANARY},{step},{{"op":"remove","path":"/status/pauseConditions"}}]"#);
    let skip =
        format!(r#"{STATUS}[{UID},{CANARY},{step},{{"op":"replace","path":"/status/currentStepIndex","value":2}}]"#);
    let doubtful = format!(
        r#"{STATUS}[{UID},{CANARY},{step},{{"op":"remove","path":"/status/pauseConditions"}},{{"op":"add","path":"/status/controllerPause","value":false}},{{"op":"replace","path":"/status/currentStepIndex","value":2}}]"#
    );
    let full = format!(r#"{STATUS}[{UID},{CANARY},{STABLE},{{"op":"add","path":"/status/promoteFull","value":true}}]"#);
    let retry = format!(
        r#"{STATUS}[{UID},{{"op":"test","path":"/status/abort","value":true}},{CANARY},{{"op":"replace","path":"/status/abort","value":false}}]"#
    );
    let hold = format!(r#"{MAIN}[{UID},{{"op":"add","path":"/spec/paused","value":true}}]"#);
    let held = rollout_with("/spec/paused", json!(true));
    let inconclusive = rollout_with("/status/pauseConditions", json!([{ "reason": "InconclusiveAnalysisRun" }]));
    let running = rollout_with("/status/pauseConditions", json!([]));
    let cases = [
        (Verb::Abort, rollout(), Risk::Safer, vec![abort.clone()]),
        (Verb::Abort, held.clone(), Risk::Safer, vec![abort, release.clone()]),
        (Verb::Promote, rollout(), Risk::Careful, vec![unpause.clone()]),
        (Verb::Promote, held.clone(), Risk::Careful, vec![release.clone(), unpause]),
        (Verb::Promote, inconclusive, Risk::Careful, vec![doubtful]),
        (Verb::Promote, running, Risk::Careful, vec![skip]),
        (Verb::PromoteFull, rollout(), Risk::Risky, vec![full]),
        (Verb::Retry, aborted(12), Risk::Careful, vec![retry]),
        (Verb::Pause, rollout(), Risk::Safer, vec![hold]),
        (Verb::Resume, held, Risk::Careful, vec![release]),
    ];
    for (verb, object, risk, expected) in cases {
        let plan = plan(&canary().with(ROLLOUT, object), verb, Engine::Rollout, Params::default()).unwrap();
        assert_eq!(lines(&plan), expected, "{verb:?}");
        assert_eq!(plan.risk, risk, "{verb:?}");
    }
}

#[test]
fn what_cannot_work_is_refused_with_its_reason() {
    let done = rollout_with("/status/stableRS", json!("7b9f"));
    let cases: Vec<(Verb, Value, &str)> = vec![
        (Verb::Abort, done.clone(), "no other revision"),
        (Verb::Abort, aborted(12), "aborted already"),
        (Verb::Promote, aborted(12), "accepted and do nothing"),
        (Verb::PromoteFull, aborted(12), "accepted and do nothing"),
        (Verb::PromoteFull, done.clone(), "stable one already"),
        (Verb::Retry, rollout(), "not aborted"),
        (Verb::Resume, rollout(), "not held by hand"),
        (Verb::Pause, done, "no rollout is under way"),
        (Verb::Drain, rollout(), "drain is nothing for a Rollout"),
    ];
    for (verb, object, expected) in cases {
        let refused = plan(&canary().with(ROLLOUT, object), verb, Engine::Rollout, Params::default()).unwrap_err();
        assert!(refused.contains(expected), "{verb:?}: {refused}");
    }
    assert!(
        plan(&Answers::default(), Verb::Abort, Engine::Rollout, Params::default())
            .unwrap_err()
            .contains("could not be read")
    );
}

#[test]
fn blue_green_moves_everyone_and_is_risky() {
    let mut object =
        rollout_with("/spec/strategy", json!({ "blueGreen": { "activeService": "live", "previewService": "next" } }));
    set(&mut object, "/status/pauseConditions", json!([{ "reason": "BlueGreenPause" }]));
    object["status"].as_object_mut().unwrap().remove("currentStepIndex");
    let plan = plan(&canary().with(ROLLOUT, object), Verb::Promote, Engine::Rollout, Params::default()).unwrap();
    assert_eq!(plan.risk, Risk::Risky);
    let expected = format!(r#"{STATUS}[{UID},{CANARY},{{"op":"remove","path":"/status/pauseConditions"}}]"#);
    assert_eq!(lines(&plan), [expected]);
    // Within the scale-down delay a retry switches everyone over without a pause (measured, Argo Rollouts 1.9).
    let mut object = aborted(12);
    set(&mut object, "/spec/strategy", json!({ "blueGreen": { "activeService": "live" } }));
    let retry = self::plan(&canary().with(ROLLOUT, object), Verb::Retry, Engine::Rollout, Params::default());
    assert_eq!(retry.unwrap().risk, Risk::Risky);
}

#[test]
fn a_step_that_the_canary_does_not_matter_for_is_no_drift_for_an_abort() {
    let at = |step: u32| canary().with(ROLLOUT, rollout_with("/status/currentStepIndex", json!(step)));
    let of = |verb, step| plan(&at(step), verb, Engine::Rollout, Params::default()).unwrap();
    assert_eq!(of(Verb::Abort, 1).drift(&of(Verb::Abort, 1)), Drift::None);
    assert_eq!(of(Verb::Abort, 1).drift(&of(Verb::Abort, 3)), Drift::Refresh);
    assert!(matches!(of(Verb::Promote, 1).drift(&of(Verb::Promote, 3)), Drift::Matters(_)));
    let other = canary().with(ROLLOUT, rollout_with("/status/currentPodHash", json!("9999")));
    let other = plan(&other, Verb::Abort, Engine::Rollout, Params::default()).unwrap();
    assert!(matches!(of(Verb::Abort, 1).drift(&other), Drift::Matters(changes) if changes.len() == 1));
    let request = request(Verb::Abort, Engine::Rollout, Params::default());
    let hash = |plan: &Plan, environment: &'static str| plan.hash(&request, &environment.into());
    assert_ne!(hash(&of(Verb::Abort, 1), "prod-eu"), hash(&other, "prod-eu"));
    assert_ne!(hash(&of(Verb::Abort, 1), "prod-eu"), hash(&of(Verb::Abort, 1), "prod-us"));
}

#[test]
fn a_rollback_restores_the_chosen_template_also_when_the_rollout_is_stuck() {
    let undo = plan(&deployments(), Verb::Rollback, Engine::Deployment, Params::default()).unwrap();
    let expected = concat!(
        "PATCH /apis/apps/v1/namespaces/shop/deployments/payments?fieldManager=tierdeck application/json-patch+json\n",
        r#"[{"op":"test","path":"/metadata/uid","value":"d1"},"#,
        r#"{"op":"test","path":"/metadata/annotations/deployment.kubernetes.io~1revision","value":"3"},"#,
        r#"{"op":"test","path":"/spec/template/spec/containers/0/image","value":"pay:3"},"#,
        r#"{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"payments"}},"spec":{"containers":[{"image":"pay:2","name":"app"}]}}},"#,
        r#"{"op":"add","path":"/metadata/annotations/kubernetes.io~1change-cause","value":"tierdeck: rollback to bbb"}]"#,
    );
    assert_eq!(lines(&undo), [expected]);
    assert_eq!(undo.risk, Risk::Careful);
    assert_eq!(undo.steps[0].command.as_str(), "kubectl rollout undo deployment/payments -n shop --to-revision=2");
    let image = undo.diff.iter().find(|change| change.what.as_str().ends_with("/image")).unwrap();
    assert_eq!((image.before.as_str(), image.after.as_str()), ("pay:3", "pay:2"));
    for revision in ["aaa", "payments-aaa", "1"] {
        let params = Params { revision: Some(Raw::new(revision)), ..Params::default() };
        let older = plan(&deployments(), Verb::Rollback, Engine::Deployment, params).unwrap();
        assert_eq!(older.risk, Risk::Risky, "{revision}");
        assert!(lines(&older)[0].contains("pay:1"));
    }
    for revision in ["ccc", "3", "zzz"] {
        let params = Params { revision: Some(Raw::new(revision)), ..Params::default() };
        assert!(plan(&deployments(), Verb::Rollback, Engine::Deployment, params).is_err(), "{revision}");
    }
}

#[test]
fn values_of_the_environment_are_never_in_a_diff() {
    let with =
        |value: &str| json!({ "spec": { "containers": [{ "env": [{ "name": "DB_PASSWORD", "value": value }] }] } });
    let diff = super::rollback::template_diff(&with("hunter2"), &with("hunter3"));
    assert_eq!(diff.len(), 1);
    assert!(!format!("{diff:?}").contains("hunter"), "{diff:?}");
}

#[test]
fn scaling_asserts_the_number_that_was_seen_and_keeps_to_bounds_and_floor() {
    let to = |replicas| Params { replicas: Some(replicas), ..Params::default() };
    let up = plan(&deployments(), Verb::Scale, Engine::Deployment, to(9)).unwrap();
    let expected = concat!(
        "PATCH /apis/apps/v1/namespaces/shop/deployments/payments/scale?fieldManager=tierdeck application/json-patch+json\n",
        r#"[{"op":"test","path":"/metadata/uid","value":"d1"},{"op":"test","path":"/spec/replicas","value":4},"#,
        r#"{"op":"add","path":"/spec/replicas","value":9}]"#,
    );
    assert_eq!(lines(&up), [expected]);
    // A Scale has no number where it is zero (measured against 1.36).
    let mut none = deployment();
    set(&mut none, "/spec/replicas", json!(0));
    let from_zero = plan(&deployments().with(DEPLOYMENT, none), Verb::Scale, Engine::Deployment, to(4)).unwrap();
    let asserted =
        r#"{"op":"test","path":"/spec/replicas","value":null},{"op":"add","path":"/spec/replicas","value":4}"#;
    assert!(lines(&from_zero)[0].contains(asserted), "{:?}", lines(&from_zero));
    let risks = [(9, Risk::Safer), (2, Risk::Risky), (0, Risk::Irreversible)];
    for (replicas, risk) in risks {
        assert_eq!(plan(&deployments(), Verb::Scale, Engine::Deployment, to(replicas)).unwrap().risk, risk);
    }
    let down = |replicas| plan(&deployments(), Verb::Scale, Engine::Deployment, to(replicas)).unwrap();
    assert_eq!(verdict(&down(2), GuardId::Capacity), [Verdict::Pass]);
    assert_eq!(verdict(&down(1), GuardId::Capacity), [Verdict::Block]);
    let scaler = json!({ "items": [{ "metadata": { "namespace": "shop", "name": "payments", "uid": "h1" },
        "spec": { "minReplicas": 4, "maxReplicas": 12, "scaleTargetRef": { "kind": "Deployment", "name": "payments" } },
        "status": { "currentReplicas": 4, "desiredReplicas": 6 } }] });
    let owned = deployments().with(SCALERS, scaler);
    for (replicas, verdict_) in [(3, Verdict::Block), (13, Verdict::Block), (8, Verdict::Warn)] {
        let plan = plan(&owned, Verb::Scale, Engine::Deployment, to(replicas)).unwrap();
        assert_eq!(verdict(&plan, GuardId::Bounds), [verdict_], "{replicas}");
    }
    let raise = Params { bounds: Some((6, 12)), ..Params::default() };
    let raise = plan(&owned, Verb::Bounds, Engine::Deployment, raise).unwrap();
    assert_eq!(raise.risk, Risk::Safer);
    assert_eq!(raise.debts.len(), 1);
    assert!(lines(&raise)[0].ends_with(
        r#"[{"op":"test","path":"/metadata/uid","value":"h1"},{"op":"test","path":"/spec/minReplicas","value":4},{"op":"test","path":"/spec/maxReplicas","value":12},{"op":"add","path":"/spec/minReplicas","value":6},{"op":"replace","path":"/spec/maxReplicas","value":12}]"#
    ));
    let lower = Params { bounds: Some((2, 12)), ..Params::default() };
    assert_eq!(plan(&owned, Verb::Bounds, Engine::Deployment, lower).unwrap().risk, Risk::Risky);
}

#[test]
fn a_restart_is_the_same_request_whenever_it_is_planned() {
    let restart = plan(&deployments(), Verb::Restart, Engine::Deployment, Params::default()).unwrap();
    let expected = concat!(
        "PATCH /apis/apps/v1/namespaces/shop/deployments/payments?fieldManager=tierdeck application/strategic-merge-patch+json\n",
        r#"{"metadata":{"uid":"d1"},"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-21T03:12:07Z"}}}}}"#,
    );
    assert_eq!(lines(&restart), [expected]);
}

fn pod(name: &str, controller: Option<&str>) -> Value {
    let owners: Vec<Value> = controller
        .map(|kind| json!({ "controller": true, "kind": kind, "name": "payments-bbb", "uid": "rs-bbb" }))
        .into_iter()
        .collect();
    json!({ "metadata": { "namespace": "shop", "name": name, "uid": format!("u-{name}"), "labels": { "app": "payments" },
            "ownerReferences": owners },
        "spec": { "nodeName": "node-a" },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } })
}

fn budget(name: &str, allowed: u32) -> Value {
    json!({ "metadata": { "namespace": "shop", "name": name, "uid": name }, "spec": { "selector": { "matchLabels": { "app": "payments" } } },
        "status": { "disruptionsAllowed": allowed, "currentHealthy": 3, "desiredHealthy": 3 } })
}

#[test]
fn a_drain_cordons_then_evicts_what_moves_and_waits_for_budgets() {
    let node = json!({ "metadata": { "name": "node-a", "uid": "n1" }, "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
    let pods = json!({ "items": [pod("web-1", Some("ReplicaSet")), pod("logs-1", Some("DaemonSet"))] });
    let world = |pods: Value, budgets: Vec<Value>| {
        Answers::default()
            .with("/api/v1/nodes/node-a", node.clone())
            .with("/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-a", pods)
            .with("/apis/policy/v1/poddisruptionbudgets", json!({ "items": budgets }))
    };
    let drain = |answers: &Answers| plan(answers, Verb::Drain, Engine::Node, Params::default()).unwrap();
    let calm = drain(&world(pods.clone(), vec![budget("pay", 0)]));
    assert_eq!(
        lines(&calm),
        [
            concat!(
                "PATCH /api/v1/nodes/node-a?fieldManager=tierdeck application/strategic-merge-patch+json\n",
                r#"{"metadata":{"uid":"n1"},"spec":{"unschedulable":true}}"#
            ),
            concat!(
                "POST /api/v1/namespaces/shop/pods/web-1/eviction application/json\n",
                r#"{"apiVersion":"policy/v1","deleteOptions":{"preconditions":{"uid":"u-web-1"}},"kind":"Eviction","metadata":{"name":"web-1","namespace":"shop"}}"#
            ),
        ]
    );
    let Mutation::Kube(eviction) = &calm.steps[1].mutation else { panic!() };
    assert!(eviction.dry_body().contains(r#""dryRun":["All"],"preconditions":{"uid":"u-web-1"}"#));
    assert_eq!(verdict(&calm, GuardId::Disruption), [Verdict::Warn]);
    assert!(calm.steps[1].again.is_some() && calm.steps[0].again.is_none());
    // What is not ready may go while enough others are healthy, or always (measured, 1.36).
    let unready = |healthy: u32, policy: &str| {
        let (mut pod, mut budget) = (pod("web-1", Some("ReplicaSet")), budget("pay", 0));
        set(&mut pod, "/status/conditions", json!([{ "type": "Ready", "status": "False" }]));
        set(&mut budget, "/status/currentHealthy", json!(healthy));
        set(&mut budget, "/spec/unhealthyPodEvictionPolicy", json!(policy));
        verdict(&drain(&world(json!({ "items": [pod] }), vec![budget])), GuardId::Disruption)
    };
    assert_eq!(unready(3, "IfHealthyBudget"), [Verdict::Pass]);
    assert_eq!(unready(2, "IfHealthyBudget"), [Verdict::Warn]);
    assert_eq!(unready(2, "AlwaysAllow"), [Verdict::Pass]);
    let two = drain(&world(pods, vec![budget("a", 1), budget("b", 1)]));
    assert_eq!(verdict(&two, GuardId::Disruption), [Verdict::Block]);
    let bare = drain(&world(json!({ "items": [pod("bare", None)] }), Vec::new()));
    assert_eq!(verdict(&bare, GuardId::Capacity), [Verdict::Block]);
}

#[test]
fn calls_to_aws_are_what_the_cli_sends() {
    let rds = plan(&aws(), Verb::Failover, Engine::RdsInstance, Params::default()).unwrap();
    assert_eq!(lines(&rds), ["rds:RebootDBInstance eu-west-1 DBInstanceIdentifier=orders&ForceFailover=true"]);
    assert_eq!(
        rds.steps[0].command.as_str(),
        "aws rds reboot-db-instance --db-instance-identifier orders --force-failover --region eu-west-1"
    );
    assert_eq!(verdict(&rds, GuardId::Loss), [Verdict::Pass]);
    let aurora = plan(&aws(), Verb::Failover, Engine::Aurora, Params::default()).unwrap();
    assert_eq!(
        lines(&aurora),
        ["rds:FailoverDBCluster eu-west-1 DBClusterIdentifier=orders&TargetDBInstanceIdentifier=orders-2"]
    );
    let to = Params { to: Some(Raw::new("orders-0")), ..Params::default() };
    assert!(plan(&aws(), Verb::Failover, Engine::Aurora, to).unwrap_err().contains("writer already"));
    let cache = plan(&aws(), Verb::Failover, Engine::ElastiCache, Params::default()).unwrap();
    let group = "elasticache:ModifyReplicationGroup eu-west-1 ReplicationGroupId=sessions&";
    assert_eq!(
        lines(&cache),
        [
            format!("{group}AutomaticFailoverEnabled=false&MultiAZEnabled=false&ApplyImmediately=true"),
            format!("{group}PrimaryClusterId=sessions-002&ApplyImmediately=true"),
            format!("{group}AutomaticFailoverEnabled=true&MultiAZEnabled=true&ApplyImmediately=true"),
        ]
    );
    assert!(cache.steps[2].finally && !cache.steps[1].finally);
}

fn ledger(current: &str, target: &str) -> Value {
    json!({ "metadata": { "namespace": "shop", "name": "ledger", "uid": "c1" }, "spec": { "instances": 3 },
        "status": { "readyInstances": 3, "currentPrimary": current, "targetPrimary": target,
            "phase": "Cluster in healthy state", "instanceNames": ["ledger-1", "ledger-2", "ledger-3"] } })
}

fn postgres(lsns: [Option<&str>; 3]) -> Answers {
    let mut answers = Answers::default()
        .with("/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters/ledger", ledger("ledger-1", "ledger-1"));
    for (index, lsn) in lsns.into_iter().enumerate() {
        let Some(lsn) = lsn else { continue };
        let path = format!("/api/v1/namespaces/shop/pods/https%3Aledger-{}%3A8000/proxy/pg/status", index + 1);
        let primary = index == 0;
        let field = if primary { "currentLsn" } else { "receivedLsn" };
        answers = answers.with(&path, json!({ "isPrimary": primary, "isWalReceiverActive": !primary, field: lsn }));
    }
    answers
}

#[test]
fn a_switchover_takes_the_most_advanced_replica_and_holds_lag_against_the_rpo() {
    let failover = |answers: &Answers, params| plan(answers, Verb::Failover, Engine::CloudNativePg, params).unwrap();
    let even = failover(&postgres([Some("0/10"), Some("0/F"), Some("0/10")]), Params::default());
    let body = concat!(
        "PATCH /apis/postgresql.cnpg.io/v1/namespaces/shop/clusters/ledger/status?fieldManager=tierdeck application/json-patch+json\n",
        r#"[{"op":"test","path":"/metadata/uid","value":"c1"},{"op":"test","path":"/status/currentPrimary","value":"ledger-1"},"#,
        r#"{"op":"test","path":"/status/targetPrimary","value":"ledger-1"},{"op":"add","path":"/status/targetPrimary","value":"ledger-3"},"#,
        r#"{"op":"add","path":"/status/targetPrimaryTimestamp","value":"2026-11-21T03:12:07.000000Z"},"#,
        r#"{"op":"add","path":"/status/phase","value":"Switchover in progress"},"#,
        r#"{"op":"add","path":"/status/phaseReason","value":"Switching over to ledger-3"}]"#,
    );
    assert_eq!(lines(&even), [body]);
    assert_eq!(verdict(&even, GuardId::Loss), [Verdict::Pass]);
    let behind = failover(&postgres([Some("0/FF"), Some("0/F"), Some("0/10")]), Params::default());
    assert_eq!(verdict(&behind, GuardId::Loss), [Verdict::Unknown], "no metric says how many seconds");
    let dead = failover(&postgres([None, Some("0/F"), Some("0/10")]), Params::default());
    assert_eq!(verdict(&dead, GuardId::Loss), [Verdict::Block]);
    assert_eq!(dead.risk, Risk::Risky);
    let params = Params { accept_loss: true, ..Params::default() };
    let accepted = failover(&postgres([None, Some("0/F"), Some("0/10")]), params);
    assert_eq!((verdict(&accepted, GuardId::Loss), accepted.risk), (vec![Verdict::Warn], Risk::Irreversible));
    // A primary that may not be asked is alive where the operator says so: no acknowledgement gives it up.
    let mut object = ledger("ledger-1", "ledger-1");
    object["status"]["instancesStatus"] = json!({ "healthy": ["ledger-1", "ledger-2", "ledger-3"] });
    let unasked = postgres([None, Some("0/F"), Some("0/10")])
        .with("/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters/ledger", object);
    let unasked = failover(&unasked, Params { accept_loss: true, ..Params::default() });
    assert_eq!((verdict(&unasked, GuardId::Loss), unasked.risk), (vec![Verdict::Unknown], Risk::Risky));
    let moving = Answers::default()
        .with("/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters/ledger", ledger("ledger-1", "pending"));
    assert!(
        plan(&moving, Verb::Failover, Engine::CloudNativePg, Params::default())
            .unwrap_err()
            .contains("moves the primary")
    );
}

#[test]
fn an_owner_that_reverts_is_suspended_first_and_put_back_as_it_was() {
    let mut object = deployment();
    set(&mut object, "/metadata/annotations/argocd.argoproj.io~1tracking-id", Value::Null);
    object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = json!("pay:apps/Deployment:shop/payments");
    let app = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/pay";
    let application = json!({ "metadata": { "namespace": "argocd", "name": "pay", "uid": "app1" },
        "spec": { "syncPolicy": { "automated": { "prune": true, "selfHeal": true } } } });
    let world = deployments().with(DEPLOYMENT, object).with(app, application.clone());
    let params = Params { suspend_owner: true, ..Params::default() };
    let undo = plan(&world, Verb::Rollback, Engine::Deployment, params).unwrap();
    assert_eq!(undo.steps.len(), 2);
    assert_eq!(
        lines(&undo)[0],
        concat!(
            "PATCH /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/pay?fieldManager=tierdeck application/json-patch+json\n",
            r#"[{"op":"test","path":"/metadata/uid","value":"app1"},{"op":"test","path":"/spec/syncPolicy/automated","value":{"prune":true,"selfHeal":true}},"#,
            r#"{"op":"test","path":"/metadata/annotations","value":null},{"op":"remove","path":"/spec/syncPolicy/automated"},"#,
            r#"{"op":"add","path":"/metadata/annotations","value":{}},"#,
            r#"{"op":"add","path":"/metadata/annotations/tierdeck.dev~1suspended-sync","value":"{\"prune\":true,\"selfHeal\":true}"}]"#,
        )
    );
    assert_eq!(undo.debts.len(), 1);
    assert!(undo.steps[0].settle.is_some());
    let left = plan(&world, Verb::Rollback, Engine::Deployment, Params::default()).unwrap();
    assert!(left.timing.hold >= std::time::Duration::from_secs(60), "a reverting owner is looked out for");
    let parked = json!({ "metadata": { "namespace": "argocd", "name": "pay", "uid": "app1",
        "annotations": { "tierdeck.dev/suspended-sync": "{\"prune\":true}" } }, "spec": { "syncPolicy": {} } });
    let resumed =
        plan(&world.clone().with(app, parked), Verb::ResumeSync, Engine::Deployment, Params::default()).unwrap();
    assert!(lines(&resumed)[0].ends_with(
        r#"{"op":"add","path":"/spec/syncPolicy/automated","value":{"prune":true}},{"op":"remove","path":"/metadata/annotations/tierdeck.dev~1suspended-sync"}]"#
    ));
    let unknown = json!({ "metadata": { "namespace": "argocd", "name": "pay", "uid": "app1" }, "spec": {} });
    assert!(plan(&world.with(app, unknown), Verb::ResumeSync, Engine::Deployment, Params::default()).is_err());
}

#[test]
fn reads_that_change_nothing_are_the_only_ones_beside_dry_runs() {
    let evidence = plan(&canary(), Verb::Abort, Engine::Rollout, Params::default()).unwrap();
    let Mutation::Kube(mutation) = &evidence.steps[0].mutation else { panic!() };
    let dry = Gather::DryRun(mutation.clone()).http().unwrap();
    assert!(dry.path.ends_with("/status?fieldManager=tierdeck&dryRun=All"), "{}", dry.path);
    let refused = json!({ "kind": "Status", "status": "Failure", "message": "no" });
    assert!(Gather::DryRun(mutation.clone()).read(&refused).is_err());
    let access = Gather::Access(mutation.access());
    assert!(access.http().unwrap().body.unwrap().contains(r#""subresource":"status","verb":"patch""#));
    let answer = json!({ "status": { "allowed": false } });
    assert!(matches!(access.read(&answer), Ok(Evidence::Access { allowed: false, .. })));
}
