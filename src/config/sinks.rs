//! What a sink of the audit trail needs, by its kind.

use std::collections::BTreeSet;

use super::check::Mistake;
use crate::domain::settings::{Settings, SinkKind, SinkSettings};

/// The longest name: it becomes that of a folder.
const NAME_CAP: usize = 63;

/// The first mistake among the sinks.
pub fn first_mistake(settings: &Settings) -> Option<Mistake> {
    let mut seen = BTreeSet::new();
    for (index, sink) in settings.audit.sink.iter().enumerate() {
        let at = |(key, message): (&str, String)| Some(Mistake::new(format!("audit.sink.{index}.{key}"), message));
        let name = sink.name();
        let key = if sink.name.is_some() { "name" } else { "kind" };
        if !is_name(name) {
            return at(("name", format!("`{name}` is no name of a sink; use letters, digits, `-` and `_`")));
        }
        let sources = settings.kubernetes.iter().map(|s| &s.name).chain(settings.prometheus.iter().map(|s| &s.name));
        let sources = sources.chain(settings.alertmanager.iter().map(|s| &s.name));
        let mut sources = sources.chain(settings.aws.iter().map(|s| &s.name));
        if !seen.insert(name) || sources.any(|source| source == name) {
            return at((key, format!("`{name}` names something else already; give the sink a `name` of its own")));
        }
        if let Some(wrong) = of_kind(sink) {
            return at(wrong);
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !name.is_empty() && name.len() <= NAME_CAP && name.bytes().all(plain)
}

/// The key and what is wrong with it.
fn of_kind(sink: &SinkSettings) -> Option<(&'static str, String)> {
    let kind = sink.kind.name();
    let foreign = [
        ("database", sink.database.is_some()),
        ("user", sink.user.is_some()),
        ("table", sink.table.is_some()),
        ("ca_file", sink.ca_file.is_some()),
        ("tls", !sink.tls),
    ];
    if sink.kind != SinkKind::Postgres
        && let Some((key, _)) = foreign.into_iter().find(|(_, is_there)| *is_there)
    {
        return Some((key, format!("{kind} has no `{key}`; leave it out")));
    }
    let address = sink.address.as_deref();
    let local = address.is_none_or(|address| address.starts_with('/'));
    match sink.kind {
        SinkKind::Journald if !local => Some(("address", "journald is reached by its socket: a path".to_owned())),
        SinkKind::Journald => None,
        SinkKind::Syslog if local => None,
        SinkKind::Syslog if sink.required => {
            let why = "syslog over UDP tells nobody whether a record arrived, so it cannot be required; \
                 use a local daemon's socket";
            Some(("required", why.to_owned()))
        }
        SinkKind::Syslog => {
            let address = address.unwrap_or_default();
            let wrong = || format!("`{address}` is no address; write a socket's path or `host:port`");
            place(address, None).is_none().then(|| ("address", wrong()))
        }
        SinkKind::Postgres => postgres(sink, address),
    }
}

fn postgres(sink: &SinkSettings, address: Option<&str>) -> Option<(&'static str, String)> {
    let Some(address) = address else {
        return Some(("kind", "postgres needs `address`: a host, `host:port`, or the folder of a socket".to_owned()));
    };
    if address.contains("://") || address.contains('@') {
        let why = "the address is a host, `host:port` or a folder; user and database have keys of their own, \
             and the password comes from PGPASSFILE, ~/.pgpass or PGPASSWORD";
        return Some(("address", why.to_owned()));
    }
    let host = place(address, Some(5432)).map(|(host, _)| host);
    if !address.starts_with('/') && host.is_none() {
        return Some(("address", format!("`{address}` is no address; write `host` or `host:port`")));
    }
    for (key, value) in [("database", &sink.database), ("user", &sink.user)] {
        if value.as_ref().is_none_or(|value| value.trim().is_empty()) {
            return Some(("kind", format!("postgres needs `{key}`")));
        }
    }
    let table = sink.table.as_deref().unwrap_or("t");
    if table.split('.').count() > 2 || table.split('.').any(|part| part.is_empty() || part.len() > NAME_CAP) {
        return Some(("table", format!("`{table}` is no table; write `table` or `schema.table`")));
    }
    let loopback = |host: &str| {
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    };
    (!sink.tls && !host.is_none_or(loopback)).then(|| {
        ("tls", "the records and the password would go over the network in the clear; remove `tls = false`".to_owned())
    })
}

/// Host and port of `host:port`, or of `host` alone where there is a usual port.
#[must_use]
pub fn place(address: &str, usual: Option<u16>) -> Option<(&str, u16)> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().ok()?),
        _ => (address, usual?),
    };
    let plain = host.starts_with('[') && host.ends_with(']') || !host.contains([':', '/', ' ']);
    (!host.is_empty() && port > 0 && plain).then_some((host, port))
}
