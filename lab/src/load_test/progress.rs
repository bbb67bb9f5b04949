//! What a person sees while it runs: a bar on a terminal; elsewhere a line every other second, and fewer of them when it takes
//! long, so that a log of it stays short.

use std::time::{Duration, Instant};

use console::Term;
use indicatif::{DecimalBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::scene::Scene;

/// How long it is until the next line, where there is no terminal and it has run for so long.
const fn pause(elapsed: Duration) -> Duration {
    match elapsed.as_secs() {
        ..60 => Duration::from_secs(2),
        60..600 => Duration::from_secs(10),
        600.. => Duration::from_mins(1),
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Waits that are over, and that there are so far.
    initialised: (usize, usize),
    requests: usize,
    bytes: u64,
    away: bool,
}

impl Standing {
    /// How far this one is.
    pub(crate) fn of(scene: &Scene<'_>) -> Self {
        let notes = scene.notes();
        Self {
            initialised: (scene.watch.counts().initialised, notes.waits),
            requests: scene.packet.requests().count(),
            bytes: scene.packet.requests().bytes(),
            away: matches!(notes.away, Some((_, None))),
        }
    }

    fn line(&self) -> String {
        let (initialised, waits) = (HumanCount(self.initialised.0 as u64), HumanCount(self.initialised.1 as u64));
        let (requests, bytes) = (HumanCount(self.requests as u64), DecimalBytes(self.bytes));
        let away = if self.away { ", which is away" } else { "" };
        format!("{initialised} of {waits} initialised; {requests} requests, {bytes} from the Packet API{away}")
    }
}

/// The view of one run. It vanishes from a terminal when it is dropped.
pub(crate) enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// Elsewhere.
    Lines {
        /// Which run it is.
        title: String,
        /// When it began.
        began: Instant,
        /// When the next line is due.
        due: Instant,
    },
}

impl Progress {
    /// The view of a run with this title.
    pub(crate) fn start(title: String) -> Self {
        if !Term::stdout().is_term() {
            let began = Instant::now();
            return Self::Lines { title, began, due: began };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout()).with_prefix(title);
        let style = ProgressStyle::with_template("  {prefix:36} {bar:24.green/black.bright} {elapsed:>4}  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
        Self::Bar(bar)
    }

    /// Shows how far it is, if it is time to.
    pub(crate) fn show(&mut self, standing: &Standing) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(standing.initialised.1 as u64);
                bar.set_position(standing.initialised.0 as u64);
                bar.set_message(standing.line());
            }
            Self::Lines { title, began, due } => {
                let now = Instant::now();
                if now >= *due {
                    println!("{title}: {:>5.1} s: {}", began.elapsed().as_secs_f64(), standing.line());
                    *due = now + pause(began.elapsed());
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_are_told_in_less_than_a_hundred_lines() {
        let mut elapsed = Duration::ZERO;
        let mut lines = 0;
        while elapsed < Duration::from_mins(10) {
            elapsed += pause(elapsed);
            lines += 1;
        }
        assert_eq!(lines, 30 + 54);
        assert_eq!(pause(elapsed), Duration::from_mins(1));
    }

    #[test]
    fn a_line_says_how_far_it_is_and_what_it_cost() {
        let standing = Standing { initialised: (1_200, 5_000), requests: 17, bytes: 2_500_000, away: true };
        let line = standing.line();
        assert!(line.starts_with("1,200 of 5,000 initialised; 17 requests, 2.50 MB from"), "{line}");
        assert!(line.ends_with("which is away"), "{line}");
    }
}
