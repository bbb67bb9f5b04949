//! Who may read what: who a client is, and whether the API server lets it.
//!
//! The rules are those of every Kubernetes component that delegates both (apiserver `DelegatingAuthenticationOptions` and
//! `DelegatingAuthorizationOptions`), but for proxies that vouch for users in headers (`--requestheader-…`): those stand before API
//! servers, and nobody puts one before a controller manager. Such headers are never looked at.

mod authority;
mod client_certificate;
mod cluster;
mod counts;
mod decision;
mod digest;
mod path;
mod refusal;
mod reviews;
mod token;
mod user;

use std::sync::Arc;

use http::{HeaderMap, Method};
use kube::Client;
use rustls::pki_types::CertificateDer;

use self::authority::{Authority, Source};
use self::decision::{Decision, Decisions, Ttls};
use self::digest::Digester;
use self::path::OpenPaths;
use self::reviews::Reviews;
use self::token::{Presented, Tokens};

pub use self::counts::{AuthenticationCounts, AuthorizationCounts, Count, Counts, ReviewCounts};
pub(super) use self::path::path_of;
pub use self::path::{OpenPathError, PathError};
pub use self::refusal::Refusal;
pub(super) use self::refusal::is_known;
pub use self::user::{ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User};
use super::standing::Standing;
use crate::config::ServingSettings;

/// Why it cannot be found out who may read what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// A kubeconfig cannot be used.
    #[error("cannot use {file}, named by {flag}: {reason}; check that `kubectl --kubeconfig {file} version` works")]
    Kubeconfig {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The authority of client certificates cannot be used.
    #[error(
        "cannot use {file}, named by --client-ca-file: {reason}; it has to hold the authority's certificates in PEM"
    )]
    ClientCa {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The paths that everybody may read.
    #[error(transparent)]
    OpenPath(#[from] OpenPathError),
    /// The operating system has no randomness.
    #[error("the operating system refuses to give random bytes")]
    Randomness,
}

/// Who may read what.
pub struct Access {
    open: OpenPaths,
    authority: Option<Authority>,
    tokens: Tokens,
    decisions: Decisions,
    counts: Arc<Counts>,
}

impl Access {
    /// Reads the files that the settings name; asks no cluster yet. `own` is the cluster that the program works for.
    ///
    /// # Errors
    /// See [`AccessError`]. A cluster that is away is none: what needs it is refused until it is back.
    pub async fn new(settings: &ServingSettings, own: &Client) -> Result<Self, AccessError> {
        let (authentication, authorization) = (&settings.authentication, &settings.authorization);
        let for_tokens =
            cluster::client("--authentication-kubeconfig", authentication.kubeconfig.as_deref(), own).await?;
        let for_access =
            cluster::client("--authorization-kubeconfig", authorization.kubeconfig.as_deref(), own).await?;
        let source = match &authentication.client_ca {
            Some(file) => Some(Source::File(file.clone())),
            None if authentication.skip_lookup => None,
            None => Some(Source::Cluster(for_tokens.clone())),
        };
        let file = || authentication.client_ca.as_deref().map(|file| file.display().to_string()).unwrap_or_default();
        let authority = source.map(Authority::new).transpose();
        let authority = authority.map_err(|reason| AccessError::ClientCa { file: file(), reason })?;

        let counts = Arc::new(Counts::default());
        let digester = || Digester::new().map_err(|_| AccessError::Randomness);
        let standing = Standing::new("TokenReview, by which bearer tokens are recognised,", "they are refused");
        let tokens =
            Tokens::new(Reviews::new(for_tokens, standing), digester()?, authentication.token_ttl, counts.clone());
        let standing = Standing::new("SubjectAccessReview, by which access is decided,", "it is refused");
        let ttls = Ttls { allowed: authorization.authorized_ttl, denied: authorization.unauthorized_ttl };
        let decisions = Decisions::new(Reviews::new(for_access, standing), digester()?, ttls, counts.clone());
        Ok(Self { open: OpenPaths::parse(&authorization.always_allow)?, authority, tokens, decisions, counts })
    }

    /// How often clients were recognised, admitted and refused.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    /// Whether client certificates are of use, so that clients are to be asked for one.
    pub(super) fn wants_certificates(&self) -> bool {
        self.authority.is_some()
    }

    /// Keeps the authority of client certificates up to date, for as long as it is polled.
    pub(super) async fn keep(&self) {
        match &self.authority {
            Some(authority) => authority.keep().await,
            None => std::future::pending().await,
        }
    }

    /// Whether everybody may read a path, whoever they are.
    #[must_use]
    pub fn is_open(&self, path: &str) -> bool {
        self.open.contain(path)
    }

    /// Who asks, if that is somebody who may. `path` is the one that is routed; `chain` is what the client presented in the TLS
    /// handshake, whose key it was seen to have.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn admit(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        chain: &[CertificateDer<'_>],
    ) -> Result<Arc<User>, Refusal> {
        if self.is_open(path) {
            // Not even who asks is looked at, for which the API server might be needed: a probe asks after this program alone.
            self.counts.authorization.open.add();
            return Ok(Arc::new(User::anonymous()));
        }
        let user = self.authenticate(headers, chain).await?;
        self.authorize(&user, method, path).await?;
        Ok(user)
    }

    /// Who asks: by certificate, else by token, else nobody; where one of them is no good and the other does not help, it is
    /// refused (apiserver `authenticatorfactory`).
    async fn authenticate(&self, headers: &HeaderMap, chain: &[CertificateDer<'_>]) -> Result<Arc<User>, Refusal> {
        let counts = &self.counts.authentication;
        let certified = self.certified(chain);
        if let Ok(Some(user)) = certified {
            counts.certificate.add();
            return Ok(user);
        }
        match token::presented(headers) {
            Presented::Token(token) => match self.tokens.owner(token).await {
                Ok(Some(user)) => {
                    counts.token.add();
                    return Ok(user);
                }
                Ok(None) => {}
                Err(reason) => {
                    counts.failed.add();
                    return Err(Refusal::Unauthorized {
                        reason: Some(format!("the token cannot be reviewed: {reason}")),
                    });
                }
            },
            Presented::Nothing if certified.is_ok() => {
                counts.anonymous.add();
                return Ok(Arc::new(User::anonymous()));
            }
            Presented::Nothing | Presented::Garbage => {}
        }
        counts.refused.add();
        Err(Refusal::Unauthorized { reason: None })
    }

    /// Whom a client certificate names; nobody where there is none, or no authority for it.
    fn certified(&self, chain: &[CertificateDer<'_>]) -> Result<Option<Arc<User>>, ()> {
        let (Some(authority), Some(own)) = (&self.authority, chain.first()) else { return Ok(None) };
        let verified = match authority.verify(chain) {
            None => return Ok(None),
            Some(Ok(())) => client_certificate::user_of(own).map_err(str::to_owned),
            Some(Err(error)) => Err(error.to_string()),
        };
        verified.map(|user| user.map(Arc::new)).map_err(|reason| {
            tracing::debug!(reason, "a client certificate is refused");
        })
    }

    async fn authorize(&self, user: &User, method: &Method, path: &str) -> Result<(), Refusal> {
        let counts = &self.counts.authorization;
        // Those may do anything in the cluster; the API server would say so without looking, and they can ask while it is away.
        if user.is_in(MASTERS) {
            counts.masters.add();
            return Ok(());
        }
        let verb = method.as_str().to_ascii_lowercase();
        match self.decisions.decide(user, &verb, path).await {
            Ok(Decision::Allowed) => {
                counts.allowed.add();
                Ok(())
            }
            Ok(Decision::Denied(reason)) => {
                counts.denied.add();
                Err(Refusal::Forbidden { user: user.name.clone(), verb, path: path.to_owned(), reason })
            }
            Err(reason) => {
                counts.failed.add();
                Err(Refusal::Undecided { path: path.to_owned(), reason })
            }
        }
    }
}
