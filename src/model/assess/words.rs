//! Numbers in reasons, to three significant digits with their unit.

use crate::domain::text::Shown;
use crate::domain::unit::Unit;
use crate::shown;

/// `18.2 %`, `371 ms`, `41 s`, `563/s`.
#[must_use]
pub fn amount(value: f64, unit: Unit) -> Shown {
    match unit {
        Unit::Ratio => shown!("{} %", rounded(value * 100.0)),
        Unit::Seconds if value.abs() < 1.0 => shown!("{} ms", rounded(value * 1_000.0)),
        Unit::Seconds => shown!("{} s", rounded(value)),
        Unit::Milliseconds => shown!("{} ms", rounded(value)),
        Unit::PerSecond => shown!("{}/s", rounded(value)),
        Unit::Bytes if value.abs() >= 1e9 => shown!("{} GB", rounded(value / 1e9)),
        Unit::Bytes => shown!("{} MB", rounded(value / 1e6)),
        Unit::Days => shown!("{} d", rounded(value)),
        Unit::Bool if value > 0.0 => Shown::fixed("yes"),
        Unit::Bool => Shown::fixed("no"),
        Unit::Count => shown!("{}", rounded(value)),
        Unit::UsdPerHour => shown!("{} USD/h", rounded(value)),
    }
}

/// To three significant digits, and at most two decimals.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = (2.0 - value.abs().log10().floor()).clamp(-9.0, 2.0);
    let scale = 10f64.powf(digits);
    // Adding zero turns a negative zero into a positive one.
    (value * scale).round() / scale + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_digits_and_a_unit() {
        for (value, unit, expected) in [
            (0.18237, Unit::Ratio, "18.2 %"),
            (0.0, Unit::Ratio, "0 %"),
            (0.0008, Unit::Ratio, "0.08 %"),
            (0.3713, Unit::Seconds, "371 ms"),
            (41.0, Unit::Seconds, "41 s"),
            (1234.0, Unit::PerSecond, "1230/s"),
        ] {
            assert_eq!(amount(value, unit).as_str(), expected);
        }
    }
}
