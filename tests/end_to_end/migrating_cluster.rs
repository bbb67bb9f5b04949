//! A cluster in which whatever a workload asks for runs, as far as cloud controller managers go: a process for the older program's,
//! a Pod to wait for, and the program itself as its Deployment has it. And a shell with kubectl and helm for whoever follows a guide.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use control_plane::ControlPlane;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{Pod, PodSpec, Secret};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::leader_election::start_client_go;
use crate::program::{Running, program};
use crate::stage::Stage;

/// What Pods of this program have, and no older program's.
const OURS: (&str, &str) = ("app.kubernetes.io/name", "packet-cloud-controller-manager");
const POD: &str = "the-pod";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a guide tells to run but only a cluster with kubelets can do.
const FOR_KUBELETS: &str = "rollout\\ status | exec";

/// Which program works, as it was seen over time.
pub(crate) type Seen = Arc<Mutex<Vec<&'static str>>>;

/// The workload that there is, and its Pods.
struct Workload {
    is_ours: bool,
    labels: std::collections::BTreeMap<String, String>,
    pod: PodSpec,
}

/// The cluster.
pub(crate) struct Cluster {
    pub(crate) stage: Arc<Stage>,
    pub(crate) seen: Seen,
    node: JoinHandle<()>,
}

impl Cluster {
    /// An empty one in which workloads begin to run.
    pub(crate) async fn start() -> Self {
        let control_plane = ControlPlane::start_audited().await.unwrap_or_else(|error| panic!("{error}"));
        let stage = Arc::new(Stage::bare_in(control_plane, 100).await);
        std::os::unix::fs::symlink(Path::new(ROOT).join("deploy"), stage.folder.path().join("deploy")).unwrap();
        std::fs::write(stage.folder.path().join("admin"), stage.cluster.kubeconfig()).unwrap();
        let seen = Seen::default();
        let node = tokio::spawn(run_workloads(Arc::clone(&stage), Arc::clone(&seen)));
        Self { stage, seen, node }
    }

    /// Puts a file next to `deploy/`.
    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.stage.folder.path().join(name), text).unwrap();
    }

    /// Makes the Secret with the token, as both programs have it.
    pub(crate) async fn secret(&self, name: &str) {
        let settings = json!({"apiKey": self.stage.packet.token(), "projectID": self.stage.packet.project_id(), "loadbalancer": ""});
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "kube-system"},
            "stringData": {"cloud-sa.json": settings.to_string()},
        });
        self.stage.cluster.apply(&secret.to_string()).await.unwrap();
    }

    /// What a shell prints that runs this with kubectl and helm.
    pub(crate) async fn shell(&self, script: &str) -> String {
        self.try_shell(script).await.unwrap_or_else(|said| panic!("{script}\n{said}"))
    }

    /// The same, or all that it says where it fails.
    pub(crate) async fn try_shell(&self, script: &str) -> Result<String, String> {
        let folder = self.stage.folder.path();
        let tools = folder.join("tools");
        if !tools.exists() {
            std::fs::create_dir(&tools).unwrap();
            let wrapper = format!(
                "#!/bin/sh\ncase \"$*\" in *{}*) echo \"not here: $*\" ;; *) exec {} \"$@\" ;; esac\n",
                FOR_KUBELETS.replace(" | ", "* | *"),
                kubectl().display()
            );
            for (name, text) in
                [("kubectl", wrapper), ("helm", format!("#!/bin/sh\nexec {} \"$@\"\n", crate::helm::binary()))]
            {
                std::fs::write(tools.join(name), text).unwrap();
                let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
                std::fs::set_permissions(tools.join(name), executable).unwrap();
            }
        }
        let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-eu", "-c", script]).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
        command.env("PATH", path).env("KUBECONFIG", folder.join("admin")).env("HOME", folder);
        let output = command.output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stdout) + &text(&output.stderr))
        }
    }

    /// Waits until that program works.
    pub(crate) async fn works(&self, which: &str) {
        let begun = std::time::Instant::now();
        let mut glances = tokio::time::interval(Duration::from_millis(50));
        while self.seen.lock().unwrap().last() != Some(&which) {
            glances.tick().await;
            assert!(!self.node.is_finished(), "the cluster has come to its end");
            assert!(begun.elapsed() < crate::stage::PATIENCE, "{which} does not work: {:?}", self.seen);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.node.abort();
    }
}

/// Where kubectl is, see `tests/kubectl/kubectl.sh`.
fn kubectl() -> &'static Path {
    static KUBECTL: OnceLock<PathBuf> = OnceLock::new();
    KUBECTL.get_or_init(|| {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("kubectl").join("kubectl");
        let found =
            std::process::Command::new(Path::new(ROOT).join("tests/kubectl/kubectl.sh")).arg(built).output().unwrap();
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        String::from_utf8(found.stdout).unwrap().trim().into()
    })
}

/// The workload that there is. Two at once are none that a guide may lead to.
async fn workload(stage: &Stage) -> Option<Workload> {
    let deployments: Api<Deployment> = Api::namespaced(stage.admin.clone(), "kube-system");
    let daemon_sets: Api<DaemonSet> = Api::namespaced(stage.admin.clone(), "kube-system");
    let everything = ListParams::default();
    let deployments =
        deployments.list(&everything).await.unwrap().items.into_iter().map(|one| one.spec.unwrap().template);
    let daemon_sets =
        daemon_sets.list(&everything).await.unwrap().items.into_iter().map(|one| one.spec.unwrap().template);
    let mut templates = deployments.chain(daemon_sets);
    let template = templates.next()?;
    assert!(templates.next().is_none(), "two workloads at once");
    let labels = template.metadata.unwrap().labels.unwrap();
    let is_ours = labels.get(OURS.0).is_some_and(|name| name == OURS.1);
    Some(Workload { is_ours, labels, pod: template.spec.unwrap() })
}

/// Starts and ends what workloads ask for, as Nodes do.
async fn run_workloads(stage: Arc<Stage>, seen: Seen) {
    let mut running: Option<(bool, Running)> = None;
    let mut count = 0;
    let mut glances = tokio::time::interval(Duration::from_millis(100));
    loop {
        glances.tick().await;
        let wanted = workload(&stage).await;
        let is_wanted = |is_ours: bool| wanted.as_ref().is_some_and(|workload| workload.is_ours == is_ours);
        if let Some((is_ours, ended)) = running.take_if(|(is_ours, _)| !is_wanted(*is_ours)) {
            end(ended, is_ours).await;
            seen.lock().unwrap().push("nobody");
            let pods: Api<Pod> = Api::namespaced(stage.admin.clone(), "kube-system");
            pods.delete(POD, &DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() }).await.unwrap();
        }
        if let Some(workload) = wanted.filter(|_| running.is_none()) {
            count += 1;
            running = Some((workload.is_ours, begin(&stage, &workload, count).await));
            seen.lock().unwrap().push(if workload.is_ours { "ours" } else { "theirs" });
        }
    }
}

async fn end(running: Running, is_ours: bool) {
    if is_ours {
        assert_eq!(running.terminate().await, Some(0));
    } else {
        // Kubernetes' cloud controller managers end on SIGTERM without giving their Lease back.
        let mut running = running;
        running.signal("KILL").await;
        running.ended(Duration::from_secs(10)).await.unwrap();
    }
}

async fn begin(stage: &Stage, workload: &Workload, count: usize) -> Running {
    let account = workload.pod.service_account_name.as_deref().unwrap();
    let pod = json!({
        "metadata": {"name": POD, "labels": workload.labels},
        "spec": {"serviceAccountName": account, "nodeName": "a-host", "containers": [{"name": "it", "image": "it"}]},
    });
    let pods: Api<Pod> = Api::namespaced(stage.admin.clone(), "kube-system");
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let kubeconfig = stage.kubeconfig_of(account).await;
    let container = &workload.pod.containers[0];
    let asks_for_lease = |argument: &String| argument == "--leader-elect=true";
    if workload.is_ours {
        return start_ours(stage, &workload.pod, &kubeconfig, &format!("ours-{count}")).await;
    }
    if container.command.iter().flatten().any(asks_for_lease) {
        return start_client_go(stage, &kubeconfig, &format!("theirs-{count}"), &[]).await;
    }
    let mut sleeper = Command::new("sleep");
    sleeper.arg("infinity").kill_on_drop(true);
    Running::start(sleeper, &stage.log_of(&format!("theirs-{count}")))
}

/// Starts the program with the flags, the variables and the Secret of its Pod.
async fn start_ours(stage: &Stage, pod: &PodSpec, kubeconfig: &str, name: &str) -> Running {
    let folder = stage.folder.path().join(name);
    std::fs::create_dir(&folder).unwrap();
    let mounted = pod.volumes.iter().flatten().find_map(|volume| volume.secret.as_ref()?.secret_name.clone()).unwrap();
    let secrets: Api<Secret> = Api::namespaced(stage.admin.clone(), "kube-system");
    for (file, content) in secrets.get(&mounted).await.unwrap().data.unwrap() {
        std::fs::write(folder.join(file), content.0).unwrap();
    }
    std::fs::write(folder.join("kubeconfig"), kubeconfig).unwrap();
    let container = &pod.containers[0];
    let moved = |argument: &String| argument.replace("/etc/cloud-sa", &folder.display().to_string());
    let kubeconfig = format!("--kubeconfig={}", folder.join("kubeconfig").display());
    let further = [kubeconfig, "--secure-port=0".into(), "--node-status-update-frequency=500ms".into()];
    let arguments: Vec<_> = container.args.iter().flatten().map(moved).chain(further).collect();
    let mut command = program(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let variables = container.env.iter().flatten().filter_map(|one| Some((one.name.clone(), one.value.clone()?)));
    command.envs(variables).env("METAL_BASE_URL", stage.packet.url()).env("METAL_CACHE_DEVICE_TTL", "100ms");
    Running::start(command, &stage.log_of("program"))
}
