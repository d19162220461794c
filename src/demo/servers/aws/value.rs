//! The documents of CloudWatch, apart from the protocol that carries them.

use super::failure::Failure;

/// A structure, list or scalar of the service's model.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Milliseconds since the Unix epoch.
    Time(i64),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A structure from its present members.
    pub fn structure<const N: usize>(members: [(&str, Option<Value>); N]) -> Self {
        Self::Map(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The member of a structure; a null one is absent.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(members) = self else { return None };
        members.iter().find(|(key, _)| key == name).map(|(_, value)| value).filter(|value| **value != Self::Null)
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The text of a member, if it is there.
    pub fn str(&self, name: &str) -> Result<Option<&str>, Failure> {
        self.get(name).map(|v| v.as_str().ok_or_else(|| mistyped(name, "a string"))).transpose()
    }

    pub fn bool(&self, name: &str) -> Result<Option<bool>, Failure> {
        self.get(name)
            .map(|v| if let Self::Bool(b) = v { Ok(*b) } else { Err(mistyped(name, "a boolean")) })
            .transpose()
    }

    pub fn int(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.get(name)
            .map(|v| if let Self::Int(i) = v { Ok(*i) } else { Err(mistyped(name, "an integer")) })
            .transpose()
    }

    /// A timestamp: tagged in CBOR, a number of seconds in JSON.
    pub fn time(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.get(name)
            .map(|v| match v {
                Self::Time(ms) => Ok(*ms),
                Self::Int(seconds) => Ok(seconds.saturating_mul(1_000)),
                Self::Float(seconds) => Ok((seconds * 1e3).round() as i64),
                _ => Err(mistyped(name, "a timestamp")),
            })
            .transpose()
    }

    /// The elements of a list member; none if it is absent.
    pub fn list(&self, name: &str) -> Result<&[Self], Failure> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Self::List(items)) => Ok(items),
            Some(_) => Err(mistyped(name, "a list")),
        }
    }
}

fn mistyped(name: &str, wanted: &str) -> Failure {
    Failure::new(400, "SerializationException", format!("{name} is not {wanted}"))
}
