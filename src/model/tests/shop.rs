//! A small synthetic shop: what its sources would say of two hours, with whatever a test makes go wrong.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind, SourceId};
use crate::domain::reading::{Provenance, Query};
use crate::domain::settings::Settings;
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::domain::unit::Statistic;
use crate::model::board::{Board, SourceKind, SourceState, SourceStatus, TierRow};
use crate::model::facts::{
    ChangeFact, ChangeKind, ComponentFact, Fact, LinkFact, MemberFact, MemberState, Observation, Point, ProbeFact,
    ProbeOutcome, ReplicaClass, Replicas, Revision, RolloutFact, SignalFact,
};
use crate::model::signals::{SignalSpec, rows};
use crate::model::world::World;

pub const NOW: Stamp = Stamp::from_millis(1_795_230_720_000);
pub const SOURCES: [(&str, SourceKind); 5] = [
    ("k8s", SourceKind::Kubernetes),
    ("prom", SourceKind::Prometheus),
    ("cw", SourceKind::CloudWatch),
    ("aws", SourceKind::Aws),
    ("probe", SourceKind::Probe),
];
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Service, caller, calls per request of the caller, own failures, own seconds.
pub const SERVICES: [(&str, &str, f64, f64, f64); 5] = [
    ("frontend", "", 1.0, 5e-5, 0.004),
    ("api-gateway", "frontend", 0.8, 1e-4, 0.008),
    ("orders", "api-gateway", 0.28, 3e-4, 0.02),
    ("catalogue", "api-gateway", 0.5, 2e-4, 0.015),
    ("payments", "api-gateway", 0.14, 4e-4, 0.04),
];
/// Of the services that ask it, queries per request.
const QUERIES: [(&str, f64); 2] = [("orders", 2.0), ("payments", 2.0)];
const CANARY_SHARE: f64 = 0.2;

static ROWS: LazyLock<Vec<SignalSpec>> = LazyLock::new(|| rows(include_str!("rows.toml")).expect("test rows"));

pub fn spec(id: &str) -> Option<&'static SignalSpec> {
    ROWS.iter().find(|row| row.id == id)
}

/// What goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// Minutes before now.
    pub since: f64,
    /// Service, which revision (`Some(true)` the canary, `Some(false)` stable, `None` both), share that fails, extra
    /// seconds.
    pub service: Option<(&'static str, Option<bool>, f64, f64)>,
    /// Extra seconds of each query on the primary, and the share of its callers' requests that time out.
    pub database: Option<(f64, f64)>,
    /// Factor on traffic.
    pub traffic: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub struct Shop {
    pub trouble: Trouble,
    /// Services with a canary in progress.
    pub canaries: Vec<&'static str>,
    /// Changed workload and minutes before now.
    pub deploys: Vec<(&'static str, f64)>,
    pub seed: u64,
    pub settings: Settings,
}

pub fn source(name: &str) -> SourceId {
    SourceId::new(name)
}

pub fn provenance(name: &str, period: u64, delay: u64) -> Arc<Provenance> {
    Arc::new(Provenance {
        source: source(name),
        endpoint: Raw::new("http://127.0.0.1"),
        query: Query::PromQl(Raw::new("up")),
        statistic: Statistic::Last,
        period: Duration::from_secs(period),
        delay: Duration::from_secs(delay),
        threshold_origin: "default",
    })
}

pub fn statuses(lost: &[&str]) -> Vec<SourceStatus> {
    let fault = || {
        let what = Shown::fixed("it refused the connection");
        crate::domain::error::Fault::new(crate::domain::error::FaultKind::Refused, what, Shown::fixed("start it"))
    };
    SOURCES
        .iter()
        .map(|(name, kind)| SourceStatus {
            id: source(name),
            kind: *kind,
            state: if lost.contains(name) {
                SourceState::Failed { since: NOW - Duration::from_secs(12), fault: fault() }
            } else {
                SourceState::Live
            },
            sample_at: None,
            endpoint: Raw::new("http://127.0.0.1"),
            took: None,
            cost: None,
            identity: None,
        })
        .collect()
}

pub fn rollout(name: &str) -> ComponentId {
    ComponentId::new(Kind::Rollout, "shop", name)
}

pub fn component(id: ComponentId, source: &str) -> ComponentFact {
    ComponentFact {
        id,
        aliases: Vec::new(),
        tier: None,
        hints: Vec::new(),
        replicas: None,
        role: None,
        rollout: None,
        class: ReplicaClass::Pool,
        condition: None,
        attributes: Vec::new(),
        provenance: provenance(source, 0, 0),
    }
}

pub fn pod(component: &ComponentId, number: usize, state: MemberState) -> MemberFact {
    MemberFact {
        component: component.clone(),
        name: Raw::from(format!("{}-{number}", component.name.as_str())),
        state,
        word: Raw::new(if state == MemberState::Ready { "Running" } else { "CrashLoopBackOff" }),
        zone: Some(Raw::from(format!("eu-west-1{}", ["a", "b", "c"][number % 3]))),
        node: None,
        version: None,
        role: None,
        restarts: 0,
        since: None,
        address: Some(Raw::from(format!(
            "10.{}.{}.{}",
            component.name.as_str().bytes().map(u32::from).sum::<u32>() % 200,
            number / 250,
            number % 250 + 1
        ))),
    }
}

pub fn observation(name: &str, scope: &'static str, complete: bool, facts: Vec<Fact>) -> Observation {
    Observation { source: source(name), scope, observed_at: NOW, complete, facts }
}

pub fn signal(subject: Alias, signal: &'static str, points: Vec<Point>, from: &Arc<Provenance>) -> SignalFact {
    let provenance = from.clone();
    SignalFact { subject, member: None, version: None, peer: None, signal, points, provenance }
}

/// Points ending now, one every `step` seconds, of `value(minutes before now)`.
pub fn points(step: u64, end_ago: u64, minutes: u64, value: impl Fn(f64) -> Option<f64>) -> Vec<Point> {
    let count = minutes * 60 / step;
    (0..count)
        .rev()
        .filter_map(|back| {
            let ago = Duration::from_secs(back * step + end_ago);
            value(ago.as_secs_f64() / 60.0).map(|value| Point { at: NOW - ago, value })
        })
        .collect()
}

/// A figure by minutes before now.
type Value<'v> = &'v dyn Fn(f64) -> Option<f64>;

/// What flows at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Served {
    rate: f64,
    failed: f64,
    seconds: f64,
}

impl Shop {
    fn noise(&self, name: &str, ago: f64) -> f64 {
        let mut hash = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (ago * 60.0) as u64;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash ^= hash >> 29;
        1.0 + ((hash % 1000) as f64 / 1000.0 - 0.5) * 0.06
    }

    fn traffic(&self, ago: f64) -> f64 {
        let dropped = self.trouble.traffic.filter(|_| ago < self.trouble.since).unwrap_or(1.0);
        600.0 * dropped * (1.0 + 0.05 * (ago / 20.0).sin())
    }

    fn ill(&self, name: &str, ago: f64) -> Option<(Option<bool>, f64, f64)> {
        let (service, revision, errors, slow) = self.trouble.service?;
        (service == name && ago < self.trouble.since).then_some((revision, errors, slow))
    }

    fn query_seconds(&self, ago: f64) -> f64 {
        0.006 * self.noise("db", ago)
            + self.trouble.database.filter(|_| ago < self.trouble.since).map_or(0.0, |(slow, _)| slow)
    }

    /// Requests to a service; of one revision when `canary` says which.
    fn served(&self, name: &str, ago: f64, canary: Option<bool>) -> Served {
        let (_, caller, share, base, own) = *SERVICES.iter().find(|s| s.0 == name).expect("a service");
        let rate = if caller.is_empty() { self.traffic(ago) } else { self.served_rate(caller, ago) * share };
        let (mut failing, mut seconds) = (base * self.noise(name, ago), own * self.noise(name, ago));
        let in_progress = self.canaries.contains(&name);
        let weight = if in_progress { CANARY_SHARE } else { 0.0 };
        if let Some((revision, errors, slow)) = self.ill(name, ago) {
            let part = match (revision, canary) {
                (None, _) => 1.0,
                (Some(ill), Some(of)) => f64::from(u8::from(ill == of)),
                (Some(true), None) => weight,
                (Some(false), None) => 1.0 - weight,
            };
            failing += errors * part;
            // A fifth of the requests is enough to move the p95 as a whole.
            seconds += if part > 0.1 { slow } else { 0.0 };
        }
        if QUERIES.iter().any(|(service, _)| *service == name) {
            seconds += 2.0 * self.query_seconds(ago);
            failing += self.trouble.database.filter(|_| ago < self.trouble.since).map_or(0.0, |(_, fails)| fails);
        }
        let callees = SERVICES.iter().filter(|s| s.1 == name).map(|s| (s.2, self.served(s.0, ago, None)));
        let (mut passed, mut waits) = (0.0, 0.0_f64);
        for (_, callee) in callees {
            passed += callee.failed;
            waits = waits.max(callee.seconds);
        }
        let part = canary.map_or(1.0, |canary| if canary { weight } else { 1.0 - weight });
        let failed = (rate - passed) * failing + passed;
        Served { rate: rate * part, failed: failed * part, seconds: seconds + waits }
    }

    fn served_rate(&self, name: &str, ago: f64) -> f64 {
        let (_, caller, share, ..) = *SERVICES.iter().find(|s| s.0 == name).expect("a service");
        if caller.is_empty() { self.traffic(ago) } else { self.served_rate(caller, ago) * share }
    }

    pub fn world(&self) -> World {
        self.world_of(&["k8s", "prom", "cw", "aws", "probe"])
    }

    pub fn world_of(&self, sources: &[&str]) -> World {
        let mut world = World::with_catalogue(&self.settings, spec);
        for name in sources {
            match *name {
                "k8s" => world.apply(self.kubernetes()),
                "prom" => world.apply(observation("prom", "signals", true, self.prometheus())),
                "cw" => world.apply(observation("cw", "signals", true, self.cloudwatch())),
                "aws" => world.apply(self.inventory()),
                _ => world.apply(self.probes()),
            }
        }
        world
    }

    pub fn board(&self) -> Board {
        self.world().assess(&statuses(&[]), NOW)
    }

    fn kubernetes(&self) -> Observation {
        let mut facts = Vec::new();
        for (name, ..) in SERVICES {
            let mut fact = component(rollout(name), "k8s");
            fact.replicas = Some(Replicas { desired: 5, ready: 5, bounds: None, floor: Some(4) });
            let revision =
                |hash: &str, number| Revision { hash: Raw::new(hash), number, image: Raw::default(), ready: 4 };
            let canary = self.canaries.contains(&name).then(|| revision("new", Some(8)));
            fact.rollout = Some(Box::new(RolloutFact {
                phase: Raw::new("Paused"),
                step: Some((1, 5)),
                set_weight: Some(20),
                actual_weight: Some(20),
                stable: revision("old", Some(7)),
                canary,
                steps: Arc::default(),
                halt: None,
            }));
            facts.extend((0..5).map(|n| Fact::Member(pod(&fact.id, n, MemberState::Ready))));
            facts.push(Fact::Component(fact));
        }
        for name in ["grafana", "worker"] {
            let mut fact = component(ComponentId::new(Kind::Deployment, "shop", name), "k8s");
            fact.replicas = Some(Replicas { desired: 1, ready: 1, bounds: None, floor: None });
            facts.push(Fact::Component(fact));
        }
        for (name, minutes) in &self.deploys {
            facts.push(Fact::Change(ChangeFact {
                key: Raw::from(format!("{name}{minutes}")),
                at: NOW - Duration::from_secs_f64(minutes * 60.0),
                subject: Some(Alias::Workload { namespace: Raw::new("shop"), name: Raw::new(name) }),
                kind: ChangeKind::Deploy,
                what: Shown::composed(format!("deploy {name}")),
                who: None,
            }));
        }
        observation("k8s", "workloads", true, facts)
    }

    fn inventory(&self) -> Observation {
        let mut facts = Vec::new();
        let balancer = ComponentId::new(Kind::LoadBalancer, "eu-west-1", "app/shop/1");
        let group = ComponentId::new(Kind::TargetGroup, "eu-west-1", "targetgroup/shop/2");
        for id in [
            ComponentId::new(Kind::Distribution, "", "E2"),
            ComponentId::new(Kind::WebAcl, "", "acl"),
            balancer.clone(),
            ComponentId::new(Kind::DbInstance, "eu-west-1", "orders-db"),
            ComponentId::new(Kind::CacheGroup, "eu-west-1", "sessions"),
        ] {
            let mut fact = component(id, "aws");
            fact.aliases.push(Alias::Dimension { name: "Id", value: fact.id.name.clone() });
            facts.push(Fact::Component(fact));
        }
        let mut fact = component(group.clone(), "aws");
        fact.replicas = Some(Replicas { desired: 5, ready: 5, bounds: None, floor: None });
        facts.push(Fact::Component(fact));
        for n in 0..5 {
            let mut target = pod(&rollout("frontend"), n, MemberState::Ready);
            target.component = group.clone();
            target.address = target.address.map(|a| Raw::from(format!("{}:8080", a.as_str())));
            facts.push(Fact::Member(target));
        }
        let link = LinkFact {
            from: Alias::Component(balancer),
            to: Alias::Component(group),
            protocol: None,
            port: Some(443),
            observed: true,
        };
        facts.push(Fact::Link(link));
        observation("aws", "inventory", true, facts)
    }

    fn probes(&self) -> Observation {
        let facts = vec![Fact::Probe(probe("bastion-1", NOW, true))];
        observation("probe", "probes", true, facts)
    }

    pub fn prometheus(&self) -> Vec<Fact> {
        let from = provenance("prom", 15, 0);
        let mut facts = Vec::new();
        let named = |name: &str| Alias::Named(Raw::new(name));
        let mut put = |fact: SignalFact| facts.push(Fact::Signal(fact));
        let over = |value: &dyn Fn(f64) -> Option<f64>| points(15, 0, 70, value);
        let share = |s: Served| Some(s.failed / s.rate);
        for (name, caller, ..) in SERVICES {
            let subject = || Alias::Workload { namespace: Raw::new("shop"), name: Raw::new(name) };
            let mut rate =
                signal(subject(), "app.test.rps", over(&|ago| Some(self.served(name, ago, None).rate)), &from);
            let week = points(60, 0, 70, |ago| Some(self.usual_rate(name, ago)));
            rate.points.extend(week.into_iter().map(|p| Point { at: p.at - WEEK, ..p }));
            put(rate);
            put(signal(subject(), "app.test.err", over(&|ago| share(self.served(name, ago, None))), &from));
            put(signal(subject(), "app.test.p95", over(&|ago| Some(self.served(name, ago, None).seconds)), &from));
            if !caller.is_empty() {
                let calls: [(&'static str, Value); 3] = [
                    ("topo.test.rps", &|ago| Some(self.served(name, ago, None).rate)),
                    ("topo.test.err", &|ago| share(self.served(name, ago, None))),
                    ("topo.test.p95", &|ago| Some(self.served(name, ago, None).seconds)),
                ];
                for (id, value) in calls {
                    put(SignalFact { peer: Some(named(name)), ..signal(named(caller), id, over(value), &from) });
                }
            }
            if self.canaries.contains(&name) {
                for (hash, canary) in [("new", true), ("old", false)] {
                    let version = Some(Raw::new(hash));
                    let of = |ago| self.served(name, ago, Some(canary));
                    let began = |ago: f64| !canary || ago < self.trouble.since.max(1.0) + 4.0;
                    let rate = over(&|ago| began(ago).then(|| of(ago).rate));
                    let err = over(&|ago| began(ago).then(|| of(ago).failed / of(ago).rate));
                    put(SignalFact { version: version.clone(), ..signal(subject(), "app.test.rps", rate, &from) });
                    put(SignalFact { version, ..signal(subject(), "app.test.err", err, &from) });
                }
            }
        }
        for (service, queries) in QUERIES {
            let calls = over(&|ago| Some(self.served(service, ago, None).rate * queries));
            let p95 = over(&|ago| Some(self.query_seconds(ago)));
            for (id, points) in [("topo.test.rps", calls), ("topo.test.p95", p95)] {
                put(SignalFact { peer: Some(named("orders-db")), ..signal(named(service), id, points, &from) });
            }
        }
        put(signal(named("orders-db"), "db.test.avg", over(&|ago| Some(self.query_seconds(ago))), &from));
        put(signal(named("orders-db"), "db.test.tps", over(&|ago| Some(self.traffic(ago))), &from));
        put(signal(named("orders-db"), "db.test.conn", over(&|_| Some(0.5)), &from));
        put(signal(named("sessions"), "cache.test.ops", over(&|ago| Some(4.0 * self.traffic(ago))), &from));
        facts
    }

    fn usual_rate(&self, name: &str, ago: f64) -> f64 {
        let calm = Self { seed: self.seed, ..Self::default() };
        calm.served(name, ago, None).rate
    }

    pub fn cloudwatch(&self) -> Vec<Fact> {
        let from = provenance("cw", 60, 60);
        let of = |id: &str| Alias::Dimension { name: "Id", value: Raw::new(id) };
        let over = |value: &dyn Fn(f64) -> Option<f64>| points(60, 60, 70, value);
        let served = |ago: f64| self.served("frontend", ago, None);
        let mut edge = signal(of("E2"), "edge.test.rps", over(&|ago| Some(served(ago).rate / 0.3)), &from);
        let week = points(60, 60, 70, |ago| Some(self.usual_rate("frontend", ago) / 0.3));
        edge.points.extend(week.into_iter().map(|p| Point { at: p.at - WEEK, ..p }));
        let edge_errors = over(&|ago| Some(served(ago).failed / (served(ago).rate / 0.3)));
        let passed = over(&|ago| Some(served(ago).failed));
        [
            edge,
            signal(of("E2"), "edge.test.err", edge_errors, &from),
            signal(of("acl"), "edge.test.rps", over(&|ago| Some(served(ago).rate / 0.3)), &from),
            signal(of("app/shop/1"), "lb.test.rps", over(&|ago| Some(served(ago).rate)), &from),
            signal(of("app/shop/1"), "lb.test.passed", passed, &from),
            signal(of("app/shop/1"), "lb.test.own", over(&|_| Some(0.0)), &from),
            signal(of("app/shop/1"), "lb.test.p95", over(&|ago| Some(served(ago).seconds + 0.002)), &from),
        ]
        .into_iter()
        .map(Fact::Signal)
        .collect()
    }
}

pub fn probe(name: &str, at: Stamp, up: bool) -> ProbeFact {
    let outcome = if up {
        let took = Duration::from_millis(4);
        ProbeOutcome::Up { took, phases: Vec::new(), certificate_ends: None, said: Raw::new("SSH-2.0") }
    } else {
        ProbeOutcome::Down { why: Shown::fixed("refused") }
    };
    ProbeFact {
        component: ComponentId::new(Kind::Endpoint, "", name),
        tier: Some(Tier::Access),
        name: Raw::new("ssh"),
        target: Raw::from(format!("ssh {name}:22")),
        at,
        outcome,
        provenance: provenance("probe", 15, 0),
    }
}

pub fn tier(board: &Board, tier: Tier) -> &TierRow {
    board.tiers.iter().find(|row| row.tier == tier).unwrap_or_else(|| panic!("{tier:?} is not on the board"))
}

pub fn health_of(board: &Board, name: &str) -> Health {
    let rows = board.tiers.iter().flat_map(|t| &t.components);
    rows.filter(|c| c.id.name.as_str() == name).map(|c| c.health).next().unwrap_or_else(|| panic!("no {name}"))
}
