//! Every setting of the environment and the file: its names, its default, and what it may be.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderValue;
use secrecy::SecretString;
use url::Url;

use super::error::{ConfigError, Problem};
use super::file::File;
use super::flags::Flags;
use super::source::{Setting, Sources};
use super::{CacheSettings, Config, Controllers, WriteLimits, duration};
use crate::kubernetes::lifecycle::{DeletionLimits, Share};
use crate::kubernetes::{AddressPolicy, Provider, Topology};
use crate::packet::{Connection, Limits};

const API_KEY: Setting = Setting::new("apiKey", &["METAL_API_KEY", "PACKET_AUTH_TOKEN"]).secret();
const PROJECT: Setting = Setting::new("projectID", &["METAL_PROJECT_ID", "PACKET_PROJECT_ID"]);
const BASE_URL: Setting = Setting::new("base-url", &["METAL_BASE_URL", "PACKET_BASE_URL"]);
const METRO: Setting = Setting::new("metro", &["METAL_METRO_NAME"]);
const FACILITY: Setting = Setting::new("facility", &["METAL_FACILITY_NAME", "PACKET_FACILITY_NAME"]);
const TOPOLOGY: Setting = Setting::new("topology", &["METAL_TOPOLOGY"]);
const IPV6: Setting = Setting::new("ipv6", &["METAL_IPV6"]);
const REQUIRE_PUBLIC_IP: Setting = Setting::new("requirePublicIP", &["METAL_REQUIRE_PUBLIC_IP"]);
const RATE: Setting = Setting::new("rateLimit.requestsPerSecond", &["METAL_RATE_LIMIT_REQUESTS_PER_SECOND"]);
const BURST: Setting = Setting::new("rateLimit.burst", &["METAL_RATE_LIMIT_BURST"]);
const MAX_IN_FLIGHT: Setting = Setting::new("rateLimit.maxInFlight", &["METAL_RATE_LIMIT_MAX_IN_FLIGHT"]);
const DEVICE_TTL: Setting = Setting::new("cache.deviceTTL", &["METAL_CACHE_DEVICE_TTL"]);
const FACILITY_TTL: Setting = Setting::new("cache.facilityTTL", &["METAL_CACHE_FACILITY_TTL"]);
const METRO_TTL: Setting = Setting::new("cache.metroTTL", &["METAL_CACHE_METRO_TTL"]);
const NOT_FOUND_TTL: Setting = Setting::new("cache.notFoundTTL", &["METAL_CACHE_NOT_FOUND_TTL"]);
const MAX_DEVICES: Setting = Setting::new("cache.maxDevices", &["METAL_CACHE_MAX_DEVICES"]);

const DELETION_SHARE: Setting = Setting::new("safety.deletionShare", &["METAL_SAFETY_DELETION_SHARE"]);
const DELETION_WINDOW: Setting = Setting::new("safety.deletionWindow", &["METAL_SAFETY_DELETION_WINDOW"]);
const MASS_SHARE: Setting = Setting::new("safety.massDisappearanceShare", &["METAL_SAFETY_MASS_DISAPPEARANCE_SHARE"]);

const ALL: [Setting; 19] = [
    API_KEY,
    PROJECT,
    BASE_URL,
    METRO,
    FACILITY,
    TOPOLOGY,
    IPV6,
    REQUIRE_PUBLIC_IP,
    RATE,
    BURST,
    MAX_IN_FLIGHT,
    DEVICE_TTL,
    FACILITY_TTL,
    METRO_TTL,
    NOT_FOUND_TTL,
    MAX_DEVICES,
    DELETION_SHARE,
    DELETION_WINDOW,
    MASS_SHARE,
];

const DEFAULT_BASE_URL: &str = "https://api.equinix.com/metal/v1/";
/// What docs/guides/tuning.md measures: with 10 a second the API never is what a cluster of up to some thousands of Nodes waits for,
/// and a hundred times as much is hardly faster.
const DEFAULT_LIMITS: (f64, NonZeroU32, NonZeroU32) =
    (10.0, NonZeroU32::new(20).expect("not zero"), NonZeroU32::new(8).expect("not zero"));
/// Devices change when people change them. Half a minute serves a burst from one sweep, and is less than a device takes
/// to be provisioned under the hostname of one that is gone. A device that is kept takes a kilobyte.
const DEFAULT_CACHE: CacheSettings = CacheSettings {
    device: Duration::from_secs(30),
    facility: Duration::from_hours(1),
    metro: Duration::from_hours(1),
    not_found: Duration::from_secs(10),
    max_devices: NonZeroU64::new(200_000).expect("not zero"),
};
/// A cluster that loses a tenth of its machines within ten minutes has people looking already. The share of a mass
/// disappearance is that from which Kubernetes itself takes a zone for disrupted (kube-controller-manager
/// `--unhealthy-zone-threshold`).
const DEFAULT_DELETION: DeletionLimits =
    DeletionLimits { share: Share::percent(10), window: Duration::from_mins(10), mass_share: Share::percent(55) };
/// Less would bound nothing: a deletion alone may take a minute.
const SHORTEST_WINDOW: Duration = Duration::from_mins(1);
/// For how long Events are kept where nobody says otherwise (kube-apiserver `--event-ttl`).
const EVENTS_KEPT: Duration = Duration::from_hours(1);
/// Nodes written side by side: enough to keep an API server's two cores busy, and few beside its 400 requests in flight
/// (kube-apiserver `--max-requests-inflight`).
const DEFAULT_CONCURRENCY: NonZeroU16 = NonZeroU16::new(32).expect("not zero");

/// Whether a key of the file holds an object of further keys.
pub(super) fn is_group(key: &str) -> bool {
    let group =
        |setting: &Setting| setting.key.split_once('.').is_some_and(|(group, _)| group.eq_ignore_ascii_case(key));
    ALL.iter().any(group)
}

/// Reads and checks everything.
pub(super) fn load(flags: &Flags, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    let path = flags.cloud_file();
    let file = path.and_then(|path| File::read(path).map_err(|problem| problems.push(problem)).ok());
    let file_is_broken = !problems.is_empty();
    let sources = Sources::new(environment, file);
    let provider = provider(flags, &mut problems);
    // Without a file that can be read, what is missing may well be in it: one problem, not three.
    let connection = if file_is_broken { None } else { connection(&sources, &mut problems) };
    let topology = provider.map_or(Topology::FacilityRegion, Provider::default_topology);
    let topology = sources.read(TOPOLOGY, &mut problems, topology, |text| one_of(&Topology::ALL, Topology::name, text));
    let ipv6 = sources.read(IPV6, &mut problems, false, boolean);
    let require_public_ip = sources.read(REQUIRE_PUBLIC_IP, &mut problems, true, boolean);
    let limits = Limits {
        requests_per_second: sources.read(RATE, &mut problems, DEFAULT_LIMITS.0, rate),
        burst: sources.read(BURST, &mut problems, DEFAULT_LIMITS.1, count),
        max_in_flight: sources.read(MAX_IN_FLIGHT, &mut problems, DEFAULT_LIMITS.2, count),
    };
    let cache = CacheSettings {
        device: sources.read(DEVICE_TTL, &mut problems, DEFAULT_CACHE.device, duration::parse),
        facility: sources.read(FACILITY_TTL, &mut problems, DEFAULT_CACHE.facility, duration::parse),
        metro: sources.read(METRO_TTL, &mut problems, DEFAULT_CACHE.metro, duration::parse),
        not_found: sources.read(NOT_FOUND_TTL, &mut problems, DEFAULT_CACHE.not_found, duration::parse),
        max_devices: sources.read(MAX_DEVICES, &mut problems, DEFAULT_CACHE.max_devices, count),
    };
    let deletion = DeletionLimits {
        share: sources.read(DELETION_SHARE, &mut problems, DEFAULT_DELETION.share, Share::parse),
        window: sources.read(DELETION_WINDOW, &mut problems, DEFAULT_DELETION.window, window),
        mass_share: sources.read(MASS_SHARE, &mut problems, DEFAULT_DELETION.mass_share, Share::parse),
    };
    let mut warnings = warnings(&sources, &mut problems);
    warnings.extend(flags.idle.warning());
    let writes = WriteLimits {
        concurrency: flags.nodes.concurrent_node_syncs.unwrap_or(DEFAULT_CONCURRENCY),
        pace: flags.kubernetes.pace(&mut problems, &mut warnings),
    };
    let controllers = flags.generic.controllers.as_deref();
    let controllers = controllers.map(|names| Controllers::chosen(names, &mut problems, &mut warnings));
    let election = flags.election.settings(&mut problems);
    let Flags { authentication, authorization, .. } = flags;
    let serving = flags.serving.settings(authentication, authorization, &mut problems, &mut warnings);
    if deletion.window > EVENTS_KEPT {
        warnings.push(format!(
            "`{}` is longer than Events are kept by default (kube-apiserver --event-ttl, 1h); unless they are kept for as long, \
             a restart forgets deletions that should count",
            DELETION_WINDOW.key
        ));
    }
    match (provider, connection) {
        (Some(provider), Some(connection)) if problems.is_empty() => Ok(Config {
            provider,
            topology,
            addresses: AddressPolicy { provider, ipv6, require_public_ip },
            connection,
            limits,
            cache,
            kubernetes: flags.kubernetes.connection(),
            writes,
            deletion,
            node_status_update_frequency: flags.nodes.node_status_update_frequency,
            node_monitor_period: flags.nodes.node_monitor_period,
            cluster_name: flags.generic.cluster_name.clone(),
            controllers: controllers.unwrap_or_default(),
            election,
            serving,
            file: path.map(Path::to_path_buf),
            places: sources.into_places(),
            warnings,
        }),
        _ => Err(ConfigError { problems }),
    }
}

fn provider(flags: &Flags, problems: &mut Vec<Problem>) -> Option<Provider> {
    let names = || Provider::ALL.map(Provider::name).join(" or ");
    let Some(name) = flags.cloud_provider.as_deref().filter(|name| !name.is_empty()) else {
        problems.push(Problem::Missing { what: "cloud provider", places: format!("--cloud-provider to {}", names()) });
        return None;
    };
    let provider = Provider::ALL.into_iter().find(|provider| provider.name() == name);
    if provider.is_none() {
        problems.push(Problem::flag("--cloud-provider", &name, &names()));
    }
    provider
}

fn connection(sources: &Sources<'_>, problems: &mut Vec<Problem>) -> Option<Connection> {
    let token = sources.require("Packet API token", API_KEY, problems, token);
    let project = sources.require("Packet project", PROJECT, problems, project);
    let base_url = sources.find(BASE_URL).and_then(|found| found.map(|found| found.read(base_url)).transpose());
    let base_url = match base_url {
        // The default is read like any other, and a test reads it.
        Ok(url) => url.or_else(base_url_default),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    Some(Connection { base_url: base_url?, project: project?, token: token? })
}

fn base_url_default() -> Option<Url> {
    base_url(DEFAULT_BASE_URL).ok()
}

fn warnings(sources: &Sources<'_>, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut warnings = Vec::new();
    for setting in [METRO, FACILITY] {
        match sources.find(setting) {
            Ok(Some(_)) => warnings.push(format!(
                "`{}` has no effect: each Node's place is read from its own device ({})",
                setting.key,
                setting.variables.join(", ")
            )),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if let Some(file) = &sources.file {
        let known = |key: &str| ALL.iter().any(|setting| setting.key.eq_ignore_ascii_case(key));
        let unknown = file.unknown_keys(known).into_iter();
        warnings.extend(unknown.map(|key| format!("unknown key `{key}` in {} has no effect", file.name)));
    }
    warnings
}

fn token(text: &str) -> Result<SecretString, &'static str> {
    match HeaderValue::from_str(text) {
        Ok(_) if !text.is_empty() => Ok(SecretString::from(text)),
        _ => Err("a token without line breaks or other characters that an HTTP header cannot hold"),
    }
}

fn project(text: &str) -> Result<String, &'static str> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits { Ok(text.to_owned()) } else { Err("the id of a project, a uuid") }
}

fn base_url(text: &str) -> Result<Url, &'static str> {
    let expected =
        "an http or https URL without user, password, query or fragment, e.g. https://api.equinix.com/metal/v1/";
    let mut url = Url::parse(text).map_err(|_| expected)?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain || !url.has_host() {
        return Err(expected);
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn window(text: &str) -> Result<Duration, &'static str> {
    let expected = "a duration of a minute at least and a year at most, such as `10m` or `1h`";
    duration::parse(text).ok().filter(|window| *window >= SHORTEST_WINDOW).ok_or(expected)
}

fn boolean(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false"),
    }
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or("requests per second, a number above 0 such as 5 or 0.1")
}

fn count<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "a whole number, 1 or more")
}

fn one_of<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Result<T, String> {
    let names = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    all.iter().copied().find(|one| name(*one) == text).ok_or_else(|| format!("one of {}", names()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use clap::Parser;
    use secrecy::ExposeSecret;
    use std::io::Write;

    const PROJECT_ID: &str = "438659f0-0000-4000-8000-000000000000";

    /// Loads from flags, variables and the text of a file.
    fn load(flags: &[&str], variables: &[(&str, &str)], file: Option<&str>) -> Result<Config, String> {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        let mut arguments = vec!["ccm".to_owned()];
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        if let Some(text) = file {
            written.write_all(text.as_bytes()).unwrap();
            arguments.push(format!("--cloud-config={}", written.path().display()));
        }
        let flags = Flags::try_parse_from(arguments).unwrap();
        let variables =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        super::load(&flags, &variables)
            .map_err(|error| error.to_string().replace(&written.path().display().to_string(), "FILE"))
    }

    const PACKET: &[&str] = &["--cloud-provider=packet"];
    const CREDENTIALS: &[(&str, &str)] = &[("PACKET_AUTH_TOKEN", "token"), ("PACKET_PROJECT_ID", PROJECT_ID)];

    #[test]
    fn the_environment_of_the_original_is_enough() {
        let config = load(PACKET, CREDENTIALS, None).unwrap();
        assert_eq!(config.connection.base_url.as_str(), DEFAULT_BASE_URL);
        assert_eq!(config.topology, Topology::FacilityRegion);
        assert!(config.addresses.require_public_ip && !config.addresses.ipv6);
        assert_eq!(config.warnings, Vec::<String>::new());
    }

    #[test]
    fn metal_wins_over_packet_and_the_environment_over_the_file() {
        let file = format!(r#"{{"apiKey": "of-file", "projectId": "{PROJECT_ID}", "ipv6": true}}"#);
        let token = |variables: &[(&str, &str)]| {
            let config = load(&["--cloud-provider=equinixmetal"], variables, Some(&file)).unwrap();
            config.connection.token.expose_secret().to_owned()
        };
        assert_eq!(token(&[]), "of-file");
        assert_eq!(token(&[("PACKET_AUTH_TOKEN", "of-packet")]), "of-packet");
        assert_eq!(token(&[("PACKET_AUTH_TOKEN", "of-packet"), ("METAL_API_KEY", "of-metal")]), "of-metal");
        assert_eq!(token(&[("METAL_API_KEY", "")]), "of-file");
    }

    #[test]
    fn every_setting_of_the_file_takes_effect() {
        let file = format!(
            r#"{{"apiKey": "t\n", "projectID": "{PROJECT_ID}", "base-url": "http://127.0.0.1:8080/metal/v1", "topology": "metro-facility",
                "ipv6": "true", "requirePublicIP": false, "rateLimit": {{"requestsPerSecond": 0.1, "burst": 1, "maxInFlight": 2}},
                "cache": {{"deviceTTL": "1m", "facilityTTL": "2h", "metroTTL": "3h", "notFoundTTL": "5s", "maxDevices": 1000}},
                "safety": {{"deletionShare": "12.5%", "deletionWindow": "1h", "massDisappearanceShare": "80%"}}}}"#
        );
        let config = load(PACKET, &[], Some(&file)).unwrap();
        assert_eq!(config.connection.token.expose_secret(), "t");
        assert_eq!(config.connection.base_url.as_str(), "http://127.0.0.1:8080/metal/v1/");
        assert_eq!(config.topology, Topology::MetroFacility);
        assert_eq!((config.addresses.ipv6, config.addresses.require_public_ip), (true, false));
        let limits =
            Limits { requests_per_second: 0.1, burst: NonZeroU32::MIN, max_in_flight: NonZeroU32::new(2).unwrap() };
        assert_eq!(config.limits, limits);
        let seconds = |seconds| Duration::from_secs(seconds);
        let cache = CacheSettings {
            device: seconds(60),
            facility: seconds(7200),
            metro: seconds(10_800),
            not_found: seconds(5),
            max_devices: NonZeroU64::new(1000).unwrap(),
        };
        assert_eq!(config.cache, cache);
        let (share, mass_share) = (Share::parse("12.5%").unwrap(), Share::percent(80));
        assert_eq!(config.deletion, DeletionLimits { share, window: seconds(3600), mass_share });
    }

    #[test]
    fn the_variables_of_groups_take_effect() {
        let mut variables = CREDENTIALS.to_vec();
        variables.extend([("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "7"), ("METAL_CACHE_NOT_FOUND_TTL", "1s")]);
        let config = load(PACKET, &variables, None).unwrap();
        assert!((config.limits.requests_per_second - 7.0).abs() < f64::EPSILON);
        assert_eq!(config.cache.not_found, Duration::from_secs(1));
    }

    #[test]
    fn what_is_missing_is_named_with_every_place_it_was_looked_for() {
        assert_eq!(
            load(&[], &[], None).unwrap_err(),
            "3 settings are wrong:\n  \
             - no cloud provider: set --cloud-provider to packet or equinixmetal\n  \
             - no Packet API token: set METAL_API_KEY or PACKET_AUTH_TOKEN, or `apiKey` in a --cloud-config file\n  \
             - no Packet project: set METAL_PROJECT_ID or PACKET_PROJECT_ID, or `projectID` in a --cloud-config file"
        );
        let error = load(PACKET, CREDENTIALS[1..].as_ref(), Some("{}")).unwrap_err();
        assert_eq!(error, "no Packet API token: set METAL_API_KEY or PACKET_AUTH_TOKEN, or `apiKey` in FILE");
    }

    #[test]
    fn an_unknown_provider_is_answered_with_the_two_names() {
        let error = load(&["--cloud-provider=aws"], CREDENTIALS, None).unwrap_err();
        assert_eq!(error, "--cloud-provider is `aws`; expected packet or equinixmetal");
    }

    #[test]
    fn a_value_that_cannot_be_is_named_with_its_place_and_what_it_should_be() {
        let said = |variable, value| load(PACKET, &[CREDENTIALS, &[(variable, value)]].concat(), None).unwrap_err();
        assert_eq!(
            said("METAL_TOPOLOGY", "rack"),
            "environment variable METAL_TOPOLOGY is `rack`; expected one of facility-region, metro-region, metro-facility"
        );
        assert_eq!(
            said("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "0"),
            "environment variable METAL_RATE_LIMIT_REQUESTS_PER_SECOND is `0`; expected requests per second, a number above 0 such as 5 or 0.1"
        );
        for (variable, value) in [
            ("METAL_RATE_LIMIT_BURST", "0"),
            ("METAL_RATE_LIMIT_MAX_IN_FLIGHT", "-1"),
            ("METAL_CACHE_DEVICE_TTL", "30"),
            ("METAL_SAFETY_DELETION_SHARE", "10"),
            ("METAL_SAFETY_DELETION_WINDOW", "59s"),
            ("METAL_SAFETY_MASS_DISAPPEARANCE_SHARE", "101%"),
            ("METAL_IPV6", "yes"),
            ("METAL_BASE_URL", "api.equinix.com"),
            ("METAL_BASE_URL", "https://user:pass@api.equinix.com/"),
            ("METAL_PROJECT_ID", "../devices"),
        ] {
            let error = said(variable, value);
            assert!(error.starts_with(&format!("environment variable {variable} is ")), "{error}");
        }
    }

    #[test]
    fn a_list_where_one_value_belongs_is_refused() {
        let error = load(PACKET, CREDENTIALS, Some(r#"{"ipv6": [true]}"#)).unwrap_err();
        assert_eq!(error, "`ipv6` in FILE is a list; expected a single value");
    }

    #[test]
    fn a_secret_is_in_no_message() {
        for file in [
            r#"{"apiKey": "se\u0001cret"}"#,
            r#"{"apiKey": "secret",}"#,
            r#"{"apiKey": {"a": "secret"}}"#,
            r#"["secret"]"#,
        ] {
            let error = load(PACKET, &CREDENTIALS[1..], Some(file)).unwrap_err();
            assert!(!error.contains("cret"), "{error}");
        }
        let config = load(PACKET, CREDENTIALS, None).unwrap();
        assert!(!format!("{config:?}").contains("\"token\""), "{config:?}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_the_one_problem() {
        let error = load(&["--cloud-provider=packet", "--cloud-config=/nowhere/cloud-sa.json"], &[], None).unwrap_err();
        assert!(
            error.starts_with("cannot read /nowhere/cloud-sa.json, named by --cloud-config: No such file"),
            "{error}"
        );
    }

    #[test]
    fn keys_and_flags_without_effect_are_warned_of_by_name() {
        let flags = ["--cloud-provider=packet", "--alsologtostderr", "--webhooks=all"];
        let warnings = load(
            &flags,
            CREDENTIALS,
            Some(r#"{"loadbalancer": "kube-vip://", "metro": "ny", "rateLimit": {"speed": 1}}"#),
        )
        .unwrap()
        .warnings;
        let said = |what: &str| warnings.iter().any(|warning| warning.contains(what));
        assert!(said("`loadbalancer` in FILE") || said("unknown key `loadbalancer`"), "{warnings:?}");
        assert!(
            said("`metro` has no effect") && said("`rateLimit.speed`") && said("--webhooks has no effect"),
            "{warnings:?}"
        );
        assert_eq!(warnings.len(), 4, "{warnings:?}");
    }
}
