//! What a request passes before it gets to its route, and its answer on the way back.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Request, Version};
use hyper::body::{Body as HttpBody, Incoming};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout};

use super::access::{Access, Refusal, User, is_known, path_of};
use super::activity::Activity;
use super::answer::Answer;
use super::bounds::{MAX_BODY, MAX_LARGE_ANSWERS, MAX_OPEN_REQUESTS, MAX_REVIEWED_REQUESTS, MAX_UNREAD, REQUEST_TIME};

/// The one way to the routes.
pub(super) struct Entrance {
    router: Router,
    access: Arc<Access>,
    reviewed: Semaphore,
    open: Semaphore,
    large: Arc<Semaphore>,
}

/// What is known of the connection that a request comes from.
pub(super) struct Visitor {
    /// What it presented in the handshake, its own certificate first; empty where it presented nothing.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) activity: Arc<Activity>,
    /// Told when the connection is to end once its requests have.
    pub(super) unwelcome: Notify,
}

impl Entrance {
    pub(super) fn new(router: Router, access: Arc<Access>) -> Self {
        let [reviewed, open] = [MAX_REVIEWED_REQUESTS, MAX_OPEN_REQUESTS].map(Semaphore::new);
        Self { router, access, reviewed, open, large: Arc::new(Semaphore::new(MAX_LARGE_ANSWERS)) }
    }

    /// Answers a request.
    pub(super) async fn answer(&self, request: Request<Incoming>, visitor: &Visitor) -> Response<Answer> {
        let open = visitor.activity.begin(Instant::now());
        let version = request.version();
        let passed = timeout(REQUEST_TIME, self.pass(request, visitor)).await.unwrap_or(Err(Refusal::Late));
        let (user, response) = match passed {
            Ok((user, response)) => (Some(user), response),
            Err(refusal) => (None, refusal.into_response()),
        };
        let is_small = response.body().size_hint().upper().is_some_and(|size| size <= MAX_UNREAD as u64);
        let place = (!is_small).then(|| self.large.clone().try_acquire_owned()).transpose();
        let (mut response, permit) = match place {
            Ok(permit) => (response, permit),
            Err(_) => (Refusal::Busy.into_response(), None),
        };
        // Strangers get one answer from a connection of HTTP/2, which can do much harm for little (CVE-2023-44487); so does upstream
        // (apiserver `UnauthenticatedHTTP2DOSMitigation`).
        if version == Version::HTTP_2 && user.is_none_or(|user| user.is_anonymous()) {
            visitor.unwelcome.notify_one();
        }
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
        headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        response.map(|body| Answer::new(body, open, permit))
    }

    /// Lets a request pass to its route. Places are taken only for what the client cannot draw out.
    async fn pass(&self, request: Request<Incoming>, visitor: &Visitor) -> Result<(Arc<User>, Response), Refusal> {
        let (mut head, body) = request.into_parts();
        if !is_known(&head.method) {
            return Err(Refusal::Method);
        }
        let path = path_of(&head.uri).map_err(Refusal::Path)?;
        let body = read(body).await?;
        let places = if self.access.is_open(path) { &self.open } else { &self.reviewed };
        let _place = places.try_acquire().map_err(|_| Refusal::Busy)?;
        let user = self.access.admit(&head.method, path, &head.headers, &visitor.chain).await?;
        // No route is tempted to use it.
        head.headers.remove(AUTHORIZATION);
        head.extensions.insert(user.clone());
        let Ok(response) = TowerToHyperService::new(self.router.clone()).call(Request::from_parts(head, body)).await;
        Ok((user, response))
    }
}

/// Reads the body, which is small or refused.
async fn read(body: Incoming) -> Result<Body, Refusal> {
    if body.is_end_stream() {
        return Ok(Body::empty());
    }
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Refusal::Body);
    }
    let read = axum::body::to_bytes(Body::new(body), MAX_BODY).await;
    read.map(Body::from).map_err(|error| if is_too_long(&error) { Refusal::Body } else { Refusal::Truncated })
}

/// Whether reading stopped at the limit rather than where the client did.
fn is_too_long(error: &axum::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.is::<hyper::Error>() {
            return false;
        }
        next = cause.source();
    }
    true
}

/// A visitor at the entrance, as hyper wants it.
pub(super) struct Visit {
    pub(super) entrance: Arc<Entrance>,
    pub(super) visitor: Arc<Visitor>,
}

impl Service<Request<Incoming>> for Visit {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (entrance, visitor) = (self.entrance.clone(), self.visitor.clone());
        Box::pin(async move { Ok(entrance.answer(request, &visitor).await) })
    }
}
