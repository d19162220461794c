//! Names of streams and actions, and SHA-256 digests.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::domain::time::Stamp;

/// A SHA-256 digest, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What stands in place of the previous line's digest in the first line of a stream.
    pub const NONE: Self = Self([0; 32]);

    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads exactly what [`fmt::Display`] writes; upper case is refused, so that a digest has one spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut out = [0; 32];
        if bytes.len() != 64 {
            return None;
        }
        for (to, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *to = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(out))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Identifies one operation from its plan to its outcome: a UUID of version 7 (RFC 9562), which sorts by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(String);

impl ActionId {
    /// Made of a moment and 10 random bytes, so that who makes it needs neither clock nor generator.
    #[must_use]
    pub fn new(at: Stamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        let [a, b, rest @ ..] = random;
        let first = u16::from_be_bytes([a, b]) & 0x0fff;
        let [c, d, node @ ..] = rest;
        let second = (u16::from_be_bytes([c, d]) & 0x3fff) | 0x8000;
        let node: String = node.iter().map(|byte| format!("{byte:02x}")).collect();
        let (high, low) = ((millis >> 16) & 0xffff_ffff, millis & 0xffff);
        Self(format!("{high:08x}-{low:04x}-7{first:03x}-{second:04x}-{node}"))
    }

    /// A lower-case UUID; anything else is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let right = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => nibble(byte).is_some(),
            });
        right.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last 8 digits: random, so that few suffice to tell actions apart.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(28..).unwrap_or(&self.0)
    }

    /// Whether a person means this one: the whole id, its beginning or its end (at least 4 characters).
    #[must_use]
    pub fn answers_to(&self, text: &str) -> bool {
        text.len() >= 4 && (self.0.starts_with(text) || self.0.ends_with(text))
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A stream: everything one session wrote. `20261121T031207Z-bastion-1-4711-9f3c2a1b`, also the name of its folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

impl StreamId {
    /// `at` is wall time; of `host` only letters, digits, `-` and `.` are kept.
    #[must_use]
    pub fn new(at: Stamp, host: &str, pid: u32, random: u32) -> Self {
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let host: String = host.chars().filter(plain).take(63).collect();
        let host = if host.is_empty() { "host" } else { &host };
        let text = at.rfc3339();
        let day: String = text.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
        Self(format!("{day}Z-{host}-{pid}-{random:08x}"))
    }

    /// Whether a folder's name is one of a stream: a UTC time, a host, a process and 8 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, '-');
        let random = parts.next()?;
        let pid = parts.next()?;
        let (time, host) = parts.next()?.split_once('-')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (day, clock) = time.strip_suffix('Z')?.split_once('T')?;
        let right = random.len() == 8
            && random.bytes().all(|b| nibble(b).is_some())
            && digits(pid)
            && (digits(day) && day.len() == 8)
            && (digits(clock) && clock.len() == 6)
            && !host.is_empty()
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
        right.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Serde of a type that has one spelling.
macro_rules! spelled {
    ($kind:ty, $what:literal) => {
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom(concat!("no ", $what)))
            }
        }
    };
}

spelled!(Digest, "SHA-256 in lower-case hex");
spelled!(ActionId, "UUID");
spelled!(StreamId, "name of a stream");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_what_they_write_and_nothing_else() {
        let at = Stamp::parse_rfc3339("2026-11-21T03:12:07.250Z").unwrap();
        let action = ActionId::new(at, [0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6]);
        assert_eq!(action.as_str(), "01a1fc16-fc52-7fff-bfff-010203040506");
        assert_eq!(ActionId::parse(action.as_str()), Some(action.clone()));
        assert!(action.answers_to("03040506") && action.answers_to("01a1fc16") && !action.answers_to("506"));
        assert_eq!(ActionId::parse("019AA458-a4a2-7fff-bfff-010203040506"), None);

        let stream = StreamId::new(at, "bastion-1\x1b/..", 4711, 0x9f3c_2a1b);
        assert_eq!(stream.as_str(), "20261121T031207Z-bastion-1..-4711-9f3c2a1b");
        assert_eq!(StreamId::parse(stream.as_str()), Some(stream));
        for wrong in ["", "..", "20261121T031207Z-h-1-9f3c2a1", "20261121T031207-h-1-9f3c2a1b", "x-h-1-9f3c2a1b"] {
            assert_eq!(StreamId::parse(wrong), None, "{wrong}");
        }

        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse(&digest.to_string().to_uppercase()), None);
    }
}
