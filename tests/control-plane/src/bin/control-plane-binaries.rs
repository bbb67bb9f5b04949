//! Makes sure that etcd and kube-apiserver are there, builds them where they are not, and prints their folder.
//!
//! For `make` and CI: what takes minutes happens once and in the open, not inside whichever test comes first.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match control_plane::binaries::folder() {
        Ok(folder) => {
            println!("{}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
