//! What form of answer a client asks for in its `Accept` header.

/// The forms that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    Json,
    Table,
    PartialObjectMetadata,
    PartialObjectMetadataList,
    /// `APIGroupDiscoveryList`, in discovery only.
    Aggregated,
}

/// The first of the header's types that can be served, or `None`. Without a header it is plain JSON.
pub(crate) fn negotiate(header: Option<&str>) -> Option<Accepted> {
    let header = header.map(str::trim).filter(|header| !header.is_empty()).unwrap_or("*/*");
    header.split(',').find_map(one)
}

fn one(media_type: &str) -> Option<Accepted> {
    let mut parts = media_type.split(';').map(str::trim);
    if !matches!(parts.next()?, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let parameters: Vec<&str> = parts.collect();
    let parameter = |name: &str| {
        parameters.iter().find_map(|part| part.split_once('=').filter(|(key, _)| *key == name)).map(|(_, value)| value)
    };
    match (parameter("as"), parameter("g"), parameter("v")) {
        (None, ..) => Some(Accepted::Json),
        (Some("Table"), Some("meta.k8s.io"), Some("v1")) => Some(Accepted::Table),
        (Some("PartialObjectMetadata"), Some("meta.k8s.io"), Some("v1")) => Some(Accepted::PartialObjectMetadata),
        (Some("PartialObjectMetadataList"), Some("meta.k8s.io"), Some("v1")) => {
            Some(Accepted::PartialObjectMetadataList)
        }
        (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => Some(Accepted::Aggregated),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_is_known_wins() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(negotiate(Some(table)), Some(Accepted::Table));
        let unknown = "application/json;as=Table;v=v9;g=meta.k8s.io,application/json";
        assert_eq!(negotiate(Some(unknown)), Some(Accepted::Json));
        let protobuf = "application/vnd.kubernetes.protobuf,application/json";
        assert_eq!(negotiate(Some(protobuf)), Some(Accepted::Json));
    }

    #[test]
    fn what_is_not_served_is_not_pretended() {
        assert_eq!(negotiate(Some("application/vnd.kubernetes.protobuf")), None);
        assert_eq!(negotiate(Some("text/html")), None);
        assert_eq!(negotiate(None), Some(Accepted::Json));
        assert_eq!(negotiate(Some("text/html, */*")), Some(Accepted::Json));
    }
}
