//! Chance that comes out the same in every run with the same seed.

use crate::ids::mix;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a sequence of rolls is for. Each has its own, so that drawing one thing more often does not change another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Faults = 1,
    Latency,
}

/// A sequence of numbers that look random. Whoever asks gets the next one: with one client at a time, the same requests get
/// the same numbers.
#[derive(Debug)]
pub(crate) struct Dice {
    stream: u64,
    rolled: AtomicU64,
}

impl Dice {
    pub(crate) const fn new(seed: u64, purpose: Purpose) -> Self {
        Self { stream: mix(seed ^ ((purpose as u64) << 48)), rolled: AtomicU64::new(0) }
    }

    /// The next number from 0 up to, but without, 1.
    pub(crate) fn roll(&self) -> f64 {
        let n = self.rolled.fetch_add(1, Ordering::Relaxed);
        // A double holds 53 bits exactly; more would round up to 1.
        #[expect(clippy::cast_precision_loss, reason = "it has 53 bits")]
        let bits = (mix(self.stream.wrapping_add(n)) >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Purpose};

    #[test]
    fn the_same_seed_rolls_the_same() {
        let rolls = |seed, purpose| {
            let dice = Dice::new(seed, purpose);
            (0..5).map(|_| dice.roll().to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(rolls(1, Purpose::Faults), rolls(1, Purpose::Faults));
        assert_ne!(rolls(1, Purpose::Faults), rolls(2, Purpose::Faults));
        assert_ne!(rolls(1, Purpose::Faults), rolls(1, Purpose::Latency));
    }

    #[test]
    fn every_tenth_of_the_range_comes_up_as_often() {
        let dice = Dice::new(7, Purpose::Latency);
        let mut tenths = [0_u32; 10];
        for _ in 0..100_000 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
            let tenth = (dice.roll() * 10.0) as usize;
            tenths[tenth] += 1;
        }
        // Five standard deviations of a fair count of 10,000.
        assert!(tenths.iter().all(|count| count.abs_diff(10_000) < 475), "{tenths:?}");
    }
}
