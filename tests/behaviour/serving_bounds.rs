//! Clients that are many, slow, broken or hostile cost little and keep nobody else out.

use std::time::{Duration, Instant};

use packet_cloud_controller_manager::config::{CertificateFiles, ServingSettings, TlsVersion};
use packet_cloud_controller_manager::serving::bounds::{HANDSHAKE_TIME, STOP_TIME};
use packet_cloud_controller_manager::serving::{Listening, ServingError};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::served::{Reviewer, Served, client, connect};
use crate::support::until;

/// A request of HTTP/2 for `/healthz`, and the reset of its stream (RFC 9113 §4.1, RFC 7541 §B).
fn http_2_request(stream: u8, ends_in_reset: bool) -> Vec<u8> {
    let mut head = vec![0x82, 0x87, 0x04, 8];
    head.extend(b"/healthz");
    head.extend([0x41, 1, b'a']);
    let length = u8::try_from(head.len()).unwrap();
    let mut frames = [&[0, 0, length, 1, 5, 0, 0, 0, stream], head.as_slice()].concat();
    if ends_in_reset {
        frames.extend([0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, 8]);
    }
    frames
}

const HTTP_2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Why a connection of HTTP/2 ends (RFC 9113 §7).
const NO_ERROR: u8 = 0;
const ENHANCE_YOUR_CALM: u8 = 11;

/// The reasons in the goodbyes of what a server of HTTP/2 sent.
fn goodbyes(mut sent: &[u8]) -> Vec<u8> {
    let mut reasons = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = sent {
        if let (7, Some(reason)) = (*kind, rest.get(7)) {
            reasons.push(*reason);
        }
        let length = (usize::from(*a) << 16) + (usize::from(*b) << 8) + usize::from(*c);
        sent = rest.get(length..).unwrap_or_default();
    }
    reasons
}

async fn is_healthy(served: &Served) {
    let probe = tokio::time::timeout(Duration::from_secs(20), served.get("/healthz", None));
    assert_eq!(probe.await.unwrap(), (200, "ok".to_owned()));
}

#[tokio::test]
async fn idle_connections_keep_no_probe_out() {
    let served = Reviewer::start().await.serve(|_| {}).await;
    let (begun, mut idle) = (Instant::now(), Vec::new());
    for _ in 0..600 {
        idle.push(TcpStream::connect(served.address).await.unwrap());
    }
    is_healthy(&served).await;
    for stream in &mut idle[..60] {
        *stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(b"\x16\x03\x01").await.unwrap();
    }
    is_healthy(&served).await;
    // They make room for one another, too.
    let mut first = [0];
    let ended = idle[100].read(&mut first).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert!(begun.elapsed() < HANDSHAKE_TIME, "it ended by itself");
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_told_so_and_disturbs_nobody() {
    let served = Reviewer::start().await.serve(|_| {}).await;
    let mut plain = TcpStream::connect(served.address).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(String::from_utf8_lossy(&answer).contains("Client sent an HTTP request to an HTTPS server."));
    for garbage in [b"\x16\x03\x01\xff\xffgarbage".as_slice(), b"\0\0\0\0", b"\xff", b"ssh-2.0", b""] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(&garbage.repeat(1000)).await.unwrap_or_default();
    }
    let mut stream = connect(served.address, &[&TLS13], b"http/1.1").await.unwrap();
    stream.write_all(b"\x00\x01nonsense\r\n\r\n").await.unwrap();
    answer.clear();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 400 "));
    is_healthy(&served).await;
}

#[tokio::test]
async fn tls_1_2_is_spoken_unless_the_settings_say_no() {
    let reviewer = Reviewer::start().await;
    let served = reviewer.serve(|_| {}).await;
    assert!(connect(served.address, &[&TLS12], b"h2").await.is_ok());
    let strict = reviewer.serve(|settings| settings.min_version = TlsVersion::Tls13).await;
    let error = connect(strict.address, &[&TLS12], b"h2").await.unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    assert!(connect(strict.address, &[&TLS13], b"h2").await.is_ok());
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    let served = Reviewer::start().await.serve(|_| {}).await;
    for (client, version) in [
        (client(|builder| builder), http::Version::HTTP_2),
        (client(reqwest::ClientBuilder::http1_only), http::Version::HTTP_11),
    ] {
        let response = client.get(served.url("/healthz")).send().await.unwrap();
        assert_eq!((response.version(), response.status().as_u16()), (version, 200));
    }
}

#[tokio::test]
async fn strangers_get_one_answer_from_a_connection_of_http_2() {
    let served = Reviewer::start().await.serve(|_| {}).await;
    let mut stream = connect(served.address, &[&TLS13], b"h2").await.unwrap();
    stream.write_all(&[HTTP_2_PREFACE, &http_2_request(1, false)].concat()).await.unwrap();
    let mut answer = vec![0; 4096];
    let mut heard = 0;
    while goodbyes(&answer[..heard]) != [NO_ERROR] {
        let more = stream.read(&mut answer[heard..]).await.unwrap();
        assert!(more > 0, "the connection ended without a goodbye");
        heard += more;
    }
}

#[tokio::test]
async fn a_flood_of_resets_ends_its_own_connection_only() {
    let served = Reviewer::start().await.serve(|_| {}).await;
    let mut stream = connect(served.address, &[&TLS13], b"h2").await.unwrap();
    let flood: Vec<u8> = (0..120).flat_map(|number| http_2_request(2 * number + 1, true)).collect();
    let _ = stream.write_all(&[HTTP_2_PREFACE, &flood].concat()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(goodbyes(&answer), [ENHANCE_YOUR_CALM]);
    is_healthy(&served).await;
}

#[tokio::test]
async fn clients_that_take_their_time_take_no_place() {
    let served = Reviewer::start().await.serve(|_| {}).await;
    let mut slow = Vec::new();
    for _ in 0..80 {
        let mut stream = connect(served.address, &[&TLS13], b"http/1.1").await.unwrap();
        stream.write_all(b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\nabc").await.unwrap();
        slow.push(stream);
    }
    is_healthy(&served).await;
    for _ in 0..10 {
        // Not a byte of a body may be sent to this client.
        let mut stream = connect(served.address, &[&TLS13], b"h2").await.unwrap();
        let preface = [&HTTP_2_PREFACE[..24], &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]].concat();
        let requests: Vec<u8> = (0..16).flat_map(|number| http_2_request(2 * number + 1, false)).collect();
        stream.write_all(&[preface, requests].concat()).await.unwrap();
        let mut heard = [0; 512];
        assert!(stream.read(&mut heard).await.unwrap() > 0);
        slow.push(stream);
    }
    let is_asked = || served.access.counts().authorization.open.get() > 160;
    until("all of them to be answered", || is_asked().then_some(())).await;
    is_healthy(&served).await;
}

#[tokio::test]
async fn reviews_that_hang_keep_no_probe_out_and_are_bounded() {
    let reviewer = Reviewer::start().await;
    reviewer.learn(|knowledge| knowledge.delay = Duration::from_secs(5));
    let served = reviewer.serve(|_| {}).await;
    let (first, second) = (client(reqwest::ClientBuilder::http1_only), client(reqwest::ClientBuilder::http1_only));
    let hanging = futures::future::join_all((0..64).map(|_| served.get_by(&first, "/metrics", None)));
    let beside = async {
        let is_full = || served.access.counts().authentication.anonymous.get() >= 64;
        until("all places to be taken", || is_full().then_some(())).await;
        let response = second.get(served.url("/metrics")).send().await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"1".parse().unwrap()));
        is_healthy(&served).await;
    };
    let (answers, ()) = tokio::join!(hanging, beside);
    assert!(answers.iter().all(|(status, _)| *status == 403));
    assert_eq!(reviewer.access_reviews(), 1);
}

#[tokio::test]
async fn open_requests_are_answered_before_the_end() {
    let reviewer = Reviewer::start().await;
    reviewer.allow("system:anonymous", "get", "/slow");
    let mut served = reviewer.serve(|_| {}).await;
    let (client, url) = (client(|builder| builder), served.url("/slow"));
    let idle = connect(served.address, &[&TLS13], b"http/1.1").await.unwrap();
    let silent = TcpStream::connect(served.address).await.unwrap();
    let open = tokio::spawn(async move { client.get(url).send().await.unwrap().status() });
    let is_open = || served.access.counts().authorization.allowed.get() > 0;
    until("the request to be under way", || is_open().then_some(())).await;
    let stopping = Instant::now();
    served.stop();
    assert_eq!(open.await.unwrap(), 200);
    let address = served.address;
    served.stopped().await;
    assert!(stopping.elapsed() < STOP_TIME, "those that are idle are waited for");
    assert!(TcpStream::connect(address).await.is_err());
    drop((idle, silent));
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_at_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let settings = ServingSettings {
        address: address.ip(),
        port: std::num::NonZeroU16::new(address.port()),
        ..ServingSettings::default()
    };
    let error = Listening::bind(&settings).await.unwrap_err();
    assert!(matches!(error, ServingError::Bind { .. }));
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("Address already in use"), "{text}");
    assert!(Listening::bind(&ServingSettings { port: None, ..settings }).await.unwrap().is_none());
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let make = || {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate, key.serialize_pem())
    };
    let (first, key) = make();
    std::fs::write(at("tls.crt"), first.pem()).unwrap();
    std::fs::write(at("tls.key"), key).unwrap();
    let files = CertificateFiles { chain: at("tls.crt"), key: at("tls.key") };
    let served = Reviewer::start().await.serve(|settings| settings.certificate = Some(files)).await;
    let before = connect(served.address, &[&TLS13], b"http/1.1").await.unwrap();
    assert_eq!(before.get_ref().1.peer_certificates().unwrap()[0], *first.der());

    let (second, key) = make();
    std::fs::write(at("tls.crt"), second.pem()).unwrap();
    until("the half that is missing to be noticed", || served.certificate.state().reload_error).await;
    std::fs::write(at("tls.key"), key).unwrap();
    until("the pair to be whole", || served.certificate.state().reload_error.is_none().then_some(())).await;
    let after = connect(served.address, &[&TLS13], b"http/1.1").await.unwrap();
    assert_eq!(after.get_ref().1.peer_certificates().unwrap()[0], *second.der());
    drop(before);
}
