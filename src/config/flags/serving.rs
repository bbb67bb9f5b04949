//! The flags of what is served over HTTPS.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

use super::{AuthenticationFlags, AuthorizationFlags, pflag, values};
use crate::config::{CertificateFiles, Problem, ServingSettings, TlsVersion};

/// Where and how is served.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Secure serving")]
pub struct ServingFlags {
    /// Address to listen at; 0.0.0.0 or :: for every one that there is
    #[arg(long, value_name = "IP", default_value = "0.0.0.0", value_parser = values::address)]
    pub(super) bind_address: IpAddr,

    /// Port for health, metrics and settings over HTTPS; 0 serves nothing
    #[arg(long, value_name = "PORT", default_value = "10258", value_parser = values::port)]
    pub(super) secure_port: u16,

    /// Certificate chain, PEM; without it, the program signs a certificate itself
    #[arg(long, value_name = "FILE", value_parser = values::path(), value_hint = ValueHint::FilePath)]
    pub(super) tls_cert_file: Option<PathBuf>,

    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", value_parser = values::path(), value_hint = ValueHint::FilePath)]
    pub(super) tls_private_key_file: Option<PathBuf>,

    /// Oldest TLS to speak: `VersionTLS12` or `VersionTLS13`; unless given, the former
    #[arg(long, value_name = "VERSION")]
    pub(super) tls_min_version: Option<String>,

    /// Whether /debug/ is served
    #[arg(long, value_name = pflag::BOOL, default_value = "true", action = ArgAction::Set, value_parser = values::boolean)]
    pub(super) profiling: bool,
}

impl ServingFlags {
    /// The settings of what is served; where nothing is, what is said of it is taken as it is.
    pub(in crate::config) fn settings(
        &self,
        authentication: &AuthenticationFlags,
        authorization: &AuthorizationFlags,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> ServingSettings {
        let port = NonZeroU16::new(self.secure_port);
        let (mut wrong, mut remarks) = (Vec::new(), Vec::new());
        let settings = ServingSettings {
            address: self.bind_address,
            port,
            certificate: self.certificate(&mut wrong),
            min_version: self.min_version(&mut wrong, &mut remarks),
            authentication: authentication.settings(),
            authorization: authorization.settings(&mut wrong),
            profiling: self.profiling,
        };
        if port.is_some() {
            problems.append(&mut wrong);
            warnings.append(&mut remarks);
        }
        settings
    }

    fn certificate(&self, problems: &mut Vec<Problem>) -> Option<CertificateFiles> {
        let chain = ("--tls-cert-file", values::given(self.tls_cert_file.as_ref()));
        let key = ("--tls-private-key-file", values::given(self.tls_private_key_file.as_ref()));
        match (chain, key) {
            ((_, None), (_, None)) => None,
            ((_, Some(chain)), (_, Some(key))) => Some(CertificateFiles { chain: chain.into(), key: key.into() }),
            ((given, Some(file)), (missing, None)) | ((missing, None), (given, Some(file))) => {
                problems.push(Problem::flag(given, &file.display(), &format!("{missing} beside it, or neither")));
                None
            }
        }
    }

    fn min_version(&self, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> TlsVersion {
        match self.tls_min_version.as_deref() {
            None | Some("" | "VersionTLS12") => TlsVersion::Tls12,
            Some("VersionTLS13") => TlsVersion::Tls13,
            Some(older @ ("VersionTLS10" | "VersionTLS11")) => {
                warnings
                    .push(format!("--tls-min-version is {older}; TLS before 1.2 is not spoken, so 1.2 is the oldest"));
                TlsVersion::Tls12
            }
            Some(unknown) => {
                problems.push(Problem::flag("--tls-min-version", &unknown, "VersionTLS12 or VersionTLS13"));
                TlsVersion::default()
            }
        }
    }
}
