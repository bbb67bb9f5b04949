//! How a server is set up and started.

use super::{DEFAULT_PROJECT, DEFAULT_TOKEN, Entrance, ServeError, Server};
use crate::auth::Secret;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::fixtures::Fixtures;
use crate::latency::Latency;
use crate::listener::Port;
use crate::log::{LogFile, RequestLog};
use crate::outage::Outage;
use crate::rate_limit::RateLimit;
use crate::routes::{Api, Door, router};
use crate::store::Store;
use crate::weather::Weather;
use axum::serve::{Listener, ListenerExt};
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::SystemTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The most that a page holds where nothing else is set, as the API's description has it.
const DEFAULT_MAX_PER_PAGE: u32 = 1_000;

/// A server's settings.
#[derive(Debug, Clone)]
pub struct ServerBuilder {
    address: SocketAddr,
    token: Secret,
    project: Uuid,
    max_per_page: u32,
    legacy_meta: bool,
    latency: Latency,
    rate_limit: Option<RateLimit>,
    outage: Option<Outage>,
    request_log: Option<PathBuf>,
    seed: u64,
    fixtures: Option<Fixtures>,
    clock: Clock,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            token: Secret(DEFAULT_TOKEN.into()),
            project: DEFAULT_PROJECT,
            max_per_page: DEFAULT_MAX_PER_PAGE,
            legacy_meta: false,
            latency: Latency::NONE,
            rate_limit: None,
            outage: None,
            request_log: None,
            seed: 0,
            fixtures: None,
            clock: Clock::default(),
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

    /// How long answers take: a [`Duration`](std::time::Duration) for all of them, or a [`Latency`].
    #[must_use]
    pub fn latency(mut self, latency: impl Into<Latency>) -> Self {
        self.latency = latency.into();
        self
    }

    /// How many requests are let through; all of them, unless this is given.
    #[must_use]
    pub fn rate_limit(mut self, limit: impl Into<Option<RateLimit>>) -> Self {
        self.rate_limit = limit.into();
        self
    }

    /// An outage to start with.
    #[must_use]
    pub fn outage(mut self, outage: impl Into<Option<Outage>>) -> Self {
        self.outage = outage.into();
        self
    }

    /// A file to write each request to, once it is answered, as a line of JSON. It is created, or emptied if it is there.
    #[must_use]
    pub fn request_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.request_log = Some(path.into());
        self
    }

    /// What ids and chance follow from: servers of the same seed that are seeded alike have the same ids, and answer the
    /// same requests with the same latencies and faults.
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

    /// The wall clock that answers tell of, in `Date`, `X-RateLimit-Reset`, `Retry-After` and `updated_at`; the system's,
    /// unless this is given. It decides nothing: how long something takes is counted by tokio's clock.
    #[must_use]
    pub fn clock(mut self, read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(read);
        self
    }

    /// Starts the server on its port. It answers from the moment that this returns.
    #[expect(clippy::unused_async, reason = "it spawns, and so needs what awaiting guarantees: a runtime")]
    pub async fn start(self) -> Result<Server, ServeError> {
        let listen_error = |source| ServeError::Listen { address: self.address, source };
        let (store, weather) = self.surroundings()?;
        let port = Port::open(self.address, weather.clone()).map_err(listen_error)?;
        let entrance = Entrance::Port(port.address());
        // Small answers wait for nothing: with Nagle's algorithm each would cost a delayed acknowledgement.
        let port = port.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "could not turn off Nagle's algorithm");
            }
        });
        self.serve(port, entrance, store, weather, CancellationToken::new())
    }

    /// Starts the server without a port: [`Server::connect`] and [`Server::connector`] make connections to it from within
    /// the process. All else is as with a port. [`bind`](Self::bind) has no meaning for it.
    #[expect(clippy::unused_async, reason = "it spawns, and so needs what awaiting guarantees: a runtime")]
    pub async fn start_in_process(self) -> Result<Server, ServeError> {
        let (store, weather) = self.surroundings()?;
        let stopping = CancellationToken::new();
        let (gone, refusing) = (stopping.clone(), weather.clone());
        let (connector, acceptor) = in_process::listen(move || gone.is_cancelled() || refusing.refuses());
        self.serve(acceptor, Entrance::Within(connector), store, weather, stopping)
    }

    /// What there is to serve, and the weather that it is served in, but for the outage.
    fn surroundings(&self) -> Result<(Store, Weather), ServeError> {
        let store = Store::new(self.seed, self.token.0.clone(), self.project);
        if let Some(fixtures) = &self.fixtures {
            fixtures.put_into(&store)?;
        }
        let weather = Weather::new(self.seed);
        weather.set_latency(self.latency);
        weather.set_rate_limit(self.rate_limit);
        Ok((store, weather))
    }

    fn serve<L>(
        self,
        listener: L,
        entrance: Entrance,
        store: Store,
        weather: Weather,
        stopping: CancellationToken,
    ) -> Result<Server, ServeError>
    where
        L: Listener,
        L::Addr: Debug,
    {
        // Only now, so that a start that fails leaves the log of the server that has the port alone.
        let file = self
            .request_log
            .map(|path| LogFile::create(&path).map_err(|source| ServeError::RequestLog { path, source }));
        let (requests, faults) = (RequestLog::new(file.transpose()?), Faults::new(self.seed));
        // The port is reported as open first, even where it is to be closed at once.
        weather.set_outage(self.outage);
        let door = Door {
            store: store.clone(),
            requests: requests.clone(),
            faults: faults.clone(),
            weather: weather.clone(),
            stopping: stopping.clone(),
            clock: self.clock.clone(),
        };
        let api = Api {
            store: store.clone(),
            max_per_page: self.max_per_page,
            legacy_meta: self.legacy_meta,
            clock: self.clock,
        };
        let stopped = stopping.clone().cancelled_owned();
        let serve = axum::serve(listener, router(api, door)).with_graceful_shutdown(stopped);
        let task = tokio::spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the server ended; start it again");
            }
        });
        let (token, project, running) = (self.token, self.project, stopping.drop_guard());
        Ok(Server { entrance, token, project, store, requests, faults, weather, running, task })
    }
}
