//! Answers that HTTP should not see: cut short, at a crawl, or not given at all.

use crate::log::Open;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::{StreamExt, stream};
use std::io;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many pieces of a slow body come in a second, if it has as many bytes.
const PIECES: u32 = 10;

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

/// Sends the head at once and then the body at this speed. The log hears of every piece.
pub(crate) fn slow(
    status: StatusCode,
    body: Bytes,
    bytes_per_second: u32,
    open: Open,
    stopping: CancellationToken,
) -> Response {
    let speed = bytes_per_second.max(1);
    let piece = (speed / PIECES).max(1);
    let pause = Duration::from_secs(piece.into()) / speed;
    let length = body.len();
    let pieces =
        stream::try_unfold((body, 0, open, stopping), move |(mut body, mut sent, open, stopping)| async move {
            if body.is_empty() {
                return Ok(None);
            }
            let next = body.split_to(body.len().min(piece as usize));
            tokio::select! {
                biased;
                () = stopping.cancelled() => return Err(broken()),
                () = tokio::time::sleep(pause) => {}
            }
            sent += next.len() as u64;
            open.sent(status.as_u16(), sent);
            Ok(Some((next, (body, sent, open, stopping))))
        });
    let mut response = Response::new(Body::from_stream(pieces));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "a fault asked for this connection to break")
}
