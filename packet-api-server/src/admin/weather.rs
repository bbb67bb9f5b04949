//! Latency, rate limit, outage and shifting: each is answered as it is set.

use super::{Admin, Mistake, read};
use crate::latency::Latency;
use crate::outage::{Outage, OutageKind};
use crate::rate_limit::{RateLimit, RateLimitHeaders, RetryAfter};
use crate::store::Shifting;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::Json;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Answer = Result<Json<Value>, Mistake>;

/// A rate limit as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitJson {
    limit: String,
    #[serde(default)]
    burst: Option<u32>,
    #[serde(default)]
    headers: RateLimitHeaders,
    #[serde(default)]
    retry_after: RetryAfter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetLatency {
    #[serde(deserialize_with = "Option::deserialize")]
    latency: Option<String>,
}

// What may be null has to be written out as null: an empty object is no wish to lift anything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetRateLimit {
    #[serde(deserialize_with = "Option::deserialize")]
    rate_limit: Option<LimitJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetOutage {
    #[serde(deserialize_with = "Option::deserialize")]
    outage: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetShifting {
    #[serde(deserialize_with = "Option::deserialize")]
    shifting: Option<Shifting>,
}

impl From<RateLimit> for LimitJson {
    fn from(limit: RateLimit) -> Self {
        Self { limit: limit.to_string(), burst: limit.burst, headers: limit.headers, retry_after: limit.retry_after }
    }
}

impl TryFrom<LimitJson> for RateLimit {
    type Error = Mistake;

    fn try_from(json: LimitJson) -> Result<Self, Mistake> {
        if json.burst == Some(0) {
            return Err(Mistake::Value("burst must be at least 1; to let nothing through, use an outage".into()));
        }
        let limit: Self = parse(&json.limit)?;
        Ok(limit.burst(json.burst).headers(json.headers).retry_after(json.retry_after))
    }
}

pub(super) async fn all(Extension(admin): Extension<Admin>) -> Json<Value> {
    Json(json!({
        "latency": admin.weather.latency().to_string(),
        "rate_limit": admin.weather.rate_limit().map(LimitJson::from),
        "outage": admin.weather.outage().as_ref().map(Outage::to_string),
        "shifting": admin.store.shifting(),
    }))
}

/// One of all.
async fn one(admin: Admin, name: &str) -> Json<Value> {
    let Json(mut all) = all(Extension(admin)).await;
    Json(json!({name: all[name].take()}))
}

pub(super) async fn latency(Extension(admin): Extension<Admin>) -> Json<Value> {
    one(admin, "latency").await
}

pub(super) async fn set_latency(Extension(admin): Extension<Admin>, body: Bytes) -> Answer {
    let SetLatency { latency } = read(&body, r#"{"latency": "50ms"}"#)?;
    admin.weather.set_latency(latency.map_or(Ok(Latency::NONE), |latency| parse(&latency))?);
    Ok(one(admin, "latency").await)
}

pub(super) async fn no_latency(Extension(admin): Extension<Admin>) -> Json<Value> {
    admin.weather.set_latency(Latency::NONE);
    one(admin, "latency").await
}

pub(super) async fn rate_limit(Extension(admin): Extension<Admin>) -> Json<Value> {
    one(admin, "rate_limit").await
}

pub(super) async fn set_rate_limit(Extension(admin): Extension<Admin>, body: Bytes) -> Answer {
    let SetRateLimit { rate_limit } = read(&body, r#"{"rate_limit": {"limit": "60/1m"}} or {"rate_limit": null}"#)?;
    admin.weather.set_rate_limit(rate_limit.map(RateLimit::try_from).transpose()?);
    Ok(one(admin, "rate_limit").await)
}

pub(super) async fn no_rate_limit(Extension(admin): Extension<Admin>) -> Json<Value> {
    admin.weather.set_rate_limit(None);
    one(admin, "rate_limit").await
}

pub(super) async fn outage(Extension(admin): Extension<Admin>) -> Json<Value> {
    one(admin, "outage").await
}

pub(super) async fn set_outage(Extension(admin): Extension<Admin>, body: Bytes) -> Answer {
    let SetOutage { outage } = read(&body, r#"{"outage": "503 for=30s"} or {"outage": null}"#)?;
    let outage: Option<Outage> = outage.as_deref().map(parse).transpose()?;
    if outage.is_some_and(|outage| outage.kind == OutageKind::Refuse && outage.lasts.is_none()) {
        return Err(Mistake::LockedOut);
    }
    admin.weather.set_outage(outage);
    Ok(one(admin, "outage").await)
}

pub(super) async fn no_outage(Extension(admin): Extension<Admin>) -> Json<Value> {
    admin.weather.set_outage(None);
    one(admin, "outage").await
}

pub(super) async fn shifting(Extension(admin): Extension<Admin>) -> Json<Value> {
    one(admin, "shifting").await
}

pub(super) async fn set_shifting(Extension(admin): Extension<Admin>, body: Bytes) -> Answer {
    let SetShifting { shifting } = read(&body, r#"{"shifting": "both"} or {"shifting": null}"#)?;
    admin.store.set_shifting(shifting);
    Ok(one(admin, "shifting").await)
}

pub(super) async fn no_shifting(Extension(admin): Extension<Admin>) -> Json<Value> {
    admin.store.set_shifting(None);
    one(admin, "shifting").await
}

fn parse<T: std::str::FromStr<Err: std::error::Error>>(text: &str) -> Result<T, Mistake> {
    text.parse().map_err(|error: T::Err| Mistake::Value(error.to_string()))
}
