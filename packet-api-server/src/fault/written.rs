//! Faults written as people write them.

use super::{Fault, FaultKind, MILLION};
use crate::time;
use std::fmt;

/// As [`FromStr`](std::str::FromStr) reads it.
impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for word in [&self.method, &self.path_prefix].into_iter().flatten() {
            write!(formatter, "{} ", quoted("", word))?;
        }
        let (kind, said) = self.kind.words();
        formatter.write_str(&kind)?;
        if let Some(text) = &self.path_contains {
            write!(formatter, " {}", quoted("contains=", text))?;
        }
        if self.per_million < MILLION {
            write!(formatter, " share={}", f64::from(self.per_million) / f64::from(MILLION))?;
        }
        if self.spared > 0 {
            write!(formatter, " after={}", self.spared)?;
        }
        if let Some(left) = self.left {
            write!(formatter, " times={left}")?;
        }
        formatter.write_str(&said)
    }
}

/// What happens, in a word or two.
impl fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words().0)
    }
}

impl FaultKind {
    /// What happens, and what is said with it where that is not the usual.
    fn words(&self) -> (String, String) {
        let word = match self {
            Self::Status { code, body, content_type, headers } => {
                return status_words(*code, body, content_type, headers);
            }
            Self::Html { code } => format!("html={code}"),
            Self::Truncated => "truncated".into(),
            Self::Malformed => "malformed".into(),
            Self::WrongShape => "wrong-shape".into(),
            Self::Hang => "hang".into(),
            Self::Reset => "reset".into(),
            Self::Delay(time) => format!("delay={}", time::text(*time)),
            Self::SlowBody { bytes_per_second } => format!("slow-body={bytes_per_second}"),
        };
        (word, String::new())
    }
}

fn status_words(code: u16, body: &str, content_type: &str, headers: &[(String, String)]) -> (String, String) {
    let usual = if code == 429 { FaultKind::too_many_requests(None) } else { FaultKind::status(code) };
    let mut said: Vec<String> = headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "Retry-After" => quoted("retry-after=", value),
            _ => quoted("header=", &format!("{name}:{value}")),
        })
        .collect();
    if let FaultKind::Status { body: usual_body, content_type: usual_type, .. } = usual {
        if content_type != usual_type {
            said.push(quoted("content-type=", content_type));
        }
        if body != usual_body {
            said.push(format!("body={body}"));
        }
    }
    (code.to_string(), said.iter().fold(String::new(), |text, word| text + " " + word))
}

fn quoted(name: &str, value: &str) -> String {
    if value.contains(char::is_whitespace) || value.is_empty() {
        format!("{name}\"{value}\"")
    } else {
        format!("{name}{value}")
    }
}
