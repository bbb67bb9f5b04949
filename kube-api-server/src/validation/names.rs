//! The forms that names, label keys and label values may take (RFC 1123, and Kubernetes' "qualified name").

const LABEL_FORM: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
     end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_FORM: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
     start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const NAME_PART_FORM: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
     character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_FORM: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
     and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED_FORM: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
     alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";

const LONGEST_LABEL: usize = 63;
const LONGEST_SUBDOMAIN: usize = 253;

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} bytes")
}

fn is_label(text: &str) -> bool {
    let inside = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    !text.is_empty() && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

/// Starts and ends alphanumeric, with '-', '_' and '.' between.
fn is_name_part(text: &str) -> bool {
    let inside = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
    let edge = |letter: Option<u8>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    text.bytes().all(inside) && edge(text.bytes().next()) && edge(text.bytes().last())
}

/// What is wrong with an RFC 1123 label.
pub(super) fn label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > LONGEST_LABEL {
        out.push(format!("must be no more than {LONGEST_LABEL} characters"));
    }
    if !is_label(text) {
        let only_dots_are_wrong = text.split('.').all(is_label);
        out.push(if only_dots_are_wrong { "must not contain dots" } else { LABEL_FORM }.to_owned());
    }
    out
}

/// What is wrong with an RFC 1123 subdomain.
pub(super) fn subdomain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > LONGEST_SUBDOMAIN {
        out.push(format!("must be no more than {LONGEST_SUBDOMAIN} characters"));
    }
    if !text.split('.').all(is_label) {
        out.push(SUBDOMAIN_FORM.to_owned());
    }
    out
}

/// What is wrong with a part of an address.
pub(super) fn path_segment(text: &str) -> Vec<String> {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    let illegal = ['/', '%'].into_iter().filter(|letter| text.contains(*letter));
    illegal.map(|letter| format!("may not contain '{letter}'")).collect()
}

/// What is wrong with a label's key, a taint's key or (in lower case) an annotation's key.
pub(super) fn qualified(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let name = match text.split_once('/') {
        Some((prefix, name)) if !name.contains('/') => {
            if prefix.is_empty() {
                out.push("prefix part must be non-empty".to_owned());
            } else {
                out.extend(subdomain(prefix).into_iter().map(|why| format!("prefix part {why}")));
            }
            name
        }
        Some(_) => return vec![QUALIFIED_FORM.to_owned()],
        None => text,
    };
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if name.len() > LONGEST_LABEL {
        out.push(format!("name part {}", too_long(LONGEST_LABEL)));
    }
    if !is_name_part(name) {
        out.push(format!("name part {NAME_PART_FORM}"));
    }
    out
}

/// What is wrong with a label's value.
pub(super) fn label_value(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > LONGEST_LABEL {
        out.push(too_long(LONGEST_LABEL));
    }
    if !text.is_empty() && !is_name_part(text) {
        out.push(VALUE_FORM.to_owned());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_keys_may_have_one_prefix() {
        assert!(qualified("node.kubernetes.io/instance-type").is_empty());
        assert!(qualified("a_B.c").is_empty());
        assert_eq!(qualified("a/b/c").len(), 1);
        assert_eq!(qualified("/b"), ["prefix part must be non-empty"]);
        assert_eq!(qualified("").len(), 2);
        assert_eq!(qualified("-a").len(), 1);
    }

    #[test]
    fn values_and_names_have_their_longest() {
        assert!(label_value(&"a".repeat(63)).is_empty());
        assert_eq!(label_value(&"a".repeat(64)), ["must be no more than 63 bytes"]);
        assert!(label_value("").is_empty());
        assert!(subdomain("node-1.example.com").is_empty());
        assert_eq!(subdomain("Node").len(), 1);
        assert_eq!(label("a.b").len(), 1);
    }
}
