//! What cannot be seen, said once.

use super::feeds::Feed;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::Shown;
use crate::model::facts::GapFact;
use crate::shown;

/// The gap of a feed: refused, not offered, or with objects that could not be read.
pub fn gap(feed: &Feed, refusal: Option<&Fault>, unreadable: u64) -> Option<GapFact> {
    let plural = feed.watched.resource().plural;
    match refusal {
        Some(fault) if fault.kind == FaultKind::Missing => (!feed.watched.is_optional()).then(|| GapFact {
            what: shown!("not offered there: {}", plural),
            hint: Shown::fixed("the API server is too old, or this is not one"),
        }),
        Some(fault) => Some(GapFact { what: fault.what.clone(), hint: fault.hint.clone() }),
        None => (unreadable > 0).then(|| GapFact {
            what: shown!("{} of {} could not be read", unreadable, plural),
            hint: Shown::fixed("they are not what the API says they are"),
        }),
    }
}
