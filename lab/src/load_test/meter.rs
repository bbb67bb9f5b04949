//! Looks at the running process every tenth of a second, shows how far things are, and notices when it ends by itself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::progress::{Progress, Standing};
use super::scene::Scene;
use crate::program::usage;

/// How often the process is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// What was seen of the process.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    memory: Mutex<Vec<(Instant, u64)>>,
    /// The processor time of each process, by its id.
    processor: Mutex<HashMap<u32, Duration>>,
    /// Zero where nobody tells.
    peak_memory: AtomicU64,
}

impl Meter {
    /// Looks until the program ends by itself; returns how it ended.
    pub(crate) async fn look_until_it_ends(&self, scene: &Scene<'_>, progress: &mut Progress) -> String {
        let mut tick = tokio::time::interval(INTERVAL);
        loop {
            tick.tick().await;
            if let Some(ended) = self.look(scene).await {
                return ended;
            }
            progress.show(&Standing::of(scene));
        }
    }

    /// Looks once. Returns how the program ended, if it has ended by itself.
    pub(crate) async fn look(&self, scene: &Scene<'_>) -> Option<String> {
        let mut controller = scene.controller().await;
        let product = controller.as_mut()?.product()?;
        if let Some(pid) = product.pid()
            && let Some(used) = usage::of(pid)
        {
            lock(&self.memory).push((Instant::now(), used.memory));
            lock(&self.processor).insert(pid, used.processor);
        }
        self.peak_memory.fetch_max(product.peak_memory().unwrap_or_default(), Ordering::Relaxed);
        product.ended().map(|status| status.to_string())
    }

    /// The memory that the program held, each time that it was looked at.
    pub(crate) fn memory(&self) -> Vec<(Instant, u64)> {
        lock(&self.memory).clone()
    }

    /// The most memory that it held, where the system tells.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        Some(self.peak_memory.load(Ordering::Relaxed)).filter(|peak| *peak > 0)
    }

    /// The processor time of all its processes; `None` where the system does not tell.
    pub(crate) fn processor(&self) -> Option<Duration> {
        let processes = lock(&self.processor);
        (!processes.is_empty()).then(|| processes.values().sum())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that runs under it can leave it half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
