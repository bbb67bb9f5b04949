//! What a person sees while it runs: bars on a terminal, a line a second elsewhere.

use std::time::{Duration, Instant};

use console::Term;
use indicatif::{DecimalBytes, HumanCount, MultiProgress, ProgressBar, ProgressStyle};

/// How often a terminal is drawn anew, and how often a line is printed where there is none.
const REDRAW: Duration = Duration::from_millis(100);
const LINE: Duration = Duration::from_secs(1);

/// What the columns of a line are.
const HEADER: &str =
    "     time  registered  tainted  initialised   Packet API requests       bytes   Kubernetes writes";

/// How far things are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    /// Since the beginning.
    pub(crate) elapsed: Duration,
    /// Nodes registered.
    pub(crate) registered: usize,
    /// Nodes initialised.
    pub(crate) initialised: usize,
    /// Requests to the Packet API, and bytes of its answers.
    pub(crate) packet: (usize, u64),
    /// Writes to Kubernetes, as far as they are known.
    pub(crate) writes: u64,
}

impl Progress {
    const fn tainted(&self) -> usize {
        self.registered.saturating_sub(self.initialised)
    }

    fn traffic(&self) -> String {
        format!(
            "Packet API {} requests, {}    Kubernetes {} writes",
            HumanCount(self.packet.0 as u64),
            DecimalBytes(self.packet.1),
            HumanCount(self.writes)
        )
    }

    /// One line of it, to stand under [`HEADER`].
    fn line(&self) -> String {
        format!(
            "{:>7.1} s{:>12}{:>9}{:>13}{:>22}{:>12}{:>20}",
            self.elapsed.as_secs_f64(),
            HumanCount(self.registered as u64).to_string(),
            HumanCount(self.tainted() as u64).to_string(),
            HumanCount(self.initialised as u64).to_string(),
            HumanCount(self.packet.0 as u64).to_string(),
            DecimalBytes(self.packet.1).to_string(),
            HumanCount(self.writes).to_string(),
        )
    }
}

/// The view. Bars vanish when it is dropped; the summary tells the rest.
pub(crate) enum Live {
    /// On a terminal.
    Bars(Box<Bars>),
    /// Elsewhere.
    Lines {
        /// When the next line is due.
        due: Instant,
    },
}

/// What is drawn on a terminal.
pub(crate) struct Bars {
    all: MultiProgress,
    registered: ProgressBar,
    tainted: ProgressBar,
    initialised: ProgressBar,
    traffic: ProgressBar,
}

impl Live {
    /// Bars where standard output is a terminal, lines otherwise.
    pub(crate) fn start(nodes: usize) -> Self {
        if !Term::stdout().is_term() {
            println!("{HEADER}");
            return Self::Lines { due: Instant::now() };
        }
        let all = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::stdout());
        let bar = |title: &'static str, colour: &str| {
            let template = format!("  {{prefix:12}} {{bar:60.{colour}/black.bright}} {{pos:>5}}");
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = all.add(ProgressBar::new(nodes as u64).with_prefix(title));
            bar.set_style(style.progress_chars("━╸─"));
            bar
        };
        let (registered, tainted, initialised) =
            (bar("registered", "blue"), bar("tainted", "yellow"), bar("initialised", "green"));
        let traffic = all.add(ProgressBar::no_length());
        traffic.set_style(ProgressStyle::with_template("  {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self::Bars(Box::new(Bars { all, registered, tainted, initialised, traffic }))
    }

    /// How often it wants to be shown something.
    pub(crate) const fn interval() -> Duration {
        REDRAW
    }

    /// Shows how far things are, if it is time to.
    pub(crate) fn show(&mut self, progress: &Progress) {
        match self {
            Self::Bars(bars) => bars.draw(progress),
            Self::Lines { due } => {
                let now = Instant::now();
                if now >= *due {
                    println!("{}", progress.line());
                    *due = now + LINE;
                }
            }
        }
    }

    /// Shows how it ended.
    pub(crate) fn end(self, progress: &Progress) {
        match self {
            Self::Bars(bars) => {
                bars.draw(progress);
                // It fails only where the terminal is gone, and nobody looks.
                let _ = bars.all.clear();
                println!("{HEADER}");
            }
            Self::Lines { .. } => {}
        }
        println!("{}", progress.line());
    }
}

impl Bars {
    fn draw(&self, progress: &Progress) {
        self.registered.set_position(progress.registered as u64);
        self.tainted.set_position(progress.tainted() as u64);
        self.initialised.set_position(progress.initialised as u64);
        self.traffic.set_message(format!("{:>5.1} s      {}", progress.elapsed.as_secs_f64(), progress.traffic()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_large_cluster_stands_under_its_header_within_a_hundred_columns() {
        let progress = Progress {
            elapsed: Duration::from_millis(119_900),
            registered: 5_000,
            initialised: 1_200,
            packet: (1_234, 123_456_789),
            writes: 15_000,
        };
        let line = progress.line();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>()[2..5], ["5,000", "3,800", "1,200"]);
        assert!(line.ends_with("1,234   123.46 MB              15,000"), "{line}");
        assert_eq!(line.len(), HEADER.len());
        assert!(HEADER.len() <= 100);
    }
}
