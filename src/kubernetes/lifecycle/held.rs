//! Why a Node whose device looks gone is not deleted, in words for the person who wonders.

use std::time::Duration;

use super::guard::{DeletionLimits, MassDisappearance};
use super::share::Share;

/// Why a Node whose device looks gone is not deleted yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// Too large a part of the cluster looks gone at once.
    MassDisappearance(MassDisappearance),
    /// As many were deleted within the window as may be.
    Share {
        /// How many that are.
        most: usize,
        /// Of how many Nodes.
        ours: usize,
    },
    /// It is not known how many were deleted before the program was started.
    NotRecalled {
        /// Why their Events could not be read, once that was tried.
        reason: Option<String>,
    },
    /// It could not be confirmed that the device is gone.
    Unconfirmed {
        /// What was answered instead.
        reason: String,
    },
    /// The Node could not be deleted.
    Refused {
        /// What Kubernetes said.
        reason: String,
    },
}

impl Held {
    /// The reason as one word, as metrics have it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::MassDisappearance(_) => "mass_disappearance",
            Self::Share { .. } => "share",
            Self::NotRecalled { .. } => "not_recalled",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Refused { .. } => "refused",
        }
    }

    /// All of those words.
    pub const KINDS: [&str; 5] = ["mass_disappearance", "share", "not_recalled", "unconfirmed", "refused"];

    /// Whether people should hear of it: it does not pass within a moment.
    #[must_use]
    pub fn is_worth_telling(&self) -> bool {
        !matches!(self, Self::NotRecalled { reason: None })
    }

    /// What is said of it: why, and how it goes on.
    #[must_use]
    pub fn message(&self, limits: &DeletionLimits) -> String {
        let (share, window) = (limits.share, minutes(limits.window));
        match self {
            Self::MassDisappearance(MassDisappearance { gone, of, unsure }) => {
                let unsure =
                    if *unsure == 0 { String::new() } else { format!(" ({unsure} of them could not be asked for)") };
                format!(
                    "no Node is deleted: {gone} of {of} Nodes look gone at once{unsure}, more than \
                     safety.massDisappearanceShare {}. Check the project, the token and base-url. It goes on by itself when \
                     devices are back; if they are gone for good, set safety.massDisappearanceShare to {} or more, \
                     or delete the Nodes by hand",
                    limits.mass_share,
                    Share::at_least(*gone, *of)
                )
            }
            Self::Share { most: 0, .. } => {
                "the device is gone, but safety.deletionShare is 0%, so no Node is ever deleted".to_owned()
            }
            Self::Share { most, ours } => format!(
                "the device is gone; the Node waits its turn, as no more than {most} of {ours} Nodes are deleted within {window} \
                 (safety.deletionShare {share}, one at least). It goes on by itself"
            ),
            Self::NotRecalled { reason } => format!(
                "the device is gone; the Node waits until {window} after the start, as the deletions before it cannot be read \
                 back from their Events ({}). It goes on by itself",
                reason.as_deref().unwrap_or("not read yet")
            ),
            Self::Unconfirmed { reason } => {
                format!("the device looks gone, but that is not confirmed: {reason}. It is asked again")
            }
            Self::Refused { reason } => {
                format!("the device is gone, but the Node cannot be deleted: {reason}. It is tried again")
            }
        }
    }
}

/// A duration as settings write it.
fn minutes(duration: Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (minutes, 0) if minutes > 0 => format!("{minutes}m"),
        (0, _) => format!("{}s", duration.as_secs_f32()),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const GUIDE: &str = include_str!("../../../docs/guides/deletion-held-back.md");

    /// What the guide has of each reason in its first two columns.
    fn told() -> Vec<(&'static str, &'static str)> {
        let rows = GUIDE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        rows.map(|(reason, rest)| (reason, rest.split(" | ").next().unwrap())).collect()
    }

    #[test]
    fn the_guide_has_every_reason_with_the_words_of_its_event() {
        let limits = DeletionLimits {
            share: Share::percent(10),
            window: Duration::from_mins(10),
            mass_share: Share::percent(55),
        };
        let reason = || "why".to_owned();
        let held = [
            Held::Share { most: 1, ours: 10 },
            Held::MassDisappearance(MassDisappearance { gone: 6, of: 10, unsure: 1 }),
            Held::Unconfirmed { reason: reason() },
            Held::NotRecalled { reason: Some(reason()) },
            Held::Refused { reason: reason() },
        ];
        let told = told();
        let mut reasons: Vec<_> = told.iter().map(|(reason, _)| *reason).collect();
        reasons.sort_unstable();
        let mut kinds = Held::KINDS;
        kinds.sort_unstable();
        assert_eq!(reasons, kinds, "left: docs/guides/deletion-held-back.md, right: the program");
        for held in held {
            let (_, words) = told.iter().find(|(reason, _)| *reason == held.kind()).unwrap();
            let said = held.message(&limits);
            let mut rest = said.as_str();
            for part in words.split('…') {
                let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("`{part}` is not in `{said}`"));
                rest = after;
            }
        }
    }
}
