//! What a demo leaves in its folder: a kubeconfig, the config of a console that is pointed at it, and a CA.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::demo::clock::Clock;
use crate::demo::production::Production;
use crate::demo::servers::{Running, kube};

use super::{DemoError, DemoOptions, Endpoints, folder};

const REGION: &str = "eu-west-1";
/// Fixed credentials: no real account takes them.
const ACCESS_KEY: &str = "AKIADEMO";
const SECRET_KEY: &str = "demo";

/// Writes the files and says where everything is.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    folder: &Path,
    options: &DemoOptions,
    production: &Production,
    running: &Running,
) -> Result<Endpoints, DemoError> {
    let url = |server: &str| running.http.get(server).map_or_else(String::new, base_url);
    let kubeconfig = folder.join("kubeconfig");
    let audit_dir = folder.join("state/tierdeck/audit");
    std::fs::create_dir_all(&audit_dir)?;
    folder::write(&kubeconfig, kubeconfig_text(&options.world.world, &url("kubernetes")))?;
    folder::write(&folder.join("ca.pem"), &running.authority)?;
    let endpoints = Endpoints {
        world: options.world.world.clone(),
        scenario: options.world.scenario.clone(),
        seed: options.world.seed,
        folder: folder.to_owned(),
        env: environment(folder, &kubeconfig, &url("aws")),
        kubeconfig,
        prometheus: url("prometheus"),
        alertmanager: url("alertmanager"),
        clock: production.clock(),
        audit_dir,
        config: folder.join("config.toml"),
        probes: running.probes.clone(),
    };
    rewrite_clock(&endpoints, production, running)?;
    Ok(endpoints)
}

/// Writes the config anew with the clock as it is now, in one step for who reads it.
///
/// # Errors
/// When it cannot be written.
pub fn rewrite_clock(endpoints: &Endpoints, production: &Production, running: &Running) -> Result<(), DemoError> {
    let text = toml::to_string(&config(endpoints, production, running))?;
    let fresh = endpoints.folder.join("config.toml.new");
    folder::write(&fresh, text)?;
    Ok(std::fs::rename(&fresh, &endpoints.config)?)
}

/// What `demo --serve --json` prints as one line once everything listens (PRODUCT.md 10).
#[must_use]
pub fn serve_json(endpoints: &Endpoints) -> serde_json::Value {
    let Endpoints {
        world, scenario, seed, kubeconfig, prometheus, alertmanager, env, clock, audit_dir, config, ..
    } = endpoints;
    json!({
        "schema": 1, "world": world, "scenario": scenario, "seed": seed, "kubeconfig": kubeconfig,
        "prometheus": prometheus, "alertmanager": alertmanager, "env": env,
        "clock": {"origin": clock.origin, "world": clock.world, "rate": clock.rate},
        "audit_dir": audit_dir, "config": config,
    })
}

/// The same for people: where everything is, and how to point tools at it.
#[must_use]
pub fn serve_words(endpoints: &Endpoints) -> String {
    let exports: String = endpoints.env.iter().map(|(name, value)| format!("  export {name}={value}\n")).collect();
    format!(
        "world {world}, scenario {scenario}, seed {seed}; ends with ^C or when standard input closes\n\
         console       tierdeck --config {config}\n\
         kubectl       kubectl --kubeconfig {kubeconfig} get pods -A\n\
         prometheus    {prometheus}\n\
         alertmanager  {alertmanager}\n\
         for the AWS CLI:\n{exports}\
         commands: stop|start|hang|refuse|401|403|429|500|truncate|ignore-writes|heed-writes|withhold|answer SERVER,\n\
         \x20         scenario NAME, speed X, requests, undo, abandon-failover\n",
        world = endpoints.world,
        scenario = endpoints.scenario,
        seed = endpoints.seed,
        config = endpoints.config.display(),
        kubeconfig = endpoints.kubeconfig.display(),
        prometheus = endpoints.prometheus,
        alertmanager = endpoints.alertmanager,
    )
}

fn base_url(address: &SocketAddr) -> String {
    format!("http://{address}")
}

/// The context is named after the world.
fn kubeconfig_text(context: &str, server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {context}\n\
         clusters:\n- name: {context}\n  cluster:\n    server: {server}\n\
         contexts:\n- name: {context}\n  context:\n    cluster: {context}\n    user: {user}\n\
         users:\n- name: {user}\n  user:\n    token: {token}\n",
        user = kube::USER,
        token = kube::TOKEN,
    )
}

fn environment(folder: &Path, kubeconfig: &Path, aws: &str) -> BTreeMap<String, String> {
    let inside = |name: &str| folder.join(name).display().to_string();
    let pairs = [
        ("AWS_ENDPOINT_URL", aws.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_CONFIG_FILE", inside("aws-config")),
        ("AWS_SHARED_CREDENTIALS_FILE", inside("aws-credentials")),
        ("KUBECONFIG", kubeconfig.display().to_string()),
        ("XDG_STATE_HOME", inside("state")),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[derive(Serialize)]
struct Config {
    environment: Environment,
    clock: ClockSection,
    egress: Egress,
    kubernetes: Vec<Kubernetes>,
    prometheus: Vec<Url>,
    alertmanager: Vec<Url>,
    aws: Vec<Aws>,
    probe: Vec<Probe>,
}

#[derive(Serialize)]
struct Environment {
    name: &'static str,
    class: &'static str,
}

#[derive(Serialize)]
struct ClockSection {
    origin: i64,
    world: i64,
    rate: f64,
}

impl From<Clock> for ClockSection {
    fn from(Clock { origin, world, rate }: Clock) -> Self {
        Self { origin, world, rate }
    }
}

#[derive(Serialize)]
struct Egress {
    loopback_only: bool,
}

#[derive(Serialize)]
struct Kubernetes {
    name: &'static str,
    kubeconfig: String,
    context: String,
}

#[derive(Serialize)]
struct Url {
    name: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Aws {
    name: &'static str,
    region: &'static str,
    endpoint_url: String,
    access_key_id: &'static str,
    secret_access_key: &'static str,
    monthly_budget_usd: f64,
    cloudfront: BTreeSet<String>,
    web_acls: BTreeSet<String>,
    buckets: BTreeSet<String>,
}

#[derive(Serialize)]
struct Probe {
    name: String,
    kind: &'static str,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
    tier: &'static str,
}

fn config(endpoints: &Endpoints, production: &Production, running: &Running) -> Config {
    let url = |name, url: &String| {
        (!url.is_empty()).then(|| Url { name, url: url.clone() }).into_iter().collect::<Vec<Url>>()
    };
    let ca_file = endpoints.folder.join("ca.pem").display().to_string();
    let probe = |probe: &crate::demo::servers::Probe| Probe {
        name: probe.name.clone(),
        kind: probe.kind,
        address: probe.address.to_string(),
        query: probe.subject.clone().filter(|_| probe.kind == "dns"),
        server_name: probe.subject.clone().filter(|_| probe.kind == "https"),
        ca_file: (probe.kind == "https").then(|| ca_file.clone()),
        tier: probe.tier,
    };
    Config {
        environment: Environment { name: "prod-eu", class: "production" },
        clock: production.clock().into(),
        egress: Egress { loopback_only: true },
        kubernetes: vec![Kubernetes {
            name: "k8s",
            kubeconfig: endpoints.kubeconfig.display().to_string(),
            context: endpoints.world.clone(),
        }],
        prometheus: url("prom", &endpoints.prometheus),
        alertmanager: url("alertmanager", &endpoints.alertmanager),
        aws: aws(production, running),
        probe: running.probes.iter().map(probe).collect(),
    }
}

/// The AWS account. What no Describe call lists is named here, as the metrics of the world name it.
fn aws(production: &Production, running: &Running) -> Vec<Aws> {
    let Some(address) = running.http.get("aws") else { return Vec::new() };
    let values = |namespace: &str, dimension: &str| {
        production.read(|world| {
            let of_namespace = world.stores.cloudwatch.metrics().filter(|(id, _)| id.namespace == namespace);
            let dimensions = of_namespace.flat_map(|(id, _)| &id.dimensions);
            dimensions.filter(|(name, _)| name == dimension).map(|(_, value)| value.clone()).collect()
        })
    };
    vec![Aws {
        name: "aws",
        region: REGION,
        endpoint_url: base_url(address),
        access_key_id: ACCESS_KEY,
        secret_access_key: SECRET_KEY,
        // Nothing is billed here: the world is asked as often as its points come.
        monthly_budget_usd: 1_000.0,
        cloudfront: values("AWS/CloudFront", "DistributionId"),
        web_acls: values("AWS/WAFV2", "WebACL"),
        buckets: values("AWS/S3", "BucketName"),
    }]
}
