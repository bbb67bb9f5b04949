//! A host that reaches the API server and the Packet API through an HTTP proxy alone, as `HTTPS_PROXY` says.

use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::time::timeout;

use crate::program::program;

/// Nobody's address (RFC 5737), so that nothing is reached on any other way.
const API_SERVER: &str = "192.0.2.1:6443";
/// Longer than anything takes that works, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A proxy that takes connections and answers none.
struct Proxy(TcpListener);

impl Proxy {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// What it is asked for first: the host and port of one tunnel.
    async fn asked_for(&self) -> String {
        let first = async {
            let (connection, _) = self.0.accept().await.unwrap();
            let mut line = String::new();
            BufReader::new(connection).read_line(&mut line).await.unwrap();
            line
        };
        let line = timeout(PATIENCE, first).await.expect("the proxy is asked");
        line.strip_prefix("CONNECT ").and_then(|rest| rest.split_whitespace().next()).expect(&line).to_owned()
    }

    /// The program on a host that knows only this proxy, with a kubeconfig.
    fn start_program(&self, folder: &TempDir, no_proxy: &str) -> Child {
        let kubeconfig = folder.path().join("kubeconfig");
        let cluster = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: 'https://{API_SERVER}'}}}}], \
             users: [{{name: u, user: {{token: t}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}"
        );
        std::fs::write(&kubeconfig, cluster).unwrap();
        let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
        let mut command = program(&["--cloud-provider=packet", &kubeconfig, "--leader-elect=false", "--secure-port=0"]);
        command.env("METAL_API_KEY", "t").env("METAL_PROJECT_ID", "00000000-0000-0000-0000-000000000000");
        command.env("METAL_BASE_URL", "https://packet.example/metal/v1/");
        command.env("HTTPS_PROXY", format!("http://{}", self.0.local_addr().unwrap())).env("NO_PROXY", no_proxy);
        command.spawn().unwrap()
    }
}

#[tokio::test]
async fn the_api_server_is_asked_through_the_proxy() {
    let (proxy, folder) = (Proxy::start().await, tempfile::tempdir().unwrap());
    let _program = proxy.start_program(&folder, "packet.example");
    assert_eq!(proxy.asked_for().await, API_SERVER);
}

#[tokio::test]
async fn the_packet_api_is_asked_through_the_proxy_and_the_api_server_is_not_where_no_proxy_names_it() {
    let (proxy, folder) = (Proxy::start().await, tempfile::tempdir().unwrap());
    let _program = proxy.start_program(&folder, "192.0.2.1");
    assert_eq!(proxy.asked_for().await, "packet.example:443");
}
