//! What `--help` says besides what it says of each flag.

use clap::{Arg, ArgAction, Command};

use super::idle;

const ABOUT: &str = "Cloud controller manager for Packet (Equinix Metal)";

/// What `--help` says before the flags.
const LONG_ABOUT: &str = "Cloud controller manager for Packet (Equinix Metal).

Finds the device of every Node that a kubelet has registered as uninitialized, writes addresses, labels and provider ID, \
and takes the taint off. Marks Nodes whose device is switched off, and deletes those whose device is gone.

The token and the project come from METAL_API_KEY and METAL_PROJECT_ID (or PACKET_AUTH_TOKEN and PACKET_PROJECT_ID), \
or from the file of --cloud-config; flags win over the environment, the environment over the file.";

const EXAMPLE: &str = "Example:
  METAL_API_KEY=… METAL_PROJECT_ID=… packet-cloud-controller-manager \\
    --cloud-provider=equinixmetal --kubeconfig=$HOME/.kube/config";

/// As wide as is read with ease.
const WIDTH: usize = 100;

/// A command line with all that help says besides the flags.
pub(super) fn described(command: Command) -> Command {
    command
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .long_about(LONG_ABOUT)
        .after_help(EXAMPLE)
        .after_long_help(last_words())
        .override_usage("packet-cloud-controller-manager --cloud-provider=NAME [FLAGS]\n       packet-cloud-controller-manager COMMAND")
        .max_term_width(WIDTH)
        .next_line_help(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args_override_self(true)
        .mut_subcommands(with_help)
}

/// A command with the flag that asks what it does, which clap does not give it where the command line has its own.
fn with_help(command: Command) -> Command {
    if command.get_arguments().any(|flag| flag.get_id() == "help") {
        return command;
    }
    command.arg(Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Print this"))
}

/// A command line whose help says everything, with the flags as short as ever: clap's own long form takes five lines for each.
pub(super) fn in_full(command: Command) -> Command {
    command.about(LONG_ABOUT).after_help(last_words())
}

fn last_words() -> String {
    let names: Vec<_> = idle::ALL.iter().map(|flag| format!("--{}", flag.name)).collect();
    format!("Accepted without effect, for manifests that have them:\n{}\n\n{EXAMPLE}", names.join(", "))
}
