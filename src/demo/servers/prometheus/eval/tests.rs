//! Values computed by hand, and what a record cannot hold: staleness markers, order, and hostile input.

use proptest::prelude::{ProptestConfig, prop, proptest};

use super::{Answer, EvalError, Frame, LOOKBACK, instant, parse, range};
use crate::demo::store::tsdb::{Labels, STALE_NAN, Tsdb};

const MINUTE: i64 = 60_000;
const NONE: [f64; 0] = [];

/// Metric name, labels, and (seconds, value) samples.
type Described<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(i64, f64)]);

fn store(series: &[Described]) -> Tsdb {
    let mut tsdb = Tsdb::default();
    for (name, labels, samples) in series {
        let id = tsdb.series_id(Labels::new(name, labels.iter().copied()));
        for (at, value) in *samples {
            tsdb.append(id, at * 1000, *value);
        }
    }
    tsdb
}

fn ask(tsdb: &Tsdb, query: &str, at: i64) -> Result<Answer, EvalError> {
    instant(tsdb, &parse(query)?, at * 1000, LOOKBACK)
}

/// The values of an instant vector in the order it has them.
fn values(tsdb: &Tsdb, query: &str, at: i64) -> Vec<f64> {
    match ask(tsdb, query, at) {
        Ok(Answer::Vector(vector)) => vector.into_iter().map(|(_, value)| value).collect(),
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn a_series_lives_five_minutes_or_until_its_marker() {
    let silent = store(&[("m", &[], &[(100, 1.0)])]);
    assert_eq!(values(&silent, "m", 99), NONE);
    assert_eq!(values(&silent, "m", 100), [1.0]);
    assert_eq!(values(&silent, "m", 400), [1.0], "the look-back is closed");
    assert_eq!(values(&silent, "m", 401), NONE);

    let ended = store(&[("m", &[], &[(100, 1.0), (130, f64::from_bits(STALE_NAN)), (160, 2.0)])]);
    assert_eq!(values(&ended, "m", 129), [1.0]);
    assert_eq!(values(&ended, "m", 130), NONE);
    assert_eq!(values(&ended, "m", 159), NONE);
    assert_eq!(values(&ended, "m", 160), [2.0]);
    assert_eq!(values(&ended, "count_over_time(m[2m])", 170), [2.0], "a marker is no sample");
    assert_eq!(values(&ended, "absent(m)", 140), [1.0]);
    assert_eq!(values(&ended, "count_over_time(m[10s])", 135), NONE, "a range with only a marker is empty");
}

#[test]
fn a_plain_nan_is_a_value() {
    let tsdb = store(&[("m", &[], &[(100, f64::NAN)])]);
    assert!(values(&tsdb, "m", 100).first().is_some_and(|v| v.is_nan()));
}

#[test]
fn rates_are_extrapolated_as_the_algorithm_says() {
    // 10 a sample, 15 s apart, from 15 to 60: 40 in 45 s. The range of a minute ends on the last sample, and its start
    // is 15 s before the first, less than 1.1 intervals; zero lies 15 s before the first as well.
    let steady = store(&[("c", &[], &[(15, 10.0), (30, 20.0), (45, 30.0), (60, 40.0)])]);
    assert_eq!(values(&steady, "increase(c[1m])", 60), [40.0]);
    assert_eq!(values(&steady, "rate(c[1m])", 60), [40.0 / 60.0]);
    // The first sample is only 7.5 s above zero, so the counter is not extended further back.
    let young = store(&[("c", &[], &[(15, 5.0), (30, 15.0), (45, 25.0), (60, 35.0)])]);
    assert_eq!(values(&young, "increase(c[1m])", 60), [35.0]);
    // A gauge is extended the whole way, and a reset is no reset to it.
    assert_eq!(values(&young, "delta(c[1m])", 60), [40.0]);
    // Ends farther than 1.1 intervals away are approached by half an interval; zero is nearer, so it is reached.
    assert_eq!(values(&steady, "delta(c[4m])", 180), [30.0 * (45.0 + 7.5 + 7.5) / 45.0]);
    assert_eq!(values(&steady, "increase(c[4m])", 180), [30.0 * (45.0 + 15.0 + 7.5) / 45.0]);
    // The counter fell from 30 to 10: 10 + 20 before it, 10 + 10 after it.
    let reset = store(&[("c", &[], &[(0, 10.0), (15, 20.0), (30, 30.0), (45, 10.0), (60, 20.0)])]);
    assert_eq!(values(&reset, "increase(c[1m])", 60), [40.0]);
    assert_eq!(values(&reset, "resets(c[1m])", 60), [1.0]);
    assert_eq!(values(&reset, "irate(c[1m])", 60), [10.0 / 15.0]);
    assert_eq!(values(&reset, "irate(c[1m])", 45), [10.0 / 15.0], "after a reset the value is the increase");
    assert_eq!(values(&reset, "rate(c[14s])", 60), NONE, "one sample has no rate");
}

#[test]
fn quantiles_of_buckets_are_interpolated() {
    let bucket = |le: &'static str, count: f64| (le, count);
    let ask = |buckets: &[(&'static str, f64)], q: &str| {
        let mut tsdb = Tsdb::default();
        for (le, count) in buckets {
            let id = tsdb.series_id(Labels::new("h_bucket", [("le", *le)]));
            tsdb.append(id, 1000, *count);
        }
        values(&tsdb, &format!("histogram_quantile({q}, h_bucket)"), 1)
    };
    let usual = [bucket("1", 10.0), bucket("2", 30.0), bucket("+Inf", 40.0)];
    assert_eq!(ask(&usual, "0.5"), [1.5]);
    assert_eq!(ask(&usual, "0.125"), [0.5], "the first bucket begins at zero");
    assert_eq!(ask(&usual, "0.99"), [2.0], "above the highest finite bound there is only that bound");
    assert_eq!(ask(&usual, "-1"), [f64::NEG_INFINITY]);
    assert_eq!(ask(&usual, "2"), [f64::INFINITY]);
    let falling = [bucket("1", 10.0), bucket("2", 5.0), bucket("4", 30.0), bucket("+Inf", 40.0)];
    assert_eq!(ask(&falling, "0.5"), [3.0], "a count that falls is raised to the one before it");
    assert!(ask(&[bucket("1", 0.0), bucket("+Inf", 0.0)], "0.5")[0].is_nan());
    assert!(ask(&[bucket("1", 5.0), bucket("2", 6.0)], "0.5")[0].is_nan(), "without +Inf nothing is known");
}

#[test]
fn only_ordering_expressions_keep_their_order() {
    let tsdb = store(&[
        ("m", &[("a", "3")], &[(1, 5.0)]),
        ("m", &[("a", "1")], &[(1, 7.0)]),
        ("m", &[("a", "2")], &[(1, f64::NAN)]),
        ("m", &[("a", "4")], &[(1, 6.0)]),
    ]);
    let finite = |query| values(&tsdb, query, 1).into_iter().filter(|v| !v.is_nan()).collect::<Vec<_>>();
    assert_eq!(finite("m"), [7.0, 5.0, 6.0], "by labels");
    assert_eq!(finite("sort(m)"), [5.0, 6.0, 7.0]);
    assert_eq!(finite("(sort_desc(m))"), [7.0, 6.0, 5.0]);
    assert_eq!(finite("topk(2, m)"), [7.0, 6.0]);
    assert_eq!(finite("bottomk(2, m)"), [5.0, 6.0]);
    assert!(values(&tsdb, "sort(m)", 1)[3].is_nan(), "NaN comes last");
}

#[test]
fn a_range_query_is_the_instant_queries_of_its_steps() {
    let tsdb = super::recorded::samples();
    let frame = Frame { start: 1_767_225_660_000, end: 1_767_225_960_000, step: 50_000 };
    for query in [
        "sum by (code) (rate(http_requests_total[1m]))",
        "http_requests_total / on (namespace) group_left sum by (namespace) (http_requests_total)",
        "topk(2, http_requests_total)",
        "max_over_time(rate(http_requests_total[1m])[2m:20s])",
        "redis_up unless redis_up offset 3m",
        "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[2m])))",
    ] {
        let expression = parse(query).unwrap();
        let Ok(Answer::Matrix(matrix)) = range(&tsdb, &expression, frame, LOOKBACK) else { panic!("{query}") };
        let steps = (0..7).map(|n| frame.start + n * frame.step);
        for at in steps {
            let Ok(Answer::Vector(mut expect)) = instant(&tsdb, &expression, at, LOOKBACK) else { panic!("{query}") };
            expect.sort_by(|a, b| a.0.cmp(&b.0));
            let step = matrix.iter().filter_map(|(labels, samples)| {
                samples.iter().find(|s| s.at == at).map(|s| (labels.clone(), s.value.to_bits()))
            });
            let expect: Vec<_> = expect.into_iter().map(|(labels, value)| (labels, value.to_bits())).collect();
            assert_eq!(step.collect::<Vec<_>>(), expect, "{query} at {at}");
        }
    }
}

#[test]
fn what_is_not_evaluated_is_refused_before_anything_runs() {
    let refused = [
        ("", "no expression found in input"),
        ("mad_over_time(m[5m])", "unknown function with name \"mad_over_time\""),
        ("limitk(2, m)", "aggregation \"limitk\" is not evaluated by this server"),
        ("{a=\"b\" or c=\"d\"}", "unexpected identifier \"or\" in label matching"),
        ("m + fill(0) m", "fill modifiers are not evaluated by this server"),
    ];
    for (query, words) in refused {
        match parse(query) {
            Err(EvalError::Parse(text)) => assert!(text.contains(words), "{query}: {text}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn hostile_queries_are_refused_and_do_not_exhaust_the_stack() {
    let deep = [
        format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("{}m", "-".repeat(5_000)),
        format!("{}m", "m+".repeat(5_000)),
        format!("{}m", "m or ".repeat(5_000)),
        format!("{}m{}", "(".repeat(300), ")".repeat(300)),
        format!("{}m", "m unless ".repeat(900)),
        "m[99999999999999999999s]".to_owned(),
        "m offset 99999999999999999999999999999999s".to_owned(),
        "m[1e400]".to_owned(),
        "m[5m:NaN]".to_owned(),
        "m offset # \"\n -Inf".to_owned(),
    ];
    for query in deep {
        assert!(matches!(parse(&query), Err(EvalError::Parse(_))), "{}…", &query[..20]);
    }
    let tsdb = store(&[("m", &[], &[(1, 1.0)])]);
    for open in ["(", "abs(", "sum(", "-", "1 * ", "m or ", "max_over_time("] {
        // The deepest that is evaluated fits the stack, which a test's thread has no more of than a server's.
        let brackets = open.matches('(').count() * 190;
        let close = if open.starts_with("max") { "[1m:1s])" } else { ")" };
        let levels = if open.starts_with("max") { 5 } else { 190 };
        let query = format!("{}m{}", open.repeat(levels), close.repeat(brackets.min(levels)));
        assert_eq!(values(&tsdb, &query, 1), [1.0], "{open}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_text_makes_parser_or_evaluator_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 1..14)) {
        let query = tokens.concat();
        if let Ok(expression) = parse(&query) {
            let tsdb = store(&[("m", &[("a", "1")], &[(1, 1.0), (20, 3.0)]), ("m", &[("a", "2")], &[(5, f64::NAN)])]);
            let _ = instant(&tsdb, &expression, 30_000, LOOKBACK);
            let _ = range(&tsdb, &expression, Frame { start: 0, end: 30_000, step: 10_000 }, LOOKBACK);
        }
    }
}

const TOKENS: &[&str] = &[
    "m",
    "m",
    "m",
    "(",
    ")",
    "(",
    ")",
    "{",
    "}",
    "[1m]",
    "[",
    "]",
    "[1e400]",
    "[0s]",
    "[5m:]",
    "[5m:0s]",
    "[1m:1ms]",
    "[1m:-1s]",
    " offset ",
    "1m",
    "-1m",
    "1e99",
    "9y",
    " @ ",
    "1e300",
    "-5",
    "NaN",
    "Inf",
    "start()",
    "end()",
    "a",
    "=\"1\"",
    "=~\"1|2\"",
    "!~\"(\"",
    ",",
    "\"x\"",
    "'",
    "`",
    "\\",
    "#",
    " + ",
    " / ",
    " ^ ",
    " % ",
    " == ",
    " bool ",
    " and ",
    " or ",
    " unless ",
    " on(a) ",
    " ignoring(a) ",
    " group_left() ",
    " group_left(a) ",
    "sum",
    "topk",
    "quantile",
    "count_values",
    " by (a) ",
    " without (a) ",
    "rate(",
    "rate(m[1m])",
    "abs(",
    "clamp(",
    "time()",
    "histogram_quantile(",
    "label_replace(",
    "scalar(",
    "vector(",
    "absent(",
    "sort(",
    "hour(",
    "0x",
    "1",
    "0.5",
    " ",
    "é",
];

#[test]
fn far_moments_and_long_ranges_do_not_overflow() {
    let tsdb = store(&[("m", &[], &[(1, 1.0)])]);
    for query in
        ["rate(m[9999999y])", "m offset 9999999y", "m offset -9999999y", "m @ 1e15", "avg_over_time(m[5m:1ms])"]
    {
        if let Ok(expression) = parse(query) {
            for at in [-100_000_000_000_000, 0, 100_000_000_000_000] {
                instant(&tsdb, &expression, at, LOOKBACK).unwrap();
            }
        }
    }
}

#[test]
fn a_query_that_would_hold_too_much_is_refused() {
    let tsdb = store(&[("m", &[], &[(1, 1.0)])]);
    match ask(&tsdb, "max_over_time(vector(1)[1y:1ms])", 1) {
        Err(EvalError::Execution(text)) => assert!(text.contains("too many samples"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_subquery_runs_at_multiples_of_its_step() {
    let tsdb = store(&[("m", &[], &[(0, 1.0), (60, 2.0), (120, 3.0), (180, 4.0)])]);
    assert_eq!(values(&tsdb, "count_over_time(m[2m:])", 200), [2.0]);
    assert_eq!(values(&tsdb, "sum_over_time(m[2m:1m])", 180), [2.0 + 3.0 + 4.0], "the range is closed");
    assert_eq!(values(&tsdb, "sum_over_time(m[50s:1m])", 179), NONE, "no multiple of a minute lies in it");
    let expression = parse("time()").unwrap();
    let frame = Frame { start: 0, end: 2 * MINUTE, step: MINUTE };
    let Ok(Answer::Matrix(matrix)) = range(&tsdb, &expression, frame, LOOKBACK) else { panic!() };
    assert_eq!(matrix[0].1.iter().map(|s| s.value).collect::<Vec<_>>(), [0.0, 60.0, 120.0]);
}
