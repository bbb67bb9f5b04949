//! Which objects a list or watch is about: a namespace, a label selector, a field selector.

use crate::resource::Resource;
use crate::status::ApiError;
use crate::store::record::Record;

/// Everything a request says about which objects it wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Selection {
    /// Empty for all.
    pub(crate) namespace: String,
    labels: Vec<LabelRule>,
    fields: Vec<FieldRule>,
}

#[derive(Debug, Clone, PartialEq)]
struct LabelRule {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

#[derive(Debug, Clone, PartialEq)]
struct FieldRule {
    field: String,
    value: String,
    equal: bool,
}

impl Selection {
    pub(crate) fn all() -> Selection {
        Selection::default()
    }

    /// Reads the two selectors as Kubernetes writes them.
    pub(crate) fn parse(resource: Resource, labels: &str, fields: &str) -> Result<Selection, ApiError> {
        let labels = Parser::new(labels).rules().map_err(ApiError::bad_request)?;
        Ok(Selection { namespace: String::new(), labels, fields: field_rules(resource, fields)? })
    }

    pub(crate) fn matches(&self, record: &Record) -> bool {
        let in_namespace = self.namespace.is_empty()
            || record.key.strip_prefix(&self.namespace).is_some_and(|rest| rest.starts_with('/'));
        in_namespace
            && self
                .labels
                .iter()
                .all(|rule| rule.test.matches(record.facts().labels.get(&rule.key).map(String::as_str)))
            && self.fields.iter().all(|rule| {
                let value = record.facts().fields.get(rule.field.as_str()).map_or("", String::as_str);
                (value == rule.value) == rule.equal
            })
    }
}

impl Test {
    fn matches(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::NotIn(values) => !value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

/// Which fields may be asked for, by resource.
fn supported(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Nodes => &["metadata.name", "spec.unschedulable"],
        Resource::Namespaces => &["metadata.name", "status.phase", "name"],
        Resource::Leases => &["metadata.name", "metadata.namespace"],
        Resource::Events => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
            "metadata.name",
            "metadata.namespace",
        ],
    }
}

fn field_rules(resource: Resource, text: &str) -> Result<Vec<FieldRule>, ApiError> {
    let mut rules = Vec::new();
    for term in text.split(',').filter(|term| !term.is_empty()) {
        let (field, value, equal) = if let Some((field, value)) = term.split_once("!=") {
            (field, value, false)
        } else if let Some((field, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
            (field, value, true)
        } else {
            let message = format!("invalid selector: '{text}'; can't understand '{term}'");
            return Err(ApiError::bad_request(message));
        };
        // An empty requirement on nothing selects everything.
        if field.is_empty() && value.is_empty() {
            continue;
        }
        if !supported(resource).contains(&field) {
            let message = match resource {
                Resource::Leases => format!(
                    "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                    crate::status::quoted(field)
                ),
                _ => format!("field label not supported: {field}"),
            };
            return Err(ApiError::bad_request(message));
        }
        rules.push(FieldRule { field: field.to_owned(), value: value.to_owned(), equal });
    }
    Ok(rules)
}

/// A reader of label selectors: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parser<'a> {
        Parser { rest: text }
    }

    /// The next word or sign; empty at the end.
    fn peek(&self) -> &'a str {
        let rest = self.rest.trim_start();
        let is_sign = |letter: char| matches!(letter, '=' | '!' | '(' | ')' | ',' | '<' | '>');
        for sign in ["==", "!="] {
            if rest.starts_with(sign) {
                return &rest[..2];
            }
        }
        match rest.chars().next() {
            None => "",
            Some(first) if is_sign(first) => &rest[..1],
            Some(_) => {
                let end = rest.find(|letter: char| is_sign(letter) || letter.is_whitespace()).unwrap_or(rest.len());
                &rest[..end]
            }
        }
    }

    fn next(&mut self) -> &'a str {
        let token = self.peek();
        self.rest = &self.rest.trim_start()[token.len()..];
        token
    }

    fn rules(mut self) -> Result<Vec<LabelRule>, String> {
        let mut rules = Vec::new();
        if self.peek().is_empty() {
            return Ok(rules);
        }
        loop {
            rules.push(self.rule().map_err(|why| format!("unable to parse requirement: {why}"))?);
            match self.next() {
                "" => return Ok(rules),
                "," => {}
                other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
    }

    fn rule(&mut self) -> Result<LabelRule, String> {
        if self.peek() == "!" {
            self.next();
            return Ok(LabelRule { key: self.key()?, test: Test::Absent });
        }
        let key = self.key()?;
        let test = match self.peek() {
            "" | "," => Test::Exists,
            "=" | "==" => {
                self.next();
                Test::In(vec![self.value()])
            }
            "!=" => {
                self.next();
                Test::NotIn(vec![self.value()])
            }
            "in" => {
                self.next();
                Test::In(self.values()?)
            }
            "notin" => {
                self.next();
                Test::NotIn(self.values()?)
            }
            ">" | "gt" => Test::Above(self.number()?),
            "<" | "lt" => Test::Below(self.number()?),
            other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        Ok(LabelRule { key, test })
    }

    fn key(&mut self) -> Result<String, String> {
        match self.next() {
            word if word.starts_with(|letter: char| letter.is_ascii_alphanumeric()) => Ok(word.to_owned()),
            other => Err(format!("found '{other}', expected: !, identifier, or 'end of string'")),
        }
    }

    /// A value may be empty, as in `a=`.
    fn value(&mut self) -> String {
        if matches!(self.peek(), "" | ",") { String::new() } else { self.next().to_owned() }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let opening = self.next();
        if opening != "(" {
            return Err(format!("found '{opening}' expected: '('"));
        }
        let mut values = vec![if self.peek() == ")" { String::new() } else { self.value() }];
        loop {
            match self.next() {
                ")" => return Ok(values),
                "," => values.push(if self.peek() == ")" { String::new() } else { self.value() }),
                other => return Err(format!("found '{other}', expected: ',', or ')'")),
            }
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        self.next();
        let value = self.next();
        value.parse().map_err(|_| {
            format!("values: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;
    use crate::store::record::Draft;

    fn selects(labels: &str, fields: &str) -> bool {
        let value = json!({ "metadata": { "name": "n", "labels": { "a": "1", "b": "" } } });
        let record = Record::new(Resource::Nodes, "n".to_owned(), 1, Draft::whole(Resource::Nodes, value));
        Selection::parse(Resource::Nodes, labels, fields).unwrap().matches(&record)
    }

    #[test]
    fn label_selectors_select() {
        for yes in ["", "a", "a=1", "a==1,b=", "a in (1, 2)", "c notin (1)", "!c", "c!=1", "a>0", "a,b", "b in ()"] {
            assert!(selects(yes, ""), "{yes}");
        }
        for no in ["c", "a=2", "!a", "a notin (1,2)", "a!=1", "a<1", "a,c"] {
            assert!(!selects(no, ""), "{no}");
        }
    }

    #[test]
    fn a_selector_that_makes_no_sense_is_refused() {
        for wrong in ["a b", "a==b c", "=a", "a in 1", "a in (1"] {
            assert!(Selection::parse(Resource::Nodes, wrong, "").is_err(), "{wrong}");
        }
    }

    #[test]
    fn field_selectors_know_their_fields() {
        assert!(selects("", "metadata.name=n"));
        assert!(!selects("", "metadata.name!=n"));
        assert!(selects("", "spec.unschedulable=false"));
        assert!(Selection::parse(Resource::Nodes, "", "spec.providerID=x").is_err());
    }
}
