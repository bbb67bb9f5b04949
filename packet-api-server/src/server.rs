//! A running server: how it is reached, what can be seen of it and changed about it, and how it is stopped.

mod builder;

pub use builder::ServerBuilder;

use crate::auth::Secret;
use crate::faults::Faults;
use crate::fixtures::FixturesError;
use crate::latency::Latency;
use crate::log::RequestLog;
use crate::outage::Outage;
use crate::rate_limit::RateLimit;
use crate::store::{Shifting, Store};
use crate::weather::Weather;
use in_process::Connector;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;
use uuid::Uuid;

/// Where the API lives on its server, as the real one's does.
pub const BASE_PATH: &str = "/metal/v1";
/// The token that works where no other is set. It opens nothing but simulated APIs.
pub const DEFAULT_TOKEN: &str = "packet-api-server-test-token";
/// The project that there is where no other is set.
pub const DEFAULT_PROJECT: Uuid = Uuid::from_u128(0x93ec_c1d0_4a5b_4c7e_9d3a_1f6b_7c8e_5a20);
/// What a server without a port is called; nobody looks the name up.
const SIMULATED_HOST: &str = "packet-api.simulated";
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
    /// The file for the log cannot be had.
    #[error("cannot write the request log to {}: {source}; choose a file that can be written", path.display())]
    RequestLog {
        /// The file.
        path: PathBuf,
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
    entrance: Entrance,
    token: Secret,
    project: Uuid,
    store: Store,
    requests: RequestLog,
    faults: Faults,
    weather: Weather,
    /// Dropping it stops the server.
    running: DropGuard,
    task: JoinHandle<()>,
}

/// How clients come in.
#[derive(Debug)]
enum Entrance {
    /// Over TCP.
    Port(SocketAddr),
    /// From within the process.
    Within(Connector),
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

    /// The API's base URL with a slash at its end: `http://127.0.0.1:PORT/metal/v1/`. Where there is no port, the host is
    /// one that nobody can look up: `http://packet-api.simulated/metal/v1/`.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.entrance {
            Entrance::Port(address) => format!("http://{address}{BASE_PATH}/"),
            Entrance::Within(_) => format!("http://{SIMULATED_HOST}{BASE_PATH}/"),
        }
    }

    /// The address that it listens on; nothing where it was [started in process](ServerBuilder::start_in_process).
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        match self.entrance {
            Entrance::Port(address) => Some(address),
            Entrance::Within(_) => None,
        }
    }

    /// A connection to a server that was [started in process](ServerBuilder::start_in_process). Where an outage refuses
    /// connections, the error is [`ConnectionRefused`](io::ErrorKind::ConnectionRefused), as at a closed port.
    pub fn connect(&self) -> io::Result<DuplexStream> {
        self.connector()?.connect()
    }

    /// What makes such connections for a client, for longer than the server lives; see [`in_process`]. A server with a
    /// port has none: the error is [`Unsupported`](io::ErrorKind::Unsupported).
    pub fn connector(&self) -> io::Result<Connector> {
        match &self.entrance {
            Entrance::Within(connector) => Ok(connector.clone()),
            Entrance::Port(address) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("this server listens on {address}; connect there, or start it with start_in_process"),
            )),
        }
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

    /// How long answers take from now on.
    pub fn set_latency(&self, latency: impl Into<Latency>) {
        self.weather.set_latency(latency.into());
    }

    /// How long answers take.
    #[must_use]
    pub fn latency(&self) -> Latency {
        self.weather.latency()
    }

    /// How many requests are let through from now on; every client begins anew. With `None` there is no limit.
    pub fn set_rate_limit(&self, limit: Option<RateLimit>) {
        self.weather.set_rate_limit(limit);
    }

    /// How many requests are let through.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.weather.rate_limit()
    }

    /// From now on nothing is answered as it should be; with `None` the outage, if there is one, is over. Until the port
    /// is closed or open again takes a moment.
    pub fn set_outage(&self, outage: Option<Outage>) {
        self.weather.set_outage(outage);
    }

    /// The outage that there is now.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.weather.outage()
    }

    /// How lists of devices move while they are read; see [`Store::set_shifting`].
    pub fn set_shifting(&self, shifting: Option<Shifting>) {
        self.store.set_shifting(shifting);
    }

    /// Stops listening, cuts what hangs or is being delayed, lets the answers that are being sent finish for up to five
    /// seconds, and returns when the port is free. What is asked from now on is not answered.
    pub async fn stop(self) {
        drop(self.running);
        let mut task = self.task;
        if tokio::time::timeout(LAST_CALL, &mut task).await.is_err() {
            task.abort();
        }
    }
}
