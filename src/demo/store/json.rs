//! Reading and writing inside JSON values without panics.

use serde_json::{Map, Value};

/// The text at a JSON pointer; empty when there is none.
#[must_use]
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Sets what stands at the path of keys, making objects on the way.
pub fn set(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let mut place = object;
    for key in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Some(map) = place.as_object_mut() else { return };
        place = map.entry(*key).or_insert(Value::Null);
    }
    *place = value.into();
}
