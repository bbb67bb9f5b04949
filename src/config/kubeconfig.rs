//! Reading a kubeconfig.

use std::net::IpAddr;
use std::path::Path;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

/// What a kubeconfig says of its current context, with that API server in place of its own where one is given, and what
/// `HTTPS_PROXY` and `NO_PROXY` say of the way there.
///
/// # Errors
/// Why it cannot be used. Nothing that is in the file is repeated but names.
pub async fn read(file: &Path, master: Option<Uri>) -> Result<Config, String> {
    let kubeconfig = Kubeconfig::read_from(file).map_err(said)?;
    let names_proxy = names_proxy(&kubeconfig);
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(said)?;
    if let Some(master) = master {
        config.cluster_url = master;
    }
    // kube 5.0 compares NO_PROXY with the proxy's own host; client-go, as everybody else, with the server's.
    if !names_proxy {
        let server = &config.cluster_url;
        let is_proxied = !is_this_machine(server) && Matcher::from_env().intercept(server).is_some();
        config.proxy_url = config.proxy_url.filter(|_| is_proxied);
    }
    Ok(config)
}

/// Whether a server is on this machine, to which no proxy leads (Go's `net/http`, `ProxyFromEnvironment`).
fn is_this_machine(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether the cluster of the current context has a `proxy-url`, which goes before the environment's.
fn names_proxy(kubeconfig: &Kubeconfig) -> bool {
    let context = kubeconfig.contexts.iter().find(|context| Some(&context.name) == kubeconfig.current_context.as_ref());
    let name = context.and_then(|context| context.context.as_ref()).map(|context| &context.cluster);
    let cluster = kubeconfig.clusters.iter().find(|cluster| Some(&cluster.name) == name);
    let proxy = cluster.and_then(|cluster| cluster.cluster.as_ref()?.proxy_url.as_ref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

fn said(error: KubeconfigError) -> String {
    match error {
        // Its text shows the lines around the fault, where the token is.
        KubeconfigError::Parse(_) => "it is no kubeconfig in YAML".to_owned(),
        KubeconfigError::ParseNoProxy(reason) => {
            format!(
                "NO_PROXY has hosts, addresses and networks, separated by single commas, and this one is not taken: {reason}"
            )
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_is_broken_shows_no_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    token: s3cret\n   client: [\n";
        std::fs::write(file.path(), text).unwrap();
        let error = read(file.path(), None).await.unwrap_err();
        assert!(!error.contains("s3cret") && error.contains("no kubeconfig"), "{error}");
    }

    #[test]
    fn only_the_proxy_of_the_current_context_goes_before_the_environments() {
        let kubeconfig = |current: &str| {
            let text = json!({
                "current-context": current,
                "contexts": [
                    { "name": "by-proxy", "context": { "cluster": "far", "user": "u" } },
                    { "name": "directly", "context": { "cluster": "near", "user": "u" } },
                ],
                "clusters": [
                    { "name": "near", "cluster": { "server": "https://near" } },
                    { "name": "far", "cluster": { "server": "https://far", "proxy-url": "http://proxy:3128" } },
                ],
            });
            serde_json::from_value::<Kubeconfig>(text).unwrap()
        };
        assert!(names_proxy(&kubeconfig("by-proxy")));
        assert!(!names_proxy(&kubeconfig("directly")) && !names_proxy(&kubeconfig("nowhere")));
    }

    #[test]
    fn no_proxy_leads_to_this_machine() {
        for url in ["https://localhost:6443", "https://127.0.0.1:6443", "http://[::1]:8080"] {
            assert!(is_this_machine(&url.parse().unwrap()), "{url}");
        }
        assert!(!is_this_machine(&"https://192.0.2.1:6443".parse().unwrap()));
    }
}
