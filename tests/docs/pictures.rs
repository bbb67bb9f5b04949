//! Pictures name actors and messages by the names that they have in the source.

use std::collections::BTreeSet;

use crate::repository::{files, root};

const ARCHITECTURE: &str = "docs/images/architecture.svg";

/// The words of all texts of a class, in a picture.
fn named<'a>(picture: &'a str, class: &str) -> BTreeSet<&'a str> {
    let texts = picture.split("<text class=\"").skip(1).filter_map(|rest| rest.split_once("</text>"));
    let texts = texts.filter_map(|(text, _)| text.split_once('"').filter(|(classes, _)| is_of(classes, class)));
    let shown = texts.filter_map(|(_, rest)| rest.split_once('>')).map(|(_, shown)| shown);
    shown.flat_map(|shown| shown.split(|c: char| !c.is_ascii_alphanumeric())).filter(|word| !word.is_empty()).collect()
}

fn is_of(classes: &str, class: &str) -> bool {
    classes.split(' ').any(|word| word == class)
}

/// The types that are declared below a folder, and the names of its files and folders.
fn known(folder: &str) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for path in files().into_iter().filter(|path| path.starts_with(folder)) {
        known.extend(path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()));
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        let declared = text.lines().filter_map(|line| line.strip_prefix("pub struct "));
        let word = |rest: &str| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
        known.extend(declared.map(word));
    }
    known
}

#[test]
fn every_actor_and_message_of_the_picture_is_in_the_source() {
    let picture = std::fs::read_to_string(root().join(ARCHITECTURE)).unwrap();
    for (class, folder, at_least) in [("actor", "src", 8), ("message", "src/messages", 15)] {
        let (named, known) = (named(&picture, class), known(folder));
        let unknown: Vec<_> = named.iter().filter(|name| !known.contains(**name)).collect();
        assert!(unknown.is_empty(), "{ARCHITECTURE} names what is not in {folder}/: {unknown:?}");
        assert!(named.len() >= at_least, "{class}: {named:?}");
    }
}

#[test]
fn a_name_that_is_not_in_the_source_is_found() {
    let picture = "<text class=\"message end\" x=\"1\">WriteNode · Nothing</text><text class=\"note\">a</text>";
    let known = known("src/messages");
    let unknown: Vec<_> = named(picture, "message").into_iter().filter(|name| !known.contains(*name)).collect();
    assert_eq!(unknown, ["Nothing"]);
}
