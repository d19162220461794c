//! Numbers as Go prints them.

/// `strconv.FormatFloat(value, 'f', -1, 64)`: how samples are written.
#[must_use]
pub fn plain(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{value}")
    }
}

/// `strconv.FormatFloat(value, 'e', -1, 64)`: how the values of alerts are written.
#[must_use]
pub fn scientific(value: f64) -> String {
    if !value.is_finite() {
        return plain(value);
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// A moment in milliseconds as the seconds that a sample carries.
#[must_use]
pub fn timestamp(millis: i64) -> String {
    let (sign, size) = (if millis < 0 { "-" } else { "" }, millis.unsigned_abs());
    let (seconds, fraction) = (size / 1000, size % 1000);
    if fraction == 0 { format!("{sign}{seconds}") } else { format!("{sign}{seconds}.{fraction:03}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_written_without_an_exponent() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1e6, "1000000"),
            (1e21, "1000000000000000000000"),
            (1.5e-7, "0.00000015"),
            (0.1, "0.1"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, text) in cases {
            assert_eq!(plain(value), text);
        }
    }

    #[test]
    fn alert_values_are_written_with_one() {
        let cases = [(0.0, "0e+00"), (1.0, "1e+00"), (0.25, "2.5e-01"), (-1234.0, "-1.234e+03"), (1e100, "1e+100")];
        for (value, text) in cases {
            assert_eq!(scientific(value), text);
        }
    }

    #[test]
    fn moments_carry_milliseconds_only_when_there_are_some() {
        assert_eq!(timestamp(1_700_000_000_000), "1700000000");
        assert_eq!(timestamp(1_700_000_000_050), "1700000000.050");
        assert_eq!(timestamp(-500), "-0.500");
    }
}
