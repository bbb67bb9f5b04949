//! The status for whoever is on the same machine, or in the same Pod, as the same user: through a Unix socket, without a
//! certificate to trust, a token to show or a port to reach.
//!
//! Whoever connects is told the status as JSON, and that is all. The kernel says which user it is (`SO_PEERCRED`); another than
//! our own and root is told nothing.

use std::io;
use std::os::unix::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Inquiry;
use crate::telemetry::status::Status;

/// How many are told at once.
const AT_ONCE: usize = 8;
/// How long it may take to tell, or to be told.
const PATIENCE: Duration = Duration::from_secs(10);
/// Larger than any status.
const LARGEST_BYTES: u64 = 4 << 20;

/// The status could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers.
    #[error(
        "no instance with --secure-port={port} runs on this machine as this user ({reason}); in a cluster, run this within its Pod: \
         kubectl exec -n kube-system POD -- /packet-cloud-controller-manager status"
    )]
    Nobody {
        /// The port that tells instances apart.
        port: u16,
        /// Why, as the system words it.
        reason: io::Error,
    },
    /// Another user answers.
    #[error("what answers for --secure-port={port} is another user's program, and is not asked")]
    Stranger {
        /// The port that tells instances apart.
        port: u16,
    },
    /// It does not answer in time.
    #[error("the instance with --secure-port={port} does not answer within {} s; its log may say why", PATIENCE.as_secs())]
    Silent {
        /// The port that tells instances apart.
        port: u16,
    },
    /// It answers something else.
    #[error("the instance with --secure-port={port} answers what is no status ({reason}); is it of the same version?")]
    NoStatus {
        /// The port that tells instances apart.
        port: u16,
        /// What is wrong with it.
        reason: String,
    },
}

/// Tells the status to whoever connects, until the program ends. The port tells this instance from others on the machine.
///
/// # Errors
/// When the socket cannot be opened, as when another instance has it.
pub fn tell(port: u16, inquiry: Arc<dyn Inquiry>) -> io::Result<()> {
    let listener = std::os::unix::net::UnixListener::bind_addr(&address(port)?)?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let own = own_user()?;
    tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            // An error would mean that the places are no more; they are never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) if is_friend(&stream, own) => {
                    let inquiry = Arc::clone(&inquiry);
                    tokio::spawn(async move {
                        // Whoever went away has lost interest.
                        let _ = timeout(PATIENCE, answer(stream, inquiry.as_ref())).await;
                        drop(place);
                    });
                }
                Ok(_) => tracing::debug!("another user asks for the status, and is told nothing"),
                Err(error) => {
                    tracing::debug!(%error, "cannot take a connection for the status");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    });
    Ok(())
}

async fn answer(mut stream: UnixStream, inquiry: &dyn Inquiry) -> io::Result<()> {
    let status = serde_json::to_vec(&inquiry.status().await)?;
    stream.write_all(&status).await?;
    stream.shutdown().await
}

/// Asks the instance of that port.
///
/// # Errors
/// See [`AskError`].
pub async fn ask(port: u16) -> Result<Status, AskError> {
    let nobody = |reason| AskError::Nobody { port, reason };
    let stream = address(port).and_then(|address| std::os::unix::net::UnixStream::connect_addr(&address));
    let stream = stream.map_err(nobody)?;
    stream.set_nonblocking(true).map_err(nobody)?;
    let stream = UnixStream::from_std(stream).map_err(nobody)?;
    if !is_friend(&stream, own_user().map_err(nobody)?) {
        return Err(AskError::Stranger { port });
    }
    let mut text = Vec::new();
    let read = timeout(PATIENCE, stream.take(LARGEST_BYTES).read_to_end(&mut text)).await;
    read.map_err(|_| AskError::Silent { port })?.map_err(nobody)?;
    serde_json::from_slice(&text).map_err(|error| AskError::NoStatus { port, reason: error.to_string() })
}

/// Where the instance of that port is asked: on Linux by a name that needs no file, and so no place to write to.
fn address(port: u16) -> io::Result<SocketAddr> {
    let name = format!("packet-cloud-controller-manager-{port}");
    #[cfg(target_os = "linux")]
    return <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name);
    #[cfg(not(target_os = "linux"))]
    {
        let path = std::env::temp_dir().join(name);
        SocketAddr::from_pathname(path)
    }
}

fn is_friend(stream: &UnixStream, own: u32) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// The user that this process runs as.
fn own_user() -> io::Result<u32> {
    let (one, _other) = UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::pin::Pin;

    struct Known(Status);

    impl Inquiry for Known {
        fn status(&self) -> Pin<Box<dyn Future<Output = Status> + Send + '_>> {
            Box::pin(std::future::ready(self.0.clone()))
        }
    }

    /// A number that no other process takes.
    fn number(n: u16) -> u16 {
        let process = u16::try_from(std::process::id() % 15_000).unwrap();
        process * 4 + n
    }

    #[tokio::test]
    async fn whoever_asks_as_the_same_user_is_told() {
        let status = Status { version: "1.2.3".into(), ..Status::default() };
        tell(number(1), Arc::new(Known(status.clone()))).unwrap();
        assert_eq!(ask(number(1)).await.unwrap(), status);
        assert_eq!(ask(number(1)).await.unwrap(), status);
    }

    #[tokio::test]
    async fn where_nobody_runs_the_error_says_how_to_ask_in_a_cluster() {
        let error = ask(number(2)).await.unwrap_err().to_string();
        assert!(error.contains(&format!("--secure-port={}", number(2))) && error.contains("kubectl exec"), "{error}");
    }

    #[tokio::test]
    async fn two_instances_of_one_port_are_an_error_of_the_second() {
        tell(number(3), Arc::new(Known(Status::default()))).unwrap();
        assert!(tell(number(3), Arc::new(Known(Status::default()))).is_err());
    }
}
