//! Durations as Kubernetes' flags write them: Go's `5m`, `1h30m0s`, `300ms`, `1.5h`.

use std::time::Duration;

/// Longer than any setting makes sense, and short enough for every clock and cache to reckon with.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// The text is no duration above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a duration above zero and of a year at most, such as `30s`, `5m` or `1h30m`")]
pub struct InvalidDuration;

/// The text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a duration of a year at most, such as `10s`, `5m` or `0`")]
pub struct NoDuration;

/// Reads a duration above zero, and of a year at most.
///
/// # Errors
/// When the text has another form, no unit, or is zero, negative or longer.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    unsigned(text).filter(|duration| !duration.is_zero()).ok_or(InvalidDuration)
}

/// Reads a duration of a year at most where none at all makes sense, too: one below zero is none, and so is `0`, which needs no
/// unit.
///
/// # Errors
/// When the text has another form, or is longer.
pub fn parse_or_zero(text: &str) -> Result<Duration, NoDuration> {
    match text.strip_prefix('-') {
        Some(negative) => parse_or_zero(negative).map(|_| Duration::ZERO),
        None if text == "0" => Ok(Duration::ZERO),
        None => unsigned(text).ok_or(NoDuration),
    }
}

fn unsigned(text: &str) -> Option<Duration> {
    // jiff reads ISO 8601 (`PT5M`) as well, which Go does not; and no point without a number before it, which Go does.
    let text = text.strip_prefix('+').unwrap_or(text);
    let text = if text.starts_with('.') { format!("0{text}") } else { text.to_owned() };
    let signed = text.starts_with(|first: char| first.is_ascii_digit()).then(|| text.parse::<jiff::SignedDuration>());
    let duration = signed.and_then(Result::ok).and_then(|signed| Duration::try_from(signed).ok());
    duration.filter(|duration| *duration <= LONGEST)
}

/// Writes a duration as Go's flags read it, without what is zero: `90s` is `1m30s`.
#[must_use]
pub fn show(duration: Duration) -> String {
    let (seconds, milliseconds) = (duration.as_secs(), duration.subsec_millis());
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"), (milliseconds.into(), "ms")];
    let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    let text = parts.concat();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_writes_is_read() {
        for (text, milliseconds) in [
            ("5m", 300_000),
            ("5m0s", 300_000),
            ("1h30m0s", 5_400_000),
            ("300ms", 300),
            ("1.5h", 5_400_000),
            ("10s", 10_000),
            (".5s", 500),
            ("+5s", 5_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_back() {
        for text in ["5m", "1h30m", "300ms", "1m30s", "1s500ms"] {
            assert_eq!(parse(text).map(show).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_duration_above_zero_is_refused() {
        for text in ["", "5", "0s", "-5m", "soon", "5 parsecs", "99999999999999999999h", "9000000h", "PT5M"] {
            assert_eq!(parse(text), Err(InvalidDuration), "{text}");
        }
    }

    #[test]
    fn none_at_all_is_read_where_it_makes_sense() {
        for (text, seconds) in [("0", 0), ("0s", 0), ("-5m", 0), ("10s", 10)] {
            assert_eq!(parse_or_zero(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "-", "soon", "9000000h"] {
            assert_eq!(parse_or_zero(text), Err(NoDuration), "{text}");
        }
    }
}
