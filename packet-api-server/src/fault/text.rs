//! Faults as people write them, read: `GET /devices/ 500 share=0.05`.

use super::{Fault, FaultKind};
use crate::time;
use std::str::FromStr;

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault {text:?}: {reason}")]
pub struct FaultError {
    /// The whole text.
    text: String,
    /// What is wrong with which word, and what would be right.
    reason: String,
}

const KINDS: &str = "a status from 200 to 599, html=502, truncated, malformed, wrong-shape, hang, reset, delay=2s or \
                     slow-body=1000 (bytes a second)";
const OPTIONS: &str = "contains=, share=, after=, times=, retry-after=, header=Name:value, content-type= and body=";

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        read(text).map_err(|reason| FaultError { text: text.to_owned(), reason })
    }
}

/// What words of a fault have said so far.
#[derive(Default)]
struct Draft {
    method: Option<String>,
    path_prefix: Option<String>,
    kind: Option<FaultKind>,
    /// How long a client is to wait, and other things that only a status can say.
    headers: Vec<(String, String)>,
    content_type: Option<String>,
    body: Option<String>,
}

fn read(text: &str) -> Result<Fault, String> {
    // Without a number of times it holds until it is lifted: who writes a fault down sets the weather.
    let mut fault = Fault::new(FaultKind::Reset).always();
    let mut draft = Draft::default();
    for word in words(text)? {
        match word.split_once('=') {
            Some((name, value)) if !word.starts_with('/') => option(&mut fault, &mut draft, name, value)?,
            _ => plain(&mut draft, &word)?,
        }
    }
    fault.kind = draft.kind.take().ok_or_else(|| format!("it does not say what goes wrong; write one of {KINDS}"))?;
    let said = !draft.headers.is_empty() || draft.body.is_some() || draft.content_type.is_some();
    match &mut fault.kind {
        FaultKind::Status { body, content_type, headers, .. } => {
            headers.append(&mut draft.headers);
            *body = draft.body.unwrap_or_else(|| std::mem::take(body));
            *content_type = draft.content_type.unwrap_or_else(|| std::mem::take(content_type));
        }
        _ if said => return Err("retry-after, header, content-type and body need a status, say 429".into()),
        _ => {}
    }
    (fault.method, fault.path_prefix) = (draft.method, draft.path_prefix);
    Ok(fault)
}

/// A word without an equals sign: a method, a path, a status or the name of a kind.
fn plain(draft: &mut Draft, word: &str) -> Result<(), String> {
    if word.starts_with('/') {
        return once(&mut draft.path_prefix, word.to_owned(), "path");
    }
    let kind = match word {
        "truncated" => FaultKind::Truncated,
        "malformed" => FaultKind::Malformed,
        "wrong-shape" => FaultKind::WrongShape,
        "hang" => FaultKind::Hang,
        "reset" => FaultKind::Reset,
        _ if word.starts_with(|first: char| first.is_ascii_digit()) => match status(word)? {
            429 => FaultKind::too_many_requests(None),
            code => FaultKind::status(code),
        },
        _ if word.chars().all(|c| c.is_ascii_uppercase()) => {
            return once(&mut draft.method, word.to_owned(), "method");
        }
        _ => return Err(format!("{word:?} is not known; what goes wrong is {KINDS}")),
    };
    once(&mut draft.kind, kind, "thing that goes wrong")
}

fn option(fault: &mut Fault, draft: &mut Draft, name: &str, value: &str) -> Result<(), String> {
    let number = || value.parse::<u32>().map_err(|_| format!("{name} must be a whole number, not {value:?}"));
    let kind = match name {
        "html" => FaultKind::html(status(value)?),
        "delay" => FaultKind::Delay(time::parse(value)?),
        "slow-body" => match number()? {
            0 => return Err("slow-body must be at least 1 byte a second; to send nothing at all, use hang".into()),
            bytes_per_second => FaultKind::SlowBody { bytes_per_second },
        },
        _ => {
            match name {
                "contains" => fault.path_contains = Some(value.to_owned()),
                "share" => *fault = fault.clone().share(share(value)?),
                "after" => fault.spared = number()?,
                "times" => fault.left = Some(number()?),
                "retry-after" => draft.headers.push(("Retry-After".into(), value.to_owned())),
                "header" => {
                    let header = value.split_once(':').map(|(name, value)| (name.trim().into(), value.trim().into()));
                    draft.headers.push(header.ok_or_else(|| format!("header must be Name:value, not {value:?}"))?);
                }
                "content-type" => draft.content_type = Some(value.to_owned()),
                "body" => draft.body = Some(value.to_owned()),
                _ => return Err(format!("{name}= is not known; there are {OPTIONS}, and what goes wrong is {KINDS}")),
            }
            return Ok(());
        }
    };
    once(&mut draft.kind, kind, "thing that goes wrong")
}

fn once<T>(place: &mut Option<T>, value: T, what: &str) -> Result<(), String> {
    if place.replace(value).is_some() {
        return Err(format!("it has more than one {what}; write a fault for each"));
    }
    Ok(())
}

fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|status| (200..600).contains(status));
    status.ok_or_else(|| format!("{text:?} is no status; write one from 200 to 599"))
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| format!("share must be more than 0 and at most 1, not {text:?}; one request in twenty is 0.05"))
}

/// The words of a text. In double quotes a space is part of a word; everything after `body=` is one.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if rest.starts_with("body=") {
            words.push(rest.trim_end().to_owned());
            break;
        }
        let (mut word, mut quoted, mut length) = (String::new(), false, rest.len());
        for (place, c) in rest.char_indices() {
            match c {
                '"' => quoted = !quoted,
                c if c.is_whitespace() && !quoted => {
                    length = place;
                    break;
                }
                c => word.push(c),
            }
        }
        if quoted {
            return Err("a double quote is not closed; add another".into());
        }
        words.push(word);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::super::{Fault, FaultKind};
    use std::time::Duration;

    #[test]
    fn a_fault_is_a_method_a_path_a_kind_and_options() {
        let read = |text: &str| text.parse::<Fault>().unwrap();
        assert_eq!(
            read("GET /devices/ 500 share=0.05"),
            Fault::new(FaultKind::status(500)).method("GET").path_prefix("/devices/").share(0.05).always()
        );
        assert_eq!(read("429 retry-after=7 times=3"), Fault::new(FaultKind::too_many_requests("7")).times(3));
        assert_eq!(
            read("delay=2s contains=page=3 after=1 times=1"),
            Fault::new(FaultKind::Delay(Duration::from_secs(2))).path_contains("page=3").after(1)
        );
        let own = FaultKind::Status {
            code: 503,
            body: r#"{"error": "a = b"}"#.into(),
            content_type: "text/plain".into(),
            headers: vec![("Retry-After".into(), "Sun, 22 Nov 2026 12:00:00 GMT".into()), ("X-A".into(), "b".into())],
        };
        let text = r#"503 retry-after="Sun, 22 Nov 2026 12:00:00 GMT" header=X-A:b content-type=text/plain body={"error": "a = b"}"#;
        assert_eq!(read(text), Fault::new(own).always());
    }

    #[test]
    fn a_fault_reads_back_as_it_is_written() {
        for text in [
            "hang",
            "reset times=2",
            "truncated",
            "malformed after=3",
            "wrong-shape",
            "html=502 share=0.25",
            "delay=1500ms",
            "slow-body=1000",
            "DELETE /devices/ 403",
            "GET /projects 429 contains=page=3 times=1 retry-after=7",
            r#"429 retry-after="Sun, 22 Nov 2026 12:00:00 GMT""#,
            r#"200 content-type=text/plain body={"a": [1, 2]}"#,
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_would_be() {
        for (text, advice) in [
            ("", "write one of a status"),
            ("GET /devices/", "write one of a status"),
            ("explode", "html=502"),
            ("GET POST 500", "more than one method"),
            ("500 hang", "more than one thing"),
            ("700", "from 200 to 599"),
            ("500 share=2", "at most 1"),
            ("500 share=0", "more than 0"),
            ("500 times=x", "whole number"),
            ("500 colour=red", "share="),
            ("500 header=X", "Name:value"),
            ("hang retry-after=7", "need a status"),
            ("delay=soon", "100ms"),
            ("slow-body=0", "at least 1"),
            ("500 retry-after=\"7", "double quote"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(advice) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }
}
