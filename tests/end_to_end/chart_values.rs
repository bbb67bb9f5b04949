//! What the Helm chart can be told: each value is documented where it is looked for, and a wrong one is refused by its name.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::helm::{AS_DELIVERED, EVERYTHING, objects, template};

const README: &str = include_str!("../../deploy/helm/packet-cloud-controller-manager/README.md");
const SCHEMA: &str = include_str!("../../deploy/helm/packet-cloud-controller-manager/values.schema.json");
const VALUES: &str = include_str!("../../deploy/helm/packet-cloud-controller-manager/values.yaml");

const FIXTURE: &str = include_str!("../fixtures/chart-everything.yaml");
/// What does not go together with the values of the fixture.
const OTHERS: [(&str, &str); 6] = [
    ("kind", "DaemonSet"),
    ("credentials.existingSecret", "a-secret"),
    ("leaderElection", "false"),
    ("serviceAccount.create", "false"),
    ("rbac.create", "false"),
    ("podDisruptionBudget.create", "false"),
];

/// A value as README.md has it: its default and what it is.
type Row = (String, String);

/// The values that the schema allows, by their path; one that is free in itself is one value.
fn allowed(schema: &Value, path: &str, found: &mut Vec<String>) {
    match schema["properties"].as_object() {
        Some(properties) => {
            assert_eq!(schema["additionalProperties"], false, "`{path}` takes whatever it is given");
            for (key, value) in properties {
                allowed(value, &joined(path, key), found);
            }
        }
        None => found.push(path.to_owned()),
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Those values, without the one that is Helm's own.
fn all() -> Vec<String> {
    let mut found = Vec::new();
    allowed(&serde_json::from_str(SCHEMA).unwrap(), "", &mut found);
    found.retain(|path| path != "global");
    found
}

/// A default as it is written in README.md.
fn shown(default: &Value) -> String {
    match default {
        Value::Array(items) if !items.is_empty() => "see `values.yaml`".to_owned(),
        Value::Object(items) if !items.is_empty() => "see `values.yaml`".to_owned(),
        other => format!("`{other}`"),
    }
}

/// What values.yaml says of each of these values: its default and the comment above it.
fn commented(paths: &[String]) -> BTreeMap<String, Row> {
    let values = &objects(VALUES)[0];
    let mut found = BTreeMap::new();
    let (mut place, mut comment) = (Vec::<(usize, String)>::new(), Vec::new());
    for line in VALUES.lines() {
        let text = line.trim_start();
        let depth = line.len() - text.len();
        if let Some(words) = text.strip_prefix("# ") {
            comment.push(words);
            continue;
        }
        if let Some((key, _)) = text.split_once(':') {
            place.retain(|(outer, _)| *outer < depth);
            place.push((depth, key.to_owned()));
            let path = place.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
            if paths.contains(&path) {
                let default = values.pointer(&format!("/{}", path.replace('.', "/"))).unwrap();
                found.insert(path, (shown(default), comment.join(" ")));
            }
        }
        comment.clear();
    }
    found
}

/// The rows of the table in README.md.
fn documented() -> BTreeMap<String, Row> {
    let table = README.split_once("## Values").unwrap().1;
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    cells.map(|cells| (cells[0].trim_matches('`').to_owned(), (cells[1].clone(), cells[2].clone()))).collect()
}

#[test]
fn every_value_has_a_default_a_comment_and_a_row_that_says_the_same() {
    let paths = all();
    let (commented, documented) = (commented(&paths), documented());
    for path in &paths {
        let (_, comment) = commented.get(path).unwrap_or_else(|| panic!("{path} is not in values.yaml"));
        assert!(!comment.is_empty(), "{path} has no comment in values.yaml");
        assert_eq!(documented.get(path), commented.get(path), "{path} in README.md");
    }
    let unknown: Vec<_> = documented.keys().filter(|path| !paths.contains(path)).collect();
    assert!(unknown.is_empty(), "README.md has what is not in the schema: {unknown:?}");
}

/// Takes the value at that path away, if it is there.
fn without(values: &Value, path: &str) -> Option<Value> {
    let mut values = values.clone();
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut parents = parents.split('.').filter(|key| !key.is_empty());
    let place = parents.try_fold(&mut values, |place, key| place.get_mut(key))?;
    place.as_object_mut()?.remove(key)?;
    Some(values)
}

#[test]
fn no_value_is_without_effect() {
    let everything = &objects(FIXTURE)[0];
    let made = template(EVERYTHING).unwrap();
    let values = tempfile::NamedTempFile::new().unwrap();
    let file = format!("--values={}", values.path().display());
    for path in all() {
        let changed = if let Some(fewer) = without(everything, &path) {
            std::fs::write(values.path(), fewer.to_string()).unwrap();
            template(&[&file])
        } else {
            let (_, other) = OTHERS.iter().find(|(other, _)| *other == path).unwrap_or_else(|| panic!("{path}"));
            template(&[EVERYTHING[0], &format!("--set={path}={other}")])
        };
        assert_ne!(changed.as_ref(), Ok(&made), "{path} changes nothing");
    }
}

#[test]
fn a_wrong_value_is_refused_by_its_name() {
    let token = "credentials.existingSecret=a-secret";
    for (wrong, named) in [
        ("replica=2", "replica"),
        ("kind=StatefulSet", "/kind"),
        ("replicas=two", "/replicas"),
        ("replicas=-1", "/replicas"),
        ("cloudProvider=aws", "/cloudProvider"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("image.repository=registry.example/ccm latest", "/image/repository"),
        ("credentials.token=secret", "token"),
        ("credentials.existingSecret=A_Secret", "/credentials/existingSecret"),
        ("settings.baseURL=https://packet.example/", "baseURL"),
        ("settings.base-url=packet.example", "/settings/base-url"),
        ("settings.topology=metro", "/settings/topology"),
        ("settings.ipv6=yes", "/settings/ipv6"),
        ("settings.rateLimit.burst=0", "/settings/rateLimit/burst"),
        ("settings.rateLimit.requestsPerSecond=0", "/settings/rateLimit/requestsPerSecond"),
        ("settings.cache.deviceTTL=30", "/settings/cache/deviceTTL"),
        ("settings.safety.deletionShare=10", "/settings/safety/deletionShare"),
        ("settings.safety.massDisappearanceShare=101%", "/settings/safety/massDisappearanceShare"),
        ("log.verbosity=11", "/log/verbosity"),
        ("port=0", "/port"),
        ("extraArgs={concurrent-node-syncs=8}", "/extraArgs/0"),
        ("podLabels.a=1", "/podLabels/a"),
        // Null takes a default away.
        ("leaderElection=null", "'leaderElection'"),
        ("log=null", "'log'"),
        ("serviceAccount.name=null", "'name'"),
        // These are no single value's fault, but that of several.
        ("settings.rateLimit.burst=7", "settings.rateLimit"),
        ("credentials.apiKey=a-token", "credentials.apiKey"),
        ("credentials.existingSecret=", "credentials.existingSecret"),
        ("credentials.existingSecret=,credentials.apiKey=a-token", "credentials.projectID"),
        ("leaderElection=false,replicas=2", "leaderElection"),
        ("leaderElection=false,kind=DaemonSet", "leaderElection"),
    ] {
        let refused = template(&[&format!("--set={token},{wrong}")]).expect_err(wrong);
        assert!(refused.contains(named), "{wrong}: {refused}");
    }
}

/// As it is left behind where everything below it was commented out.
#[test]
fn settings_without_any_are_the_defaults() {
    let nothing = template(AS_DELIVERED);
    for group in ["settings", "settings.rateLimit"] {
        assert_eq!(template(&[AS_DELIVERED[0], &format!("--set={group}=null")]), nothing);
    }
}

#[test]
fn a_token_that_is_refused_is_not_shown() {
    let credentials = "--set-string=credentials.apiKey=s3cret token,credentials.projectID=a-project";
    let refused = template(&[credentials]).unwrap_err();
    assert!(refused.contains("credentials.apiKey") && !refused.contains("s3cret"), "{refused}");
}
