//! Faults as text: `409,method=PATCH,share=0.01`. It is what the command line and the admin address take and show.

use std::fmt;
use std::str::FromStr;

use super::faults::{Fault, FaultKind};
use super::latency::time;

/// A text that is no [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no fault: {why}; begin with a status code (429), reset, reset-after or delay=50ms, and go on with any of \
     retry-after=1s, method=PATCH, path=/nodes, share=0.01 and times=3"
)]
pub struct FaultError {
    text: String,
    why: String,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        let error = |why: String| FaultError { text: text.to_owned(), why };
        let mut parts = text.split(',').map(str::trim);
        let kind = kind(parts.next().unwrap_or_default()).map_err(&error)?;
        let mut fault = Fault::new(kind);
        for part in parts {
            let (name, value) = part.split_once('=').ok_or_else(|| error(format!("{part:?} has no value")))?;
            fault = with(fault, name, value).map_err(&error)?;
        }
        Ok(fault)
    }
}

fn kind(text: &str) -> Result<FaultKind, String> {
    match text.split_once('=') {
        None if text == "reset" => Ok(FaultKind::Reset),
        None if text == "reset-after" => Ok(FaultKind::ResetAfter),
        Some(("delay", delay)) => Ok(FaultKind::Delay(time(delay)?)),
        _ => match text.parse() {
            Ok(code @ 400..=599) => Ok(FaultKind::Status { code, retry_after: None }),
            _ => Err(format!("{text:?} is neither a status code from 400 to 599 nor any of the others")),
        },
    }
}

fn with(mut fault: Fault, name: &str, value: &str) -> Result<Fault, String> {
    match name {
        "retry-after" => match &mut fault.kind {
            FaultKind::Status { retry_after, .. } => *retry_after = Some(time(value)?),
            _ => return Err("only a status code has a retry-after".to_owned()),
        },
        "method" => fault = fault.method(value),
        "path" => fault = fault.path_contains(value),
        "share" => match value.parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => fault = fault.share(share),
            _ => return Err(format!("the share {value:?} is no number from 0 to 1")),
        },
        "times" => match value.parse() {
            Ok(times @ 1..) => fault = fault.times(times),
            _ => return Err(format!("{value:?} times is no whole number above zero")),
        },
        _ => return Err(format!("{name:?} is not known")),
    }
    Ok(fault)
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FaultKind::Status { code, retry_after } => {
                write!(formatter, "{code}")?;
                if let Some(delay) = retry_after {
                    write!(formatter, ",retry-after={delay:?}")?;
                }
            }
            FaultKind::Reset => formatter.write_str("reset")?,
            FaultKind::ResetAfter => formatter.write_str("reset-after")?,
            FaultKind::Delay(delay) => write!(formatter, "delay={delay:?}")?,
        }
        if let Some(method) = &self.method {
            write!(formatter, ",method={method}")?;
        }
        if let Some(path) = &self.path_contains {
            write!(formatter, ",path={path}")?;
        }
        if let Some(share) = self.share_of_all() {
            write!(formatter, ",share={share}")?;
        }
        if let Some(times) = self.times {
            write!(formatter, ",times={times}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_fault_reads_back_as_it_was_written() {
        for text in [
            "409,method=PATCH,share=0.01",
            "429,retry-after=1s,path=/nodes,times=3",
            "reset,share=0.001",
            "reset-after",
            "delay=50ms,method=GET",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_fault_says_what_would_be_one() {
        for (text, why) in [
            ("", "neither a status code"),
            ("200", "neither a status code"),
            ("reset,retry-after=1s", "only a status code"),
            ("429,share=2", "from 0 to 1"),
            ("429,times=0", "above zero"),
            ("429,often", "has no value"),
            ("429,verb=get", "not known"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("share=0.01"), "{error}");
        }
    }
}
