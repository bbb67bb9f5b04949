//! Lists: whole, in pages, and as they were at a version.

use std::sync::Arc;

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::query::{ListOptions, Matching};
use crate::resource::Resource;
use crate::selector::Selection;
use crate::status::ApiError;
use crate::store::Store;
use crate::store::record::Record;

const TOKEN_VERSION: &str = "meta.k8s.io/v1";

/// What a list comes to.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) version: u64,
    /// Where to go on, if there is more.
    pub(crate) continue_from: String,
    /// How many there are beyond this page, where that is known without looking at each.
    pub(crate) remaining: Option<usize>,
}

/// A `continue` token: the version of the first page, and the key after which the next one starts.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    v: String,
    /// -1 to go on with the newest.
    rv: i64,
    start: String,
}

impl Page {
    /// `metadata` of the list.
    pub(crate) fn metadata(&self) -> Map<String, Value> {
        let mut metadata = Map::new();
        metadata.insert("resourceVersion".to_owned(), self.version.to_string().into());
        if !self.continue_from.is_empty() {
            metadata.insert("continue".to_owned(), self.continue_from.clone().into());
        }
        if let Some(remaining) = self.remaining {
            metadata.insert("remainingItemCount".to_owned(), remaining.into());
        }
        metadata
    }

    /// The list as JSON, made of the bytes that the records hold.
    pub(crate) fn to_bytes(&self, resource: Resource) -> Bytes {
        let size: usize = self.records.iter().map(|record| record.item_len() + 1).sum();
        let mut out = Vec::with_capacity(size + 256);
        let metadata = Value::Object(self.metadata());
        let opening = format!(
            "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
            resource.kind(),
            resource.api_version()
        );
        out.extend_from_slice(opening.as_bytes());
        for (index, record) in self.records.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            record.write_item(&mut out);
        }
        out.extend_from_slice(b"]}\n");
        out.into()
    }
}

/// Reads the page that the options ask for.
pub(crate) fn page(
    store: &Store,
    resource: Resource,
    namespace: &str,
    options: &ListOptions,
) -> Result<Page, ApiError> {
    let mut selection = Selection::parse(resource, &options.labels, &options.fields)?;
    namespace.clone_into(&mut selection.namespace);
    let (all, version, start) = source(store, resource, namespace, options)?;
    let from = all.partition_point(|record| record.key.as_str() <= start.as_str());
    let rest = all.get(from..).unwrap_or_default();
    let in_namespace = |record: &Arc<Record>| namespace.is_empty() || record.key.starts_with(&format!("{namespace}/"));
    let rest: Vec<Arc<Record>> = rest.iter().filter(|record| in_namespace(record)).cloned().collect();

    // "Any version will do" is answered from the watch cache, which has no pages.
    let unpaged = options.limit == 0 || (options.resource_version == Some(0) && options.continue_from.is_empty());
    if unpaged {
        let records = rest.into_iter().filter(|record| selection.matches(record)).collect();
        return Ok(Page { records, version, continue_from: String::new(), remaining: None });
    }
    let mut records = Vec::new();
    let mut seen = 0;
    for record in &rest {
        if records.len() == options.limit {
            break;
        }
        seen += 1;
        if selection.matches(record) {
            records.push(record.clone());
        }
    }
    let left = rest.len() - seen;
    let continue_from = match (left, records.last()) {
        (0, _) | (_, None) => String::new(),
        (_, Some(_)) => token(i64::try_from(version).unwrap_or(-1), namespace, &rest[seen - 1].key),
    };
    // Behind a selector the server would have to look at every object to know.
    let counted = options.labels.is_empty() && options.fields.is_empty() && left > 0;
    Ok(Page { records, version, continue_from, remaining: counted.then_some(left) })
}

/// All objects to choose from, their version, and the key after which to start.
fn source(
    store: &Store,
    resource: Resource,
    namespace: &str,
    options: &ListOptions,
) -> Result<(Vec<Arc<Record>>, u64, String), ApiError> {
    let newest = || store.list(resource, &Selection::all());
    if !options.continue_from.is_empty() {
        let token = read_token(&options.continue_from)?;
        if options.resource_version.is_some_and(|version| version != 0) {
            return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
        }
        let start = token.start.strip_prefix('/').unwrap_or(&token.start).trim_end_matches('\0');
        let start = if namespace.is_empty() { start.to_owned() } else { format!("{namespace}/{start}") };
        let Ok(version) = u64::try_from(token.rv) else {
            let (version, records) = newest();
            return Ok((records, version, start));
        };
        let records = store
            .snapshot(resource, version)
            .map_err(|_| ApiError::continue_expired(&self::token(-1, namespace, &start)))?;
        return Ok((records, version, start));
    }
    let (version, records) = newest();
    match options.resource_version {
        Some(asked) if asked > version => Err(ApiError::too_large_resource_version(asked, version)),
        Some(asked) if is_exact(options, asked) => {
            let records = store
                .snapshot(resource, asked)
                .map_err(|_| ApiError::expired("The resourceVersion for the provided list is too old."))?;
            Ok((records, asked, String::new()))
        }
        _ => Ok((records, version, String::new())),
    }
}

fn is_exact(options: &ListOptions, asked: u64) -> bool {
    match options.matching {
        Matching::Exact => true,
        Matching::NotOlderThan => false,
        Matching::Unset => options.limit > 0 && asked > 0,
    }
}

fn token(version: i64, namespace: &str, key: &str) -> String {
    let start = key.strip_prefix(namespace).unwrap_or(key).trim_start_matches('/');
    let token = Token { v: TOKEN_VERSION.to_owned(), rv: version, start: format!("/{start}\0") };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
}

fn read_token(text: &str) -> Result<Token, ApiError> {
    let invalid =
        |why: &str| ApiError::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| match error {
        base64::DecodeError::InvalidByte(at, _) => invalid(&format!("illegal base64 data at input byte {at}")),
        _ => invalid(&format!("illegal base64 data at input byte {}", text.len() / 4 * 4)),
    })?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|error| invalid(&error.to_string()))?;
    if token.v != TOKEN_VERSION {
        return Err(invalid(&format!("server does not recognize this encoded version {:?}", token.v)));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::api::query::Query;
    use crate::node_spec::NodeSpec;

    fn store(names: &[&str]) -> Store {
        let store = Store::new(100).unwrap();
        for name in names {
            store.create_node(NodeSpec::new(name)).unwrap();
        }
        store
    }

    fn read(store: &Store, query: &str) -> Result<Page, ApiError> {
        page(store, Resource::Nodes, "", &Query::parse(query).list_options().unwrap())
    }

    fn names(page: &Page) -> Vec<&str> {
        page.records.iter().map(|record| record.key.as_str()).collect()
    }

    #[test]
    fn pages_follow_one_another_at_the_version_of_the_first() {
        let store = store(&["a", "b", "c"]);
        let first = read(&store, "limit=2").unwrap();
        assert_eq!((names(&first), first.remaining), (vec!["a", "b"], Some(1)));
        store.delete_node("c").unwrap();
        store.create_node(NodeSpec::new("d")).unwrap();
        let second = read(&store, &format!("limit=2&continue={}", first.continue_from)).unwrap();
        assert_eq!((names(&second), second.version), (vec!["c"], first.version));
        assert!(second.continue_from.is_empty());
    }

    #[test]
    fn a_page_after_a_compaction_is_gone_and_says_how_to_go_on() {
        let store = store(&["a", "b"]);
        let first = read(&store, "limit=1").unwrap();
        store.create_node(NodeSpec::new("c")).unwrap();
        store.compact();
        let error = read(&store, &format!("limit=1&continue={}", first.continue_from)).unwrap_err();
        assert_eq!(error.code, 410);
        let resume = error.to_json()["metadata"]["continue"].as_str().unwrap().to_owned();
        assert_eq!(names(&read(&store, &format!("continue={resume}")).unwrap()), ["b", "c"]);
    }

    #[test]
    fn any_version_will_do_has_no_pages() {
        let store = store(&["a", "b"]);
        let all = read(&store, "limit=1&resourceVersion=0").unwrap();
        assert_eq!(names(&all), ["a", "b"]);
        assert!(all.continue_from.is_empty());
    }

    #[test]
    fn a_version_from_the_future_is_refused() {
        assert_eq!(read(&store(&[]), "resourceVersion=100000").unwrap_err().code, 504);
    }
}
