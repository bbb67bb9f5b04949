//! HTTP connections between a client and a server of the same process, through memory.
//!
//! [`listen`] makes the two ends of a port that is none: an [`Acceptor`], which `axum::serve` takes in place of a
//! `TcpListener`, and a [`Connector`], which clients take in place of one for TCP. Nothing here touches a socket, a thread
//! or a clock, so that client and server may run on one thread under tokio's paused clock, where every run takes the same
//! course.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::body::Body;
//! use axum::{Router, routing::get};
//!
//! let (connector, acceptor) = in_process::listen(|| false);
//! let router = Router::new().route("/", get(async || "hello"));
//! tokio::spawn(async { axum::serve(acceptor, router).await });
//! let client = in_process::client::<Body>(connector);
//! assert_eq!(client.get("http://anything.simulated/".parse()?).await?.status(), 200);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod acceptor;
mod connector;

pub use acceptor::Acceptor;
pub use connector::{Client, Connection, Connector, client};

use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// How many bytes one end may be ahead of the other, each way: about what a socket's buffers hold.
const BUFFER: usize = 64 * 1024;

/// Makes a port that is none. It is closed whenever `refuses` says so: then nobody can connect, and who has not been
/// accepted yet is turned away.
#[must_use]
pub fn listen(refuses: impl Fn() -> bool + Send + Sync + 'static) -> (Connector, Acceptor) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let door = Door(Arc::new(refuses));
    (Connector::new(sender, door.clone()), Acceptor::new(receiver, door))
}

/// Whether the port is closed now.
#[derive(Clone)]
struct Door(Arc<dyn Fn() -> bool + Send + Sync>);

impl Door {
    fn is_closed(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Door").field("is_closed", &self.is_closed()).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::listen;
    use axum::serve::Listener;
    use std::io::ErrorKind;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn what_the_client_writes_is_what_the_server_reads() {
        let (connector, mut acceptor) = listen(|| false);
        let mut client = connector.connect().unwrap();
        client.write_all(b"hello").await.unwrap();
        drop(client);
        let (mut server, ()) = acceptor.accept().await;
        let mut text = String::new();
        server.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
    }

    #[tokio::test]
    async fn a_closed_port_refuses_and_turns_those_away_who_wait() {
        let closed = Arc::new(AtomicBool::new(false));
        let is_closed = Arc::clone(&closed);
        let (connector, mut acceptor) = listen(move || is_closed.load(Ordering::Relaxed));
        let (mut waiting, mut buffer) = (connector.connect().unwrap(), [0]);
        closed.store(true, Ordering::Relaxed);
        assert_eq!(connector.connect().unwrap_err().kind(), ErrorKind::ConnectionRefused);
        tokio::select! {
            biased;
            _ = acceptor.accept() => panic!("it was accepted"),
            read = waiting.read(&mut buffer) => assert_eq!(read.unwrap(), 0),
        }
        closed.store(false, Ordering::Relaxed);
        connector.connect().unwrap();
        acceptor.accept().await;
    }

    #[test]
    fn a_server_that_is_gone_refuses() {
        let (connector, acceptor) = listen(|| false);
        drop(acceptor);
        assert_eq!(connector.connect().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}
