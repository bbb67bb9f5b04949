//! The flags that say how it is found out who a client is.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueHint};

use super::{pflag, values};
use crate::config::Authentication;

/// Who a client is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Authentication")]
pub struct AuthenticationFlags {
    /// Cluster that reviews tokens, where it is not the one that --kubeconfig names
    #[arg(long, value_name = "FILE", value_parser = values::path(), value_hint = ValueHint::FilePath)]
    authentication_kubeconfig: Option<PathBuf>,

    /// Whether not to read from the cluster which client certificates are taken
    #[arg(long, value_name = pflag::BOOL, default_value = "false", action = ArgAction::Set, value_parser = values::boolean)]
    authentication_skip_lookup: bool,

    /// How long the review of a token is believed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration_or_zero)]
    authentication_token_webhook_cache_ttl: Duration,

    /// Authority whose client certificates are taken, PEM
    #[arg(long, value_name = "FILE", value_parser = values::path(), value_hint = ValueHint::FilePath)]
    client_ca_file: Option<PathBuf>,
}

impl AuthenticationFlags {
    pub(super) fn settings(&self) -> Authentication {
        Authentication {
            kubeconfig: values::given(self.authentication_kubeconfig.as_ref()).map(Into::into),
            client_ca: values::given(self.client_ca_file.as_ref()).map(Into::into),
            skip_lookup: self.authentication_skip_lookup,
            token_ttl: self.authentication_token_webhook_cache_ttl,
        }
    }
}
