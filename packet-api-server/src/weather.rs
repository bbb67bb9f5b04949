//! What the server is like at the moment, all of which may change while it runs: its latency, its rate limit, its outage.

use crate::dice::{Dice, Purpose};
use crate::latency::Latency;
use crate::limiter::{Limiter, Verdict};
use crate::outage::{Outage, OutageKind};
use crate::rate_limit::RateLimit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Clones share one weather.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    dice: Dice,
    latency: RwLock<Latency>,
    limiter: Mutex<Option<Limiter>>,
    outage: watch::Sender<Option<Current>>,
}

/// The outage that there is.
#[derive(Debug, Clone, Copy)]
struct Current {
    outage: Outage,
    /// A time that the clock cannot count to never comes.
    ends: Option<Instant>,
}

impl Weather {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                started: Instant::now(),
                dice: Dice::new(seed, Purpose::Latency),
                latency: RwLock::default(),
                limiter: Mutex::default(),
                outage: watch::Sender::new(None),
            }),
        }
    }

    pub(crate) fn latency(&self) -> Latency {
        *self.shared.latency.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_latency(&self, latency: Latency) {
        *self.shared.latency.write().unwrap_or_else(PoisonError::into_inner) = latency;
    }

    /// What the next answer takes before its devices are counted.
    pub(crate) fn draw_latency(&self) -> Duration {
        self.latency().draw(&self.shared.dice)
    }

    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        self.limiter().as_ref().map(Limiter::limit)
    }

    /// Every client begins anew.
    pub(crate) fn set_rate_limit(&self, limit: Option<RateLimit>) {
        *self.limiter() = limit.map(Limiter::new);
    }

    /// What the rate limit, if there is one, says to a request of this token.
    pub(crate) fn ask(&self, token: &[u8]) -> Option<Verdict> {
        let mut limiter = self.limiter();
        // Once the lock is held, so that time does not run backwards for the limiter.
        limiter.as_mut().map(|limiter| limiter.ask(token, self.shared.started.elapsed()))
    }

    pub(crate) fn outage(&self) -> Option<Outage> {
        let current = *self.shared.outage.borrow();
        current.filter(|current| current.ends.is_none_or(|ends| Instant::now() < ends)).map(|current| current.outage)
    }

    pub(crate) fn set_outage(&self, outage: Option<Outage>) {
        let current = outage
            .map(|outage| Current { outage, ends: outage.lasts.and_then(|time| Instant::now().checked_add(time)) });
        self.shared.outage.send_replace(current);
    }

    /// Whether the port is closed now.
    pub(crate) fn refuses(&self) -> bool {
        self.outage().is_some_and(|outage| outage.kind == OutageKind::Refuse)
    }

    /// Waits until the port is to be closed, or to be open again.
    pub(crate) async fn until_refuses(&self, wanted: bool) {
        let mut outage = self.shared.outage.subscribe();
        while self.refuses() != wanted {
            let ends = outage.borrow_and_update().and_then(|current| current.ends);
            let ended = async {
                match ends {
                    Some(ends) if Instant::now() < ends => tokio::time::sleep_until(ends).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender lives as long as this weather, so that there is no other news than a change.
                _ = outage.changed() => {}
                () = ended => {}
            }
        }
    }

    fn limiter(&self) -> MutexGuard<'_, Option<Limiter>> {
        self.shared.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Weather;
    use crate::outage::{Outage, OutageKind};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn an_outage_ends_when_its_time_is_over() {
        let weather = Weather::new(0);
        assert!(!weather.refuses());
        let outage = Outage::new(OutageKind::Refuse).lasting(Duration::from_secs(30));
        weather.set_outage(Some(outage));
        assert_eq!(weather.outage(), Some(outage));
        let began = tokio::time::Instant::now();
        weather.until_refuses(true).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        weather.until_refuses(false).await;
        // The paused clock counts in milliseconds.
        assert!((30_000..=30_001).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        assert_eq!(weather.outage(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_may_last_for_ever() {
        let weather = Weather::new(0);
        weather.set_outage(Some(Outage::new(OutageKind::Hang).lasting(Duration::MAX)));
        tokio::time::advance(Duration::from_secs(1_000_000)).await;
        assert!(weather.outage().is_some());
        weather.set_outage(None);
        assert!(weather.outage().is_none());
    }
}
