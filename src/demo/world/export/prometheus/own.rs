//! The monitoring stack about itself, and alerts as series.

use crate::demo::store::alerting::Alerting;
use crate::demo::store::tsdb::Tsdb;
use crate::demo::world::SCRAPE;
use crate::demo::world::model::Model;
use crate::demo::world::noise::{digest, mix};
use crate::demo::world::spec::MONITORING;

use super::page::Pages;
use super::running;

pub fn scrape(model: &Model, alerting: &Alerting, pages: &mut Pages, tsdb: &mut Tsdb) {
    prometheus(model, pages, tsdb);
    for (_, pod) in running(model, "alertmanager") {
        let base = target("monitoring/alertmanager", &pod.instance, &pod.name);
        pages.write(tsdb, ("alertmanager", pod.id), &base, pod.created_at, |w| {
            w.gauge("up", &[], 1.0);
            w.gauge("alertmanager_config_last_reload_successful", &[], 1.0);
            for integration in ["slack", "pagerduty"] {
                w.rate("alertmanager_notifications_total", &[("integration", integration)], 0.002);
                w.gauge("alertmanager_notifications_failed_total", &[("integration", integration)], 0.0);
            }
            let firing = alerting.alerts.iter().filter(|a| a.firing).count();
            w.gauge("alertmanager_alerts", &[("state", "active")], firing as f64);
        });
    }
    for (_, pod) in running(model, "grafana") {
        let base = target("monitoring/grafana", &pod.instance, &pod.name);
        pages.write(tsdb, ("grafana", pod.id), &base, pod.created_at, |w| {
            w.gauge("up", &[], 1.0);
            for (code, rate) in [("200", 1.4), ("404", 0.02), ("500", 0.0005)] {
                w.rate("grafana_http_request_duration_seconds_count", &[("status_code", code)], rate);
                w.rate("grafana_http_request_duration_seconds_sum", &[("status_code", code)], rate * 0.04);
            }
        });
    }
    for alert in &alerting.alerts {
        let mut labels = vec![("alertstate", if alert.firing { "firing" } else { "pending" })];
        labels.extend(alert.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        let key = alert.labels.iter().fold(u64::from(alert.firing), |key, (_, v)| mix(key, digest(v)));
        pages.write(tsdb, ("alert", key), &labels, alert.active_at, |w| w.gauge("ALERTS", &[], 1.0));
    }
}

fn prometheus(model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
    let series = tsdb.all().count() as f64;
    // Every series gains a sample with each scrape, however far apart the world's own steps are.
    let appended = series / (SCRAPE as f64 / 1_000.0);
    for (_, pod) in running(model, "prometheus") {
        let base = target("monitoring/prometheus", &pod.instance, &pod.name);
        pages.write(tsdb, ("prometheus", pod.id), &base, pod.created_at, |w| {
            w.gauge("up", &[], 1.0);
            w.rate("prometheus_tsdb_head_samples_appended_total", &[("type", "float")], appended);
            w.gauge("prometheus_tsdb_head_series", &[], series);
            let group = ("rule_group", "/etc/prometheus/rules/shop.yaml;shop");
            w.gauge("prometheus_rule_evaluation_failures_total", &[group], 0.0);
            w.gauge("prometheus_rule_group_last_duration_seconds", &[group], 0.004);
            w.gauge("prometheus_rule_group_interval_seconds", &[group], 15.0);
            w.gauge("prometheus_config_last_reload_successful", &[], 1.0);
            w.gauge("prometheus_engine_queries", &[], 1.0);
            w.gauge("prometheus_engine_queries_concurrent_max", &[], 20.0);
            let alertmanager = ("alertmanager", "http://alertmanager.monitoring.svc:9093/api/v2/alerts");
            w.rate("prometheus_notifications_sent_total", &[alertmanager], 1.0 / 60.0);
            w.gauge("prometheus_notifications_errors_total", &[alertmanager], 0.0);
            w.gauge("prometheus_notifications_alertmanagers_discovered", &[], 1.0);
        });
    }
}

fn target<'a>(job: &'a str, instance: &'a str, pod: &'a str) -> [(&'a str, &'a str); 4] {
    [("job", job), ("instance", instance), ("namespace", MONITORING), ("pod", pod)]
}
