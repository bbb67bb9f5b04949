//! Numbers drawn by lot, the same in every run: `SplitMix64` (Steele, Lea and Flood, 2014). What it draws is part of what a
//! test relies on, and so must not change with a library's version.

use std::time::Duration;

use uuid::Uuid;

/// A source of numbers that follow from what it was made of.
#[derive(Debug, Clone)]
pub(crate) struct Drawn(u64);

impl Drawn {
    pub(crate) fn from_seed(seed: u64) -> Drawn {
        Drawn(seed)
    }

    /// From a text, by its FNV-1a hash.
    pub(crate) fn from_text(text: &str) -> Drawn {
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Drawn(hash)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number, the two given included.
    pub(crate) fn between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(crate) fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.next()).unwrap_or_default() % choices.len().max(1);
        choices.get(at).copied().unwrap_or_default()
    }

    /// From 0 up to, but not, 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds exactly")]
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From the normal distribution around 0 with deviation 1 (Box and Muller, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        // The logarithm of 0 has no value.
        let (first, second) = (1.0 - self.fraction(), self.fraction());
        (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos()
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// A time from the first to the second.
    pub(crate) fn time_between(&mut self, least: Duration, most: Duration) -> Duration {
        least + most.saturating_sub(least).mul_f64(self.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_spread_evenly_and_normals_around_nothing() {
        const DRAWS: u32 = 10_000;
        let mut drawn = Drawn::from_seed(1);
        let mean = (0..DRAWS).map(|_| drawn.fraction()).sum::<f64>() / f64::from(DRAWS);
        assert!((0.48..0.52).contains(&mean), "{mean}");
        let normals: Vec<f64> = (0..DRAWS).map(|_| drawn.normal()).collect();
        let within = normals.iter().filter(|normal| normal.abs() < 1.0).count();
        assert!((6_600..7_050).contains(&within), "{within}");
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let draws = |seed| -> Vec<u64> {
            let mut drawn = Drawn::from_seed(seed);
            (0..4).map(|_| drawn.next()).collect()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }
}
