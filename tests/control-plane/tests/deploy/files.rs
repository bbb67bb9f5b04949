//! Every file of `deploy/` is taken by an API server, but for those that are not for one.

use std::path::{Path, PathBuf};

use control_plane::ControlPlane;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");

/// What an API server knows nothing of, and tests of their own hold to what it is.
const OTHERS: [&str; 6] = [
    // Templates: tests/end_to_end/chart.rs.
    "helm",
    // Prometheus' and Grafana's own files, and objects of Prometheus Operator: tests/promrules, and monitoring.rs beside this.
    "monitoring/alerts.yaml",
    "monitoring/alerts_test.yaml",
    "monitoring/dashboard.json",
    "monitoring/prometheus-rule.yaml",
    "monitoring/service-monitor.yaml",
];

/// The files of YAML and JSON below a folder, but for those.
fn manifests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if OTHERS.iter().any(|other| path == Path::new(DEPLOY).join(other)) {
            continue;
        }
        if path.is_dir() {
            found.extend(manifests(&path));
        } else if path.extension().is_some_and(|ending| ["yaml", "yml", "json"].map(AsRef::as_ref).contains(&ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn every_file_is_taken_by_an_api_server_that_knows_all_its_fields() {
    let control_plane = ControlPlane::start().await.unwrap();
    let manifests = manifests(Path::new(DEPLOY));
    for path in &manifests {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("\nkind: "), "{} has no object", path.display());
        control_plane.apply(&text).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        println!("{} is taken", path.display());
    }
    assert!(manifests.len() >= 6, "only {manifests:?} were found");
    for other in OTHERS {
        assert!(Path::new(DEPLOY).join(other).exists(), "{other} is not there any more");
    }
}
