//! Durations as Kubernetes' flags write them: Go's `5m`, `1h30m0s`, `300ms`, `1.5h`.

use std::time::Duration;

/// The text is no duration above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a duration above zero such as `30s`, `5m` or `1h30m`")]
pub struct InvalidDuration;

/// Reads a duration above zero.
///
/// # Errors
/// When the text has another form, no unit, or is zero or negative.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let signed: jiff::SignedDuration = text.parse().map_err(|_| InvalidDuration)?;
    Duration::try_from(signed).ok().filter(|duration| !duration.is_zero()).ok_or(InvalidDuration)
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
    fn what_is_no_duration_above_zero_is_refused() {
        for text in ["", "5", "0s", "-5m", "soon", "5 parsecs", "99999999999999999999h"] {
            assert_eq!(parse(text), Err(InvalidDuration), "{text}");
        }
    }
}
