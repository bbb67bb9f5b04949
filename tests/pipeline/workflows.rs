//! The workflows run the same steps as people do.

use std::collections::BTreeSet;

use crate::repository::root;

/// What follows `make` in the steps of a workflow.
fn made_in(workflow: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(".github/workflows").join(workflow)).unwrap();
    let workflow: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let jobs = workflow["jobs"].as_object().unwrap().values();
    let steps = jobs.flat_map(|job| job["steps"].as_array().unwrap());
    let runs = steps.filter_map(|step| step["run"].as_str());
    runs.flat_map(str::lines).filter_map(|line| line.strip_prefix("make ")).map(str::to_owned).collect()
}

#[test]
fn a_pull_request_a_merge_and_a_tag_run_the_steps_that_are_theirs() {
    assert_eq!(made_in("pull-request.yaml"), ["ci"]);
    assert_eq!(made_in("merge.yaml"), ["ci", r#"cd CONFIRM=true BRANCH_NAME="$GITHUB_REF_NAME""#]);
    assert_eq!(made_in("tag.yaml"), ["ci", r#"release CONFIRM=true RELEASE_TAG="$GITHUB_REF_NAME""#]);
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
