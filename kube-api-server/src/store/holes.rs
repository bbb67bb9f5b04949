//! Writing an object as JSON with holes, each in its place, where the parts that are kept apart belong.

use serde_json::{Map, Value};

use super::part::{Apart, Part};

/// What stands in the place of a part that is kept apart.
pub(super) const HOLE: &[u8] = b"null";

/// About the length of a realistic Node's rest, in bytes.
const ROOM: usize = 4 * 1024;

/// An object as JSON, with `null` where something is kept apart.
pub(super) struct Holed {
    pub(super) bytes: Vec<u8>,
    /// Where each `null` begins, in that order.
    pub(super) holes: Vec<(Part, usize)>,
}

impl Holed {
    pub(super) fn of(rest: &Value, apart: &Apart) -> Holed {
        let mut holed = Holed { bytes: Vec::with_capacity(ROOM), holes: Vec::with_capacity(Part::ALL.len()) };
        holed.object(rest, apart);
        holed
    }

    /// Writes into memory, which has no way to fail.
    fn value(&mut self, value: &Value) {
        let _written = serde_json::to_writer(&mut self.bytes, value);
    }

    /// What comes before a member's value; `first` is whether it is the object's first.
    fn name(&mut self, name: &str, first: bool) {
        if !first {
            self.bytes.push(b',');
        }
        let _written = serde_json::to_writer(&mut self.bytes, name);
        self.bytes.push(b':');
    }

    fn object(&mut self, object: &Value, apart: &Apart) {
        let Some(sections) = object.as_object() else { return self.value(object) };
        self.bytes.push(b'{');
        for (index, (name, section)) in sections.iter().enumerate() {
            self.name(name, index == 0);
            let parts = Part::ALL.into_iter().filter(|part| part.path()[0] == name && apart[*part as usize].is_some());
            match section.as_object() {
                Some(fields) => self.section(fields, parts),
                None => self.value(section),
            }
        }
        self.bytes.push(b'}');
    }

    /// Fields and parts together in the order of their names.
    fn section(&mut self, fields: &Map<String, Value>, parts: impl Iterator<Item = Part>) {
        let (mut parts, mut first) = (parts.peekable(), true);
        self.bytes.push(b'{');
        for (name, value) in fields {
            while let Some(part) = parts.next_if(|part| part.path()[1] < name.as_str()) {
                self.hole(part, std::mem::take(&mut first));
            }
            self.name(name, std::mem::take(&mut first));
            self.value(value);
        }
        for part in parts {
            self.hole(part, std::mem::take(&mut first));
        }
        self.bytes.push(b'}');
    }

    fn hole(&mut self, part: Part, first: bool) {
        self.name(part.path()[1], first);
        self.holes.push((part, self.bytes.len()));
        self.bytes.extend_from_slice(HOLE);
    }
}
