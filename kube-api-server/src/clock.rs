//! Times as Kubernetes writes them: UTC, whole seconds or exactly six digits of a second.

use jiff::Timestamp;
use jiff::fmt::strtime;

/// RFC 3339 in UTC, without a fraction.
pub(crate) fn seconds(at: Timestamp) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%SZ", at).unwrap_or_default()
}

/// RFC 3339 in UTC, with six digits of a second.
pub(crate) fn microseconds(at: Timestamp) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%S.%6fZ", at).unwrap_or_default()
}

/// Reads `metav1.Time`, or says why not, in Go's words.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| go_error(text, "2006-01-02T15:04:05Z07:00", "2006"))
}

/// Reads `metav1.MicroTime`, which wants exactly six digits of a second.
pub(crate) fn parse_micro(text: &str) -> Result<Timestamp, String> {
    const LAYOUT: &str = "2006-01-02T15:04:05.000000Z07:00";
    let fraction = text.get(19..).unwrap_or("");
    let exact = fraction.strip_prefix('.').is_some_and(|rest| {
        rest.get(..6).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
            && !rest[6..].starts_with(|next: char| next.is_ascii_digit())
    });
    match text.parse() {
        Ok(at) if exact => Ok(at),
        Ok(_) => Err(format!("parsing time \"{text}\" as \"{LAYOUT}\": cannot parse \"{fraction}\" as \".000000\"")),
        Err(_) => Err(go_error(text, LAYOUT, "2006")),
    }
}

fn go_error(text: &str, layout: &str, part: &str) -> String {
    format!("parsing time \"{text}\" as \"{layout}\": cannot parse \"{text}\" as \"{part}\"")
}

/// How long ago, as the tables show it: the two largest units while they matter.
///
/// `since` is in seconds and may be negative, which is shown as `<invalid>` beyond a small clock skew.
pub(crate) fn age(since: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let pair = |first: i64, unit: &str, second: i64, smaller: &str| {
        if second == 0 { format!("{first}{unit}") } else { format!("{first}{unit}{second}{smaller}") }
    };
    match since {
        // Clocks may differ a little.
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{since}s"),
        120..600 => pair(since / MINUTE, "m", since % MINUTE, "s"),
        600..10_800 => format!("{}m", since / MINUTE),
        10_800..28_800 => pair(since / HOUR, "h", since % HOUR / MINUTE, "m"),
        28_800..172_800 => format!("{}h", since / HOUR),
        172_800..691_200 => pair(since / DAY, "d", since % DAY / HOUR, "h"),
        _ if since < 2 * YEAR => format!("{}d", since / DAY),
        _ if since < 8 * YEAR => pair(since / YEAR, "y", since % YEAR / DAY, "d"),
        _ => format!("{}y", since / YEAR),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn ages_show_two_units_at_most() {
        for (seconds, shown) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (349, "5m49s"),
            (600, "10m"),
            (10_800, "3h"),
            (11_000, "3h3m"),
            (100_000, "27h"),
            (172_800, "2d"),
            (28_080_000, "325d"),
            (-5, "<invalid>"),
        ] {
            assert_eq!(age(seconds), shown, "{seconds}");
        }
    }

    #[test]
    fn a_micro_time_wants_six_digits() {
        assert!(parse_micro("2026-01-01T00:00:00.000000Z").is_ok());
        assert!(parse_micro("2026-01-01T00:00:00.500000+02:00").is_ok());
        let error = parse_micro("2026-01-01T00:00:00.5Z").unwrap_err();
        assert!(error.ends_with(r#"cannot parse ".5Z" as ".000000""#), "{error}");
        assert!(parse_micro("yesterday").is_err());
    }

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(seconds(parse("2026-01-01T02:00:00.9+02:00").unwrap()), "2026-01-01T00:00:00Z");
    }
}
