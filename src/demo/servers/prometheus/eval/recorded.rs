//! The evaluator against what a real Prometheus 2.42 answered for the same samples (`tests/live/promql/record.py`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Answer, EvalError, Frame, LOOKBACK, instant, parse, range};
use crate::demo::servers::prometheus::number;
use crate::demo::store::tsdb::{Labels, Tsdb};

const SAMPLES: &str = include_str!("../../../../../tests/live/promql/samples.txt");
const EXPECTED: &str = include_str!("../../../../../tests/live/promql/expected.json");
const CATALOGUE: &str = include_str!("../../../../../tests/live/promql/catalogue.tsv");

#[derive(Deserialize)]
struct Record {
    id: String,
    query: String,
    time: Option<f64>,
    start: Option<f64>,
    end: Option<f64>,
    step: Option<f64>,
    expect: Value,
}

/// The store that `samples.txt` describes; its notation is explained in `generate.py`.
pub(super) fn samples() -> Tsdb {
    let mut lines = SAMPLES.lines();
    let mut header = || lines.next().unwrap().split_once(' ').unwrap().1.parse::<i64>().unwrap();
    let (start, step) = (header(), header());
    let mut tsdb = Tsdb::default();
    for line in lines {
        let (name, rest) = line.split_once('{').unwrap();
        let (pairs, rest) = rest.split_once("} @").unwrap();
        let pairs = pairs.split("\",").filter(|p| !p.is_empty()).map(|pair| pair.split_once("=\"").unwrap());
        let labels = Labels::new(name, pairs.map(|(k, v)| (k, v.trim_end_matches('"'))));
        let (offset, values) = rest.split_once(' ').unwrap();
        let first = start + offset.parse::<i64>().unwrap();
        let id = tsdb.series_id(labels);
        for (at, value) in (0i64..).zip(values.split(' ')) {
            match value {
                "_" => {}
                "x" => tsdb.end(id, first + at * step),
                value => tsdb.append(id, first + at * step, value.parse().unwrap()),
            }
        }
    }
    tsdb
}

fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn answer(tsdb: &Tsdb, record: &Record) -> Result<Answer, EvalError> {
    let expression = parse(&record.query)?;
    match (record.time, record.start, record.end, record.step) {
        (Some(at), ..) => instant(tsdb, &expression, millis(at), LOOKBACK),
        (None, Some(start), Some(end), Some(step)) => {
            let frame = Frame { start: millis(start), end: millis(end), step: millis(step) };
            let kind = expression.value_type().to_string();
            if !matches!(kind.as_str(), "vector" | "scalar") {
                return Err(EvalError::Parse(format!("{kind} in a range query")));
            }
            range(tsdb, &expression, frame, LOOKBACK)
        }
        _ => panic!("{}: neither a time nor a range", record.id),
    }
}

/// Label set in text -> moments and values; a vector has the moment 0.
type Elements = BTreeMap<String, Vec<(i64, f64)>>;

fn elements(answer: Answer) -> Elements {
    let key = |labels: &Labels| format!("{:?}", labels.iter().collect::<Vec<_>>());
    match answer {
        Answer::Scalar(value) => [("scalar".to_owned(), vec![(0, value)])].into(),
        Answer::Text(text) => [(text, Vec::new())].into(),
        Answer::Vector(vector) => vector.iter().map(|(labels, value)| (key(labels), vec![(0, *value)])).collect(),
        Answer::Matrix(matrix) => {
            let points =
                |samples: &[crate::demo::store::tsdb::Sample]| samples.iter().map(|s| (s.at, s.value)).collect();
            matrix.iter().map(|(labels, samples)| (key(labels), points(samples))).collect()
        }
    }
}

fn expected(expect: &Value) -> Elements {
    let number = |text: &Value| text.as_str().unwrap().parse::<f64>().unwrap();
    if let Some(scalar) = expect.get("scalar") {
        return [("scalar".to_owned(), vec![(0, number(scalar))])].into();
    }
    if let Some(text) = expect.get("string") {
        return [(text.as_str().unwrap().to_owned(), Vec::new())].into();
    }
    let list = expect.get("vector").or(expect.get("matrix")).unwrap().as_array().unwrap();
    let element = |element: &Value| {
        let labels: BTreeMap<&str, &str> =
            element[0].as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
        let points = match &element[1] {
            Value::Array(points) => points.iter().map(|p| (millis(p[0].as_f64().unwrap()), number(&p[1]))).collect(),
            value => vec![(0, number(value))],
        };
        (format!("{:?}", labels.into_iter().collect::<Vec<_>>()), points)
    };
    list.iter().map(element).collect()
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// Why the answer is not the recorded one.
fn difference(tsdb: &Tsdb, record: &Record) -> Option<String> {
    let got = answer(tsdb, record);
    if let Some(kind) = record.expect.get("errorType") {
        let text = record.expect["error"].as_str().unwrap();
        return match got {
            // The words of a parse error are the parser's own.
            Err(EvalError::Parse(_)) if kind == "bad_data" => None,
            // Which two of many duplicates are named depends on the order in storage.
            Err(EvalError::Execution(own)) if kind == "execution" => {
                let head = |text: &str| text.split(": [").next().map(str::to_owned);
                (head(&own) != head(text)).then(|| format!("error {own:?}, expected {text:?}"))
            }
            other => Some(format!("{other:?}, expected the error {text:?}")),
        };
    }
    let got = match got {
        Ok(answer) => elements(answer),
        Err(error) => return Some(format!("error {error}")),
    };
    let expect = expected(&record.expect);
    if !got.keys().eq(expect.keys()) {
        return Some(format!("elements {:?}, expected {:?}", got.keys(), expect.keys()));
    }
    for (key, points) in &got {
        let same = |(a, b): (&(i64, f64), &(i64, f64))| a.0 == b.0 && close(a.1, b.1);
        let other = expect.get(key).unwrap();
        if points.len() != other.len() || !points.iter().zip(other).all(same) {
            return Some(format!("{key}: {points:?}, expected {other:?}"));
        }
    }
    None
}

#[test]
fn every_recorded_answer_of_a_real_prometheus_is_ours_too() {
    let tsdb = samples();
    let records: Vec<Record> = serde_json::from_str(EXPECTED).unwrap();
    let differences: Vec<String> = records
        .iter()
        .filter_map(|record| Some((record, difference(&tsdb, record)?)))
        .map(|(r, why)| format!("{} {:?} at {:?}\n  {why}", r.id, r.query, r.time))
        .collect();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), records.len(), differences.join("\n"));
}

#[test]
fn every_query_of_the_catalogue_is_recorded_and_has_an_answer_there() {
    let records: Vec<Record> = serde_json::from_str(EXPECTED).unwrap();
    let lines: Vec<_> = CATALOGUE.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), 174);
    for line in lines {
        let (id, query) = line.split_once('\t').unwrap();
        let mut own = records.iter().filter(|r| r.id == id && r.query == query);
        assert!(own.any(|r| r.expect["vector"].as_array().is_some_and(|v| !v.is_empty())), "{id} has no answer");
    }
}

#[test]
fn numbers_survive_being_written_and_read() {
    let tsdb = samples();
    for sample in tsdb.all().flat_map(|series| &series.samples).filter(|s| !s.value.is_nan()) {
        assert_eq!(number::plain(sample.value).parse::<f64>().unwrap().to_bits(), sample.value.to_bits());
    }
}
