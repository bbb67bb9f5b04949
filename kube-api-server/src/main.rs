//! The program: a simulated Kubernetes API on a port, with as many Nodes as asked for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kube_api_server::{NodeSpec, Refused, ServeError, Server};
use tracing_subscriber::EnvFilter;

/// A simulated Kubernetes API, just enough for Nodes.
///
/// It answers as kube-apiserver 1.36 does for Nodes, Events, Namespaces and Leases, keeps everything in memory, asks for
/// no credentials, and forgets all when it stops. kubectl works against it: get, describe, label, annotate, taint, cordon,
/// apply, delete, and each with --watch.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  kube-api-server --nodes 3 --kubeconfig-out sim.yaml &\n  kubectl --kubeconfig sim.yaml get nodes -o wide"
)]
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

    /// What the Nodes' names start with; a number of four digits follows.
    #[arg(long, value_name = "PREFIX", default_value = "node-")]
    hostname_prefix: String,
}

/// Why the program ends with exit code 1.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("writing the kubeconfig to {path}: {source}; choose a place that can be written to")]
    Kubeconfig { path: PathBuf, source: std::io::Error },
    #[error("registering Node {name}: {source}; choose another --hostname-prefix")]
    Node { name: String, source: Refused },
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

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let server = Server::builder().bind(arguments.listen).start().await?;
    for number in 1..=arguments.nodes {
        let name = format!("{}{number:04}", arguments.hostname_prefix);
        let created = server.store().create_node(NodeSpec::new(&name));
        created.map_err(|source| Failure::Node { name, source })?;
    }
    println!("Simulated Kubernetes API at {} with {} Nodes. Try it:", server.url(), arguments.nodes);
    match &arguments.kubeconfig_out {
        Some(path) => {
            let written = std::fs::write(path, server.kubeconfig());
            written.map_err(|source| Failure::Kubeconfig { path: path.clone(), source })?;
            println!("  kubectl --kubeconfig {} get nodes -o wide", path.display());
        }
        None => println!("  kubectl --server {} get nodes -o wide", server.url()),
    }
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
