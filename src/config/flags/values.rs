//! What flags take for values, as Go writes them.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::config::duration;

/// The shortest period that leaves time for anything else.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);

/// What Go's `strconv.ParseBool` reads.
pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false"),
    }
}

/// A path; an empty one is as good as none.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(<PathBuf as From<OsString>>::from)
}

/// A path, unless it is empty.
pub(super) fn given(path: Option<&PathBuf>) -> Option<&Path> {
    path.map(PathBuf::as_path).filter(|path| !path.as_os_str().is_empty())
}

/// How often something is done.
pub(super) fn period(text: &str) -> Result<Duration, String> {
    let period = duration::parse(text).map_err(|expected| format!("expected {expected}"))?;
    if period < SHORTEST_PERIOD {
        return Err(format!("expected {} ms at least", SHORTEST_PERIOD.as_millis()));
    }
    Ok(period)
}

/// A duration that may be zero; one below zero counts as zero.
pub(super) fn duration_or_zero(text: &str) -> Result<Duration, String> {
    duration::parse_or_zero(text).map_err(|expected| format!("expected {expected}"))
}

/// Requests per second.
pub(super) fn rate(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|rate: &f64| rate.is_finite()).ok_or("expected a number, such as 20 or 0.5")
}

/// How many do something side by side; more than are counted here is as many as are.
pub(super) fn workers(text: &str) -> Result<NonZeroU16, &'static str> {
    let workers = text.parse::<u64>().ok().map(|workers| u16::try_from(workers).unwrap_or(u16::MAX));
    workers.and_then(NonZeroU16::new).ok_or("expected a whole number, 1 or more")
}

/// A port, 0 for none.
pub(super) fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "expected a port, 0 to 65535, where 0 serves nothing")
}

/// An address to listen at; empty for all that there are.
pub(super) fn address(text: &str) -> Result<IpAddr, &'static str> {
    match text.trim() {
        "" => Ok(Ipv4Addr::UNSPECIFIED.into()),
        text => text.parse().map_err(|_| "expected an IP address, such as 0.0.0.0 or ::"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn more_workers_than_can_be_are_as_many_as_can_be() {
        assert_eq!(workers("70000").unwrap(), NonZeroU16::MAX);
        assert_eq!(workers("7").unwrap().get(), 7);
    }

    #[test]
    fn no_address_is_every_address() {
        assert_eq!(address("").unwrap(), IpAddr::from(Ipv4Addr::UNSPECIFIED));
        assert_eq!(address(" ::1 ").unwrap().to_string(), "::1");
    }

    #[test]
    fn an_empty_path_is_none() {
        assert_eq!(given(Some(&PathBuf::new())), None);
        assert_eq!(given(Some(&PathBuf::from("/a"))), Some(Path::new("/a")));
    }
}
