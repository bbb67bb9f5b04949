//! The server's certificate as it is at the moment: whose it is, until when it is valid, and who renews it.

mod pair;
mod self_signed;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::digest::{self, SHA256};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::sleep;

use self::pair::Pair;
pub use self::pair::PairError;
use super::bounds::LOOK;
use super::files;
use super::standing::Standing;
use crate::config::CertificateFiles;

/// How often it is looked at whether a certificate of our own is to be renewed. Not slept through until then: clocks are set.
const LOOK_AT_OWN: Duration = Duration::from_mins(1);

/// What is to be known of the certificate that is served with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    /// When it expires, in seconds since 1970.
    pub expires_at: i64,
    /// Why the files that are there now are not the ones served with; none where they are.
    pub reload_error: Option<String>,
}

/// The server's certificate. Whoever starts a handshake gets the one of that moment.
pub struct ServerCertificate {
    current: RwLock<Current>,
    source: Source,
}

/// What is served with.
struct Current {
    key: Arc<CertifiedKey>,
    expires_at: i64,
    /// Of the files it is from; whether they have changed is seen by it.
    digest: Vec<u8>,
}

enum Source {
    Files { files: CertificateFiles, standing: Standing },
    Own { names: Vec<String> },
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(formatter)
    }
}

impl ServerCertificate {
    /// The certificate of files that an operator keeps.
    ///
    /// # Errors
    /// See [`PairError`].
    pub(super) fn of_files(files: CertificateFiles) -> Result<Self, PairError> {
        let read = |path| files::read(path).map_err(|reason| PairError::unread(path, &reason));
        let (chain, key) = (read(&files.chain)?, read(&files.key)?);
        let current = current(&files, &chain, &key)?;
        let standing =
            Standing::new("the certificate for HTTPS", "the last one that did is served with until the files are well");
        Ok(Self { current: RwLock::new(current), source: Source::Files { files, standing } })
    }

    /// A certificate that the program makes and signs itself, for whoever needs encryption only.
    ///
    /// # Errors
    /// See [`PairError`].
    pub(super) fn of_our_own(names: Vec<String>) -> Result<Self, PairError> {
        let current = own(&names)?;
        Ok(Self { current: RwLock::new(current), source: Source::Own { names } })
    }

    /// What is to be known of it.
    #[must_use]
    pub fn state(&self) -> CertificateState {
        let expires_at = self.current.read().unwrap_or_else(PoisonError::into_inner).expires_at;
        let reload_error = match &self.source {
            Source::Files { standing, .. } => standing.trouble(),
            Source::Own { .. } => None,
        };
        CertificateState { expires_at, reload_error }
    }

    /// Keeps it up to date, for as long as it is polled.
    pub(super) async fn keep(&self) {
        loop {
            match &self.source {
                Source::Files { files, standing } => {
                    sleep(LOOK).await;
                    match self.reload(files).await {
                        Ok(()) => standing.works(),
                        Err(error) => standing.failed(&error.to_string()),
                    }
                }
                Source::Own { names } => {
                    sleep(LOOK_AT_OWN).await;
                    self.renew(names, SystemTime::now());
                }
            }
        }
    }

    /// Takes what is in the files now, if that is another certificate, and a whole one.
    async fn reload(&self, files: &CertificateFiles) -> Result<(), PairError> {
        let read = |path: &std::path::PathBuf| {
            let path = path.clone();
            async move { files::read_aside(path.clone()).await.map_err(|reason| PairError::unread(&path, &reason)) }
        };
        let (chain, key) = (read(&files.chain).await?, read(&files.key).await?);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).digest == digest_of(&chain, &key) {
            return Ok(());
        }
        let current = current(files, &chain, &key)?;
        tracing::info!(expires_at = current.expires_at, "the certificate for HTTPS is another one now");
        self.replace(current);
        Ok(())
    }

    /// Makes another one once it is time.
    fn renew(&self, names: &[String], now: SystemTime) {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = self.state().expires_at.saturating_sub_unsigned(now.as_secs());
        if Duration::from_secs(u64::try_from(left).unwrap_or_default()) > self_signed::RENEWED_BEFORE {
            return;
        }
        match own(names) {
            Ok(current) => self.replace(current),
            Err(error) => tracing::warn!(%error, "no other certificate for HTTPS can be made"),
        }
    }

    fn replace(&self, current: Current) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

fn digest_of(chain: &[u8], key: &[u8]) -> Vec<u8> {
    [digest::digest(&SHA256, chain).as_ref(), digest::digest(&SHA256, key).as_ref()].concat()
}

fn current(files: &CertificateFiles, chain: &[u8], key: &[u8]) -> Result<Current, PairError> {
    let Pair { key: certified, expires_at } = Pair::read(files, chain, key)?;
    Ok(Current { key: Arc::new(certified), expires_at, digest: digest_of(chain, key) })
}

fn own(names: &[String]) -> Result<Current, PairError> {
    let Pair { key, expires_at } = self_signed::make(names, SystemTime::now())?;
    Ok(Current { key: Arc::new(key), expires_at, digest: Vec::new() })
}

/// The names that a certificate of our own is for: this machine as it calls itself, loopback, and the address that is listened on.
pub(super) fn own_names(address: std::net::IpAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !address.is_unspecified() && !address.is_loopback() {
        names.push(address.to_string());
    }
    // Linux says it there; elsewhere a shell may have it.
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let hostname = hostname.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty() && name.is_ascii());
    names.splice(..0, hostname.filter(|name| !names.contains(name)));
    names
}

#[cfg(test)]
mod tests;
