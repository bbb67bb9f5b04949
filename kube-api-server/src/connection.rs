//! Connections that can be cut from within a request, as a failing network cuts them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

/// Cuts the connection that a request came on.
#[derive(Debug, Clone)]
pub(crate) struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Nothing more is sent: the peer sees a reset.
    pub(crate) fn now(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What bytes go through, over TCP or within the process.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// What is written goes out at once.
    fn without_delay(&self);

    /// Closing it will be a reset, where there is such a thing.
    fn without_lingering(&self);
}

impl Stream for TcpStream {
    fn without_delay(&self) {
        // Watch events are small and must not wait for company. Without it they are only slower.
        let _delayed = self.set_nodelay(true);
    }

    fn without_lingering(&self) {
        // Where that cannot be had, it is a plain close.
        let _lingering = self.set_zero_linger();
    }
}

/// It delays nothing, and its other end sees that it is closed however that came about.
impl Stream for DuplexStream {
    fn without_delay(&self) {}

    fn without_lingering(&self) {}
}

/// Accepts connections that can be cut.
pub(crate) struct CuttableListener<L>(pub(crate) L);

/// A connection with its [`Cut`].
pub(crate) struct Connection<S> {
    stream: S,
    cut: Cut,
}

impl<L: Listener<Io: Stream>> Listener for CuttableListener<L> {
    type Io = Connection<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Connection<L::Io>, L::Addr) {
        let (stream, address) = self.0.accept().await;
        stream.without_delay();
        (Connection { stream, cut: Cut(Arc::new(AtomicBool::new(false))) }, address)
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.0.local_addr()
    }
}

impl<L: Listener<Io: Stream>> Connected<IncomingStream<'_, CuttableListener<L>>> for Cut {
    fn connect_info(stream: IncomingStream<'_, CuttableListener<L>>) -> Cut {
        stream.io().cut.clone()
    }
}

impl<S: Stream> Connection<S> {
    fn check(&self) -> io::Result<()> {
        if !self.cut.0.load(Ordering::Acquire) {
            return Ok(());
        }
        self.stream.without_lingering();
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by an injected fault"))
    }
}

impl<S: Stream> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Stream> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
