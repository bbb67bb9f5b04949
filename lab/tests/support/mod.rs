//! What every test of the lab needs: the program, and what a command said.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// The program: the one that `LAB_PRODUCT_BINARY` names, or one that cargo builds beside the lab.
pub(crate) static PRODUCT: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(path) = std::env::var_os("LAB_PRODUCT_BINARY") {
        // Cargo runs tests in the package's folder; whoever set it was in the workspace's.
        return Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_lab")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    // Of the whole workspace, so that dependencies are those that this test was built with and not built once more.
    cargo.args(["build", "--locked", "--workspace", "--bin", "packet-cloud-controller-manager", "--target-dir"]);
    cargo.arg(folder.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success(), "the program does not build");
    folder.join("packet-cloud-controller-manager")
});

/// What it said on both streams.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
