//! What the program does besides running the controllers.

use clap::{CommandFactory, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::{Flags, PROGRAM};

/// A command beside the flags. Without one, the controllers run.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Print a script that completes flags in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
    /// Print what an instance on this machine, or in this Pod, is doing
    Status {
        /// The --secure-port of the instance, which tells it from others
        #[arg(long, value_name = "PORT", default_value_t = 10258, value_parser = port)]
        port: u16,
        /// How it is printed
        #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
        output: StatusForm,
    },
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "expected a number from 0 to 65535")
}

/// How the status is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum StatusForm {
    /// For people
    #[default]
    Text,
    /// As `/status` serves it
    Json,
}

/// The script that completes the flags in a shell.
#[must_use]
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown(), PROGRAM, &mut script);
    script
}

/// The manual page, as `man` reads it.
///
/// # Errors
/// None that could be: it is written to memory.
pub fn man() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(shown()).render(&mut page)?;
    Ok(page)
}

/// The command line without what help hides, which completions would offer.
fn shown() -> clap::Command {
    let command = Flags::command();
    let flags: Vec<_> = command.get_arguments().filter(|flag| !flag.is_hide_set()).cloned().collect();
    let commands: Vec<_> = command.get_subcommands().cloned().collect();
    super::help::described(clap::Command::new(PROGRAM).args(flags).subcommands(commands))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn every_shell_completes_flags_that_work_and_none_that_do_not() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let script = String::from_utf8(completions(shell)).unwrap();
            assert!(script.contains("cloud-provider") && script.contains("leader-elect"), "{shell}: {script}");
            assert!(!script.contains("alsologtostderr"), "{shell}: {script}");
        }
    }

    #[test]
    fn the_manual_page_has_the_flags_the_commands_and_the_example() {
        let page = String::from_utf8(man().unwrap()).unwrap();
        for part in [".TH", "cloud\\-provider", "completions", "METAL_API_KEY"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
