//! A table that several bastions share. Its role may insert and nothing else, and a line that is there already is left as
//! it is: `UNIQUE (stream, seq)`.

use super::{Sink, Untaken, parsed};
use crate::audit::journal::Receipt;
use crate::audit::record::ActionId;
use crate::clients::postgres::write::{Row, Writer};
use crate::domain::error::Fault;
use crate::domain::text::{Raw, Shown};

pub struct Postgres {
    writer: Writer,
}

impl Postgres {
    #[must_use]
    pub const fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

fn row(receipt: &Receipt) -> Result<Row, Fault> {
    let line = parsed(receipt)?;
    let record = &line.record;
    Ok(Row {
        stream: receipt.head.stream.as_str().to_owned(),
        seq: i64::try_from(receipt.head.seq).unwrap_or(i64::MAX),
        hash: receipt.head.hash.to_string(),
        at: line.ts.clone(),
        who: line.who.as_str().to_owned(),
        kind: record.event.kind().to_owned(),
        action: record.action.as_ref().map(|action| ActionId::as_str(action).to_owned()),
        environment: record.environment.as_ref().map(|environment| environment.as_str().to_owned()),
        target: record.target.as_ref().map(crate::audit::record::Target::path),
        line: String::from_utf8_lossy(&receipt.line).trim_end().to_owned(),
    })
}

impl Sink for Postgres {
    fn endpoint(&self) -> Raw {
        self.writer.endpoint()
    }

    /// All of them in one statement, or none.
    fn take(&mut self, lines: &[Receipt]) -> Result<(), Untaken> {
        let rows: Result<Vec<Row>, Fault> = lines.iter().map(row).collect();
        rows.and_then(|rows| self.writer.insert(&rows)).map_err(|fault| Untaken { taken: 0, fault })
    }

    fn check(&mut self) -> Result<Option<Shown>, Fault> {
        self.writer.check()
    }
}
