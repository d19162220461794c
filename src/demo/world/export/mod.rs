//! From the model to the stores: one exporter per kind of observation.

mod aws;
mod cloudwatch;
pub mod kube;
mod network;
mod prometheus;

pub use aws::database_endpoint;

use crate::demo::store::Stores;

use super::alerts;
use super::model::Model;
use super::shop::Shop;
use super::{COARSE, SCRAPE};

/// All exporters of a world.
#[derive(Debug)]
pub struct Exporters {
    prometheus: prometheus::Prometheus,
    cloudwatch: cloudwatch::Exporter,
    pub kube: kube::Exporter,
    alerts: alerts::Evaluator,
}

impl Exporters {
    /// Also writes what never changes.
    pub fn new(stores: &mut Stores, shop: &'static Shop, seed: u64, now: i64) -> Self {
        aws::describe(&mut stores.aws, shop, seed, now);
        network::describe(&mut stores.network, shop, now);
        stores.alerting.rules = alerts::rules();
        Self {
            prometheus: prometheus::Prometheus::new(&mut stores.tsdb, SCRAPE),
            cloudwatch: cloudwatch::Exporter::new(&mut stores.cloudwatch, shop, now),
            kube: kube::Exporter::new(&mut stores.kube, shop, seed, now),
            alerts: alerts::Evaluator::default(),
        }
    }

    /// Takes in a step of `elapsed` ms.
    pub fn record(&mut self, model: &Model, stores: &mut Stores, elapsed: i64) {
        self.cloudwatch.record(model, &mut stores.cloudwatch, elapsed);
        self.prometheus.accumulate(model, elapsed as f64 / 1_000.0);
        if elapsed == COARSE || model.at % SCRAPE == 0 {
            self.alerts.evaluate(model, &mut stores.alerting);
            if model.monitoring_up {
                self.prometheus.scrape(model, &stores.alerting, &mut stores.tsdb);
            }
        }
    }

    /// Brings what is a state and not a history up to the model's: inventories, objects, targets, alarms.
    pub fn settle(&mut self, model: &mut Model, stores: &mut Stores) {
        let notices = std::mem::take(&mut model.notices);
        self.kube.settle(model, &notices, &mut stores.kube);
        aws::follow(&mut stores.aws, model);
        network::follow(&mut stores.network, model);
        self.cloudwatch.judge(model.at, &mut stores.cloudwatch);
        self.prometheus.list_targets(&mut stores.tsdb);
    }
}
