//! Sending a request through the budget, and again where that may help.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::budget::Budget;
use super::error::Error;

/// How often a request is sent before its failure is handed on to whoever asked, who then waits longer.
const ATTEMPTS: usize = 4;
/// The wait after the first failure; it doubles from there, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait between two attempts, but for the API's own word.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The wait on a 429 that names none.
const UNNAMED_WAIT: Duration = Duration::from_secs(5);

/// Sends `request` through `budget` until it is answered, fails for good, or has failed four times.
///
/// Every attempt takes its own leave from the budget.
pub async fn through<T, F>(budget: &Budget, mut request: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut waits = ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_max_times(ATTEMPTS - 1)
        .with_jitter()
        .build();
    loop {
        let permit = budget.admit().await;
        let answer = request().await;
        match answer.as_ref().map_err(|error| (error, error.retry_after())) {
            Err((_, Some(wait))) => budget.close_for(wait),
            Err((Error::RateLimited { .. }, None)) => budget.close_for(UNNAMED_WAIT),
            _ => {}
        }
        // Its place in flight is free for others while this one waits.
        drop(permit);
        let error = match answer {
            Err(error) if error.is_passing() => error,
            done => return done,
        };
        let Some(wait) = waits.next() else { return Err(error) };
        tracing::debug!(%error, wait_ms = wait.as_millis(), "a request to the Packet API failed and is sent again");
        tokio::time::sleep(wait).await;
    }
}
