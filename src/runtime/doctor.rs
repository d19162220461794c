//! What `tierdeck doctor` asks of the outside: sources, rights, sinks and the folder of the trail.

use std::io::Write;
use std::net::ToSocketAddrs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::clock::Clocks;
use super::operate::rights::{Right, rights};
use super::operate::sinks::{lag, make};
use crate::clients::egress::Egress;
use crate::config::sink_place;
use crate::domain::settings::{Settings, SinkKind, SinkSettings};
use crate::domain::text::{Raw, Shown};
use crate::model::board::{Board, SourceState};
use crate::report::doctor::Check;
use crate::shown;
use crate::state::State;

/// A trail on a disk with less room than this warns, bytes.
const ROOM: u64 = 256 << 20;

/// Each source: reachable, known there, permitted, its clock; what a settled run has found.
#[must_use]
pub fn sources(state: &State) -> Vec<Check> {
    let mut checks = Vec::new();
    if state.sources.is_empty() {
        let none = Shown::fixed("none");
        let what = "none is configured, so nothing can be seen";
        checks.push(Check::fail("source", &none, what, "name one in the configuration (see the README)"));
    }
    for source in &state.sources {
        let name = source.id.shown();
        checks.push(match &source.state {
            SourceState::Live => {
                let who = source.identity.as_ref().map_or_else(Shown::default, |who| shown!(" as {}", who));
                Check::ok("source", &name, shown!("answers at {}{}", source.endpoint, who))
            }
            SourceState::Failed { fault, .. } => Check::fail("source", &name, fault.what.clone(), fault.hint.clone()),
            SourceState::Connecting { .. } => Check::fail(
                "source",
                &name,
                "it has not answered yet",
                "look at its address, or give it longer (--wait)",
            ),
        });
        for gap in state.board.gaps.iter().filter(|gap| gap.source == source.id) {
            checks.push(Check::warn("source", &name, gap.what.clone(), gap.hint.clone()));
        }
    }
    checks
}

/// What we may change, as the cluster says: one that is missing is no fault, but its operations will be refused.
#[must_use]
pub fn permissions(settings: &Settings, clocks: Clocks) -> Vec<Check> {
    let asked = rights(settings, clocks);
    let words = |right: &Right| shown!("{} ({})", right.access.words(), right.operations);
    let mut checks = Vec::new();
    let granted: Vec<&Right> = asked.iter().filter(|right| right.answer == Ok(true)).collect();
    if !asked.is_empty() {
        let found = shown!("{} of {} granted", granted.len(), asked.len());
        checks.push(Check::ok("right", &Shown::fixed("operations"), found));
    }
    for right in &asked {
        let name = Shown::fixed(right.access.resource);
        match &right.answer {
            Ok(true) => {}
            Ok(false) => {
                let found = shown!("forbidden: {}", words(right));
                checks.push(Check::warn("right", &name, found, "ask for the right where these are to be operated"));
            }
            Err(fault) => checks.push(Check::warn("right", &name, fault.what.clone(), fault.hint.clone())),
        }
    }
    if !settings.aws.is_empty() {
        let found = "AWS tells what is forbidden only by refusing the call";
        checks.push(Check::ok("right", &Shown::fixed("aws"), found));
    }
    checks
}

/// Each sink: reachable, its role may insert, and what it has not taken. One that stands on what is operated is refused.
#[must_use]
pub fn sinks(settings: &Settings, board: &Board, trail: &Path) -> Vec<Check> {
    let egress = if settings.egress.loopback_only { Egress::LoopbackOnly } else { Egress::Open };
    let mut checks = Vec::new();
    for sink in &settings.audit.sink {
        let name = Shown::of(sink.name());
        if let Some(component) = stands_on(sink, settings, board) {
            let found = shown!("it is on {}, whose operations it would record: they could take it away", component);
            checks.push(Check::fail("sink", &name, found, "use a server that is not operated from here"));
        }
        let answer = make::sink(sink, egress).and_then(|mut made| made.check().map(|doubt| (made.endpoint(), doubt)));
        match answer {
            Ok((endpoint, None)) => checks.push(Check::ok("sink", &name, shown!("{} takes records", endpoint))),
            Ok((endpoint, Some(doubt))) => {
                checks.push(Check::warn("sink", &name, doubt, shown!("see {}", endpoint)));
            }
            Err(fault) => checks.push(Check::fail("sink", &name, fault.what, fault.hint)),
        }
        if let Ok(behind @ 1..) = lag(trail, sink.name()) {
            let found = shown!("{} records have not been delivered yet", behind);
            checks.push(Check::warn("sink", &name, found, "the console delivers them while it runs"));
        }
    }
    checks
}

/// The component of the topology that a database sink is, or is on: by its endpoint, its name, or a probe of its address.
fn stands_on(sink: &SinkSettings, settings: &Settings, board: &Board) -> Option<Shown> {
    let address =
        sink.address.as_deref().filter(|address| sink.kind == SinkKind::Postgres && !address.starts_with('/'))?;
    let (host, port) = sink_place(address, Some(crate::clients::postgres::Place::PORT))?;
    // Under another name it is the same server.
    let places = |at: &str| -> Vec<std::net::SocketAddr> {
        if settings.egress.loopback_only { Vec::new() } else { at.to_socket_addrs().into_iter().flatten().collect() }
    };
    let here = places(&format!("{host}:{port}"));
    let same = |other: &str| {
        other.eq_ignore_ascii_case(&format!("{host}:{port}")) || places(other).iter().any(|place| here.contains(place))
    };
    let first = host.split('.').next().unwrap_or_default();
    let rows = board.tiers.iter().flat_map(|tier| &tier.components);
    let mut found = rows.filter(|row| {
        let endpoint = row.attributes.iter().find(|(name, _)| *name == "endpoint");
        let named = row.id.name.as_str() == first && first.parse::<u8>().is_err();
        named || endpoint.is_some_and(|(_, endpoint)| same(endpoint.as_str()))
    });
    let component = found.next().map(|row| row.name.clone());
    component.or_else(|| {
        let probe = settings.probe.iter().find(|probe| same(&probe.address))?;
        Some(Shown::of(probe.component.as_ref().unwrap_or(&probe.name)))
    })
}

/// The folder of the trail: whether it takes records, and for how long.
#[must_use]
pub fn trail(folder: &Path) -> Vec<Check> {
    let name = Raw::from(folder.display().to_string()).shown();
    let failed = |error: &std::io::Error| {
        let why = Raw::from(error.to_string());
        let found = shown!("it takes no record: {}", why);
        vec![Check::fail("audit", &name, found, "free room or rights there, or name another `dir` of [audit]")]
    };
    let tried = || -> std::io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).create(folder)?;
        let path = folder.join(format!(".doctor-{}", std::process::id()));
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        let written = file.write_all(b"doctor\n").and_then(|()| file.sync_all());
        std::fs::remove_file(&path)?;
        written
    };
    if let Err(error) = tried() {
        return failed(&error);
    }
    let mut checks = vec![Check::ok("audit", &name, "takes records, and its disk confirms them")];
    if std::fs::metadata(folder).is_ok_and(|about| about.mode() & 0o022 != 0) {
        checks.push(Check::fail("audit", &name, "others may write into it", "make it yours alone with `chmod 700`"));
    }
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            if free < ROOM {
                let found = shown!("{} MiB are free there", free >> 20);
                checks.push(Check::warn("audit", &name, found, "free some: without room nothing may be changed"));
            }
        }
        Err(error) => return failed(&error.into()),
    }
    checks
}
