//! A figure of the report computed again from its own `query`, or from its own `from` and `formula`.

use serde_json::Value;

use crate::support::arithmetic::evaluate;
use crate::support::wire::Wire;

/// What may differ between two computations of a number in floating point.
const TOLERANCE: f64 = 1e-9;

/// What the recomputation of a report has met.
#[derive(Debug, Default)]
pub struct Tally {
    /// Figures and parts of figures that were computed again.
    pub computed: usize,
    /// Measured from this host at one moment: nothing on the wire gives them again.
    pub probes: usize,
    pub wrong: Vec<String>,
}

impl Tally {
    /// Computes a figure and all its parts again.
    pub fn check(&mut self, path: &str, figure: &Value, wire: &mut Wire) {
        for (at, part) in parts(figure).iter().enumerate() {
            self.check(&format!("{path}/from/{at}"), part, wire);
        }
        if figure["api"] == "probe" {
            self.probes += 1;
            return;
        }
        self.computed += 1;
        let told = figure["value"].as_f64().unwrap_or(f64::NAN);
        match again(figure, wire) {
            Ok(value) if same(told, value) => {}
            Ok(value) => self.wrong.push(format!("{path}: told {told}, is {value}: {}", words(figure))),
            Err(why) => self.wrong.push(format!("{path}: {why}: {}", words(figure))),
        }
    }
}

fn parts(figure: &Value) -> &[Value] {
    figure["from"].as_array().map_or(&[], Vec::as_slice)
}

fn words(figure: &Value) -> String {
    let what = figure.get("query").or_else(|| figure.get("formula")).map(Value::to_string);
    format!("{} at {}", what.unwrap_or_default(), figure["at"])
}

/// Null stands for what has no finite value.
fn same(told: f64, value: f64) -> bool {
    if !told.is_finite() || !value.is_finite() {
        return !told.is_finite() && !value.is_finite();
    }
    (told - value).abs() <= TOLERANCE * value.abs().max(1.0)
}

fn again(figure: &Value, wire: &mut Wire) -> Result<f64, String> {
    if let Some(formula) = figure["formula"].as_str() {
        let values: Vec<f64> = parts(figure).iter().map(|part| part["value"].as_f64().unwrap_or(f64::NAN)).collect();
        return evaluate(formula, &values);
    }
    let query = figure["query"].as_str().ok_or("neither a query nor a formula")?;
    let at = figure["at"].as_str().ok_or("no time")?;
    let at: jiff::Timestamp = at.parse().map_err(|error| format!("{at}: {error}"))?;
    match figure["api"].as_str() {
        Some("promql") => promql(wire, query, at.as_millisecond()),
        Some("cloudwatch") => cloudwatch(wire, query, figure["source"].as_str().unwrap_or_default()),
        Some("http") => http(wire, query),
        Some("describe") => describe(wire, query),
        other => Err(format!("there is no way to ask {other:?}")),
    }
}

fn promql(wire: &mut Wire, query: &str, at: i64) -> Result<f64, String> {
    let answer = wire.promql(query, at)?;
    let [series] = answer["data"]["result"].as_array().map_or(&[][..], Vec::as_slice) else {
        return Err(format!("not one series: {answer}"));
    };
    let [_, value] = series["value"].as_array().map_or(&[][..], Vec::as_slice) else {
        return Err(format!("no value: {answer}"));
    };
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| format!("no number: {answer}"))
}

fn cloudwatch(wire: &mut Wire, query: &str, source: &str) -> Result<f64, String> {
    // CloudFront and its web ACLs are told of in one region for the whole world.
    let region = if source.ends_with("-global") { "us-east-1" } else { "eu-west-1" };
    let answer = wire.metric_data(region, query)?;
    let [result] = answer["MetricDataResults"].as_array().map_or(&[][..], Vec::as_slice) else {
        return Err(format!("not one result: {answer}"));
    };
    result["Values"][0].as_f64().ok_or_else(|| format!("no value: {answer}"))
}

/// A call, its parameters in JSON, and the number of targets that meet every condition, in JMESPath.
fn describe(wire: &mut Wire, query: &str) -> Result<f64, String> {
    let unknown = || "not the targets of a group".to_owned();
    let rest = query.strip_prefix("elasticloadbalancing:DescribeTargetHealth ").ok_or_else(unknown)?;
    let (parameters, field) = rest.split_once(' ').ok_or_else(unknown)?;
    let parameters: Value = serde_json::from_str(parameters).map_err(|error| error.to_string())?;
    let group = parameters["TargetGroupArn"].as_str().ok_or_else(unknown)?;
    let filter = field.strip_prefix("length(TargetHealthDescriptions[?").and_then(|text| text.strip_suffix("])"));
    let conditions: Vec<(bool, &str)> = filter
        .ok_or_else(unknown)?
        .split(" && ")
        .map(|condition| {
            let (sign, state) = condition.strip_prefix("TargetHealth.State")?.split_at_checked(2)?;
            Some((sign == "==", state.strip_prefix('\'')?.strip_suffix('\'')?))
        })
        .collect::<Option<_>>()
        .ok_or_else(unknown)?;
    let states = wire.target_states(group)?;
    let meets = |state: &&String| conditions.iter().all(|(is, wanted)| (*state == wanted) == *is);
    Ok(states.iter().filter(meets).count() as f64)
}

/// A path and, behind `#`, the JSON pointer of a number or a quantity.
fn http(wire: &mut Wire, query: &str) -> Result<f64, String> {
    let (path, pointer) = query.split_once('#').ok_or("a path without a pointer tells no number")?;
    let document = wire.kubernetes(path)?;
    let value = document.pointer(pointer).ok_or("the pointer leads nowhere")?;
    value.as_f64().or_else(|| value.as_str().and_then(quantity)).ok_or_else(|| format!("no quantity: {value}"))
}

/// A Kubernetes quantity in its base unit.
fn quantity(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(digits)?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}
