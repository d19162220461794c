//! Reading JSON that nobody promised to be well-formed: `null` anywhere, missing parts, invalid UTF-8.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A string borrowed from the wire where it has no escapes; `null` and absent are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Str<'a>(Cow<'a, str>);

impl Deref for Str<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

struct StrVisitor;

impl<'de> Visitor<'de> for StrVisitor {
    type Value = Str<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Str(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Str(Cow::Owned(text.to_owned())))
    }
    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Str::default())
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(StrVisitor)
    }
}

/// Labels, annotations, selectors, quantities: a map of strings in wire order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels<'a>(Vec<(Str<'a>, Str<'a>)>);

impl Labels<'_> {
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of strings")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Labels(entries))
    }
    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Labels::default())
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Labels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(LabelsVisitor)
    }
}

/// `null` is the default.
pub fn lax<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Bytes as text; what is not UTF-8 becomes U+FFFD, so that one bad byte costs one character and not the answer.
pub fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Where `part`, a piece of `whole`, lies in it.
pub fn place(whole: &str, part: &RawValue) -> Range<usize> {
    let start = (part.get().as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_maps_bear_null_and_escapes() {
        let labels: Labels<'_> = serde_json::from_str(r#"{"a":"b","c":null,"d\n":"e\u0000"}"#).unwrap();
        assert_eq!(labels.get("a"), Some("b"));
        assert_eq!(labels.get("c"), Some(""));
        assert_eq!(labels.get("d\n"), Some("e\0"));
        assert_eq!(labels.get("x"), None);
        assert!(serde_json::from_str::<Labels<'_>>("null").unwrap().is_empty());
        assert!(serde_json::from_str::<Str<'_>>("7").is_err());
    }

    #[test]
    fn one_bad_byte_costs_one_character() {
        assert_eq!(lossy(b"ab\xffcd".to_vec()), "ab\u{fffd}cd");
    }
}
