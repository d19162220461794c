//! Probes from this host: what users and operators would meet themselves.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};

use super::{Cadence, Outlet, Source};
use crate::clients::egress::Egress;
use crate::clients::probe::read::{Report, Target, Trust, Verdict, probe};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::id::{Alias, ComponentId, Kind, SourceId};
use crate::domain::reading::{Provenance, Query};
use crate::domain::settings::{ProbeKind, ProbeSettings};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::domain::unit::Statistic;
use crate::model::board::SourceKind;
use crate::model::facts::{Fact, Observation, Point, ProbeFact, ProbeOutcome, SignalFact};
use crate::shown;

/// World time between two rounds.
const EVERY: Duration = Duration::from_secs(5);
/// Human time for a round: every probe has 2 s of its own.
const DEADLINE: Duration = Duration::from_secs(5);
/// Probes under way at once.
const AT_ONCE: usize = 32;

/// All configured probes.
pub struct ProbeSource {
    name: SourceId,
    endpoint: Raw,
    probes: Vec<Probe>,
}

struct Probe {
    name: Raw,
    component: ComponentId,
    tier: Option<Tier>,
    words: Raw,
    target: Target,
    provenance: Arc<Provenance>,
}

impl ProbeSource {
    /// Checks every probe's settings; nothing is sent.
    ///
    /// # Errors
    /// [`FaultKind::Usage`] that names the probe: an address without port or outside `egress`, a CA file that cannot be
    /// used, a DNS probe without a question.
    pub fn new(name: &str, probes: &[ProbeSettings], egress: Egress) -> Result<Self, Fault> {
        let name = SourceId::new(name);
        let probes =
            probes.iter().map(|settings| prepare(&name, settings, egress)).collect::<Result<Vec<_>, Fault>>()?;
        let endpoint = Raw::from(format!("{} probes from this host", probes.len()));
        Ok(Self { name, endpoint, probes })
    }
}

fn prepare(source: &SourceId, settings: &ProbeSettings, egress: Egress) -> Result<Probe, Fault> {
    let wrong = |what: &'static str, hint: &'static str| {
        Fault::new(FaultKind::Usage, shown!("probe {}: {}", Raw::new(&settings.name), what), Shown::fixed(hint))
    };
    let (host, port) = split(&settings.address).ok_or_else(|| wrong("address has no port", "write host:port"))?;
    egress.check(host)?;
    let query = settings.query.clone().unwrap_or_default();
    if settings.kind == ProbeKind::Dns && query.is_empty() {
        return Err(wrong("dns needs a query", "add query = \"the.name.to.ask.for\""));
    }
    let path = settings.path.clone().unwrap_or_else(|| "/".to_owned());
    let server_name = settings.server_name.clone().unwrap_or_else(|| host.to_owned());
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !path.starts_with('/') || !plain(&path) {
        return Err(wrong("path is not a path", "start it with / and encode spaces"));
    }
    if !plain(&server_name) {
        return Err(wrong("server_name is not a name", "write the name in the certificate"));
    }
    let trust = match settings.kind {
        ProbeKind::Tls | ProbeKind::Https => Some(Trust::load(settings.ca_file.as_deref())?),
        _ => None,
    };
    let words = match settings.kind {
        ProbeKind::Dns => format!("dns {query} @{}", settings.address),
        ProbeKind::Http | ProbeKind::Https => format!("{} {}{path}", word(settings.kind), settings.address),
        kind => format!("{} {}", word(kind), settings.address),
    };
    let words = Raw::from(words);
    let component = settings.component.as_deref().unwrap_or(&settings.name);
    Ok(Probe {
        name: Raw::new(&settings.name),
        component: ComponentId::new(Kind::Endpoint, "", component),
        tier: settings.tier,
        target: Target { kind: settings.kind, host: host.to_owned(), port, query, server_name, path, trust },
        provenance: Arc::new(Provenance {
            source: source.clone(),
            endpoint: Raw::new(&settings.address),
            query: Query::Probe(words.clone()),
            statistic: Statistic::Last,
            period: EVERY,
            delay: Duration::ZERO,
            threshold_origin: "default",
        }),
        words,
    })
}

/// Host, without brackets, and port.
fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    Some((host, port.parse().ok()?)).filter(|(host, port)| !host.is_empty() && *port > 0)
}

const fn word(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Dns => "dns",
        ProbeKind::Tcp => "tcp",
        ProbeKind::Tls => "tls",
        ProbeKind::Http => "http",
        ProbeKind::Https => "https",
        ProbeKind::Ssh => "ssh",
        ProbeKind::Postgres => "postgres",
        ProbeKind::Redis => "redis",
        ProbeKind::Mysql => "mysql",
    }
}

impl Probe {
    async fn run(&self, outlet: &dyn Outlet) -> Vec<Fact> {
        let started = outlet.now();
        let unix = u64::try_from(started.millis() / 1000).unwrap_or(0);
        let report = probe(&self.target, unix).await;
        self.facts(report, outlet.now())
    }

    fn facts(&self, report: Report, at: Stamp) -> Vec<Fact> {
        let ends = report.certificate_ends.map(|secs| Stamp::from_millis(secs.saturating_mul(1000)));
        let mut facts = Vec::new();
        let mut signal = |id: &'static str, value: f64| {
            facts.push(Fact::Signal(SignalFact {
                subject: Alias::Component(self.component.clone()),
                member: Some(self.name.clone()),
                version: None,
                peer: None,
                signal: id,
                points: vec![Point { at, value }],
                provenance: self.provenance.clone(),
            }));
        };
        if let Some(ends) = ends {
            signal("probe.certificate_days", (ends.secs_f64() - at.secs_f64()) / 86_400.0);
        }
        let outcome = match report.verdict {
            Verdict::Up(said) => {
                signal("probe.up", 1.0);
                signal("probe.latency", report.took.as_secs_f64());
                ProbeOutcome::Up { took: report.took, phases: report.phases, certificate_ends: ends, said }
            }
            Verdict::Down(why) => {
                signal("probe.up", 0.0);
                ProbeOutcome::Down { why }
            }
            Verdict::Unclear(why) => ProbeOutcome::Unclear { why },
        };
        facts.push(Fact::Probe(ProbeFact {
            component: self.component.clone(),
            tier: self.tier,
            name: self.name.clone(),
            target: self.words.clone(),
            at,
            outcome,
            provenance: self.provenance.clone(),
        }));
        facts
    }
}

impl Source for ProbeSource {
    fn id(&self) -> SourceId {
        self.name.clone()
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Probe
    }

    fn endpoint(&self) -> Raw {
        self.endpoint.clone()
    }

    fn cadence(&self) -> Cadence {
        Cadence::Poll { every: EVERY, deadline: DEADLINE }
    }

    fn round<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let runs: Vec<BoxFuture<'_, Vec<Fact>>> =
                self.probes.iter().map(|probe| Box::pin(probe.run(outlet)) as BoxFuture<'_, _>).collect();
            let facts: Vec<Fact> = stream::iter(runs).buffered(AT_ONCE).collect::<Vec<_>>().await.concat();
            let source = self.id();
            outlet.observe(Observation { source, scope: "probes", observed_at: outlet.now(), complete: false, facts });
            outlet.alive();
            Ok(())
        })
    }
}
