//! The `--cloud-config` file: JSON, keys matched whatever their case (`projectID` and `projectId` are both in use).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::error::Problem;

/// The values of a file by their key in lower case, nested ones as `ratelimit.burst`.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) name: String,
    values: BTreeMap<String, Entry>,
}

/// A key as it is written in the file, and its value.
#[derive(Debug)]
struct Entry {
    key: String,
    value: Value,
}

impl File {
    /// Reads a file. Its syntax is checked before anything of it is shown, so that no message repeats a secret.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let name = path.display().to_string();
        let text = std::fs::read(path)
            .map_err(|error| Problem::Unreadable { file: name.clone(), reason: error.to_string() })?;
        Self::parse(name, &text)
    }

    fn parse(name: String, text: &[u8]) -> Result<Self, Problem> {
        let not_json = |reason: String| Problem::NotJson { file: name.clone(), reason };
        let value: Value = serde_json::from_slice(text).map_err(|error| not_json(error.to_string()))?;
        let Value::Object(object) = value else {
            return Err(not_json("the file must hold one object, {…}".to_owned()));
        };
        let mut values = BTreeMap::new();
        for (key, value) in object {
            match value {
                Value::Object(nested) if super::settings::is_group(&key) => {
                    for (inner, value) in nested {
                        insert(&name, &mut values, format!("{key}.{inner}"), value)?;
                    }
                }
                Value::Null => {}
                _ if super::settings::is_group(&key) => {
                    let (place, expected) = (format!("`{key}` in {name}"), "an object of further keys".to_owned());
                    return Err(Problem::Value { place, found: "a single value".to_owned(), expected });
                }
                value => insert(&name, &mut values, key, value)?,
            }
        }
        Ok(Self { name, values })
    }

    /// The value of a key with the key as the file writes it. `null` and empty texts count as not set.
    pub(super) fn get(&self, key: &str) -> Option<(&str, &Value)> {
        let entry = self.values.get(&key.to_ascii_lowercase())?;
        let is_set = !matches!(&entry.value, Value::Null) && entry.value.as_str() != Some("");
        is_set.then_some((entry.key.as_str(), &entry.value))
    }

    /// The keys, as the file writes them, that `is_known` does not know in lower case.
    pub(super) fn unknown_keys(&self, is_known: impl Fn(&str) -> bool) -> Vec<&str> {
        self.values.iter().filter(|(key, _)| !is_known(key)).map(|(_, entry)| entry.key.as_str()).collect()
    }
}

fn insert(file: &str, values: &mut BTreeMap<String, Entry>, key: String, value: Value) -> Result<(), Problem> {
    match values.insert(key.to_ascii_lowercase(), Entry { key: key.clone(), value }) {
        None => Ok(()),
        Some(_) => Err(Problem::Twice { file: file.to_owned(), key }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn parse(text: &str) -> Result<File, Problem> {
        File::parse("cloud-sa.json".to_owned(), text.as_bytes())
    }

    #[test]
    fn keys_are_found_whatever_their_case() {
        let file = parse(r#"{"projectId": "p", "RateLimit": {"BURST": 5}}"#).unwrap();
        assert_eq!(file.get("projectID").unwrap().0, "projectId");
        assert_eq!(file.get("rateLimit.burst").unwrap(), ("RateLimit.BURST", &Value::from(5)));
    }

    #[test]
    fn a_trailing_comma_is_named_with_its_line_and_shows_nothing_of_the_file() {
        let problem = parse("{\n  \"apiKey\": \"secret\",\n}").unwrap_err().to_string();
        assert!(problem.contains("cloud-sa.json") && problem.contains("line 3 column 1"), "{problem}");
        assert!(!problem.contains("secret"), "{problem}");
    }

    #[test]
    fn what_is_no_object_says_so() {
        for text in ["[]", "\"secret\"", "7", ""] {
            let problem = parse(text).unwrap_err().to_string();
            assert!(problem.contains("no valid JSON") && !problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn one_key_in_two_cases_is_refused() {
        assert!(matches!(parse(r#"{"projectID": "a", "projectId": "b"}"#), Err(Problem::Twice { .. })));
    }
}
