//! What can be wrong with the settings: what, where, and what to do.

use std::fmt;

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// One entry per setting.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong. Values of secrets are in none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot read {file}, named by --cloud-config: {reason}; check the path and the file's permissions")]
    Unreadable {
        /// The file.
        file: String,
        /// Why, as the system words it.
        reason: String,
    },
    /// The file is no JSON object.
    #[error("{file} is no valid JSON: {reason}; correct the file")]
    NotJson {
        /// The file.
        file: String,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// Two keys of the file differ in nothing but case, and neither is the right one more than the other.
    #[error("{file} has the key `{key}` more than once in different cases; keep one of them")]
    Twice {
        /// The file.
        file: String,
        /// The key.
        key: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{place} is {found}; expected {expected}")]
    Value {
        /// Where the value was found.
        place: String,
        /// The value, or a word for it where it is a secret.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A setting that has no default was found nowhere.
    #[error("no {what}: set {places}")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// Every place that was looked at.
        places: String,
    },
}

impl Problem {
    /// A flag whose value goes with nothing that it can mean here.
    pub(super) fn flag(name: &str, found: &dyn fmt::Display, expected: &str) -> Self {
        Self::Value { place: name.to_owned(), found: format!("`{found}`"), expected: expected.to_owned() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problems[..] {
            [problem] => write!(f, "{problem}"),
            problems => {
                write!(f, "{} settings are wrong:", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}
