//! Base64 (RFC 4648), only to find secrets in disguise: both alphabets are read, padding is optional.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Whether a byte may stand in base64 of either alphabet.
pub fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// Without padding.
pub fn encode(bytes: &[u8]) -> String {
    let digit = |six: u32| STANDARD.get((six & 63) as usize).map_or('A', |byte| char::from(*byte));
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        out.extend([18, 12, 6, 0].into_iter().take(group.len() + 1).map(|shift| digit(bits >> shift)));
    }
    out
}

/// `None` when a character is in neither alphabet.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

/// What of `value` in base64 does not depend on what stands around it, for each of the three alignments.
pub fn aligned(value: &[u8]) -> [String; 3] {
    [(0_usize, 0_usize), (1, 2), (2, 3)].map(|(before, skip)| {
        let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
        let whole = padded.len() * 8 / 6;
        encode(&padded).get(skip..whole).unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_vectors_of_rfc_4648() {
        for (plain, coded) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).unwrap(), plain.as_bytes());
        }
        assert_eq!(decode("-_-_"), decode("+/+/"));
        assert_eq!(decode("a b"), None);
    }

    #[test]
    fn a_value_is_found_wherever_it_stands() {
        for before in ["", "x", "xy", "xyz"] {
            let coded = encode(format!("{before}correct horse;").as_bytes());
            assert!(aligned(b"correct horse").iter().any(|form| coded.contains(form)), "{before}");
        }
    }
}
