//! The last lines of the program's log, for people.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

/// The last `count` lines that are more than information, or the last lines of all where there are none such; where the
/// log cannot be read, one line that says why.
pub(crate) fn last(log: &Path, count: usize) -> Vec<String> {
    match std::fs::read(log) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let all: Vec<&str> = text.lines().collect();
            let grave: Vec<&str> = all.iter().copied().filter(|line| !is_information(line)).collect();
            let lines = if grave.is_empty() { all } else { grave };
            lines[lines.len().saturating_sub(count)..].iter().map(|line| readable(line)).collect()
        }
        Err(error) => vec![format!("({} cannot be read: {error})", log.display())],
    }
}

/// Whether it is one of the lines that the program writes while all is well. What is no JSON, a panic say, is none.
fn is_information(line: &str) -> bool {
    let fields: Option<Value> = serde_json::from_str(line).ok();
    fields.is_some_and(|fields| matches!(fields["level"].as_str(), Some("INFO" | "DEBUG" | "TRACE")))
}

/// A line of JSON as `time LEVEL message key=value`; any other line as it is.
fn readable(line: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else { return line.to_owned() };
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let time = text("timestamp").split_once('T').map_or("", |(_, time)| time.trim_end_matches('Z'));
    let mut told = format!("{} {} {}", time.get(..12).unwrap_or(time), text("level"), text("message"));
    for (key, value) in fields.iter().filter(|(key, _)| !matches!(key.as_str(), "timestamp" | "level" | "message")) {
        // Writing to a String cannot fail.
        let _ = match value {
            Value::String(text) => write!(told, " {key}={text}"),
            other => write!(told, " {key}={other}"),
        };
    }
    told
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_line_of_json_is_made_readable() {
        let line =
            r#"{"timestamp":"2026-01-01T10:20:30.123456Z","level":"WARN","message":"no device","node":"n","tries":2}"#;
        assert_eq!(readable(line), "10:20:30.123 WARN no device node=n tries=2");
    }

    #[test]
    fn any_other_line_stays_as_it_is() {
        assert_eq!(readable("thread 'main' panicked"), "thread 'main' panicked");
        assert_eq!(readable("{\"cut"), "{\"cut");
    }

    #[test]
    fn warnings_are_told_rather_than_what_went_well() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let lines = [r#"{"level":"WARN","message":"bad"}"#, r#"{"level":"INFO","message":"good"}"#];
        std::fs::write(log.path(), lines.join("\n")).unwrap();
        assert_eq!(last(log.path(), 2).len(), 1);
        assert!(last(log.path(), 2)[0].contains("bad"));
        std::fs::write(log.path(), lines[1]).unwrap();
        assert!(last(log.path(), 2)[0].contains("good"));
    }

    #[test]
    fn only_the_last_lines_are_told() {
        let log = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(log.path(), "a\nb\nc\n").unwrap();
        assert_eq!(last(log.path(), 2), ["b", "c"]);
        assert!(last(Path::new("/nowhere"), 2)[0].contains("/nowhere"));
    }
}
