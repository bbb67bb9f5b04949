//! The port, which an outage can close and open again.

use crate::weather::Weather;
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How many connections may wait to be accepted, as tokio's own listeners have it.
const BACKLOG: u32 = 1024;
/// How long until another try where the port cannot be had back at once.
const AGAIN: Duration = Duration::from_millis(20);

/// Accepts connections, but not while the weather refuses them.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    weather: Weather,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Open(TcpListener),
    /// Bound but not listening: the system refuses connections, and nobody else gets the port.
    Held(#[expect(dead_code, reason = "kept for what the system does as long as it is there")] TcpSocket),
    /// Neither, for the moment between the two.
    Gone,
}

impl Port {
    /// Listens from now on.
    pub(crate) fn open(address: SocketAddr, weather: Weather) -> io::Result<Self> {
        let listener = bind(address)?.listen(BACKLOG)?;
        Ok(Self { address: listener.local_addr()?, weather, socket: Socket::Open(listener) })
    }

    /// Where it listens; the port is known even where any free one was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    async fn close(&mut self) {
        self.socket = Socket::Gone;
        if let Some(socket) = self.persist(bind).await {
            self.socket = Socket::Held(socket);
        }
    }

    async fn reopen(&mut self) {
        self.socket = Socket::Gone;
        if let Some(listener) = self.persist(|address| bind(address)?.listen(BACKLOG)).await {
            self.socket = Socket::Open(listener);
        }
    }

    /// Gets hold of the port, which was free a moment ago, unless the weather changes meanwhile.
    async fn persist<T>(&self, take: impl Fn(SocketAddr) -> io::Result<T>) -> Option<T> {
        let refuses = self.weather.refuses();
        while self.weather.refuses() == refuses {
            match take(self.address) {
                Ok(socket) => return Some(socket),
                Err(error) => {
                    tracing::warn!(%error, address = %self.address, "cannot have the port back yet; free it");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        None
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As tokio's own listeners: connections that linger from before do not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Listener for Port {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let refuses = self.weather.refuses();
            match &mut self.socket {
                Socket::Open(listener) if !refuses => {
                    tokio::select! {
                        biased;
                        () = self.weather.until_refuses(true) => {}
                        accepted = Listener::accept(listener) => return accepted,
                    }
                }
                Socket::Held(_) if refuses => self.weather.until_refuses(false).await,
                _ if refuses => self.close().await,
                _ => self.reopen().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
