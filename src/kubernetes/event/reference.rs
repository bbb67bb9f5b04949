//! Whether `docs/reference/events.md` lists every Event as it is written, and nothing besides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::{Notice, Reason, STOPPED_AT_ANNOTATION};
use crate::kubernetes::{Node, NodeObject};

const PAGE: &str = include_str!("../../../docs/reference/events.md");

/// The rows of the table of reasons: type, component, object and message, by the reason.
fn documented() -> BTreeMap<&'static str, [&'static str; 4]> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    rows.filter_map(|cells| {
        let [reason, severity, component, object, message] = cells[..] else { return None };
        Some((reason.trim_matches('`'), [severity, component.trim_matches('`'), object, message]))
    })
    .collect()
}

#[test]
fn the_reference_lists_every_event_with_its_type_component_and_object_and_nothing_besides() {
    let documented = documented();
    let told: Vec<_> = documented.iter().map(|(reason, [kind, of, about, _])| [*reason, *kind, *of, *about]).collect();
    let mut there: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| [reason.word(), reason.severity(), reason.component(), reason.object()])
        .collect();
    there.sort_unstable();
    assert_eq!(told, there, "left: docs/reference/events.md, right: the program");
}

#[test]
fn the_reference_has_the_words_of_those_events_whose_words_do_not_change() {
    let node = serde_json::json!({"metadata": {"name": "NAME", "uid": "u"}});
    let node: Node = serde_json::from_value::<NodeObject>(node).unwrap().into();
    for notice in [Notice::Synced, Notice::Deleting, Notice::DeletionStopped { nodes: 12_345 }, Notice::DeletionResumed]
    {
        let said = notice.to_event(&node, Timestamp::UNIX_EPOCH).message.unwrap().replace("12345", "NUMBER");
        let [.., message] = documented()[notice.reason().word()];
        assert!(message.contains(&format!("`{said}`")), "{said} is not in the row: {message}");
    }
}

#[test]
fn the_reference_names_the_annotation_by_which_a_stop_is_read_back() {
    assert!(PAGE.contains(&format!("`{STOPPED_AT_ANNOTATION}`")));
}
