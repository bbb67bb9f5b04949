//! The program's own server with routes of a test, and the API server that reviews for it.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderMap, header};
use packet_cloud_controller_manager::config::ServingSettings;
use packet_cloud_controller_manager::serving::{Access, Listening, ServerCertificate, ServingError, User};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const TOKEN_REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const CONFIG_MAP: &str = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

/// What the API server knows.
#[derive(Default)]
pub(crate) struct Knowledge {
    /// The user and groups of each token.
    pub(crate) tokens: HashMap<&'static str, (&'static str, Vec<&'static str>)>,
    /// Who may do what where.
    pub(crate) allowed: HashSet<(&'static str, &'static str, &'static str)>,
    /// The authority of client certificates.
    pub(crate) client_ca: Option<String>,
    /// Whether it refuses to review anything.
    pub(crate) forbids_reviews: bool,
    /// How long it takes.
    pub(crate) delay: Duration,
}

/// A review that was asked for.
pub(crate) type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// An API server that does nothing but review.
pub(crate) struct Reviewer {
    pub(crate) server: MockServer,
    pub(crate) knowledge: Arc<Mutex<Knowledge>>,
    asked: Asked,
}

struct Answers {
    knowledge: Arc<Mutex<Knowledge>>,
    asked: Asked,
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let knowledge = self.knowledge.lock().unwrap();
        let mut body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let path = request.url.path();
        self.asked.lock().unwrap().push((path.to_owned(), body.clone()));
        let kind = path.rsplit('/').next().unwrap_or_default();
        if knowledge.forbids_reviews && path != CONFIG_MAP {
            let message = format!("{kind} is forbidden: User \"ccm\" cannot create resource \"{kind}\"");
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "Forbidden", "code": 403});
            return ResponseTemplate::new(403).set_body_json(status);
        }
        body["status"] = match path {
            TOKEN_REVIEWS => match knowledge.tokens.get(body["spec"]["token"].as_str().unwrap()) {
                Some((user, groups)) => json!({"authenticated": true, "user": {"username": user, "groups": groups}}),
                None => json!({"authenticated": false, "error": "invalid bearer token"}),
            },
            ACCESS_REVIEWS => {
                let (spec, text) = (&body["spec"], |value: &Value| value.as_str().unwrap().to_owned());
                let attributes = &spec["nonResourceAttributes"];
                let wanted = (text(&spec["user"]), text(&attributes["verb"]), text(&attributes["path"]));
                let is = |rule: &(&str, &str, &str)| *rule == (&*wanted.0, &*wanted.1, &*wanted.2);
                json!({"allowed": knowledge.allowed.iter().any(is)})
            }
            CONFIG_MAP if knowledge.client_ca.is_some() => {
                let map = json!({"metadata": {"name": "extension-apiserver-authentication"}, "data": {"client-ca-file": knowledge.client_ca}});
                return ResponseTemplate::new(200).set_body_json(map);
            }
            _ => return ResponseTemplate::new(404).set_body_json(
                json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}),
            ),
        };
        ResponseTemplate::new(201).set_body_json(body).set_delay(knowledge.delay)
    }
}

impl Reviewer {
    /// One that knows a Prometheus, which may read /metrics, and somebody who may not.
    pub(crate) async fn start() -> Self {
        let knowledge = Knowledge {
            tokens: HashMap::from([
                ("of-prometheus", ("prometheus", vec!["monitoring"])),
                ("of-nobody", ("nobody", vec![])),
                ("of-admin", ("admin", vec!["system:masters"])),
            ]),
            allowed: HashSet::from([("prometheus", "get", "/metrics")]),
            ..Knowledge::default()
        };
        let (server, knowledge, asked) = (MockServer::start().await, Arc::new(Mutex::new(knowledge)), Asked::default());
        let answers = Answers { knowledge: knowledge.clone(), asked: asked.clone() };
        Mock::given(any()).respond_with(answers).mount(&server).await;
        Self { server, knowledge, asked }
    }

    /// Changes what it knows.
    pub(crate) fn learn(&self, change: impl FnOnce(&mut Knowledge)) {
        change(&mut self.knowledge.lock().unwrap());
    }

    /// Lets a user do something somewhere.
    pub(crate) fn allow(&self, user: &'static str, verb: &'static str, path: &'static str) {
        self.learn(|knowledge| {
            knowledge.allowed.insert((user, verb, path));
        });
    }

    pub(crate) fn token_reviews(&self) -> usize {
        self.count(TOKEN_REVIEWS)
    }

    pub(crate) fn access_reviews(&self) -> usize {
        self.count(ACCESS_REVIEWS)
    }

    /// What it was asked last about access.
    pub(crate) fn last_access_review(&self) -> Value {
        let asked = self.asked.lock().unwrap();
        asked.iter().rev().find(|(path, _)| path == ACCESS_REVIEWS).unwrap().1["spec"].clone()
    }

    pub(crate) fn looked_up_authority(&self) -> usize {
        self.count(CONFIG_MAP)
    }

    fn count(&self, wanted: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(path, _)| path == wanted).count()
    }

    /// Starts a server that it reviews for.
    pub(crate) async fn serve(&self, change: impl FnOnce(&mut ServingSettings)) -> Served {
        let _ = default_provider().install_default();
        let config = kube::Config::new(self.server.uri().parse().unwrap());
        Served::start(&kube::Client::try_from(config).unwrap(), change).await
    }
}

/// The server.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) access: Arc<Access>,
    pub(crate) certificate: Arc<ServerCertificate>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServingError>>,
}

impl Served {
    pub(crate) async fn start(cluster: &kube::Client, change: impl FnOnce(&mut ServingSettings)) -> Self {
        let mut settings = ServingSettings::default();
        change(&mut settings);
        let routes = Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/metrics", get(|| async { "metrics" }).put(|| async { "put" }))
            .route("/slow", get(|| async { tokio::time::sleep(Duration::from_millis(500)).await }))
            .route("/whoami", get(whoami));
        let access = Arc::new(Access::new(&settings, cluster).await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listening = Listening::on(listener, &settings).unwrap();
        let (address, certificate) = (listening.local_addr().unwrap(), listening.certificate());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = listening.serve(routes, access.clone(), async move {
            let _ = stopped.await;
        });
        Self { address, access, certificate, stop: Some(stop), task: tokio::spawn(served) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// The status and body of what a client without a certificate gets.
    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        self.get_by(&client(|builder| builder), path, token).await
    }

    pub(crate) async fn get_by(&self, client: &reqwest::Client, path: &str, token: Option<&str>) -> (u16, String) {
        let mut request = client.get(self.url(path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Tells it to stop.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until it has.
    pub(crate) async fn stopped(self) {
        self.task.await.unwrap().unwrap();
    }
}

async fn whoami(Extension(user): Extension<Arc<User>>, headers: HeaderMap) -> String {
    assert!(!headers.contains_key(header::AUTHORIZATION), "a route sees the token");
    format!("{} of {}", user.name, user.groups.join(","))
}

/// A client that trusts any server.
pub(crate) fn client(change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> reqwest::Client {
    let _ = default_provider().install_default();
    change(reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy()).build().unwrap()
}

/// A connection over TLS with nothing on it yet.
pub(crate) async fn connect(
    address: SocketAddr,
    versions: &[&'static SupportedProtocolVersion],
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let config =
        ClientConfig::builder_with_provider(Arc::new(default_provider())).with_protocol_versions(versions).unwrap();
    let mut config = config.dangerous().with_custom_certificate_verifier(Arc::new(Anyone)).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// Takes anybody for the server.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
