//! A calm shop: every figure can be computed again by hand, every tier is told of from its proper source, and nothing
//! is said to be wrong.

use serde_json::Value;

use super::recompute::Tally;
use super::{leaves, quiet};
use crate::support::seeds::{draws, each};
use crate::support::wire::Wire;
use crate::support::{Report, Shop};

const SEEDS: u64 = 20;

/// Tier, column, the source that tells it, and what its question speaks of.
const COLUMNS: [(&str, &str, &str, &str); 19] = [
    ("edge", "rate_per_second", "aws-cloudwatch-global", r#""MetricName":"Requests","Namespace":"AWS/CloudFront""#),
    ("edge", "error_ratio", "aws-cloudwatch-global", r#""MetricName":"5xxErrorRate""#),
    ("edge", "latency_ms", "aws-cloudwatch-global", r#""MetricName":"OriginLatency""#),
    ("security", "rate_per_second", "aws-cloudwatch", r#""Namespace":"AWS/WAFV2""#),
    ("security", "saturation", "aws-cloudwatch", r#""MetricName":"BlockedRequests""#),
    ("load-balancer", "rate_per_second", "aws-cloudwatch", r#""MetricName":"RequestCount""#),
    ("load-balancer", "error_ratio", "aws-cloudwatch", r#""MetricName":"HTTPCode_Target_5XX_Count""#),
    ("load-balancer", "latency_ms", "aws-cloudwatch", r#""MetricName":"TargetResponseTime""#),
    ("load-balancer", "saturation", "aws-elbv2", "elasticloadbalancing:DescribeTargetHealth"),
    ("application", "rate_per_second", "prom", "http_server_request_duration_seconds_count"),
    ("application", "error_ratio", "prom", "http_response_status_code=~\"5..\""),
    ("application", "latency_ms", "prom", "histogram_quantile(0.95"),
    ("cache", "rate_per_second", "prom", "redis_commands_processed_total"),
    ("cache", "latency_ms", "prom", "redis_commands_duration_seconds_total"),
    ("database", "rate_per_second", "prom", "pg_stat_database_xact_commit"),
    ("database", "latency_ms", "prom", "pg_stat_statements_seconds_total"),
    ("storage", "rate_per_second", "aws-cloudwatch", r#""Namespace":"AWS/S3""#),
    ("storage", "latency_ms", "aws-cloudwatch", r#""MetricName":"TotalRequestLatency""#),
    ("observability", "rate_per_second", "prom", "prometheus_tsdb_head_samples_appended_total"),
];

/// Tier, statistic of its latency and the target in that statistic, ms (PRODUCT.md 5).
const TARGETS: [(&str, &str, f64); 3] =
    [("application", "p95", 200.0), ("cache", "avg", 10.0), ("database", "avg", 100.0)];

/// Signals that some component of the tier must have.
const SIGNALS: [(&str, &str); 6] = [
    ("edge", "probe.certificate_days"),
    ("cache", "cache.redis.hit"),
    ("database", "db.pg.conn"),
    ("database", "db.pgb.avg_query"),
    ("database", "db.rds.lag"),
    ("host", "host.cpu"),
];

/// Every tier of the world, in data-flow order.
const TIERS: [&str; 10] = [
    "edge",
    "security",
    "load-balancer",
    "application",
    "cache",
    "database",
    "storage",
    "observability",
    "access",
    "host",
];

/// How far two neighbours on the path may be apart: CloudWatch tells whole minutes, and those late.
const CONSERVED: f64 = 0.08;

#[test]
fn every_figure_of_a_calm_shop_is_what_its_own_query_says() {
    let _machine = crate::support::busy();
    let _quiet = quiet();
    let tallies = each(&draws(SEEDS), |draw| {
        let shop = Shop::standing("calm", draw.seed, draw.at);
        let report = shop.status();
        let mut tally = Tally::default();
        let mut wire = Wire::to(&shop.demo);
        for (path, figure) in report.figures() {
            tally.check(&path, figure, &mut wire);
        }
        (tally, complaints(&report), report.summary())
    });
    for (draw, (tally, complaints, summary)) in &tallies {
        let few = tally.wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(tally.wrong.is_empty(), "{draw:?}: {} wrong of {}:\n  {few}", tally.wrong.len(), tally.computed);
        assert!(tally.computed > 1_000 && tally.probes > 5, "{draw:?}: {} and {}", tally.computed, tally.probes);
        assert!(complaints.is_empty(), "{draw:?}:\n  {}\n{summary}", complaints.join("\n  "));
    }
}

fn complaints(report: &Report) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            complaints.push(what);
        }
    };
    let tiers: Vec<&str> = report.tiers().filter_map(|tier| tier["tier"].as_str()).collect();
    expect(tiers == TIERS, format!("the tiers are {tiers:?}"));
    expect(report.0["health"] == "ok" && report.0["evidence"] == "full", "not all is well".to_owned());
    expect(report.0["cause"].is_null(), format!("a cause where nobody is hurt: {}", report.0["cause"]));
    for row in report.tiers().chain(report.components()) {
        let well = matches!(row["health"].as_str(), Some("ok" | "no-traffic"));
        expect(well, format!("{} is {}: {}", row["id"], row["health"], row["reasons"]));
    }
    for (path, figure) in report.figures() {
        expect(figure.get("stale_seconds").is_none(), format!("{path} is old"));
    }
    for (tier, column, source, question) in COLUMNS {
        let figure = match column {
            "saturation" => &report.tier(tier)["saturation"]["ratio"],
            column => &report.tier(tier)[column],
        };
        let leaves = leaves(figure);
        let of_source = !leaves.is_empty() && leaves.iter().all(|leaf| leaf["source"] == source);
        let asks = leaves.iter().any(|leaf| leaf["query"].as_str().is_some_and(|query| query.contains(question)));
        expect(of_source && asks, format!("{tier} {column} is not {question} of {source}: {figure}"));
    }
    for (tier, statistic, target) in TARGETS {
        let latency = &report.tier(tier)["latency"];
        let right = latency["statistic"] == statistic && latency["target_ms"] == target;
        expect(right, format!("{tier} latency is judged as {latency}"));
    }
    for (tier, signal) in SIGNALS {
        let has = |row: &Value| {
            let parts = row["parts"].as_array().into_iter().flatten();
            row["signals"].get(signal).is_some_and(Value::is_object) || parts.into_iter().any(|p| p["signal"] == signal)
        };
        let components = report.tier(tier)["components"].as_array().expect("components");
        expect(components.iter().any(has), format!("no {signal} in {tier}"));
    }
    let capacity = &report.tier("application")["capacity"];
    let whole = capacity["ready"] == capacity["desired"] && capacity["zones"] == 3;
    expect(whole, format!("the application has {capacity}"));
    for (what, one, other) in conserved(report) {
        expect((one / other - 1.0).abs() < CONSERVED, format!("{what}: {one} and {other}"));
    }
    complaints
}

/// What flows out of one tier and into the next, requests in a second.
fn conserved(report: &Report) -> [(&'static str, f64, f64); 3] {
    let number = |figure: &Value| figure["value"].as_f64().unwrap_or(f64::NAN);
    let rate = |tier: &str| number(&report.tier(tier)["rate_per_second"]);
    let share = |tier: &str| number(&report.tier(tier)["saturation"]["ratio"]);
    [
        ("what the CDN has not is asked through the firewall", rate("edge") * (1.0 - share("edge")), rate("security")),
        ("what is not blocked is balanced", rate("security") * (1.0 - share("security")), rate("load-balancer")),
        ("what is balanced is served", rate("load-balancer"), rate("application")),
    ]
}
