//! The flags as they are against what others say of them: Kubernetes' own program, and docs/reference/flags.md.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use clap::{Arg, CommandFactory, Parser};

use super::Flags;

/// The flags of Kubernetes' cloud-controller-manager 1.36, also those that its help hides, with their defaults.
const UPSTREAM: &str = include_str!("../../../tests/fixtures/upstream-flags.txt");
const PAGE: &str = include_str!("../../../docs/reference/flags.md");
/// Where the page goes from the flags that work to those that do not.
const WITHOUT_EFFECT: &str = "## Accepted without effect";

fn upstream() -> impl Iterator<Item = (&'static str, &'static str)> {
    UPSTREAM.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('=').unwrap())
}

fn names(is_wanted: impl Fn(&Arg) -> bool) -> BTreeSet<String> {
    let command = Flags::command();
    let flags = command.get_arguments().filter(|flag| is_wanted(flag));
    let names = flags.flat_map(|flag| flag.get_long().into_iter().chain(flag.get_all_aliases().unwrap_or_default()));
    names.map(str::to_owned).collect()
}

/// The flags that a text has between backticks.
fn named_in(text: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.strip_prefix("--"));
    quoted.map(|flag| flag.split(['=', '[', ' ']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_flag_of_kubernetes_is_known() {
    let known = names(|_| true);
    let unknown: Vec<_> = upstream().filter(|(name, _)| !known.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(upstream().count() > 80);
}

#[test]
fn a_flag_without_effect_that_has_the_default_of_kubernetes_is_not_worth_a_word() {
    for (name, default) in upstream().filter(|(name, _)| *name != "help") {
        let default = default.trim_start_matches('[').trim_end_matches(']');
        let flags = Flags::try_parse_from(["ccm".to_owned(), format!("--{name}={default}")]).unwrap();
        assert_eq!(flags.idle.warning(), None, "--{name}={default}");
    }
}

#[test]
fn the_page_has_every_flag_in_its_place_and_no_other() {
    let (working, idle) = PAGE.split_once(WITHOUT_EFFECT).unwrap();
    let rows = working.lines().filter(|line| line.starts_with("| `")).map(|row| row.split('|').nth(1).unwrap());
    assert_eq!(rows.flat_map(named_in).collect::<BTreeSet<_>>(), names(|flag| !flag.is_hide_set()));
    assert_eq!(named_in(idle), names(Arg::is_hide_set));
}

#[test]
fn the_page_tells_the_defaults_as_they_are() {
    let command = Flags::command();
    for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()) {
        let (name, defaults) = (flag.get_long().unwrap(), flag.get_default_values());
        let is_row = |line: &&str| named_in(line.split('|').nth(1).unwrap_or_default()).contains(name);
        let row = PAGE.lines().filter(|line| line.starts_with("| `")).find(is_row).unwrap();
        for default in defaults.iter().map(|default| default.to_str().unwrap()) {
            assert!(row.split('|').nth(2).unwrap().contains(&format!("`{default}`")), "--{name}: {default}");
        }
    }
}
