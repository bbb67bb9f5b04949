//! The workflows run the same steps as people do.

use std::collections::BTreeSet;

use crate::repository::root;

/// What the steps of a job do: the commands, and the actions without their versions.
fn steps(workflow: &str, job: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(".github/workflows").join(workflow)).unwrap();
    let workflow: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap_or_else(|| panic!("there is no job {job}"));
    let action = |step: &serde_json::Value| step["uses"].as_str().unwrap().split('@').next().unwrap().to_owned();
    steps.iter().map(|step| step["run"].as_str().map_or_else(|| action(step), |run| run.trim().to_owned())).collect()
}

const CHECKOUT: &str = "actions/checkout";
const GO: &str = "actions/setup-go";
const LOGIN: &str = "docker/login-action";

#[test]
fn a_pull_request_is_held_to_all_that_has_to_hold() {
    assert_eq!(steps("pull-request.yaml", "ci"), [CHECKOUT, GO, "make ci"]);
    assert_eq!(steps("pull-request.yaml", "gate"), [CHECKOUT, GO, ".ci/run"]);
    let run = "docker run --rm --read-only packet-cloud-controller-manager:latest --version";
    let build = ["make build DOCKERBUILD=true", "make image DOCKERBUILD=true", run];
    assert_eq!(steps("pull-request.yaml", "container"), [&[CHECKOUT], build.as_slice()].concat());
}

#[test]
fn a_merge_and_a_tag_are_tested_before_they_are_pushed() {
    let cd = r#"make cd CONFIRM=true BRANCH_NAME="$GITHUB_REF_NAME""#;
    assert_eq!(steps("merge.yaml", "cd"), [CHECKOUT, GO, "make ci", LOGIN, cd]);
    let release = r#"make release CONFIRM=true RELEASE_TAG="$GITHUB_REF_NAME""#;
    assert_eq!(steps("tag.yaml", "release"), [CHECKOUT, GO, "make ci", LOGIN, release]);
}

#[test]
fn there_is_no_workflow_that_nobody_looks_at() {
    let entries = std::fs::read_dir(root().join(".github/workflows")).unwrap();
    let names: BTreeSet<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, ["merge.yaml", "pull-request.yaml", "tag.yaml"].map(str::to_owned).into());
}

/// The image that compiles takes its Rust from one line of the Dockerfile, and all else from `rust-toolchain.toml`.
#[test]
fn the_dockerfile_compiles_with_the_release_of_rust_that_all_else_does() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"')).unwrap();
    let dockerfile = read("Dockerfile");
    assert!(dockerfile.contains(&format!("library/rust:{channel}-slim")), "{channel}");
    assert!(dockerfile.contains(&format!("ENV RUSTUP_TOOLCHAIN={channel}\n")), "{channel}");
}
