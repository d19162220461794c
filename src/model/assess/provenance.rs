//! The question that gives another point of the same series.

use std::sync::Arc;

use crate::domain::reading::{Provenance, Query, Sample};
use crate::domain::text::Raw;
use crate::domain::time::Stamp;

/// The provenance of the point with `value` at `at`, from that of the point at `about`; `None` where the question does
/// not tell how to ask for another time.
#[must_use]
pub fn at(provenance: &Arc<Provenance>, at: Stamp, about: Stamp, value: f64) -> Option<Arc<Provenance>> {
    let query = match &provenance.query {
        // An instant query is asked at the sample's time.
        Query::PromQl(_) => return Some(provenance.clone()),
        Query::CloudWatch(body) => {
            let seconds = (at.millis() - about.millis()) / 1_000;
            let body = moved(body.as_str(), "\"StartTime\":", seconds)?;
            Query::CloudWatch(Raw::from(moved(&body, "\"EndTime\":", seconds)?))
        }
        // A change of units.
        Query::Derived { formula, from } => {
            let divisor: f64 = formula.strip_prefix("a / ")?.parse().ok()?;
            let [asked] = from.as_slice() else { return None };
            let value = value * divisor;
            let provenance = self::at(&asked.provenance, at, about, value)?;
            Query::Derived { formula, from: vec![Sample { value, at, provenance, ..asked.clone() }] }
        }
        Query::Http { .. } | Query::Describe { .. } | Query::Probe(_) => return None,
    };
    Some(Arc::new(Provenance { query, ..(**provenance).clone() }))
}

/// `body` with the whole number after `key` increased by `by`.
fn moved(body: &str, key: &str, by: i64) -> Option<String> {
    let start = body.find(key)? + key.len();
    let (before, rest) = body.split_at_checked(start)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (number, after) = rest.split_at_checked(digits)?;
    Some(format!("{before}{}{after}", number.parse::<i64>().ok()? + by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_cloudwatch_question_is_moved_in_time_through_its_unit() {
        let about = Stamp::from_millis(600_000);
        let base = |query| {
            Arc::new(Provenance {
                source: crate::domain::id::SourceId::new("cw"),
                endpoint: Raw::default(),
                query,
                statistic: crate::domain::unit::Statistic::Sum,
                period: Duration::from_secs(60),
                delay: Duration::ZERO,
                threshold_origin: "",
            })
        };
        let asked = base(Query::CloudWatch(Raw::new(r#"{"StartTime":600,"EndTime":660,"Q":[]}"#)));
        let unit = crate::domain::unit::Unit::Count;
        let from = vec![Sample { value: 600.0, unit, at: about, provenance: asked }];
        let per_second = base(Query::Derived { formula: "a / 60", from });
        let moved = at(&per_second, Stamp::from_millis(0), about, 5.0).expect("it can be asked");
        let Query::Derived { formula: "a / 60", from } = &moved.query else { panic!("{moved:?}") };
        assert!((from[0].value - 300.0).abs() < 1e-9);
        let expected = Query::CloudWatch(Raw::new(r#"{"StartTime":0,"EndTime":60,"Q":[]}"#));
        assert_eq!((&from[0].provenance.query, from[0].at), (&expected, Stamp::from_millis(0)));
        let zero = base(Query::Derived { formula: "0 * a", from: Vec::new() });
        assert_eq!(at(&zero, Stamp::from_millis(0), about, 5.0), None, "nothing tells how to ask for another time");
    }
}
