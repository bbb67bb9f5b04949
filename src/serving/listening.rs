//! The port, taken at the start, and everybody who connects to it.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::ServingError;
use super::access::Access;
use super::activity::Activity;
use super::bounds::{ACCEPT_PAUSE, STOP_TIME};
use super::certificate::{ServerCertificate, own_names};
use super::connection;
use super::crowd::Crowd;
use super::entrance::Entrance;
use super::standing::Standing;
use super::tls;
use crate::config::ServingSettings;

/// A port that is taken, with a certificate that is good; nobody is answered yet.
pub struct Listening {
    listener: TcpListener,
    certificate: Arc<ServerCertificate>,
    settings: ServingSettings,
}

impl fmt::Debug for Listening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Listening").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl Listening {
    /// Takes the port and reads the certificate; none where the settings say that nothing is served.
    ///
    /// # Errors
    /// [`ServingError::Bind`] and [`ServingError::Certificate`].
    pub async fn bind(settings: &ServingSettings) -> Result<Option<Self>, ServingError> {
        let Some(port) = settings.port else { return Ok(None) };
        let address = SocketAddr::new(settings.address, port.get());
        let listener = listen(address).await.map_err(|source| ServingError::Bind { address, source })?;
        Self::on(listener, settings).map(Some)
    }

    /// The same on a port that the caller has taken.
    ///
    /// # Errors
    /// [`ServingError::Certificate`].
    pub fn on(listener: TcpListener, settings: &ServingSettings) -> Result<Self, ServingError> {
        let certificate = match &settings.certificate {
            Some(files) => ServerCertificate::of_files(files.clone())?,
            None => ServerCertificate::of_our_own(own_names(settings.address))?,
        };
        Ok(Self { listener, certificate: Arc::new(certificate), settings: settings.clone() })
    }

    /// The certificate, to be watched.
    #[must_use]
    pub fn certificate(&self) -> Arc<ServerCertificate> {
        self.certificate.clone()
    }

    /// Where clients connect to.
    ///
    /// # Errors
    /// Where the operating system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stopped` ends. Then nobody is accepted any more, and the requests that are open have some seconds to end.
    ///
    /// # Errors
    /// [`ServingError::Tls`], at once.
    pub async fn serve(
        self,
        router: Router,
        access: Arc<Access>,
        stopped: impl Future<Output = ()>,
    ) -> Result<(), ServingError> {
        let tls = tls::config(self.settings.min_version, self.certificate.clone(), access.wants_certificates())?;
        let tls = TlsAcceptor::from(Arc::new(tls));
        // Ends with this function, whichever way that does.
        let mut keepers = JoinSet::new();
        let certificate = self.certificate;
        keepers.spawn(async move { certificate.keep().await });
        let (kept, entrance) = (access.clone(), Arc::new(Entrance::new(router, access)));
        keepers.spawn(async move { kept.keep().await });

        let crowd = Arc::new(Crowd::default());
        let mut connections = JoinSet::new();
        let (close, closing) = watch::channel(false);
        let accepting = Standing::new("accepting connections for HTTPS", "nobody is answered");
        let mut stopped = std::pin::pin!(stopped);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    accepting.works();
                    let activity = Arc::new(Activity::new(Instant::now()));
                    let place = crowd.enter(activity.clone());
                    let number = place.number();
                    let served = connection::serve(stream, tls.clone(), entrance.clone(), activity, closing.clone());
                    let task = connections.spawn(async move {
                        let _place = place;
                        served.await;
                    });
                    crowd.runs_as(number, task);
                }
                // The client has gone already.
                Err(error) if is_of_client(&error) => {}
                Err(error) => {
                    accepting.failed(&error.to_string());
                    crowd.make_room();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        // Nobody listens where there is no connection.
        let _ = close.send(true);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if timeout(STOP_TIME, all_ended).await.is_err() {
            tracing::info!("connections for HTTPS are cut whose requests have not ended in time");
        }
        Ok(())
    }
}

/// Listens at an address. One that stands for all of them stands for those of IPv6 as well, as upstream's does.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    if address.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED) && takes_both() {
        match TcpListener::bind((Ipv6Addr::UNSPECIFIED, address.port())).await {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    TcpListener::bind(address).await
}

/// Whether a socket of IPv6 takes connections of IPv4 as well, which is for the machine to say.
fn takes_both() -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv6/bindv6only").is_ok_and(|only| only.trim() == "0")
}

fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
