//! The `--cloud-config` file and the environment, and what is made of the settings.
//!
//! An input begins with variables of the environment, one on a line, as `NAME=value`. From the first line that is none on, it
//! is the file. Where no key is given in either, one is.

#![no_main]

use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use packet_cloud_controller_manager::actors::packet_api::PacketApi;
use packet_cloud_controller_manager::config::{Config, Flags};
use packet_cloud_controller_manager::election::Gatekeeper;
use packet_cloud_controller_manager::kubernetes::lifecycle::Monitor;
use packet_cloud_controller_manager::packet::planner::Next;
use packet_cloud_controller_manager::packet::{Budget, Client, Hostname, Planner, Question, Urgency, quota};
use packet_cloud_controller_manager::telemetry::health::Health;
use packet_cloud_controller_manager::telemetry::metrics::PacketMetrics;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use tokio::time::Instant;

/// The key, which no message may show, unless it is in something else as well.
const SECRET: &str = "s3cret-key";
const PROJECT: &str = "438659f0-0000-4000-8000-000000000000";
/// Longer than any setting makes sense.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// The flags of a command line without any.
static FLAGS: LazyLock<Flags> = LazyLock::new(|| clap::Parser::parse_from(["ccm"]));
static CLIENT: LazyLock<Client> = LazyLock::new(fuzz::client);

fuzz_target!(init: { LazyLock::force(&CLIENT); LazyLock::force(&FLAGS); }, |input: &[u8]| {
    let (environment, rest) = environment(input);
    let object = serde_json::from_slice::<Map<String, Value>>(rest).ok();
    let is_shown_elsewhere = holds_the_secret_elsewhere(&environment, object.as_ref());
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    match object {
        Some(object) if !has(&object, "apiKey") => {
            let given = [("apiKey", SECRET), ("projectID", PROJECT)].into_iter().filter(|(key, _)| !has(&object, key));
            let given: Map<String, Value> = given.map(|(key, value)| (key.to_owned(), value.into())).collect();
            serde_json::to_writer(&mut file, &given.into_iter().chain(object).collect::<Map<_, _>>())
                .expect("a file that can be written");
        }
        _ => file.write_all(rest).expect("a file that can be written"),
    }
    for provider in ["packet", "equinixmetal"] {
        let flags = flags(provider, file.path());
        match Config::load(&flags, |name| environment.get(name).map(|value| (*value).to_owned())) {
            Ok(config) => {
                assert!(is_shown_elsewhere || !format!("{config:?}").contains(SECRET), "{config:?}");
                can_be_run_with(config);
            }
            Err(error) => {
                assert!(!error.problems.is_empty());
                assert!(is_shown_elsewhere || !format!("{error} {error:?}").contains(SECRET), "{error}");
            }
        }
    }
});

fn environment(mut input: &[u8]) -> (HashMap<&str, &str>, &[u8]) {
    let mut variables = HashMap::new();
    while let Some(end) = input.iter().position(|byte| *byte == b'\n')
        && let Ok(line) = str::from_utf8(&input[..end])
        && let Some((name, value)) = line.split_once('=').filter(|(name, _)| !name.starts_with(['{', ' ', '"']))
    {
        variables.insert(name, value);
        input = &input[end + 1..];
    }
    (variables, input)
}

/// Whether the secret is in anything but the key, which a message may well show.
fn holds_the_secret_elsewhere(environment: &HashMap<&str, &str>, object: Option<&Map<String, Value>>) -> bool {
    let is_key = |name: &str| matches!(name, "METAL_API_KEY" | "PACKET_AUTH_TOKEN");
    let is_elsewhere = |(key, value): (&String, &Value)| {
        key.contains(SECRET) || !key.eq_ignore_ascii_case("apiKey") && holds_the_secret(value)
    };
    environment.iter().any(|(name, value)| value.contains(SECRET) && !is_key(name))
        || object.is_some_and(|object| object.iter().any(is_elsewhere))
}

fn holds_the_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(SECRET),
        Value::Array(all) => all.iter().any(holds_the_secret),
        Value::Object(all) => all.iter().any(|(key, value)| key.contains(SECRET) || holds_the_secret(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a key is there, in whatever case.
fn has(object: &Map<String, Value>, key: &str) -> bool {
    object.keys().any(|other| other.eq_ignore_ascii_case(key))
}

fn flags(provider: &str, file: &std::path::Path) -> Flags {
    Flags { cloud_provider: Some(provider.to_owned()), cloud_config: Some(file.to_owned()), ..FLAGS.clone() }
}

/// The settings are what they have to be, and everything that is made of them can be made.
fn can_be_run_with(config: Config) {
    let Config { connection, limits, cache, deletion, node_monitor_period, .. } = config;
    let url = connection.base_url;
    assert!(matches!(url.scheme(), "http" | "https") && url.has_host() && url.path().ends_with('/'), "{url}");
    assert!(http::HeaderValue::from_str(connection.token.expose_secret()).is_ok_and(|token| !token.is_empty()));
    assert!(!connection.project.is_empty() && !connection.project.contains(['/', '?', '#', '.']));
    assert!(limits.requests_per_second.is_finite() && limits.requests_per_second > 0.0, "{limits:?}");
    for time in [cache.device, cache.facility, cache.metro, cache.not_found, deletion.window] {
        assert!(!time.is_zero() && time <= YEAR, "{time:?}");
    }
    assert!(deletion.share.of(1_000) <= 1_000 && deletion.mass_share.of(1_000) <= 1_000, "{deletion:?}");
    let _ = quota(limits.requests_per_second, limits.burst);
    let budget = Budget::new(limits);
    let _ = budget.try_admit();
    let (tokens, now) = (budget.tokens(), Instant::now());
    assert!((0.0..=f64::from(limits.burst.get())).contains(&tokens), "{tokens} tokens");
    let mut planner = Planner::new(limits);
    for number in 0..3 {
        planner.ask(Question::ByHostname(Hostname::new(&format!("node-{number}"))), None, Urgency::Urgent, now);
    }
    let later = now + Duration::from_secs(1);
    assert_eq!(planner.next(later, tokens), Next::Request);
    assert!(planner.send(later, tokens).is_some());
    drop(Monitor::new(deletion, node_monitor_period, now));
    let (_keeper, gate) = Gatekeeper::new(true);
    drop(PacketApi::new(CLIENT.clone(), budget, cache, gate, PacketMetrics::default(), Health::default()));
}
