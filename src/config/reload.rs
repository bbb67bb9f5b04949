//! The file of `--cloud-config` under a running program: what has changed, what takes effect, what needs a restart.
//!
//! It is looked at now and then rather than watched: that sees every way in which a file changes (a kubelet swaps the symlink
//! `..data` beside it, an editor renames another over it, a script writes into it or deletes it and comes back) on every file
//! system. What is seen counts once it is the same at two looks, so that nobody acts on half a file.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Config, ConfigError, Flags, Shown};

/// Answers the value of an environment variable.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Looks after the file.
pub struct Reloader {
    flags: Flags,
    environment: Environment,
    /// The file; `None` where none is named, and nothing ever changes.
    path: Option<PathBuf>,
    /// By which contents are told apart, without keeping what is secret.
    hasher: RandomState,
    /// What the settings in use were made of, or the broken ones that were told of.
    dealt_with: Seen,
    /// What was seen at the last look.
    last: Seen,
    config: Arc<Config>,
}

/// What a look has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    File(u64),
}

/// What has become of a file that was changed.
#[derive(Debug)]
pub enum Reloaded {
    /// It was read.
    Read(Change),
    /// It cannot be used, and this is why. What was read before stays in use.
    Broken(String),
}

/// What a file that was changed means.
#[derive(Debug)]
pub struct Change {
    /// The settings that are in use from now on.
    pub config: Arc<Config>,
    /// The settings that take effect now.
    pub changed: Vec<&'static str>,
    /// The settings of the file that are not in use, and will be after a restart.
    pub after_restart: Vec<&'static str>,
}

impl Reloader {
    /// Loads the configuration, and looks after its file from then on.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load(flags: Flags, environment: Environment) -> Result<Self, ConfigError> {
        let (path, hasher) = (flags.cloud_file().map(Path::to_path_buf), RandomState::new());
        // Before it is loaded, so that a change in between is not missed.
        let seen = see(path.as_deref(), &hasher);
        let config = Arc::new(Config::load(&flags, &environment)?);
        Ok(Self { flags, environment, path, hasher, dealt_with: seen, last: seen, config })
    }

    /// The settings that are in use.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config)
    }

    /// Whether there is anything to look at.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.path.is_some()
    }

    /// Looks at the file, and reads it where it is another than before and has stayed the same since the last look.
    pub fn look(&mut self) -> Option<Reloaded> {
        let now = see(self.path.as_deref(), &self.hasher);
        let before = std::mem::replace(&mut self.last, now);
        if now != before || now == self.dealt_with {
            return None;
        }
        self.dealt_with = now;
        Some(match Config::load(&self.flags, &self.environment) {
            Ok(newer) => Reloaded::Read(self.take_in(newer)),
            Err(error) => Reloaded::Broken(error.to_string()),
        })
    }

    fn take_in(&mut self, newer: Config) -> Change {
        let (shown, old) = (newer.shown(), self.config.shown());
        let differing = shown.iter().zip(&old).filter(|(new, old)| new.value != old.value).map(|(new, _)| new);
        let (changed, after_restart): (Vec<&Shown>, Vec<&Shown>) = differing.partition(|setting| setting.live);
        let token = (!newer.has_token_of(&self.config)).then_some("apiKey");
        let changed = token.into_iter().chain(changed.into_iter().map(|setting| setting.key)).collect();
        let after_restart = after_restart.into_iter().map(|setting| setting.key).collect();
        self.config = Arc::new(self.config.with_live_of(newer));
        Change { config: Arc::clone(&self.config), changed, after_restart }
    }
}

/// What there is at a path.
fn see(path: Option<&Path>, hasher: &RandomState) -> Seen {
    let read = path.and_then(|path| std::fs::read(path).ok());
    read.map_or(Seen::Nothing, |bytes| Seen::File(hasher.hash_one(bytes)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use clap::Parser;
    use secrecy::ExposeSecret;
    use std::os::unix::fs::symlink;

    const PROJECT_ID: &str = "438659f0-0000-4000-8000-000000000000";

    fn text(token: &str, further: &str) -> String {
        format!(r#"{{"apiKey": "{token}", "projectID": "{PROJECT_ID}"{further}}}"#)
    }

    fn reloader(file: &Path, variables: &'static [(&'static str, &'static str)]) -> Reloader {
        let flag = format!("--cloud-config={}", file.display());
        let flags = Flags::try_parse_from(["ccm", "--cloud-provider=packet", &flag]).unwrap();
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Reloader::load(flags, Box::new(variable)).unwrap()
    }

    /// Looks as often as it takes for a change to count.
    fn looked(reloader: &mut Reloader) -> Option<Reloaded> {
        assert!(reloader.look().is_none(), "it counts only once it has stayed the same");
        reloader.look()
    }

    fn read(reloaded: Option<Reloaded>) -> Change {
        match reloaded.unwrap() {
            Reloaded::Read(change) => change,
            Reloaded::Broken(why) => panic!("{why}"),
        }
    }

    fn token(change: &Change) -> &str {
        change.config.connection.token.expose_secret()
    }

    #[test]
    fn a_new_token_is_seen_however_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let mounted = |version: &str, token: &str| {
            std::fs::create_dir(folder.path().join(version)).unwrap();
            std::fs::write(folder.path().join(version).join("sa.json"), text(token, "")).unwrap();
        };
        let swap = |version: &str| {
            symlink(version, folder.path().join("..new")).unwrap();
            std::fs::rename(folder.path().join("..new"), folder.path().join("..data")).unwrap();
        };
        mounted("..1", "first");
        swap("..1");
        let file = folder.path().join("sa.json");
        symlink("..data/sa.json", &file).unwrap();
        let mut reloader = reloader(&file, &[]);
        assert!(reloader.look().is_none());

        mounted("..2", "swapped");
        swap("..2");
        assert_eq!(token(&read(looked(&mut reloader))), "swapped");
        assert!(reloader.look().is_none());

        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, text("rewritten", "")).unwrap();
        let change = read(looked(&mut reloader));
        assert_eq!((token(&change), &change.changed[..]), ("rewritten", &["apiKey"][..]));

        std::fs::remove_file(&file).unwrap();
        assert!(matches!(looked(&mut reloader), Some(Reloaded::Broken(why)) if why.contains("cannot read")));
        std::fs::write(&file, text("recreated", "")).unwrap();
        assert_eq!(token(&read(looked(&mut reloader))), "recreated");
    }

    #[test]
    fn a_broken_file_is_told_of_once_and_keeps_the_last_good_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text("good", "")).unwrap();
        let mut reloader = reloader(file.path(), &[]);
        std::fs::write(file.path(), r#"{"apiKey": "s3cret","#).unwrap();
        let Some(Reloaded::Broken(why)) = looked(&mut reloader) else { panic!("it is taken for good") };
        assert!(why.contains("no valid JSON") && !why.contains("s3cret"), "{why}");
        assert!(reloader.look().is_none() && reloader.look().is_none());
        assert_eq!(reloader.config.connection.token.expose_secret(), "good");
        std::fs::write(file.path(), text("good", r#", "rateLimit": {"burst": 3}"#)).unwrap();
        assert_eq!(read(looked(&mut reloader)).changed, ["rateLimit.burst"]);
    }

    #[test]
    fn what_cannot_change_live_says_so_and_stays() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text("t", "")).unwrap();
        let mut reloader = reloader(file.path(), &[]);
        let further = r#", "topology": "metro-region", "base-url": "http://127.0.0.1/", "cache": {"deviceTTL": "1m"}"#;
        std::fs::write(file.path(), text("t", further)).unwrap();
        let change = read(looked(&mut reloader));
        assert_eq!(change.changed, ["cache.deviceTTL"]);
        assert_eq!(change.after_restart, ["base-url", "topology"]);
        assert_eq!(change.config.topology.name(), "facility-region");
    }

    #[test]
    fn what_the_environment_says_wins_over_a_file_that_changes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text("of-file", "")).unwrap();
        let mut reloader = reloader(file.path(), &[("METAL_API_KEY", "of-environment")]);
        std::fs::write(file.path(), text("newer", "")).unwrap();
        let change = read(looked(&mut reloader));
        assert_eq!((token(&change), change.changed.len()), ("of-environment", 0));
    }

    #[test]
    fn what_is_shown_masks_the_token_and_says_where_each_value_comes_from() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text("s3cret", r#", "cache": {"deviceTTL": "90s"}"#)).unwrap();
        let shown = reloader(file.path(), &[]).config.shown();
        let of = |key: &str| shown.iter().find(|setting| setting.key == key).unwrap();
        assert!(!serde_json::to_string(&shown).unwrap().contains("s3cret"));
        assert!(of("apiKey").source.starts_with("`apiKey` in "), "{:?}", of("apiKey"));
        assert_eq!((&of("cache.deviceTTL").value, of("cache.deviceTTL").live), (&"1m30s".into(), true));
        assert_eq!(of("rateLimit.burst").source, "default");
    }
}
