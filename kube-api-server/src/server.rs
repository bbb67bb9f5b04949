//! Starting and stopping the server, and what a test holds in its hand meanwhile.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::serve::Listener;
use in_process::Connector;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::watch::Surroundings;
use crate::api::{self, Api};
use crate::connection::{Cut, CuttableListener, Stream};
use crate::hooks::{AppliedWrite, Hooks};
use crate::request_log::RequestLog;
use crate::schema::SchemaError;
use crate::store::{Nature, Store};
use crate::wall_clock::WallClock;
use crate::weather::faults::{Fault, Faults};
use crate::weather::latency::{Latencies, Latency};
use crate::weather::limit::{Limiter, RequestLimit};
use crate::weather::periodic::Periodic;

/// How many changes of each resource are remembered unless told otherwise. It bounds memory: a Node of realistic size
/// takes some 15 KB for each.
const HISTORY: usize = 10_000;
/// About what kube-apiserver does.
const BOOKMARK_INTERVAL: Duration = Duration::from_mins(1);
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

/// How the server is to be.
#[derive(Debug, Clone)]
pub struct ServerBuilder {
    address: SocketAddr,
    history: usize,
    bookmark_interval: Duration,
    latency: Option<Latency>,
    latency_by_method: BTreeMap<String, Latency>,
    request_limit: Option<RequestLimit>,
    faults: Vec<Fault>,
    drop_watches_every: Option<Duration>,
    compact_every: Option<Duration>,
    seed: u64,
    clock: WallClock,
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

impl ServerBuilder {
    /// Listens on that address; the default is any free port of 127.0.0.1.
    #[must_use]
    pub fn bind(mut self, address: SocketAddr) -> ServerBuilder {
        self.address = address;
        self
    }

    /// Remembers that many changes of each resource for watches and pages; what is older is answered 410 Gone. The
    /// default is 10,000.
    #[must_use]
    pub fn history(mut self, changes: usize) -> ServerBuilder {
        self.history = changes;
        self
    }

    /// Sends a bookmark to each watch that wants them that often. The default is a minute; it is at least a millisecond.
    #[must_use]
    pub fn bookmark_interval(mut self, interval: Duration) -> ServerBuilder {
        self.bookmark_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Lets every request wait before it is looked at; a watch waits once, when it is opened.
    #[must_use]
    pub fn latency(mut self, latency: Latency) -> ServerBuilder {
        self.latency = Some(latency);
        self
    }

    /// Lets the requests of one method, such as "PATCH", wait that long instead.
    #[must_use]
    pub fn method_latency(mut self, method: &str, latency: Latency) -> ServerBuilder {
        self.latency_by_method.insert(method.to_uppercase(), latency);
        self
    }

    /// Answers requests beyond that limit 429 with `Retry-After`. Health probes are exempt.
    #[must_use]
    pub fn request_limit(mut self, limit: RequestLimit) -> ServerBuilder {
        self.request_limit = Some(limit);
        self
    }

    /// Puts a fault in force from the start.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> ServerBuilder {
        self.faults.push(fault);
        self
    }

    /// Cuts all watches that often, as [`Store::drop_watches`] does.
    #[must_use]
    pub fn drop_watches_every(mut self, period: Duration) -> ServerBuilder {
        self.drop_watches_every = Some(period);
        self
    }

    /// Forgets all history that often, as [`Store::compact`] does.
    #[must_use]
    pub fn compact_every(mut self, period: Duration) -> ServerBuilder {
        self.compact_every = Some(period);
        self
    }

    /// What uids and generated names are drawn from, and the lots of faults with a share and of latencies: the same number,
    /// the same draws.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> ServerBuilder {
        self.seed = seed;
        self
    }

    /// The wall clock that objects and answers tell of: `creationTimestamp`, `managedFields`, ages in tables, `Date`, and
    /// the request log. The system's, unless this is given. It decides nothing: how long something takes is counted by
    /// tokio's clock.
    #[must_use]
    pub fn clock(mut self, read: impl Fn() -> SystemTime + Send + Sync + 'static) -> ServerBuilder {
        self.clock = WallClock::new(read);
        self
    }

    /// Starts the server on its port; it answers as soon as this returns.
    pub async fn start(self) -> Result<Server, ServeError> {
        let bind_error = |source| ServeError::Bind { address: self.address, source };
        let listener = TcpListener::bind(self.address).await.map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        self.serve(listener, Entrance::Port(address), CancellationToken::new())
    }

    /// Starts the server without a port: [`Server::connect`] and [`Server::connector`] make connections to it from within
    /// the process. All else is as with a port, but for one thing: all work is done on the thread that asks for it, even the
    /// registering of many Nodes. [`bind`](Self::bind) has no meaning for it.
    #[expect(clippy::unused_async, reason = "it spawns, and so needs what awaiting guarantees: a runtime")]
    pub async fn start_in_process(self) -> Result<Server, ServeError> {
        let stopping = CancellationToken::new();
        let gone = stopping.clone();
        let (connector, acceptor) = in_process::listen(move || gone.is_cancelled());
        self.serve(acceptor, Entrance::Within(connector), stopping)
    }

    fn serve<L>(self, listener: L, entrance: Entrance, stopping: CancellationToken) -> Result<Server, ServeError>
    where
        L: Listener<Io: Stream, Addr: Debug>,
    {
        let watches = Surroundings { stopping: stopping.clone(), bookmark_interval: self.bookmark_interval };
        // Whoever gives a clock may have made it for one thread, as tokio's paused one is.
        let on_one_thread = matches!(entrance, Entrance::Within(_)) || !self.clock.is_the_systems();
        let store = Store::new(Nature { history: self.history, seed: self.seed, clock: self.clock, on_one_thread })?;
        let (cut, compacted) = (store.clone(), store.clone());
        let limiter = Limiter::default();
        limiter.set(self.request_limit, Instant::now());
        let faults = Faults::new(self.seed);
        self.faults.into_iter().for_each(|fault| faults.push(fault));
        let api = Arc::new(Api {
            store,
            requests: RequestLog::default(),
            faults,
            hooks: Hooks::default(),
            latencies: Latencies::new(self.latency, self.latency_by_method, self.seed),
            limiter,
            cuts: Periodic::start(self.drop_watches_every, move || cut.drop_watches()),
            compactions: Periodic::start(self.compact_every, move || compacted.compact()),
            watches,
            stopping: stopping.clone(),
            address: entrance.host(),
        });
        let app = Router::new().fallback(api::answer).with_state(api.clone());
        let service = app.into_make_service_with_connect_info::<Cut>();
        let serving =
            axum::serve(CuttableListener(listener), service).with_graceful_shutdown(stopping.clone().cancelled_owned());
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "serving the simulated Kubernetes API");
            }
        });
        Ok(Server { api, entrance, stopping, task: Some(task) })
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
        ServerBuilder {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            history: HISTORY,
            bookmark_interval: BOOKMARK_INTERVAL,
            latency: None,
            latency_by_method: BTreeMap::new(),
            request_limit: None,
            faults: Vec::new(),
            drop_watches_every: None,
            compact_every: None,
            seed: 0,
            clock: WallClock::default(),
        }
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
