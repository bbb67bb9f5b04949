//! Times as people write them on a command line: `500us`, `100ms`, `2s`, `1m`.

use std::time::Duration;

/// Reads a whole number and its unit. The error says what a time looks like.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time; write a whole number and its unit: 500us, 100ms, 2s, 1m");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "us" => Ok(Duration::from_micros(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// Writes a time so that [`parse`] reads it back, to the microsecond.
pub(crate) fn text(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0 => "0ms".into(),
        _ if micros.is_multiple_of(60_000_000) => format!("{}m", micros / 60_000_000),
        _ if micros.is_multiple_of(1_000_000) => format!("{}s", micros / 1_000_000),
        _ if micros.is_multiple_of(1_000) => format!("{}ms", micros / 1_000),
        _ => format!("{micros}us"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::{parse, text};
    use std::time::Duration;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(parse("500us"), Ok(Duration::from_micros(500)));
        assert_eq!(parse("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(parse("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse("1m"), Ok(Duration::from_mins(1)));
        for wrong in ["", "5", "ms", "1h", "-1s", "1.5s", "99999999999999999999s"] {
            assert!(parse(wrong).unwrap_err().contains("100ms, 2s, 1m"), "{wrong}");
        }
    }

    #[test]
    fn a_time_reads_back_as_it_is_written() {
        for written in ["0ms", "1us", "1500us", "20ms", "1500ms", "2s", "90s", "1m", "60m"] {
            assert_eq!(text(parse(written).unwrap()), written);
        }
    }
}
