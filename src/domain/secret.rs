//! What the process knows to be secret, taken out of words from outside before they are told: a server, or what stands
//! before it, may repeat our request in its answer.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What stands where a secret stood.
pub const MASK: &str = "[redacted]";
/// The shortest secret that is looked for, in bytes: shorter ones would mask everyday words.
const SHORTEST: usize = 6;
/// The shortest credential after the name of its scheme.
const SHORTEST_CREDENTIAL: usize = 8;
/// Schemes after which a credential stands (RFC 6750 2.1, RFC 7617 2).
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// Known secrets in every form in which they may be repeated: as they are, with JSON's escaped slashes, URL-encoded, and
/// in base64 wherever they stand in it. It has no `Display`, and its `Debug` tells only how many there are.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

/// A value in every form in which it is looked for.
#[must_use]
pub fn forms(value: &str) -> Vec<String> {
    let coded = aligned(value.as_bytes());
    let url = coded.clone().map(|form| form.replace('+', "-").replace('/', "_"));
    let plain = [value.to_owned(), value.replace('/', "\\/"), escaped(value, true), escaped(value, false)];
    coded.into_iter().chain(url).chain(plain).filter(|form| form.len() >= SHORTEST).collect()
}

impl Secrets {
    /// Adds one; a value of fewer than 6 bytes is too short to be looked for.
    pub fn know(&mut self, value: &str) {
        if value.len() < SHORTEST {
            return;
        }
        for form in forms(value) {
            if !self.0.contains(&form) {
                self.0.push(form);
            }
        }
        // Longer forms first: a short one must not leave the ends of a long one.
        self.0.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// The text without any of them, and without what stands where a credential stands.
    #[must_use]
    pub fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut out = Cow::Borrowed(text);
        for form in &self.0 {
            if out.contains(form.as_str()) {
                out = Cow::Owned(out.replace(form.as_str(), MASK));
            }
        }
        for scheme in SCHEMES {
            if let Some(masked) = after(&out, scheme) {
                out = Cow::Owned(masked);
            }
        }
        out
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} forms)", self.0.len())
    }
}

/// The text with the credentials after `scheme` masked, if there are any.
fn after(text: &str, scheme: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut from) = (String::new(), 0);
    while let Some(found) = lower.get(from..).and_then(|rest| rest.find(scheme)) {
        let start = from + found + scheme.len();
        let part = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        let length = lower.get(start..).map_or(0, |rest| rest.find(|c| !part(c)).unwrap_or(rest.len()));
        out.push_str(text.get(from..start)?);
        out.push_str(if length >= SHORTEST_CREDENTIAL { MASK } else { text.get(start..start + length)? });
        from = start + length;
    }
    out.push_str(text.get(from..)?);
    (out != text).then_some(out)
}

/// What of `value` in base64 (RFC 4648) does not depend on what stands around it, for each of the three alignments.
fn aligned(value: &[u8]) -> [String; 3] {
    [(0_usize, 0_usize), (1, 2), (2, 3)].map(|(before, skip)| {
        let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
        let coded = STANDARD_NO_PAD.encode(&padded);
        coded.get(skip..padded.len() * 8 / 6).unwrap_or_default().to_owned()
    })
}

/// Percent-encoded, with hex digits in capitals or not.
#[must_use]
pub fn escaped(text: &str, upper: bool) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let one = |b: u8| match (plain(b), upper) {
        (true, _) => char::from(b).to_string(),
        (false, true) => format!("%{b:02X}"),
        (false, false) => format!("%{b:02x}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let mut secrets = Secrets::default();
        secrets.know("correct/horse+battery");
        secrets.know("short");
        for text in [
            "it said correct/horse+battery!",
            r#"{"a":"correct\/horse+battery"}"#,
            "?t=correct%2Fhorse%2Bbattery",
            "?t=correct%2fhorse%2bbattery",
            // user:correct/horse+battery
            "dXNlcjpjb3JyZWN0L2hvcnNlK2JhdHRlcnk=",
            "Authorization: Bearer another.token-1",
            "authorization: basic dXNlcjpwdw==",
        ] {
            let masked = secrets.masked(text);
            assert!(masked.contains(MASK), "{masked}");
            for part in ["horse", "b3JyZWN0", "another", "dXNlcjpw"] {
                assert!(!masked.contains(part), "{masked}");
            }
        }
        for text in ["a bearer of news", "short", "basic auth wanted", "Bearer"] {
            assert_eq!(secrets.masked(text), text);
        }
    }
}
