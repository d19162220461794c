//! Clocks that are ahead of ours. A sample from the future would be fresh until its time has come and gone: it is left
//! out, and the clock is told instead. One from the past is old, which every figure says by itself.

use std::time::Duration;

use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::model::facts::{Fact, GapFact, Observation};

/// What clocks that are kept by NTP may differ by, and what passes between a reading and its arrival.
const TOLERANCE: Duration = Duration::from_secs(5);
/// How long a clock stays told after the last sign of it: a source speaks of many clocks in turn.
pub const MEMORY: Duration = Duration::from_secs(120);

/// Takes out the points whose time has not come, and says how far ahead the farthest was.
pub fn take_future(observation: &mut Observation, now: Stamp) -> Option<Duration> {
    let horizon = now + TOLERANCE;
    let mut farthest = None;
    observation.facts.retain_mut(|fact| {
        let Fact::Signal(signal) = fact else { return true };
        let Some(last) = signal.points.last().filter(|last| last.at > horizon) else { return true };
        farthest = farthest.max(Some(last.at.since(now)));
        signal.points.retain(|point| point.at <= horizon);
        !signal.points.is_empty()
    });
    farthest
}

/// The condition in words.
pub fn gap(source: &SourceId, ahead: Duration) -> Fact {
    Fact::Gap(GapFact {
        what: crate::shown!("a clock behind {} is {} s ahead of ours", source.shown(), ahead.as_secs()),
        hint: Shown::fixed("compare both with NTP (chronyc tracking); samples from the future are left out"),
    })
}

/// The time of a measurement.
pub fn sample_time(fact: &Fact) -> Option<Stamp> {
    match fact {
        Fact::Signal(signal) => signal.points.last().map(|point| point.at),
        Fact::Probe(probe) => Some(probe.at),
        _ => None,
    }
}

#[cfg(test)]
pub mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::id::Alias;
    use crate::domain::reading::{Provenance, Query};
    use crate::domain::text::Raw;
    use crate::domain::unit::Statistic;
    use crate::model::facts::{Point, SignalFact};

    /// A signal with points at these times.
    pub fn signal(times: &[Stamp]) -> Fact {
        let provenance = Provenance {
            source: SourceId::new("s"),
            endpoint: Raw::default(),
            query: Query::PromQl(Raw::default()),
            statistic: Statistic::Last,
            period: Duration::from_secs(15),
            delay: Duration::ZERO,
            threshold_origin: "default",
        };
        Fact::Signal(SignalFact {
            subject: Alias::Named(Raw::new("shop")),
            member: None,
            version: None,
            peer: None,
            signal: "probe.up",
            points: times.iter().map(|at| Point { at: *at, value: 1.0 }).collect(),
            provenance: Arc::new(provenance),
        })
    }

    pub fn points(fact: &Fact) -> Option<usize> {
        if let Fact::Signal(signal) = fact { Some(signal.points.len()) } else { None }
    }

    pub fn gap(fact: &Fact) -> Option<String> {
        if let Fact::Gap(gap) = fact { Some(gap.what.to_string()) } else { None }
    }
}
