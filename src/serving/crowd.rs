//! The connections that are open, and which of them makes room for another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::AbortHandle;

use super::activity::Activity;
use super::bounds::MAX_CONNECTIONS;

/// The connections that are open, by number.
#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<Members>);

#[derive(Debug, Default)]
struct Members {
    by_number: BTreeMap<u64, Member>,
    next: u64,
}

#[derive(Debug)]
struct Member {
    activity: Arc<Activity>,
    /// What ends it; there from when it runs.
    task: Option<AbortHandle>,
}

/// The place of a connection, which is free again once this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    number: u64,
}

impl Crowd {
    /// A place for another connection. Where there is none, the connection that is needed least ends for it: so whoever holds all
    /// places idle keeps nobody out.
    pub(super) fn enter(self: &Arc<Self>, activity: Arc<Activity>) -> Place {
        if self.len() >= MAX_CONNECTIONS {
            self.make_room();
        }
        let mut members = self.members();
        let number = members.next;
        members.next += 1;
        members.by_number.insert(number, Member { activity, task: None });
        Place { crowd: self.clone(), number }
    }

    /// Says what ends the connection of a place; without effect where that has ended by itself.
    pub(super) fn runs_as(&self, number: u64, task: AbortHandle) {
        if let Some(member) = self.members().by_number.get_mut(&number) {
            member.task = Some(task);
        }
    }

    /// Ends the connection that is needed least.
    pub(super) fn make_room(&self) {
        let mut members = self.members();
        let running = members.by_number.iter().filter(|(_, member)| member.task.is_some());
        let least = running.min_by_key(|(_, member)| member.activity.need()).map(|(number, _)| *number);
        let ended = least.and_then(|number| members.by_number.remove(&number));
        drop(members);
        if let Some(task) = ended.and_then(|member| member.task) {
            tracing::debug!("no room for another connection: the one that has been idle longest ends");
            task.abort();
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members().by_number.len()
    }

    fn members(&self) -> std::sync::MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.members().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, Instant};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_has_been_idle_longest_makes_room() {
        let crowd = Arc::new(Crowd::default());
        let connect = |activity: &Arc<Activity>| {
            let place = crowd.enter(activity.clone());
            let number = place.number();
            let task = tokio::spawn(async move {
                let _place = place;
                std::future::pending::<()>().await;
            });
            crowd.runs_as(number, task.abort_handle());
            task
        };
        let first = Arc::new(Activity::new(Instant::now()));
        let busy = connect(&first);
        let _request = first.begin(Instant::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        let mut idle: Vec<_> =
            (1..MAX_CONNECTIONS).map(|_| connect(&Arc::new(Activity::new(Instant::now())))).collect();
        assert_eq!(crowd.len(), MAX_CONNECTIONS);

        tokio::time::advance(Duration::from_secs(1)).await;
        let newest = connect(&Arc::new(Activity::new(Instant::now())));
        assert_eq!(crowd.len(), MAX_CONNECTIONS);
        assert!(idle.remove(0).await.is_err_and(|error| error.is_cancelled()));
        assert!(!busy.is_finished() && !newest.is_finished() && idle.iter().all(|task| !task.is_finished()));
        newest.abort();
        assert!(newest.await.is_err());
        assert_eq!(crowd.len(), MAX_CONNECTIONS - 1, "whoever goes leaves a place");
    }
}
