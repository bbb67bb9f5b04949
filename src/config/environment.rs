//! Environment variables.

/// The value of a variable of this process; one that is empty counts as not set, as manifests leave them.
pub(super) fn of_process(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}
