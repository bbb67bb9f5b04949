//! A certificate and its key, from the text of two files: what they have to be, and what is said where they are not.
//!
//! Keys are those that ring signs with: RSA of 2048 bits and more, ECDSA on P-256 and P-384, Ed25519; as PKCS #8, PKCS #1 or SEC 1.

use std::path::Path;

use rustls::InconsistentKeys;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::CertificateFiles;

/// Why there is no certificate to serve with. Nothing of a file's content is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// A file cannot be read.
    #[error("cannot read {file}: {reason}; check --tls-cert-file and --tls-private-key-file")]
    Unread {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// There is no certificate.
    #[error("{0}, named by --tls-cert-file, has no certificate in PEM, or a broken one")]
    Chain(String),
    /// There is no key.
    #[error("{0}, named by --tls-private-key-file, has no private key in PEM, or a broken or encrypted one")]
    Key(String),
    /// There is a key that nothing here can sign with.
    #[error(
        "the key of {0}, named by --tls-private-key-file, cannot be used: it has to be RSA of at least 2048 bits, ECDSA on P-256 or P-384, or Ed25519"
    )]
    KeyKind(String),
    /// The key is another certificate's.
    #[error(
        "the key in {key} is not that of the first certificate in {chain}; the server's own certificate comes first"
    )]
    Mismatch {
        /// The file of the certificate.
        chain: String,
        /// The file of the key.
        key: String,
    },
    /// No certificate can be made.
    #[error("cannot make a certificate for HTTPS: {0}; give one by --tls-cert-file and --tls-private-key-file")]
    Own(String),
}

impl PairError {
    pub(super) fn unread(path: &Path, reason: &str) -> Self {
        Self::Unread { file: path.display().to_string(), reason: reason.to_owned() }
    }
}

/// A certificate with its key and chain, and when it expires in seconds since 1970.
pub(super) struct Pair {
    pub(super) key: CertifiedKey,
    pub(super) expires_at: i64,
}

impl Pair {
    /// Reads both from what is in the files.
    pub(super) fn read(files: &CertificateFiles, chain: &[u8], key: &[u8]) -> Result<Self, PairError> {
        let (chain_file, key_file) = (|| files.chain.display().to_string(), || files.key.display().to_string());
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_| PairError::Chain(chain_file()))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PairError::Key(key_file()))?;
        let expires_at = expiry(&chain).ok_or_else(|| PairError::Chain(chain_file()))?;
        let certified = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                PairError::Mismatch { chain: chain_file(), key: key_file() }
            }
            rustls::Error::InvalidCertificate(_) => PairError::Chain(chain_file()),
            _ => PairError::KeyKind(key_file()),
        })?;
        Ok(Self { key: certified, expires_at })
    }
}

fn expiry(chain: &[CertificateDer<'_>]) -> Option<i64> {
    let (_, own) = X509Certificate::from_der(chain.first()?).ok()?;
    Some(own.validity().not_after.timestamp())
}
