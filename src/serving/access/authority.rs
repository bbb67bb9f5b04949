//! Whose client certificates are believed: the authority of a file, or that of the cluster.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use ring::digest::{self, SHA256};
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio::time::{sleep, timeout};

use super::reviews::{late, reason};
use crate::serving::bounds::{LOOK, LOOK_UP, LOOK_UP_AGAIN, REVIEW_TIME};
use crate::serving::files;
use crate::serving::standing::Standing;

/// Where every cluster publishes whose client certificates its API server believes, for servers like this one.
const NAMESPACE: &str = "kube-system";
const CONFIG_MAP: &str = "extension-apiserver-authentication";
const KEY: &str = "client-ca-file";

/// Where the authority is from.
pub(super) enum Source {
    /// `--client-ca-file`. Where it is given, the cluster's is not believed (apiserver `DelegatingAuthenticationOptions`).
    File(PathBuf),
    /// The cluster's `ConfigMap`.
    Cluster(Client),
}

/// The authority of client certificates, as it is at the moment.
pub(super) struct Authority {
    source: Source,
    known: RwLock<Option<Known>>,
    standing: Standing,
}

struct Known {
    verifier: Arc<dyn ClientCertVerifier>,
    /// Of the texts it is from.
    digest: Vec<u8>,
}

impl Authority {
    /// The authority of a file, which has to be there, or that of the cluster, which is yet to be looked up.
    ///
    /// # Errors
    /// Says why the file cannot be used.
    pub(super) fn new(source: Source) -> Result<Self, String> {
        let what = match source {
            Source::File(_) => "reading --client-ca-file again",
            Source::Cluster(_) => "looking up the authority of client certificates in the cluster",
        };
        let standing =
            Standing::new(what, "client certificates are believed as before, and not at all where they were not yet");
        let authority = Self { source, known: RwLock::default(), standing };
        if let Source::File(path) = &authority.source {
            authority.learn(&files::read(path)?)?;
        }
        Ok(authority)
    }

    /// Keeps it up to date, for as long as it is polled.
    pub(super) async fn keep(&self) {
        loop {
            let looked = match &self.source {
                Source::File(path) => files::read_aside(path.clone()).await,
                Source::Cluster(client) => look_up(client.clone()).await,
            };
            match looked.and_then(|text| self.learn(&text)) {
                Ok(()) => self.standing.works(),
                Err(reason) => self.standing.failed(&reason),
            }
            let pause = match &self.source {
                Source::File(_) => LOOK,
                Source::Cluster(_) if self.verifier().is_none() => LOOK_UP_AGAIN,
                Source::Cluster(_) => LOOK_UP,
            };
            sleep(pause).await;
        }
    }

    /// Whether a chain, the client's own certificate first, is of this authority and valid now; nothing where there is none yet.
    pub(super) fn verify(&self, chain: &[CertificateDer<'_>]) -> Option<Result<(), rustls::Error>> {
        let verifier = self.verifier()?;
        let (own, others) = chain.split_first()?;
        Some(verifier.verify_client_cert(own, others, UnixTime::now()).map(drop))
    }

    fn verifier(&self) -> Option<Arc<dyn ClientCertVerifier>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|known| known.verifier.clone())
    }

    fn learn(&self, pem: &[u8]) -> Result<(), String> {
        let digest = digest::digest(&SHA256, pem).as_ref().to_vec();
        if self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_some_and(|known| known.digest == digest)
        {
            return Ok(());
        }
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| "it is not in PEM".to_owned())?;
            roots.add(certificate).map_err(|error| format!("one of its certificates cannot be used: {error}"))?;
        }
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let verifier = verifier.map_err(|_| "it has no certificate".to_owned())?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Known { verifier, digest });
        Ok(())
    }
}

async fn look_up(client: Client) -> Result<Vec<u8>, String> {
    let maps = Api::<ConfigMap>::namespaced(client, NAMESPACE);
    let got = timeout(REVIEW_TIME, maps.get(CONFIG_MAP)).await.map_err(|_| late())?;
    let map = got.map_err(|error| reason(&error))?;
    let text = map.data.and_then(|mut data| data.remove(KEY));
    text.map(String::into_bytes).ok_or_else(|| format!("ConfigMap {NAMESPACE}/{CONFIG_MAP} has no {KEY}"))
}
