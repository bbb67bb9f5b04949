//! What the two APIs send, at the sizes that they send it in.

#![allow(dead_code, reason = "each program needs a part of it")]
#![allow(clippy::expect_used, reason = "a benchmark without its sample may as well end")]

use kube_api_server::NodeSpec;
use packet_api_server::{Fleet, Server};
use packet_cloud_controller_manager::packet::client::EXCLUDED;
use serde_json::{Value, json};

/// The JSON of a page with so many devices, as the client asks for it.
pub(crate) fn device_page(devices: usize) -> Vec<u8> {
    device_pages(devices, devices).remove(0)
}

/// The JSON of all pages of so many devices.
pub(crate) fn device_pages(devices: usize, per_page: usize) -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let server = Server::start().await.expect("the simulated Packet API starts");
        let facilities = ["ny5", "sv15", "da11", "am6"].map(str::to_owned).to_vec();
        server.store().create_fleet(&Fleet { count: devices, realistic_size: true, facilities, ..Fleet::default() });
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut pages = Vec::new();
        for number in 1..=devices.div_ceil(per_page) {
            let url = format!("{}projects/{}/devices", server.url(), server.project_id());
            let query =
                [("page", number.to_string()), ("per_page", per_page.to_string()), ("exclude", EXCLUDED.into())];
            let request = client.get(url).query(&query).header("X-Auth-Token", server.token());
            let answer = request.send().await.expect("an answer").error_for_status().expect("a good answer");
            pages.push(answer.bytes().await.expect("a body").to_vec());
        }
        server.stop().await;
        pages
    })
}

/// A Node as a kubelet registers it and reports on it.
pub(crate) fn registered_node(number: usize) -> Value {
    let mut node = NodeSpec::new(&format!("node-{number:06}")).realistic_size().into_value();
    let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
    if let Some(taints) = node["spec"]["taints"].as_array_mut() {
        taints.push(taint);
    }
    node["metadata"]["uid"] = uid(number).into();
    node["metadata"]["resourceVersion"] = (1_000_000 + number).to_string().into();
    node["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
    node
}

/// The same Node, initialised.
pub(crate) fn initialised_node(number: usize) -> Value {
    let mut node = registered_node(number);
    node["spec"] = json!({ "providerID": format!("equinixmetal://{}", uid(number)) });
    for (label, value) in [
        ("node.kubernetes.io/instance-type", "c3.small.x86"),
        ("beta.kubernetes.io/instance-type", "c3.small.x86"),
        ("topology.kubernetes.io/region", "ny"),
        ("failure-domain.beta.kubernetes.io/region", "ny"),
    ] {
        node["metadata"]["labels"][label] = value.into();
    }
    let (high, low) = (number / 250, number % 250);
    node["status"]["addresses"] = json!([
        { "type": "Hostname", "address": format!("node-{number:06}") },
        { "type": "ExternalIP", "address": format!("147.75.{}.{low}", high % 250) },
        { "type": "InternalIP", "address": format!("10.66.{}.{low}", high % 250) },
    ]);
    node
}

/// The JSON of one page of a list of Nodes.
pub(crate) fn node_page(nodes: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "NodeList", "metadata": {"resourceVersion": "2000000"}, "items": nodes})
        .to_string()
}

fn uid(number: usize) -> String {
    format!("7f0c2f5e-58a1-4a3e-9d3c-{number:012x}")
}
