//! Whether `docs/reference/labels.md` lists everything of a Node that is read or written by name, and nothing besides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::names::LABEL_TWINS;
use super::{AddressType, Provider, Topology, provider_id};
use crate::packet::DeviceId;

const PAGE: &str = include_str!("../../docs/reference/labels.md");
/// The strings that clusters depend on are all in this file.
const NAMES: &str = include_str!("names.rs");

/// The rows of the tables below a heading, each as its cells.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, below) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = below.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |").map(|_| line));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_reference_lists_every_label_annotation_and_taint_and_nothing_besides() {
    let there: BTreeSet<_> = NAMES.split('"').skip(1).step_by(2).filter(|name| name.contains('/')).collect();
    let rows: Vec<_> = ["Labels", "Annotations", "Taints"].into_iter().flat_map(rows).collect();
    let told: BTreeSet<_> = rows.iter().flat_map(|cells| quoted(cells[0])).collect();
    assert!(there.len() > 8, "{there:?}");
    assert_eq!(told, there, "left: docs/reference/labels.md, right: src/kubernetes/names.rs");
}

#[test]
fn the_reference_has_each_label_beside_its_twin() {
    let rows = rows("Labels");
    let told: Vec<_> = rows.iter().map(|cells| quoted(cells[0])).collect();
    assert_eq!(told, LABEL_TWINS.map(|(label, twin)| vec![label, twin]));
}

#[test]
fn the_reference_tells_which_topology_writes_which_labels() {
    for topology in Topology::ALL {
        let name = format!("`{topology}`");
        assert!(rows("Labels by topology").iter().any(|cells| cells[0] == name), "{name}");
    }
    for provider in Provider::ALL {
        let default = format!("`{}`", provider.default_topology());
        let rows = rows("Labels by topology");
        let row = rows.iter().find(|cells| cells[0] == default).unwrap();
        assert!(row[1].contains(&format!("`{provider}`")), "{default} is the default of {provider}: {row:?}");
    }
}

#[test]
fn the_reference_lists_the_kinds_of_addresses_that_are_written() {
    let rows = rows("Addresses");
    let told: Vec<_> = rows.iter().flat_map(|cells| quoted(cells[0])).collect();
    for kind in [AddressType::Hostname, AddressType::InternalIp, AddressType::ExternalIp] {
        assert!(told.contains(&SmolStr::from(kind.clone()).as_str()), "{kind:?}");
    }
    for word in told {
        assert!(!matches!(AddressType::from(SmolStr::from(word)), AddressType::Other(_)), "{word} is not written");
    }
}

#[test]
fn the_reference_shows_the_provider_id_that_each_mode_writes_and_only_forms_that_are_read() {
    let rows = rows("Provider IDs");
    let id = DeviceId::parse("7f0c2f5e-58a1-4a3e-9d3c-3b8e5a3c1d20").unwrap();
    for provider in Provider::ALL {
        let form = provider_id::format(provider, &id).replace(id.as_str(), "DEVICE-ID");
        let row = rows.iter().find(|cells| quoted(cells[0]) == [form.as_str()]).unwrap_or_else(|| panic!("{form}"));
        assert!(row[1].contains(&format!("`--cloud-provider={provider}`")), "{row:?}");
    }
    for form in rows.iter().flat_map(|cells| quoted(cells[0])) {
        assert_eq!(provider_id::parse(&form.replace("DEVICE-ID", id.as_str())).as_ref(), Ok(&id), "{form}");
    }
}
