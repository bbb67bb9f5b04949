//! One connection, from the handshake to its end.

use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use super::bounds::{
    GOODBYE_TIME, HANDSHAKE_TIME, MAX_FAULTY_STREAMS, MAX_HEAD, MAX_HEADERS, MAX_RESET_STREAMS, MAX_STREAMS,
    MAX_UNREAD, REQUEST_TIME, SEND_TIME, STREAM_WINDOW,
};
use super::entrance::{Entrance, Visit, Visitor};
use super::tls::HTTP_2;

/// The window of a whole connection of HTTP/2, which is never smaller (RFC 9113 §6.9.2).
const CONNECTION_WINDOW: u32 = 64 * 1024 - 1;
/// The largest frame of HTTP/2 that is taken, which is never smaller (RFC 9113 §6.5.2).
const MAX_FRAME: u32 = 16 * 1024;

/// What Go's servers say to whoever forgets the s in https.
const NO_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// What ends connections that would go on.
pub(super) type Closing = watch::Receiver<bool>;

/// Serves a connection until either side ends it.
pub(super) async fn serve(
    stream: TcpStream,
    tls: TlsAcceptor,
    entrance: Arc<Entrance>,
    activity: Arc<Activity>,
    mut closing: Closing,
) {
    // Answers are written whole, and a client waits for each.
    let _ = stream.set_nodelay(true);
    let shaken = tokio::select! {
        shaken = timeout(HANDSHAKE_TIME, handshake(stream, tls)) => shaken,
        _ = closing.wait_for(|is_closing| *is_closing) => return,
    };
    let stream = match shaken {
        Ok(Some(stream)) => stream,
        Ok(None) => return,
        Err(_) => return tracing::debug!("a connection ends that has not spoken TLS in time"),
    };
    let session = stream.get_ref().1;
    let speaks_http_2 = session.alpn_protocol() == Some(HTTP_2);
    let chain = session.peer_certificates().unwrap_or_default().to_vec();
    let visitor = Arc::new(Visitor { chain, activity: activity.clone(), unwelcome: Notify::new() });
    let visit = Visit { entrance, visitor: visitor.clone() };
    let stream = TokioIo::new(stream);
    if speaks_http_2 {
        drive(http_2().serve_connection(stream, visit), &visitor, closing).await;
    } else {
        drive(http_1().serve_connection(stream, visit), &visitor, closing).await;
    }
}

/// TLS, where the client speaks it. What goes wrong here is the client's affair: scanners and probes that only connect are many.
async fn handshake(mut stream: TcpStream, tls: TlsAcceptor) -> Option<TlsStream<TcpStream>> {
    let mut first = [0];
    stream.peek(&mut first).await.ok().filter(|read| *read > 0)?;
    if first[0].is_ascii_uppercase() {
        // The method of a request; a TLS record begins with a number below 32.
        let _ = stream.write_all(NO_TLS).await;
        let _ = stream.shutdown().await;
        return None;
    }
    tls.accept(stream).await.inspect_err(|error| tracing::debug!(%error, "a TLS handshake failed")).ok()
}

fn http_1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Its own timer would warn in the log about each connection that is kept idle; ours covers the same.
    builder.timer(TokioTimer::new()).header_read_timeout(None);
    builder.max_buf_size(MAX_HEAD).max_header_size(MAX_HEAD).max_headers(MAX_HEADERS);
    builder
}

fn http_2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .max_local_error_reset_streams(MAX_FAULTY_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(MAX_FRAME)
        .max_send_buf_size(MAX_UNREAD);
    builder
}

/// Lets a connection go on until it ends, is to end, or has overstayed; then it may still say goodbye.
async fn drive<C>(connection: C, visitor: &Visitor, mut closing: Closing)
where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut connection = pin!(connection);
    let ended = |result: Result<(), hyper::Error>| {
        if let Err(error) = result {
            tracing::debug!(%error, "a connection ends");
        }
    };
    let patience = tokio::select! {
        result = connection.as_mut() => return ended(result),
        () = overstays(&visitor.activity) => GOODBYE_TIME,
        () = visitor.unwelcome.notified() => REQUEST_TIME + SEND_TIME,
        // Whoever sends this gives all of them their time.
        _ = closing.wait_for(|is_closing| *is_closing) => REQUEST_TIME + SEND_TIME,
    };
    connection.as_mut().graceful_shutdown();
    if let Ok(result) = timeout(patience, connection).await {
        ended(result);
    }
}

/// Ends when the connection has stayed for too long without a request, or with one.
async fn overstays(activity: &Activity) {
    loop {
        let end = activity.ends_at();
        if Instant::now() >= end {
            return;
        }
        sleep_until(end).await;
    }
}

#[cfg(test)]
mod tests;
