//! The settings of what is served over HTTPS: where, with which certificate, and for whom.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

/// What is served, where, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServingSettings {
    /// `--bind-address`.
    pub address: IpAddr,
    /// `--secure-port`; `None` where it is 0, which serves nothing.
    pub port: Option<NonZeroU16>,
    /// `--tls-cert-file` and `--tls-private-key-file`; `None` for a certificate that the program makes and signs itself.
    pub certificate: Option<CertificateFiles>,
    /// `--tls-min-version`.
    pub min_version: TlsVersion,
    /// Who a client is.
    pub authentication: Authentication,
    /// What a client may do.
    pub authorization: Authorization,
    /// `--profiling`: whether `/debug/` is served.
    pub profiling: bool,
}

/// A certificate and its key, in PEM files that may be replaced while the program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The oldest version of TLS that is spoken. Nobody offers those before 1.2 any more (RFC 8996).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl TlsVersion {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "VersionTLS12",
            Self::Tls13 => "VersionTLS13",
        }
    }
}

/// How it is found out who a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// `--authentication-kubeconfig`: which cluster reviews tokens; `None` for the one that the program works for.
    pub kubeconfig: Option<PathBuf>,
    /// `--client-ca-file`: whose client certificates are taken.
    pub client_ca: Option<PathBuf>,
    /// `--authentication-skip-lookup`: whether the authority of client certificates is not looked up in the cluster
    /// (`ConfigMap` `kube-system/extension-apiserver-authentication`).
    pub skip_lookup: bool,
    /// `--authentication-token-webhook-cache-ttl`: for how long the review of a token is believed.
    pub token_ttl: Duration,
}

/// How it is found out what a client may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// `--authorization-kubeconfig`: which cluster reviews access; `None` for the one that the program works for.
    pub kubeconfig: Option<PathBuf>,
    /// `--authorization-always-allow-paths`: paths that everybody may read; a `*` at the end stands for whatever follows.
    pub always_allow: Vec<String>,
    /// `--authorization-webhook-cache-authorized-ttl`.
    pub authorized_ttl: Duration,
    /// `--authorization-webhook-cache-unauthorized-ttl`.
    pub unauthorized_ttl: Duration,
}

/// For how long reviews are believed where nothing is said (apiserver `DelegatingAuthenticationOptions`).
const DEFAULT_TTL: Duration = Duration::from_secs(10);
/// The cloud controller manager's port (cloud-provider `ports.go`).
const DEFAULT_PORT: NonZeroU16 = NonZeroU16::new(10258).expect("not zero");

impl Default for ServingSettings {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::UNSPECIFIED.into(),
            port: Some(DEFAULT_PORT),
            certificate: None,
            min_version: TlsVersion::default(),
            authentication: Authentication {
                kubeconfig: None,
                client_ca: None,
                skip_lookup: false,
                token_ttl: DEFAULT_TTL,
            },
            authorization: Authorization {
                kubeconfig: None,
                always_allow: ["/healthz", "/readyz", "/livez"].map(str::to_owned).to_vec(),
                authorized_ttl: DEFAULT_TTL,
                unauthorized_ttl: DEFAULT_TTL,
            },
            profiling: true,
        }
    }
}
