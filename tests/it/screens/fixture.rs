//! Boards with realistic values for screens: the incident of the design, a calm one, and the worst cases.

use std::sync::Arc;
use std::time::Duration;

use tierdeck::domain::error::{Fault, FaultKind};
use tierdeck::domain::health::{Health, Reason};
use tierdeck::domain::id::{Alias, ComponentId, Kind, SourceId};
use tierdeck::domain::reading::{Absence, Provenance, Query, Reading, Sample};
use tierdeck::domain::settings::RiskClass;
use tierdeck::domain::text::{Raw, Shown};
use tierdeck::domain::tier::Tier;
use tierdeck::domain::time::Stamp;
use tierdeck::domain::unit::{Statistic, Unit};
use tierdeck::model::board::*;
use tierdeck::model::facts::{ChangeFact, ChangeKind, MemberFact, MemberState, Point, Replicas, Revision, RolloutFact};
use tierdeck::model::signals::Role as SignalRole;
use tierdeck::state::{BoardPlace, Environment, Filter, Place, State};

pub fn now() -> Stamp {
    at("03:12:07")
}

/// A time on the fixture's day.
pub fn at(clock: &str) -> Stamp {
    Stamp::parse_rfc3339(&format!("2026-11-21T{clock}Z")).unwrap()
}

pub fn shown(text: &str) -> Shown {
    Shown::of(text)
}

fn provenance(source: &str, query: Query, statistic: Statistic) -> Arc<Provenance> {
    let endpoint = if source == "cw" { "https://monitoring.eu-west-1.amazonaws.com" } else { "http://10.0.0.5:9090" };
    Arc::new(Provenance {
        source: SourceId::new(source),
        endpoint: Raw::new(endpoint),
        query,
        statistic,
        period: Duration::from_secs(15),
        delay: Duration::ZERO,
        threshold_origin: "seed documents",
    })
}

pub fn sample(value: f64, unit: Unit, statistic: Statistic) -> Sample {
    let query = match unit {
        Unit::Ratio => {
            "sum(rate(http_server_requests_total{status=~\"5..\"}[1m])) / sum(rate(http_server_requests_total[1m]))"
        }
        Unit::Seconds => "histogram_quantile(0.95, sum by (le) (rate(http_server_duration_seconds_bucket[1m])))",
        _ => "sum(rate(http_server_requests_total[1m]))",
    };
    Sample {
        value,
        unit,
        at: at("03:11:58"),
        provenance: provenance("prom", Query::PromQl(Raw::new(query)), statistic),
    }
}

pub fn fresh(value: f64, unit: Unit) -> Reading {
    Reading::Fresh(sample(value, unit, Statistic::Last))
}

pub fn none() -> Reading {
    Reading::Absent(Absence::NotMeasured)
}

/// A day's noise around a level with a rise at the end, one point every 15 s for an hour.
pub fn history(level: f64, end: f64, from: &str) -> Arc<[Point]> {
    let breach = at(from);
    (0..240i64)
        .map(|step| {
            let at = now() - Duration::from_secs(u64::try_from((239 - step) * 15).unwrap());
            let noise = 1.0 + 0.06 * ((step as f64 * 0.7).sin() + (step as f64 * 0.23).cos()) / 2.0;
            let since = at.since(breach).as_secs_f64();
            let share = (since / 90.0).min(1.0);
            Point { at, value: (level + (end - level) * share) * noise }
        })
        .collect()
}

fn trend(level: f64, end: f64) -> Vec<Option<f64>> {
    (0..30)
        .map(|minute| {
            let noise = 1.0 + 0.03 * f64::from(minute).sin();
            let rise = if minute > 22 { f64::from(minute - 22) / 7.0 } else { 0.0 };
            Some((level + (end - level) * rise) * noise)
        })
        .collect()
}

pub fn reason(rule: &'static str, text: &str, health: Health, since: Option<&str>) -> Reason {
    Reason { rule, text: shown(text), since: since.map(at), health }
}

pub fn signal(
    id: &'static str,
    label: &'static str,
    role: SignalRole,
    reading: Reading,
    health: Health,
    history: Arc<[Point]>,
) -> SignalRow {
    let thresholds = Thresholds { warn: None, critical: None, above: true, origin: "default" };
    SignalRow { signal: id, label, role, part: None, reading, health, thresholds, history }
}

/// A component with rate, errors and latency.
pub struct Red {
    pub rate: f64,
    pub errors: f64,
    pub p95: f64,
}

pub fn component(kind: Kind, scope: &str, name: &str, health: Health, red: Option<Red>) -> ComponentRow {
    let mut signals = Vec::new();
    if let Some(red) = red {
        let sick = if health == Health::Critical { health } else { Health::Ok };
        let mut errors = signal(
            "app.otel.err",
            "errors",
            SignalRole::ErrorRatio,
            Reading::Fresh(sample(red.errors, Unit::Ratio, Statistic::Last)),
            sick,
            history(if sick == Health::Ok { red.errors } else { 0.001 }, red.errors, "03:09:40"),
        );
        errors.thresholds = Thresholds { warn: Some(0.01), critical: Some(0.05), above: true, origin: "default" };
        let mut p95 = signal(
            "app.otel.p95",
            "p95",
            SignalRole::Latency,
            Reading::Fresh(sample(red.p95, Unit::Seconds, Statistic::P95)),
            sick,
            history(if sick == Health::Ok { red.p95 } else { 0.118 }, red.p95, "03:09:40"),
        );
        p95.thresholds = Thresholds { warn: Some(0.16), critical: Some(0.2), above: true, origin: "seed documents" };
        let rate = Reading::Fresh(sample(red.rate, Unit::PerSecond, Statistic::Last));
        signals = vec![
            signal(
                "app.otel.rate",
                "rate",
                SignalRole::Rate,
                rate,
                Health::Ok,
                history(red.rate, red.rate, "03:09:40"),
            ),
            errors,
            p95,
            signal(
                "kube.cpu",
                "cpu",
                SignalRole::Saturation,
                fresh(0.71, Unit::Ratio),
                Health::Ok,
                history(0.6, 0.71, "03:09:40"),
            ),
        ];
    }
    ComponentRow {
        id: ComponentId::new(kind, scope, name),
        name: shown(name),
        health,
        reasons: Vec::new(),
        replicas: Some(Replicas { desired: 6, ready: 6, bounds: Some((4, 12)), floor: Some(4) }),
        zones: vec![Raw::new("eu-west-1a"), Raw::new("eu-west-1b"), Raw::new("eu-west-1c")],
        spof: false,
        rollout: None,
        signals,
        members: Vec::new(),
        attributes: vec![("image", Raw::new(&format!("registry.example/{name}:1.42.0"))), ("port", Raw::new("8080"))],
    }
}

pub fn tier(tier: Tier, health: Health, rate: f64) -> TierRow {
    TierRow {
        tier,
        health,
        reasons: Vec::new(),
        rate: fresh(rate, Unit::PerSecond),
        rate_vs_last_week: fresh(0.01, Unit::Ratio),
        error_ratio: fresh(0.0, Unit::Ratio),
        error_added_ratio: fresh(0.0, Unit::Ratio),
        latency: Latency { reading: none(), statistic: Statistic::P95, target: None },
        latency_added: none(),
        saturation: None,
        capacity: None,
        trend: trend(rate, rate),
        components: Vec::new(),
    }
}

pub fn latency(value: f64, statistic: Statistic, target: f64) -> Latency {
    Latency {
        reading: Reading::Fresh(sample(value, Unit::Seconds, statistic)),
        statistic,
        target: Some((target, "seed documents")),
    }
}

pub fn saturation(resource: &'static str, value: f64, detail: Option<&str>) -> Option<Saturation> {
    Some(Saturation { resource, reading: fresh(value, Unit::Ratio), detail: detail.map(shown) })
}

fn member(component: &ComponentId, name: &str, state: MemberState, zone: &str, version: &str) -> MemberFact {
    MemberFact {
        component: component.clone(),
        name: Raw::new(name),
        state,
        word: Raw::new(if state == MemberState::Ready { "Running" } else { "CrashLoopBackOff" }),
        zone: Some(Raw::new(zone)),
        node: Some(Raw::new("ip-10-0-3-17.eu-west-1.compute.internal")),
        version: Some(Raw::new(version)),
        role: None,
        restarts: if state == MemberState::Ready { 0 } else { 7 },
        since: Some(at("03:09:12")),
        address: Some(Raw::new("10.0.3.4:8080")),
    }
}

fn revision(hash: &str, number: u64, tag: &str, ready: u32) -> Revision {
    Revision {
        hash: Raw::new(hash),
        number: Some(number),
        image: Raw::new(&format!("registry.example/orders:{tag}")),
        ready,
    }
}

pub fn orders_id() -> ComponentId {
    ComponentId::new(Kind::Rollout, "shop", "orders")
}

fn orders() -> ComponentRow {
    let mut row = component(
        Kind::Rollout,
        "shop",
        "orders",
        Health::Critical,
        Some(Red { rate: 163.0, errors: 0.0471, p95: 0.412 }),
    );
    row.reasons = vec![
        reason("error-ratio", "canary rev 7: 5xx 18.2 % against stable 0.1 %", Health::Critical, Some("03:09:40")),
        reason("latency", "p95 412 ms above 200 ms", Health::Critical, Some("03:09:55")),
    ];
    row.replicas = Some(Replicas { desired: 15, ready: 14, bounds: Some((9, 24)), floor: Some(8) });
    row.rollout = Some(RolloutFact {
        phase: Raw::new("Paused"),
        step: Some((1, 6)),
        set_weight: Some(20),
        actual_weight: Some(20),
        stable: revision("6d4f8c9b7b", 6, "1.41.3", 12),
        canary: Some(revision("7b9f5d6c44", 7, "1.42.0", 3)),
    });
    for (part, value) in [("canary rev 7", 0.182), ("stable rev 6", 0.001)] {
        let mut errors = signal(
            "app.otel.err",
            "errors",
            SignalRole::ErrorRatio,
            fresh(value, Unit::Ratio),
            if value > 0.05 { Health::Critical } else { Health::Ok },
            history(0.001, value, "03:09:40"),
        );
        errors.part = Some(shown(part));
        row.signals.push(errors);
    }
    let id = row.id.clone();
    row.members = vec![member(&id, "orders-7b9f5d6c44-x2k9q", MemberState::Failed, "eu-west-1a", "7b9f5d6c44")];
    for (hash, tail) in [("7b9f5d6c44", "p8w4z"), ("7b9f5d6c44", "n2v6c")] {
        row.members.push(member(&id, &format!("orders-{hash}-{tail}"), MemberState::Ready, "eu-west-1b", hash));
    }
    for tail in
        ["4kq8d", "6zr2m", "8bw5t", "9xc7h", "c4j9p", "d7n3v", "g2t6s", "h5k8w", "j9m4x", "l3p7z", "q6v2b", "r8d5n"]
    {
        row.members.push(member(
            &id,
            &format!("orders-6d4f8c9b7b-{tail}"),
            MemberState::Ready,
            "eu-west-1c",
            "6d4f8c9b7b",
        ));
    }
    row
}

fn application() -> TierRow {
    let mut row = tier(Tier::Application, Health::Critical, 563.0);
    row.reasons = vec![
        reason("error-ratio", "orders adds 2.78 % of errors", Health::Critical, Some("03:09:40")),
        reason("latency", "p95 371 ms above the target of 200 ms", Health::Critical, Some("03:09:55")),
    ];
    row.error_ratio = fresh(0.0278, Unit::Ratio);
    row.error_added_ratio = fresh(0.0278, Unit::Ratio);
    row.latency = latency(0.371, Statistic::P95, 0.2);
    row.saturation = saturation("cpu", 0.71, None);
    row.capacity = Some(Capacity { ready: 44, desired: 45, zones: 3 });
    row.trend = trend(420.0, 563.0);
    let red = |rate, errors, p95| Some(Red { rate, errors, p95 });
    row.components = vec![
        component(Kind::Deployment, "shop", "frontend", Health::Ok, red(563.0, 0.001, 0.088)),
        component(Kind::Rollout, "shop", "api-gateway", Health::Ok, red(540.0, 0.002, 0.121)),
        orders(),
        component(Kind::Rollout, "shop", "catalogue", Health::Ok, red(310.0, 0.0004, 0.064)),
        component(Kind::Rollout, "shop", "payments", Health::Ok, red(41.0, 0.0009, 0.143)),
        component(Kind::Deployment, "shop", "worker", Health::Ok, None),
    ];
    row
}

fn database() -> TierRow {
    let mut row = tier(Tier::Database, Health::Warn, 1_320.0);
    row.reasons =
        vec![reason("lag", "replica orders-r2 lag 41 s (warn 30 s, RPO 300 s)", Health::Warn, Some("03:11:19"))];
    row.latency = latency(0.064, Statistic::Avg, 0.1);
    row.saturation = saturation("conn", 0.804, Some("402/500"));
    row.capacity = Some(Capacity { ready: 4, desired: 4, zones: 3 });
    row.trend = trend(1_100.0, 1_320.0);
    let mut db = component(Kind::DbInstance, "eu-west-1", "orders-db", Health::Ok, None);
    db.replicas = Some(Replicas { desired: 2, ready: 2, bounds: None, floor: None });
    let mut replica = component(Kind::DbInstance, "eu-west-1", "orders-r2", Health::Warn, None);
    replica.reasons = row.reasons.clone();
    replica.replicas = None;
    replica.signals = vec![signal(
        "rds.lag",
        "lag",
        SignalRole::Lag,
        fresh(41.0, Unit::Seconds),
        Health::Warn,
        history(0.4, 41.0, "03:10:30"),
    )];
    let mut pool = component(Kind::Deployment, "shop", "pgbouncer", Health::Ok, None);
    pool.replicas = Some(Replicas { desired: 2, ready: 2, bounds: None, floor: None });
    row.components = vec![pool, db, replica];
    row
}

/// The tiers of the design's incident.
pub fn incident_board() -> Board {
    let mut edge = tier(Tier::Edge, Health::Ok, 1_940.0);
    edge.error_ratio = fresh(0.0083, Unit::Ratio);
    edge.rate_vs_last_week = fresh(0.02, Unit::Ratio);
    edge.latency = latency(0.061, Statistic::P95, 0.15);
    edge.saturation = saturation("hit", 0.71, None);
    let red = |rate, errors, p95| Some(Red { rate, errors, p95 });
    edge.components = vec![
        component(Kind::Endpoint, "", "dns", Health::Ok, None),
        component(Kind::Distribution, "", "E2QWRUHAPOMQZL", Health::Ok, red(1_940.0, 0.0083, 0.061)),
    ];
    let mut security = tier(Tier::Security, Health::Ok, 1_940.0);
    security.error_ratio = none();
    security.saturation = saturation("blocked", 0.003, None);
    security.components = vec![component(Kind::WebAcl, "eu-west-1", "shop-acl", Health::Ok, None)];
    let mut balancer = tier(Tier::LoadBalancer, Health::Warn, 563.0);
    balancer.reasons = vec![reason(
        "error-ratio",
        "passes on the application's 5xx (its own: 0.00 %)",
        Health::Warn,
        Some("03:09:40"),
    )];
    balancer.error_ratio = fresh(0.0281, Unit::Ratio);
    balancer.latency = latency(0.388, Statistic::P95, 0.25);
    balancer.saturation = saturation("targets", 0.0, Some("9/9"));
    balancer.trend = trend(420.0, 563.0);
    balancer.components =
        vec![component(Kind::LoadBalancer, "eu-west-1", "shop-alb", Health::Warn, red(563.0, 0.0281, 0.388))];
    let mut cache = tier(Tier::Cache, Health::Ok, 4_100.0);
    cache.latency = latency(0.0012, Statistic::Avg, 0.01);
    cache.saturation = saturation("mem", 0.61, None);
    cache.components = vec![component(Kind::CacheGroup, "eu-west-1", "shop-redis", Health::Ok, None)];
    let mut storage = tier(Tier::Storage, Health::Ok, 88.0);
    storage.components = vec![component(Kind::Bucket, "", "shop-assets", Health::Ok, None)];
    let mut observability = tier(Tier::Observability, Health::Ok, 12_400.0);
    observability.components = vec![component(Kind::StatefulSet, "monitoring", "prometheus", Health::Ok, None)];
    let mut access = tier(Tier::Access, Health::Critical, 0.0);
    for reading in
        [&mut access.rate, &mut access.rate_vs_last_week, &mut access.error_ratio, &mut access.error_added_ratio]
    {
        *reading = none();
    }
    access.saturation =
        Some(Saturation { resource: "up", reading: fresh(0.0, Unit::Count), detail: Some(shown("0/1")) });
    access.trend = (0..30).map(|minute| (minute < 26).then_some(1.0)).collect();
    access.reasons = vec![reason(
        "availability",
        "ssh bastion-2 10.0.1.9:22 refused (probe 4 s ago)",
        Health::Critical,
        Some("03:08:10"),
    )];
    let mut bastion = component(Kind::Endpoint, "", "bastion-2", Health::Critical, None);
    bastion.reasons = access.reasons.clone();
    bastion.replicas = None;
    bastion.spof = true;
    access.components = vec![bastion];
    let tiers = vec![edge, security, balancer, application(), cache, database(), storage, observability, access];
    Board {
        at: now(),
        health: Health::Critical,
        evidence: Evidence::Full,
        users: Users {
            failing_per_second: fresh(16.0, Unit::PerSecond),
            failing_ratio: fresh(0.0081, Unit::Ratio),
            since: Some(at("03:09:40")),
            via: Some(shown("checkout via orders")),
            business: Some((shown("sales"), fresh(-0.04, Unit::Ratio))),
        },
        links: links(&tiers),
        tiers,
        cause: Cause::Found(Suspect {
            component: orders_id(),
            revision: Some(shown("7")),
            text: shown("orders canary rev 7: 5xx 18.2 % against stable 0.1 %"),
            since: Some(at("03:09:40")),
            explains: 0.94,
            change: Some((shown("rollout 6 to 7 by argocd 03:09:12"), Duration::from_secs(28))),
            rejected: vec![
                shown("catalogue: deployed 03:07:30, adds no errors"),
                shown("orders-r2: lag began after the breach"),
            ],
        }),
        alerts: vec![
            alert("HighErrorRate", Health::Critical, "03:10:36", Tier::Application),
            alert("ReplicaLag", Health::Warn, "03:11:19", Tier::Database),
        ],
        changes: vec![
            change("03:09:12", ChangeKind::Deploy, "orders", "rollout 6 to 7, orders:1.42.0", "argocd"),
            change("03:07:30", ChangeKind::Deploy, "catalogue", "rollout 11 to 12, catalogue:0.9.4", "argocd"),
            change(
                "02:41:03",
                ChangeKind::Scale,
                "api-gateway",
                "scaled 5 to 6 by its HPA",
                "horizontal-pod-autoscaler",
            ),
        ],
        gaps: vec![Gap {
            source: SourceId::new("aws"),
            what: shown("forbidden: cloudtrail:LookupEvents"),
            hint: shown("ask for tierdeck-viewer"),
        }],
    }
}

fn alert(name: &str, severity: Health, since: &str, tier: Tier) -> AlertRow {
    AlertRow {
        name: shown(name),
        severity,
        since: at(since),
        tier: Some(tier),
        component: None,
        summary: shown("the share of failing requests is above 5 % for one minute"),
        runbook: Some(shown("https://runbooks.example/high-error-rate")),
        silenced: false,
        source: SourceId::new("am"),
    }
}

fn change(clock: &str, kind: ChangeKind, subject: &str, what: &str, who: &str) -> Arc<ChangeFact> {
    Arc::new(ChangeFact {
        key: Raw::new(&format!("{clock}{subject}")),
        at: at(clock),
        subject: Some(Alias::Workload { namespace: Raw::new("shop"), name: Raw::new(subject) }),
        kind,
        what: shown(what),
        who: Some(Raw::new(who)),
    })
}

fn links(tiers: &[TierRow]) -> Vec<LinkRow> {
    let find = |name: &str| {
        let all = tiers.iter().flat_map(|tier| &tier.components);
        all.clone().find(|row| row.name.as_str() == name).map(|row| row.id.clone()).unwrap()
    };
    [
        ("dns", "E2QWRUHAPOMQZL", 1_940.0, 0.0),
        ("E2QWRUHAPOMQZL", "shop-acl", 1_940.0, 0.0083),
        ("E2QWRUHAPOMQZL", "shop-assets", 88.0, 0.0),
        ("shop-acl", "shop-alb", 563.0, 0.0281),
        ("shop-alb", "frontend", 563.0, 0.0278),
        ("frontend", "api-gateway", 540.0, 0.028),
        ("api-gateway", "orders", 163.0, 0.0471),
        ("api-gateway", "catalogue", 310.0, 0.0004),
        ("api-gateway", "payments", 41.0, 0.0009),
        ("orders", "shop-redis", 1_500.0, 0.0),
        ("catalogue", "shop-redis", 2_600.0, 0.0),
        ("orders", "pgbouncer", 900.0, 0.0),
        ("payments", "pgbouncer", 420.0, 0.0),
        ("worker", "pgbouncer", 90.0, 0.0),
        ("pgbouncer", "orders-db", 1_320.0, 0.0),
        ("orders-db", "orders-r2", 0.0, 0.0),
    ]
    .into_iter()
    .map(|(from, to, rate, errors)| LinkRow {
        from: find(from),
        to: find(to),
        protocol: Some(shown("tcp")),
        port: Some(8080),
        observed: rate > 0.0,
        rate: if rate > 0.0 { fresh(rate, Unit::PerSecond) } else { none() },
        error_ratio: if rate > 0.0 { fresh(errors, Unit::Ratio) } else { none() },
        latency: none(),
    })
    .collect()
}

fn source(id: &str, kind: SourceKind, sample_age: u64) -> SourceStatus {
    SourceStatus {
        id: SourceId::new(id),
        kind,
        state: SourceState::Live,
        sample_at: Some(now() - Duration::from_secs(sample_age)),
        alive_at: Some(now()),
        endpoint: Raw::new(match kind {
            SourceKind::Kubernetes => "https://10.0.0.1:6443",
            SourceKind::CloudWatch | SourceKind::Aws => "eu-west-1",
            _ => "http://10.0.0.5:9090",
        }),
        took: Some(Duration::from_millis(42)),
        cost: (kind == SourceKind::CloudWatch).then_some(0.118),
        identity: (kind == SourceKind::Kubernetes).then(|| shown("sre1@471/viewer")),
    }
}

pub fn state(board: Board) -> State {
    State {
        environment: Environment {
            name: shown("prod-eu"),
            class: RiskClass::Production,
            user: shown("sre1@bastion-1"),
            notice: None,
        },
        now: now(),
        board: Arc::new(board),
        sources: vec![
            source("k8s", SourceKind::Kubernetes, 1),
            source("prom", SourceKind::Prometheus, 9),
            source("cw", SourceKind::CloudWatch, 118),
        ],
        places: vec![Place::Board(BoardPlace::default())],
        overlay: None,
        filter: Filter::default(),
        notices: Vec::new(),
        hints: [
            ("enter", "open"),
            ("t", "topology"),
            ("x", "explain"),
            ("W", "what changed"),
            ("/", "filter"),
            ("?", "help"),
            ("q", "quit"),
        ]
        .map(|(key, words)| (shown(key), words))
        .into(),
        help: vec![
            ("everywhere", shown("?"), "help: every key of this place"),
            ("everywhere", shown("esc"), "go back; nothing is ever started by it"),
            ("everywhere", shown("q"), "leave tierdeck"),
            ("everywhere", shown("/"), "filter the list"),
            ("board", shown("j, down"), "next row"),
            ("board", shown("k, up"), "previous row"),
            ("board", shown("enter"), "open what is selected"),
            ("board", shown("space"), "show or hide the tier's components"),
            ("board", shown("x"), "explain: where the numbers come from"),
        ],
        size: (80, 24),
    }
}

pub fn incident() -> State {
    state(incident_board())
}

pub fn calm_board() -> Board {
    let mut board = incident_board();
    board.health = Health::Ok;
    board.cause = Cause::None;
    board.alerts.clear();
    board.users.failing_per_second = fresh(0.2, Unit::PerSecond);
    board.users.failing_ratio = fresh(0.0001, Unit::Ratio);
    board.users.since = None;
    board.users.via = None;
    board.users.business = Some((shown("sales"), fresh(0.01, Unit::Ratio)));
    for tier in &mut board.tiers {
        tier.health = Health::Ok;
        tier.reasons.clear();
        if tier.error_ratio.value().is_some() {
            tier.error_ratio = fresh(0.0004, Unit::Ratio);
            tier.error_added_ratio = fresh(0.0, Unit::Ratio);
        }
        if let Some((target, _)) = tier.latency.target {
            tier.latency.reading = Reading::Fresh(sample(target * 0.4, Unit::Seconds, tier.latency.statistic));
        }
        for row in &mut tier.components {
            row.health = Health::Ok;
            row.reasons.clear();
            for member in &mut row.members {
                member.state = MemberState::Ready;
            }
        }
        tier.trend = trend(400.0, 400.0);
    }
    if let Some(access) = board.tiers.last_mut() {
        access.saturation =
            Some(Saturation { resource: "up", reading: fresh(1.0, Unit::Count), detail: Some(shown("1/1")) });
    }
    board
}

pub fn refused() -> Fault {
    Fault::new(
        FaultKind::Refused,
        shown("prometheus 10.0.0.5:9090 refused the connection"),
        shown("check that Prometheus runs and that this host may reach it"),
    )
}

/// Prometheus is lost: what rested on it is stale and unknown; CloudWatch, Kubernetes and probes still judge.
pub fn without_prometheus() -> State {
    let mut board = incident_board();
    let age = Duration::from_secs(97);
    let prom = SourceId::new("prom");
    board.evidence = Evidence::Partial {
        missing: vec![Missing {
            source: prom.clone(),
            since: Some(at("03:10:30")),
            why: shown("refused the connection"),
        }],
    };
    board.cause = Cause::NotFound { looked_at: vec![shown("load-balancer"), shown("deploys"), shown("database")] };
    board.users.since = Some(at("03:09:40"));
    board.users.via = Some(shown("shop-alb"));
    let stale = |reading: &mut Reading| {
        if let Reading::Fresh(sample) = reading {
            *reading = Reading::Stale { last: sample.clone(), age };
        }
    };
    for tier in &mut board.tiers {
        if !matches!(tier.tier, Tier::Application | Tier::Cache) {
            continue;
        }
        tier.health = Health::Unknown;
        tier.reasons = vec![reason("stale", "prom gives nothing", Health::Unknown, Some("03:10:30"))];
        stale(&mut tier.rate);
        stale(&mut tier.error_ratio);
        stale(&mut tier.error_added_ratio);
        stale(&mut tier.rate_vs_last_week);
        stale(&mut tier.latency.reading);
        if let Some(saturation) = &mut tier.saturation {
            stale(&mut saturation.reading);
        }
        for row in &mut tier.components {
            row.health = Health::Unknown;
            row.reasons.clear();
            row.signals.iter_mut().for_each(|signal| stale(&mut signal.reading));
        }
    }
    let mut state = state(board);
    if let Some(source) = state.sources.iter_mut().find(|source| source.id == prom) {
        source.state = SourceState::Failed { since: at("03:10:30"), fault: refused() };
        source.sample_at = Some(now() - age);
    }
    state
}

/// The first frame: configuration is known, nothing has answered.
pub fn connecting() -> State {
    let users = Users {
        failing_per_second: Reading::Absent(Absence::Connecting),
        failing_ratio: Reading::Absent(Absence::Connecting),
        since: None,
        via: None,
        business: None,
    };
    let mut state = state(Board {
        at: now(),
        health: Health::Unknown,
        evidence: Evidence::Connecting,
        users,
        tiers: Vec::new(),
        links: Vec::new(),
        cause: Cause::None,
        alerts: Vec::new(),
        changes: Vec::new(),
        gaps: Vec::new(),
    });
    for source in &mut state.sources {
        source.state = SourceState::Connecting { since: at("03:12:06") };
        source.sample_at = None;
        source.alive_at = None;
        source.took = None;
        source.identity = None;
    }
    state
}

/// What a server may send to break the screen.
pub fn hostile() -> State {
    let mut board = incident_board();
    let names = [
        "\u{1b}[2J\u{1b}[31mowned",
        "prod\u{202e}gnp.exe",
        "日本語のとても長いコンポーネント名前です",
        "a\r\nb\tc\u{9b}2J",
        "z\u{300}\u{301}\u{302}\u{303}\u{304}algo",
        "orders-with-a-name-that-goes-on-and-on-and-on-and-differs-at-the-very-end-0001",
    ];
    if let Some(tier) = board.tiers.iter_mut().find(|tier| tier.tier == Tier::Application) {
        for (row, name) in tier.components.iter_mut().zip(names) {
            row.id = ComponentId::new(row.id.kind, "shop", name);
            row.name = shown(name);
        }
        tier.reasons[0].text = shown(&format!("{} says: {}", names[0], "x".repeat(1 << 16)));
    }
    board.cause = Cause::None;
    board.alerts[0].name = shown("Alert\u{7}\u{1b}]0;title\u{7}");
    let mut state = state(board);
    state.environment.name = shown("prod-\u{202e}ue");
    let open = [Tier::Application].into();
    state.places = vec![Place::Board(BoardPlace { selected: None, open, scroll: 0 })];
    state
}

/// Forty components over eight tiers, as the largest seed topology has them.
pub fn forty_components() -> Board {
    let mut board = incident_board();
    let shape: [(Tier, &[&str]); 8] = [
        (Tier::Edge, &["dns", "cloudfront", "static-assets"]),
        (Tier::Security, &["waf"]),
        (Tier::LoadBalancer, &["alb-public", "nlb-internal"]),
        (
            Tier::Application,
            &[
                "frontend",
                "api-gateway",
                "orders",
                "catalogue",
                "payments",
                "search",
                "accounts",
                "basket",
                "pricing",
                "shipping",
                "mailer",
                "invoices",
                "recommendations",
                "inventory",
                "sessions",
                "reviews",
                "exports",
                "worker",
            ],
        ),
        (Tier::Cache, &["redis-sessions", "redis-catalogue", "redis-basket", "memcached"]),
        (
            Tier::Database,
            &["pgbouncer", "orders-db", "orders-r1", "orders-r2", "accounts-db", "catalogue-db", "search-index"],
        ),
        (Tier::Storage, &["s3-assets", "s3-exports", "s3-backups"]),
        (Tier::Observability, &["prometheus", "grafana"]),
    ];
    board.tiers = shape
        .iter()
        .map(|(name, components)| {
            let mut row = tier(*name, Health::Ok, 500.0);
            row.components = components
                .iter()
                .map(|name| {
                    let sick = *name == "orders";
                    let health = if sick { Health::Critical } else { Health::Ok };
                    let red = Red { rate: 120.0, errors: if sick { 0.047 } else { 0.001 }, p95: 0.088 };
                    component(Kind::Deployment, "shop", name, health, Some(red))
                })
                .collect();
            row
        })
        .collect();
    let pairs = [
        ("dns", "cloudfront"),
        ("cloudfront", "static-assets"),
        ("cloudfront", "waf"),
        ("waf", "alb-public"),
        ("alb-public", "frontend"),
        ("frontend", "api-gateway"),
        ("api-gateway", "nlb-internal"),
        ("api-gateway", "orders"),
        ("api-gateway", "catalogue"),
        ("api-gateway", "payments"),
        ("api-gateway", "search"),
        ("api-gateway", "accounts"),
        ("api-gateway", "basket"),
        ("orders", "pricing"),
        ("orders", "shipping"),
        ("orders", "inventory"),
        ("orders", "mailer"),
        ("payments", "invoices"),
        ("catalogue", "recommendations"),
        ("catalogue", "reviews"),
        ("accounts", "sessions"),
        ("sessions", "redis-sessions"),
        ("catalogue", "redis-catalogue"),
        ("basket", "redis-basket"),
        ("search", "memcached"),
        ("orders", "pgbouncer"),
        ("invoices", "pgbouncer"),
        ("pgbouncer", "orders-db"),
        ("orders-db", "orders-r1"),
        ("orders-db", "orders-r2"),
        ("accounts", "accounts-db"),
        ("catalogue", "catalogue-db"),
        ("search", "search-index"),
        ("exports", "s3-exports"),
        ("frontend", "s3-assets"),
        ("worker", "pgbouncer"),
        ("orders-db", "s3-backups"),
        ("grafana", "prometheus"),
    ];
    let find = |name: &str| ComponentId::new(Kind::Deployment, "shop", name);
    board.links = pairs
        .iter()
        .enumerate()
        .map(|(at, (from, to))| LinkRow {
            from: find(from),
            to: find(to),
            protocol: None,
            port: None,
            observed: true,
            rate: fresh(900.0 / (1.0 + at as f64 / 4.0), Unit::PerSecond),
            error_ratio: fresh(if *to == "orders" { 0.047 } else { 0.0 }, Unit::Ratio),
            latency: none(),
        })
        .collect();
    if let Cause::Found(suspect) = &mut board.cause {
        suspect.component = find("orders");
    }
    board
}
