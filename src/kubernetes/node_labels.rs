//! What is kept of a Node's labels: the six that are ours.

use serde::{Deserialize, Deserializer};

use super::names::LABEL_TWINS;
use super::picked::{Picked, pick};

/// The labels that are ours, in the order in which their values are kept.
const OURS: [&str; 6] = {
    let [(instance_type, beta_instance_type), (region, beta_region), (zone, beta_zone)] = LABEL_TWINS;
    [instance_type, beta_instance_type, region, beta_region, zone, beta_zone]
};

/// The labels of a Node as far as this program looks at them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeLabels(Picked<6>);

impl NodeLabels {
    /// The value of a label of ours; of any other label, as of one that is not there, `None`.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<&str> {
        let place = OURS.iter().position(|ours| *ours == label)?;
        self.0.values.get(place)?.as_deref()
    }

    /// Whether the Node has no labels at all, not even others': a patch must not make a map that another writer is making
    /// too.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.0.any
    }
}

impl<'de> Deserialize<'de> for NodeLabels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        pick(OURS, deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use serde_json::json;

    #[test]
    fn each_label_of_ours_is_kept_under_its_own_name() {
        let all: serde_json::Map<_, _> = OURS.iter().map(|label| ((*label).to_owned(), json!(label))).collect();
        let labels: NodeLabels = serde_json::from_value(all.into()).unwrap();
        assert!(OURS.iter().all(|label| labels.get(label) == Some(*label)), "{labels:?}");
    }

    #[test]
    fn anothers_label_is_not_kept_but_told_from_none() {
        let labels: NodeLabels = serde_json::from_value(json!({"kubernetes.io/os": "linux"})).unwrap();
        assert_eq!(labels.get("kubernetes.io/os"), None);
        assert!(!labels.is_empty());
        for none in [json!({}), json!(null)] {
            assert!(serde_json::from_value::<NodeLabels>(none).unwrap().is_empty());
        }
    }
}
