//! What an operator sees of a running program, and does to it.

use kube_api_server::NodeSpec;
use reqwest::Method;
use serde_json::Value;

use crate::operator::{Operator, free_port};
use crate::program::{output, program};
use crate::stage::{PATIENCE, Stage, token_of};

/// Somebody who may read everything and change the verbosity.
const OPERATOR: &str = "
{apiVersion: v1, kind: ServiceAccount, metadata: {name: operator, namespace: kube-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: packet-ccm-operator}
rules: [{nonResourceURLs: [/metrics, /configz, /status, /version, /debug/flags/v], verbs: [get, put]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: packet-ccm-operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: packet-ccm-operator}
subjects: [{kind: ServiceAccount, name: operator, namespace: kube-system}]
";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_the_program_does_and_nobody_else() {
    let stage = Stage::set(100).await;
    stage.cluster.apply(OPERATOR).await.unwrap();
    let token = token_of(&stage.kubeconfig_of("operator").await);
    let device = stage.packet.store().create_devices(1, "node-").remove(0);
    stage.register([NodeSpec::new(&device.hostname), NodeSpec::new("no-device")]).await;
    let port = free_port();
    let running = stage.start_program_with(&[&format!("--secure-port={port}")], &[]).await;
    let operator = Operator::new(&format!("https://127.0.0.1:{port}"));
    operator.until_answered("/readyz", 200).await;
    stage.initialised(&["no-device"]).await;
    stage.events_of("SyncFailed", 1).await;

    let read = async |path: &str| {
        let (status, body) = operator.read(path, Some(&token)).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert!(!body.contains(stage.packet.token()), "{path} shows the token");
        body
    };
    let metrics = read("/metrics").await;
    for line in [
        "leader_election_master_status{name=\"cloud-controller-manager\"} 1",
        "packet_ccm_nodes{state=\"initialised\"} 1",
        "packet_ccm_nodes_waiting{reason=\"no_such_hostname\"} 1",
        "packet_ccm_packet_api_token_accepted 1",
        "node_controller_initial_node_sync_delay_seconds_count 1",
    ] {
        assert!(metrics.lines().any(|seen| seen == line), "{line} is not in\n{metrics}");
    }
    let status: Value = serde_json::from_str(&read("/status").await).unwrap();
    assert_eq!(status["nodes"]["waiting"][0]["example"], "no-device");
    let settings: Value = serde_json::from_str(&read("/configz").await).unwrap();
    assert_eq!(
        (&settings["settings"][0]["key"], &settings["settings"][0]["value"]),
        (&"apiKey".into(), &"********".into())
    );
    assert!(read("/version").await.contains(env!("CARGO_PKG_VERSION")));
    let health = operator.read("/readyz?verbose", None).await.1;
    assert!(health.contains("[+]node-watch ok") && health.ends_with("readyz check passed\n"), "{health}");

    for path in ["/metrics", "/status", "/configz", "/debug/flags/v"] {
        assert_eq!(operator.read(path, None).await.0, 403, "{path}");
    }
    let changed = operator.send(Method::PUT, "/debug/flags/v", Some(&token), "3").await;
    assert_eq!(changed, Some((200, "successfully set the verbosity to 3\n".to_owned())));
    stage.log_says("the verbosity of the log is changed").await;

    let port = port.to_string();
    let page = output(program(&["status", "--port", &port])).await;
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    for part in ["ready           yes", "initialised     1", "no-device", "token           accepted"] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    println!("{page}");
    assert_eq!(running.terminate().await, Some(0));
    let nobody = output(program(&["status", "--port", &port])).await;
    assert!(!nobody.status.success() && String::from_utf8_lossy(&nobody.stderr).contains("no instance"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_somebody_has_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let stage = Stage::set(100).await;
    let port = taken.local_addr().unwrap().port();
    let flags = ["--bind-address=0.0.0.0", &format!("--secure-port={port}")];
    let mut running = stage.start_program_with(&flags, &[]).await;
    assert_eq!(running.ended(PATIENCE).await.and_then(|status| status.code()), Some(1));
    let log = std::fs::read_to_string(stage.log()).unwrap();
    assert!(log.contains(&format!("cannot listen on 0.0.0.0:{port}")), "{log}");
}
