//! How many Nodes a second the simulated API can see initialised, and what that costs it.
//!
//! It starts the server in a process of its own, seeds Nodes of realistic size, reads them all in pages, opens a watch, and
//! then does to each Node what a cloud controller manager does: a JSON patch of its status, a JSON patch of the object,
//! and an Event, on 32 connections. It prints Nodes a second, and the server's CPU time and memory:
//!
//! ```sh
//! cargo run --release -p kube-api-server --example load -- 100000
//! ```

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kube_api_server::{NodeSpec, Server};
use reqwest::Client;
use serde_json::{Value, json};

/// As many as the product has under way at once.
const CONNECTIONS: usize = 32;
/// The page size of client-go's pager and of kube-rs.
const PAGE: usize = 500;
/// Clock ticks per second in `/proc`, which Linux fixes for user space.
const TICKS: f64 = 100.0;
/// How long the watch may take to deliver the last change.
const PATIENCE: Duration = Duration::from_mins(10);

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", nodes] => serve(nodes.parse()?).await,
        [] => drive(10_000).await,
        [nodes] => drive(nodes.parse()?).await,
        _ => Err("give the number of Nodes, and nothing else".into()),
    }
}

fn name(number: usize) -> String {
    format!("node-{number:06}")
}

/// The server's process: seeds, says where it listens, and runs until its input ends.
async fn serve(nodes: usize) -> Outcome<()> {
    let server = Server::start().await?;
    let start = Instant::now();
    server.store().create_nodes((0..nodes).map(|number| NodeSpec::new(&name(number)).realistic_size()))?;
    println!("{} {}", server.url(), start.elapsed().as_secs_f64());
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await?;
    Ok(())
}

/// The server as a process, ended when dropped.
struct Served {
    process: Child,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl Served {
    /// Seconds of processor time so far.
    fn cpu(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The program's name may hold spaces; what follows its closing bracket may not.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| -> Outcome<f64> { Ok(fields.get(at).ok_or("a short /proc/stat")?.parse()?) };
        Ok((ticks(11)? + ticks(12)?) / TICKS)
    }

    /// Memory in use and the most that ever was, in megabytes.
    fn memory(&self) -> Outcome<(usize, usize)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let megabytes = |key: &str| -> Outcome<usize> {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).ok_or("no memory in /proc/status")?;
            Ok(line.split_whitespace().next().ok_or("an empty line in /proc/status")?.parse::<usize>()? / 1024)
        };
        Ok((megabytes("VmRSS:")?, megabytes("VmHWM:")?))
    }

    fn report(&self, what: &str, nodes: usize, elapsed: Duration, cpu_before: f64) -> Outcome<()> {
        let (seconds, cpu) = (elapsed.as_secs_f64(), self.cpu()? - cpu_before);
        let (now, most) = self.memory()?;
        #[allow(clippy::cast_precision_loss, reason = "a number of Nodes is far below 2^52")]
        let count = nodes as f64;
        println!(
            "{what}: {:.0} Nodes/s, server CPU {:.0} µs/Node, {now} MB resident ({most} MB at most)",
            count / seconds,
            cpu / count * 1e6
        );
        Ok(())
    }
}

async fn drive(nodes: usize) -> Outcome<()> {
    let mut process = Command::new(std::env::current_exe()?)
        .args(["serve", &nodes.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut first = String::new();
    BufReader::new(process.stdout.take().ok_or("no output of the server")?).read_line(&mut first)?;
    let (url, seconds) = first.trim().split_once(' ').ok_or("the server did not start")?;
    let served = Served { process, url: url.to_owned() };
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().user_agent("load/1").build()?;
    served.report("seeded", nodes, Duration::from_secs_f64(seconds.parse()?), 0.0)?;

    let (start, cpu) = (Instant::now(), served.cpu()?);
    let version = list(&client, &served.url, nodes).await?;
    served.report("listed", nodes, start.elapsed(), cpu)?;

    let (start, cpu) = (Instant::now(), served.cpu()?);
    let seen = Arc::new(AtomicUsize::new(0));
    let watching = tokio::spawn(watch(client.clone(), served.url.clone(), version, seen.clone()));
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, url, next) = (client.clone(), served.url.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= nodes {
                        return Ok::<(), Box<dyn Error + Send + Sync>>(());
                    }
                    initialise(&client, &url, number).await?;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    served.report("initialised", nodes, start.elapsed(), cpu)?;
    while seen.load(Ordering::Relaxed) < 2 * nodes && !watching.is_finished() && start.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    served.report("and all watched", nodes, start.elapsed(), cpu)?;
    println!("the watch saw {} changes", seen.load(Ordering::Relaxed));
    Ok(())
}

/// Reads all Nodes in pages; answers with their version.
async fn list(client: &Client, url: &str, nodes: usize) -> Outcome<String> {
    let (mut seen, mut next) = (0, String::new());
    loop {
        let address = format!("{url}/api/v1/nodes?limit={PAGE}&continue={next}");
        let body = client.get(&address).send().await?.error_for_status()?.bytes().await?;
        // The start says where to go on; to read it all would cost more here than there.
        let metadata = String::from_utf8_lossy(body.get(..400).unwrap_or(&body)).into_owned();
        let of = |field: &str| {
            let at = metadata.find(&format!("\"{field}\":\""))? + field.len() + 4;
            metadata.get(at..)?.split('"').next().map(str::to_owned)
        };
        seen += PAGE.min(nodes - seen);
        match of("continue") {
            Some(token) => next = token,
            None if seen == nodes => return of("resourceVersion").ok_or_else(|| "a list without a version".into()),
            None => return Err(format!("the list ended after {seen} of {nodes} Nodes").into()),
        }
    }
}

async fn watch(client: Client, url: String, version: String, seen: Arc<AtomicUsize>) -> Outcome<()> {
    let address = format!("{url}/api/v1/nodes?watch=true&allowWatchBookmarks=true&resourceVersion={version}");
    let mut response = client.get(&address).send().await?.error_for_status()?;
    while let Some(chunk) = response.chunk().await? {
        let events = chunk.split(|byte| *byte == b'\n').count() - 1;
        seen.fetch_add(events, Ordering::Relaxed);
    }
    Ok(())
}

/// What a cloud controller manager does to one Node.
async fn initialise(client: &Client, url: &str, number: usize) -> Outcome<()> {
    let name = name(number);
    let address = format!("{url}/api/v1/nodes/{name}");
    let ip = format!("10.{}.{}.{}", number / 65_536, number / 256 % 256, number % 256);
    let status = json!([{ "op": "add", "path": "/status/addresses", "value": [
        { "type": "Hostname", "address": name },
        { "type": "InternalIP", "address": ip },
        { "type": "ExternalIP", "address": ip.replacen("10.", "147.", 1) },
    ] }]);
    patch(client, &format!("{address}/status"), &status).await?;
    let taint =
        json!({ "effect": "NoSchedule", "key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true" });
    let label = |key: &str, value: &str| json!({ "op": "add", "path": format!("/metadata/labels/{}", key.replace('/', "~1")), "value": value });
    let object = json!([
        label("node.kubernetes.io/instance-type", "c3.small.x86"),
        label("beta.kubernetes.io/instance-type", "c3.small.x86"),
        label("topology.kubernetes.io/region", "ny5"),
        label("failure-domain.beta.kubernetes.io/region", "ny5"),
        { "op": "add", "path": "/spec/providerID", "value": format!("packet://00000000-0000-4000-8000-{number:012}") },
        { "op": "test", "path": "/spec/taints/0", "value": taint },
        { "op": "remove", "path": "/spec/taints/0" },
    ]);
    patch(client, &address, &object).await?;
    let event = json!({
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": { "name": format!("{name}.{number:x}"), "namespace": "default" },
        "involvedObject": { "kind": "Node", "apiVersion": "v1", "name": name, "uid": name },
        "reason": "Synced",
        "message": "Node synced successfully",
        "type": "Normal",
        "source": { "component": "cloud-node-controller" },
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 1,
    });
    let request = client.post(format!("{url}/api/v1/namespaces/default/events"));
    let answer = request.header("Content-Type", "application/json").body(event.to_string()).send().await?;
    answer.error_for_status()?.bytes().await?;
    Ok(())
}

async fn patch(client: &Client, address: &str, operations: &Value) -> Outcome<()> {
    let request = client.patch(address).header("Content-Type", "application/json-patch+json");
    let answer = request.body(operations.to_string()).send().await?;
    answer.error_for_status()?.bytes().await?;
    Ok(())
}
