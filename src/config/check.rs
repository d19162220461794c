//! What TOML's types cannot say: names that must be unique, references that must exist, combinations that must not be.

use std::collections::BTreeSet;

use crate::domain::settings::{ProbeKind, Settings};

/// A mistake and a text to look for in the file, so that the error can point at it.
#[derive(Debug)]
pub struct Mistake {
    /// Looked for as it stands; the first place outside comments where it occurs is where the error points.
    needle: String,
    pub message: String,
}

impl Mistake {
    fn new(needle: &str, message: String) -> Self {
        Self { needle: needle.to_owned(), message }
    }

    /// Byte offset of the mistake in the file, 0 when it is about something that is missing.
    pub fn offset(&self, text: &str) -> usize {
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let found = if line.trim_start().starts_with('#') { None } else { line.find(&self.needle) };
            if let Some(within) = found {
                return start + within;
            }
            start += line.len();
        }
        0
    }
}

/// The first mistake, in the order of the checks.
pub fn first_mistake(settings: &Settings) -> Option<Mistake> {
    names(settings)
        .or_else(|| urls(settings))
        .or_else(|| prometheus(settings))
        .or_else(|| aws(settings))
        .or_else(|| probes(settings))
        .or_else(|| clock(settings))
}

fn names(settings: &Settings) -> Option<Mistake> {
    let all = settings.kubernetes.iter().map(|s| &s.name);
    let all = all.chain(settings.prometheus.iter().map(|s| &s.name));
    let all = all.chain(settings.alertmanager.iter().map(|s| &s.name)).chain(settings.aws.iter().map(|s| &s.name));
    let mut seen = BTreeSet::new();
    for name in all {
        if name.trim().is_empty() {
            return Some(Mistake::new("name = \"\"", "a source needs a name".to_owned()));
        }
        if !seen.insert(name) {
            return Some(Mistake::new(
                &format!("\"{name}\""),
                format!("two sources are named `{name}`; give each a name of its own"),
            ));
        }
    }
    None
}

fn urls(settings: &Settings) -> Option<Mistake> {
    let all = settings.prometheus.iter().filter_map(|s| s.url.as_ref());
    let all = all.chain(settings.alertmanager.iter().map(|s| &s.url));
    let all = all.chain(settings.aws.iter().filter_map(|s| s.endpoint_url.as_ref()));
    for url in all {
        let web = url.parse::<http::Uri>().ok().filter(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
        });
        // A URL that cannot be read may still hold a password: it is then not repeated.
        let secret = url.contains('@') && web.as_ref().is_none_or(|uri| authority_of(uri).contains('@'));
        if secret {
            return Some(Mistake::new(
                url,
                "credentials do not belong into a URL; use bearer_file or a header".to_owned(),
            ));
        }
        if web.is_none() {
            return Some(Mistake::new(
                url,
                format!("`{url}` is no URL; write it like `https://prometheus.example:9090`"),
            ));
        }
    }
    None
}

fn authority_of(uri: &http::Uri) -> &str {
    uri.authority().map_or("", http::uri::Authority::as_str)
}

fn prometheus(settings: &Settings) -> Option<Mistake> {
    for source in &settings.prometheus {
        match (&source.url, &source.through) {
            (Some(_), None) => {}
            (None, Some(proxy)) if settings.kubernetes.iter().any(|k| k.name == proxy.kubernetes) => {}
            (None, Some(proxy)) => {
                return Some(Mistake::new(
                    &proxy.kubernetes,
                    format!("there is no [[kubernetes]] named `{}`", proxy.kubernetes),
                ));
            }
            _ => {
                return Some(Mistake::new(
                    &source.name,
                    format!("prometheus `{}` needs either `url` or `through`", source.name),
                ));
            }
        }
    }
    None
}

fn aws(settings: &Settings) -> Option<Mistake> {
    for source in &settings.aws {
        let fixed = source.access_key_id.is_some() || source.secret_access_key.is_some();
        if fixed && !settings.egress.loopback_only {
            return Some(Mistake::new(
                "access_key_id",
                "credentials do not belong into this file: use a profile, the environment or a role \
                 (fixed ones are only for egress.loopback_only)"
                    .to_owned(),
            ));
        }
        if source.region.trim().is_empty() {
            return Some(Mistake::new("region", format!("aws `{}` needs a region", source.name)));
        }
    }
    None
}

fn probes(settings: &Settings) -> Option<Mistake> {
    for probe in &settings.probe {
        let port = probe.address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        if port.is_none_or(|(host, port)| host.is_empty() || port == 0) {
            return Some(Mistake::new(&probe.address, format!("`{}` is no address; write `host:port`", probe.address)));
        }
        if probe.kind == ProbeKind::Dns && probe.query.as_ref().is_none_or(String::is_empty) {
            return Some(Mistake::new(
                &probe.name,
                format!("probe `{}` of kind dns needs `query`, the name to ask for", probe.name),
            ));
        }
    }
    None
}

fn clock(settings: &Settings) -> Option<Mistake> {
    let rate = settings.clock?.rate;
    let possible = rate.is_finite() && (0.0..=1000.0).contains(&rate);
    (!possible)
        .then(|| Mistake::new("rate", format!("a clock cannot run at rate {rate}; use 0 (it stands still) to 1000")))
}
