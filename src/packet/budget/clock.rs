//! tokio's clock for governor, so that a test that pauses the one pauses the other.

use std::ops::Add;

use governor::clock::{Clock, Reference};
use governor::nanos::Nanos;
use tokio::time::Instant;

/// tokio's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioClock;

/// A moment of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub(super) Instant);

impl Clock for TokioClock {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(Instant::now())
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        self.0.checked_sub(duration.into()).map_or(*self, Self)
    }
}

impl Add<Nanos> for Moment {
    type Output = Self;

    /// A moment past all that the clock can hold is one that far off that nobody sees it.
    fn add(self, duration: Nanos) -> Self {
        const FAR_OFF: std::time::Duration = std::time::Duration::from_hours(24 * 365);
        Self(self.0.checked_add(duration.into()).unwrap_or(self.0 + FAR_OFF))
    }
}
