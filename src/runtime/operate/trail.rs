//! Reads the audit trail for its screen.

use std::collections::BTreeMap;
use std::path::Path;

use crate::audit::query;
use crate::audit::record::{ActionId, Text};
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::shown;
use crate::state::trail::{NEWEST, Trail, TrailRow};

/// The newest records with the names of their operations. It reads and checks every line: not for the loop's thread.
///
/// # Errors
/// Why it cannot be read, and what to do.
pub fn read(folder: &Path, now: Stamp) -> Result<Trail, Shown> {
    let shown = Shown::of(&folder.display().to_string());
    let (report, found) = query::newest(folder, NEWEST).map_err(|error| {
        shown!(
            "the audit trail at {} cannot be read: {}; see that the folder is yours",
            shown,
            Shown::of(&error.to_string())
        )
    })?;
    let of = usize::try_from(report.lines).unwrap_or(usize::MAX);
    let names: BTreeMap<&ActionId, &Text> =
        report.operations.iter().map(|operation| (&operation.action, &operation.operation)).collect();
    let rows = found.into_iter().map(|line| {
        let named = line.record.action.as_ref().and_then(|action| names.get(action));
        TrailRow { operation: named.map(|name| (*name).clone()).unwrap_or_default(), line }
    });
    Ok(Trail { folder: shown, at: now, rows: rows.collect(), of, damage: report.findings.len() })
}
