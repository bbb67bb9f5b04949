//! Starting etcd and kube-apiserver, and knowing when they are ready.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep};

use crate::process::Process;
use crate::{Error, kubeconfig};

/// How long each server may take to get ready. It takes seconds on an idle machine; this is for one that builds and runs
/// a dozen control planes at the same time.
const PATIENCE: Duration = Duration::from_mins(3);

/// How often a server that starts is looked at: short beside the seconds it takes, long beside what a look costs.
const LOOK: Duration = Duration::from_millis(50);

/// etcd's Unix sockets, as URLs relative to the folder it runs in. etcd takes them only in the form `HOST:PORT`.
const CLIENT_SOCKET: &str = "client:1";
const PEER_SOCKET: &str = "peer:1";

/// Namespaces that the API server creates by itself, though only after it calls itself ready.
const NAMESPACES: [&str; 2] = ["default", "kube-system"];

/// Where an API server at this address is reached.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("https://{address}")
}

/// The key pair that signs `ServiceAccount` tokens, and the file of the administrator's token.
pub(crate) fn write_secrets(folder: &Path, admin_token: &str) -> Result<(), Error> {
    let key = rcgen::KeyPair::generate()?;
    let files = [
        ("service-account.key", key.serialize_pem()),
        ("service-account.pub", key.public_key_pem()),
        ("tokens.csv", format!("{admin_token},admin,admin,\"system:masters\"\n")),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(Error::io(format!("writing {}", path.display())))?;
    }
    Ok(())
}

/// A TCP port on loopback that nobody else is given: it stays bound for as long as the socket lives, without listening,
/// and the API server may share it because both ask to.
pub(crate) fn reserve_port() -> std::io::Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Starts etcd and returns once its socket is there.
pub(crate) async fn start_etcd(binaries: &Path, folder: &Path) -> Result<Process, Error> {
    let (client, peer) = (format!("unix://{CLIENT_SOCKET}"), format!("unix://{PEER_SOCKET}"));
    let flags = [
        // What a crash of the machine would lose is of no use to anybody.
        "--unsafe-no-fsync".to_owned(),
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
    ];
    let mut etcd = Process::start("etcd", &binaries.join("etcd"), folder, &flags)?;
    let deadline = Instant::now() + PATIENCE;
    while !folder.join(CLIENT_SOCKET).exists() {
        pause(&mut etcd, deadline, || "it has not opened its socket".to_owned()).await?;
    }
    Ok(etcd)
}

/// Starts the API server on an address that is reserved; whether it is ready is for [`wait_for_api`].
pub(crate) fn start_api_server(
    binaries: &Path,
    folder: &Path,
    address: SocketAddr,
    further: Vec<String>,
) -> Result<Process, Error> {
    let flags = [api_flags(address), further].concat();
    Process::start("kube-apiserver", &binaries.join("kube-apiserver"), folder, &flags)
}

fn api_flags(address: SocketAddr) -> Vec<String> {
    vec![
        format!("--etcd-servers=unix://{CLIENT_SOCKET}"),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--service-account-key-file=service-account.pub".to_owned(),
        "--service-account-signing-key-file=service-account.key".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
        "--token-auth-file=tokens.csv".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        // It wants a default account in every namespace, which the controller manager would create.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        format!("--secure-port={}", address.port()),
        format!("--bind-address={}", address.ip()),
        format!("--advertise-address={}", address.ip()),
        "--permit-port-sharing".to_owned(),
        // Loopback is no address for the endpoints of the kubernetes Service, and nobody looks at those here.
        "--endpoint-reconciler-type=none".to_owned(),
        "--cert-dir=certificates".to_owned(),
    ]
}

/// Returns what to trust and an administrator's client once the API server is ready for both.
pub(crate) async fn wait_for_api(
    api_server: &mut Process,
    folder: &Path,
    address: SocketAddr,
    admin_token: &str,
) -> Result<(String, Client), Error> {
    let deadline = Instant::now() + PATIENCE;
    // It listens only once its certificate is written, so that what is read then is whole.
    while TcpStream::connect(address).await.is_err() {
        pause(api_server, deadline, || "it does not listen".to_owned()).await?;
    }
    let path = folder.join("certificates/apiserver.crt");
    let chain = fs::read_to_string(&path).map_err(Error::io(format!("reading {}", path.display())))?;
    let ca_pem = issuer(&chain).to_owned();
    let client = kubeconfig::client(&kubeconfig::with_token(&url(address), &ca_pem, admin_token)).await?;
    while let Err(error) = ready(&client).await {
        pause(api_server, deadline, || error.to_string()).await?;
    }
    Ok((ca_pem, client))
}

/// The last certificate of the chain. The API server issues its own from a new authority and writes that one behind it.
fn issuer(chain_pem: &str) -> &str {
    let start = chain_pem.rfind("-----BEGIN CERTIFICATE-----").unwrap_or_default();
    chain_pem.get(start..).unwrap_or_default()
}

/// Whether the API server calls itself ready and has created its namespaces; an error says what is missing.
async fn ready(client: &Client) -> Result<(), Error> {
    let request = http::Request::get("/readyz").body(Vec::new()).map_err(kube::Error::HttpError);
    let doing = "reading /readyz";
    client.request_text(request.map_err(Error::api(doing))?).await.map_err(Error::api(doing))?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for name in NAMESPACES {
        namespaces.get(name).await.map_err(Error::api(format!("reading the namespace {name}")))?;
    }
    Ok(())
}

/// Waits a moment, unless the server has ended or its time is up.
async fn pause(process: &mut Process, deadline: Instant, waited_for: impl FnOnce() -> String) -> Result<(), Error> {
    if let Some(status) = process.ended()? {
        return Err(Error::Ended { server: process.name(), status, log: process.log_tail() });
    }
    if Instant::now() >= deadline {
        return Err(Error::NotReady {
            server: process.name(),
            after: PATIENCE,
            waited_for: waited_for(),
            log: process.log_tail(),
        });
    }
    sleep(LOOK).await;
    Ok(())
}
