//! The status as a person reads it: a page of text.

use std::fmt::{self, Write};
use std::time::Duration;

use super::status::{Nodes, NotReady, PacketApi, SettingsFile, Status};

/// A message that is longer is cut, in characters: a page is for looking at, and the log has all of it.
const LONGEST: usize = 160;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = span(self.uptime_seconds);
        writeln!(f, "packet-cloud-controller-manager {}, up for {up}", self.version)?;
        row(f, "cluster", &format!("{}, as {}", self.cluster, self.provider))?;
        row(f, "leader", &self.leadership.summary)?;
        let failing: Vec<_> = self.checks.iter().filter(|check| !check.ok).collect();
        row(f, "ready", if failing.is_empty() { "yes" } else { "no" })?;
        for check in failing {
            row(f, "", &format!("{}: {}", check.name, cut(&check.message)))?;
        }
        if let Some(nodes) = &self.nodes {
            nodes.fmt(f)?;
        }
        if let Some(not_ready) = &self.not_ready {
            not_ready.fmt(f)?;
        }
        if let Some(packet_api) = &self.packet_api {
            packet_api.fmt(f)?;
        }
        self.settings.iter().try_for_each(|settings| settings.fmt(f))?;
        match &self.certificate_error {
            Some(why) => row(f, "certificate", &format!("the last good one is served: {}", cut(why))),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nNodes")?;
        row(f, "initialised", &number(self.initialised as u64))?;
        let mut uninitialized = number(self.uninitialized as u64);
        if let Some(longest) = &self.longest {
            write!(uninitialized, "; {} has waited longest, for {}", longest.node, span(longest.seconds))?;
        }
        row(f, "uninitialized", &uninitialized)?;
        if self.left_alone > 0 {
            row(f, "left alone", &number(self.left_alone as u64))?;
        }
        if !self.all_known {
            row(f, "", "not all Nodes are known yet")?;
        }
        if let Some(error) = &self.watch_error {
            row(f, "watch fails", &cut(error))?;
        }
        for waiting in &self.waiting {
            let nodes = number(waiting.nodes as u64);
            row(f, "to try again", &format!("{nodes} for {}, {} among them:", waiting.reason, waiting.example))?;
            row(f, "", &cut(&waiting.message))?;
        }
        Ok(())
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.there, "device is there"),
            (self.shut_down, "device is switched off"),
            (self.gone, "device looks gone"),
            (self.unknown, "device cannot be asked for"),
        ];
        let kinds: Vec<_> = kinds
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, kind)| format!("{} whose {kind}", number(*n as u64)))
            .collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
        row(f, "not Ready", &format!("{}{kinds}", number(self.nodes as u64)))?;
        self.held_back.iter().try_for_each(|held| {
            row(f, "not deleted", &format!("{}: {}", number(held.nodes as u64), cut(&held.message)))
        })
    }
}

impl fmt::Display for PacketApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nPacket API")?;
        row(f, "address", &self.base_url)?;
        let readable = if self.project_read { "" } else { ", not read with this token yet" };
        row(f, "project", &format!("{}{readable}", self.project))?;
        let token = match self.token_accepted {
            Some(true) => "accepted",
            Some(false) => "refused",
            None => "not shown yet",
        };
        row(f, "token", token)?;
        let budget = &self.budget;
        let rate = format!("{} a second, burst {}", budget.requests_per_second, budget.burst);
        let now = format!(
            "{:.0} could go out now, {} of {} in flight",
            budget.tokens.floor(),
            budget.in_flight,
            budget.max_in_flight
        );
        row(f, "budget", &format!("{rate}; {now}"))?;
        if let Some(seconds) = budget.closed_for_seconds {
            row(f, "", &format!("the API has asked to be left alone for {} more", span(seconds)))?;
        }
        row(f, "questions", &format!("{} waiting", number(self.questions_waiting as u64)))?;
        let lookups = self.cache_hits + self.cache_misses;
        let failed = if self.failed > 0 { format!(", {} of them failed", number(self.failed)) } else { String::new() };
        let answered = format!("{} questions, {} of them by the cache", number(lookups), number(self.cache_hits));
        row(f, "requests", &format!("{}{failed}, for {answered}", number(self.requests)))?;
        if let Some(error) = &self.last_error {
            row(f, "last failure", &format!("{} ago: {}", span(error.seconds_ago), cut(&error.message)))?;
        }
        Ok(())
    }
}

impl fmt::Display for SettingsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nSettings")?;
        row(f, "file", &format!("{}, read at {}", self.path, self.read_at))?;
        if let Some(why) = &self.broken {
            row(f, "broken now", &cut(why))?;
        }
        if !self.after_restart.is_empty() {
            row(f, "need a restart", &self.after_restart.join(", "))?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "  {name:<14}  {value}")
}

/// On one line, and not too long. What to do about it stands at the end, so it is the middle that is left out.
fn cut(message: &str) -> String {
    let letters: Vec<char> = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if letters.len() <= LONGEST {
        return letters.into_iter().collect();
    }
    let (beginning, end) = (&letters[..LONGEST / 3], &letters[letters.len() - LONGEST * 2 / 3..]);
    beginning.iter().chain(&['…']).chain(end).collect()
}

/// A number with its thousands apart.
fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in its two largest units.
fn span(seconds: u64) -> String {
    let time = Duration::from_secs(seconds).as_secs();
    let (days, hours, minutes, seconds) = (time / 86_400, time / 3600 % 24, time / 60 % 60, time % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::telemetry::status::{Check, HeldBack, LastError, Leadership, Longest, Waiting};

    fn status() -> Status {
        Status {
            version: "1.2.3".into(),
            uptime_seconds: 11_520,
            provider: "equinixmetal".into(),
            cluster: "kubernetes".into(),
            leadership: Leadership { leads: true, summary: "this process, for 3 h 12 min".into() },
            checks: vec![Check { name: "packet-api".into(), ok: false, message: "the token is refused\n(401)".into() }],
            nodes: Some(Nodes {
                all_known: true,
                initialised: 4_998,
                uninitialized: 2,
                longest: Some(Longest { node: "node-7".into(), seconds: 125 }),
                waiting: vec![Waiting {
                    reason: "unauthorized".into(),
                    nodes: 2,
                    example: "node-7".into(),
                    message: "x".repeat(500),
                }],
                ..Nodes::default()
            }),
            not_ready: Some(NotReady {
                nodes: 3,
                there: 1,
                gone: 2,
                held_back: vec![HeldBack { reason: "share".into(), nodes: 2, message: "a tenth is gone".into() }],
                ..NotReady::default()
            }),
            packet_api: Some(PacketApi {
                token_accepted: Some(false),
                requests: 1_234,
                failed: 3,
                last_error: Some(LastError { message: "401".into(), seconds_ago: 5 }),
                cache_hits: 98,
                cache_misses: 2,
                ..PacketApi::default()
            }),
            settings: None,
            certificate_error: Some("the key is another's".into()),
        }
    }

    #[test]
    fn a_page_tells_what_is_wrong_in_lines_that_fit() {
        let page = status().to_string();
        for part in [
            "up for 3 h 12 min",
            "packet-api: the token is refused (401)",
            "4,998",
            "node-7 has waited longest, for 2 min 5 s",
            "2 for unauthorized, node-7 among them:",
            "3: 1 whose device is there, 2 whose device looks gone",
            "refused",
            "1,234, 3 of them failed, for 100 questions, 98 of them by the cache",
            "5 s ago: 401",
            "the last good one is served: the key is another's",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        assert!(page.lines().all(|line| line.chars().count() < 190), "{page}");
    }

    #[test]
    fn what_is_served_can_be_read_back() {
        let text = serde_json::to_string(&status()).unwrap();
        assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), status());
    }
}
