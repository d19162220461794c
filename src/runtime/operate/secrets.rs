//! What this process has read and no record may hold: credentials of every system it is configured for. What a credential
//! plugin hands to the Kubernetes client stays in there; such tokens are found by their shape.

use std::sync::Arc;

use super::door::{Door, Order, Secret};
use super::systems::Systems;
use crate::audit::record::redact::names_secret;
use crate::clients::kube;
use crate::domain::settings::Settings;

/// A token in a file is shorter than this.
const LARGEST: u64 = 64 << 10;

/// Tells all of them, each as soon as it is read.
pub async fn tell(settings: Settings, systems: Arc<Systems>, door: Door) {
    let learn = |secret: String| {
        let secret = secret.trim().to_owned();
        if !secret.is_empty() {
            door.order(Order::Secret(Secret(secret)));
        }
    };
    for secret in configured(&settings).into_iter().chain(proxies()) {
        learn(secret);
    }
    for cluster in &settings.kubernetes {
        let given = kube::secrets(cluster, systems.egress()).await.into_iter();
        // A plugin's profile or region is no secret: masking it would blacken the environment's own name.
        given.filter(|(name, _)| names_secret(name)).for_each(|(_, value)| learn(value));
    }
    for account in &settings.aws {
        if let Ok(connection) = systems.account(&account.region).await {
            connection.secrets().await.into_iter().for_each(learn);
        }
    }
}

/// From the configuration and the files it names.
fn configured(settings: &Settings) -> Vec<String> {
    let headers = settings.prometheus.iter().flat_map(|prometheus| &prometheus.headers);
    let headers = headers.filter(|(name, _)| names_secret(name)).flat_map(|(_, value)| {
        // With and without its scheme: `Basic`, `Bearer`.
        [value.clone(), value.split_whitespace().last().unwrap_or_default().to_owned()]
    });
    let bearers = settings.prometheus.iter().map(|prometheus| &prometheus.bearer_file);
    let bearers = bearers.chain(settings.alertmanager.iter().map(|alertmanager| &alertmanager.bearer_file));
    let bearers = bearers.flatten().filter_map(|file| crate::domain::file::read_text(file, LARGEST).ok());
    let fixed = settings.aws.iter().filter_map(|account| account.secret_access_key.clone());
    headers.chain(bearers).chain(fixed).collect()
}

/// User and password of the proxies that the environment names.
fn proxies() -> Vec<String> {
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    names.into_iter().filter_map(|name| std::env::var(name).ok()).flat_map(|url| kube::userinfo(&url)).collect()
}
