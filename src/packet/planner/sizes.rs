//! How many devices to ask for on one page: few enough to come in good time, and so many that a sweep does not eat the budget.

use std::time::Duration;

/// The sizes of pages. Each is a multiple of the next, so that a page can be asked for in whole parts.
const SIZES: [u32; 7] = [LARGEST, 500, 250, 125, 25, 5, 1];
/// The most that the API puts on a page (OpenAPI: `per_page` is 1,000 at most).
pub(super) const LARGEST: u32 = 1000;
/// The size to begin with: at 20 KB a device, the most that is seen, such a page is 5 MB.
pub(super) const USUAL: u32 = 250;
/// The most that one sweep should cost of the budget. Where it would be more, pages get larger.
const SWEEP_TIME: Duration = Duration::from_secs(3);
/// How long a page should take at most, reckoned in proportion from one that came.
const PAGE_TIME: Duration = Duration::from_secs(5);

/// The next smaller size.
pub(super) fn smaller(size: u32) -> u32 {
    SIZES.into_iter().find(|smaller| *smaller < size).unwrap_or(1)
}

/// The largest size of which several make up a page of so many entries.
pub(super) fn part_of(entries: u32) -> u32 {
    SIZES.into_iter().find(|size| *size < entries && entries.is_multiple_of(*size)).unwrap_or(1)
}

/// The size with which a list of `total` devices is better read than with `size`, where that is worth beginning anew: larger
/// where so many pages of this size would take too much of the budget, but no larger than comes in good time, the first page
/// having taken `took`, and smaller than what is known to be `too_large`.
pub(super) fn better(
    size: u32,
    too_large: Option<u32>,
    total: u64,
    took: Duration,
    requests_per_second: f64,
) -> Option<u32> {
    let pages = |size: u32| total.div_ceil(u64::from(size));
    #[expect(clippy::cast_precision_loss, reason = "pages are counted, and never by the quadrillion")]
    let affordable =
        |size: &u32| pages(*size) as f64 / requests_per_second <= SWEEP_TIME.as_secs_f64() || *size == LARGEST;
    let wanted = SIZES.iter().rev().filter(|size| **size >= USUAL).find(|size| affordable(size))?;
    let in_time = |other: &&u32| took.mul_f64(f64::from(**other) / f64::from(size)) <= PAGE_TIME;
    let allowed = |size: &&u32| *size <= wanted && too_large.is_none_or(|too_large| **size < too_large);
    let better = *SIZES.iter().filter(allowed).find(in_time)?;
    (better > size && pages(better) + 1 < pages(size)).then_some(better)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_grow_where_a_sweep_would_eat_the_budget_and_not_past_what_comes_in_time() {
        let better = |total, took_ms, rate, size| better(size, None, total, Duration::from_millis(took_ms), rate);
        assert_eq!(better(5_000, 100, 10.0, 250), None, "20 pages at 10 a second take 2 s");
        assert_eq!(better(12_000, 100, 10.0, 250), Some(500));
        assert_eq!(better(100_000, 100, 10.0, 250), Some(1000));
        assert_eq!(better(1_000, 100, 0.1, 250), Some(1000), "1 and 1 instead of 4");
        assert_eq!(better(500, 100, 0.1, 250), None, "1 and 1 is no less than 2");
        assert_eq!(better(100_000, 2_000, 10.0, 250), Some(500), "1,000 would take 8 s");
        assert_eq!(better(100_000, 4_000, 10.0, 250), None);
        assert_eq!(better(5_000, 50, 10.0, 5), Some(250), "after an outage that made pages small");
        assert_eq!(better(5_000, 4_000, 10.0, 25), None);
    }

    #[test]
    fn a_page_is_cut_into_whole_parts() {
        assert_eq!([1000, 250, 100, 60, 7, 1].map(part_of), [500, 125, 25, 5, 1, 1]);
    }
}
