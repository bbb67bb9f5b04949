//! The files of the repository, and copies of it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository, from its top, in order: what Git has, and what it would take.
pub(crate) fn files() -> Vec<PathBuf> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(arguments).current_dir(root()).output().expect("git is installed");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).unwrap();
    let paths = paths.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
    let mut files: Vec<PathBuf> = paths.filter(|path| root().join(path).is_file()).collect();
    files.sort();
    files
}

/// Writes a file unless it is like that already, so that nothing is built anew without need.
pub(crate) fn write(path: &Path, content: &[u8]) {
    if std::fs::read(path).is_ok_and(|before| before == content) {
        return;
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
