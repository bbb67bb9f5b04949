//! Fixtures: facilities, metros, plans, projects and devices in the API's own shapes, checked before any of it is used.

mod shapes;

use crate::input::mistakes;
use crate::store::{Access, Store};
use serde_json::{Map, Value};
use shapes::{LISTS, device, facility, id, metro, nested, plan, project};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Why fixtures cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FixturesError {
    /// The file is not there or not for us.
    #[error("cannot read the fixtures file {}: {source}; give the path of a readable JSON file", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error("the fixtures file {} is not JSON: {source}; correct it there", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file is JSON, but not of the API's shapes.
    #[error("the fixtures file {} cannot be used; correct this in it:\n  {}", path.display(), mistakes.join("\n  "))]
    Shape {
        /// The file.
        path: PathBuf,
        /// Each mistake, with its place and field, and what would be right.
        mistakes: Vec<String>,
    },
}

/// What to seed a store with. Devices take their place after those that the store has; facilities, metros and plans replace
/// those of the same code or slug.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixtures {
    path: PathBuf,
    lists: Map<String, Value>,
}

impl Fixtures {
    /// Reads and checks a file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, FixturesError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| FixturesError::Read { path: path.into(), source })?;
        Self::parse(path, &text)
    }

    /// Checks a text; `path` is what errors call it.
    pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Self, FixturesError> {
        let path = path.as_ref().to_path_buf();
        let json = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(source) => return Err(FixturesError::Json { path, source }),
        };
        let Value::Object(lists) = json else {
            let mistakes = vec![r#"the file must hold an object, say {"devices": []}"#.to_owned()];
            return Err(FixturesError::Shape { path, mistakes });
        };
        let mut wrong = Vec::new();
        for (name, value) in &lists {
            let Some((_, fields)) = LISTS.iter().find(|(known, _)| known == name) else {
                let known = LISTS.map(|(known, _)| known).join(", ");
                wrong.push(format!("{name} is not known; take it out or rename it to one of {known}"));
                continue;
            };
            let Some(items) = value.as_array() else {
                wrong.push(format!("{name} must be a list of objects"));
                continue;
            };
            for (n, item) in items.iter().enumerate() {
                let place = format!("{name}[{n}]");
                match item {
                    Value::Object(object) => wrong.extend(mistakes(&place, object, fields)),
                    _ => wrong.push(format!("{place} must be an object")),
                }
            }
        }
        let fixtures = Self { path, lists };
        wrong.extend(fixtures.repeated());
        if wrong.is_empty() { Ok(fixtures) } else { Err(FixturesError::Shape { path: fixtures.path, mistakes: wrong }) }
    }

    /// How many devices there are in it.
    #[must_use]
    pub fn device_count(&self) -> usize {
        self.list("devices").count()
    }

    /// Seeds a store. The devices' projects, plans and places must be known by then.
    pub(crate) fn put_into(&self, store: &Store) -> Result<(), FixturesError> {
        self.list("metros").for_each(|json| store.add_metro(metro(json)));
        self.list("facilities").for_each(|json| store.add_facility(facility(json)));
        self.list("plans").for_each(|json| store.add_plan(plan(json)));
        self.list("projects").for_each(|json| store.add_project(project(json), Access::Allowed));
        let mistakes = self.unknown(store);
        if !mistakes.is_empty() {
            return Err(FixturesError::Shape { path: self.path.clone(), mistakes });
        }
        for json in self.list("devices") {
            let project = json.get("project").and_then(|project| id(project.as_object()?));
            store.create_device_in(project.unwrap_or(store.default_project()), device(json));
        }
        Ok(())
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.lists.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    }

    /// Ids that two devices share.
    fn repeated(&self) -> Vec<String> {
        let mut seen = HashMap::new();
        let mut mistakes = Vec::new();
        for (n, id) in self.list("devices").enumerate().filter_map(|(n, device)| Some((n, id(device)?))) {
            if let Some(first) = seen.insert(id, n) {
                mistakes.push(format!(
                    "devices[{n}].id is the id of devices[{first}], too; give it another or leave it out"
                ));
            }
        }
        mistakes
    }

    /// What devices refer to that there is not.
    fn unknown(&self, store: &Store) -> Vec<String> {
        let (plans, facilities, metros) = (store.plans(), store.facilities(), store.metros());
        let mut mistakes = Vec::new();
        for (n, device) in self.list("devices").enumerate() {
            let mut check = |name: &str, key: &str, list: &str, known: &dyn Fn(&str) -> bool| {
                if let Some(text) = nested(device, name, key).filter(|text| !known(text)) {
                    mistakes
                        .push(format!("devices[{n}].{name}.{key} is {text:?}, which is not known; add it to {list}"));
                }
            };
            check("plan", "slug", "plans", &|slug| plans.iter().any(|plan| plan.slug == slug));
            check("facility", "code", "facilities", &|code| facilities.iter().any(|facility| facility.code == code));
            check("metro", "code", "metros", &|code| metros.iter().any(|metro| metro.code == code));
            check("project", "id", "projects", &|id| Uuid::try_parse(id).is_ok_and(|id| store.project(&id).is_some()));
        }
        mistakes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::Fixtures;
    use crate::store::Store;
    use serde_json::json;
    use uuid::Uuid;

    fn error(text: &str) -> String {
        let store = Store::new(0, "token".into(), Uuid::nil());
        Fixtures::parse("lab.json", text).and_then(|fixtures| fixtures.put_into(&store)).unwrap_err().to_string()
    }

    #[test]
    fn everything_that_is_given_is_served() {
        let text = json!({
            "metros": [{"code": "zz", "name": "Zzyzx"}],
            "facilities": [{"code": "zz1", "metro": {"code": "zz"}}],
            "plans": [{"slug": "z1.tiny", "pricing": {"hour": 0.1}, "available_in": [{"code": "zz1"}]}],
            "projects": [{"id": "11111111-2222-4333-8444-555555555555", "name": "lab"}],
            "devices": [{
                "hostname": "a", "state": "inactive", "plan": {"slug": "z1.tiny"}, "facility": {"code": "zz1"},
                "project": {"id": "11111111-2222-4333-8444-555555555555"}, "tags": ["x"], "userdata": "kept",
                "ip_addresses": [{"address": "192.0.2.7", "public": true, "cidr": 32}],
            }],
        });
        let store = Store::new(0, "token".into(), Uuid::nil());
        Fixtures::parse("lab.json", &text.to_string()).unwrap().put_into(&store).unwrap();
        let device = &store.devices()[0];
        assert_eq!((device.metro.as_deref(), device.state.as_str()), (Some("zz"), "inactive"));
        assert_eq!(device.ip_addresses[0].address.to_string(), "192.0.2.7");
        assert_eq!(device.attributes["userdata"], "kept");
        assert_eq!(store.project(&device.project).unwrap().name, "lab");
    }

    #[test]
    fn a_device_may_lack_all_but_its_hostname() {
        let store = Store::new(0, "token".into(), Uuid::nil());
        Fixtures::parse("lab.json", r#"{"devices": [{"hostname": "a"}]}"#).unwrap().put_into(&store).unwrap();
        let device = &store.devices()[0];
        assert_eq!((&device.plan, &device.facility, &device.metro), (&None, &None, &None));
        assert_eq!(device.ip_addresses.len(), 3);
    }

    #[test]
    fn what_is_no_json_names_the_file_and_the_line() {
        let text = error("{\n  \"devices\": [,]\n}");
        assert!(text.contains("lab.json") && text.contains("line 2"), "{text}");
    }

    #[test]
    fn every_mistake_names_its_place_and_what_would_be_right() {
        let text = error(r#"{"devices": [{"hostname": "a"}, {"state": "on"}], "nodes": [], "plans": {}}"#);
        for part in [
            "lab.json",
            "devices[1].hostname is missing; give a string",
            "devices[1].state must be one of queued,",
            "nodes is not known; take it out or rename it",
            "plans must be a list",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }

    #[test]
    fn what_a_device_refers_to_must_be_there() {
        let text = error(r#"{"devices": [{"hostname": "a", "plan": {"slug": "none"}, "metro": {"code": "none"}}]}"#);
        assert!(text.contains(r#"devices[0].plan.slug is "none", which is not known; add it to plans"#), "{text}");
        assert!(text.contains("devices[0].metro.code"), "{text}");
    }

    #[test]
    fn two_devices_cannot_have_the_same_id() {
        let id = "11111111-2222-4333-8444-555555555555";
        let devices = json!({"devices": [{"hostname": "a", "id": id}, {"hostname": "b", "id": id}]});
        assert!(error(&devices.to_string()).contains("devices[1].id is the id of devices[0], too"));
    }
}
