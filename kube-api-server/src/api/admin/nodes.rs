//! Registering, changing and deleting Nodes, a few or many at once.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Problem;
use crate::api::Api;
use crate::node_spec::NodeSpec;
use crate::resource::Resource;
use crate::store::{Refused, Store};

/// Nodes to register.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewNodes {
    count: usize,
    /// What their names start with; a number of at least four digits follows.
    #[serde(default = "node")]
    prefix: String,
    #[serde(default = "one")]
    first: usize,
    #[serde(default)]
    realistic_size: bool,
}

fn node() -> String {
    "node-".to_owned()
}

fn one() -> usize {
    1
}

/// Which Nodes are meant.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Which {
    names: Option<Vec<String>>,
    prefix: Option<String>,
    count: Option<usize>,
}

/// What is to become of which Nodes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    names: Option<Vec<String>>,
    prefix: Option<String>,
    count: Option<usize>,
    ready: Option<bool>,
    taint: Option<Taint>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Taint {
    key: String,
    #[serde(default)]
    value: String,
    effect: String,
}

impl Which {
    fn names(self, store: &Store) -> Result<Vec<String>, Problem> {
        match (self.names, self.prefix) {
            (Some(names), None) if self.count.is_none() => Ok(names),
            (None, Some(prefix)) => {
                let (mut names, most) = (Vec::new(), self.count.unwrap_or(usize::MAX));
                // The newest version is there by definition, so nothing can be too old.
                let _read = store.snapshot(Resource::Nodes, None, "", |record| {
                    if record.key.starts_with(&prefix) && names.len() < most {
                        names.push(record.key.clone());
                    }
                    names.len() < most
                });
                Ok(names)
            }
            _ => Err(Problem::Value(
                "say which Nodes: by \"names\", or by \"prefix\" with or without \"count\"".to_owned(),
            )),
        }
    }
}

pub(super) async fn register(api: &Arc<Api>, new: NewNodes) -> Result<Value, Problem> {
    at_leisure(api, move |store| {
        let specs = (new.first..new.first.saturating_add(new.count)).map(|number| {
            let spec = NodeSpec::new(&format!("{}{number:04}", new.prefix));
            if new.realistic_size { spec.realistic_size() } else { spec }
        });
        let registered = store.create_nodes(specs);
        let name = format!("{}…", new.prefix);
        registered.map(|count| json!({ "registered": count })).map_err(|refused| refusal(name, refused))
    })
    .await
}

pub(super) async fn change(api: &Arc<Api>, change: Change) -> Result<Value, Problem> {
    if change.ready.is_none() && change.taint.is_none() {
        return Err(Problem::Value("say what is to change: \"ready\", \"taint\" or both".to_owned()));
    }
    at_leisure(api, move |store| {
        let which = Which { names: change.names, prefix: change.prefix, count: change.count };
        let (ready, taint, now) = (change.ready, change.taint, store.clock().seconds());
        each(which.names(store)?, "changed", |name| {
            let changed = store.update_node(name, |node| {
                if let Some(ready) = ready {
                    set_ready(node, ready, &now);
                }
                if let Some(taint) = &taint {
                    add_taint(node, taint);
                }
            });
            changed.map(drop)
        })
    })
    .await
}

pub(super) async fn delete(api: &Arc<Api>, which: Which) -> Result<Value, Problem> {
    at_leisure(api, move |store| each(which.names(store)?, "deleted", |name| store.delete_node(name))).await
}

/// Does it to each; the first that is refused ends it.
fn each(names: Vec<String>, done: &str, act: impl Fn(&str) -> Result<(), Refused>) -> Result<Value, Problem> {
    let count = names.len();
    for name in names {
        act(&name).map_err(|refused| refusal(name, refused))?;
    }
    Ok(json!({ done: count }))
}

fn refusal(name: String, refused: Refused) -> Problem {
    Problem::Refused { name, source: Box::new(refused) }
}

/// Works beside the threads that answer requests, if there may be such: with many Nodes it takes seconds.
async fn at_leisure(
    api: &Arc<Api>,
    work: impl FnOnce(&Store) -> Result<Value, Problem> + Send + 'static,
) -> Result<Value, Problem> {
    let store = api.store.clone();
    if store.is_on_one_thread() {
        return work(&store);
    }
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.unwrap_or_else(|error| Err(Problem::Interrupted(error.to_string())))
}

/// As a kubelet reports it, or as the node lifecycle controller does once the kubelet reports no longer.
fn set_ready(node: &mut Value, ready: bool, now: &str) {
    let (status, reason, message) = if ready {
        ("True", "KubeletReady", "kubelet is posting ready status")
    } else {
        ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    };
    let conditions = node.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten().filter(|condition| condition["type"] == "Ready") {
        if condition["status"] != status {
            condition["lastTransitionTime"] = now.into();
        }
        condition["status"] = status.into();
        condition["reason"] = reason.into();
        condition["message"] = message.into();
    }
}

/// Adds a taint, in the place of one of the same key and effect.
fn add_taint(node: &mut Value, taint: &Taint) {
    let Some(spec) = node["spec"].as_object_mut() else { return };
    let taints = spec.entry("taints").or_insert_with(|| json!([]));
    if let Some(taints) = taints.as_array_mut() {
        taints.retain(|known| known["key"] != taint.key.as_str() || known["effect"] != taint.effect.as_str());
        taints.push(json!({ "key": taint.key, "value": taint.value, "effect": taint.effect }));
    }
}
