//! What a process uses of the machine, as Linux tells in `/proc`; elsewhere nobody tells.

use std::fs;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

/// What a process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The memory that it holds now (resident set size), in bytes.
    pub(crate) memory: u64,
    /// The time that it has had of all processors together, in user and kernel mode, since its start.
    pub(crate) processor: Duration,
}

/// What the process of that id uses; `None` once it is gone, or where the system does not tell.
pub(crate) fn of(pid: u32) -> Option<Usage> {
    let memory = resident(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)?;
    let ticks = ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    // Ticks are hundredths of a second on every Linux that this runs on; the rate comes from the kernel all the same.
    let processor = Duration::from_nanos(ticks * (1_000_000_000 / clock_ticks_per_second().max(1)));
    Some(Usage { memory, processor })
}

/// `VmRSS` out of `/proc/PID/status`, in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// `utime` and `stime` out of `/proc/PID/stat`: the 14th and 15th field (proc(5)).
fn ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name in parentheses, which may have spaces and parentheses in it.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident("VmHWM:\t 99 kB\nVmRSS:\t   12345 kB\n"), Some(12_345 * 1024));
        assert_eq!(resident("Name:\tx\n"), None);
    }

    #[test]
    fn the_time_is_that_of_user_and_kernel_whatever_the_program_is_called() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 1 0 0 0 250 17 0 0 20 0 4 0 1 1 1";
        assert_eq!(ticks(stat), Some(267));
        assert_eq!(ticks("42 (a"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_is_there_uses_memory_and_one_that_is_not_is_not_told_of() {
        assert!(of(std::process::id()).unwrap().memory > 0);
        assert_eq!(of(u32::MAX), None);
    }
}
