//! The client's end.

use crate::{BUFFER, Door};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::Connected;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::DuplexStream;
use tokio::sync::mpsc::UnboundedSender;

/// Makes connections to one server. Clones make them to the same.
///
/// It is a connector as hyper's clients want one, whatever host they ask for: see [`client`].
#[derive(Debug, Clone)]
pub struct Connector {
    acceptor: UnboundedSender<DuplexStream>,
    door: Door,
}

impl Connector {
    pub(crate) const fn new(acceptor: UnboundedSender<DuplexStream>, door: Door) -> Self {
        Self { acceptor, door }
    }

    /// A connection, which the server accepts when it comes to it. Where the port is closed or the server gone, the error
    /// is [`ConnectionRefused`](io::ErrorKind::ConnectionRefused).
    pub fn connect(&self) -> io::Result<DuplexStream> {
        if self.door.is_closed() {
            return Err(refused());
        }
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        self.acceptor.send(theirs).map_err(|_| refused())?;
        Ok(ours)
    }
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "the simulated server accepts no connections now")
}

impl tower_service::Service<Uri> for Connector {
    type Response = Connection;
    type Error = io::Error;
    type Future = Ready<io::Result<Connection>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.connect().map(Connection::from))
    }
}

/// A connection as hyper's clients use it.
#[derive(Debug)]
pub struct Connection(TokioIo<DuplexStream>);

impl From<DuplexStream> for Connection {
    fn from(stream: DuplexStream) -> Self {
        Self(TokioIo::new(stream))
    }
}

impl hyper_util::client::legacy::connect::Connection for Connection {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// An HTTP client all of whose connections are made by a [`Connector`]. `B` is what its requests' bodies are.
pub type Client<B> = legacy::Client<Connector, B>;

/// An HTTP client all of whose connections are made there, and whose idle ones age by tokio's clock.
#[must_use]
pub fn client<B>(connector: Connector) -> Client<B>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector)
}
