//! Reading and writing inside JSON values without panics.

use serde_json::Value;

static NULL: Value = Value::Null;

/// What stands at a JSON pointer (RFC 6901, without its escapes, which cost `Value::pointer` two allocations a key);
/// null when there is nothing.
pub fn at<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    let step = |value: &'a Value, key: &str| match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    };
    pointer.split('/').skip(1).try_fold(object, step).unwrap_or(&NULL)
}

/// The text at a pointer; empty when there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    at(object, pointer).as_str().unwrap_or_default()
}

/// A number that the API omits when it is zero.
pub fn count(object: &Value, pointer: &str) -> i64 {
    at(object, pointer).as_i64().unwrap_or_default()
}

/// The elements at a pointer; none when there is no array.
pub fn array<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    at(object, pointer).as_array().map_or(&[], Vec::as_slice)
}

/// Sets one key of an object.
pub fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}
