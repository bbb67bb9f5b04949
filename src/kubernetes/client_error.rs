//! What is said of an error of the Kubernetes client.

/// The error in words that are fit for a log, an Event and a page that anybody may read: what a plugin has printed that was to
/// bring credentials is left out, for they may be in it.
#[must_use]
pub fn shown(error: &kube::Error) -> String {
    match error {
        kube::Error::Auth(_) => {
            "the credentials of the kubeconfig or of the ServiceAccount cannot be had; check with `kubectl auth whoami`"
                .to_owned()
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[tokio::test]
    async fn what_a_plugin_prints_is_not_repeated() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let kubeconfig = "{clusters: [{name: a, cluster: {server: \"http://127.0.0.1:1\"}}], contexts: [{name: a, context: \
             {cluster: a, user: a}}], current-context: a, users: [{name: a, user: {exec: {apiVersion: \
             client.authentication.k8s.io/v1, command: sh, args: [-c, \"echo s3cret >&2; exit 1\"], interactiveMode: Never}}}]}";
        let kubeconfig = kube::config::Kubeconfig::from_yaml(kubeconfig).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        let Err(error) = kube::Client::try_from(config) else { panic!("the plugin has failed") };
        assert!(format!("{error:?}").contains("Auth"), "{error:?}");
        assert!(!shown(&error).contains("s3cret"), "{}", shown(&error));
    }
}
