//! awsJson 1.0, which the AWS CLI speaks to CloudWatch: timestamps are numbers of seconds.

use serde_json::{Map, Number, Value as Json};

use super::failure::Failure;
use super::value::Value;

/// # Errors
/// `SerializationException` for anything that is not JSON.
pub fn decode(bytes: &[u8]) -> Result<Value, Failure> {
    if bytes.is_empty() {
        return Ok(Value::Map(Vec::new()));
    }
    serde_json::from_slice(bytes)
        .map(value)
        .map_err(|e| Failure::new(400, "SerializationException", format!("the body is not a JSON document: {e}")))
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or(f64::NAN)), Value::Int),
        Json::String(s) => Value::Text(s),
        Json::Array(items) => Value::List(items.into_iter().map(value).collect()),
        Json::Object(members) => Value::Map(members.into_iter().map(|(k, v)| (k, value(v))).collect()),
    }
}

#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    json(value).to_string().into_bytes()
}

fn json(value: &Value) -> Json {
    let float = |f: f64| Number::from_f64(f).map_or(Json::Null, Json::Number);
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) => Json::from(*i),
        Value::Float(f) => float(*f),
        Value::Text(t) => Json::from(t.as_str()),
        Value::Time(ms) => float(*ms as f64 / 1e3),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(members) => {
            Json::Object(members.iter().map(|(k, v)| (k.clone(), json(v))).collect::<Map<String, Json>>())
        }
    }
}
