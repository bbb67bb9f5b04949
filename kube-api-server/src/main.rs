//! The program: a simulated Kubernetes API on a port, with as many Nodes as asked for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use kube_api_server::{
    Fault, Latency, LatencyError, NodeSpec, Refused, RequestLimit, ServeError, Server, ServerBuilder,
};
use tracing_subscriber::EnvFilter;

const EXAMPLES: &str = "\
Examples:
  Three Nodes to look at:
    kube-api-server --nodes 3 --kubeconfig-out sim.yaml &
    kubectl --kubeconfig sim.yaml get nodes -o wide

  A large cluster, on an API server that is slow and turns requests away:
    kube-api-server --nodes 100000 --realistic-size \\
      --latency p50=5ms,p99=80ms --request-limit 500,burst=1000

  Bad weather: conflicts, refusals and cuts for a share of requests, and watches that break:
    kube-api-server --nodes 1000 --fault 409,method=PATCH,share=0.01 --fault 503,share=0.005 \\
      --fault reset-after,method=PATCH,share=0.001 --drop-watches-every 30s --compact-every 2m

  Change the weather while it runs; this lists all that can be asked:
    curl http://127.0.0.1:8001/_admin/";

/// A simulated Kubernetes API, just enough for Nodes.
///
/// It answers as kube-apiserver 1.36 does for Nodes, Events, Namespaces and Leases, keeps everything in memory, asks for
/// no credentials, and forgets all when it stops. kubectl works against it: get, describe, label, annotate, taint, cordon,
/// apply, delete, and each with --watch.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Address and port to listen on. Port 0 takes any that is free. There is no authentication: keep it on loopback.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8001")]
    listen: SocketAddr,

    /// Where to write a kubeconfig that points here.
    #[arg(long, value_name = "FILE")]
    kubeconfig_out: Option<PathBuf>,

    /// How many Nodes to register at the start, each as a kubelet with --cloud-provider=external does: waiting, with the
    /// uninitialized taint, for a cloud controller manager.
    #[arg(long, value_name = "N", default_value_t = 0)]
    nodes: usize,

    /// What the Nodes' names start with; a number of at least four digits follows.
    #[arg(long, value_name = "PREFIX", default_value = "node-")]
    hostname_prefix: String,

    /// Make the Nodes 10 to 20 KB of JSON each, as in a real cluster, instead of some 2 KB.
    #[arg(long)]
    realistic_size: bool,

    /// How many changes of each resource to remember. A watch or a page from before them is answered 410 Gone.
    #[arg(long, value_name = "CHANGES", default_value_t = 10_000, help_heading = "Weather")]
    history: usize,

    /// How long every request waits: a time (5ms), a range (2ms..20ms), or two percentiles (p50=5ms,p99=80ms).
    #[arg(long, value_name = "LATENCY", help_heading = "Weather")]
    latency: Option<Latency>,

    /// How long the requests of one method wait instead, such as PATCH=2ms..20ms. May be given again for another method.
    #[arg(long, value_name = "METHOD=LATENCY", value_parser = method_latency, help_heading = "Weather")]
    method_latency: Vec<(String, Latency)>,

    /// How many requests a second to let in (500), and how many at once (500,burst=1000). The others are answered 429 with
    /// Retry-After, as API Priority and Fairness does.
    #[arg(long, value_name = "RATE[,burst=N]", help_heading = "Weather")]
    request_limit: Option<RequestLimit>,

    /// A fault, such as 409,method=PATCH,share=0.01. It begins with a status code, reset, reset-after (the write is done,
    /// the answer cut) or delay=50ms; any of retry-after=1s, method=PATCH, path=/nodes, share=0.01 and times=3 may follow.
    /// May be given again; a request meets the first that fits.
    #[arg(long, value_name = "FAULT", help_heading = "Weather")]
    fault: Vec<Fault>,

    /// Cut all watches that often, such as 30s.
    #[arg(long, value_name = "PERIOD", value_parser = period, help_heading = "Weather")]
    drop_watches_every: Option<Duration>,

    /// Forget all history that often, such as 2m: a watch that has fallen behind is answered 410 Gone.
    #[arg(long, value_name = "PERIOD", value_parser = period, help_heading = "Weather")]
    compact_every: Option<Duration>,

    /// What uids, generated names, shares and latencies are drawn from: the same number draws the same.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, help_heading = "Weather")]
    seed: u64,
}

fn method_latency(text: &str) -> Result<(String, Latency), String> {
    let (method, latency) = text.split_once('=').ok_or("write a method and a latency, such as PATCH=2ms..20ms")?;
    Ok((method.to_uppercase(), latency.parse().map_err(|error: LatencyError| error.to_string())?))
}

fn period(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(Latency::Fixed(period)) if !period.is_zero() => Ok(period),
        _ => Err("write a time above zero, such as 30s or 2m".to_owned()),
    }
}

/// Why the program ends with exit code 1.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("writing the kubeconfig to {path}: {source}; choose a place that can be written to")]
    Kubeconfig { path: PathBuf, source: std::io::Error },
    #[error("registering Nodes {prefix}…: {source}; choose another --hostname-prefix")]
    Nodes { prefix: String, source: Refused },
    #[error("waiting for a signal to stop: {0}")]
    Signal(std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kube-api-server: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn builder(arguments: &Arguments) -> ServerBuilder {
    let mut builder = Server::builder().bind(arguments.listen).history(arguments.history).seed(arguments.seed);
    if let Some(latency) = arguments.latency {
        builder = builder.latency(latency);
    }
    for (method, latency) in &arguments.method_latency {
        builder = builder.method_latency(method, *latency);
    }
    if let Some(limit) = arguments.request_limit {
        builder = builder.request_limit(limit);
    }
    for fault in &arguments.fault {
        builder = builder.fault(fault.clone());
    }
    if let Some(every) = arguments.drop_watches_every {
        builder = builder.drop_watches_every(every);
    }
    if let Some(every) = arguments.compact_every {
        builder = builder.compact_every(every);
    }
    builder
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let server = builder(arguments).start().await?;
    let specs = (1..=arguments.nodes).map(|number| {
        let spec = NodeSpec::new(&format!("{}{number:04}", arguments.hostname_prefix));
        if arguments.realistic_size { spec.realistic_size() } else { spec }
    });
    let registered = server.store().create_nodes(specs);
    registered.map_err(|source| Failure::Nodes { prefix: arguments.hostname_prefix.clone(), source })?;
    println!("Simulated Kubernetes API at {} with {} Nodes. Try it:", server.url(), arguments.nodes);
    match &arguments.kubeconfig_out {
        Some(path) => {
            let written = std::fs::write(path, server.kubeconfig());
            written.map_err(|source| Failure::Kubeconfig { path: path.clone(), source })?;
            println!("  kubectl --kubeconfig {} get nodes -o wide", path.display());
        }
        None => println!("  kubectl --server {} get nodes -o wide", server.url()),
    }
    println!("Change the weather and see what was asked: curl {}/_admin/", server.url());
    println!("Stop it with Ctrl-C.");
    stopped().await.map_err(Failure::Signal)?;
    server.stop().await;
    Ok(())
}

/// Waits until the program is asked to stop.
#[cfg(unix)]
async fn stopped() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    Ok(())
}

/// Waits until the program is asked to stop.
#[cfg(not(unix))]
async fn stopped() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
