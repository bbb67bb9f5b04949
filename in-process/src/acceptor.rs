//! The server's end.

use crate::Door;
use axum::serve::Listener;
use std::io;
use tokio::io::DuplexStream;
use tokio::sync::mpsc::UnboundedReceiver;

/// Accepts the connections that a [`Connector`](crate::Connector) makes, in their order.
#[derive(Debug)]
pub struct Acceptor {
    connections: UnboundedReceiver<DuplexStream>,
    door: Door,
}

impl Acceptor {
    pub(crate) const fn new(connections: UnboundedReceiver<DuplexStream>, door: Door) -> Self {
        Self { connections, door }
    }
}

impl Listener for Acceptor {
    type Io = DuplexStream;
    /// All come from this process.
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        loop {
            match self.connections.recv().await {
                // Dropping it closes it, as the system does with those that wait at a port that closes.
                Some(_) if self.door.is_closed() => {}
                Some(connection) => return (connection, ()),
                // Whoever serves decides when that ends, not the last client.
                None => std::future::pending().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}
