//! Resource quantities (`250m`, `1.5`, `128Mi`, `2e3`).

/// The value in base units (cores, bytes); `None` when it is not a quantity.
/// Grammar: kubernetes.io "Quantity": a decimal number with an SI, binary or exponent suffix.
#[must_use]
pub fn quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (digits, suffix) = text.split_at_checked(end)?;
    let scale = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ if suffix.starts_with(['e', 'E']) => return text.parse().ok().filter(|value: &f64| value.is_finite()),
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|value| value * scale).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn quantities_are_read_in_base_units() {
        let cases = [
            ("250m", Some(0.25)),
            ("2", Some(2.0)),
            ("1.5", Some(1.5)),
            ("128Mi", Some(134_217_728.0)),
            ("1G", Some(1e9)),
            ("1E", Some(1e18)),
            ("2e3", Some(2000.0)),
            ("1500000n", Some(0.0015)),
            ("", None),
            ("Mi", None),
            ("1Zi", None),
            ("1.2.3", None),
            ("é", None),
        ];
        for (text, expected) in cases {
            assert_eq!(quantity(text), expected, "{text}");
        }
    }
}
