//! Labels: instance type, region and zone, each under its name of today and that of its beta.

use super::names::{
    BETA_INSTANCE_TYPE_LABEL, BETA_REGION_LABEL, BETA_ZONE_LABEL, INSTANCE_TYPE_LABEL, LABEL_TWINS, REGION_LABEL,
    ZONE_LABEL,
};
use super::node_labels::NodeLabels;

/// Where an instance stands, as its labels show it. What the API does not tell is no label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zone {
    /// The value of the region labels.
    pub region: Option<String>,
    /// The value of the zone labels.
    pub zone: Option<String>,
}

/// What the API tells cannot be a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{value}`, as the Packet API has it, cannot be the value of label {label}: expected at most 63 letters, digits, `-`, `_` and `.`, \
     with a letter or digit at both ends"
)]
pub struct LabelError {
    /// The label.
    pub label: &'static str,
    /// The value that was to be written.
    pub value: String,
}

/// The labels of an instance, in the order in which they are written.
///
/// # Errors
/// When a value is none that Kubernetes takes; the Node would otherwise be refused without a word about which field.
pub fn instance_labels(instance_type: Option<&str>, zone: &Zone) -> Result<Vec<(&'static str, String)>, LabelError> {
    let values = [
        (INSTANCE_TYPE_LABEL, BETA_INSTANCE_TYPE_LABEL, instance_type),
        (REGION_LABEL, BETA_REGION_LABEL, zone.region.as_deref()),
        (ZONE_LABEL, BETA_ZONE_LABEL, zone.zone.as_deref()),
    ];
    let mut labels = Vec::with_capacity(2 * values.len());
    for (label, beta, value) in values {
        let Some(value) = value else { continue };
        if !is_label_value(value) {
            return Err(LabelError { label, value: value.to_owned() });
        }
        labels.extend([(label, value.to_owned()), (beta, value.to_owned())]);
    }
    Ok(labels)
}

/// The labels of today that are missing, or differ from their beta twins, with the twins' values (Kubernetes
/// `cloud-provider` node controller, `reconcileNodeLabels`).
#[must_use]
pub fn to_restore(labels: &NodeLabels) -> Vec<(&'static str, String)> {
    let differing = |(label, beta): &(&'static str, &str)| {
        let value = labels.get(beta)?;
        (labels.get(label) != Some(value)).then(|| (*label, value.to_owned()))
    };
    LABEL_TWINS.iter().filter_map(differing).collect()
}

/// Whether Kubernetes takes a text as the value of a label (apimachinery `IsValidLabelValue`).
fn is_label_value(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let end = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    bytes.len() <= 63 && bytes.iter().copied().all(inner) && end(bytes.first().copied()) && end(bytes.last().copied())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn every_label_comes_with_its_beta_twin() {
        let zone = Zone { region: Some("ny".into()), zone: Some("ny5".into()) };
        let labels = instance_labels(Some("c3.small.x86"), &zone).unwrap();
        assert_eq!(
            labels,
            [
                ("node.kubernetes.io/instance-type", "c3.small.x86".to_owned()),
                ("beta.kubernetes.io/instance-type", "c3.small.x86".to_owned()),
                ("topology.kubernetes.io/region", "ny".to_owned()),
                ("failure-domain.beta.kubernetes.io/region", "ny".to_owned()),
                ("topology.kubernetes.io/zone", "ny5".to_owned()),
                ("failure-domain.beta.kubernetes.io/zone", "ny5".to_owned()),
            ]
        );
    }

    #[test]
    fn what_the_api_does_not_tell_is_no_label() {
        assert_eq!(instance_labels(None, &Zone::default()).unwrap(), []);
    }

    #[test]
    fn a_value_that_kubernetes_would_refuse_is_an_error_that_names_it() {
        for value in ["c3 small", "-c3", "c3.", "ä", &"x".repeat(64)] {
            let error = instance_labels(Some(value), &Zone::default()).unwrap_err();
            assert_eq!(error, LabelError { label: INSTANCE_TYPE_LABEL, value: value.to_owned() });
        }
    }

    #[test]
    fn a_label_that_is_missing_or_differs_is_restored_from_its_beta_twin() {
        let labels = |all: &[(&str, &str)]| {
            let all: serde_json::Map<_, _> = all.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
            serde_json::from_value(all.into()).unwrap()
        };
        assert_eq!(to_restore(&labels(&[(BETA_REGION_LABEL, "ny")])), [(REGION_LABEL, "ny".to_owned())]);
        assert_eq!(
            to_restore(&labels(&[(BETA_REGION_LABEL, "ny"), (REGION_LABEL, "sv"), (BETA_ZONE_LABEL, "ny5")])),
            [(REGION_LABEL, "ny".to_owned()), (ZONE_LABEL, "ny5".to_owned())]
        );
        assert_eq!(to_restore(&labels(&[(BETA_REGION_LABEL, "ny"), (REGION_LABEL, "ny"), (ZONE_LABEL, "x")])), []);
    }
}
