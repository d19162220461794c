//! Objects as a real API server answers them (facts/controlplane.md 5), and a place to test in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::evidence::aws::{CacheGroupSeen, CacheMember, ClusterMember, DbClusterSeen, DbInstanceSeen, Switch};
use super::evidence::{Evidence, Found, Gather, Seen, Sheet};
use super::ops::{self, Draft, Refusal};
use super::plan::Plan;
use super::policy::{Context, Door, Now, Place, Policy, Who};
use super::scene::Scene;
use super::target::{Engine, Params, Request, Target};
use super::verb::Verb;
use crate::domain::id::{ComponentId, Kind};
use crate::domain::reading::{Absence, Reading};
use crate::domain::settings::RiskClass;
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::domain::time::{Human, Stamp};
use crate::domain::unit::Statistic;
use crate::model::board::{Board, Cause, ComponentRow, Evidence as Sight, Latency, SourceStatus, TierRow, Users};

pub fn stamp(seconds: i64) -> Stamp {
    Stamp::from_millis(1_795_230_727_000 + seconds * 1000)
}

pub fn human(millis: u64) -> Human {
    Human(Duration::from_millis(millis))
}

pub fn target(engine: Engine) -> Target {
    let (kind, scope, name) = match engine {
        Engine::Rollout => (Kind::Rollout, "shop", "backend"),
        Engine::Deployment => (Kind::Deployment, "shop", "payments"),
        Engine::StatefulSet => (Kind::StatefulSet, "shop", "queue"),
        Engine::DaemonSet => (Kind::DaemonSet, "shop", "agent"),
        Engine::Node => (Kind::Node, "", "node-a"),
        Engine::CloudNativePg => (Kind::DbCluster, "shop", "ledger"),
        Engine::RdsInstance => (Kind::DbInstance, "eu-west-1", "orders"),
        Engine::Aurora => (Kind::DbCluster, "eu-west-1", "orders"),
        Engine::ElastiCache => (Kind::CacheGroup, "eu-west-1", "sessions"),
    };
    Target { component: ComponentId::new(kind, scope, name), engine }
}

pub fn request(verb: Verb, engine: Engine, params: Params) -> Request {
    Request::new(verb, target(engine), params)
}

/// A board that knows nothing.
pub fn board() -> Board {
    let nothing = || Reading::Absent(Absence::NotMeasured);
    Board {
        at: stamp(0),
        holds_until: stamp(0),
        health: crate::domain::health::Health::Ok,
        evidence: Sight::Full,
        users: Users {
            failing_per_second: nothing(),
            failing_ratio: nothing(),
            since: None,
            via: None,
            business: None,
            counted: None,
        },
        tiers: Vec::new(),
        links: Vec::new(),
        cause: Cause::None,
        alerts: Vec::new(),
        changes: Vec::new(),
        gaps: Vec::new(),
    }
}

/// A board with these components and nothing else.
pub fn board_of(ids: &[(Kind, &str, &str)]) -> Board {
    let nothing = || Reading::Absent(Absence::NotMeasured);
    let health = crate::domain::health::Health::Ok;
    let row = |(kind, scope, name): &(Kind, &str, &str)| ComponentRow {
        id: ComponentId::new(*kind, scope, name),
        name: crate::domain::text::Shown::of(name),
        health,
        reasons: Vec::new(),
        replicas: None,
        zones: Vec::new(),
        spof: false,
        rollout: None,
        verdict: None,
        signals: Vec::new(),
        members: Vec::new(),
        attributes: Vec::new(),
    };
    let statistic = Statistic::Avg;
    let tier = TierRow {
        tier: Tier::Application,
        health,
        reasons: Vec::new(),
        rate: nothing(),
        rate_vs_last_week: nothing(),
        error_ratio: nothing(),
        error_added_ratio: nothing(),
        latency: Latency { reading: nothing(), statistic, target: None },
        latency_added: nothing(),
        saturation: None,
        capacity: None,
        trend: Vec::new(),
        components: ids.iter().map(row).collect(),
    };
    Board { tiers: vec![tier], ..board() }
}

/// Everything around an operation, with a clock that only tests move.
pub struct Setting {
    pub board: Board,
    pub sources: Vec<SourceStatus>,
    pub place: Place,
    pub policy: Policy,
    pub who: Who,
    pub armed: bool,
    pub now: Now,
}

impl Setting {
    pub fn new(class: RiskClass) -> Self {
        Self {
            board: board(),
            sources: Vec::new(),
            place: Place { environment: "prod-eu".into(), class },
            policy: Policy::default(),
            who: Who { name: "sre1@471/operator".into(), shared: false, expires: None },
            armed: true,
            now: Now { world: stamp(0), human: human(0) },
        }
    }

    pub fn context(&self) -> Context<'_> {
        Context {
            now: self.now,
            board: &self.board,
            sources: &self.sources,
            place: &self.place,
            policy: &self.policy,
            who: Some(&self.who),
            door: Door::Keys { armed_until: self.armed.then_some(human(u64::MAX / 2_000_000)) },
            journal: Ok(()),
        }
    }

    pub fn pass(&mut self, millis: u64) {
        self.now.human = Human(self.now.human.0 + Duration::from_millis(millis));
        self.now.world = self.now.world + Duration::from_millis(millis);
    }
}

/// What the servers hold: answers by path for Kubernetes, evidence for the rest.
#[derive(Clone, Default)]
pub struct Answers {
    pub http: BTreeMap<String, Value>,
    pub other: Vec<(Gather, Evidence)>,
}

impl Answers {
    pub fn with(mut self, path: &str, value: Value) -> Self {
        self.http.insert(path.to_owned(), value);
        self
    }

    pub fn find(&self, ask: &Gather) -> Found {
        match ask {
            Gather::Access(_) => {
                return Found::Evidence(Evidence::Access { allowed: true, reason: "RBAC".into() });
            }
            Gather::DryRun(_) => return Found::Evidence(Evidence::DryRun { warnings: Vec::new() }),
            _ => {}
        }
        if let Some((_, evidence)) = self.other.iter().find(|(known, _)| same_place(known, ask)) {
            return Found::Evidence(evidence.clone());
        }
        let Some(read) = ask.http() else { return Found::Missing };
        match self.http.get(&read.path) {
            Some(value) => Found::Evidence(ask.read(value).unwrap()),
            None => Found::Missing,
        }
    }

    /// All that an operation wants, asked until it wants nothing new.
    pub fn sheet(&self, request: &Request, setting: &Setting) -> Sheet {
        let mut sheet = Sheet::default();
        loop {
            let scene = Scene::of(&setting.board, &setting.sources, &request.target);
            let asks = ops::wants(&draft(request, &sheet, &scene, setting));
            let fresh: Vec<_> = asks.into_iter().filter(|ask| sheet.get(ask).is_none()).collect();
            if fresh.is_empty() {
                return sheet;
            }
            for ask in fresh {
                let found = self.find(&ask);
                sheet.put(ask, Seen { at: setting.now.world, found });
            }
        }
    }

    pub fn plan(&self, request: &Request, setting: &Setting) -> Result<Plan, Refusal> {
        let sheet = self.sheet(request, setting);
        let scene = Scene::of(&setting.board, &setting.sources, &request.target);
        ops::plan(&draft(request, &sheet, &scene, setting))
    }
}

/// Events are asked from a moment that tests need not know.
fn same_place(known: &Gather, ask: &Gather) -> bool {
    matches!((known, ask), (Gather::DbEvents { .. }, Gather::DbEvents { .. })) || known == ask
}

pub fn draft<'a>(request: &'a Request, sheet: &'a Sheet, scene: &'a Scene, setting: &'a Setting) -> Draft<'a> {
    Draft { request, sheet, scene, policy: &setting.policy, now: setting.now, opened: stamp(0) }
}

pub const ROLLOUT: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/backend";
pub const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/payments";
pub const SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app%3Dpayments";
pub const SCALERS: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers";
pub const BUDGETS: &str = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets";

/// A canary paused at its first step.
pub fn rollout() -> Value {
    json!({
        "metadata": { "namespace": "shop", "name": "backend", "uid": "5b0e", "generation": 9,
            "annotations": { "rollout.argoproj.io/revision": "7" } },
        "spec": { "replicas": 12, "selector": { "matchLabels": { "app": "backend" } },
            "template": { "spec": { "containers": [{ "name": "app", "image": "shop/backend:7" }] } },
            "strategy": { "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 50 },
                { "pause": {} }, { "setWeight": 80 }, { "pause": { "duration": "5s" } }] } } },
        "status": { "observedGeneration": "9", "phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": 1,
            "stableRS": "6d4f", "currentPodHash": "7b9f", "controllerPause": true,
            "pauseConditions": [{ "reason": "CanaryPauseStep", "startTime": "2026-11-21T03:10:00Z" }],
            "replicas": 12, "readyReplicas": 12, "updatedReplicas": 3, "availableReplicas": 12 },
    })
}

/// The same, with a part replaced.
pub fn rollout_with(pointer: &str, value: Value) -> Value {
    let mut rollout = rollout();
    set(&mut rollout, pointer, value);
    rollout
}

/// Puts a value, null included, at a pointer whose parent exists.
pub fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    parent.insert(key.to_owned(), value);
}

/// Aborted, as Argo Rollouts 1.9.1 tells it.
pub fn aborted(ready: u32) -> Value {
    let mut seen = rollout_with("/status/abort", json!(true));
    set(&mut seen, "/status/abortedAt", json!("2026-11-21T03:12:08Z"));
    set(&mut seen, "/status/phase", json!("Degraded"));
    set(&mut seen, "/status/message", json!("RolloutAborted: Rollout aborted update to revision 7"));
    set(&mut seen, "/status/pauseConditions", json!([]));
    set(&mut seen, "/status/controllerPause", json!(false));
    set(&mut seen, "/status/currentStepIndex", json!(0));
    set(&mut seen, "/status/availableReplicas", json!(ready));
    seen
}

/// A Deployment half-way to a revision that crashes.
pub fn deployment() -> Value {
    json!({
        "metadata": { "namespace": "shop", "name": "payments", "uid": "d1", "generation": 4,
            "annotations": { "deployment.kubernetes.io/revision": "3" } },
        "spec": { "replicas": 4, "selector": { "matchLabels": { "app": "payments" } }, "template": template("pay:3") },
        "status": { "observedGeneration": 4, "replicas": 5, "readyReplicas": 3, "updatedReplicas": 2, "availableReplicas": 3 },
    })
}

pub fn template(image: &str) -> Value {
    json!({ "metadata": { "labels": { "app": "payments" } }, "spec": { "containers": [{ "image": image, "name": "app" }] } })
}

pub fn replica_set(hash: &str, number: u32, image: &str, ready: u32) -> Value {
    let mut template = template(image);
    set(&mut template, "/metadata/labels/pod-template-hash", json!(hash));
    json!({
        "metadata": { "namespace": "shop", "name": format!("payments-{hash}"), "uid": format!("rs-{hash}"),
            "labels": { "app": "payments", "pod-template-hash": hash },
            "annotations": { "deployment.kubernetes.io/revision": number.to_string() },
            "ownerReferences": [{ "controller": true, "kind": "Deployment", "name": "payments", "uid": "d1" }] },
        "spec": { "replicas": ready, "template": template },
        "status": { "readyReplicas": ready },
    })
}

pub fn deployments() -> Answers {
    let sets = json!({ "items": [replica_set("aaa", 1, "pay:1", 0), replica_set("bbb", 2, "pay:2", 3), replica_set("ccc", 3, "pay:3", 0)] });
    Answers::default()
        .with(DEPLOYMENT, deployment())
        .with(SETS, sets)
        .with(SCALERS, json!({ "items": [] }))
        .with(BUDGETS, json!({ "items": [] }))
}

pub fn canary() -> Answers {
    Answers::default()
        .with(ROLLOUT, rollout())
        .with(SCALERS, json!({ "items": [] }))
        .with(BUDGETS, json!({ "items": [] }))
}

pub fn rds() -> DbInstanceSeen {
    DbInstanceSeen {
        id: Raw::new("orders"),
        resource_id: Raw::new("db-ABC"),
        status: Raw::new("available"),
        class: Raw::new("db.r6g.large"),
        multi_az: true,
        zone: Raw::new("eu-west-1a"),
        standby_zone: Raw::new("eu-west-1b"),
        restorable: Some(stamp(-60)),
        endpoint: Some(Raw::new("orders.rds:5432")),
        ..DbInstanceSeen::default()
    }
}

pub fn aurora() -> DbClusterSeen {
    let member = |id: &str, writer: bool, zone: &str, tier: u32| ClusterMember {
        id: Raw::new(id),
        writer,
        status: Raw::new("available"),
        class: Raw::new("db.r6g.large"),
        zone: Raw::new(zone),
        tier,
        pending_reboot: false,
    };
    DbClusterSeen {
        id: Raw::new("orders"),
        resource_id: Raw::new("cluster-ABC"),
        status: Raw::new("available"),
        members: vec![
            member("orders-0", true, "a", 0),
            member("orders-1", false, "b", 1),
            member("orders-2", false, "c", 0),
        ],
        restorable: Some(stamp(-60)),
        ..DbClusterSeen::default()
    }
}

pub fn cache() -> CacheGroupSeen {
    let member = |cluster: &str, primary: bool, zone: &str| CacheMember {
        cluster: Raw::new(cluster),
        primary,
        zone: Raw::new(zone),
    };
    CacheGroupSeen {
        id: Raw::new("sessions"),
        arn: Raw::new("arn:cache:sessions"),
        status: Raw::new("available"),
        automatic: Switch::On,
        multi_az: Switch::On,
        members: vec![member("sessions-001", true, "a"), member("sessions-002", false, "b")],
        ..CacheGroupSeen::default()
    }
}

pub fn aws() -> Answers {
    let region = || Raw::new("eu-west-1");
    let id = || Raw::new("orders");
    let events = Gather::DbEvents { region: region(), source: id(), cluster: false, since: stamp(0) };
    Answers {
        http: BTreeMap::new(),
        other: vec![
            (Gather::DbInstance { region: region(), id: id() }, Evidence::DbInstance(Box::new(rds()))),
            (Gather::DbCluster { region: region(), id: id() }, Evidence::DbCluster(Box::new(aurora()))),
            (events, Evidence::DbEvents(Vec::new())),
            (
                Gather::CacheGroup { region: region(), id: Raw::new("sessions") },
                Evidence::CacheGroup(Box::new(cache())),
            ),
        ],
    }
}
