//! A capability is added as `docs/adding-a-capability.md` says: its changes can be made, and what comes of them is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::page::{Block, Page};
use crate::repository::{files, root, write};

const PAGE: &str = "docs/adding-a-capability.md";
/// What stands between two changes of one file.
const ELSEWHERE: &str = "…\n";
/// What cargo is asked in the copy, in order.
const CHECKS: [&[&str]; 4] = [
    &["fmt", "--check"],
    &["clippy", "--locked", "--lib", "--test", "behaviour", "--", "-D", "warnings"],
    &["test", "--locked", "--lib", "--quiet"],
    &["test", "--locked", "--test", "behaviour", "--quiet", "--", "routes::", "controllers::"],
];

/// The blocks that are files or change them, by the path that stands before each.
fn steps() -> Vec<(String, Block)> {
    let blocks = Page::read(PAGE).blocks().into_iter().filter(|block| ["rust", "diff"].contains(&&*block.language));
    let path =
        |block: &Block| block.before.strip_prefix('`').and_then(|line| line.strip_suffix("`:")).map(str::to_owned);
    blocks.map(|block| (path(&block).unwrap_or_else(|| panic!("no path before\n{}", block.text)), block)).collect()
}

/// The files that the page adds.
pub(crate) fn new_files() -> BTreeSet<String> {
    steps().into_iter().filter(|(_, block)| block.language == "rust").map(|(path, _)| path).collect()
}

/// Makes the changes of a block to a text.
fn changed(path: &str, text: &str, block: &str) -> String {
    let mut text = text.to_owned();
    for change in block.split(ELSEWHERE) {
        let lines = |without: char| {
            let lines = change.split_inclusive('\n').filter(|line| !line.starts_with(without));
            lines.map(|line| line.get(1..).unwrap_or_default()).collect::<String>()
        };
        let (old, new) = (format!("\n{}", lines('+')), format!("\n{}", lines('-')));
        assert_eq!(text.matches(&old).count(), 1, "{path} has to have this exactly once, as {PAGE} shows it:{old}");
        text = text.replacen(&old, &new, 1);
    }
    text
}

/// What the files are that the page adds or changes, once it was followed.
fn followed() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for (path, block) in steps() {
        let is_there = root().join(&path).exists();
        let text = if block.language == "rust" {
            assert!(!is_there, "{path} is there already, and {PAGE} adds it");
            block.text
        } else {
            assert!(is_there, "{path} is not there, and {PAGE} changes it");
            let before = files.remove(Path::new(&path));
            changed(&path, &before.unwrap_or_else(|| std::fs::read_to_string(root().join(&path)).unwrap()), &block.text)
        };
        files.insert(path.into(), text);
    }
    files
}

#[test]
fn every_change_of_the_page_can_be_made() {
    assert!(followed().len() > 15, "{:?}", followed().keys());
}

#[test]
#[ignore = "it builds the library and a test anew: make capability-test"]
fn what_comes_of_the_page_is_whole() {
    // The test lies in `deps`, below the profile's folder.
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let (place, mut followed) = (target.join("capability"), followed());
    let copy = place.join("repository");
    for path in files() {
        let text = followed.remove(&path).map(String::into_bytes);
        write(&copy.join(&path), &text.unwrap_or_else(|| std::fs::read(root().join(&path)).unwrap()));
    }
    for (path, text) in followed {
        write(&copy.join(path), text.as_bytes());
    }
    for arguments in CHECKS {
        // What was built of dependencies serves here, too; what is built here goes elsewhere.
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).current_dir(&copy);
        cargo.env("CARGO_BUILD_BUILD_DIR", &target).env("CARGO_TARGET_DIR", place.join("target"));
        let ended = cargo.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success(), "cargo {} in {}\n{out}\n{err}", arguments.join(" "), copy.display());
    }
}
