//! `make prerelease` prepares the commit that is tagged: every place in which the version or the image is told, and nothing else.

use std::process::Command;

use crate::checkout::Checkout;

const PRERELEASE: &str = "prerelease RELEASE_TAG=v1.2.3 IMAGE=registry.example/metal/ccm";
const IMAGE: &str = "registry.example/metal/ccm:v1.2.3";
const CHART: &str = "deploy/helm/packet-cloud-controller-manager";

#[test]
fn a_release_is_written_wherever_its_version_is_told() {
    let checkout = Checkout::make();
    checkout.makes(PRERELEASE);

    for path in ["deploy/releases/v1.2.3/deployment.yaml", "deploy/releases/v1.2.3/daemonset.yaml"] {
        let images: Vec<String> = checkout
            .read(path)
            .lines()
            .filter_map(|line| line.trim().strip_prefix("image: ").map(str::to_owned))
            .collect();
        assert_eq!(images, [IMAGE], "{path}");
    }
    assert!(checkout.read("README.md").contains("deploy/releases/v1.2.3/deployment.yaml"));
    assert!(checkout.read("CHANGELOG.md").contains("\n## Unreleased\n\n## 1.2.3 - 2"));
    let chart = checkout.read(&format!("{CHART}/Chart.yaml"));
    assert!(chart.contains("\nversion: 1.2.3\n") && chart.contains("\nappVersion: 1.2.3\n"), "{chart}");
    assert!(checkout.read(&format!("{CHART}/values.yaml")).contains("repository: registry.example/metal/ccm\n"));

    // Cargo takes both lock files as they are.
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let arguments = ["metadata", "--locked", "--offline", "--format-version=1", "--manifest-path", manifest];
        let told = Command::new(env!("CARGO")).args(arguments).current_dir(checkout.folder()).output().unwrap();
        assert!(told.status.success(), "{manifest}: {}", String::from_utf8_lossy(&told.stderr));
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        let ours = told["packages"].as_array().unwrap().iter().find(|p| p["name"] == env!("CARGO_PKG_NAME")).unwrap();
        assert_eq!(ours["version"], "1.2.3", "{manifest}");
    }
}

#[test]
fn a_second_time_changes_nothing() {
    let checkout = Checkout::make();
    checkout.makes(PRERELEASE);
    checkout.commit("v1.2.3");
    let told = checkout.makes(PRERELEASE);
    assert_eq!(checkout.changes(), "", "{told}");
}

#[test]
fn the_next_release_takes_the_place_of_the_last_one_and_leaves_its_files() {
    let checkout = Checkout::make();
    checkout.makes(PRERELEASE);
    checkout.commit("v1.2.3");
    let first = checkout.read("deploy/releases/v1.2.3/deployment.yaml");
    checkout.git(&["tag", "v1.2.3"]);
    checkout.makes("prerelease RELEASE_TAG=v1.3.0-rc.1 IMAGE=registry.example/metal/ccm");

    assert_eq!(checkout.read("deploy/releases/v1.2.3/deployment.yaml"), first);
    assert!(checkout.read("README.md").contains("v1.2.3"), "a candidate is no release");
    let changelog = checkout.read("CHANGELOG.md");
    let place = |heading: &str| changelog.find(heading).unwrap_or_else(|| panic!("{heading}"));
    assert!(place("## Unreleased") < place("## 1.3.0-rc.1 - ") && place("## 1.3.0-rc.1 - ") < place("## 1.2.3 - "));
    checkout.makes("prerelease RELEASE_TAG=v1.3.0 IMAGE=registry.example/metal/ccm");
    let readme = checkout.read("README.md");
    assert!(readme.contains("v1.3.0") && !readme.contains("v1.2.3"));
}

#[test]
fn where_a_place_for_the_version_is_gone_nothing_is_written() {
    let checkout = Checkout::make();
    checkout.write("README.md", "# Without the marks\n");
    checkout.commit("The marks are gone");
    checkout.refuses(PRERELEASE, &["README.md", "has to be once"]);
}
