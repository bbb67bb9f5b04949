//! Whether every actor still answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::Recipient;
use tokio::time::{Instant, sleep};

use crate::messages::report::Ping;
use crate::telemetry::health::{Health, Scope};

/// The name of the check.
const CHECK: &str = "actors";
/// How often each is asked, and looked at.
const PERIOD: Duration = Duration::from_secs(5);
/// How long one may take to answer. The largest cluster's list keeps them busy for some seconds.
const LONGEST: Duration = Duration::from_mins(1);

/// Asks them for as long as the process runs, and tells probes.
pub(super) fn watch(actors: Vec<(&'static str, Recipient<Ping>)>, health: Health) {
    let mut answered = Vec::new();
    for (name, actor) in actors {
        let last = Arc::new(Mutex::new(Instant::now()));
        answered.push((name, Arc::clone(&last)));
        tokio::spawn(async move {
            // An actor that is no more is not asked again, and shows by that.
            while actor.send(Ping).await.is_ok() {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                sleep(PERIOD).await;
            }
        });
    }
    tokio::spawn(async move {
        loop {
            let silent = answered.iter().filter_map(|(name, last)| {
                let silence = last.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
                (silence > LONGEST).then(|| format!("{name} has not answered for {} s", silence.as_secs()))
            });
            let silent: Vec<_> = silent.collect();
            let state = if silent.is_empty() { Ok("all answer".to_owned()) } else { Err(silent.join("; ")) };
            health.set(CHECK, Scope::Live, state);
            sleep(PERIOD).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::{Actor, Context, Handler, ResponseFuture};

    /// Answers so often, and then no more.
    struct Fading(usize);

    impl Actor for Fading {
        type Context = Context<Self>;
    }

    impl Handler<Ping> for Fading {
        type Result = ResponseFuture<()>;

        fn handle(&mut self, Ping: Ping, _: &mut Context<Self>) -> Self::Result {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Box::pin(std::future::ready(()))
                }
                None => Box::pin(std::future::pending()),
            }
        }
    }

    #[test]
    fn an_actor_that_answers_no_more_shows_within_two_minutes() {
        let runtime = || match tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build() {
            Ok(runtime) => runtime,
            Err(error) => panic!("{error}"),
        };
        actix::System::with_tokio_rt(runtime).block_on(async {
            let health = Health::default();
            let actors =
                vec![("Steady", Fading(usize::MAX).start().recipient()), ("Fading", Fading(3).start().recipient())];
            watch(actors, health.clone());
            let state = || health.all().get(CHECK).map(|check| check.state.clone());
            sleep(PERIOD * 4).await;
            assert_eq!(state(), Some(Ok("all answer".to_owned())));
            sleep(LONGEST * 2).await;
            let Some(Err(said)) = state() else { panic!("nobody has noticed") };
            assert!(said.contains("Fading has not answered") && !said.contains("Steady"), "{said}");
        });
    }
}
