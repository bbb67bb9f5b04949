//! Reading the files that settings name: whole, bounded, and again while the program runs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::bounds::MAX_FILE;

/// What is in a file.
///
/// # Errors
/// Says why it cannot be read, without its name.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    let is_whole = u64::try_from(content.len()).is_ok_and(|length| length <= MAX_FILE);
    if is_whole { Ok(content) } else { Err(format!("it is larger than {MAX_FILE} bytes")) }
}

/// The same on a thread that may wait, as file systems do that are far away.
pub(super) async fn read_aside(path: PathBuf) -> Result<Vec<u8>, String> {
    let read = tokio::task::spawn_blocking(move || read(&path)).await;
    read.map_err(|_| "reading it was given up".to_owned())?
}
