//! What TOML's types cannot say: names that must be unique, references that must exist, numbers that mean nothing, files
//! that cannot be read.

use std::collections::BTreeSet;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::sinks;
use crate::domain::file::{self, FileError};
use crate::domain::settings::{ProbeKind, Settings};

/// The latest time a clock may show, ms since the Unix epoch: the end of the year 9999.
const LATEST: i64 = 253_402_300_799_999;
/// The longest latency target, ms.
const LONGEST_MS: f64 = 600_000.0;
/// The longest recovery point objective, seconds: a year.
const LONGEST_RPO: f64 = 31_536_000.0;
/// The largest monthly budget, USD.
const LARGEST_BUDGET: f64 = 1e6;

/// A mistake and where in the file it is.
#[derive(Debug)]
pub struct Mistake {
    /// Keys and numbers of elements down from the top, as `probe.1.address`.
    path: String,
    pub message: String,
}

impl Mistake {
    pub fn new(path: impl Into<String>, message: String) -> Self {
        Self { path: path.into(), message }
    }

    /// Byte offset of the value in the file; of the table that should hold it, when it is missing.
    pub fn offset(&self, text: &str) -> usize {
        let Ok(table) = DeTable::parse(text) else { return 0 };
        let mut at = 0;
        let mut below: Option<&DeValue<'_>> = None;
        for step in self.path.split('.') {
            let value = match below {
                None => table.get_ref().get(step),
                Some(DeValue::Table(table)) => table.get(step),
                Some(DeValue::Array(array)) => step.parse::<usize>().ok().and_then(|index| array.get(index)),
                Some(_) => None,
            };
            let Some(value) = value else { break };
            at = value.span().start;
            below = Some(value.get_ref());
        }
        at
    }
}

/// The first mistake, in the order of the checks.
pub fn first_mistake(settings: &Settings) -> Option<Mistake> {
    names(settings)
        .or_else(|| urls(settings))
        .or_else(|| prometheus(settings))
        .or_else(|| aws(settings))
        .or_else(|| probes(settings))
        .or_else(|| dependencies(settings))
        .or_else(|| targets(settings))
        .or_else(|| sinks::first_mistake(settings))
        .or_else(|| clock(settings))
}

/// The first file that is named and cannot be read because of what it is. One that is missing is told by its source: it
/// may still come, as a token does that another program writes.
pub fn first_unreadable(settings: &Settings) -> Option<Mistake> {
    let kubeconfigs = settings.kubernetes.iter().map(|s| s.kubeconfig.as_deref());
    let prometheus = settings.prometheus.iter().map(|s| s.bearer_file.as_deref());
    let alertmanager = settings.alertmanager.iter().map(|s| s.bearer_file.as_deref());
    let authorities = settings.probe.iter().map(|s| s.ca_file.as_deref());
    let all = named("kubernetes", "kubeconfig", file::KUBECONFIG_CAP, kubeconfigs);
    let all = all.chain(named("prometheus", "bearer_file", file::TEXT_CAP, prometheus));
    let all = all.chain(named("alertmanager", "bearer_file", file::TEXT_CAP, alertmanager));
    let sinks = settings.audit.sink.iter().map(|s| s.ca_file.as_deref());
    let all = all.chain(named("audit.sink", "ca_file", file::TEXT_CAP, sinks));
    let mut all = all.chain(named("probe", "ca_file", file::TEXT_CAP, authorities));
    all.find_map(|(path, file, cap)| match file::check(file, cap) {
        Ok(()) | Err(FileError::Unreadable(_)) => None,
        Err(error) => Some(Mistake::new(path, format!("{} {error}", file.display()))),
    })
}

fn named<'a>(
    table: &'static str,
    key: &'static str,
    cap: u64,
    files: impl Iterator<Item = Option<&'a Path>>,
) -> impl Iterator<Item = (String, &'a Path, u64)> {
    files.enumerate().filter_map(move |(index, file)| Some((format!("{table}.{index}.{key}"), file?, cap)))
}

fn names(settings: &Settings) -> Option<Mistake> {
    let place = |table: &'static str| move |(index, name)| (format!("{table}.{index}.name"), name);
    let all = settings.kubernetes.iter().map(|s| &s.name).enumerate().map(place("kubernetes"));
    let all = all.chain(settings.prometheus.iter().map(|s| &s.name).enumerate().map(place("prometheus")));
    let all = all.chain(settings.alertmanager.iter().map(|s| &s.name).enumerate().map(place("alertmanager")));
    let all = all.chain(settings.aws.iter().map(|s| &s.name).enumerate().map(place("aws")));
    let mut seen = BTreeSet::new();
    for (path, name) in all {
        if name.trim().is_empty() {
            return Some(Mistake::new(path, "a source needs a name".to_owned()));
        }
        if !seen.insert(name) {
            return Some(Mistake::new(path, format!("two sources are named `{name}`; give each a name of its own")));
        }
    }
    None
}

fn urls(settings: &Settings) -> Option<Mistake> {
    let place = |table: &'static str, key: &'static str| move |(index, url)| (format!("{table}.{index}.{key}"), url);
    let all = settings.prometheus.iter().map(|s| s.url.as_ref()).enumerate().map(place("prometheus", "url"));
    let all =
        all.chain(settings.alertmanager.iter().map(|s| Some(&s.url)).enumerate().map(place("alertmanager", "url")));
    let mut all =
        all.chain(settings.aws.iter().map(|s| s.endpoint_url.as_ref()).enumerate().map(place("aws", "endpoint_url")));
    all.find_map(|(path, url)| Some(Mistake::new(path, wrong_url(url?)?)))
}

/// What is wrong with the base URL of an API.
fn wrong_url(url: &str) -> Option<String> {
    let web = url.parse::<http::Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    // What follows the path may hold a token: it is not repeated.
    let told = url.split(['?', '#']).next().unwrap_or_default();
    let told = if told.len() < url.len() { format!("{told}…") } else { told.to_owned() };
    // A URL that cannot be read may still hold a password: it is then not repeated.
    if url.contains('@') && web.as_ref().is_none_or(|uri| authority_of(uri).contains('@')) {
        return Some("credentials do not belong into a URL; use bearer_file or a header".to_owned());
    }
    let Some(uri) = web else {
        return Some(format!("`{told}` is no URL; write it like `https://prometheus.example:9090`"));
    };
    let port = authority_of(&uri).rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Some(format!("the port of `{told}` is none; ports are 1 to 65535"));
    }
    if uri.query().is_some() || url.contains('#') {
        return Some(format!("`{told}` has more than a path; write only what stands before `/api`"));
    }
    None
}

fn authority_of(uri: &http::Uri) -> &str {
    uri.authority().map_or("", http::uri::Authority::as_str)
}

fn prometheus(settings: &Settings) -> Option<Mistake> {
    for (index, source) in settings.prometheus.iter().enumerate() {
        let at = |key: &str, message| Some(Mistake::new(format!("prometheus.{index}.{key}"), message));
        match (&source.url, &source.through) {
            (Some(_), None) => {}
            (None, Some(proxy)) if !settings.kubernetes.iter().any(|k| k.name == proxy.kubernetes) => {
                return at("through.kubernetes", format!("there is no [[kubernetes]] named `{}`", proxy.kubernetes));
            }
            (None, Some(proxy)) if proxy.port == 0 => {
                return at("through.port", "0 is no port; ports are 1 to 65535".to_owned());
            }
            (None, Some(_)) => {}
            _ => return at("name", format!("prometheus `{}` needs either `url` or `through`", source.name)),
        }
    }
    None
}

fn aws(settings: &Settings) -> Option<Mistake> {
    for (index, source) in settings.aws.iter().enumerate() {
        let at = |key: &str, message: String| Some(Mistake::new(format!("aws.{index}.{key}"), message));
        let fixed = source.access_key_id.as_ref().map(|_| "access_key_id");
        let fixed = fixed.or(source.secret_access_key.as_ref().map(|_| "secret_access_key"));
        if let Some(key) = fixed.filter(|_| !settings.egress.loopback_only) {
            let why = "credentials do not belong into this file: use a profile, the environment or a role \
                 (fixed ones are only for egress.loopback_only)";
            return at(key, why.to_owned());
        }
        if source.region.trim().is_empty() {
            return at("region", format!("aws `{}` needs a region", source.name));
        }
        if !is_within(source.monthly_budget_usd, LARGEST_BUDGET) {
            let fix = "is more than 0 and at most 1000000 USD; leave [[aws]] out to ask CloudWatch nothing";
            return at("monthly_budget_usd", format!("a budget {fix}"));
        }
    }
    None
}

fn probes(settings: &Settings) -> Option<Mistake> {
    for (index, probe) in settings.probe.iter().enumerate() {
        let at = |key: &str, message| Some(Mistake::new(format!("probe.{index}.{key}"), message));
        let port = probe.address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        if port.is_none_or(|(host, port)| host.is_empty() || port == 0) {
            return at("address", format!("`{}` is no address; write `host:port`", probe.address));
        }
        if probe.kind == ProbeKind::Dns && probe.query.as_ref().is_none_or(String::is_empty) {
            return at("name", format!("probe `{}` of kind dns needs `query`, the name to ask for", probe.name));
        }
    }
    None
}

fn dependencies(settings: &Settings) -> Option<Mistake> {
    let index = settings.dependency.iter().position(|dependency| dependency.port == Some(0))?;
    Some(Mistake::new(
        format!("dependency.{index}.port"),
        "0 is no port; ports are 1 to 65535, or leave it out".to_owned(),
    ))
}

fn targets(settings: &Settings) -> Option<Mistake> {
    let target = &settings.target;
    let checks = [
        ("application_p95_ms", target.application_p95_ms, LONGEST_MS, "milliseconds"),
        ("database_avg_ms", target.database_avg_ms, LONGEST_MS, "milliseconds"),
        ("cache_avg_ms", target.cache_avg_ms, LONGEST_MS, "milliseconds"),
        ("edge_p95_ms", target.edge_p95_ms, LONGEST_MS, "milliseconds"),
        ("load_balancer_p95_ms", target.load_balancer_p95_ms, LONGEST_MS, "milliseconds"),
        ("rpo_seconds", target.rpo_seconds, LONGEST_RPO, "seconds"),
        ("error_ratio_warn", target.error_ratio_warn, 1.0, "as a ratio (0.01 is 1 %)"),
        ("error_ratio_critical", target.error_ratio_critical, 1.0, "as a ratio (0.05 is 5 %)"),
    ];
    for (key, value, most, unit) in checks {
        if value.is_some_and(|value| !is_within(value, most)) {
            return Some(Mistake::new(
                format!("target.{key}"),
                format!("{key} is more than 0 and at most {most} {unit}"),
            ));
        }
    }
    let (warn, critical) = (target.error_ratio_warn?, target.error_ratio_critical?);
    (warn > critical).then(|| {
        let message = format!("error_ratio_warn ({warn}) is above error_ratio_critical ({critical}); swap them");
        Mistake::new("target.error_ratio_warn", message)
    })
}

fn clock(settings: &Settings) -> Option<Mistake> {
    let clock = settings.clock?;
    let rate = clock.rate;
    if !(rate.is_finite() && (0.0..=1000.0).contains(&rate)) {
        let message = format!("a clock cannot run at rate {rate}; use 0 (it stands still) to 1000");
        return Some(Mistake::new("clock.rate", message));
    }
    let far = [("clock.origin", clock.origin), ("clock.world", clock.world)];
    let (path, at) = far.into_iter().find(|(_, at)| !(0..=LATEST).contains(at))?;
    Some(Mistake::new(path, format!("{at} is no time; write milliseconds since 1970, up to the year 9999")))
}

/// Above 0, at most `most`: neither NaN nor an infinity is.
fn is_within(value: f64, most: f64) -> bool {
    value > 0.0 && value <= most
}
