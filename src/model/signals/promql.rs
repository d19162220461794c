//! From a row of the catalogue to the text of a query.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

/// The labels of a series, without the metric name.
pub type Labels = BTreeMap<String, String>;

/// Labels that tell revisions of one workload apart, the most telling first (facts/signals.md 2.3).
pub const REVISION: [&str; 5] =
    ["rollouts_pod_template_hash", "pod_template_hash", "version", "service_version", "destination_version"];

/// A question to Prometheus. In `query`, `$M` stands for extra matchers, `$W` for the rate window, `$G` for the grouping
/// labels, `$D` for the metric that was found and `$S` for what stands for the `*` of `detect` in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromQl {
    /// The metric whose existence says that this row applies. Alternatives are parted by `|`; a leading `*` stands for
    /// any beginning.
    pub detect: String,
    /// The row does not apply where this metric exists: another row tells the same better.
    #[serde(default)]
    pub unless: Option<String>,
    /// The labels of the result, by which a query is narrowed to one of its series.
    #[serde(default)]
    pub by: Vec<String>,
    pub query: String,
    /// A comparison that leaves only offenders when all subjects are asked for: an empty answer then means that none is
    /// bad, as long as `detect` exists.
    #[serde(default)]
    pub only: Option<String>,
}

impl PromQl {
    /// Whether this metric makes the row apply.
    #[must_use]
    pub fn detects(&self, metric: &str) -> bool {
        self.detect.split('|').any(|name| match name.strip_prefix('*') {
            Some(end) => metric.len() > end.len() && metric.ends_with(end),
            None => name == metric,
        })
    }

    /// The metrics that detection has to look for, as a regular expression (RE2, anchored).
    #[must_use]
    pub fn detection(&self) -> String {
        self.detect.replace('*', ".+")
    }

    /// Whether the row is about revisions of a workload rather than the whole of it.
    #[must_use]
    pub fn is_per_revision(&self) -> bool {
        self.by.iter().any(|label| REVISION.contains(&label.as_str()))
    }

    /// Whether the row is about calls from one service to another.
    #[must_use]
    pub fn is_per_call(&self) -> bool {
        self.by.iter().any(|label| label == "client" || label == "source_canonical_service")
    }

    /// The query for every subject.
    #[must_use]
    pub fn for_all(&self, metric: &str, window: Duration) -> String {
        let query = self.fill(metric, window, "");
        match &self.only {
            Some(only) => format!("({query}) {only}"),
            None => query,
        }
    }

    /// The query that gives exactly the series with these labels; a label the series lacks must be absent.
    #[must_use]
    pub fn for_one(&self, metric: &str, window: Duration, labels: &Labels) -> String {
        let matchers: Vec<String> = self
            .by
            .iter()
            .map(|name| format!("{name}=\"{}\"", escaped(labels.get(name).map_or("", String::as_str))))
            .collect();
        self.fill(metric, window, &matchers.join(","))
    }

    pub(super) fn a_week_earlier(&self) -> Self {
        Self { query: self.query.replace("[$W]", "[$W] offset 1w"), ..self.clone() }
    }

    /// What stands for the `*` of `detect` in the metric that was found.
    fn stem<'a>(&self, metric: &'a str) -> &'a str {
        self.detect.split('|').find_map(|name| metric.strip_suffix(name.strip_prefix('*')?)).unwrap_or(metric)
    }

    /// The matchers come last, so that nothing in a label's value is taken for a placeholder.
    fn fill(&self, metric: &str, window: Duration, matchers: &str) -> String {
        let query = self
            .query
            .replace("$G", &self.by.join(", "))
            .replace("$W", &duration(window))
            .replace("$D", metric)
            .replace("$S", self.stem(metric));
        if matchers.is_empty() { query.replace(",$M", "").replace("{$M}", "") } else { query.replace("$M", matchers) }
    }
}

/// A duration as PromQL writes it, in whole seconds, at least one.
fn duration(span: Duration) -> String {
    match span.as_secs().max(1) {
        secs if secs.is_multiple_of(60) => format!("{}m", secs / 60),
        secs => format!("{secs}s"),
    }
}

/// A label's value inside a double-quoted PromQL string (the escapes are Go's).
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
