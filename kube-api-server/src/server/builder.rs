//! How a server is set up and started.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::serve::Listener;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Entrance, ServeError, Server};
use crate::api::watch::Surroundings;
use crate::api::{self, Api};
use crate::connection::{Cut, CuttableListener, Stream};
use crate::hooks::Hooks;
use crate::request_log::RequestLog;
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

impl Default for ServerBuilder {
    fn default() -> ServerBuilder {
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
