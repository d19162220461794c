//! Alerts as Prometheus evaluates them and Alertmanager hands them on.

/// An alerting rule of the world.
#[derive(Clone, Debug)]
pub struct Rule {
    pub group: &'static str,
    pub name: &'static str,
    pub expression: String,
    /// `for`, in milliseconds.
    pub hold: i64,
    pub severity: &'static str,
    pub summary: String,
    pub runbook_url: String,
    pub extra_labels: Vec<(&'static str, String)>,
}

/// One alert instance. Pending until it has lasted its rule's `hold`.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub rule: &'static str,
    pub labels: Vec<(String, String)>,
    pub annotations: Vec<(String, String)>,
    pub value: f64,
    pub active_at: i64,
    pub firing: bool,
}

#[derive(Debug, Default)]
pub struct Alerting {
    pub rules: Vec<Rule>,
    pub alerts: Vec<Alert>,
}
