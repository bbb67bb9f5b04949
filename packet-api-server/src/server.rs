//! A running server: how it is set up, started and stopped.

use crate::auth::Secret;
use crate::faults::Faults;
use crate::fixtures::{Fixtures, FixturesError};
use crate::log::RequestLog;
use crate::routes::{Api, Door, router};
use crate::store::Store;
use axum::serve::ListenerExt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Where the API lives on its server, as the real one's does.
pub const BASE_PATH: &str = "/metal/v1";
/// The token that works where no other is set. It opens nothing but simulated APIs.
pub const DEFAULT_TOKEN: &str = "packet-api-server-test-token";
/// The project that there is where no other is set.
pub const DEFAULT_PROJECT: Uuid = Uuid::from_u128(0x93ec_c1d0_4a5b_4c7e_9d3a_1f6b_7c8e_5a20);
/// The most that a page holds where nothing else is set, as the API's description has it.
const DEFAULT_MAX_PER_PAGE: u32 = 1_000;
/// How long a server that stops waits for answers that are being sent.
const LAST_CALL: Duration = Duration::from_secs(5);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, not this machine's, or not for us.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for any free one")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// What it was to be seeded with does not do.
    #[error(transparent)]
    Fixtures(#[from] FixturesError),
}

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    token: Secret,
    project: Uuid,
    store: Store,
    requests: RequestLog,
    faults: Faults,
    /// Dropping it stops the server as well as sending `true` does.
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server on a free port of 127.0.0.1 with the default token and project, the stock catalogue and no devices.
    pub async fn start() -> Result<Self, ServeError> {
        Self::builder().start().await
    }

    /// A server to be set up first.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// The API's base URL with a slash at its end: `http://127.0.0.1:PORT/metal/v1/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{BASE_PATH}/", self.address)
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token that it started with; [`Store::set_token`] may have put another in its place.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token.0
    }

    /// The project that its own devices belong to.
    #[must_use]
    pub const fn project_id(&self) -> Uuid {
        self.project
    }

    /// What it knows.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What it was asked.
    #[must_use]
    pub const fn requests(&self) -> &RequestLog {
        &self.requests
    }

    /// What goes wrong next.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops listening, cuts what hangs or is being delayed, lets the answers that are being sent finish for up to five
    /// seconds, and returns when the port is free.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let mut task = self.task;
        if tokio::time::timeout(LAST_CALL, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// A server's settings.
#[derive(Debug, Clone)]
pub struct ServerBuilder {
    address: SocketAddr,
    token: Secret,
    project: Uuid,
    max_per_page: u32,
    legacy_meta: bool,
    latency: Duration,
    seed: u64,
    fixtures: Option<Fixtures>,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            token: Secret(DEFAULT_TOKEN.into()),
            project: DEFAULT_PROJECT,
            max_per_page: DEFAULT_MAX_PER_PAGE,
            legacy_meta: false,
            latency: Duration::ZERO,
            seed: 0,
            fixtures: None,
        }
    }
}

impl ServerBuilder {
    /// Where to listen; port 0 is any free one.
    #[must_use]
    pub const fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The token that works.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Secret(token.into());
        self
    }

    /// The id of the project that there is.
    #[must_use]
    pub const fn project(mut self, project: Uuid) -> Self {
        self.project = project;
        self
    }

    /// The most that a page holds, whatever `per_page` asks for; at least 1.
    #[must_use]
    pub const fn max_per_page(mut self, most: u32) -> Self {
        self.max_per_page = most;
        self
    }

    /// Whether `meta` lacks `current_page` and `last_page`, as old answers did.
    #[must_use]
    pub const fn legacy_meta(mut self, legacy: bool) -> Self {
        self.legacy_meta = legacy;
        self
    }

    /// How long every answer takes at least.
    #[must_use]
    pub const fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// What ids follow from: servers of the same seed that are seeded alike have the same ids.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What to seed the store with.
    #[must_use]
    pub fn fixtures(mut self, fixtures: Fixtures) -> Self {
        self.fixtures = Some(fixtures);
        self
    }

    /// Starts the server. It answers from the moment that this returns.
    pub async fn start(self) -> Result<Server, ServeError> {
        let listen_error = |source| ServeError::Listen { address: self.address, source };
        let store = Store::new(self.seed, self.token.0.clone(), self.project);
        if let Some(fixtures) = &self.fixtures {
            fixtures.put_into(&store)?;
        }
        let listener = TcpListener::bind(self.address).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let (requests, faults) = (RequestLog::new(), Faults::default());
        let (stop, mut stopping) = watch::channel(false);
        let door = Door {
            store: store.clone(),
            requests: requests.clone(),
            faults: faults.clone(),
            latency: self.latency,
            stopping: stopping.clone(),
        };
        let api = Api { store: store.clone(), max_per_page: self.max_per_page, legacy_meta: self.legacy_meta };
        // Small answers wait for nothing: with Nagle's algorithm each would cost a delayed acknowledgement.
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "could not turn off Nagle's algorithm");
            }
        });
        let stopped = async move {
            // An error means that the server was dropped, which stops it, too.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        let serve = axum::serve(listener, router(api, door)).with_graceful_shutdown(stopped);
        let task = tokio::spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the server ended; start it again");
            }
        });
        Ok(Server { address, token: self.token, project: self.project, store, requests, faults, stop, task })
    }
}
