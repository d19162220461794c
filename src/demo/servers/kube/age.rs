//! Timestamps of the API and ages as kubectl prints them.

/// Milliseconds since the Unix epoch of an RFC 3339 time in UTC, as objects carry it.
pub fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let millis = fraction.chars().chain("000".chars()).take(3).collect::<String>().parse::<i64>().ok()?;
    Some((((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis)
}

/// RFC 3339 in UTC with milliseconds.
pub fn format(at: i64) -> String {
    let (day, rest) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    let (year, month, date) = civil(day);
    let (hour, minute, second, millis) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Days from 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day counted from 1970-01-01: the inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, date)
}

/// A duration as kubectl's AGE column has it (k8s.io/apimachinery `duration.HumanDuration`).
pub fn human(ms: i64) -> String {
    let with = |whole: i64, unit: &str, part: i64, small: &str| {
        if part == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{part}{small}") }
    };
    let seconds = ms.div_euclid(1000);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match () {
        () if seconds < -1 => "<invalid>".to_owned(),
        () if seconds < 0 => "0s".to_owned(),
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => with(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => with(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if hours < 24 * 8 => with(hours / 24, "d", hours % 24, "h"),
        () if hours < 24 * 365 * 2 => format!("{}d", hours / 24),
        () if hours < 24 * 365 * 8 => with(hours / 24 / 365, "y", hours / 24 % 365, "d"),
        () => format!("{}y", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::{format, human, parse};

    #[test]
    fn times_survive_the_round_trip() {
        for (text, at) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
            ("2026-11-21T01:00:01.000Z", 1_795_222_801_000),
        ] {
            assert_eq!(parse(text), Some(at), "{text}");
            assert_eq!(format(at), text);
        }
        assert_eq!(parse("2026-11-21T01:00:01Z"), Some(1_795_222_801_000));
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn ages_read_as_kubectl_prints_them() {
        let (second, minute, hour, day) = (1000, 60_000, 3_600_000, 86_400_000);
        for (ms, text) in [
            (0, "0s"),
            (119 * second, "119s"),
            (2 * minute, "2m"),
            (2 * minute + 5 * second, "2m5s"),
            (10 * minute + 5 * second, "10m"),
            (3 * hour, "3h"),
            (7 * hour + 30 * minute, "7h30m"),
            (47 * hour, "47h"),
            (2 * day + hour, "2d1h"),
            (9 * day + hour, "9d"),
            (800 * day, "2y70d"),
        ] {
            assert_eq!(human(ms), text);
        }
    }
}
