//! What the program's log says of its settings.

use std::path::Path;

use serde_json::Value;

/// The limit that the program keeps to when it asks the Packet API.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Budget {
    /// Requests per second in the long run.
    pub(crate) rate: f64,
    /// Requests at once after a pause.
    pub(crate) burst: f64,
}

/// The budget that the program says it has in the line with which it starts; `None` where it does not say.
pub(crate) fn budget(log: &Path) -> Option<Budget> {
    budget_in(&std::fs::read_to_string(log).ok()?)
}

fn budget_in(log: &str) -> Option<Budget> {
    log.lines().find_map(|line| {
        let fields: Value = serde_json::from_str(line).ok()?;
        Some(Budget { rate: number(&fields["requests_per_second"])?, burst: number(&fields["burst"])? })
    })
}

/// A number, also where the log has it as text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_budget_is_what_the_starting_line_says() {
        let log = "no json\n{\"message\":\"hello\"}\n{\"message\":\"starting\",\"requests_per_second\":5.0,\"burst\":\"20\"}\n";
        assert_eq!(budget_in(log), Some(Budget { rate: 5.0, burst: 20.0 }));
        assert_eq!(budget_in("{\"message\":\"starting\"}\n"), None);
    }
}
