//! A network between a program and the API server that can be cut: what is sent then is never answered.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The network. It is gone when dropped.
pub(crate) struct Network {
    address: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Network {
    /// One that leads there.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, (is_cut, cut)) = (listener.local_addr().unwrap(), watch::channel(false));
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut cut = cut.clone();
                tokio::spawn(async move {
                    let pass = async {
                        if let Ok(mut to) = TcpStream::connect(server).await {
                            // Either side may hang up whenever it likes.
                            let _ = copy_bidirectional(&mut from, &mut to).await;
                        }
                    };
                    tokio::select! {
                        biased;
                        // An error says that the network is gone, and with it all connections.
                        cut = cut.wait_for(|is_cut| *is_cut) => if cut.is_err() { return },
                        () = pass => return,
                    }
                    // Both ends stay open, and nothing comes out of either.
                    let _ = cut.wait_for(|is_cut| !*is_cut).await;
                });
            }
        });
        Self { address, is_cut }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn cut(&self) {
        self.is_cut.send_replace(true);
    }
}
