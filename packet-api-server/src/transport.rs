//! Answers that HTTP should not see: cut short, or not given at all.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::{StreamExt, stream};
use std::io;

/// Closes the connection without a byte of answer: the body fails before the head was written out.
pub(crate) fn no_answer() -> Response {
    Response::new(Body::from_stream(stream::once(async { Err::<Bytes, _>(broken()) })))
}

/// Announces the whole body, sends half of it, closes the connection.
pub(crate) fn half_of(status: StatusCode, body: &Bytes) -> Response {
    let half = body.slice(..body.len() / 2);
    let chunks = stream::once(async { Ok(half) }).chain(stream::once(async {
        // The server writes out what it has only while it waits for more; a body that failed at once would take its first
        // half with it.
        tokio::task::yield_now().await;
        Err(broken())
    }));
    let mut response = Response::new(Body::from_stream(chunks));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    response
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "a fault asked for this connection to break")
}
