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
    /// How many objects come after, so that nobody has to count them for each page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<usize>,
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

/// Where a list starts.
struct Source {
    /// Nothing for "as it is now".
    version: Option<u64>,
    /// The key after which to start.
    start: String,
    /// How many objects there are after it, where that is known.
    left: Option<usize>,
}

/// Reads the page that the options ask for. It costs what is on the page, however many objects there are.
pub(crate) fn page(
    store: &Store,
    resource: Resource,
    namespace: &str,
    options: &ListOptions,
) -> Result<Page, ApiError> {
    let mut selection = Selection::parse(resource, &options.labels, &options.fields)?;
    namespace.clone_into(&mut selection.namespace);
    let source = source(store, namespace, options)?;
    // "Any version will do" is answered from the watch cache, which has no pages.
    let unpaged = options.limit == 0 || (options.resource_version == Some(0) && options.continue_from.is_empty());
    let limit = if unpaged { usize::MAX } else { options.limit };
    // Behind a selector the server would have to look at every object to know how many are left.
    let counted = !unpaged && options.labels.is_empty() && options.fields.is_empty();
    let is_everything = namespace.is_empty() && source.start.is_empty() && source.version.is_none();
    let must_count = counted && source.left.is_none() && !is_everything;

    let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    let after = if source.start.is_empty() { &prefix } else { &source.start };
    let (mut records, mut passed, mut last, mut beyond) = (Vec::new(), 0, String::new(), 0);
    let read = store.snapshot(resource, source.version, after, |record| {
        if !record.key.starts_with(&prefix) {
            return false;
        }
        if records.len() == limit {
            beyond += 1;
            return must_count;
        }
        passed += 1;
        record.key.clone_into(&mut last);
        if selection.matches(record) {
            records.push(record.clone());
        }
        true
    });
    let (version, count) = read.map_err(|_| expired(namespace, &source))?;
    if beyond == 0 {
        return Ok(Page { records, version, continue_from: String::new(), remaining: None });
    }
    let left = match source.left.or(is_everything.then_some(count)) {
        Some(before) => before.saturating_sub(passed),
        None => beyond,
    };
    let remaining = counted.then_some(left);
    let continue_from = token(i64::try_from(version).unwrap_or(-1), namespace, &last, remaining);
    Ok(Page { records, version, continue_from, remaining })
}

fn source(store: &Store, namespace: &str, options: &ListOptions) -> Result<Source, ApiError> {
    if !options.continue_from.is_empty() {
        let token = read_token(&options.continue_from)?;
        if options.resource_version.is_some_and(|version| version != 0) {
            return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
        }
        let start = token.start.strip_prefix('/').unwrap_or(&token.start).trim_end_matches('\0');
        let start = if namespace.is_empty() { start.to_owned() } else { format!("{namespace}/{start}") };
        let version = u64::try_from(token.rv).ok();
        // What was counted then does not hold for what is there now.
        return Ok(Source { version, start, left: token.left.filter(|_| version.is_some()) });
    }
    let newest = store.resource_version();
    let version = match options.resource_version {
        Some(asked) if asked > newest => return Err(ApiError::too_large_resource_version(asked, newest)),
        Some(asked) if is_exact(options, asked) => Some(asked),
        _ => None,
    };
    Ok(Source { version, start: String::new(), left: None })
}

fn expired(namespace: &str, source: &Source) -> ApiError {
    if source.start.is_empty() {
        return ApiError::expired("The resourceVersion for the provided list is too old.");
    }
    ApiError::continue_expired(&token(-1, namespace, &source.start, None))
}

fn is_exact(options: &ListOptions, asked: u64) -> bool {
    match options.matching {
        Matching::Exact => true,
        Matching::NotOlderThan => false,
        Matching::Unset => options.limit > 0 && asked > 0,
    }
}

fn token(version: i64, namespace: &str, key: &str, left: Option<usize>) -> String {
    let start = key.strip_prefix(namespace).unwrap_or(key).trim_start_matches('/');
    let token = Token { v: TOKEN_VERSION.to_owned(), rv: version, start: format!("/{start}\0"), left };
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
        let store = Store::with_history(100).unwrap();
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
