//! What the pages tell people to type: `make` has the targets and variables, the program the flags and commands.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser;
use packet_cloud_controller_manager::config::Flags;

use crate::page::{Page, pages};
use crate::repository::root;

/// The name of the program, with which the names of its builds begin.
const PROGRAM: &str = "packet-cloud-controller-manager";

/// The commands of a shell script, each as its words; quotes hold a word together.
fn commands(script: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word, mut quote) = (Vec::new(), Vec::new(), None::<String>, None);
    let script = format!("{}\n", script.replace("\\\n", " "));
    let mut rest = script.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, '#') if word.is_none() => while rest.next_if(|c| *c != '\n').is_some() {},
            (None, '\n' | ';' | '|' | '&') => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    commands.retain(|words| !words.is_empty());
    commands
}

/// Whether a word sets a variable.
fn assigned(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_').then_some(name)
}

/// The targets of the Makefile, and its text.
fn makefile() -> (BTreeSet<String>, String) {
    let text = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let rules = text.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_owned());
    (rules.filter(|name| is_name(name)).collect(), text)
}

/// What is wrong with a command, if anything is; nothing where it is somebody else's.
fn fault(words: &[String]) -> Option<String> {
    let begin = words.iter().position(|word| assigned(word).is_none())?;
    let command = &words[begin..];
    if command[0] == "make" {
        let (targets, text) = makefile();
        let (variables, wanted): (Vec<_>, Vec<_>) = command[1..].iter().partition(|word| assigned(word).is_some());
        let unknown = wanted.into_iter().find(|word| !word.starts_with('-') && !targets.contains(*word));
        let variable = variables.into_iter().find(|word| !text.contains(assigned(word).unwrap_or_default()));
        return unknown.or(variable).map(|word| format!("make knows no {word}"));
    }
    let is_program =
        |word: &String| Path::new(word).file_name().is_some_and(|name| name.to_string_lossy().starts_with(PROGRAM));
    // It is called here, or in a Pod by a command that is another's.
    let inner = command.iter().position(|word| word == "--").map_or(command, |end| &command[end + 1..]);
    let called = [command, inner].into_iter().find(|words| words.first().is_some_and(is_program))?;
    Flags::try_parse_from(called).err().filter(|error| error.exit_code() != 0).map(|error| error.to_string())
}

/// What a page tells people to type.
fn typed(page: &Page) -> Vec<Vec<String>> {
    let scripts = page.blocks().into_iter().filter(|block| block.language == "sh").map(|block| block.text);
    let spans = page.code_spans().into_iter().filter(|span| span.starts_with("make ") || span.starts_with(PROGRAM));
    scripts.chain(spans).flat_map(|script| commands(&script)).collect()
}

#[test]
fn every_command_names_targets_and_flags_that_there_are() {
    let (mut made, mut faults) = (0, Vec::new());
    for page in pages() {
        for words in typed(&page) {
            made += usize::from(words.iter().any(|word| word == "make"));
            let fault = fault(&words).map(|fault| format!("{}: {}: {fault}", page.path.display(), words.join(" ")));
            faults.extend(fault);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(made > 20, "only {made} calls of make were found");
}

#[test]
fn every_target_that_make_lists_is_told_to_whoever_contributes() {
    let page = Page::read("CONTRIBUTING.md");
    let told: BTreeSet<_> = typed(&page).into_iter().filter(|words| words[0] == "make").flatten().collect();
    let (_, text) = makefile();
    let listed = text.lines().filter_map(|line| line.split_once(": ").filter(|(_, rest)| rest.contains("## ")));
    let missing: Vec<_> = listed.map(|(name, _)| name).filter(|name| !told.contains(*name)).collect();
    assert!(missing.is_empty(), "not in CONTRIBUTING.md: {missing:?}");
}

#[test]
fn a_command_that_is_wrong_is_found() {
    let wrong = |script: &str| commands(script).iter().filter_map(|words| fault(words)).count();
    assert_eq!(wrong("make nothing\nmake demo NODEZ=1 # NODES=\nA=1 make demo NODES=5 \\\n  FLAGS=\"--a b\"; make"), 2);
    assert_eq!(wrong("dist/packet-cloud-controller-manager--linux-amd64 --cloud-provider=packet --clod-config=x"), 1);
    assert_eq!(
        wrong("kubectl exec deploy/packet-cloud-controller-manager -- /packet-cloud-controller-manager status"),
        0
    );
    assert_eq!(wrong("kubectl exec x -- /packet-cloud-controller-manager stats"), 1);
}
