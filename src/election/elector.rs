//! The task that takes part in the election: sends what the candidate says, opens and closes the gate, and tells where it
//! stands.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::announcement::{Turn, announce};
use super::candidate::{Answer, Candidate, Lost, Request, Step};
use super::gate::{Gate, Gatekeeper};
use super::identity::Identity;
use super::lock::Lock;
use super::standing::{Loss, Standing};
use super::trouble::Trouble;
use crate::config::ElectionSettings;
use crate::config::duration::show;

/// How long giving the Lease back may take, so that the process is gone within Kubernetes' patience.
const RELEASE_TIMEOUT: Duration = Duration::from_millis(1200);
/// How long after a failure the Lease is tried to be given back again.
const RELEASE_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How long the Event that tells of a new leader may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same of the one that tells of the end, which others wait for.
const LAST_PATIENCE: Duration = Duration::from_millis(300);

/// Takes part in the election until it is dropped, which closes the gate and leaves the Lease to run out, or until
/// [`Elector::release`].
#[derive(Debug)]
pub struct Elector {
    gate: Gate,
    standing: watch::Receiver<Standing>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Elector {
    /// Starts to take part, on a task of its own, so that actors which are busy delay no renewal. Where election is not
    /// enabled it leads at once and for good, and sends nothing.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(client: kube::Client, settings: ElectionSettings, identity: Identity) -> Self {
        let (gatekeeper, gate) = Gatekeeper::new(false);
        let (standing, seen_standing) = watch::channel(Standing::Trying { why: None });
        let (stop, is_stopped) = oneshot::channel();
        let task = if settings.enabled {
            let lock = Lock::new(client.clone(), &settings);
            tracing::info!(lease = lock.describe(), %identity, "taking part in the election of a leader");
            let candidate = Candidate::new(settings.clone(), identity.clone(), Instant::now());
            let (gate, trouble) = (gate.clone(), None);
            let task = Task { client, lock, settings, identity, candidate, gatekeeper, gate, standing, trouble };
            tokio::spawn(task.run(is_stopped))
        } else {
            gatekeeper.open();
            standing.send_replace(Standing::Leading { since: Timestamp::now() });
            tokio::spawn(async move {
                // An error says that nobody will ever ask, which is the end of it, too.
                let _ = is_stopped.await;
                gatekeeper.close();
                standing.send_replace(Standing::Released);
            })
        };
        Self { gate, standing: seen_standing, stop: Some(stop), task }
    }

    /// The gate, open while this process leads.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Where this process stands, now and later.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Waits until this process leads.
    pub async fn leads(&self) {
        // An error would mean that the task is gone, and it never leads.
        if self.standing().wait_for(|standing| matches!(standing, Standing::Leading { .. })).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until this process leads no more although it was not told to stop. The gate is closed by then.
    pub async fn lost(&self) -> Loss {
        let mut standing = self.standing();
        match standing.wait_for(|standing| matches!(standing, Standing::Lost { .. })).await.as_deref() {
            Ok(Standing::Lost { why }) => why.clone(),
            _ => Loss::Ended,
        }
    }

    /// Closes the gate and gives the Lease back, so that nobody has to wait until it runs out. To be called when every write
    /// has ended: another process may begin to write before this returns. Takes one and a half seconds at most.
    pub async fn release(mut self) {
        if let Some(stop) = self.stop.take() {
            // An error says that the task has ended, and waiting for it is waiting for nothing.
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Elector {
    fn drop(&mut self) {
        // The gatekeeper goes with it, and the gate is closed.
        self.task.abort();
    }
}

/// What the task holds.
struct Task {
    client: kube::Client,
    lock: Lock,
    settings: ElectionSettings,
    identity: Identity,
    candidate: Candidate,
    gatekeeper: Gatekeeper,
    gate: Gate,
    standing: watch::Sender<Standing>,
    /// What goes wrong at the moment.
    trouble: Option<Trouble>,
}

impl Task {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let now = Instant::now();
            match self.candidate.step(now) {
                Step::Wait(until) => tokio::select! {
                    biased;
                    _ = &mut stopped => return self.release().await,
                    () = sleep_until(until) => {}
                },
                Step::Send(request) => {
                    let deadline = self.candidate.gives_up_at(now);
                    let (answer, trouble) = tokio::select! {
                        biased;
                        _ = &mut stopped => return self.release().await,
                        answered = self.lock.ask(request, deadline) => answered,
                    };
                    self.candidate.answered(now, Instant::now(), answer, fastrand::f64());
                    self.look_at(trouble);
                    self.tell();
                }
                Step::Stop(lost) => return self.stop(lost),
            }
        }
    }

    /// Opens the gate for as long as the candidate leads, and says where it stands.
    fn tell(&mut self) {
        let leads_until = self.candidate.leads_until();
        if let Some(end) = leads_until {
            self.gatekeeper.open_until(end);
        }
        let standing = match (leads_until, self.candidate.other_holder()) {
            (Some(_), _) if matches!(*self.standing.borrow(), Standing::Leading { .. }) => return,
            (Some(_), _) => Standing::Leading { since: Timestamp::now() },
            (None, Some(holder)) if self.trouble.is_none() => Standing::Standby { holder: holder.to_owned() },
            (None, _) => Standing::Trying { why: self.trouble.clone() },
        };
        let is_new = self.standing.send_if_modified(|before| {
            let is_new = *before != standing;
            *before = standing.clone();
            is_new
        });
        match &standing {
            _ if !is_new => {}
            Standing::Leading { .. } => {
                tracing::info!(lease = self.lock.describe(), identity = %self.identity, "leading");
                self.announce_the_beginning();
            }
            Standing::Standby { holder } => {
                tracing::info!(lease = self.lock.describe(), holder, "standing by: another process leads");
            }
            _ => {}
        }
    }

    /// Says once what goes wrong, and once that it does no more: that a Lease can be read says nothing of writing it.
    fn look_at(&mut self, trouble: Option<Trouble>) {
        match trouble {
            Some(new) => {
                if self.trouble.as_ref().map(Trouble::kind) != Some(new.kind()) {
                    let leads = self.candidate.leads_until().is_some();
                    tracing::warn!(leads, "{new}; it is tried again every {}", show(self.settings.retry_period));
                }
                self.trouble = Some(new);
            }
            None if self.candidate.is_settled() && self.trouble.take().is_some() => {
                tracing::info!(lease = self.lock.describe(), "the election goes on");
            }
            None => {}
        }
    }

    fn stop(&self, lost: Lost) {
        self.gatekeeper.close();
        let lease = self.lock.describe();
        let why = match lost {
            Lost::StolenBy(holder) => Loss::Stolen { lease, holder },
            Lost::RanOut => {
                let deadline = self.settings.renew_deadline;
                Loss::RanOut { lease, deadline, why: self.trouble.clone() }
            }
        };
        self.standing.send_replace(Standing::Lost { why });
    }

    async fn release(self) {
        if let (Some(_), Some(lease)) = (self.candidate.leads_until(), self.candidate.lease()) {
            announce(self.client.clone(), self.gate.clone(), (lease, &self.identity), Turn::Stopped, LAST_PATIENCE)
                .await;
        }
        self.gatekeeper.close();
        if self.candidate.may_hold() && timeout(RELEASE_TIMEOUT, self.give_back()).await.is_err() {
            tracing::warn!(
                lease = self.lock.describe(),
                "cannot give the Lease back: the next leader has to wait until it runs out"
            );
        }
        self.standing.send_replace(Standing::Released);
    }

    /// Writes into the Lease that nobody holds it, if it still names this process.
    async fn give_back(&self) {
        let deadline = Instant::now() + RELEASE_TIMEOUT;
        loop {
            match self.lock.ask(Request::Read, deadline).await.0 {
                Answer::Is(lease) => {
                    let Some(claim) = self.candidate.release(&lease) else { return };
                    if let Answer::Is(_) = self.lock.ask(Request::Update(lease, claim), deadline).await.0 {
                        tracing::info!(lease = self.lock.describe(), "gave the Lease back");
                        return;
                    }
                }
                Answer::Missing => return,
                Answer::Conflict | Answer::Unknown => {}
            }
            // What was sent before this may still come about, and then it is another version.
            sleep(RELEASE_AGAIN_AFTER).await;
        }
    }

    fn announce_the_beginning(&self) {
        let Some(lease) = self.candidate.lease().cloned() else { return };
        let (client, gate, identity) = (self.client.clone(), self.gate.clone(), self.identity.clone());
        tokio::spawn(async move { announce(client, gate, (&lease, &identity), Turn::Became, PATIENCE).await });
    }
}
