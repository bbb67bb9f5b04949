//! The comparison: a client that asks the Packet API anew for every event of a Node, as most controllers do.
//!
//! A change of a Node with the uninitialized taint puts it into a queue. Ten workers take Nodes from it. For each, a worker
//! reads the project's list of devices from its first page on, a thousand to a page where the API grants that, until it
//! finds the one with the Node's name as its hostname; then it sends the same two patches that the program sends. What it
//! read it forgets: there is no cache, and no two workers share an answer. There is no budget either. Where the API refuses
//! or does not answer within 30 s, the Node waits a second and is tried again, after a second failure two seconds, and so on
//! up to a minute. It writes no Events, and learns of Nodes from the watch that measures.
//!
//! That is kinder than what is in use: Kubernetes' cloud node controller has one worker unless told otherwise, and the
//! client library of the Packet API asks for pages of ten.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kube::Client;
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedReceiver;

use super::bare_loop;
use super::event_queue::EventQueue;
use super::look::Look;
use crate::cli::Provider;
use crate::error::LabError;
use crate::nodes::fleet::Fleet;

/// How many Nodes are worked on at once.
const WORKERS: usize = 10;
/// How many devices it wants on a page.
const PER_PAGE: &str = "1000";
/// How long it waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How it gets to the Packet API.
pub(crate) struct Devices {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// Why a device was not found. What went wrong shows in the record of the Packet API; the client only needs to know that.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("asking for devices: {0}")]
    Packet(#[from] reqwest::Error),
    #[error("there is no device of the name {0}")]
    NoDevice(String),
    #[error(transparent)]
    Kubernetes(#[from] LabError),
}

#[derive(Deserialize)]
struct Page {
    devices: Vec<Device>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Device {
    hostname: String,
}

#[derive(Deserialize)]
struct Meta {
    last_page: u64,
}

impl Devices {
    /// The devices of this server's project.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub(crate) fn of(server: &packet_api_server::Server) -> Result<Self, LabError> {
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build();
        let client = client.map_err(|error| LabError::io("making an HTTP client")(std::io::Error::other(error)))?;
        let url = format!("{}projects/{}/devices", server.url(), server.project_id());
        Ok(Self { client, url, token: server.token().to_owned() })
    }

    /// Reads pages until there is a device of that name.
    async fn find(&self, hostname: &str) -> Result<(), Failure> {
        for page in 1_u64.. {
            let asked = self.client.get(&self.url).header("X-Auth-Token", &self.token);
            let asked = asked.query(&[("page", page.to_string().as_str()), ("per_page", PER_PAGE)]);
            let body = asked.send().await?.error_for_status()?.bytes().await?;
            let answer: Option<Page> = serde_json::from_slice(&body).ok();
            let Some(Page { devices, meta }) = answer else { break };
            if devices.iter().any(|device| device.hostname == hostname) {
                return Ok(());
            }
            if page >= meta.last_page {
                break;
            }
        }
        Err(Failure::NoDevice(hostname.to_owned()))
    }
}

/// Initialises whoever waits, until it is dropped.
pub(crate) async fn run(
    client: Client,
    devices: Devices,
    fleet: Arc<Fleet>,
    provider: Provider,
    mut nodes: UnboundedReceiver<Look>,
) {
    let mut queue = EventQueue::default();
    let (mut under_way, mut waiting) = (FuturesUnordered::new(), FuturesUnordered::new());
    loop {
        while under_way.len() < WORKERS
            && let Some(look) = queue.next()
        {
            let name = look.name().to_owned();
            under_way.push(initialise(&client, &devices, &fleet, provider, look).map(|done| (name, done)));
        }
        tokio::select! {
            look = nodes.recv() => match look {
                Some(look) => queue.changed(look),
                None => return,
            },
            Some((name, done)) = under_way.next(), if !under_way.is_empty() => {
                if let Some(wait) = queue.done(&name, done.ok()) {
                    waiting.push(tokio::time::sleep(wait).map(|()| name));
                }
            }
            Some(name) = waiting.next(), if !waiting.is_empty() => queue.add(name),
        }
    }
}

async fn initialise(
    client: &Client,
    devices: &Devices,
    fleet: &Fleet,
    provider: Provider,
    look: Look,
) -> Result<u64, Failure> {
    devices.find(look.name()).await?;
    // What the device's answer would have said, the lab knows.
    Ok(bare_loop::initialise(client, fleet, provider, &look).await?)
}
