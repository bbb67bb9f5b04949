//! Reading and changing the weather.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Problem;
use crate::api::Api;
use crate::weather::faults::Fault;
use crate::weather::latency::Latency;
use crate::weather::limit::RequestLimit;
use crate::weather::periodic::period;

/// What is to change.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    #[serde(default)]
    latency: Setting,
    #[serde(default)]
    method_latency: BTreeMap<String, Setting>,
    #[serde(default)]
    request_limit: Setting,
    #[serde(default)]
    drop_watches_every: Setting,
    #[serde(default)]
    compact_every: Setting,
}

/// What becomes of one thing.
#[derive(Debug, Default)]
enum Setting {
    /// It was left out, and stays as it is.
    #[default]
    Kept,
    /// It is `null`, and ends.
    Ended,
    To(String),
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Setting, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Setting::Ended, Setting::To))
    }
}

/// What a thing is to be: nothing to keep it, or what it is to be from now on.
type Wanted<T> = Option<Option<T>>;

impl Setting {
    fn read<T, E: Display>(self, read: impl FnOnce(&str) -> Result<T, E>) -> Result<Wanted<T>, Problem> {
        match self {
            Setting::Kept => Ok(None),
            Setting::Ended => Ok(Some(None)),
            Setting::To(text) => {
                let value = read(&text).map_err(|error| Problem::Value(error.to_string()))?;
                Ok(Some(Some(value)))
            }
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFaults {
    faults: Vec<String>,
}

pub(super) fn shown(api: &Api) -> Value {
    let (latency, by_method) = api.latencies.in_force();
    let by_method: BTreeMap<String, String> =
        by_method.into_iter().map(|(method, latency)| (method, latency.to_string())).collect();
    let every = |period: Option<Duration>| period.map(|period| format!("{period:?}"));
    json!({
        "latency": latency.map(|latency| latency.to_string()),
        "methodLatency": by_method,
        "requestLimit": api.limiter.limit().map(|limit| limit.to_string()),
        "dropWatchesEvery": every(api.cuts.period()),
        "compactEvery": every(api.compactions.period()),
    })
}

/// Changes what is named, all of it or nothing.
pub(super) fn change(api: &Api, change: Change) -> Result<Value, Problem> {
    let latency = change.latency.read(str::parse::<Latency>)?;
    let mut by_method = Vec::new();
    for (method, setting) in change.method_latency {
        by_method.push((method, setting.read(str::parse::<Latency>)?.flatten()));
    }
    let limit = change.request_limit.read(str::parse::<RequestLimit>)?;
    let (cuts, compactions) = (change.drop_watches_every.read(period)?, change.compact_every.read(period)?);

    if let Some(latency) = latency {
        api.latencies.set(latency);
    }
    for (method, latency) in by_method {
        api.latencies.set_method(&method, latency);
    }
    if let Some(limit) = limit {
        api.limiter.set(limit, Instant::now());
    }
    if let Some(every) = cuts {
        api.cuts.set(every);
    }
    if let Some(every) = compactions {
        api.compactions.set(every);
    }
    Ok(shown(api))
}

pub(super) fn faults(api: &Api) -> Value {
    let faults: Vec<String> = api.faults.in_force().iter().map(ToString::to_string).collect();
    json!({ "faults": faults })
}

/// Adds faults, all of them or none.
pub(super) fn add_faults(api: &Api, new: &NewFaults) -> Result<Value, Problem> {
    let parsed: Result<Vec<Fault>, _> = new.faults.iter().map(|text| text.parse::<Fault>()).collect();
    for fault in parsed.map_err(|error| Problem::Value(error.to_string()))? {
        api.faults.push(fault);
    }
    Ok(faults(api))
}
