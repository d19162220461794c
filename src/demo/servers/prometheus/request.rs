//! Parameters of a request, from its path, its query string and its form.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use promql_parser::util::parse_duration;

use super::reply::Failure;

/// No moment or duration further than this many seconds is meant: it keeps sums of them within `i64` milliseconds.
const FURTHEST: f64 = 1e11;

pub struct Request {
    segments: HashMap<String, String>,
    /// In the order Go's `Request.Form` gives them: the form before the query string.
    parameters: Vec<(String, String)>,
}

impl Request {
    pub fn new(segments: HashMap<String, String>, query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Self {
        let is_form = headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let form = if is_form { body } else { &[] };
        let query = query.unwrap_or_default().as_bytes();
        let parameters = [form, query].into_iter().flat_map(|part| form_urlencoded::parse(part).into_owned()).collect();
        Self { segments, parameters }
    }

    /// A named segment of the path.
    pub fn segment(&self, name: &str) -> &str {
        self.segments.get(name).map_or("", String::as_str)
    }

    pub fn all<'r, 'n: 'r>(&'r self, name: &'n str) -> impl Iterator<Item = &'r str> {
        self.parameters.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter; an empty one counts as absent.
    pub fn first(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A moment, ms since the Unix epoch, given as Unix seconds or as RFC 3339.
    pub fn moment(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.first(name) else { return Ok(None) };
        let seconds = text.parse::<f64>().ok().filter(|s| s.abs() <= FURTHEST).map(|s| (s * 1000.0).round() as i64);
        let moment = seconds.or_else(|| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond));
        let Some(moment) = moment else {
            return Err(Failure::parameter(name, format_args!("cannot parse \"{text}\" to a valid timestamp")));
        };
        Ok(Some(moment))
    }

    /// A duration in milliseconds, given as seconds or in Prometheus' notation (`5m`, `1h30m`).
    pub fn duration(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.first(name) else { return Ok(None) };
        let invalid = || Failure::parameter(name, format_args!("cannot parse \"{text}\" to a valid duration"));
        let seconds = match text.parse::<f64>() {
            Ok(seconds) => seconds,
            Err(_) if text.len() > 32 => return Err(invalid()),
            Err(_) => parse_duration(text).map_err(|_| invalid())?.as_secs_f64(),
        };
        if seconds.is_nan() || seconds.abs() > FURTHEST {
            return Err(invalid());
        }
        Ok(Some((seconds * 1000.0).round() as i64))
    }

    /// A maximum number of results; 0 is none.
    pub fn limit(&self, name: &str) -> Result<usize, Failure> {
        let Some(text) = self.first(name) else { return Ok(usize::MAX) };
        match text.parse::<i64>() {
            Ok(0) => Ok(usize::MAX),
            Ok(limit) if limit > 0 => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
            _ => Err(Failure::parameter(name, "limit must be non-negative")),
        }
    }
}
