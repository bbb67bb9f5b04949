//! What is missing or wrong is said before anything is built, written or pushed.

use crate::checkout::Checkout;

#[test]
fn what_there_is_to_make_is_listed() {
    let listed = Checkout::make().makes("help");
    for target in ["build", "image", "ci", "cd", "prerelease", "release", "test"] {
        assert!(listed.lines().any(|line| line.split_whitespace().nth(1) == Some(target)), "{target}: {listed}");
    }
}

#[test]
fn nothing_is_pushed_without_a_branch_or_without_leave_and_what_would_be_is_told() {
    let checkout = Checkout::make();
    let head = checkout.head();
    checkout.refuses("cd", &["BRANCH_NAME", "make cd CONFIRM=true BRANCH_NAME=master"]);
    checkout.refuses("cd CONFIRM=true", &["BRANCH_NAME", &head]);
    let would = ["Nothing was pushed", "registry.example/ccm:master", &format!("registry.example/ccm:{head}")];
    checkout.refuses("cd BRANCH_NAME=master IMAGE=registry.example/ccm", &would);
    checkout.refuses("cd BRANCH_NAME=master CONFIRM=yes", &["Nothing was pushed"]);
    checkout.refuses("cd BRANCH_NAME=feature/x", &[":feature-x"]);
    checkout.refuses("cd CONFIRM=true BRANCH_NAME=a:b", &["BRANCH_NAME=a:b"]);
    for release in ["v1.2.3", "latest"] {
        checkout.refuses(&format!("cd CONFIRM=true BRANCH_NAME={release}"), &["only releases", "make release"]);
    }
    checkout.refuses("release", &["RELEASE_TAG", "make release CONFIRM=true RELEASE_TAG=v1.2.3"]);
    checkout.refuses("release RELEASE_TAG=v1.2.3", &["Nothing was pushed", ":v1.2.3"]);
}

#[test]
fn a_release_is_one_only_as_its_own_tag_and_prepared() {
    let checkout = Checkout::make();
    checkout.refuses("release CONFIRM=true RELEASE_TAG=v9.9.9", &["no Git tag v9.9.9"]);
    checkout.git(&["tag", "v9.9.9"]);
    checkout
        .refuses("release CONFIRM=true RELEASE_TAG=v9.9.9", &["not prepared", "make prerelease RELEASE_TAG=v9.9.9"]);
    checkout.write("README.md", "changed");
    checkout.refuses("release CONFIRM=true RELEASE_TAG=v9.9.9", &["changes that are not in v9.9.9", "README.md"]);
    checkout.commit("One more");
    checkout.refuses("release CONFIRM=true RELEASE_TAG=v9.9.9", &["git checkout v9.9.9"]);
}

#[test]
fn what_is_no_version_or_was_released_is_not_prepared() {
    let checkout = Checkout::make();
    checkout.refuses("prerelease", &["RELEASE_TAG", "make prerelease RELEASE_TAG=v1.2.3"]);
    for tag in [
        "1.2.3",
        "v1.2",
        "v1.2.3.4",
        "v01.2.3",
        "v1.2.3-",
        "v1.2.3-rc..1",
        "v1.2.3+build",
        "v1.2.x",
        "latest",
        "v1.2.3-01",
    ] {
        checkout.refuses(&format!("prerelease RELEASE_TAG={tag}"), &[tag, "vMAJOR.MINOR.PATCH"]);
        checkout.refuses(&format!("release RELEASE_TAG={tag}"), &[tag, "vMAJOR.MINOR.PATCH"]);
    }
    checkout.refuses("prerelease RELEASE_TAG=v1.2.3 IMAGE=registry.example:5000/ccm:v1", &["the name alone"]);
    checkout.git(&["tag", "v1.2.3"]);
    checkout.refuses("prerelease RELEASE_TAG=v1.2.3", &["v1.2.3 exists already"]);
}

#[test]
fn a_release_that_somebody_else_has_tagged_is_not_prepared() {
    let (checkout, others) = (Checkout::make(), Checkout::make());
    others.git(&["tag", "v1.2.3"]);
    checkout.git(&["remote", "add", "origin", &others.folder().display().to_string()]);
    checkout.refuses("prerelease RELEASE_TAG=v1.2.3", &["v1.2.3 exists already in origin"]);
    checkout.git(&["remote", "set-url", "origin", "/nowhere"]);
    assert!(checkout.makes("prerelease RELEASE_TAG=v1.2.3").contains("not known"));
}

#[test]
fn a_platform_that_there_is_no_build_for_is_refused() {
    let checkout = Checkout::make();
    for arguments in ["build OS=plan9", "build ARCH=riscv64", "build OS=plan9 DOCKERBUILD=true"] {
        checkout.refuses(arguments, &["OS is linux or darwin, ARCH is amd64 or arm64"]);
    }
    checkout.refuses("build DOCKERBUILD=yes", &["DOCKERBUILD=yes is neither true nor false"]);
}

#[test]
fn a_platform_that_is_said_to_be_nothing_is_the_one_that_make_runs_on() {
    let mut checkout = Checkout::make();
    for variable in ["OS", "ARCH", "DOCKERBUILD", "IMAGE"] {
        checkout.set(variable, "");
    }
    let told = checkout.makes("--dry-run build");
    assert!(told.contains(&format!("--target {}-", std::env::consts::ARCH)), "{told}");
}

#[test]
fn a_tool_for_containers_that_does_not_work_is_named() {
    let mut checkout = Checkout::make();
    let cd = "cd CONFIRM=true BRANCH_NAME=master";
    checkout.refuses(&format!("{cd} CONTAINER_TOOL=lxc"), &["CONTAINER_TOOL=lxc", "docker, podman or buildah"]);
    // A client that finds no engine is as good as none.
    checkout.set("DOCKER_HOST", "unix:///nowhere");
    checkout.refuses(&format!("{cd} CONTAINER_TOOL=docker"), &["docker does not work here"]);
}
