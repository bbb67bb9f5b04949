//! Helm, which Go builds once, and the chart of `deploy/`.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

pub(crate) const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/helm/packet-cloud-controller-manager");
const FIND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/helm/helm.sh");

/// What makes the chart the same as the files of `deploy/template/`.
pub(crate) const AS_DELIVERED: &[&str] = &["--set=credentials.existingSecret=packet-cloud-config"];
/// All values that go together, and each another than its default.
pub(crate) const EVERYTHING: &[&str] =
    &[concat!("--values=", env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/chart-everything.yaml")];

/// Where helm is, see `tests/helm/helm.sh`.
pub(crate) fn binary() -> &'static str {
    static HELM: OnceLock<String> = OnceLock::new();
    HELM.get_or_init(|| {
        let found = Command::new(FIND)
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("helm").join("helm"))
            .output()
            .unwrap();
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        String::from_utf8(found.stdout).unwrap().trim().to_owned()
    })
}

/// What helm prints, or what it has against it.
pub(crate) fn helm(arguments: &[&str]) -> Result<String, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("helm");
    let output = Command::new(binary())
        .args(arguments)
        // Neither the plugins nor the cluster of whoever runs the tests.
        .env("HELM_CACHE_HOME", home.join("cache"))
        .env("HELM_CONFIG_HOME", home.join("config"))
        .env("HELM_DATA_HOME", home.join("data"))
        .env_remove("KUBECONFIG")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// The chart as YAML, with those values.
pub(crate) fn template(values: &[&str]) -> Result<String, String> {
    helm(&[&["template", "ccm", CHART, "--namespace=kube-system"], values].concat())
}

/// The objects of a YAML text.
pub(crate) fn objects(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// The objects of the chart with those values.
pub(crate) fn rendered(values: &[&str]) -> Vec<Value> {
    objects(&template(values).unwrap())
}

/// The only object of that kind.
pub(crate) fn the<'a>(kind: &str, objects: &'a [Value]) -> &'a Value {
    let mut of_kind = objects.iter().filter(|object| object["kind"] == kind);
    let found = of_kind.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(of_kind.next().is_none(), "more than one {kind}");
    found
}
