//! The tier of a component, from configuration, its provider, its kind, and words in its name, images and labels.

use super::facts::ComponentFact;
use crate::domain::id::{ComponentId, Kind};
use crate::domain::settings::TierRule;
use crate::domain::tier::Tier;

/// Words that place a component, looked for in its name first and in its hints then. The order decides: an exporter of
/// a database observes it, it is none.
const WORDS: [(Tier, &[&str]); 8] = [
    (
        Tier::Observability,
        &[
            "exporter",
            "prometheus",
            "grafana",
            "alertmanager",
            "jaeger",
            "tempo",
            "loki",
            "promtail",
            "fluentd",
            "fluent",
            "kibana",
            "elasticsearch",
            "opensearch",
            "otel",
            "opentelemetry",
            "thanos",
            "mimir",
            "vector",
            "kube-state-metrics",
            "metrics-server",
            "blackbox",
            "pushgateway",
        ],
    ),
    (Tier::Access, &["bastion", "ssh", "sshd", "vpn", "teleport", "jumphost"]),
    (Tier::Security, &["waf", "webacl", "modsecurity", "oauth2-proxy"]),
    (Tier::LoadBalancer, &["ingress", "haproxy", "traefik", "envoy", "loadbalancer", "alb", "nlb", "elb"]),
    (Tier::Cache, &["redis", "memcached", "valkey", "elasticache", "varnish", "cache"]),
    (
        Tier::Database,
        &[
            "postgres",
            "postgresql",
            "pgbouncer",
            "pgpool",
            "mysql",
            "mysqld",
            "mariadb",
            "percona",
            "mongodb",
            "mongo",
            "cassandra",
            "cockroach",
            "rds",
            "aurora",
            "patroni",
            "db",
            "database",
        ],
    ),
    (Tier::Storage, &["minio", "s3", "ceph", "nfs", "storage"]),
    (Tier::Edge, &["cdn", "cloudfront", "cloudflare", "cloudflared", "dns", "edge", "route53"]),
];

/// Namespaces of the cluster's own machinery.
const PLATFORM: [&str; 8] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "argo-rollouts",
    "argocd",
    "flux-system",
    "cert-manager",
    "karpenter",
];

/// The tier and, in words, how it was found.
#[must_use]
pub fn tier_of(
    id: &ComponentId,
    fact: Option<&ComponentFact>,
    rules: &[TierRule],
    systems: &[&str],
) -> (Tier, &'static str) {
    if let Some(rule) = rules.iter().find(|rule| matches(&rule.name, id)) {
        return (rule.tier, "configuration");
    }
    if let Some(tier) = fact.and_then(|f| f.tier) {
        return (tier, "provider");
    }
    if let Some(tier) = by_kind(id.kind) {
        return (tier, "kind");
    }
    if PLATFORM.contains(&id.scope.as_str()) {
        return (Tier::Host, "namespace");
    }
    if let Some(tier) = by_words(id.name.as_str()) {
        return (tier, "name");
    }
    if let Some(tier) = systems.iter().find_map(|system| by_system(system)) {
        return (tier, "signals");
    }
    let hint = fact.and_then(|f| f.hints.iter().find_map(|hint| by_hint(hint.as_str())));
    if let Some(tier) = hint {
        return (tier, "image, port or label");
    }
    if matches!(id.scope.as_str(), "monitoring" | "observability" | "logging") {
        return (Tier::Observability, "namespace");
    }
    (Tier::Application, "default")
}

const fn by_kind(kind: Kind) -> Option<Tier> {
    match kind {
        Kind::Distribution => Some(Tier::Edge),
        Kind::WebAcl => Some(Tier::Security),
        Kind::LoadBalancer | Kind::TargetGroup => Some(Tier::LoadBalancer),
        Kind::DbInstance | Kind::DbCluster => Some(Tier::Database),
        Kind::CacheGroup => Some(Tier::Cache),
        Kind::Bucket => Some(Tier::Storage),
        Kind::Node | Kind::AutoScalingGroup | Kind::NatGateway | Kind::Host => Some(Tier::Host),
        _ => None,
    }
}

/// The system that a signal's id begins with (`system.exporter.name`).
fn by_system(system: &str) -> Option<Tier> {
    match system {
        "edge" | "dns" => Some(Tier::Edge),
        "waf" => Some(Tier::Security),
        "lb" => Some(Tier::LoadBalancer),
        "app" => Some(Tier::Application),
        "cache" => Some(Tier::Cache),
        "db" => Some(Tier::Database),
        "storage" | "s3" => Some(Tier::Storage),
        "mon" => Some(Tier::Observability),
        "host" => Some(Tier::Host),
        _ => None,
    }
}

fn by_words(text: &str) -> Option<Tier> {
    let lower = text.to_lowercase();
    let parts: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    // A long word counts inside another one (`mypostgres14`), a short one only on its own (`db`, `s3`).
    let named = |word: &&str| if word.len() > 5 { lower.contains(*word) } else { parts.contains(word) };
    WORDS.iter().find(|(_, words)| words.iter().any(named)).map(|(tier, _)| *tier)
}

/// An image's last part, a label's value, or a well-known port.
fn by_hint(hint: &str) -> Option<Tier> {
    if let Ok(port) = hint.rsplit(':').next().unwrap_or(hint).parse::<u16>() {
        return match port {
            5432 | 3306 | 6432 | 27017 => Some(Tier::Database),
            6379 | 11211 => Some(Tier::Cache),
            9090 | 9093 | 9100 => Some(Tier::Observability),
            22 => Some(Tier::Access),
            _ => None,
        };
    }
    let (name, value) = hint.split_once('=').unwrap_or(("", hint));
    if name.is_empty() || name.contains("name") || name.contains("component") || name == "app" || name == "engine" {
        return by_words(value.rsplit('/').next().unwrap_or(value));
    }
    None
}

fn matches(pattern: &str, id: &ComponentId) -> bool {
    let name = id.name.as_str();
    if pattern.contains('/') {
        return glob(pattern, &format!("{}/{name}", id.scope.as_str()));
    }
    glob(pattern, name)
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(found) = rest.find(part) else { return false };
        rest = rest.get(found + part.len()..).unwrap_or("");
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_placed_by_rule_kind_name_or_signals() {
        let cases: [(Kind, &str, &str, &[&str], Tier); 18] = [
            (Kind::Deployment, "shop", "frontend", &[], Tier::Application),
            (Kind::Rollout, "shop", "api-gateway", &[], Tier::Application),
            (Kind::Deployment, "shop", "worker", &[], Tier::Application),
            (Kind::Deployment, "shop", "pgbouncer", &[], Tier::Database),
            (Kind::StatefulSet, "shop", "redis-master", &[], Tier::Cache),
            (Kind::Deployment, "shop", "postgres-exporter", &[], Tier::Observability),
            (Kind::Deployment, "monitoring", "kube-state-metrics", &[], Tier::Observability),
            (Kind::DaemonSet, "monitoring", "node-exporter", &[], Tier::Observability),
            (Kind::Deployment, "kube-system", "coredns", &[], Tier::Host),
            (Kind::LoadBalancer, "eu-west-1", "app/shop/1", &[], Tier::LoadBalancer),
            (Kind::Distribution, "", "E2", &[], Tier::Edge),
            (Kind::WebAcl, "", "acl", &[], Tier::Security),
            (Kind::DbInstance, "", "orders", &[], Tier::Database),
            (Kind::Endpoint, "", "ssh bastion-2", &[], Tier::Access),
            (Kind::Endpoint, "", "dns", &[], Tier::Edge),
            (Kind::Service, "", "localhost:9100", &["host"], Tier::Host),
            (Kind::Service, "", "10.1.2.3:9187", &["db"], Tier::Database),
            (Kind::Deployment, "legacy", "billing", &[], Tier::Storage),
        ];
        let rules = [TierRule { name: "legacy/*".to_owned(), tier: Tier::Storage }];
        for (kind, scope, name, systems, expected) in cases {
            let id = ComponentId::new(kind, scope, name);
            assert_eq!(tier_of(&id, None, &rules, systems).0, expected, "{id:?}");
        }
    }

    #[test]
    fn globs_match_any_run() {
        for (pattern, text, expected) in [
            ("api-*", "api-gateway", true),
            ("*-db", "orders-db", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
