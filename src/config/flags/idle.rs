//! The flags that do nothing here, and are accepted because a manifest in use may have them.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::{pflag, values};

/// A flag that does nothing here.
#[derive(Debug)]
pub(super) struct Idle {
    /// Its name, without the hyphens.
    pub(super) name: &'static str,
    /// Whether it is true or false, and so takes a value only after `=`.
    is_bool: bool,
    /// The values that ask for what happens anyway, Kubernetes' default among them. Of those nothing is said.
    agreed: &'static [&'static str],
}

const fn valued(name: &'static str, agreed: &'static [&'static str]) -> Idle {
    Idle { name, is_bool: false, agreed }
}

const fn boolean(name: &'static str, agreed: &'static [&'static str]) -> Idle {
    Idle { name, is_bool: true, agreed }
}

/// Whichever way it is set, what it asks for happens anyway.
const EITHER: &[&str] = &["true", "false"];

/// All that there are, by name. Where Kubernetes 1.36 has a flag no more, a comment says who had it.
pub(super) const ALL: &[Idle] = &[
    // klog, as do those below that speak of logs or standard error; everything is logged to standard error.
    boolean("add-dir-header", &["false"]),
    // Serving without TLS, until Kubernetes 1.24.
    valued("address", &["0.0.0.0", "127.0.0.1", "::"]),
    boolean("allocate-node-cidrs", &["false"]),
    // Devices need no tag of the cluster.
    boolean("allow-untagged-cloud", EITHER),
    boolean("alsologtostderr", EITHER),
    // Where the cluster cannot be asked, whoever has no certificate of --client-ca-file is nobody; nothing ends.
    boolean("authentication-tolerate-lookup-failure", EITHER),
    valued("cert-dir", &[""]),
    valued("cidr-allocator-type", &["RangeAllocator"]),
    // Every controller manager, of one cloud, until Kubernetes 1.30.
    valued("cloud-provider-gce-l7lb-src-cidrs", &["130.211.0.0/22,35.191.0.0/16"]),
    valued("cloud-provider-gce-lb-src-cidrs", &["130.211.0.0/22,209.85.152.0/22,209.85.204.0/22,35.191.0.0/16"]),
    valued("cluster-cidr", &[""]),
    valued("concurrent-node-status-updates", &["0"]),
    valued("concurrent-service-syncs", &["1"]),
    boolean("configure-cloud-routes", EITHER),
    boolean("contention-profiling", &["false"]),
    valued("controller-start-interval", &["0", "0s"]),
    boolean("disable-http2-serving", &["false"]),
    boolean("enable-leader-migration", &["false"]),
    // Kubernetes 1.20 to 1.23.
    boolean("experimental-logging-sanitization", &["false"]),
    valued("external-cloud-volume-plugin", &[""]),
    valued("feature-gates", &[""]),
    valued("http2-max-streams-per-connection", &["0"]),
    valued("kube-api-content-type", &["application/vnd.kubernetes.protobuf", "application/json"]),
    valued("leader-migration-config", &[""]),
    boolean("legacy-stderr-threshold-behavior", &["true"]),
    // The first releases of packet-ccm, which had load balancers installed.
    valued("load-balancer-manifest", &[""]),
    valued("log-backtrace-at", &["", ":0"]),
    valued("log-dir", &[""]),
    valued("log-file", &[""]),
    valued("log-file-max-size", &["1800"]),
    valued("log-flush-frequency", &["5s"]),
    valued("log-json-info-buffer-size", &["0"]),
    boolean("log-json-split-stream", &["false"]),
    valued("log-text-info-buffer-size", &["0"]),
    boolean("log-text-split-stream", &["false"]),
    boolean("logtostderr", &["true"]),
    valued("min-resync-period", &["12h", "12h0m0s"]),
    valued("node-cidr-mask-size", &["0"]),
    valued("node-cidr-mask-size-ipv4", &["0"]),
    valued("node-cidr-mask-size-ipv6", &["0"]),
    valued("node-sync-period", &["0", "0s"]),
    boolean("one-output", &["false"]),
    boolean("permit-address-sharing", &["false"]),
    boolean("permit-port-sharing", &["false"]),
    valued("port", &["0"]),
    valued("requestheader-allowed-names", &[""]),
    valued("requestheader-client-ca-file", &[""]),
    valued("requestheader-extra-headers-prefix", &["x-remote-extra-"]),
    valued("requestheader-group-headers", &["x-remote-group"]),
    valued("requestheader-uid-headers", &[""]),
    valued("requestheader-username-headers", &["x-remote-user"]),
    valued("route-reconciliation-period", &["10s"]),
    valued("service-cluster-ip-range", &[""]),
    boolean("skip-headers", &["false"]),
    boolean("skip-log-headers", &["false"]),
    valued("stderrthreshold", &["2", "ERROR"]),
    valued("tls-cipher-suites", &[""]),
    valued("tls-curve-preferences", &[""]),
    valued("tls-sni-cert-key", &[""]),
    boolean("use-service-account-credentials", &["false"]),
    valued("vmodule", &[""]),
    valued("webhook-bind-address", &["0.0.0.0"]),
    valued("webhook-cert-dir", &[""]),
    boolean("webhook-disable-http2-serving", &["false"]),
    valued("webhook-secure-port", &["10260", "0"]),
    valued("webhook-tls-cert-file", &[""]),
    valued("webhook-tls-cipher-suites", &[""]),
    valued("webhook-tls-curve-preferences", &[""]),
    valued("webhook-tls-min-version", &[""]),
    valued("webhook-tls-private-key-file", &[""]),
    valued("webhook-tls-sni-cert-key", &[""]),
    valued("webhooks", &[""]),
];

impl Idle {
    fn argument(&self) -> Arg {
        let argument = Arg::new(self.name).long(self.name).hide(true).action(ArgAction::Set);
        argument.value_parser(clap::value_parser!(OsString)).value_name(if self.is_bool {
            pflag::BOOL
        } else {
            "VALUE"
        })
    }

    fn agrees_with(&self, value: &str) -> bool {
        match values::boolean(value) {
            Ok(value) if self.is_bool => self.agreed.contains(&if value { "true" } else { "false" }),
            _ => self.agreed.contains(&value),
        }
    }
}

/// The flags without effect that the command line has, with a value that asks for something which does not happen.
#[derive(Debug, Clone, Default)]
pub struct IdleFlags {
    given: Vec<&'static str>,
}

impl IdleFlags {
    /// What there is to say of them.
    pub(in crate::config) fn warning(&self) -> Option<String> {
        let names: Vec<_> = self.given.iter().map(|name| format!("--{name}")).collect();
        let have = if names.len() == 1 { "has" } else { "have" };
        (!names.is_empty()).then(|| format!("{} {have} no effect here", names.join(", ")))
    }
}

impl FromArgMatches for IdleFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |flag: &&Idle| {
            let value = matches.get_one::<OsString>(flag.name).map(|value| value.to_string_lossy());
            matches.value_source(flag.name) == Some(ValueSource::CommandLine)
                && value.is_some_and(|value| !flag.agrees_with(&value))
        };
        Ok(Self { given: ALL.iter().filter(is_given).map(|flag| flag.name).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for IdleFlags {
    fn augment_args(command: Command) -> Command {
        command.args(ALL.iter().map(Idle::argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use clap::Parser;

    use super::*;
    use crate::config::Flags;

    fn warning(arguments: &[&str]) -> Option<String> {
        Flags::try_parse_from(std::iter::once("ccm").chain(arguments.iter().copied())).unwrap().idle.warning()
    }

    #[test]
    fn all_that_are_given_are_named_in_one_line() {
        let said = warning(&["--webhooks=a", "--cluster-cidr", "10.0.0.0/8", "--log_dir=/var/log", "--one-output"]);
        assert_eq!(said.unwrap(), "--cluster-cidr, --log-dir, --one-output, --webhooks have no effect here");
        assert_eq!(warning(&["--one-output=maybe"]).unwrap(), "--one-output has no effect here");
    }

    #[test]
    fn nothing_is_said_of_those_that_ask_for_what_happens_anyway() {
        let agreed = [
            "--allow-untagged-cloud",
            "--logtostderr=1",
            "--port=0",
            "--allocate-node-cidrs=F",
            "--node-sync-period=0",
        ];
        assert_eq!(warning(&agreed), None);
        assert_eq!(warning(&[]), None);
    }

    #[test]
    fn they_are_sorted_so_that_a_new_one_has_its_place() {
        assert!(ALL.is_sorted_by(|one, next| one.name < next.name));
    }
}
