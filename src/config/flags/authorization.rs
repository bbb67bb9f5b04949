//! The flags that say how it is found out what a client may do.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::values;
use crate::config::{Authorization, Problem};

/// What a client may do.
#[expect(clippy::struct_field_names, reason = "they are named as the flags are")]
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Authorization")]
pub struct AuthorizationFlags {
    /// Cluster that reviews access, where it is not the one that --kubeconfig names
    #[arg(long, value_name = "FILE", value_parser = values::path(), value_hint = ValueHint::FilePath)]
    authorization_kubeconfig: Option<PathBuf>,

    /// Paths that anyone may read; `*` at the end is for all that follows
    #[arg(long, value_name = "PATHS", value_delimiter = ',', default_value = "/healthz,/readyz,/livez")]
    authorization_always_allow_paths: Vec<String>,

    /// How long a yes is believed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration_or_zero)]
    authorization_webhook_cache_authorized_ttl: Duration,

    /// How long a no is believed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration_or_zero)]
    authorization_webhook_cache_unauthorized_ttl: Duration,
}

impl AuthorizationFlags {
    pub(super) fn settings(&self, problems: &mut Vec<Problem>) -> Authorization {
        let paths = self.authorization_always_allow_paths.iter().filter(|path| !path.is_empty());
        let always_allow = paths.filter_map(|path| pattern(path).map_err(|problem| problems.push(problem)).ok());
        Authorization {
            kubeconfig: values::given(self.authorization_kubeconfig.as_ref()).map(Into::into),
            always_allow: always_allow.collect(),
            authorized_ttl: self.authorization_webhook_cache_authorized_ttl,
            unauthorized_ttl: self.authorization_webhook_cache_unauthorized_ttl,
        }
    }
}

/// A path with its slash before it, which may be left out (apiserver `path.NewAuthorizer`).
fn pattern(path: &str) -> Result<String, Problem> {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.find('*') {
        Some(star) if star + 1 < path.len() => {
            let expected = "paths with `*` nowhere but at the end";
            Err(Problem::flag("--authorization-always-allow-paths", &format_args!("/{path}"), expected))
        }
        _ => Ok(format!("/{path}")),
    }
}
