//! The settings as people are shown them: every one with its value, where that comes from, and whether it may change while
//! the program runs. Secrets are masked.

use serde::Serialize;
use serde_json::Value;

use super::{Config, duration};

/// What is shown of a secret.
const MASKED: &str = "********";
/// Where a value comes from that nobody has set.
const DEFAULT: &str = "default";

/// A setting of the file or the environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Its key, as the file has it.
    pub key: &'static str,
    /// Its value, masked where it is a secret.
    pub value: Value,
    /// Where the value comes from.
    pub source: String,
    /// Whether a change takes effect without a restart.
    pub live: bool,
}

impl Config {
    /// Every setting of the file and the environment.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let time = |time| Value::from(duration::show(time));
        let (limits, cache, deletion) = (&self.limits, &self.cache, &self.deletion);
        let settings = [
            ("apiKey", MASKED.into(), true),
            ("projectID", self.connection.project.as_str().into(), false),
            ("base-url", self.connection.base_url.as_str().into(), false),
            ("topology", self.topology.name().into(), false),
            ("ipv6", self.addresses.ipv6.into(), false),
            ("requirePublicIP", self.addresses.require_public_ip.into(), false),
            ("rateLimit.requestsPerSecond", limits.requests_per_second.into(), true),
            ("rateLimit.burst", limits.burst.get().into(), true),
            ("rateLimit.maxInFlight", limits.max_in_flight.get().into(), true),
            ("cache.deviceTTL", time(cache.device), true),
            ("cache.facilityTTL", time(cache.facility), true),
            ("cache.metroTTL", time(cache.metro), true),
            ("cache.notFoundTTL", time(cache.not_found), true),
            ("cache.maxDevices", cache.max_devices.get().into(), true),
            ("safety.deletionShare", deletion.share.to_string().into(), true),
            ("safety.deletionWindow", time(deletion.window), true),
            ("safety.massDisappearanceShare", deletion.mass_share.to_string().into(), true),
        ];
        let source = |key| self.places.get(key).cloned().unwrap_or_else(|| DEFAULT.to_owned());
        settings.into_iter().map(|(key, value, live)| Shown { key, value, source: source(key), live }).collect()
    }

    /// What the command line makes of the program, by flag.
    #[must_use]
    pub fn shown_flags(&self) -> Vec<(&'static str, Value)> {
        let time = |time| Value::from(duration::show(time));
        let path = |path: Option<&std::path::Path>| path.map(|path| path.display().to_string()).into();
        let (election, serving) = (&self.election, &self.serving);
        let (authentication, authorization) = (&serving.authentication, &serving.authorization);
        let certificate = serving.certificate.as_ref();
        vec![
            ("cloud-provider", self.provider.name().into()),
            ("cluster-name", self.cluster_name.as_str().into()),
            ("controllers", self.controllers.names().into()),
            ("kubeconfig", path(self.kubernetes.kubeconfig.as_deref())),
            ("master", self.kubernetes.master.as_deref().into()),
            ("node-status-update-frequency", time(self.node_status_update_frequency)),
            ("node-monitor-period", time(self.node_monitor_period)),
            ("concurrent-node-syncs", self.writes.concurrency.get().into()),
            ("kube-api-qps", self.writes.pace.map(|(per_second, _)| per_second).into()),
            ("kube-api-burst", self.writes.pace.map(|(_, burst)| burst.get()).into()),
            ("leader-elect", election.enabled.into()),
            ("leader-elect-lease-duration", time(election.lease_duration)),
            ("leader-elect-renew-deadline", time(election.renew_deadline)),
            ("leader-elect-retry-period", time(election.retry_period)),
            ("leader-elect-resource-name", election.name.as_str().into()),
            ("leader-elect-resource-namespace", election.namespace.as_str().into()),
            ("bind-address", serving.address.to_string().into()),
            ("secure-port", serving.port.map_or(0, std::num::NonZero::get).into()),
            ("tls-cert-file", path(certificate.map(|files| files.chain.as_path()))),
            ("tls-private-key-file", path(certificate.map(|files| files.key.as_path()))),
            ("tls-min-version", serving.min_version.name().into()),
            ("client-ca-file", path(authentication.client_ca.as_deref())),
            ("authentication-token-webhook-cache-ttl", time(authentication.token_ttl)),
            ("authorization-webhook-cache-authorized-ttl", time(authorization.authorized_ttl)),
            ("authorization-webhook-cache-unauthorized-ttl", time(authorization.unauthorized_ttl)),
            ("authentication-kubeconfig", path(authentication.kubeconfig.as_deref())),
            ("authentication-skip-lookup", authentication.skip_lookup.into()),
            ("authorization-kubeconfig", path(authorization.kubeconfig.as_deref())),
            ("authorization-always-allow-paths", authorization.always_allow.clone().into()),
            ("profiling", serving.profiling.into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::config::Flags;
    use clap::Parser;

    #[test]
    fn the_page_of_settings_marks_those_that_take_effect_live() {
        let page = include_str!("../../docs/reference/settings.md");
        let flags = Flags::try_parse_from(["ccm", "--cloud-provider=packet"]).unwrap();
        let variable = |name: &str| match name {
            "METAL_API_KEY" => Some("t".to_owned()),
            "METAL_PROJECT_ID" => Some("438659f0-0000-4000-8000-000000000000".to_owned()),
            _ => None,
        };
        for Shown { key, live, .. } in Config::load(&flags, variable).unwrap().shown() {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{key}` |"))).unwrap_or_default();
            assert_eq!(row.split('|').nth(4).map(str::trim), Some(if live { "●" } else { "" }), "{key}: {row}");
        }
    }
}
