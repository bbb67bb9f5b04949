//! What makes a real cluster's Nodes 10 to 20 KB of JSON: the images a kubelet reports, the labels and annotations of what
//! runs on a Node, and the bookkeeping of who owns which field.
//!
//! Which of it a Node has follows from its name, so that it is the same in every run and differs from Node to Node.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::drawn::Drawn;

/// How many images a Node has: from what a cluster's own programs need to the most that a kubelet ever reports
/// (`nodeStatusMaxImages`).
const IMAGES: (u64, u64) = (24, 50);
/// How many features of the processor node-feature-discovery finds worth a label.
const FEATURES: (u64, u64) = (8, 36);
/// Names of `feature.node.kubernetes.io/cpu-cpuid.…`, as node-feature-discovery writes them.
const CPU_FLAGS: [&str; 36] = [
    "ADX",
    "AESNI",
    "AVX",
    "AVX2",
    "AVX512BITALG",
    "AVX512BW",
    "AVX512CD",
    "AVX512DQ",
    "AVX512F",
    "AVX512IFMA",
    "AVX512VBMI",
    "AVX512VBMI2",
    "AVX512VL",
    "AVX512VNNI",
    "AVX512VPOPCNTDQ",
    "CETIBT",
    "CETSS",
    "CMPXCHG8",
    "FLUSH_L1D",
    "FMA3",
    "FSRM",
    "FXSR",
    "FXSROPT",
    "GFNI",
    "HYPERVISOR",
    "IA32_ARCH_CAP",
    "IBPB",
    "LAHF",
    "MD_CLEAR",
    "MOVBE",
    "OSXSAVE",
    "SHA",
    "SPEC_CTRL_SSBD",
    "VAES",
    "VPCLMULQDQ",
    "XSAVE",
];
const REGISTRIES: [&str; 4] = [
    "registry.example.com/platform",
    "registry.k8s.io",
    "quay.io/example-project",
    "ghcr.io/example-organisation/charts",
];
const PROGRAMS: [&str; 12] = [
    "api-gateway",
    "billing-worker",
    "cilium",
    "coredns",
    "csi-node-driver-registrar",
    "fluent-bit",
    "ingress-controller",
    "kube-proxy",
    "node-exporter",
    "notification-service",
    "postgres-operator",
    "session-store",
];

/// Adds the labels that node-feature-discovery and whoever built the machine put on it; none that is there is replaced.
pub(super) fn add_labels(labels: &mut Map<String, Value>, drawn: &mut Drawn) {
    let mut add = |key: String, value: String| {
        labels.entry(key).or_insert_with(|| value.into());
    };
    let features = drawn.between(FEATURES);
    for flag in CPU_FLAGS.iter().take(usize::try_from(features).unwrap_or_default()) {
        add(format!("feature.node.kubernetes.io/cpu-cpuid.{flag}"), "true".to_owned());
    }
    add("feature.node.kubernetes.io/kernel-version.full".to_owned(), "6.8.0-79-generic".to_owned());
    add("feature.node.kubernetes.io/system-os_release.VERSION_ID".to_owned(), "24.04".to_owned());
    add("example.com/rack".to_owned(), format!("r{:03}", drawn.between((1, 400))));
    add("example.com/pool".to_owned(), drawn.one_of(&["batch", "general", "ingress", "storage"]).to_owned());
}

/// Adds the annotations of the kubelet, the network, the storage and the machine's own API.
pub(super) fn add_annotations(annotations: &mut Map<String, Value>, name: &str, drawn: &mut Drawn) {
    let mut add = |key: &str, value: String| {
        annotations.entry(key).or_insert_with(|| value.into());
    };
    let (second, third) = (drawn.between((0, 255)), drawn.between((0, 255)));
    add("node.alpha.kubernetes.io/ttl", "0".to_owned());
    add("volumes.kubernetes.io/controller-managed-attach-detach", "true".to_owned());
    add("csi.volume.kubernetes.io/nodeid", format!("{{\"csi.example.com\":\"{name}\",\"nfs.csi.k8s.io\":\"{name}\"}}"));
    add("cluster.x-k8s.io/cluster-name", "production".to_owned());
    add("cluster.x-k8s.io/machine", format!("{name}-{:05x}", drawn.next() & 0xf_ffff));
    add("network.cilium.io/ipv4-pod-cidr", format!("10.{second}.{third}.0/24"));
    add("network.cilium.io/ipv4-cilium-host", format!("10.{second}.{third}.17"));
    let features = drawn.between(FEATURES);
    let flags: Vec<&str> = CPU_FLAGS.iter().take(usize::try_from(features).unwrap_or_default()).copied().collect();
    add("nfd.node.kubernetes.io/feature-labels", flags.join(","));
}

/// `status.images` as JSON, in the form in which the API keeps it.
pub(super) fn images(drawn: &mut Drawn) -> String {
    let count = drawn.between(IMAGES);
    let mut out = String::with_capacity(10 * 1024);
    for index in 0..count {
        let (registry, program) = (drawn.one_of(&REGISTRIES), drawn.one_of(&PROGRAMS));
        let digest = [drawn.next(), drawn.next(), drawn.next(), drawn.next()];
        let (minor, size) = (drawn.between((0, 40)), drawn.between((700_000, 900_000_000)));
        let comma = if index == 0 { '[' } else { ',' };
        // A write into a String does not fail.
        let _written = write!(
            out,
            "{comma}{{\"names\":[\"{registry}/{program}@sha256:{:016x}{:016x}{:016x}{:016x}\",\
             \"{registry}/{program}:v1.{minor}.{index}\"],\"sizeBytes\":{size}}}",
            digest[0], digest[1], digest[2], digest[3]
        );
    }
    out.push(']');
    out
}

/// `managedFields` as JSON, in the form in which the API keeps it: what a kubelet leaves behind, one entry for what it
/// registered and one for what it reports.
pub(super) fn owners(node: &Value, has_addresses: bool, now: &str) -> String {
    let names = |section: &str, field: &str| -> String {
        let fields = node.get(section).and_then(|section| section.get(field)).and_then(Value::as_object);
        let mut out = String::from("\".\":{}");
        for name in fields.into_iter().flatten().map(|(name, _)| name) {
            let _written = write!(out, ",{}:{{}}", Value::from(format!("f:{name}")));
        }
        out
    };
    let resources = "\".\":{},\"f:cpu\":{},\"f:ephemeral-storage\":{},\"f:hugepages-1Gi\":{},\"f:hugepages-2Mi\":{},\
                     \"f:memory\":{},\"f:pods\":{}";
    let conditions = ["DiskPressure", "MemoryPressure", "PIDPressure", "Ready"].map(|name| {
        format!(
            "\"k:{{\\\"type\\\":\\\"{name}\\\"}}\":{{\".\":{{}},\"f:lastHeartbeatTime\":{{}},\"f:lastTransitionTime\":{{}},\
             \"f:message\":{{}},\"f:reason\":{{}},\"f:status\":{{}},\"f:type\":{{}}}}"
        )
    });
    let addresses = if has_addresses { "\"f:addresses\":{}," } else { "" };
    let registered = format!(
        "{{\"f:metadata\":{{\"f:annotations\":{{{}}},\"f:labels\":{{{}}}}},\"f:spec\":{{\"f:taints\":{{}}}}}}",
        names("metadata", "annotations"),
        names("metadata", "labels"),
    );
    let reported = format!(
        "{{\"f:status\":{{{addresses}\"f:allocatable\":{{{resources}}},\"f:capacity\":{{{resources}}},\"f:conditions\":{{\
         \".\":{{}},{}}},\"f:daemonEndpoints\":{{\"f:kubeletEndpoint\":{{\"f:Port\":{{}}}}}},\"f:images\":{{}},\
         \"f:nodeInfo\":{{\"f:architecture\":{{}},\"f:bootID\":{{}},\"f:containerRuntimeVersion\":{{}},\
         \"f:kernelVersion\":{{}},\"f:kubeletVersion\":{{}},\"f:machineID\":{{}},\"f:operatingSystem\":{{}},\
         \"f:osImage\":{{}},\"f:systemUUID\":{{}}}}}}}}",
        conditions.join(",")
    );
    let entry = |fields: &str, subresource: &str| {
        format!(
            "{{\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{fields},\"manager\":\"kubelet\",\
             \"operation\":\"Update\",{subresource}\"time\":\"{now}\"}}"
        )
    };
    format!("[{},{}]", entry(&registered, ""), entry(&reported, "\"subresource\":\"status\","))
}
