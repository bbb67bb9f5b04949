//! What probes, metrics and people are told of the election.

use k8s_openapi::jiff::Timestamp;
use tokio::sync::watch;

use crate::config::ElectionSettings;
use crate::election::Standing;
use crate::telemetry::health::{Health, Scope};
use crate::telemetry::metrics::{Leadership, ProgramMetrics};

/// The name of the check.
const CHECK: &str = "leader-election";

/// Tells it, now and whenever it changes, for as long as the election goes on.
pub(super) async fn tell(
    mut standing: watch::Receiver<Standing>,
    settings: ElectionSettings,
    metrics: ProgramMetrics,
    health: Health,
) {
    loop {
        let now = standing.borrow_and_update().clone();
        let leads = matches!(now, Standing::Leading { .. });
        metrics.leads.get_or_create(&Leadership { name: settings.name.clone() }).set(leads.into());
        // Whoever stands by does what it is there for, and must not hold up the roll-out that it waits for. Probes are answered
        // to anybody, who need not know who leads where.
        let state = match now {
            Standing::Leading { .. } => Ok("this process leads"),
            Standing::Standby { .. } => Ok("another process leads, and this one stands by"),
            Standing::Released => Ok("this process has given the lead back"),
            Standing::Trying { .. } => Err("it is not known who leads, see the log"),
            Standing::Lost { .. } => Err("this process leads no more, and ends"),
        };
        health.set(CHECK, Scope::Ready, state.map(str::to_owned).map_err(str::to_owned));
        if standing.changed().await.is_err() {
            return;
        }
    }
}

/// Who leads, in words for people.
pub(super) fn summary(standing: &Standing, settings: &ElectionSettings) -> String {
    let lease = format!("Lease {}/{}", settings.namespace, settings.name);
    match standing {
        Standing::Leading { .. } if !settings.enabled => {
            "this process; none is elected (--leader-elect=false)".to_owned()
        }
        Standing::Leading { since } => {
            // To the second is enough.
            let since = Timestamp::from_second(since.as_second()).unwrap_or(*since);
            format!("this process, since {since} ({lease})")
        }
        Standing::Standby { holder } => format!("{holder}; this process stands by ({lease})"),
        Standing::Trying { why: Some(why) } => format!("unknown: {why}"),
        Standing::Trying { why: None } => format!("unknown yet ({lease})"),
        Standing::Lost { why } => format!("not this process any more: {why}"),
        Standing::Released => format!("nobody: this process has stopped ({lease})"),
    }
}
