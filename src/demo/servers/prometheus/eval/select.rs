//! Which samples a selector or a subquery means, at each step.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use promql_parser::label::{METRIC_NAME, MatchOp, Matchers};
use promql_parser::parser::{AtModifier, Expr, MatrixSelector, Offset, SubqueryExpr, VectorSelector};

use super::value::{Column, Frame, without_name};
use super::{EvalError, Evaluation, SUBQUERY_STEP, bare};
use crate::demo::store::tsdb::{Labels, Sample, Series, Tsdb};

/// The series that a selector's name and matchers select.
#[must_use]
pub fn matching<'a>(tsdb: &'a Tsdb, selector: &VectorSelector) -> Vec<&'a Series> {
    let matchers = &selector.matchers.matchers;
    let of_name = |name: &str| tsdb.by_name(name).iter().filter_map(|id| tsdb.get(*id)).collect::<Vec<_>>();
    let exact = |m: &&promql_parser::label::Matcher| m.name == METRIC_NAME && matches!(m.op, MatchOp::Equal);
    let candidates = match (&selector.name, matchers.iter().find(exact)) {
        (Some(name), _) => of_name(name),
        (None, Some(matcher)) => of_name(&matcher.value),
        (None, None) => {
            let named: Vec<_> = matchers.iter().filter(|m| m.name == METRIC_NAME).collect();
            let names = tsdb.names().filter(|(name, _)| named.iter().all(|m| m.is_match(name)));
            names.flat_map(|(_, ids)| ids.iter().filter_map(|id| tsdb.get(*id))).collect()
        }
    };
    let accepts = |labels: &Labels| matchers.iter().all(|m| m.is_match(labels.get(&m.name)));
    candidates.into_iter().filter(|series| accepts(&series.labels)).collect()
}

/// The newest sample at `at` or up to `lookback` milliseconds before it, unless the series has ended by then.
fn newest(samples: &[Sample], at: i64, lookback: i64) -> Option<Sample> {
    let until = samples.partition_point(|s| s.at <= at);
    let last = *samples.get(..until)?.last()?;
    (last.at >= at - lookback && !last.is_stale_marker()).then_some(last)
}

/// The samples of one series in one range, staleness markers left out.
pub(super) struct Window<'w> {
    pub samples: &'w [Sample],
    /// First and last moment of the range, both inside it.
    pub begin: i64,
    pub end: i64,
    /// The moment the expression is evaluated at: without `offset` and `@`, `end`.
    pub at: i64,
}

/// A range vector before it is cut into windows.
pub(super) struct RangeInput<'a> {
    tracks: Vec<(Labels, Cow<'a, [Sample]>)>,
    range: i64,
    shift: Shift,
    /// The matchers, when it is a selector.
    pub matchers: Option<&'a Matchers>,
}

/// `@` and `offset` of a selector.
#[derive(Clone, Copy)]
struct Shift {
    at: Option<i64>,
    offset: i64,
}

impl Shift {
    fn apply(self, at: i64) -> i64 {
        self.at.unwrap_or(at) - self.offset
    }
}

impl RangeInput<'_> {
    /// The value of `f` for every series at every step where it has one.
    pub fn map(&self, frame: Frame, name: Name, f: impl Fn(&Window, usize) -> Option<f64>) -> Vec<Column> {
        let mut columns = Vec::with_capacity(self.tracks.len());
        let mut buffer = Vec::new();
        for (labels, samples) in &self.tracks {
            let values = frame.times().enumerate().map(|(step, at)| {
                let window = self.window(samples, at, &mut buffer)?;
                f(&window, step)
            });
            let column = Column { labels: Labels::default(), values: values.collect() };
            if !column.is_void() {
                let labels = if name == Name::Keep { labels.clone() } else { without_name(labels) };
                columns.push(Column { labels, ..column });
            }
        }
        columns
    }

    /// Every series' samples for one moment.
    pub fn samples_at(&self, at: i64) -> Vec<(Labels, Vec<Sample>)> {
        let mut buffer = Vec::new();
        let cut = self.tracks.iter().filter_map(|(labels, samples)| {
            self.window(samples, at, &mut buffer).map(|window| (labels.clone(), window.samples.to_vec()))
        });
        cut.collect()
    }

    fn window<'w>(&self, samples: &[Sample], at: i64, buffer: &'w mut Vec<Sample>) -> Option<Window<'w>> {
        let end = self.shift.apply(at);
        let begin = end - self.range;
        let from = samples.partition_point(|s| s.at < begin);
        let inside = samples.get(from..)?.iter().take_while(|s| s.at <= end);
        buffer.clear();
        buffer.extend(inside.filter(|s| !s.is_stale_marker()));
        (!buffer.is_empty()).then_some(Window { samples: buffer, begin, end, at })
    }
}

/// What happens to the metric name.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Name {
    Keep,
    Drop,
}

impl<'a> Evaluation<'a> {
    /// The value of an instant selector.
    pub(super) fn select(&self, selector: &VectorSelector) -> Result<Vec<Column>, EvalError> {
        self.select_map(selector, |sample| sample.value)
    }

    /// As [`Self::select`], with `f` of each sample in place of its value.
    pub(super) fn select_map(
        &self,
        selector: &VectorSelector,
        f: impl Fn(Sample) -> f64,
    ) -> Result<Vec<Column>, EvalError> {
        let shift = self.shift(selector.at.as_ref(), selector.offset.as_ref());
        let selected = matching(self.tsdb, selector);
        EvalError::unless_affordable(selected.len(), self.frame.steps())?;
        let mut columns = Vec::with_capacity(selected.len());
        for series in selected {
            let value = |at| newest(&series.samples, shift.apply(at), self.lookback).map(&f);
            let column = Column { labels: series.labels.clone(), values: self.frame.times().map(value).collect() };
            if !column.is_void() {
                columns.push(column);
            }
        }
        Ok(columns)
    }

    /// The range vector that a range selector or a subquery means.
    pub(super) fn range_input<'e>(&self, expression: &'e Expr) -> Result<RangeInput<'e>, EvalError>
    where
        'a: 'e,
    {
        match bare(expression) {
            Expr::MatrixSelector(selector) => Ok(self.range_selector(selector)),
            Expr::Subquery(subquery) => self.subquery(subquery),
            _ => Err(EvalError::execution("expected a range vector")),
        }
    }

    fn range_selector<'e>(&self, selector: &'e MatrixSelector) -> RangeInput<'e>
    where
        'a: 'e,
    {
        let tracks = matching(self.tsdb, &selector.vs).into_iter();
        RangeInput {
            tracks: tracks.map(|s| (s.labels.clone(), Cow::Borrowed(s.samples.as_slice()))).collect(),
            range: millis(selector.range),
            shift: self.shift(selector.vs.at.as_ref(), selector.vs.offset.as_ref()),
            matchers: Some(&selector.vs.matchers),
        }
    }

    /// A subquery is evaluated at multiples of its step since the epoch, whatever the query's start.
    fn subquery<'e>(&self, subquery: &SubqueryExpr) -> Result<RangeInput<'e>, EvalError> {
        let range = millis(subquery.range);
        let step = subquery.step.map_or(SUBQUERY_STEP, millis).max(1);
        let shift = self.shift(subquery.at.as_ref(), subquery.offset.as_ref());
        let (from, to) = (shift.apply(self.frame.start) - range, shift.apply(self.frame.end));
        let aligned = step * from.div_euclid(step);
        let start = if aligned < from { aligned + step } else { aligned };
        let frame = Frame { start, end: to.max(start - step), step };
        EvalError::unless_affordable(1, frame.steps())?;
        let columns = Evaluation { frame, ..*self }.vector(&subquery.expr)?;
        let tracks = columns.into_iter().map(|column| {
            let samples = frame.times().zip(column.values);
            let samples: Vec<_> = samples.filter_map(|(at, value)| value.map(|value| Sample { at, value })).collect();
            (column.labels, Cow::Owned(samples))
        });
        Ok(RangeInput { tracks: tracks.collect(), range, shift, matchers: None })
    }

    fn shift(&self, at: Option<&AtModifier>, offset: Option<&Offset>) -> Shift {
        let at = at.map(|modifier| match modifier {
            AtModifier::Start => self.query.start,
            AtModifier::End => self.query.end,
            AtModifier::At(time) => epoch_millis(*time),
        });
        let offset = match offset {
            None => 0,
            Some(Offset::Pos(by)) => millis(*by),
            Some(Offset::Neg(by)) => -millis(*by),
        };
        Shift { at, offset }
    }
}

fn millis(duration: Duration) -> i64 {
    // A century bounds it, so that sums of moments and durations cannot overflow.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(100 * 365 * 86_400_000)
}

fn epoch_millis(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => -millis(before.duration()),
    }
}
