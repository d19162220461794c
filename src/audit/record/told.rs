//! Records in words, for lists and for the detail: everything that came from outside is escaped.

use serde_json::Value;

use super::{Class, Event, Line, LockState, SinkState, Text};
use crate::domain::text::Shown;
use crate::shown;

/// A named value of a record, or the name of what stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub depth: usize,
    pub name: Shown,
    pub value: Option<Shown>,
}

impl Line {
    /// The identity at the system that is operated, where one was told, else the user here.
    #[must_use]
    pub fn actor(&self) -> &Text {
        self.record.identity.as_ref().filter(|identity| !identity.is_empty()).unwrap_or(&self.who)
    }

    /// Everything in the record's data, in the order of its names; what is not there is left out.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        let value = serde_json::to_value(&self.record.event).unwrap_or_default();
        if let Some(data) = value.get("data") {
            gather(&mut fields, data, 0);
        }
        fields
    }
}

fn gather(fields: &mut Vec<Field>, value: &Value, depth: usize) {
    let entries: Vec<(Shown, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (Shown::of(name), value)).collect(),
        Value::Array(list) => list.iter().map(|value| (Shown::fixed("-"), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in entries {
        let own = match value {
            Value::Null => continue,
            Value::Object(_) | Value::Array(_) => None,
            Value::String(text) => Some(Shown::of(text)),
            other => Some(shown!("{}", Shown::of(&other.to_string()))),
        };
        let below = own.is_none();
        fields.push(Field { depth, name, value: own });
        if below {
            gather(fields, value, depth + 1);
        }
    }
}

impl Event {
    /// How what it records ended, in a word; empty where nothing ends by it.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Outcome(reply) => match reply.class {
                Class::Accepted => "accepted",
                Class::Refused => "refused",
                Class::NotSent => "not sent",
            },
            Self::Verify(verified) => verified.outcome.name(),
            Self::Resolve(resolve) => resolve.outcome.name(),
            Self::InDoubt(_) => "in-doubt",
            Self::Deny { .. } => "denied",
            Self::Lock(lock) => match lock.state {
                LockState::Taken => "taken",
                LockState::Released => "released",
                LockState::Lost => "lost",
                LockState::Refused => "refused",
            },
            Self::Sink(sink) => match sink.state {
                SinkState::Up => "up",
                SinkState::Down => "down",
            },
            _ => "",
        }
    }

    /// The words that somebody or something gave with it; `None` where it has none.
    #[must_use]
    pub fn words(&self) -> Option<&Text> {
        let text = match self {
            Self::SessionEnd { why } | Self::Disarm { why } => why,
            Self::Arm(arm) => &arm.reason,
            Self::Plan(plan) => &plan.steps.first()?.same_as,
            Self::Deny { reason, .. } => reason,
            Self::Confirm(confirm) => &confirm.reason,
            Self::Intent(intent) => &intent.request.address,
            Self::Outcome(reply) => &reply.detail,
            Self::Verify(verified) => &verified.detail,
            Self::InDoubt(doubt) => &doubt.why,
            Self::Resolve(resolve) => &resolve.reason,
            Self::Note { text, .. } => text,
            Self::Debt(debt) => &debt.what,
            Self::BreakGlass(glass) => &glass.reason,
            Self::Runbook(runbook) => &runbook.result,
            Self::Sink(sink) => &sink.detail,
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}
