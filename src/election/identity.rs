//! Who a candidate is.

use std::fmt;
use std::fs;

use uuid::Uuid;

/// Where Linux tells the name of the machine, or of the Pod.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// The name of a process in the election. No two processes may ever have the same one: each would take the other's Lease for
/// its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(String);

impl Identity {
    /// A new one: the hostname for people, and a random part from the operating system that no other process has, as
    /// Kubernetes' controllers name themselves.
    #[must_use]
    pub fn of_this_process() -> Self {
        let name = fs::read_to_string(HOSTNAME).ok().or_else(|| std::env::var("HOSTNAME").ok());
        let name = name.as_deref().map_or("", str::trim);
        Self(format!("{}_{}", if name.is_empty() { "unknown" } else { name }, Uuid::new_v4()))
    }

    /// The identity of that name. It has to be unique.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// As the Lease has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_of_one_machine_are_two() {
        let (one, other) = (Identity::of_this_process(), Identity::of_this_process());
        assert_ne!(one, other);
        assert!(one.as_str().split_once('_').is_some_and(|(host, uuid)| !host.is_empty() && uuid.len() == 36), "{one}");
    }
}
