//! The manifests of both programs that this one replaces, with nothing changed but the image.
//!
//! A container is a process that sees files where its manifest mounts them: so is a process in a mount namespace of its own,
//! where the ServiceAccount's token and the Secret lie where a kubelet puts them.

use std::path::Path;
use std::process::Stdio;

use kube_api_server::NodeSpec;
use serde_json::json;
use tokio::process::Command;

use crate::operator::Operator;
use crate::program::{Running, program};
use crate::stage::{Stage, addresses, label, token_of};

const ACCESS: &str = include_str!("../fixtures/upstream-access.yaml");

/// Lays the files of a Pod out, from the folder `$1`, and becomes the program.
const POD: &str = r#"set -e
pod=$1; shift
cp -R /etc "$pod/etc" 2>/dev/null || true
if [ -d "$pod/cloud-sa" ]; then cp -R "$pod/cloud-sa" "$pod/etc/cloud-sa"; fi
mount --bind "$pod/etc" /etc
mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io
cp -R "$pod/serviceaccount" /run/secrets/kubernetes.io/serviceaccount
exec "$@""#;

/// A container as one of the two manifests has it.
struct Manifest {
    account: &'static str,
    arguments: &'static [&'static str],
    /// Its environment variables, by what they hold.
    token: Option<&'static str>,
    project: Option<&'static str>,
    /// Whether it mounts the Secret `cloud-sa.json`.
    has_secret: bool,
}

const PACKET_CCM: Manifest = Manifest {
    account: "packet-ccm",
    arguments: &[
        "--cloud-provider=packet",
        "--leader-elect=false",
        "--allow-untagged-cloud=true",
        "--authentication-skip-lookup=true",
    ],
    token: Some("PACKET_AUTH_TOKEN"),
    project: Some("PACKET_PROJECT_ID"),
    has_secret: false,
};

const EQUINIX_METAL: Manifest = Manifest {
    account: "cloud-provider-equinix-metal",
    arguments: &[
        "--cloud-provider=equinixmetal",
        "--leader-elect=true",
        "--authentication-skip-lookup=true",
        "--cloud-config=/etc/cloud-sa/cloud-sa.json",
    ],
    token: None,
    project: None,
    has_secret: true,
};

impl Manifest {
    /// Starts the container. All that is not of the manifest is where the simulated Packet API is.
    async fn start(&self, stage: &Stage) -> Running {
        let pod = stage.folder.path().join(self.account);
        let account = pod.join("serviceaccount");
        std::fs::create_dir_all(&account).unwrap();
        let kubeconfig = stage.kubeconfig_of(self.account).await;
        std::fs::write(account.join("token"), token_of(&kubeconfig)).unwrap();
        std::fs::write(account.join("namespace"), "kube-system").unwrap();
        std::fs::write(account.join("ca.crt"), stage.cluster.ca_pem()).unwrap();
        if self.has_secret {
            let settings = json!({"apiKey": stage.packet.token(), "projectID": stage.packet.project_id(), "base-url": stage.packet.url()});
            std::fs::create_dir(pod.join("cloud-sa")).unwrap();
            std::fs::write(pod.join("cloud-sa/cloud-sa.json"), settings.to_string()).unwrap();
        }
        let server = stage.cluster.url();
        let (host, port) = server.trim_start_matches("https://").split_once(':').unwrap();
        let mut command = if can_lay_out_files().await {
            in_pod(&pod, self.arguments)
        } else {
            println!("this system gives no mount namespaces, so the files of the Pod are named by flags");
            let kubeconfig_path = pod.join("kubeconfig");
            std::fs::write(&kubeconfig_path, &kubeconfig).unwrap();
            let kubeconfig = format!("--kubeconfig={}", kubeconfig_path.display());
            let moved =
                |argument: &&str| argument.replace("/etc/cloud-sa", &pod.join("cloud-sa").display().to_string());
            let arguments: Vec<_> = self.arguments.iter().map(moved).chain([kubeconfig]).collect();
            program(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        };
        command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port);
        if let (Some(token), Some(project)) = (self.token, self.project) {
            command.env(token, stage.packet.token()).env(project, stage.packet.project_id().to_string());
            command.env("PACKET_BASE_URL", stage.packet.url());
        }
        Running::start(command, &stage.log())
    }
}

/// Whether a process may see files elsewhere than they are.
async fn can_lay_out_files() -> bool {
    let tried = Command::new("unshare").args(["--mount", "--map-root-user", "true"]).output().await;
    tried.is_ok_and(|output| output.status.success())
}

/// The program in a Pod with the files of that folder.
fn in_pod(pod: &Path, arguments: &[&str]) -> Command {
    let plain = program(arguments);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", POD, "sh"]).arg(pod).arg(plain.as_std().get_program());
    command.args(arguments).kill_on_drop(true).stdin(Stdio::null());
    for (variable, value) in plain.as_std().get_envs() {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    command
}

/// The program as `manifest` starts it initialises Nodes, is well, and ends when it is told to.
async fn works(manifest: &Manifest, region: &str, provider_id: &str) {
    let stage = Stage::set(100).await;
    stage.cluster.apply(ACCESS).await.unwrap();
    let devices = stage.packet.store().create_devices(3, "node-");
    stage.register(devices.iter().map(|device| NodeSpec::new(&device.hostname))).await;
    let running = manifest.start(&stage).await;
    for node in stage.initialised(&[]).await {
        let id = node.spec.as_ref().unwrap().provider_id.clone().unwrap();
        assert!(id.starts_with(provider_id), "{id}");
        assert_eq!(label(&node, "topology.kubernetes.io/region"), region);
        assert_eq!(addresses(&node).len(), 3);
    }
    // The manifests say nothing of a port, so it is the one that probes and monitors have always asked.
    let operator = Operator::new("https://127.0.0.1:10258");
    operator.until_answered("/readyz", 200).await;
    assert_eq!(operator.read("/healthz", None).await, (200, "ok".to_owned()));
    // These manifests do not let the program have anybody reviewed: refused, and nothing else suffers.
    let (status, body) = operator.read("/metrics", None).await;
    assert!(status == 403 || status == 500, "{status} {body}");
    assert!(body.contains("subjectaccessreviews"), "it does not say why: {body}");
    assert_eq!(running.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_of_both_programs_start_and_work_with_nothing_changed() {
    works(&PACKET_CCM, "ewr1", "packet://").await;
    works(&EQUINIX_METAL, "ny", "equinixmetal://").await;
}
