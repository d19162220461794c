//! What looks like a secret is masked before it becomes part of a record.
//!
//! Two nets. The first is [`text`], by shape: places where secrets stand (credentials in URLs, headers, `key=value` with a
//! telling key, query strings, webhook paths, Secret objects, the last-applied annotation) and what secrets look like
//! (known prefixes, long mixed strings), each also inside base64 and URL encoding. The second is
//! [`crate::domain::secret::Secrets`], by value:
//! what the process knows to be secret is masked in every line that is written, in any of its encodings.
//!
//! What neither finds: a secret of everyday words in running text, which the process does not know. Anchors: facts/trust.md
//! A1 (CVE-2019-11250, linkerd2#2383, Kuadrant/authorino#617).

use std::borrow::Cow;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;

use crate::domain::secret::MASK;

/// The shortest run that is looked into for base64.
const SHORTEST_CODED: usize = 16;

/// Words that make the name of a value secret.
const TELLING: &str = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|webhook[_-]?key|client[_-]?key|credential|signature|authorization|cookie)";

/// Where secrets stand: pattern and what is kept of it.
static PLACES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let key = format!(
        r#"(?i)(["']?[\w./-]*{TELLING}[\w.-]*["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&\[{{"'\]}}][^\s,;&"'}}]*)"#
    );
    let places: [(&str, &str); 9] = [
        // A Secret object and the annotation that repeats an object hold secrets to their end.
        (r#"(?is)(last-applied-configuration\\?"?\s*[:=]).*"#, "${1} [redacted]"),
        (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", "[redacted]"),
        (r#"(?i)([a-z][a-z0-9+.-]*://)[^/\s"'<>]*@"#, "${1}[redacted]@"),
        (
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]*(?:key|token|secret|auth)[a-z-]*)(\s*[:=]\s*)[^\r\n]+",
            "${1}${2}[redacted]",
        ),
        (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", "${1} [redacted]"),
        (r#"(?i)([?&](?:key|sig|code|auth|password|x-amz-[a-z-]+)=)[^&\s#"']+"#, "${1}[redacted]"),
        (r#"(?i)(/services/|/webhooks?/|/integration/|/hooks/)[^\s?#"']+"#, "${1}[redacted]"),
        (&key, "${1}[redacted]"),
        (
            r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|eyJ[\w-]{8,}(?:\.[\w-]*){0,2}|sk-[\w-]{20,}|hv[sb]\.[\w-]{20,}|AIza[\w-]{30,}|(?:IQoJ|FwoG)[\w+/=-]{12,})",
            "[redacted]",
        ),
    ];
    places.into_iter().filter_map(|(pattern, keep)| Some((Regex::new(pattern).ok()?, keep))).collect()
});

static SECRET_OBJECT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\bkind\\?"?\s*:\s*\\?"?secret\b"#).ok());
static SECRET_DATA: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?s)\b((?:string)?data)(\\?"?)\s*:.*"#).ok());
static TELLS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("(?i){TELLING}")).ok());

/// Free text: every place, every known prefix, and long mixed strings.
pub fn text(text: &str) -> String {
    coded(&percent(&plain(text, true), true), true)
}

/// Names of things: as [`text`], without the search for long mixed strings.
pub fn name(text: &str) -> String {
    coded(&percent(&plain(text, false), false), false)
}

/// Whether the name of a value says that the value is secret.
pub fn names_secret(name: &str) -> bool {
    TELLS.as_ref().is_some_and(|tells| tells.is_match(name))
}

fn plain(text: &str, mixed: bool) -> String {
    let mut out = text.to_owned();
    if let (Some(object), Some(data)) = (&*SECRET_OBJECT, &*SECRET_DATA)
        && object.is_match(&out)
    {
        out = data.replace_all(&out, "${1}${2}: [redacted]").into_owned();
    }
    for (pattern, keep) in PLACES.iter() {
        if let Cow::Owned(masked) = pattern.replace_all(&out, *keep) {
            out = masked;
        }
    }
    if mixed { runs(&out, is_mixed) } else { out }
}

/// Masks words that hold a secret in URL encoding.
fn percent(text: &str, mixed: bool) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let decoded = unescaped(word);
        let hides = decoded != word && plain(&decoded, mixed) != decoded;
        if hides {
            out.push_str(MASK);
            out.extend(word.chars().last().filter(|c| c.is_whitespace()));
        } else {
            out.push_str(word);
        }
    }
    out
}

/// Masks runs that hold a secret in base64.
fn coded(text: &str, mixed: bool) -> String {
    runs(text, |run| {
        let decoded = (run.len() >= SHORTEST_CODED).then(|| decoded(run)).flatten();
        decoded.is_some_and(|decoded| plain(&decoded, mixed) != decoded)
    })
}

/// Text from base64 (RFC 4648) of either alphabet, padded or not, also where its end is cut off.
fn decoded(run: &str) -> Option<String> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let mut standard = run.trim_end_matches('=').replace('-', "+").replace('_', "/");
    if standard.len() % 4 == 1 {
        standard.pop();
    }
    String::from_utf8(LENIENT.decode(standard).ok()?).ok()
}

/// Whether a character may stand in base64 of either alphabet.
fn is_digit(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=')
}

/// Replaces each run of base64 characters that `hides` finds secret.
fn runs(text: &str, hides: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_digit(c)).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        out.push_str(before);
        out.push_str(if hides(run) { MASK } else { run });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A long string of capitals, small letters and digits without order, or a long one of hex that is neither a UUID's part
/// nor a digest's length: a key, not a word.
fn is_mixed(run: &str) -> bool {
    let run = run.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(kind);
    if run.len() >= 32 && run.bytes().all(|b| b.is_ascii_hexdigit()) {
        return !matches!(run.len(), 40 | 64);
    }
    run.len() >= 20
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && bits_per_character(run) >= 3.7
}

/// Shannon's entropy.
fn bits_per_character(text: &str) -> f64 {
    let mut counts = [0_u32; 128];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let length = text.len() as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length).map(|p| -p * p.log2()).sum()
}

/// Percent-decoding; `+` stays, what is no escape stays.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *byte == b'%') {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
pub(in crate::audit) use tests::PLANTED;

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
