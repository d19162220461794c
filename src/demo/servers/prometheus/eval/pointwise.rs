//! Functions of a single value.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// A function of one value.
pub(super) fn function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sqrt" => f64::sqrt,
        "sgn" => |v| if v == 0.0 || v.is_nan() { v } else { v.signum() },
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "deg" => |v| v * 180.0 / std::f64::consts::PI,
        "rad" => |v| v * std::f64::consts::PI / 180.0,
        _ => return None,
    })
}

/// A function of one value and of scalars; none when it leaves the element out.
pub(super) type WithScalars = fn(f64, &[f64]) -> Option<f64>;

pub(super) fn with_scalars(name: &str) -> Option<WithScalars> {
    Some(match name {
        "clamp" => |v, bounds| match bounds {
            [least, most] if most < least => None,
            [least, most] => Some(at_least(at_most(v, *most), *least)),
            _ => None,
        },
        "clamp_min" => |v, bounds| bounds.first().map(|least| at_least(v, *least)),
        "clamp_max" => |v, bounds| bounds.first().map(|most| at_most(v, *most)),
        "round" => |v, to| {
            // By the inverse, as Prometheus does it, since that is exact for 0.1 and the like.
            let inverse = 1.0 / to.first().copied().unwrap_or(1.0);
            Some((v * inverse + 0.5).floor() / inverse)
        },
        _ => return None,
    })
}

fn at_least(value: f64, bound: f64) -> f64 {
    if value.is_nan() || bound.is_nan() { f64::NAN } else { value.max(bound) }
}

fn at_most(value: f64, bound: f64) -> f64 {
    if value.is_nan() || bound.is_nan() { f64::NAN } else { value.min(bound) }
}

/// A part of the UTC date and time that a value in Unix seconds stands for.
pub(super) fn date(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "minute" => |v| part(v, |t| f64::from(t.minute())),
        "hour" => |v| part(v, |t| f64::from(t.hour())),
        "day_of_week" => |v| part(v, |t| f64::from(t.weekday().to_sunday_zero_offset())),
        "day_of_month" => |v| part(v, |t| f64::from(t.day())),
        "day_of_year" => |v| part(v, |t| f64::from(t.day_of_year())),
        "days_in_month" => |v| part(v, |t| f64::from(t.days_in_month())),
        "month" => |v| part(v, |t| f64::from(t.month())),
        "year" => |v| part(v, |t| f64::from(t.year())),
        _ => return None,
    })
}

/// NaN for what is no date.
fn part(seconds: f64, of: fn(DateTime) -> f64) -> f64 {
    if seconds.is_nan() {
        return f64::NAN;
    }
    Timestamp::from_second(seconds as i64).map_or(f64::NAN, |t| of(t.to_zoned(TimeZone::UTC).datetime()))
}
