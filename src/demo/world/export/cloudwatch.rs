//! CloudWatch: one point a minute per metric (namespaces, names, dimensions and units: facts/aws.md 2.3).

use crate::demo::store::cloudwatch::{Alarm, CloudWatch, MetricId, Point};
use crate::demo::world::MINUTE;
use crate::demo::world::database::DatabaseFlow;
use crate::demo::world::model::Model;
use crate::demo::world::shop::Shop;
use crate::demo::world::spec::{self, Cache, Engine, GIB};

use super::prometheus::node_load;

type Dimensions<'a> = &'a [(&'a str, &'a str)];

/// What is counted over a minute.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    /// Milliseconds that the counts cover.
    covered: i64,
    edge: f64,
    hits: f64,
    client_errors: f64,
    blocked: f64,
    allowed: f64,
    target_errors: f64,
    unserved: f64,
}

#[derive(Debug, Default)]
pub struct Exporter {
    minute: Minute,
    /// Metrics in the order in which they are written.
    ids: Vec<MetricId>,
}

impl Exporter {
    pub fn new(store: &mut CloudWatch, shop: &Shop, now: i64) -> Self {
        store.alarms = alarms(shop, now);
        Self::default()
    }

    /// Counts a step of `elapsed` ms and closes the minute when it ends one.
    pub fn record(&mut self, model: &Model, store: &mut CloudWatch, elapsed: i64) {
        let (flow, seconds) = (&model.flow, elapsed as f64 / 1_000.0);
        let minute = &mut self.minute;
        minute.covered += elapsed;
        minute.edge += flow.edge.requests * seconds;
        minute.hits += flow.edge.hits * seconds;
        minute.client_errors += flow.edge.client_errors * seconds;
        minute.blocked += flow.edge.blocked * seconds;
        minute.allowed += flow.edge.allowed() * seconds;
        if let Some(entry) = flow.entry() {
            minute.target_errors += (entry.failed - entry.unserved) * seconds;
            minute.unserved += entry.unserved * seconds;
        }
        if model.at % MINUTE != 0 {
            return;
        }
        let closed = std::mem::take(minute);
        // The first minute of a history may have begun before it.
        if closed.covered >= MINUTE {
            let mut sheet = Sheet { store, ids: &mut self.ids, next: 0, minute: model.at - MINUTE };
            edge(model, &closed, &mut sheet);
            load_balancer(model, &closed, &mut sheet);
            for database in flow.databases.iter().filter(|d| d.spec.engine != Engine::CloudNativePg) {
                rds(database, &mut sheet);
            }
            for cache in &spec::CACHES {
                elasticache(cache, model, &mut sheet);
            }
            network_and_nodes(model, &closed, &mut sheet);
        }
    }

    /// Sets the alarms' states by the newest points.
    pub fn judge(&self, at: i64, store: &mut CloudWatch) {
        let mut alarms = std::mem::take(&mut store.alarms);
        for alarm in &mut alarms {
            let (state, value) = match store.points(&alarm.metric).last() {
                Some(point) if at - point.minute < 5 * MINUTE => {
                    let value = match alarm.statistic {
                        "Sum" => point.sum,
                        "Maximum" => point.max,
                        _ => point.sum / point.count.max(1e-9),
                    };
                    (if value > alarm.threshold { "ALARM" } else { "OK" }, value)
                }
                // A counter that publishes only what happened is well when it is silent.
                _ => ("OK", 0.0),
            };
            if state != alarm.state {
                alarm.state = state;
                alarm.updated_at = at;
                alarm.reason = format!(
                    "Threshold Crossed: 1 datapoint [{value:.3}] was {}greater than the threshold ({}).",
                    if state == "ALARM" { "" } else { "not " },
                    alarm.threshold
                );
            }
        }
        store.alarms = alarms;
    }
}

/// From the edge to the load balancer and back, ms.
const ORIGIN_WAY: f64 = 6.0;

/// The metrics of one minute, always written in the same order.
struct Sheet<'a> {
    store: &'a mut CloudWatch,
    ids: &'a mut Vec<MetricId>,
    next: usize,
    minute: i64,
}

impl Sheet<'_> {
    fn point(&mut self, namespace: &str, name: &str, dimensions: Dimensions, point: Option<Point>) {
        if self.next == self.ids.len() {
            self.ids.push(MetricId::new(namespace, name, dimensions.iter().copied()));
        }
        if let (Some(id), Some(point)) = (self.ids.get(self.next), point) {
            self.store.record(id, point);
        }
        self.next += 1;
    }

    fn value(&mut self, namespace: &str, name: &str, dimensions: Dimensions, value: f64) {
        self.point(namespace, name, dimensions, Some(Point::single(self.minute, value)));
    }

    fn count(&mut self, namespace: &str, name: &str, dimensions: Dimensions, count: f64) {
        self.point(namespace, name, dimensions, Some(Point::counted(self.minute, count.round())));
    }

    /// A count that is not published when it is zero.
    fn sparse(&mut self, namespace: &str, name: &str, dimensions: Dimensions, count: f64) {
        let count = count.round();
        let point = (count > 0.0).then(|| Point::counted(self.minute, count));
        self.point(namespace, name, dimensions, point);
    }
}

fn edge(model: &Model, minute: &Minute, sheet: &mut Sheet) {
    let cdn = [("DistributionId", spec::DISTRIBUTION), ("Region", "Global")];
    let cloudfront = "AWS/CloudFront";
    let requests = minute.edge.max(1e-9);
    sheet.count(cloudfront, "Requests", &cdn, minute.edge);
    sheet.value(cloudfront, "5xxErrorRate", &cdn, (minute.target_errors + minute.unserved) / requests * 100.0);
    sheet.value(cloudfront, "4xxErrorRate", &cdn, minute.client_errors / requests * 100.0);
    sheet.value(cloudfront, "CacheHitRate", &cdn, minute.hits / requests * 100.0);
    // The time until the first byte from the origin, in milliseconds: that of the load balancer's targets and the way.
    let at = sheet.minute;
    let origin = model.flow.entry().map(|entry| {
        let mean = entry.latency.mean() * 1_000.0 + ORIGIN_WAY;
        let below = |ms: f64| entry.latency.share_below((ms - ORIGIN_WAY).max(0.0) / 1_000.0);
        Point::distributed(at, (minute.allowed + minute.blocked).round(), mean, below)
    });
    sheet.point(cloudfront, "OriginLatency", &cdn, origin);
    let acl = [("Region", spec::REGION), ("Rule", "ALL"), ("WebACL", spec::WEB_ACL)];
    sheet.count("AWS/WAFV2", "AllowedRequests", &acl, minute.allowed);
    sheet.count("AWS/WAFV2", "BlockedRequests", &acl, minute.blocked);
    let bucket = [("BucketName", spec::BUCKET), ("FilterId", "EntireBucket")];
    sheet.count("AWS/S3", "AllRequests", &bucket, minute.hits * 0.02);
    sheet.sparse("AWS/S3", "5xxErrors", &bucket, 0.0);
    sheet.value("AWS/S3", "FirstByteLatency", &bucket, 24.0);
    sheet.value("AWS/S3", "TotalRequestLatency", &bucket, 41.0);
}

fn load_balancer(model: &Model, minute: &Minute, sheet: &mut Sheet) {
    let elb = "AWS/ApplicationELB";
    let balancer = [("LoadBalancer", spec::LOAD_BALANCER)];
    let group = [("LoadBalancer", spec::LOAD_BALANCER), ("TargetGroup", spec::TARGET_GROUP)];
    let at = sheet.minute;
    let latency = model.flow.entry().map(|e| {
        let mean = e.latency.mean();
        Point::distributed(at, (minute.allowed - minute.unserved).round(), mean, |x| e.latency.share_below(x))
    });
    for dimensions in [&balancer[..], &group[..]] {
        sheet.count(elb, "RequestCount", dimensions, minute.allowed);
        sheet.point(elb, "TargetResponseTime", dimensions, latency.clone());
        sheet.sparse(elb, "HTTPCode_Target_5XX_Count", dimensions, minute.target_errors);
        sheet.sparse(elb, "TargetConnectionErrorCount", dimensions, 0.0);
    }
    sheet.sparse(elb, "HTTPCode_ELB_5XX_Count", &balancer, minute.unserved);
    sheet.sparse(elb, "RejectedConnectionCount", &balancer, 0.0);
    sheet.count(elb, "ActiveConnectionCount", &balancer, minute.allowed / 4.0);
    sheet.count(elb, "NewConnectionCount", &balancer, minute.allowed / 30.0);
    let frontend = model.workload("frontend");
    let ready = frontend.map_or(0, |w| w.ready(model.at));
    sheet.value(elb, "HealthyHostCount", &group, f64::from(ready));
    sheet.value(elb, "UnHealthyHostCount", &group, 0.0);
    sheet.value(elb, "RequestCountPerTarget", &group, minute.allowed / f64::from(ready.max(1)));
}

fn rds(flow: &DatabaseFlow, sheet: &mut Sheet) {
    let at = sheet.minute;
    let on = [("DBInstanceIdentifier", flow.spec.id)];
    let queries = if flow.down { 0.0 } else { flow.queries };
    let (reads, writes) = (queries * 0.15, if flow.replica { 6.0 } else { queries * 0.6 });
    // What the storage adds: half of a query's time when it stalls.
    let disk = flow.disk_queue * 0.0022;
    for (name, value) in [
        ("CPUUtilization", flow.cpu * 100.0),
        ("DatabaseConnections", flow.connections.round()),
        ("FreeableMemory", 5.2 * GIB),
        ("FreeStorageSpace", 58.0 * GIB),
        ("ReadLatency", disk),
        ("WriteLatency", disk * 1.4),
        ("DiskQueueDepth", flow.disk_queue),
        ("ReadIOPS", reads),
        ("WriteIOPS", writes),
        ("SwapUsage", 0.0),
        ("DBLoad", flow.active + flow.waiting().min(40.0)),
        ("EBSIOBalance%", 99.0),
    ] {
        sheet.value("AWS/RDS", name, &on, value);
    }
    let lag = |replica: bool, value: f64| replica.then(|| Point::single(at, value));
    if flow.spec.engine == Engine::Aurora {
        // In milliseconds, and of readers only (facts/aws.md 2.3).
        sheet.point("AWS/RDS", "AuroraReplicaLag", &on, lag(flow.replica, flow.lag * 1_000.0));
    } else {
        sheet.point("AWS/RDS", "ReplicaLag", &on, lag(flow.replica, flow.lag));
    }
}

fn elasticache(cache: &Cache, model: &Model, sheet: &mut Sheet) {
    let (flow, primary) = (&model.flow, model.operations.cache.leads(cache));
    let on = [("CacheClusterId", cache.id)];
    let store = &flow.cache;
    let commands = if primary { store.commands } else { store.commands * 0.12 };
    let reads = commands * 0.84 * 60.0;
    for (name, value) in [
        ("EngineCPUUtilization", if primary { store.cpu * 100.0 } else { 3.0 }),
        ("CPUUtilization", if primary { store.cpu * 50.0 + 2.0 } else { 3.0 }),
        ("DatabaseMemoryUsagePercentage", store.memory * 100.0),
        ("FreeableMemory", (1.0 - store.memory) * 6.0 * GIB),
        ("Evictions", 0.0),
        ("CurrConnections", if primary { store.connections.round() } else { 6.0 }),
        ("CacheHits", (reads * store.hit_ratio).round()),
        ("CacheMisses", (reads * (1.0 - store.hit_ratio)).round()),
        ("CacheHitRate", store.hit_ratio * 100.0),
        ("IsMaster", if primary { 1.0 } else { 0.0 }),
        ("SuccessfulReadRequestLatency", store.command.mean * 1e6),
        ("SuccessfulWriteRequestLatency", store.command.mean * 1.2e6),
    ] {
        sheet.value("AWS/ElastiCache", name, &on, value);
    }
    if !primary {
        sheet.value("AWS/ElastiCache", "ReplicationLag", &on, store.lag);
    }
}

fn network_and_nodes(model: &Model, minute: &Minute, sheet: &mut Sheet) {
    let gateway = [("NatGatewayId", spec::NAT_GATEWAY)];
    sheet.value("AWS/NATGateway", "ErrorPortAllocation", &gateway, 0.0);
    sheet.value("AWS/NATGateway", "PacketsDropCount", &gateway, 0.0);
    sheet.value("AWS/NATGateway", "ActiveConnectionCount", &gateway, 120.0 + minute.allowed / 900.0);
    sheet.value("AWS/NATGateway", "BytesOutToDestination", &gateway, minute.allowed * 410.0);
    let group = [("AutoScalingGroupName", spec::NODE_GROUP)];
    let nodes = spec::NODES.len() as f64;
    for (name, value) in [
        ("GroupDesiredCapacity", nodes),
        ("GroupInServiceInstances", nodes),
        ("GroupPendingInstances", 0.0),
        ("GroupTerminatingInstances", 0.0),
        ("GroupMinSize", 1.0),
        ("GroupMaxSize", 20.0),
    ] {
        sheet.value("AWS/AutoScaling", name, &group, value);
    }
    let loads = spec::NODES.iter().map(|n| node_load(model, n.name).0 / f64::from(spec::NODE_CPUS) * 100.0);
    let loads: Vec<f64> = loads.collect();
    let sum: f64 = loads.iter().sum();
    let point = Point {
        minute: sheet.minute,
        count: nodes,
        sum,
        min: loads.iter().copied().fold(f64::MAX, f64::min),
        max: loads.iter().copied().fold(0.0, f64::max),
        histogram: None,
    };
    sheet.point("AWS/EC2", "CPUUtilization", &group, Some(point));
    sheet.value("AWS/EC2", "StatusCheckFailed", &group, 0.0);
}

fn alarms(shop: &Shop, now: i64) -> Vec<Alarm> {
    let balancer = [("LoadBalancer", spec::LOAD_BALANCER)];
    let elb = |name| MetricId::new("AWS/ApplicationELB", name, balancer);
    let rds = |name, id| MetricId::new("AWS/RDS", name, [("DBInstanceIdentifier", id)]);
    let cache =
        MetricId::new("AWS/ElastiCache", "DatabaseMemoryUsagePercentage", [("CacheClusterId", "shop-sessions-001")]);
    let mut rows: Vec<(String, MetricId, &'static str, f64)> = vec![
        ("shop-alb-target-5xx".to_owned(), elb("HTTPCode_Target_5XX_Count"), "Sum", 300.0),
        ("shop-alb-elb-5xx".to_owned(), elb("HTTPCode_ELB_5XX_Count"), "Sum", 60.0),
        ("shop-alb-response-time".to_owned(), elb("TargetResponseTime"), "Average", 0.2),
        ("shop-sessions-memory".to_owned(), cache, "Average", 80.0),
    ];
    for (_, member) in shop.databases().filter(|(_, member)| member.engine != Engine::CloudNativePg) {
        let id = member.id;
        if !member.replica {
            rows.push((format!("{id}-cpu"), rds("CPUUtilization", id), "Average", 80.0));
            rows.push((format!("{id}-connections"), rds("DatabaseConnections", id), "Average", 80.0));
        } else if member.engine == Engine::Rds {
            rows.push((format!("{id}-lag"), rds("ReplicaLag", id), "Maximum", 60.0));
        }
    }
    let alarm = |(name, metric, statistic, threshold)| Alarm {
        name,
        metric,
        statistic,
        comparison: "GreaterThanThreshold",
        threshold,
        state: "OK",
        reason: "Threshold Crossed: no datapoint was greater than the threshold.".to_owned(),
        updated_at: now - 9 * 86_400_000,
    };
    rows.into_iter().map(alarm).collect()
}
