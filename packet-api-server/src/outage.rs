//! An outage: nothing is answered as it should be, until it is lifted.

use crate::time;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What everybody meets while the API is out, and for how long. As text, as the command line has it: `refuse`, `reset`,
/// `hang`, a status like `503`, each with an optional `for=30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    pub(crate) kind: OutageKind,
    /// Until somebody lifts it, if this is not given.
    pub(crate) lasts: Option<Duration>,
}

/// What everybody meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutageKind {
    /// The port is closed: new connections are refused, and those that are open are closed by their next request.
    Refuse,
    /// Connections close without an answer.
    Reset,
    /// No answer. Whoever asked during the outage is not answered after it either.
    Hang,
    /// This status, with the API's own JSON error.
    Status(u16),
}

/// Why a text is no outage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutageError {
    /// It is not a kind.
    #[error("outage {0:?}: write refuse, reset, hang or a status from 400 to 599, with an optional for=30s after it")]
    Form(String),
    /// Its time is none.
    #[error("outage {text:?}: {reason}")]
    Time {
        /// The whole text.
        text: String,
        /// What is wrong with the time.
        reason: String,
    },
}

impl Outage {
    /// An outage that lasts until it is lifted.
    #[must_use]
    pub const fn new(kind: OutageKind) -> Self {
        Self { kind, lasts: None }
    }

    /// An outage that ends by itself after this time.
    #[must_use]
    pub const fn lasting(mut self, time: Duration) -> Self {
        self.lasts = Some(time);
        self
    }
}

impl FromStr for Outage {
    type Err = OutageError;

    fn from_str(text: &str) -> Result<Self, OutageError> {
        let form = || OutageError::Form(text.to_owned());
        let mut words = text.split_whitespace();
        let kind = match words.next().ok_or_else(form)? {
            "refuse" => OutageKind::Refuse,
            "reset" => OutageKind::Reset,
            "hang" => OutageKind::Hang,
            status => {
                let status = status.parse().ok().filter(|status| (400..600).contains(status));
                OutageKind::Status(status.ok_or_else(form)?)
            }
        };
        let Some(lasts) = words.next() else { return Ok(Self::new(kind)) };
        let lasts = lasts.strip_prefix("for=").ok_or_else(form)?;
        if words.next().is_some() {
            return Err(form());
        }
        let lasts = time::parse(lasts).map_err(|reason| OutageError::Time { text: text.to_owned(), reason })?;
        Ok(Self::new(kind).lasting(lasts))
    }
}

/// As [`FromStr`] reads it.
impl fmt::Display for Outage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.kind)?;
        self.lasts.map_or(Ok(()), |time| write!(formatter, " for={}", time::text(time)))
    }
}

impl fmt::Display for OutageKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => formatter.write_str("refuse"),
            Self::Reset => formatter.write_str("reset"),
            Self::Hang => formatter.write_str("hang"),
            Self::Status(status) => write!(formatter, "{status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::Outage;

    #[test]
    fn an_outage_reads_back_as_it_is_written() {
        for text in ["refuse", "reset", "hang", "503", "refuse for=30s", "502 for=1m"] {
            assert_eq!(text.parse::<Outage>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_outage_is_refused_with_what_would_be() {
        for (text, advice) in [
            ("", "refuse, reset, hang"),
            ("broken", "refuse, reset, hang"),
            ("200", "from 400 to 599"),
            ("hang 5s", "for=30s"),
            ("hang for=5s more", "for=30s"),
            ("hang for=ever", "100ms"),
        ] {
            let error = text.parse::<Outage>().unwrap_err().to_string();
            assert!(error.contains(advice) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }
}
