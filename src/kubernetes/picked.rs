//! Reads of a JSON map of texts the few entries that are wanted; the rest is passed over without being kept for a moment.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use smol_str::SmolStr;

/// What was picked out of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picked<const N: usize> {
    /// The value of each key that was wanted, in the order in which they were named.
    pub(super) values: [Option<SmolStr>; N],
    /// Whether the map has any entry, wanted or not.
    pub(super) any: bool,
}

impl<const N: usize> Default for Picked<N> {
    fn default() -> Self {
        Self { values: [const { None }; N], any: false }
    }
}

/// Reads the values of `keys`. Instead of the map there may be a `null`, as of any map that a Go program left empty, and
/// instead of a value as well.
pub(super) fn pick<'de, D: Deserializer<'de>, const N: usize>(
    keys: [&'static str; N],
    deserializer: D,
) -> Result<Picked<N>, D::Error> {
    deserializer.deserialize_any(Map(keys))
}

struct Map<const N: usize>([&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Map<N> {
    type Value = Picked<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Picked::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut picked = Picked::default();
        while let Some(place) = map.next_key_seed(Key(&self.0))? {
            picked.any = true;
            match place.and_then(|place| picked.values.get_mut(place)) {
                Some(value) => *value = map.next_value()?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(picked)
    }
}

/// Reads a key: its place among those that are wanted, if it is one of them.
struct Key<'k>(&'k [&'static str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| *wanted == key))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use serde_json::json;

    fn picked(json: &str) -> Picked<2> {
        let picked = pick(["a", "b"], &mut serde_json::Deserializer::from_str(json)).unwrap();
        // The same from a tree of values, as a watch event whose type comes last is read.
        assert_eq!(pick(["a", "b"], serde_json::from_str::<serde_json::Value>(json).unwrap()).unwrap(), picked);
        picked
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let picked = picked(r#"{"c": {"d": [1]}, "b": "2", "\u0061": "1"}"#);
        assert_eq!(picked.values, [Some("1".into()), Some("2".into())]);
    }

    #[test]
    fn null_is_no_map_and_no_value() {
        assert_eq!(picked("null"), Picked::default());
        assert_eq!(picked("{}"), Picked::default());
        assert_eq!(picked(r#"{"a": null}"#), Picked { any: true, ..Picked::default() });
    }

    #[test]
    fn what_is_no_text_is_an_error_only_where_it_is_wanted() {
        assert!(pick(["a"], json!({"b": 1})).is_ok());
        assert!(pick(["a"], json!({"a": 1})).is_err());
        assert!(pick(["a"], json!("a")).is_err());
    }
}
