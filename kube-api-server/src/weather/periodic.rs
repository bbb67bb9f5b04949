//! Something done every so often, until it is told to be done more often, less, or no more.

use std::time::Duration;

use tokio::sync::watch;

use super::latency::time;

/// How often it is done; it ends when this is dropped. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Periodic(watch::Sender<Option<Duration>>);

impl Periodic {
    /// Starts it. The first time is a period from now.
    pub(crate) fn start(period: Option<Duration>, act: impl Fn() + Send + 'static) -> Periodic {
        let (sender, mut periods) = watch::channel(period);
        tokio::spawn(async move {
            loop {
                let period = *periods.borrow_and_update();
                let changed = match period {
                    None => periods.changed().await,
                    Some(period) => tokio::select! {
                        biased;
                        changed = periods.changed() => changed,
                        () = tokio::time::sleep(period) => {
                            act();
                            Ok(())
                        }
                    },
                };
                if changed.is_err() {
                    return;
                }
            }
        });
        Periodic(sender)
    }

    /// From now on that often; a period below a millisecond is one.
    pub(crate) fn set(&self, period: Option<Duration>) {
        self.0.send_replace(period.map(|period| period.max(Duration::from_millis(1))));
    }

    pub(crate) fn period(&self) -> Option<Duration> {
        *self.0.borrow()
    }
}

/// Reads a period such as `30s`.
pub(crate) fn period(text: &str) -> Result<Duration, String> {
    match time(text)? {
        Duration::ZERO => Err(format!("every {text} would have no end; give a time above zero, such as 30s")),
        period => Ok(period),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_done_as_often_as_it_says_and_no_more_when_told() {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let periodic = Periodic::start(None, move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let done = async |after| {
            tokio::time::sleep(Duration::from_secs(after)).await;
            count.swap(0, Ordering::Relaxed)
        };
        assert_eq!(done(60).await, 0);
        periodic.set(Some(Duration::from_secs(10)));
        assert_eq!(done(35).await, 3);
        periodic.set(None);
        assert_eq!(done(60).await, 0);
    }
}
