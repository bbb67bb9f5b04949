//! Durations as Kubernetes' flags write them: Go's `5m`, `1h30m0s`, `300ms`, `1.5h`.

use std::time::Duration;

/// Longer than any setting makes sense, and short enough for every clock and cache to reckon with.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// The text is no duration above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a duration above zero and of a year at most, such as `30s`, `5m` or `1h30m`")]
pub struct InvalidDuration;

/// Reads a duration above zero, and of a year at most.
///
/// # Errors
/// When the text has another form, no unit, or is zero, negative or longer.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    // jiff reads ISO 8601 (`PT5M`) and signs as well; Go does not, or they make no sense here.
    let signed = text.starts_with(|first: char| first.is_ascii_digit()).then(|| text.parse::<jiff::SignedDuration>());
    let duration = signed.and_then(Result::ok).and_then(|signed| Duration::try_from(signed).ok());
    duration.filter(|duration| !duration.is_zero() && *duration <= LONGEST).ok_or(InvalidDuration)
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
}
