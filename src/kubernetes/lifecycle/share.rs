//! A share of the cluster, in whole hundredths of a percent, so that it is reckoned with exactly.

use std::fmt;

/// All of it.
const WHOLE: u32 = 10_000;

/// A share of the cluster, from 0 % to 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

/// The text is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a percentage from 0% to 100%, such as `10%` or `12.5%`")]
pub struct InvalidShare;

impl Share {
    /// So many percent; more than 100 count as 100.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        if percent > 100 { Self(WHOLE) } else { Self(percent * 100) }
    }

    /// Reads a percentage with at most two decimals, and its sign.
    ///
    /// # Errors
    /// When the text has another form, or is more than 100 %.
    pub fn parse(text: &str) -> Result<Self, InvalidShare> {
        let number = text.strip_suffix('%').map(str::trim_end).ok_or(InvalidShare)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 2 {
            return Err(InvalidShare);
        }
        let hundredths = format!("{whole}{decimals:0<2}").parse().map_err(|_| InvalidShare)?;
        if hundredths <= WHOLE { Ok(Self(hundredths)) } else { Err(InvalidShare) }
    }

    /// The smallest whole percentage that so many of all do not exceed.
    #[must_use]
    pub fn at_least(part: usize, all: usize) -> Self {
        let percent = (part as u128 * 100).div_ceil((all as u128).max(1));
        Self::percent(u32::try_from(percent).unwrap_or(100))
    }

    /// How many of so many that is, rounded down.
    #[must_use]
    pub fn of(self, all: usize) -> usize {
        let part = all as u128 * u128::from(self.0) / u128::from(WHOLE);
        usize::try_from(part).unwrap_or(all)
    }

    /// Whether so many of all are more than that.
    #[must_use]
    pub fn is_exceeded_by(self, part: usize, all: usize) -> bool {
        part as u128 * u128::from(WHOLE) > all as u128 * u128::from(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, tenths) if tenths % 10 == 0 => write!(f, "{whole}.{}%", tenths / 10),
            (whole, hundredths) => write!(f, "{whole}.{hundredths:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_percentage_is_read_and_shown() {
        for text in ["0%", "10%", "12.5%", "0.05%", "100%"] {
            assert_eq!(Share::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Share::parse("55.00 %").unwrap(), Share::percent(55));
    }

    #[test]
    fn what_is_no_percentage_is_refused() {
        for text in
            ["", "%", "10", "0.1", "-1%", "+1%", "101%", "100.01%", "1.234%", "1.%", ".5%", "1e1%", "99999999999%"]
        {
            assert_eq!(Share::parse(text), Err(InvalidShare), "{text}");
        }
    }

    #[test]
    fn it_is_reckoned_with_exactly() {
        assert_eq!((Share::percent(10).of(30), Share::percent(29).of(100), Share::percent(10).of(9)), (3, 29, 0));
        assert!(!Share::percent(55).is_exceeded_by(11, 20) && Share::percent(55).is_exceeded_by(12, 20));
        assert_eq!((Share::at_least(56, 100), Share::at_least(2, 3)), (Share::percent(56), Share::percent(67)));
        assert!(!Share::at_least(2, 3).is_exceeded_by(2, 3));
        assert!(!Share::percent(100).is_exceeded_by(3, 3) && Share::percent(0).is_exceeded_by(1, 3));
    }
}
