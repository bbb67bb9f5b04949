//! The settings that may change while the program runs.

use secrecy::{ExposeSecret, SecretString};

use super::{CacheSettings, Config};
use crate::kubernetes::lifecycle::DeletionLimits;
use crate::packet::Limits;

/// The settings that take effect without a restart.
#[derive(Debug, Clone)]
pub struct LiveSettings {
    /// The token of the Packet API.
    pub token: SecretString,
    /// The budget of the Packet API.
    pub limits: Limits,
    /// How long its answers are believed, and how many are kept.
    pub cache: CacheSettings,
    /// How deletions of Nodes are bounded.
    pub deletion: DeletionLimits,
}

impl Config {
    /// The settings of it that may change while the program runs.
    #[must_use]
    pub fn live(&self) -> LiveSettings {
        LiveSettings {
            token: self.connection.token.clone(),
            limits: self.limits,
            cache: self.cache,
            deletion: self.deletion,
        }
    }

    /// This configuration with what may change while the program runs taken from `newer`.
    #[must_use]
    pub(super) fn with_live_of(&self, newer: Self) -> Self {
        let live: Vec<_> = self.shown().into_iter().filter(|setting| setting.live).map(|setting| setting.key).collect();
        // Where the others are found now is not where those are from that are in use.
        let mut places = self.places.clone();
        places.retain(|key, _| !live.contains(key));
        places.extend(newer.places.into_iter().filter(|(key, _)| live.contains(key)));
        let mut connection = self.connection.clone();
        connection.token = newer.connection.token;
        Self {
            connection,
            limits: newer.limits,
            cache: newer.cache,
            deletion: newer.deletion,
            places,
            warnings: newer.warnings,
            ..self.clone()
        }
    }

    pub(super) fn has_token_of(&self, other: &Self) -> bool {
        self.connection.token.expose_secret() == other.connection.token.expose_secret()
    }
}
