//! Settings to sources.

use futures::future::BoxFuture;

use crate::clients::egress::Egress;
use crate::clients::kube::Proxy;
use crate::domain::error::Fault;
use crate::domain::settings::{AwsSettings, KubernetesSettings, PrometheusSettings, Settings};
use crate::model::board::SourceKind;
use crate::sources::Source;
use crate::sources::alertmanager::AlertmanagerSource;
use crate::sources::kubernetes::KubernetesSource;
use crate::sources::probe::ProbeSource;
use crate::sources::prometheus::{PrometheusSource, Transport};

/// The sources of one entry of the configuration; most have one, an AWS account has one for each service.
pub type Building = BoxFuture<'static, Result<Vec<Box<dyn Source>>, Fault>>;

/// What will be built, with the name and kind under which a failure to build it is shown.
pub struct Entry {
    pub name: String,
    pub kind: SourceKind,
    pub build: Building,
}

/// Every entry of the settings, in the order of the header.
pub fn entries(settings: &Settings) -> Vec<Entry> {
    let egress = if settings.egress.loopback_only { Egress::LoopbackOnly } else { Egress::Open };
    let mut entries = Vec::new();
    let mut add = |name: &str, kind, build: Building| entries.push(Entry { name: name.to_owned(), kind, build });
    for kubernetes in &settings.kubernetes {
        let source = KubernetesSource::new(kubernetes, egress);
        add(&kubernetes.name, SourceKind::Kubernetes, ready(Ok(source)));
    }
    for prometheus in &settings.prometheus {
        add(&prometheus.name, SourceKind::Prometheus, ready(prometheus_source(prometheus, settings, egress)));
    }
    for alertmanager in &settings.alertmanager {
        let source = AlertmanagerSource::new(alertmanager, egress);
        add(&alertmanager.name, SourceKind::Alertmanager, ready(source));
    }
    for aws in &settings.aws {
        add(&aws.name, SourceKind::Aws, aws_sources(aws.clone(), egress));
    }
    if !settings.probe.is_empty() {
        let source = ProbeSource::new("probes", &settings.probe, egress);
        add("probes", SourceKind::Probe, ready(source));
    }
    entries
}

fn ready<S: Source + 'static>(source: Result<S, Fault>) -> Building {
    Box::pin(async move { Ok(vec![Box::new(source?) as Box<dyn Source>]) })
}

fn aws_sources(settings: AwsSettings, egress: Egress) -> Building {
    Box::pin(async move { crate::sources::aws::open(&settings, egress).await })
}

fn prometheus_source(
    prometheus: &PrometheusSettings,
    settings: &Settings,
    egress: Egress,
) -> Result<PrometheusSource, Fault> {
    let source = PrometheusSource::new(prometheus, egress, transport(prometheus, &settings.kubernetes, egress))?;
    Ok(if settings.alertmanager.is_empty() { source } else { source.without_alerts() })
}

/// Directly, or through the cluster that the configuration's check has found.
fn transport(prometheus: &PrometheusSettings, clusters: &[KubernetesSettings], egress: Egress) -> Transport {
    let through = prometheus.through.as_ref().and_then(|proxy| {
        let cluster = clusters.iter().find(|cluster| cluster.name == proxy.kubernetes)?;
        Some(Transport::Kubernetes(Box::new(Proxy::new(cluster.clone(), proxy.clone(), egress))))
    });
    through.unwrap_or_else(|| Transport::Direct(prometheus.url.clone().unwrap_or_default()))
}
