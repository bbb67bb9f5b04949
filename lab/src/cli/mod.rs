//! The command line.

mod curves;
mod demo;
mod load_test;
mod options;
mod values;

use clap::{Parser, Subcommand};

pub(crate) use curves::Curves;
pub(crate) use demo::Demo;
pub(crate) use load_test::LoadTest;
pub(crate) use options::{KubernetesOptions, ProgramOptions, Provider};
pub(crate) use values::Allowance;

/// Watches the cloud controller manager at work, and measures it.
#[derive(Debug, Parser)]
#[command(name = "lab", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the lab can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let Nodes join in a burst, watch the program initialise them, and check every one
    #[command(long_about = demo::ABOUT, after_help = demo::EXAMPLES)]
    Demo(Box<Demo>),
    /// Put the program through scenarios, check what it costs, and compare it with others
    #[command(long_about = load_test::ABOUT, after_help = load_test::EXAMPLES)]
    LoadTest(Box<LoadTest>),
    /// Draw curves from results of the load test
    #[command(long_about = curves::ABOUT, after_help = curves::EXAMPLES)]
    Curves(Curves),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_describe_a_command_line_that_can_be() {
        Arguments::command().debug_assert();
    }
}
