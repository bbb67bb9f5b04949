//! Where etcd and kube-apiserver come from: a folder that the user names, or a build of our own that is kept.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::process::tail;

/// The environment variable that names a folder with both binaries, as `setup-envtest` and kubebuilder have it.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// The binaries' names, and what go calls each after its package.
const BINARIES: [(&str, &str); 2] = [("etcd", "server"), ("kube-apiserver", "kube-apiserver")];

/// The Go packages that the binaries are built from.
const PACKAGES: [&str; 2] = ["go.etcd.io/etcd/server/v3", "k8s.io/kubernetes/cmd/kube-apiserver"];

/// Which versions to build: part of this crate's source, so that it needs no source tree at run time.
const GO_MOD: &str = include_str!("../go.mod");
const GO_SUM: &str = include_str!("../go.sum");

/// The folder that holds `etcd` and `kube-apiserver`: the one that `KUBEBUILDER_ASSETS` names, or else
/// `control-plane/bin` in cargo's target folder.
///
/// In the latter the binaries are built first where they are missing or of other versions than this crate asks for; that
/// takes minutes and blocks. Programs that ask at the same time build once: the others wait for it.
///
/// # Errors
///
/// [`Error::AssetsIncomplete`], [`Error::NoGo`], [`Error::Build`] and [`Error::Io`].
pub fn folder() -> Result<PathBuf, Error> {
    match std::env::var_os(ASSETS) {
        Some(assets) if !assets.is_empty() => given(Path::new(&assets)),
        _ => built(&target_folder().join("control-plane"), OsStr::new("go"), &|text| {
            // Not by `eprintln!`, which a test captures: whoever waits must see why.
            let _ = writeln!(std::io::stderr(), "{text}");
        }),
    }
}

/// `assets`, once it is known to hold both binaries.
fn given(assets: &Path) -> Result<PathBuf, Error> {
    for (binary, _) in BINARIES {
        if !assets.join(binary).is_file() {
            return Err(Error::AssetsIncomplete { folder: assets.to_owned(), missing: binary });
        }
    }
    // The servers run in a folder of their own, where a relative path leads nowhere.
    fs::canonicalize(assets).map_err(Error::io(format!("resolving {}", assets.display())))
}

/// Cargo's target folder. The running program is most likely in it, and cargo marks it; otherwise it is the workspace's.
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let marked = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    marked.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), Path::to_owned)
}

/// The `bin` folder in `cache`, after a build, which is announced, where what is there is not of our go.mod and go.sum.
fn built(cache: &Path, go: &OsStr, announce: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    fs::create_dir_all(cache).map_err(Error::io(format!("creating {}", cache.display())))?;
    let cache = &fs::canonicalize(cache).map_err(Error::io(format!("resolving {}", cache.display())))?;
    let lock = cache.join("lock");
    let locking = || Error::io(format!("locking {}", lock.display()));
    let lock_file = File::create(&lock).map_err(locking())?;
    lock_file.lock().map_err(locking())?;

    let folder = cache.join("bin");
    // Written last, so that a build that was interrupted does not count.
    let stamp = folder.join("built-from");
    let wanted = format!("{GO_MOD}{GO_SUM}");
    let whole = BINARIES.iter().all(|(binary, _)| folder.join(binary).is_file());
    if !whole || fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        announce(&format!(
            "Building etcd and kube-apiserver {} with Go into {}: some 5 minutes the first time.",
            kubernetes_version(),
            folder.display()
        ));
        build(cache, &folder, go)?;
        write(&stamp, &wanted)?;
    }
    Ok(folder)
}

/// Builds both binaries and puts them into `folder`, replacing what is there.
fn build(cache: &Path, folder: &Path, go: &OsStr) -> Result<(), Error> {
    let source = cache.join("source");
    let output = source.join("bin");
    for folder in [&output, folder] {
        fs::create_dir_all(folder).map_err(Error::io(format!("creating {}", folder.display())))?;
    }
    write(&source.join("go.mod"), GO_MOD)?;
    write(&source.join("go.sum"), GO_SUM)?;

    let built = Command::new(go)
        .args(["build", "-buildvcs=false", "-ldflags", &linker_flags(), "-o"])
        .arg(&output)
        .args(PACKAGES)
        .current_dir(&source)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        // Those that would build for another machine than this one.
        .env_remove("GOOS")
        .env_remove("GOARCH")
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::NoGo,
            _ => Error::io(format!("running {}", go.display()))(error),
        })?;
    if !built.status.success() {
        return Err(Error::Build { status: built.status, output: tail(&String::from_utf8_lossy(&built.stderr)) });
    }
    for (binary, built_as) in BINARIES {
        let (from, to) = (output.join(built_as), folder.join(binary));
        fs::rename(&from, &to).map_err(Error::io(format!("moving {} to {}", from.display(), to.display())))?;
    }
    Ok(())
}

/// No symbols, and the version that kube-apiserver otherwise does not know of itself.
fn linker_flags() -> String {
    format!("-s -w -X k8s.io/component-base/version.gitVersion={}", kubernetes_version())
}

/// The version of `k8s.io/kubernetes` that go.mod asks for, with its `v`.
fn kubernetes_version() -> &'static str {
    GO_MOD
        .lines()
        .find_map(|line| line.trim().trim_start_matches("require ").strip_prefix("k8s.io/kubernetes "))
        .and_then(|version| version.split_whitespace().next())
        .unwrap_or("v0.0.0")
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io(format!("writing {}", path.display())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const BUILDS_BOTH: &str = "touch bin/server bin/kube-apiserver";

    /// A cache in which `sh build …`, our stand-in for `go build …`, finds this script to run. (A script that is executed
    /// itself fails now and then with "text file busy" while other tests start processes.)
    fn cache_where_building_runs(script: &str) -> tempfile::TempDir {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(cache.path().join("source")).unwrap();
        write(&cache.path().join("source/build"), script).unwrap();
        cache
    }

    /// What `built` answers, and how many builds it announced.
    fn built_in(cache: &tempfile::TempDir) -> (Result<PathBuf, Error>, usize) {
        let announced = AtomicUsize::new(0);
        let announce = |_: &str| {
            announced.fetch_add(1, Ordering::Relaxed);
        };
        (built(cache.path(), OsStr::new("sh"), &announce), announced.into_inner())
    }

    #[test]
    fn binaries_are_built_once_for_everyone_who_asks() {
        let cache = cache_where_building_runs(BUILDS_BOTH);
        let builds: usize = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| built_in(&cache))).collect();
            asking.into_iter().map(|one| one.join().unwrap()).map(|(bin, builds)| bin.map(|_| builds).unwrap()).sum()
        });
        assert_eq!(builds, 1);
        let bin = built_in(&cache).0.unwrap();
        assert!(bin.join("etcd").is_file() && bin.join("kube-apiserver").is_file());
    }

    #[test]
    fn binaries_of_other_versions_are_built_anew() {
        let cache = cache_where_building_runs(BUILDS_BOTH);
        let bin = built_in(&cache).0.unwrap();
        write(&bin.join("built-from"), "require k8s.io/kubernetes v1.35.0").unwrap();
        assert_eq!(built_in(&cache).1, 1);
        assert_eq!(built_in(&cache).1, 0);
    }

    #[test]
    fn a_missing_go_is_said_with_both_ways_on() {
        let cache = tempfile::tempdir().unwrap();
        let error = built(cache.path(), cache.path().join("no-go").as_os_str(), &|_| {}).unwrap_err();
        assert!(matches!(error, Error::NoGo), "{error:?}");
        let message = error.to_string();
        assert!(message.contains("install Go 1.26") && message.contains(ASSETS), "{message}");
    }

    #[test]
    fn a_failed_build_shows_what_go_said_and_leaves_nothing_that_counts() {
        let cache = cache_where_building_runs("echo 'go.mod requires go >= 1.26.0' >&2; exit 1");
        let error = built_in(&cache).0.unwrap_err();
        assert!(error.to_string().ends_with("go.mod requires go >= 1.26.0"), "{error}");
        assert_eq!(built_in(&cache).1, 1);
    }

    #[test]
    fn a_folder_of_assets_without_etcd_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("kube-apiserver"), "").unwrap();
        let error = given(folder.path()).unwrap_err();
        assert!(matches!(error, Error::AssetsIncomplete { missing: "etcd", .. }), "{error:?}");
    }

    #[test]
    fn a_folder_of_assets_with_both_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for (binary, _) in BINARIES {
            write(&folder.path().join(binary), "").unwrap();
        }
        assert_eq!(given(folder.path()).unwrap(), folder.path().canonicalize().unwrap());
    }

    #[test]
    fn the_version_is_the_one_that_go_mod_requires() {
        let version = kubernetes_version();
        assert!(version.starts_with("v1."), "{version}");
        assert!(GO_MOD.contains(&format!("k8s.io/kubernetes {version}")));
    }
}
