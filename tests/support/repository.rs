//! The files of the repository, and copies of it.

use std::path::{Path, PathBuf};

/// Folders that hold what was built or is no part of the repository.
const NOT_OURS: [&str; 4] = ["target", "dist", ".git", ".cache"];

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository, from its top, in order.
pub(crate) fn files() -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![root().to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type().unwrap())).unwrap();
            let is_ours = !NOT_OURS.iter().any(|name| path.ends_with(name));
            match (is_ours, kind.is_dir()) {
                (false, _) => {}
                (true, true) => folders.push(path),
                (true, false) => files.push(path.strip_prefix(root()).unwrap().to_owned()),
            }
        }
    }
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
