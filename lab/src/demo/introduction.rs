//! What is said before the Nodes join, and what when everything is left running.

use console::style;
use indicatif::DecimalBytes;

use super::stage::Stage;

/// What is about to happen, and where.
pub(crate) fn introduction(stage: &Stage) -> String {
    let demo = &stage.demo;
    let devices = stage.packet.store().devices().len();
    let size = std::fs::metadata(&stage.binary).map_or(0, |metadata| metadata.len());
    let how = if demo.starts_cold() {
        "are there before the program starts".to_owned()
    } else {
        format!("join within {} s", demo.burst_seconds)
    };
    let row = |label: &str, text: &str| format!("  {label:<12}{text}\n");
    [
        format!("{}\n", style(format!("{} Nodes {how}", demo.nodes)).bold()),
        row("program", &format!("{} ({})", stage.binary.display(), DecimalBytes(size))),
        row("provider", demo.program.provider.name()),
        row("Kubernetes", &format!("{}, {}", stage.cluster.title(), stage.cluster.url())),
        row("Packet API", &format!("simulated, {}", stage.packet.url())),
        row("", &format!("{devices} devices, {} on a page; {:?} per answer", demo.max_per_page, demo.latency)),
        row("log", &stage.log().display().to_string()),
        "\n".to_owned(),
    ]
    .concat()
}

/// How to look around.
pub(crate) fn invitation(stage: &Stage) -> String {
    let kubeconfig = stage.cluster.kubeconfig().display();
    format!(
        "{}\n  {} status --port {}\n  kubectl --kubeconfig {kubeconfig} get nodes -o wide\n  kubectl --kubeconfig {kubeconfig} get events\n  \
         curl -H 'X-Auth-Token: {}' \\\n  '{}projects/{}/devices?per_page=2'\n  less {}\nCtrl-C ends it.",
        style("Everything still runs. Look around:").bold(),
        stage.binary.display(),
        stage.demo.program.secure_port,
        stage.packet.token(),
        stage.packet.url(),
        stage.packet.project_id(),
        stage.log().display(),
    )
}
