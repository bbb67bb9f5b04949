//! The program's command line: what can be set, what is said at the start, and what happens until the end.

mod help;
mod weather;

use crate::fixtures::Fixtures;
use crate::fleet::Fleet;
use crate::log::RequestSummary;
use crate::server::{DEFAULT_PROJECT, DEFAULT_TOKEN, ServeError, Server};
use crate::time;
use clap::Parser;
use help::EXAMPLES;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;
use weather::WeatherArguments;

/// Serves a simulated Packet (Equinix Metal) API from memory: devices, facilities, metros, plans, projects and IP addresses.
/// Nothing outlives the process.
#[derive(Parser)]
#[command(name = "packet-api-server", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Arguments {
    /// How many devices to create at the start, besides those of --fixtures
    #[arg(long, default_value_t = 500, value_name = "N", help_heading = DEVICES)]
    devices: usize,

    /// What their hostnames begin with; a number from 0000 follows
    #[arg(long, default_value = "node-", value_name = "TEXT", help_heading = DEVICES)]
    hostname_prefix: String,

    /// Facilities that they are spread over, in turn
    #[arg(long, value_delimiter = ',', default_value = "ewr1", value_name = "CODE,…", help_heading = DEVICES)]
    facility: Vec<String>,

    /// Metros that they are spread over, in turn, instead of the metros of their facilities
    #[arg(long, value_delimiter = ',', value_name = "CODE,…", help_heading = DEVICES)]
    metro: Vec<String>,

    /// Serve them at sizes as devices of the real API have them, up to some 20 KB, each of another size
    #[arg(long, help_heading = DEVICES)]
    realistic_size: bool,

    /// JSON file with any of facilities, metros, plans, projects and devices, as lists of the API's own objects
    #[arg(long, value_name = "FILE", help_heading = DEVICES)]
    fixtures: Option<PathBuf>,

    /// Address and port to listen on; port 0 is any free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,

    /// The token that clients send as X-Auth-Token
    #[arg(
        long,
        env = "PACKET_API_SERVER_TOKEN",
        default_value = DEFAULT_TOKEN,
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: String,

    /// The id of the project that the devices belong to
    #[arg(long, default_value_t = DEFAULT_PROJECT, value_name = "UUID")]
    project: Uuid,

    /// The most that a page holds, whatever a client asks for
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    max_per_page: u32,

    /// Leave the numbers of this and the last page out of meta, as old answers did
    #[arg(long)]
    legacy_meta: bool,

    /// How long a device that is created over HTTP stays queued before it is active
    #[arg(long, default_value = "0s", value_parser = time::parse, value_name = "TIME", help_heading = DEVICES)]
    provision_time: Duration,

    /// How long a device that is deleted over HTTP stays visible as deprovisioning before it answers 404
    #[arg(long, default_value = "0s", value_parser = time::parse, value_name = "TIME", help_heading = DEVICES)]
    deprovision_time: Duration,

    /// What ids and chance follow from: the same seed and the same options give the same ids, latencies and faults
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,

    /// Write each request, once it is answered, to this file as a line of JSON; what is in the file before is lost
    #[arg(long, value_name = "FILE")]
    request_log: Option<PathBuf>,

    #[command(flatten)]
    weather: WeatherArguments,
}

/// The heading of the options that say which devices there are.
const DEVICES: &str = "Devices";

/// Why the program ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The server did not start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A facility that is to have devices is not known.
    #[error("--facility: there is no facility {0:?}; use a code that GET /facilities lists, or add it with --fixtures")]
    Facility(String),
    /// A metro that is to have devices is not known.
    #[error("--metro: there is no metro {0:?}; use a code that GET /locations/metros lists, or add it with --fixtures")]
    Metro(String),
    /// Signals cannot be listened to.
    #[error("cannot listen for signals: {0}; run it where a process may handle SIGTERM")]
    Signal(#[source] std::io::Error),
    /// Standard output is closed.
    #[error("cannot say on standard output where the server is: {0}; keep it open at least that long")]
    Output(#[source] std::io::Error),
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn run(arguments: Arguments) -> Result<(), ProgramError> {
    // Before anything is served, so that no signal finds the program unprepared.
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(ProgramError::Signal)?;
    let server = start(&arguments).await?;
    greet(&server, &arguments).map_err(ProgramError::Output)?;
    tokio::select! {
        _ = terminate.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed.map_err(ProgramError::Signal)?,
    }
    let requests = server.requests().clone();
    server.stop().await;
    farewell(&requests.summary());
    Ok(())
}

async fn start(arguments: &Arguments) -> Result<Server, ProgramError> {
    let mut builder = Server::builder()
        .bind(arguments.listen)
        .token(&arguments.token)
        .project(arguments.project)
        .max_per_page(arguments.max_per_page)
        .legacy_meta(arguments.legacy_meta)
        .latency(arguments.weather.latency)
        .rate_limit(arguments.weather.rate_limit())
        .seed(arguments.seed);
    if let Some(path) = &arguments.request_log {
        builder = builder.request_log(path);
    }
    if let Some(path) = &arguments.fixtures {
        builder = builder.fixtures(Fixtures::read(path).map_err(ServeError::from)?);
    }
    let server = builder.start().await?;
    let store = server.store();
    store.set_provision_time(arguments.provision_time);
    store.set_deprovision_time(arguments.deprovision_time);
    let (facilities, metros) = (store.facilities(), store.metros());
    if let Some(code) = arguments.facility.iter().find(|code| !facilities.iter().any(|there| there.code == **code)) {
        return Err(ProgramError::Facility(code.clone()));
    }
    if let Some(code) = arguments.metro.iter().find(|code| !metros.iter().any(|there| there.code == **code)) {
        return Err(ProgramError::Metro(code.clone()));
    }
    store.create_fleet(&Fleet {
        count: arguments.devices,
        hostname_prefix: arguments.hostname_prefix.clone(),
        facilities: arguments.facility.clone(),
        metros: arguments.metro.clone(),
        realistic_size: arguments.realistic_size,
        ..Fleet::default()
    });
    // What goes wrong begins once all devices are there, as does the time of an outage.
    arguments.weather.faults.iter().for_each(|fault| server.faults().push(fault.clone()));
    server.set_shifting(arguments.weather.shifting);
    server.set_outage(arguments.weather.outage);
    Ok(server)
}

/// Says where the server is and how to ask it something. The first line is for scripts: it ends with the base URL.
fn greet(server: &Server, arguments: &Arguments) -> std::io::Result<()> {
    let (url, project) = (server.url(), server.project_id());
    let devices = server.store().device_count();
    let token = if arguments.token == DEFAULT_TOKEN { DEFAULT_TOKEN } else { "$PACKET_API_SERVER_TOKEN" };
    let mut out = std::io::stdout().lock();
    writeln!(out, "serving the Packet API at {url}")?;
    writeln!(out, "project {project} with {devices} devices")?;
    writeln!(out, "try: curl -H 'X-Auth-Token: {token}' '{url}projects/{project}/devices?per_page=1'")?;
    out.flush()
}

/// Sums up what was asked.
fn farewell(summary: &RequestSummary) {
    // Whoever has closed standard output by now does not want to know.
    let _ = write!(std::io::stdout().lock(), "{summary}");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
