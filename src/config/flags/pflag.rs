//! How Go's pflag and Kubernetes' component-base read a command line, where clap reads it in another way.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::values;

/// The name of the value of flags that are true or false.
pub(super) const BOOL: &str = "BOOL";

/// A flag that takes its value as pflag does: one that is true or false only after `=`, any other also as the argument that
/// follows, whatever that begins with.
pub(super) fn as_pflag(flag: Arg) -> Arg {
    if !flag.get_action().takes_values() || flag.is_require_equals_set() {
        flag
    } else if flag.get_value_names().is_some_and(|names| names.iter().any(|name| name == BOOL)) {
        flag.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        flag.allow_hyphen_values(true)
    }
}

/// The arguments with `-` for every `_` in the name of a flag (component-base `WordSepNormalizeFunc`), and without those that
/// are empty and no value, which a template leaves and cobra ignores.
pub(super) fn normalised(command: &Command, mut arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut normalised = Vec::from_iter(arguments.next());
    while let Some(argument) = arguments.next() {
        let text = argument.to_str().unwrap_or_default();
        if text == "--" || command.find_subcommand(&argument).is_some() {
            normalised.push(argument);
            normalised.extend(arguments);
            return normalised;
        }
        if argument.is_empty() {
            continue;
        }
        let argument = if text.starts_with("--") {
            let (name, value) = text.split_at(text.find('=').unwrap_or(text.len()));
            format!("{}{value}", name.replace('_', "-")).into()
        } else {
            argument
        };
        let value = if takes_the_next(command, &argument) { arguments.next() } else { None };
        normalised.push(argument);
        normalised.extend(value);
    }
    normalised
}

/// Whether an argument is the name alone of a flag whose value is the argument that follows.
fn takes_the_next(command: &Command, argument: &OsString) -> bool {
    let Some(text) = argument.to_str() else { return false };
    let is_named = |flag: &&Arg| match (text.strip_prefix("--"), text.strip_prefix('-')) {
        (Some(long), _) => {
            flag.get_long() == Some(long) || flag.get_all_aliases().is_some_and(|aliases| aliases.contains(&long))
        }
        (None, Some(short)) => flag.get_short().is_some_and(|letter| short.chars().eq([letter])),
        (None, None) => false,
    };
    let flag = command.get_arguments().find(is_named);
    flag.is_some_and(|flag| flag.get_action().takes_values() && !flag.is_require_equals_set())
}

/// An error that says what was probably meant by `--leader-elect false`.
pub(super) fn explained(mut error: clap::Error) -> clap::Error {
    let is_boolean =
        |value: &ContextValue| matches!(value, ContextValue::String(text) if values::boolean(text).is_ok());
    if error.kind() == ErrorKind::InvalidSubcommand && error.get(ContextKind::InvalidSubcommand).is_some_and(is_boolean)
    {
        let tip = StyledStr::from("write `--flag=true` or `--flag=false`, with `=` and without a blank");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::super::tests::parse;

    #[test]
    fn a_value_follows_an_equals_sign_or_is_the_next_argument_whatever_it_begins_with() {
        for arguments in [&["--cloud-provider=packet"][..], &["--cloud-provider", "packet"]] {
            assert_eq!(parse(arguments).unwrap().cloud_provider.unwrap(), "packet");
        }
        let controllers = |arguments| parse(arguments).unwrap().generic.controllers.unwrap();
        assert_eq!(controllers(&["--controllers", "-cloud-node"]), ["-cloud-node"]);
        assert_eq!(parse(&["--master", "--a_b"]).unwrap().kubernetes.master.unwrap(), "--a_b");
        assert!(parse(&["--cloud-provider"]).is_err());
    }

    #[test]
    fn what_is_true_or_false_is_written_in_all_the_ways_of_go_but_never_as_the_next_argument() {
        for (given, expected) in [
            (&["--leader-elect"][..], true),
            (&[], true),
            (&["--leader-elect=t"], true),
            (&["--leader-elect=1"], true),
            (&["--leader-elect=TRUE"], true),
            (&["--leader-elect=False"], false),
            (&["--leader-elect=0"], false),
            (&["--leader-elect=true", "--leader-elect=false"], false),
        ] {
            assert_eq!(parse(given).unwrap().election.leader_elect, expected, "{given:?}");
        }
        let error = parse(&["--leader-elect", "false"]).unwrap_err();
        assert!(error.contains("'false'") && error.contains("--flag=false"), "{error}");
    }

    #[test]
    fn of_a_flag_that_is_repeated_the_last_counts_and_lists_grow() {
        let flags = parse(&["--v=1", "--v=3", "--controllers=a,b", "--controllers=c", "--port=1", "--port=2"]).unwrap();
        assert_eq!(
            (flags.logging.v, flags.generic.controllers.unwrap()),
            (3, ["a", "b", "c"].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn the_verbosity_is_written_in_four_ways_and_counts_up_to_ten() {
        for arguments in [&["-v4"][..], &["-v=4"], &["-v", "4"], &["--v=4"], &["--v", "4"]] {
            assert_eq!(parse(arguments).unwrap().logging.v, 4, "{arguments:?}");
        }
        assert_eq!(parse(&["-v=99"]).unwrap().logging.v, 10);
    }

    #[test]
    fn underscores_stand_for_hyphens_in_names_and_for_themselves_in_values() {
        let flags = parse(&["--cloud_provider=a_b", "--leader-elect_resource_name", "c_d", "--log_dir=/x"]).unwrap();
        assert_eq!(flags.cloud_provider.unwrap(), "a_b");
        assert_eq!(flags.election.leader_elect_resource_name, "c_d");
    }

    #[test]
    fn an_argument_that_is_empty_is_no_argument_but_may_be_a_value() {
        let flags = parse(&["", "--cloud-config", "", "--kubeconfig=", "--v=3", ""]).unwrap();
        assert_eq!((flags.cloud_config, flags.logging.v), (Some("".into()), 3));
    }

    #[test]
    fn what_is_neither_a_flag_nor_a_command_is_refused() {
        for argument in ["stray", "-x", "-cloud-provider=packet", "--lead=false", "--=x"] {
            assert!(parse(&[argument]).is_err(), "{argument}");
        }
        assert!(parse(&["--", "--v=3"]).is_err());
    }
}
