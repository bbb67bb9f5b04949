//! A token that is revoked and then rotated, as a kubelet rotates a mounted Secret, while Nodes join.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use kube_api_server::NodeSpec;
use serde_json::{Value, json};

use crate::operator::{Operator, free_port};
use crate::stage::Stage;

const NODES: usize = 500;
const NEW_TOKEN: &str = "rotated-0123456789abcdef0123456789";

/// A Secret that is mounted at a folder: a link to the data of now, which is swapped.
struct Mounted<'a> {
    folder: &'a Path,
    versions: u32,
}

impl Mounted<'_> {
    fn swap(&mut self, settings: &str) {
        self.versions += 1;
        let version = format!("..{}", self.versions);
        std::fs::create_dir_all(self.folder.join(&version)).unwrap();
        std::fs::write(self.folder.join(&version).join("cloud-sa.json"), settings).unwrap();
        symlink(&version, self.folder.join("..data_tmp")).unwrap();
        std::fs::rename(self.folder.join("..data_tmp"), self.folder.join("..data")).unwrap();
        let file = self.folder.join("cloud-sa.json");
        if !file.is_symlink() {
            symlink("..data/cloud-sa.json", file).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_and_rotated_while_nodes_join_costs_no_restart() {
    let stage = Stage::set(50).await;
    let settings = |token: &str| {
        json!({"apiKey": token, "projectID": stage.packet.project_id(), "base-url": stage.packet.url()}).to_string()
    };
    let folder = stage.folder.path().join("mounted");
    std::fs::create_dir(&folder).unwrap();
    let mut secret = Mounted { folder: &folder, versions: 0 };
    secret.swap(&settings(stage.packet.token()));
    let (port, file) = (free_port(), folder.join("cloud-sa.json"));
    let further = [
        format!("--cloud-config={}", file.display()),
        format!("--secure-port={port}"),
        "--authorization-always-allow-paths=/livez,/readyz,/metrics,/configz".to_owned(),
    ];
    let running = stage.start_program_with(&further.each_ref().map(String::as_str), &[]).await;
    let operator = Operator::new(&format!("https://127.0.0.1:{port}"));
    operator.until_answered("/readyz", 200).await;

    let join = async |names: &str| {
        let devices = stage.packet.store().create_devices(NODES / 2, names);
        stage.register(devices.iter().map(|device| NodeSpec::new(&device.hostname))).await;
    };
    join("early-").await;
    stage.packet.store().set_token(NEW_TOKEN);
    // These were on no list that the old token could read, so they have to be asked about.
    join("late-").await;
    let why = operator.until_answered("/readyz", 500).await;
    assert!(why.contains("[-]packet-api failed"), "{why}");
    assert_eq!(operator.read("/livez", None).await.0, 200, "a token that is refused is no reason to start it anew");

    let swapped = Instant::now();
    secret.swap(&settings(NEW_TOKEN));
    operator.until_answered("/readyz", 200).await;
    let ready = swapped.elapsed();
    assert_eq!(stage.initialised(&[]).await.len(), NODES);
    println!("rotated token: ready after {ready:.1?}, all {NODES} Nodes initialised after {:.1?}", swapped.elapsed());

    // What is broken keeps the last good one.
    secret.swap("{\"apiKey\": ");
    stage.log_says("the settings before it stay in use").await;
    assert_eq!(operator.read("/readyz", None).await.0, 200);
    let metrics = operator.read("/metrics", None).await.1;
    for line in [
        "packet_ccm_config_last_reload_successful 0",
        "packet_ccm_config_reloads_total{result=\"ok\"} 1",
        "packet_ccm_config_reloads_total{result=\"broken\"} 1",
    ] {
        assert!(metrics.lines().any(|seen| seen == line), "{line} is not in\n{metrics}");
    }
    let settings: Value = serde_json::from_str(&operator.read("/configz", None).await.1).unwrap();
    assert!(settings["file"]["broken"].as_str().unwrap().contains("no valid JSON"), "{settings}");
    assert!(!settings.to_string().contains(NEW_TOKEN), "{settings}");
    assert_eq!(running.terminate().await, Some(0));
    let log = std::fs::read_to_string(stage.log()).unwrap();
    assert!(log.contains("take effect now") && !log.contains(NEW_TOKEN), "{log}");
}
