//! Whether a database takes connections, asked where its clients ask: at the configured probe of its component, else at
//! its endpoint's own name.
//!
//! No account of ours writes to a database, so this is what it can be: a refused, cut or silent greeting is an outage for
//! certain, an answered one says that a server is there. That it is the new primary is told by the engine, and
//! [`crate::operation::verify`] takes both together.

use std::collections::BTreeMap;

use crate::clients::egress::Egress;
use crate::clients::probe::read::{Target, Verdict, probe};
use crate::domain::settings::{ProbeKind, ProbeSettings};
use crate::domain::text::Raw;
use crate::operation::evidence::Evidence;
use crate::shown;

/// The doors of the databases.
pub struct Endpoints {
    /// Kind and address by component, of the probes that greet a database.
    probes: BTreeMap<String, (ProbeKind, String)>,
    egress: Egress,
}

impl Endpoints {
    #[must_use]
    pub fn new(probes: &[ProbeSettings], egress: Egress) -> Self {
        let greets = |probe: &&ProbeSettings| {
            matches!(probe.kind, ProbeKind::Postgres | ProbeKind::Mysql | ProbeKind::Redis | ProbeKind::Tcp)
        };
        let known = probes.iter().filter(greets).map(|probe| {
            let component = probe.component.clone().unwrap_or_else(|| probe.name.clone());
            (component, (probe.kind, probe.address.clone()))
        });
        Self { probes: known.collect(), egress }
    }

    /// Greets the database of a component once, within the probe's own deadline.
    pub async fn greet(&self, component: &Raw, address: &Raw) -> Evidence {
        let probed = self.probes.get(component.as_str()).cloned();
        let (kind, door) = probed.unwrap_or_else(|| (ProbeKind::Tcp, address.as_str().to_owned()));
        let unclear = |why| Evidence::Writes { accepted: None, why };
        let Some((host, port)) = door.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) else {
            return unclear(shown!("{} has no port", Raw::new(&door)));
        };
        if self.egress.check(host).is_err() {
            return unclear(shown!("{} may not be asked from here", Raw::new(&door)));
        }
        let target = Target {
            kind,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            query: String::new(),
            server_name: String::new(),
            path: String::new(),
            trust: None,
        };
        match probe(&target, 0).await.verdict {
            Verdict::Up(said) => Evidence::Writes { accepted: Some(true), why: said.shown() },
            Verdict::Down(why) => Evidence::Writes { accepted: Some(false), why },
            Verdict::Unclear(why) => unclear(why),
        }
    }
}
