//! Reading a kubeconfig.

use std::path::Path;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

/// What a kubeconfig says of its current context.
///
/// # Errors
/// Why it cannot be used. Nothing that is in the file is repeated but names.
pub async fn read(file: &Path) -> Result<Config, String> {
    let kubeconfig = Kubeconfig::read_from(file).map_err(said)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(said)
}

fn said(error: KubeconfigError) -> String {
    match error {
        // Its text shows the lines around the fault, where the token is.
        KubeconfigError::Parse(_) => "it is no kubeconfig in YAML".to_owned(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[tokio::test]
    async fn what_is_broken_shows_no_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    token: s3cret\n   client: [\n";
        std::fs::write(file.path(), text).unwrap();
        let error = read(file.path()).await.unwrap_err();
        assert!(!error.contains("s3cret") && error.contains("no kubeconfig"), "{error}");
    }
}
