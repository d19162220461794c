//! What Prometheus scrapes: names, labels and units as the real exporters expose them (facts/signals.md part 2).

mod app;
mod cluster;
mod histogram;
mod hosts;
mod metadata;
mod own;
mod page;
mod platform;
mod postgres;
mod stores;

use crate::demo::store::alerting::Alerting;
use crate::demo::store::tsdb::{Target, Tsdb};
use crate::demo::world::cluster::Workload;
use crate::demo::world::model::Model;
use crate::demo::world::pod::Pod;
pub use cluster::memory;
pub use hosts::node_load;
use page::Pages;

/// Scrapes the world.
#[derive(Debug)]
pub struct Prometheus {
    pages: Pages,
    app: app::App,
    platform: platform::Platform,
    /// Seconds since the scrape before.
    elapsed: f64,
}

impl Prometheus {
    pub fn new(tsdb: &mut Tsdb, scrape_interval: i64) -> Self {
        tsdb.scrape_interval = scrape_interval;
        tsdb.metadata = metadata::table();
        Self {
            pages: Pages::default(),
            app: app::App::default(),
            platform: platform::Platform::default(),
            elapsed: 0.0,
        }
    }

    /// Counts what happened in a step of `seconds`.
    pub fn accumulate(&mut self, model: &Model, seconds: f64) {
        self.elapsed += seconds;
        self.app.accumulate(model, seconds);
    }

    /// Scrapes every target.
    pub fn scrape(&mut self, model: &Model, alerting: &Alerting, tsdb: &mut Tsdb) {
        self.pages.at = model.at;
        self.pages.elapsed = std::mem::take(&mut self.elapsed);
        self.app.scrape(model, &mut self.pages, tsdb);
        cluster::scrape(model, &mut self.pages, tsdb);
        hosts::scrape(model, &mut self.pages, tsdb);
        stores::scrape(model, &mut self.pages, tsdb);
        postgres::scrape(model, &mut self.pages, tsdb);
        self.platform.scrape(model, &mut self.pages, tsdb);
        own::scrape(model, alerting, &mut self.pages, tsdb);
        self.pages.sweep(tsdb);
    }

    /// Fills the list of targets from the series `up` of the last scrape.
    pub fn list_targets(&self, tsdb: &mut Tsdb) {
        let target = |id| {
            let series = tsdb.get(id)?;
            let last = series.samples.last().filter(|s| s.at == self.pages.at && !s.is_stale_marker())?;
            let up = last.value > 0.5;
            Some(Target {
                job: series.labels.get("job").to_owned(),
                instance: series.labels.get("instance").to_owned(),
                up,
                last_scrape: last.at,
                last_error: if up { String::new() } else { "connection refused".to_owned() },
            })
        };
        tsdb.targets = tsdb.by_name("up").iter().copied().filter_map(target).collect();
    }
}

/// Writes `up` of a pod and tells whether it can be scraped.
fn reached(model: &Model, pod: &Pod, base: &[(&str, &str)], pages: &mut Pages, tsdb: &mut Tsdb) -> bool {
    let answers = pod.answers(model.at);
    pages.write(tsdb, ("up", pod.id), base, pod.created_at, |w| w.gauge("up", &[], if answers { 1.0 } else { 0.0 }));
    answers
}

/// The pods of a workload that were started, which makes them targets.
fn running<'a>(model: &'a Model, name: &str) -> impl Iterator<Item = (&'a Workload, &'a Pod)> {
    let at = model.at;
    let workload = model.workload(name);
    workload.into_iter().flat_map(move |w| w.pods.iter().filter(move |p| p.started(at)).map(move |p| (w, p)))
}
