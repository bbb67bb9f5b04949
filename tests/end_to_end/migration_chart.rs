//! The table in the chart's README that says what becomes of the values of cloud-provider-equinix-metal's chart: it has all of them, and
//! a workload with the values that come of it does what the other one did.

use control_plane::ControlPlane;
use serde_json::{Map, Value, json};

use crate::helm::{helm, objects, template, the};
use crate::migration_guide::CHART;

const README: &str = include_str!("../../deploy/helm/packet-cloud-controller-manager/README.md");
const DEFAULTS: &str = include_str!("../fixtures/migration/chart/values.yaml");
const OPERATORS: &str = include_str!("../fixtures/migration/chart-values.yaml");
const OPERATORS_FILE: &str =
    concat!("--values=", env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/migration/chart-values.yaml");

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq)]
enum Fate {
    Same,
    Renamed(String),
    Gone,
}

/// A row of the table: values there, and what becomes of each.
struct Row {
    there: Vec<(String, Fate)>,
}

/// What stands between backticks.
fn spans(cell: &str) -> Vec<String> {
    let mut parent = String::new();
    let spans = cell.split('`').skip(1).step_by(2).map(|span| span.split(':').next().unwrap());
    let whole = |span: &str| {
        if let Some(key) = span.strip_prefix('.') {
            return format!("{parent}.{key}");
        }
        span.split('.').next().unwrap().clone_into(&mut parent);
        span.to_owned()
    };
    spans.map(whole).collect()
}

fn table() -> Vec<Row> {
    let (_, table) =
        README.split_once("\n### What becomes of the values of cloud-provider-equinix-metal's chart\n").unwrap();
    let rows = table.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = rows.map(|row| row.trim_matches('|').split_once(" | ").unwrap());
    cells.map(|(there, here)| Row { there: fates(&spans(there), here) }).collect()
}

fn fates(there: &[String], here: &str) -> Vec<(String, Fate)> {
    let (here, named) = (here.trim(), spans(here));
    let fate = |(place, key): (usize, &String)| {
        let fate = match () {
            () if here.starts_with("nothing") => Fate::Gone,
            () if here.starts_with("the same name") => Fate::Same,
            // Whether a Secret is made is told by whether one is named.
            () if key == "configSecret.create" => Fate::Gone,
            () => Fate::Renamed(named[place].clone()),
        };
        (key.clone(), fate)
    };
    there.iter().enumerate().map(fate).collect()
}

/// Values by their paths; one that is free in itself is one value.
fn flat(values: &Value) -> Vec<(String, Value)> {
    const GROUPS: [&str; 5] = ["image", "serviceAccount", "clusterRole", "configSecret", "config"];
    let mut found = Vec::new();
    for (key, value) in values.as_object().unwrap() {
        match value.as_object().filter(|_| GROUPS.contains(&key.as_str())) {
            Some(group) => found.extend(group.iter().map(|(inner, value)| (format!("{key}.{inner}"), value.clone()))),
            None => found.push((key.clone(), value.clone())),
        }
    }
    found
}

/// What the table says of a value; nothing where it does not have it.
fn fate(table: &[Row], path: &str) -> Option<Fate> {
    let is_it = |key: &str| key == path || key.strip_suffix('…').is_some_and(|start| path.starts_with(start));
    table.iter().flat_map(|row| &row.there).find(|(key, _)| is_it(key)).map(|(_, fate)| fate.clone())
}

/// The values of this chart that come of values of the other one.
fn converted(values: &Value) -> Value {
    let (table, mut converted) = (table(), json!({"cloudProvider": "equinixmetal", "kind": "DaemonSet"}));
    for (path, value) in flat(values) {
        let to = match fate(&table, &path).unwrap_or_else(|| panic!("{path} is not in the table")) {
            Fate::Gone => continue,
            Fate::Same => path.clone(),
            Fate::Renamed(to) => to,
        };
        let value = if path == "env" {
            let pairs = value.as_object().unwrap().iter();
            pairs.map(|(name, value)| json!({"name": name, "value": value})).collect()
        } else {
            value
        };
        let mut place = &mut converted;
        for key in to.split('.') {
            place = place.as_object_mut().unwrap().entry(key).or_insert_with(|| Map::new().into());
        }
        *place = value;
    }
    converted
}

/// The objects of this chart with those values.
fn made_of(values: &Value) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), values.to_string()).unwrap();
    template(&[&format!("--values={}", file.path().display())]).unwrap()
}

#[test]
fn the_table_has_every_value_of_the_other_chart() {
    let table = table();
    let all = [flat(&objects(DEFAULTS)[0]), flat(&objects(OPERATORS)[0])].concat();
    let missing: Vec<_> = all.iter().map(|(path, _)| path).filter(|path| fate(&table, path).is_none()).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
    // And each value here that it names is one.
    converted(&objects(OPERATORS)[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_with_the_values_that_come_of_the_table_does_what_the_other_one_did() {
    let theirs = objects(&helm(&["template", "ccm", CHART, "--namespace=kube-system", OPERATORS_FILE]).unwrap());
    let made = made_of(&converted(&objects(OPERATORS)[0]));
    ControlPlane::start().await.unwrap().apply(&made).await.unwrap();
    let ours = objects(&made);
    let pod = |objects: &[Value]| the("DaemonSet", objects)["spec"]["template"]["spec"].clone();
    let (their_pod, our_pod) = (pod(&theirs), pod(&ours));
    for field in [
        "hostNetwork",
        "dnsPolicy",
        "priorityClassName",
        "serviceAccountName",
        "imagePullSecrets",
        "hostAliases",
        "affinity",
        "tolerations",
    ] {
        assert_eq!(our_pod[field], their_pod[field], "{field}");
    }
    let (their_container, our_container) = (&their_pod["containers"][0], &our_pod["containers"][0]);
    for field in ["image", "imagePullPolicy", "envFrom", "resources"] {
        assert_eq!(our_container[field], their_container[field], "{field}");
    }
    // What was asked for is there, beside what is always there.
    let has_all = |ours: &Value, theirs: &Value, what: &str| match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            for one in theirs {
                assert!(ours.contains(one), "{what} without {one}: {ours:?}");
            }
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in theirs {
                assert_eq!(ours.get(key), Some(value), "{key} of {what}");
            }
        }
        _ => panic!("{what}: {ours} {theirs}"),
    };
    has_all(&our_container["env"], &their_container["env"], "env");
    has_all(&our_pod["nodeSelector"], &their_pod["nodeSelector"], "nodeSelector");
    let without_secret = |list: &Value| -> Value {
        list.as_array().unwrap().iter().filter(|one| one["name"] != "cloud-sa-volume").cloned().collect()
    };
    has_all(&our_pod["volumes"], &without_secret(&their_pod["volumes"]), "volumes");
    has_all(&our_container["volumeMounts"], &without_secret(&their_container["volumeMounts"]), "volumeMounts");
    let annotations =
        |objects: &[Value]| the("DaemonSet", objects)["spec"]["template"]["metadata"]["annotations"].clone();
    has_all(&annotations(&ours), &annotations(&theirs), "annotations");
    let account = |objects: &[Value]| the("ServiceAccount", objects)["metadata"].clone();
    assert_eq!(account(&ours)["annotations"], account(&theirs)["annotations"]);
    assert_eq!(our_pod["volumes"][0]["secret"]["secretName"], their_pod["volumes"][0]["secret"]["secretName"]);
    // The last mention of a flag counts; to elect a leader is the default.
    let flags = |list: &Value| {
        list.as_array().unwrap().iter().map(|flag| flag.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (ours, theirs) = (flags(&our_container["args"]), flags(&their_container["command"]));
    for flag in theirs
        .iter()
        .skip(1)
        .filter(|flag| !["--leader-elect=true", "--authentication-skip-lookup=true"].contains(&flag.as_str()))
    {
        let name = flag.split('=').next().unwrap();
        let last = ours.iter().rfind(|ours| ours.split('=').next() == Some(name));
        assert_eq!(last, Some(flag));
    }
    assert!(!ours.iter().any(|flag| flag.starts_with("--leader-elect")), "{ours:?}");
}

#[test]
fn a_token_among_those_values_comes_into_the_secret_of_this_chart() {
    let values = json!({"config": {"apiKey": "a-token", "projectID": "a-project", "base-url": "https://packet.example/"}, "configSecret": {"create": true, "name": ""}});
    let objects = objects(&made_of(&converted(&values)));
    let container = &the("DaemonSet", &objects)["spec"]["template"]["spec"]["containers"][0];
    for (name, value) in [("METAL_PROJECT_ID", "a-project"), ("METAL_BASE_URL", "https://packet.example/")] {
        assert!(container["env"].as_array().unwrap().contains(&json!({"name": name, "value": value})), "{name}");
    }
    let secret: k8s_openapi::api::core::v1::Secret = serde_json::from_value(the("Secret", &objects).clone()).unwrap();
    let file: Value = serde_json::from_slice(&secret.data.unwrap()["cloud-sa.json"].0).unwrap();
    assert_eq!(file["apiKey"], "a-token");
}
