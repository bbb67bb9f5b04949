//! A running server: how it is reached, what a test holds in its hand meanwhile, and how it is stopped.

mod builder;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use in_process::Connector;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use builder::ServerBuilder;

use crate::api::Api;
use crate::hooks::AppliedWrite;
use crate::request_log::RequestLog;
use crate::schema::SchemaError;
use crate::store::Store;
use crate::weather::faults::Faults;
use crate::weather::latency::Latency;
use crate::weather::limit::RequestLimit;

/// What a server without a port is called; nobody looks the name up.
const SIMULATED_HOST: &str = "kube-api.simulated";
/// How long `stop` waits for requests that are under way.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("listening on {address}: {source}; choose another port (port 0 takes any that is free)")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The types of the API could not be read.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct Server {
    api: Arc<Api>,
    entrance: Entrance,
    stopping: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// How clients come in.
#[derive(Debug)]
enum Entrance {
    /// Over TCP.
    Port(SocketAddr),
    /// From within the process.
    Within(Connector),
}

impl Entrance {
    fn host(&self) -> String {
        match self {
            Entrance::Port(address) => address.to_string(),
            Entrance::Within(_) => SIMULATED_HOST.to_owned(),
        }
    }
}

impl Server {
    /// Starts a server on any free port of 127.0.0.1.
    pub async fn start() -> Result<Server, ServeError> {
        Server::builder().start().await
    }

    /// A server yet to be started, with the defaults.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Where it listens, such as `http://127.0.0.1:40123`, without a slash at the end. Where there is no port, the host is
    /// one that nobody can look up: `http://kube-api.simulated`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.entrance.host())
    }

    /// A connection to a server that was [started in process](ServerBuilder::start_in_process).
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

    /// A kubeconfig for kubectl and client libraries, as YAML.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters:\n\
             - name: simulated\n\
             \x20 cluster:\n\
             \x20   server: {}\n\
             users:\n\
             - name: anyone\n\
             \x20 user: {{}}\n\
             contexts:\n\
             - name: simulated\n\
             \x20 context:\n\
             \x20   cluster: simulated\n\
             \x20   user: anyone\n\
             current-context: simulated\n",
            self.url()
        )
    }

    /// The objects, to be read and changed behind the clients' backs.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.api.store
    }

    /// What was asked of it.
    #[must_use]
    pub fn requests(&self) -> &RequestLog {
        &self.api.requests
    }

    /// The faults that requests meet.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.api.faults
    }

    /// Lets every request from now on wait, or no more.
    pub fn set_latency(&self, latency: impl Into<Option<Latency>>) {
        self.api.latencies.set(latency.into());
    }

    /// Lets the requests of one method, such as "PATCH", wait that long instead, or as all others do.
    pub fn set_method_latency(&self, method: &str, latency: impl Into<Option<Latency>>) {
        self.api.latencies.set_method(method, latency.into());
    }

    /// Answers requests beyond that limit 429 with `Retry-After` from now on, or lets all in.
    pub fn set_request_limit(&self, limit: impl Into<Option<RequestLimit>>) {
        self.api.limiter.set(limit.into(), Instant::now());
    }

    /// Cuts all watches that often from now on, or no more.
    pub fn set_drop_watches_every(&self, period: impl Into<Option<Duration>>) {
        self.api.cuts.set(period.into());
    }

    /// Forgets all history that often from now on, or no more.
    pub fn set_compact_every(&self, period: impl Into<Option<Duration>>) {
        self.api.compactions.set(period.into());
    }

    /// Runs `hook` with the method, the path and the store before each POST, PUT, PATCH and DELETE of an object is
    /// applied: the place to let another writer in at the worst instant.
    ///
    /// What the hook writes through the store does not run hooks.
    pub fn before_write(&self, hook: impl Fn(&str, &str, &Store) + Send + Sync + 'static) {
        self.api.hooks.add_before(Arc::new(hook));
    }

    /// Runs `hook` after each write of a client that was applied, before it is answered: once for each object, also where
    /// one request deletes many.
    ///
    /// It does not hear of what was refused, of dry runs, of writes that change nothing, nor of what is written through the
    /// store. Where several threads serve, it may hear of two writes at once or in another order than that of their
    /// versions.
    pub fn after_write(&self, hook: impl Fn(&AppliedWrite<'_>) + Send + Sync + 'static) {
        self.api.hooks.add_after(Arc::new(hook));
    }

    /// Stops: watches end, requests that are under way are answered, within five seconds. What is asked from now on is not.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_WAIT, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}
