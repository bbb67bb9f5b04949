//! One of the two servers: how it is asked, and what it said, freed of what differs from run to run.

mod normal;

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube_api_server::{Server, Store};
use reqwest::Client;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::script::{Action, Step};
use normal::Normalizer;

/// How long kube-apiserver may take to learn of a compaction.
const COMPACTION_NOTICED: Duration = Duration::from_mins(1);

/// What a server said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) warnings: Vec<String>,
    /// One for an object, one for each event of a watch.
    pub(crate) bodies: Vec<Value>,
}

/// How a server's history is forgotten.
enum History {
    /// etcd's socket, which speaks HTTP as well.
    Etcd(PathBuf),
    Store(Store),
}

pub(crate) struct Side {
    client: Client,
    url: String,
    token: String,
    history: History,
    normalizer: Normalizer,
}

impl Side {
    pub(crate) async fn real(control_plane: &control_plane::ControlPlane) -> Side {
        // The first call decides; that it was made before is fine.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let certificate = reqwest::Certificate::from_pem(control_plane.ca_pem().as_bytes()).unwrap();
        let side = Side {
            client: client(Some(certificate)),
            url: control_plane.url(),
            token: control_plane.admin_token().to_owned(),
            history: History::Etcd(etcd_socket(control_plane.folder())),
            normalizer: Normalizer::default(),
        };
        // What the server writes about itself in its first seconds would come between the steps.
        while side.text("/readyz").await != "ok" {
            tokio::task::yield_now().await;
        }
        side
    }

    pub(crate) fn simulated(server: &Server) -> Side {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        Side {
            client: client(None),
            url: server.url(),
            token: String::new(),
            history: History::Store(server.store().clone()),
            normalizer: Normalizer::default(),
        }
    }

    /// Numbers uids and versions anew, so that one difference does not shift all that follow.
    pub(crate) fn begin_chapter(&mut self) {
        self.normalizer.renumber();
    }

    async fn text(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    pub(crate) async fn perform(&mut self, step: &Step) -> Answer {
        match &step.action {
            Action::Compact => {
                self.compact().await;
                Answer { status: 0, warnings: Vec::new(), bodies: Vec::new() }
            }
            Action::Request { method, path, body, content_type, accept } => {
                let url = format!("{}{}", self.url, self.normalizer.fill(path));
                let mut request = self.client.request(method.parse().unwrap(), url).bearer_auth(&self.token);
                request = request.header("Accept", *accept);
                if let Some(body) = body {
                    request = request.header("Content-Type", *content_type).body(self.normalizer.fill(body));
                }
                let response = match request.send().await {
                    Ok(response) => response,
                    Err(error) => panic!("{step}: {error}"),
                };
                let status = response.status().as_u16();
                let warnings = response.headers().get_all("Warning").iter();
                let warnings = warnings.map(|value| value.to_str().unwrap_or_default().to_owned()).collect();
                let text = response.text().await.unwrap_or_else(|error| panic!("{step}: {error}"));
                Answer { status, warnings, bodies: self.normalizer.read(step, &text) }
            }
        }
    }

    async fn compact(&self) {
        match &self.history {
            History::Store(store) => store.compact(),
            History::Etcd(socket) => {
                // kube-apiserver looks at this key to learn that etcd was compacted, every 15 s.
                let newest = self.normalizer.newest_version();
                let version = newest.to_string();
                let (key, value) = (STANDARD.encode("compact_rev_key"), STANDARD.encode(&version));
                post(socket, "/v3/kv/put", &format!("{{\"key\":\"{key}\",\"value\":\"{value}\"}}")).await;
                let body = format!("{{\"revision\":\"{version}\",\"physical\":true}}");
                post(socket, "/v3/kv/compaction", &body).await;
                let old = format!("/api/v1/nodes?resourceVersion={}&resourceVersionMatch=Exact", newest - 1);
                let noticed = async {
                    while !self.text(&old).await.contains("too old") {
                        tokio::task::yield_now().await;
                    }
                };
                let noticed = tokio::time::timeout(COMPACTION_NOTICED, noticed).await;
                assert!(noticed.is_ok(), "kube-apiserver has not noticed the compaction");
            }
        }
    }
}

fn client(certificate: Option<reqwest::Certificate>) -> Client {
    let mut builder = Client::builder().user_agent("script/1.0").no_proxy();
    if let Some(certificate) = certificate {
        builder = builder.tls_certs_only([certificate]);
    }
    builder.build().unwrap()
}

/// The socket that etcd's clients use; its name is its address.
fn etcd_socket(folder: &std::path::Path) -> PathBuf {
    let sockets = std::fs::read_dir(folder).unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let mut sockets: Vec<PathBuf> =
        sockets.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(':'))).collect();
    sockets.sort();
    sockets.into_iter().next().expect("etcd listens on a socket in the control plane's folder")
}

async fn post(socket: &std::path::Path, path: &str, body: &str) {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "etcd refuses {path}: {answer}");
}
