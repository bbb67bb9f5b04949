//! A checkout of the repository as it is now, in which commits and tags hurt nobody.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::repository::{files, root, write};

/// What decides what `make` does; none of it comes from whoever runs the tests.
const VARIABLES: [&str; 18] = [
    "ARCH",
    "BRANCH_NAME",
    "CARGO_BUILD",
    "CA_CERTIFICATES",
    "CONFIRM",
    "CONTAINER_TOOL",
    "DOCKERBUILD",
    "GNUMAKEFLAGS",
    "IMAGE",
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "OS",
    "RELEASE_ARCH",
    "RELEASE_TAG",
    "RUSTFLAGS",
    "RUST_IMAGE",
    "TRIPLE",
];

/// By these, Git would work on the repository of whoever runs the tests, as it does in a hook.
const OF_GIT: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];

/// A copy of the repository with a single commit.
pub(crate) struct Checkout {
    folder: PathBuf,
    /// Further variables of what runs in it.
    variables: Vec<(String, String)>,
    /// Removes the folder, where it is nobody else's.
    _temporary: Option<TempDir>,
}

impl Checkout {
    /// In a folder that goes with it.
    pub(crate) fn make() -> Self {
        static FIRST: OnceLock<Checkout> = OnceLock::new();
        let first = FIRST.get_or_init(|| Self::make_in(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("repository")));
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("repository");
        first.git(&["clone", "--quiet", ".", &folder.display().to_string()]);
        let checkout = Self { folder, variables: Vec::new(), _temporary: Some(temporary) };
        checkout.git(&["remote", "remove", "origin"]);
        checkout
    }

    /// In this folder. What is in it already stays as it is where it is the same, so that little is built again.
    pub(crate) fn make_in(folder: &Path) -> Self {
        for path in files() {
            write(&folder.join(&path), &std::fs::read(root().join(&path)).unwrap());
            let mode = std::fs::metadata(root().join(&path)).unwrap().permissions();
            std::fs::set_permissions(folder.join(&path), mode).unwrap();
        }
        let checkout = Self { folder: folder.to_owned(), variables: Vec::new(), _temporary: None };
        if folder.join(".git").exists() {
            std::fs::remove_dir_all(folder.join(".git")).unwrap();
        }
        checkout.git(&["init", "--quiet"]);
        let paths: Vec<String> = files().iter().map(|path| path.display().to_string()).collect();
        checkout.git(&[&["add", "--"], paths.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
        checkout.git(&["commit", "--quiet", "--message", "As it is"]);
        // What an earlier run has left.
        checkout.git(&["clean", "--quiet", "--force", "-d"]);
        checkout
    }

    /// Gives what runs in it a further variable.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.folder.join(path), text).unwrap();
    }

    /// Runs Git, which has to succeed, and answers what it says.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        for variable in OF_GIT {
            git.env_remove(variable);
        }
        git.args(["-c", "user.name=A tester", "-c", "user.email=tester@example.com", "-c", "commit.gpgsign=false"]);
        git.args(["-c", "tag.gpgsign=false", "-c", "init.defaultBranch=master"]);
        let output = git.args(arguments).current_dir(&self.folder).output().unwrap();
        assert!(output.status.success(), "git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits whatever differs.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// The commit that is checked out.
    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// What differs from the commit.
    pub(crate) fn changes(&self) -> String {
        self.git(&["status", "--porcelain", "--untracked-files=all"])
    }

    /// Runs `make` with these arguments, and shows it where the test shows what it does.
    pub(crate) fn make_target(&self, arguments: &str) -> Made {
        let mut command = Command::new("make");
        for variable in VARIABLES.into_iter().chain(OF_GIT) {
            command.env_remove(variable);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.args(arguments.split_whitespace()).current_dir(&self.folder).output().unwrap();
        let made = Made::of(&output);
        println!("$ make {arguments}\n{}", made.text);
        made
    }

    /// The same where it has to succeed.
    pub(crate) fn makes(&self, arguments: &str) -> String {
        let made = self.make_target(arguments);
        assert!(made.succeeded, "make {arguments}: {}", made.text);
        made.text
    }

    /// The same where it has to be refused, with these words and without any change to the checkout.
    pub(crate) fn refuses(&self, arguments: &str, words: &[&str]) {
        let before = self.changes();
        let made = self.make_target(arguments);
        assert!(!made.succeeded, "make {arguments} was not refused: {}", made.text);
        for word in words {
            assert!(made.text.contains(word), "make {arguments} does not say {word:?}: {}", made.text);
        }
        assert_eq!(self.changes(), before, "make {arguments}");
    }
}

/// What came of `make`.
pub(crate) struct Made {
    pub(crate) succeeded: bool,
    /// What it said, errors behind all else.
    pub(crate) text: String,
}

impl Made {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { succeeded: output.status.success(), text: text(&output.stdout) + &text(&output.stderr) }
    }
}
