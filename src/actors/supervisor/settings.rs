//! Settings that change while the program runs: the file is looked at, and what takes effect is told to whom it concerns.

use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use k8s_openapi::jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::config::{Change, Config, LiveSettings, Reloaded, Reloader};
use crate::messages::settings::{NewSettings, TryAgain};
use crate::serving::SettingsInUse;
use crate::telemetry::metrics::{Outcome, ProgramMetrics, Word};
use crate::telemetry::status::SettingsFile;

/// How often the file is looked at. It counts once it is the same at two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// The settings that a process starts with.
pub(super) fn at_start(config: Arc<Config>, metrics: &ProgramMetrics) -> SettingsInUse {
    let now = Timestamp::now();
    metrics.settings_read_at.set(now.as_second());
    metrics.reload_succeeded.set(1);
    let file = config.file.as_ref().map(|path| SettingsFile {
        path: path.display().to_string(),
        read_at: to_the_second(now),
        ..SettingsFile::default()
    });
    SettingsInUse { config, file }
}

/// Looks at the file for as long as the process runs. `settings` has what is in use.
pub(super) fn keep(mut reloader: Reloader, settings: watch::Sender<SettingsInUse>, metrics: ProgramMetrics) {
    if !reloader.has_file() {
        return;
    }
    tokio::spawn(async move {
        loop {
            sleep(PERIOD).await;
            // A file system may hang, and must not hold up anything else.
            let look = tokio::task::spawn_blocking(move || {
                let seen = reloader.look();
                (reloader, seen)
            });
            let Ok((back, seen)) = look.await else { return };
            reloader = back;
            if let Some(reloaded) = seen {
                take_in(reloaded, &settings, &metrics);
            }
        }
    });
}

fn take_in(reloaded: Reloaded, settings: &watch::Sender<SettingsInUse>, metrics: &ProgramMetrics) {
    let result = Word(if matches!(reloaded, Reloaded::Read(_)) { "ok" } else { "broken" });
    metrics.reloads.get_or_create(&Outcome { result }).inc();
    match reloaded {
        Reloaded::Read(change) => {
            let now = Timestamp::now();
            metrics.reload_succeeded.set(1);
            metrics.settings_read_at.set(now.as_second());
            tell(&change);
            let after_restart = change.after_restart.iter().map(|key| (*key).to_owned()).collect();
            settings.send_modify(|in_use| {
                in_use.config = change.config;
                if let Some(file) = &mut in_use.file {
                    (file.read_at, file.broken, file.after_restart) = (to_the_second(now), None, after_restart);
                }
            });
        }
        Reloaded::Broken(why) => {
            metrics.reload_succeeded.set(0);
            tracing::error!(
                error = why,
                "the settings' file has changed and cannot be used; the settings before it stay in use"
            );
            settings.send_modify(|in_use| {
                if let Some(file) = &mut in_use.file {
                    file.broken = Some(why);
                }
            });
        }
    }
}

fn tell(Change { config, changed, after_restart }: &Change) {
    if changed.is_empty() && after_restart.is_empty() {
        tracing::info!("the settings' file was written anew; what is in use stays as it is");
    }
    if !changed.is_empty() {
        tracing::info!(settings = changed.join(", "), "settings have changed and take effect now");
    }
    if !after_restart.is_empty() {
        tracing::warn!(
            settings = after_restart.join(", "),
            "settings have changed that take effect only after a restart"
        );
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
}

/// Whom new settings concern.
pub(super) struct Concerned {
    /// Who goes by them.
    pub(super) settings: Vec<Recipient<NewSettings>>,
    /// Whose Nodes may wait for a token that is taken.
    pub(super) nodes: Recipient<TryAgain>,
}

/// Tells the actors of every change since `known`, for as long as the process runs.
pub(super) fn hand_on(mut settings: watch::Receiver<SettingsInUse>, known: LiveSettings, concerned: Concerned) {
    tokio::spawn(async move {
        let mut before = Arc::new(known);
        loop {
            let now = Arc::new(settings.borrow_and_update().config.live());
            let has_new_token = now.token.expose_secret() != before.token.expose_secret();
            for actor in &concerned.settings {
                actor.do_send(NewSettings(Arc::clone(&now)));
            }
            if has_new_token {
                concerned.nodes.do_send(TryAgain);
            }
            before = now;
            if settings.changed().await.is_err() {
                return;
            }
        }
    });
}

fn to_the_second(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string()
}
