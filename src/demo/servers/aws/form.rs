//! The form of an awsQuery request: `Action=…&Version=…&Name.member.1=…`.

use std::collections::BTreeMap;

use super::failure::Failure;

/// The fields of one request.
#[derive(Debug, Default)]
pub struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self { fields: form_urlencoded::parse(body).into_owned().collect() }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// The elements of a list in their order: `name.member.1` or, where the model names its members, `name.Filter.1`.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        let mut items: Vec<(usize, &str)> = self
            .fields
            .iter()
            .filter_map(|(key, value)| {
                let (_, index) = key.strip_prefix(name)?.strip_prefix('.')?.split_once('.')?;
                Some((index.parse().ok()?, value.as_str()))
            })
            .collect();
        items.sort_unstable();
        items.into_iter().map(|(_, value)| value).collect()
    }

    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// # Errors
    /// `InvalidParameterValue` if the field is not a number within `range`.
    pub fn int(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Failure::invalid(format!(
                "Invalid value {text} for {name}. Must be between {} and {}",
                range.start(),
                range.end()
            ))),
        }
    }

    /// A timestamp of ISO 8601, in milliseconds.
    ///
    /// # Errors
    /// `InvalidParameterValue` if the field is none.
    pub fn time(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.get(name)
            .map(|text| {
                text.parse::<jiff::Timestamp>()
                    .map(jiff::Timestamp::as_millisecond)
                    .map_err(|_| Failure::invalid(format!("{name} is not a timestamp: {text}")))
            })
            .transpose()
    }

    /// One page of `items`, and the token of the next one.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a size outside the range, or a token that this server has not given.
    pub fn page<T>(&self, paging: &Paging, items: Vec<T>) -> Result<(Vec<T>, Option<String>), Failure> {
        let size = self.int(paging.size, paging.range.clone())?.unwrap_or(paging.default);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let start = match self.get(paging.token) {
            None => 0,
            Some(token) => token
                .strip_prefix("from-")
                .and_then(|n| n.parse::<usize>().ok())
                .filter(|start| *start < items.len())
                .ok_or_else(|| Failure::invalid(format!("The parameter {} is invalid: {token}", paging.token)))?,
        };
        let next = (items.len() - start > size).then(|| format!("from-{}", start + size));
        Ok((items.into_iter().skip(start).take(size).collect(), next))
    }
}

/// How a service names and bounds its pages.
pub struct Paging {
    pub size: &'static str,
    pub token: &'static str,
    pub range: std::ops::RangeInclusive<i64>,
    pub default: i64,
}
