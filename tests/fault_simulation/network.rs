//! The network of one process: through memory, and cut for good when the process crashes.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, Either, select};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use in_process::{Client, Connector, client};
use kube::client::Body;
use packet_cloud_controller_manager::packet::transport::{NoAnswer, Transport};
use tokio::sync::watch;
use tower_service::Service;

use crate::invariants::Violations;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The cable of a process. Whoever waits for an answer through it when it is cut waits for ever.
#[derive(Clone)]
pub(crate) struct Cable {
    is_cut: watch::Receiver<bool>,
    /// Whether a request that is on its way when the cable is cut still arrives.
    is_careless: bool,
}

/// Cuts a cable.
pub(crate) struct Cutter(watch::Sender<bool>);

impl Cable {
    pub(crate) fn new(is_careless: bool) -> (Cutter, Self) {
        let (cutter, is_cut) = watch::channel(false);
        (Cutter(cutter), Self { is_cut, is_careless })
    }

    async fn carry<T>(mut self, exchange: impl Future<Output = T>) -> T {
        let cut = async {
            // An error means that the cutter is gone, and with it the process.
            let _ = self.is_cut.wait_for(|is_cut| *is_cut).await;
        };
        let is_careless = self.is_careless;
        match select(pin!(cut), pin!(exchange)).await {
            Either::Right((answer, _)) => answer,
            Either::Left(((), exchange)) => {
                if is_careless {
                    exchange.await;
                }
                std::future::pending().await
            }
        }
    }
}

impl Cutter {
    pub(crate) fn cut(&self) {
        self.0.send_replace(true);
    }
}

/// The way to the Kubernetes API, which notices when a process writes that does not lead.
#[derive(Clone)]
pub(crate) struct ToKubernetes {
    pub(crate) client: Client<Body>,
    pub(crate) cable: Cable,
    pub(crate) leads: Arc<AtomicBool>,
    pub(crate) violations: Violations,
}

impl ToKubernetes {
    pub(crate) fn new(connector: Connector, cable: Cable, leads: Arc<AtomicBool>, violations: Violations) -> Self {
        Self { client: client(connector), cable, leads, violations }
    }
}

impl Service<Request<Body>> for ToKubernetes {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Incoming>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("http://kube-api.simulated{path}").parse::<Uri>().unwrap();
        if request.method() != http::Method::GET && !self.leads.load(Ordering::Relaxed) {
            self.violations.add(format!("a process that does not lead writes: {} {}", request.method(), request.uri()));
        }
        let exchange = self.client.request(request);
        let cable = self.cable.clone();
        Box::pin(async move { cable.carry(exchange).await.map_err(Into::into) })
    }
}

/// The way to the Packet API.
pub(crate) struct ToPacket {
    client: Client<reqwest::Body>,
    cable: Cable,
}

impl ToPacket {
    pub(crate) fn new(connector: Connector, cable: Cable) -> Self {
        Self { client: client(connector), cable }
    }
}

impl Transport for ToPacket {
    fn carry(&self, request: reqwest::Request) -> BoxFuture<'static, Result<reqwest::Response, NoAnswer>> {
        let request: Request<reqwest::Body> = request.try_into().unwrap();
        let (exchange, cable) = (self.client.request(request), self.cable.clone());
        Box::pin(async move {
            let answer = cable.carry(exchange).await.map_err(|error| NoAnswer::Failed(error.to_string()))?;
            Ok(answer.map(reqwest::Body::wrap).into())
        })
    }
}
