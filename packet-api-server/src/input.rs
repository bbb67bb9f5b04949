//! Request bodies and fixtures, checked against tables of fields: every mistake is named with its place, none is swallowed.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Flag,
    Text,
    /// Text of at least and at most so many characters.
    TextOf(usize, usize),
    Integer(i64, i64),
    Number,
    Object,
    Uuid,
    Time,
    Address,
    OneOf(&'static [&'static str]),
    OneNumberOf(&'static [i64]),
    /// An object with these fields.
    Fields(&'static [Field]),
    List(&'static Kind),
    /// What some clients send as null where they mean to leave it out.
    OrNull(&'static Kind),
}

/// A field of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// A field that may be left out.
pub(crate) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

/// A field that must be there.
pub(crate) const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

/// What is wrong with an object, each mistake beginning with its place below `place`. Fields that are not in the table are
/// not looked at.
pub(crate) fn mistakes(place: &str, object: &Map<String, Value>, fields: &[Field]) -> Vec<String> {
    let mut mistakes = Vec::new();
    look(place, object, fields, &mut mistakes);
    mistakes
}

fn look(place: &str, object: &Map<String, Value>, fields: &[Field], mistakes: &mut Vec<String>) {
    for field in fields {
        let place = if place.is_empty() { field.name.to_owned() } else { format!("{place}.{}", field.name) };
        match object.get(field.name) {
            Some(value) => look_at(&place, value, field.kind, mistakes),
            None if field.required => mistakes.push(format!("{place} is missing; give {}", wanted(field.kind))),
            None => {}
        }
    }
}

fn look_at(place: &str, value: &Value, kind: Kind, mistakes: &mut Vec<String>) {
    let fits = match (kind, value) {
        (Kind::OrNull(_), Value::Null) => true,
        (Kind::OrNull(kind), value) => return look_at(place, value, *kind, mistakes),
        (Kind::Fields(fields), Value::Object(object)) => {
            look(place, object, fields, mistakes);
            true
        }
        (Kind::List(item), Value::Array(values)) => {
            for (n, value) in values.iter().enumerate() {
                look_at(&format!("{place}[{n}]"), value, *item, mistakes);
            }
            true
        }
        (Kind::Flag, value) => value.is_boolean(),
        (Kind::Text, value) => value.is_string(),
        (Kind::TextOf(least, most), Value::String(text)) => (least..=most).contains(&text.chars().count()),
        (Kind::Integer(least, most), value) => integer(value).is_some_and(|number| (least..=most).contains(&number)),
        (Kind::OneNumberOf(numbers), value) => integer(value).is_some_and(|number| numbers.contains(&number)),
        (Kind::Number, value) => value.is_number(),
        (Kind::Object, value) => value.is_object(),
        (Kind::Uuid, Value::String(text)) => Uuid::try_parse(text).is_ok(),
        (Kind::Time, Value::String(text)) => text.parse::<Timestamp>().is_ok(),
        (Kind::Address, Value::String(text)) => text.parse::<std::net::IpAddr>().is_ok(),
        (Kind::OneOf(words), Value::String(text)) => words.contains(&text.as_str()),
        _ => false,
    };
    if !fits {
        mistakes.push(format!("{place} must be {}, not {}", wanted(kind), found(value)));
    }
}

/// A whole number; JSON Schema counts 2.0 as one.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and, by the range check, far from the edge of i64")]
    let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(whole))
}

fn wanted(kind: Kind) -> String {
    match kind {
        Kind::Flag => "true or false".into(),
        Kind::Text => "a string".into(),
        Kind::TextOf(least, most) => format!("a string of {least} to {most} characters"),
        Kind::Integer(least, most) => format!("an integer from {least} to {most}"),
        Kind::Number => "a number".into(),
        Kind::Object | Kind::Fields(_) => "an object".into(),
        Kind::Uuid => "a UUID".into(),
        Kind::Time => "a time like 2021-06-01T00:00:00Z".into(),
        Kind::Address => "an IPv4 or IPv6 address".into(),
        Kind::OneOf(words) => format!("one of {}", words.join(", ")),
        Kind::OneNumberOf(numbers) => {
            format!("one of {}", numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        Kind::List(_) => "a list".into(),
        Kind::OrNull(kind) => wanted(*kind),
    }
}

/// The value as it is, shortened to what fits in a message.
fn found(value: &Value) -> String {
    const MOST: usize = 40;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    text.chars().take(MOST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::{Field, Kind, integer, mistakes, optional, required};
    use serde_json::{Value, json};

    const FIELDS: &[Field] = &[
        required("hostname", Kind::Text),
        optional("tags", Kind::List(&Kind::Text)),
        optional("address", Kind::Fields(&[required("city", Kind::Text)])),
        optional("family", Kind::OneNumberOf(&[4, 6])),
    ];

    fn of(value: &Value) -> Vec<String> {
        mistakes("devices[3]", value.as_object().unwrap(), FIELDS)
    }

    #[test]
    fn what_is_right_has_no_mistakes() {
        let right = json!({"hostname": "a", "tags": ["b"], "address": {"city": "c"}, "family": 4.0, "unknown": null});
        assert_eq!(of(&right), Vec::<String>::new());
    }

    #[test]
    fn a_mistake_names_its_place_and_what_would_be_right() {
        assert_eq!(of(&json!({})), ["devices[3].hostname is missing; give a string"]);
        assert_eq!(
            of(&json!({"hostname": 5, "tags": ["a", 7], "address": {}, "family": 5})),
            [
                "devices[3].hostname must be a string, not 5",
                "devices[3].tags[1] must be a string, not 7",
                "devices[3].address.city is missing; give a string",
                "devices[3].family must be one of 4, 6, not 5",
            ]
        );
    }

    #[test]
    fn null_is_not_the_same_as_left_out() {
        assert_eq!(of(&json!({"hostname": "a", "tags": null})), ["devices[3].tags must be a list, not null"]);
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
        assert_eq!(
            (integer(&json!(2)), integer(&json!(2.0)), integer(&json!(2.5)), integer(&json!("2"))),
            (Some(2), Some(2), None, None)
        );
    }
}
