//! The command line: the flags that Kubernetes' cloud-controller-manager takes, read as Go's pflag reads them, and a few
//! commands beside them.

mod authentication;
mod authorization;
mod command;
mod election;
mod generic;
mod help;
mod idle;
mod kubernetes;
mod logging;
mod nodes;
mod pflag;
mod serving;
mod values;
mod version;

#[cfg(test)]
mod reference;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, ValueHint};

pub use authentication::AuthenticationFlags;
pub use authorization::AuthorizationFlags;
pub use command::{Command, StatusForm, completions, man};
pub use election::ElectionFlags;
pub use generic::GenericFlags;
pub use idle::IdleFlags;
pub use kubernetes::KubernetesFlags;
pub use logging::{LogFormat, LoggingFlags};
pub use nodes::NodeFlags;
pub use serving::ServingFlags;
pub use version::VersionForm;
pub(crate) use version::architecture;

/// The name of the program.
pub const PROGRAM: &str = "packet-cloud-controller-manager";

/// What the command line says.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// Whom to stand in for: `packet` (packet-ccm) or `equinixmetal` (its successor)
    #[arg(long, value_name = "NAME", help_heading = "Packet")]
    pub cloud_provider: Option<String>,

    /// JSON file with apiKey, projectID and more (also --provider-config, as it was once called)
    #[arg(long, alias = "provider-config", value_name = "FILE", value_parser = values::path(), value_hint = ValueHint::FilePath, help_heading = "Packet")]
    pub cloud_config: Option<PathBuf>,

    /// How to reach Kubernetes, and how fast to write to it.
    #[command(flatten)]
    pub kubernetes: KubernetesFlags,

    /// Which controllers run.
    #[command(flatten)]
    pub generic: GenericFlags,

    /// What the controllers of Nodes do, and how often.
    #[command(flatten)]
    pub nodes: NodeFlags,

    /// How a leader is elected.
    #[command(flatten)]
    pub election: ElectionFlags,

    /// Where and how is served.
    #[command(flatten)]
    pub serving: ServingFlags,

    /// Who a client is.
    #[command(flatten)]
    pub authentication: AuthenticationFlags,

    /// What a client may do.
    #[command(flatten)]
    pub authorization: AuthorizationFlags,

    /// What is logged.
    #[command(flatten)]
    pub logging: LoggingFlags,

    /// Print this; --help says a little more than -h
    #[arg(short, long, action = ArgAction::HelpShort, help_heading = "Global")]
    pub help: Option<bool>,

    /// Print the version; with `=raw` all that is known of the build
    #[arg(short = 'V', long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = VersionForm::parse, help_heading = "Global")]
    pub version: Option<VersionForm>,

    /// The flags that do nothing here.
    #[command(flatten)]
    pub idle: IdleFlags,

    /// What to do instead of running the controllers.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Flags {
    /// The file of `--cloud-config`, where one is named; an empty name is none.
    pub(super) fn cloud_file(&self) -> Option<&Path> {
        self.cloud_config.as_deref().filter(|path| !path.as_os_str().is_empty())
    }
}

impl CommandFactory for Flags {
    fn command() -> clap::Command {
        help::described(Self::augment_args(clap::Command::new(PROGRAM))).mut_args(pflag::as_pflag)
    }

    fn command_for_update() -> clap::Command {
        Self::command()
    }
}

/// Whatever way a command line is read, it is read as pflag reads it.
impl Parser for Flags {
    fn parse() -> Self {
        Self::parse_from(std::env::args_os())
    }

    fn try_parse() -> Result<Self, clap::Error> {
        Self::try_parse_from(std::env::args_os())
    }

    fn parse_from<I: IntoIterator<Item = T>, T: Into<OsString> + Clone>(arguments: I) -> Self {
        Self::try_parse_from(arguments).unwrap_or_else(|error| error.exit())
    }

    fn try_parse_from<I: IntoIterator<Item = T>, T: Into<OsString> + Clone>(arguments: I) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let arguments = pflag::normalised(&command, arguments.into_iter().map(Into::into));
        if arguments.iter().any(|argument| argument == "--help") {
            command = help::in_full(command);
        }
        let matches = command.try_get_matches_from_mut(arguments).map_err(pflag::explained)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    pub(super) fn parse(arguments: &[&str]) -> Result<Flags, String> {
        let arguments = std::iter::once("ccm").chain(arguments.iter().copied());
        Flags::try_parse_from(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_flags_describe_a_command_line_that_can_be() {
        Flags::command().debug_assert();
    }

    #[test]
    fn without_a_command_the_controllers_run() {
        assert!(parse(&["--cloud-provider=packet"]).unwrap().command.is_none());
        assert!(parse(&["--cloud-provider=packet", "man"]).unwrap().command.is_some());
    }

    #[test]
    fn the_older_name_of_the_file_is_known() {
        let flags = parse(&["--provider-config=/etc/cloud-sa/cloud-sa.json"]).unwrap();
        assert_eq!(flags.cloud_config, Some("/etc/cloud-sa/cloud-sa.json".into()));
    }

    #[test]
    fn an_unknown_flag_is_answered_with_the_nearest() {
        let error = parse(&["--cloud-confg=x"]).unwrap_err();
        assert!(error.contains("--cloud-confg") && error.contains("--cloud-config"), "{error}");
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_with_what_it_should_be() {
        for (flag, expected) in [
            ("--node-status-update-frequency=5", "a duration above zero"),
            ("--node-status-update-frequency=1ns", "100 ms at least"),
            ("--node-monitor-period=0", "a duration above zero"),
            ("--node-monitor-period=-5s", "a duration above zero"),
            ("--kube-api-qps=fast", "a number"),
            ("--kube-api-qps=NaN", "a number"),
            ("--concurrent-node-syncs=0", "1 or more"),
            ("--concurrent-node-syncs=-1", "1 or more"),
            ("--v=-1", "a whole number"),
            ("--v=high", "a whole number"),
            ("--logging-format=xml", "json"),
            ("--leader-elect=yes", "true or false"),
            ("--leader-elect=", "true or false"),
            ("--leader-elect-retry-period=2", "a duration"),
            ("--secure-port=-1", "0 to 65535"),
            ("--secure-port=70000", "0 to 65535"),
            ("--bind-address=localhost", "an IP address"),
            ("--version=v1.36.0", "raw"),
        ] {
            let error = parse(&[flag]).unwrap_err();
            assert!(error.contains(expected), "{flag}: {error}");
        }
    }
}
