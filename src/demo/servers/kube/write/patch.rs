//! The patch types of the API: merge (RFC 7396), JSON (RFC 6902) and strategic merge for the lists that the served
//! built-in kinds have.

use serde_json::{Map, Value};

/// Why a patch cannot be applied.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no patch of its kind.
    Malformed(String),
    /// A `test` failed, or a path leads nowhere: the API server says nothing more (facts/controlplane.md 0.1).
    Refused,
}

/// RFC 7396.
pub fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    let Some(target) = objectified(target) else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// What stands there as an object, made one if it is none.
fn objectified(target: &mut Value) -> Option<&mut Map<String, Value>> {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    target.as_object_mut()
}

/// The key that tells the elements of a list apart (`patchMergeKey` of k8s.io/api).
fn merge_key(list: &str) -> Option<&'static str> {
    Some(match list {
        "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets" => "name",
        "ports" => "containerPort",
        "volumeMounts" => "mountPath",
        "taints" => "key",
        "conditions" => "type",
        "ownerReferences" => "uid",
        _ => return None,
    })
}

/// A strategic merge patch: as a merge patch, but lists of named things are merged by their keys, and `$patch` replaces
/// or deletes.
pub fn strategic(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if fields.get("$patch").and_then(Value::as_str) == Some("replace") {
        *target = Value::Object(fields.iter().filter(|(name, _)| !name.starts_with('$')).map(owned).collect());
        return;
    }
    let Some(target) = objectified(target) else { return };
    for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with('$')) {
        let place = || Value::Null;
        match (value, merge_key(name)) {
            (Value::Null, _) => {
                target.remove(name);
            }
            (Value::Array(items), Some(key)) => strategic_list(target.entry(name).or_insert_with(place), items, key),
            _ => strategic(target.entry(name).or_insert_with(place), value),
        }
    }
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn strategic_list(target: &mut Value, items: &[Value], key: &str) {
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Some(list) = target.as_array_mut() else { return };
    for item in items {
        let same = |other: &Value| item.get(key).is_some() && other.get(key) == item.get(key);
        match item.get("$patch").and_then(Value::as_str) {
            Some("delete") => list.retain(|other| !same(other)),
            Some("replace") => list.clear(),
            _ => match list.iter_mut().find(|other| same(other)) {
                Some(other) => strategic(other, item),
                None => list.push(item.clone()),
            },
        }
    }
}

/// RFC 6902. As the API server does it, `replace` of a field that is not there adds it.
///
/// # Errors
/// When an operation cannot be read, a `test` fails or a path leads nowhere; the target is then half changed.
pub fn json(target: &mut Value, patch: &Value) -> Result<(), Unfit> {
    let operations = patch.as_array().ok_or_else(|| Unfit::Malformed("a JSON patch is a list".to_owned()))?;
    for operation in operations {
        let text = |name: &str| {
            operation
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| Unfit::Malformed(format!("an operation of the JSON patch has no {name:?}")))
        };
        let value = || {
            let value = operation.get("value").cloned();
            value.ok_or_else(|| Unfit::Malformed("an operation of the JSON patch has no \"value\"".to_owned()))
        };
        let path = text("path")?;
        match text("op")? {
            "test" if holds(target, path, operation.get("value")) => {}
            "add" | "replace" if path.is_empty() => *target = value()?,
            "add" => put(target, path, value()?, true)?,
            "replace" => put(target, path, value()?, false)?,
            "remove" => drop(take(target, path)?),
            "move" => {
                let moved = take(target, text("from")?)?;
                put(target, path, moved, true)?;
            }
            "copy" => {
                let copied = target.pointer(text("from")?).cloned().ok_or(Unfit::Refused)?;
                put(target, path, copied, true)?;
            }
            "test" => return Err(Unfit::Refused),
            other => return Err(Unfit::Malformed(format!("Unexpected kind: {other}"))),
        }
    }
    Ok(())
}

/// As the API server compares: what is not there is null, where there is a place for it.
fn holds(target: &Value, path: &str, value: Option<&Value>) -> bool {
    let missing = || path.rsplit_once('/').and_then(|(above, _)| target.pointer(above)).map(|_| &Value::Null);
    target.pointer(path).or_else(missing) == value
}

/// The place above the last key of a path, and that key.
fn above<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Unfit> {
    let (above, key) = path.rsplit_once('/').ok_or(Unfit::Refused)?;
    let place = target.pointer_mut(above).ok_or(Unfit::Refused)?;
    Ok((place, key.replace("~1", "/").replace("~0", "~")))
}

fn put(target: &mut Value, path: &str, value: Value, insert: bool) -> Result<(), Unfit> {
    let (place, key) = above(target, path)?;
    match place {
        Value::Object(map) => drop(map.insert(key, value)),
        Value::Array(list) if key == "-" => list.push(value),
        Value::Array(list) => {
            let index: usize = key.parse().map_err(|_| Unfit::Refused)?;
            if insert && index <= list.len() {
                list.insert(index, value);
            } else {
                *list.get_mut(index).ok_or(Unfit::Refused)? = value;
            }
        }
        _ => return Err(Unfit::Refused),
    }
    Ok(())
}

fn take(target: &mut Value, path: &str) -> Result<Value, Unfit> {
    let (place, key) = above(target, path)?;
    match place {
        Value::Object(map) => map.remove(&key).ok_or(Unfit::Refused),
        Value::Array(list) => {
            let index = key.parse().ok().filter(|index| *index < list.len()).ok_or(Unfit::Refused)?;
            Ok(list.remove(index))
        }
        _ => Err(Unfit::Refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Unfit, json, merge, strategic};

    #[test]
    fn patches_do_what_their_standards_say() {
        let target = json!({"a": 1, "m": {"x": 1, "a/b": 2}, "containers": [{"name": "web", "image": "w:1", "tty": true},
            {"name": "log", "image": "l:1"}], "list": [1, 2]});
        type Patcher = fn(&mut Value, &Value) -> Result<(), Unfit>;
        let merged: Patcher = |t, p| {
            merge(t, p);
            Ok(())
        };
        let strategically: Patcher = |t, p| {
            strategic(t, p);
            Ok(())
        };
        let cases: [(&str, Patcher, Value, &str, Value); 9] = [
            ("merge removes with null", merged, json!({"m": {"x": null}}), "/m", json!({"a/b": 2})),
            ("merge replaces lists", merged, json!({"list": [3]}), "/list", json!([3])),
            (
                "strategic merges by name",
                strategically,
                json!({"containers": [{"name": "web", "image": "w:2"}]}),
                "/containers/0",
                json!({"name": "web", "image": "w:2", "tty": true}),
            ),
            (
                "strategic deletes by name",
                strategically,
                json!({"containers": [{"name": "web", "$patch": "delete"}]}),
                "/containers",
                json!([{"name": "log", "image": "l:1"}]),
            ),
            ("strategic replaces", strategically, json!({"m": {"$patch": "replace", "y": 1}}), "/m", json!({"y": 1})),
            (
                "json adds into lists",
                json,
                json!([{"op": "add", "path": "/list/1", "value": 9}]),
                "/list",
                json!([1, 9, 2]),
            ),
            ("json unescapes", json, json!([{"op": "replace", "path": "/m/a~1b", "value": 3}]), "/m/a~1b", json!(3)),
            (
                "json replaces what is not there",
                json,
                json!([{"op": "replace", "path": "/m/z", "value": 3}]),
                "/m/z",
                json!(3),
            ),
            (
                "json moves",
                json,
                json!([{"op": "test", "path": "/a", "value": 1}, {"op": "move", "from": "/a", "path": "/b"}]),
                "/b",
                json!(1),
            ),
        ];
        for (what, apply, patch, path, expected) in cases {
            let mut target = target.clone();
            apply(&mut target, &patch).expect(what);
            assert_eq!(target.pointer(path), Some(&expected), "{what}");
        }
        for patch in [
            json!([{"op": "test", "path": "/a", "value": 2}]),
            json!([{"op": "test", "path": "/missing", "value": 2}]),
            json!([{"op": "remove", "path": "/missing"}]),
            json!([{"op": "replace", "path": "/missing/too", "value": 2}]),
        ] {
            assert_eq!(json(&mut target.clone(), &patch), Err(Unfit::Refused), "{patch}");
        }
    }
}
