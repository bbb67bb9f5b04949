//! Kubeconfig files that lead to a control plane, and the clients that they make.

use k8s_openapi::ByteString;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

use crate::Error;

/// A kubeconfig, self-contained and in YAML, for the server at `url` that trusts only `ca_pem` and presents `token`.
pub(crate) fn with_token(url: &str, ca_pem: &str, token: &str) -> String {
    // A JSON string is a YAML string too, and is quoted whatever it holds.
    let (url, token) = (json!(url), json!(token));
    let ca = json!(ByteString(ca_pem.as_bytes().to_vec()));
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: control-plane
  cluster:
    server: {url}
    certificate-authority-data: {ca}
users:
- name: control-plane
  user:
    token: {token}
contexts:
- name: control-plane
  context:
    cluster: control-plane
    user: control-plane
current-context: control-plane
"
    )
}

/// A client that presents this kubeconfig.
pub(crate) async fn client(kubeconfig: &str) -> Result<Client, Error> {
    let mut config =
        Config::from_custom_kubeconfig(Kubeconfig::from_yaml(kubeconfig)?, &KubeConfigOptions::default()).await?;
    // A proxy that the environment names for the world outside has no business on loopback.
    config.proxy_url = None;
    Client::try_from(config).map_err(Error::api("making a client for the control plane"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn whatever_the_token_holds_comes_back_from_the_file() {
        let token = "a: \"b\" # c\n- d";
        let text = with_token("https://127.0.0.1:6443", "-----BEGIN CERTIFICATE-----\n", token);
        let read = serde_json::to_value(Kubeconfig::from_yaml(&text).unwrap().clusters).unwrap();
        assert_eq!(read[0]["cluster"]["server"], "https://127.0.0.1:6443");
        assert_eq!(read[0]["cluster"]["certificate-authority-data"], "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==");
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read["users"][0]["user"]["token"], token);
    }
}
