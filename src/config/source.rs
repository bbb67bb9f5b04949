//! Where the value of a setting comes from: the environment, else the file.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::error::Problem;
use super::file::File;

/// A setting that the environment and the file can make.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// The key in the file, `group.key` where it is nested.
    pub(super) key: &'static str,
    /// The environment variables, the one that wins first.
    pub(super) variables: &'static [&'static str],
    /// Whether its value is never shown.
    pub(super) secret: bool,
}

impl Setting {
    pub(super) const fn new(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self { key, variables, secret: false }
    }

    pub(super) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Every place that is looked at, for people.
    pub(super) fn places(&self, file: Option<&File>) -> String {
        let file = file.map_or_else(|| "a --cloud-config file".to_owned(), |file| file.name.clone());
        format!("{}, or `{}` in {file}", self.variables.join(" or "), self.key)
    }
}

/// A value and where it was found.
#[derive(Debug)]
pub(super) struct Found {
    text: String,
    place: String,
    secret: bool,
}

impl Found {
    /// The value as `read` understands it.
    pub(super) fn read<T, E: std::fmt::Display>(&self, read: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Problem> {
        read(self.text.trim()).map_err(|expected| Problem::Value {
            place: self.place.clone(),
            found: if self.secret { "not shown".to_owned() } else { format!("`{}`", self.text) },
            expected: expected.to_string(),
        })
    }
}

/// The two sources.
pub(super) struct Sources<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    pub(super) file: Option<File>,
    /// Where each setting that was looked for has been found.
    places: RefCell<BTreeMap<&'static str, String>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(environment: &'a dyn Fn(&str) -> Option<String>, file: Option<File>) -> Self {
        Self { environment, file, places: RefCell::default() }
    }

    /// Where each setting that was looked for has been found, by its key.
    pub(super) fn into_places(self) -> BTreeMap<&'static str, String> {
        self.places.into_inner()
    }

    /// The value of a setting, from the first place that has one.
    pub(super) fn find(&self, setting: Setting) -> Result<Option<Found>, Problem> {
        let found = self.look_for(setting)?;
        if let Some(found) = &found {
            self.places.borrow_mut().insert(setting.key, found.place.clone());
        }
        Ok(found)
    }

    fn look_for(&self, setting: Setting) -> Result<Option<Found>, Problem> {
        let secret = setting.secret;
        for variable in setting.variables {
            if let Some(text) = (self.environment)(variable).filter(|text| !text.is_empty()) {
                return Ok(Some(Found { text, place: format!("environment variable {variable}"), secret }));
            }
        }
        let Some((file, (key, value))) = self.file.as_ref().and_then(|file| Some((file, file.get(setting.key)?)))
        else {
            return Ok(None);
        };
        let place = format!("`{key}` in {}", file.name);
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                let found = if value.is_array() { "a list" } else { "an object" }.to_owned();
                return Err(Problem::Value { place, found, expected: "a single value".to_owned() });
            }
        };
        Ok(Some(Found { text, place, secret }))
    }

    /// The setting as `read` understands it, or `default` where it is not set. What is wrong goes to `problems`.
    pub(super) fn read<T, E: std::fmt::Display>(
        &self,
        setting: Setting,
        problems: &mut Vec<Problem>,
        default: T,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> T {
        let value = self.find(setting).and_then(|found| found.map(|found| found.read(read)).transpose());
        match value {
            Ok(value) => value.unwrap_or(default),
            Err(problem) => {
                problems.push(problem);
                default
            }
        }
    }

    /// A setting that has no default.
    pub(super) fn require<T, E: std::fmt::Display>(
        &self,
        what: &'static str,
        setting: Setting,
        problems: &mut Vec<Problem>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let missing = || Problem::Missing { what, places: setting.places(self.file.as_ref()) };
        let value = self.find(setting).and_then(|found| found.ok_or_else(missing)?.read(read));
        value.map_err(|problem| problems.push(problem)).ok()
    }
}
