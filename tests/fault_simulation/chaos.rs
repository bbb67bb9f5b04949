//! What goes wrong, and what just happens: drawn from the dice, one thing after the other.

use std::time::Duration;

use kube_api_server::{Fault as KubeFault, FaultKind as KubeFaultKind, Latency as KubeLatency};
use packet_api_server::{Fault, FaultKind, Latency, Outage, OutageKind};
use serde_json::json;

use crate::machine::Power;
use crate::world::World;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Happening {
    Nothing,
    Joins,
    Power(usize, Power),
    /// A large part of the machines is destroyed at once.
    Disaster(usize),
    Kubelet {
        index: usize,
        is_well: bool,
    },
    /// A Node is Ready for a moment, and not Ready again.
    Flap {
        index: usize,
        time: Duration,
    },
    /// Somebody else writes a Node.
    Writer {
        index: usize,
        what: Writing,
    },
    PacketFault(Fault),
    /// The token is without rights: the API knows nothing, in its own words, or refuses the project.
    NoRights {
        project: u16,
    },
    Revoked,
    /// The token is replaced, and the controller is told so a while later.
    Rotated {
        told_after: Duration,
    },
    PacketOutage(OutageKind),
    PacketSlow(Duration),
    PacketWell,
    KubeFault(KubeFault),
    KubeSlow(Duration),
    KubeWell,
    WatchesCut,
    HistoryForgotten,
    Crash {
        pause: Duration,
    },
    Stop {
        pause: Duration,
    },
    Handover,
    ClockSet(i64),
}

/// What somebody else writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writing {
    Taint(u8),
    Untaint(u8),
    Label(u8),
    Annotation(u8),
    /// A shutdown taint of another effect, which is not ours.
    OwnShutdown,
    Deletion,
}

impl Happening {
    /// Draws one.
    pub(crate) fn draw(dice: &mut fastrand::Rng, machines: usize) -> Self {
        let index = dice.usize(..machines.max(1));
        let pause = Duration::from_millis(dice.u64(..90_000));
        match dice.u8(..100) {
            0..3 => Self::Nothing,
            3..4 => Self::Rotated { told_after: Duration::from_millis(dice.u64(..20_000)) },
            4..8 => Self::Flap { index, time: Duration::from_millis(dice.u64(..4_000)) },
            8..14 => Self::Joins,
            14..22 => Self::Power(index, Power::Off),
            22..30 => Self::Power(index, Power::On),
            30..35 => Self::Power(index, Power::Destroyed),
            35..37 => Self::Power(index, Power::Forgotten),
            37..38 => Self::Disaster(dice.usize(40..100)),
            38..44 => Self::Kubelet { index, is_well: dice.bool() },
            44..54 => Self::Writer { index, what: writing(dice) },
            54..64 => Self::PacketFault(packet_fault(dice)),
            64..66 => Self::NoRights { project: *dice.choice(&[404, 403, 401]).unwrap() },
            66..67 => Self::Revoked,
            67..69 => Self::PacketOutage(outage(dice)),
            69..72 => Self::PacketSlow(Duration::from_millis(dice.u64(..5_000))),
            72..79 => Self::PacketWell,
            79..84 => Self::KubeFault(kube_fault(dice)),
            84..86 => Self::KubeSlow(Duration::from_millis(dice.u64(..2_000))),
            86..90 => Self::KubeWell,
            90..92 => Self::WatchesCut,
            92..93 => Self::HistoryForgotten,
            93..96 => Self::Crash { pause },
            96..97 => Self::Stop { pause },
            97..99 => Self::Handover,
            _ => Self::ClockSet(dice.i64(-7_200..7_200)),
        }
    }

    /// Lets it happen.
    pub(crate) async fn happen(&self, world: &mut World, dice: &mut fastrand::Rng) {
        if self.is_trouble() {
            world.note_trouble();
        }
        match self {
            Self::Nothing => {}
            Self::Joins => world.add_machine(dice),
            Self::Power(index, power) => world.set_power(*index, *power),
            Self::Disaster(percent) => {
                for index in 0..world.machines.len() * percent / 100 {
                    world.set_power(index, Power::Destroyed);
                }
            }
            Self::Kubelet { index, is_well } => {
                let machine = &mut world.machines[*index];
                if machine.is_well != *is_well {
                    (machine.is_well, machine.since) = (*is_well, tokio::time::Instant::now());
                }
            }
            Self::Flap { index, time } => {
                world.set_ready(*index, true);
                world.pass(*time).await;
                world.set_ready(*index, false);
            }
            Self::Writer { index, what } => what.write(world, *index),
            Self::PacketFault(fault) => world.packet.faults().push(fault.clone()),
            Self::NoRights { project } => {
                let faults = world.packet.faults();
                faults.clear();
                if *project != 404 {
                    faults.push(Fault::new(FaultKind::status(*project)).path_prefix("/projects").always());
                }
                faults.push(Fault::new(FaultKind::status(404)).always());
            }
            Self::Revoked => world.packet.store().set_token("another-token"),
            Self::Rotated { told_after } => {
                world.rotate_token();
                world.pass(*told_after).await;
                world.tell_token();
            }
            Self::PacketOutage(kind) => world.packet.set_outage(Some(Outage::new(*kind))),
            Self::PacketSlow(time) => world.packet.set_latency(Latency::fixed(*time)),
            Self::PacketWell => {
                world.packet.faults().clear();
                world.packet.store().set_token(world.token());
                world.packet.set_outage(None);
                world.packet.set_latency(Latency::NONE);
            }
            Self::KubeFault(fault) => world.kubernetes.faults().push(fault.clone()),
            Self::KubeSlow(time) => world.kubernetes.set_latency(KubeLatency::Fixed(*time)),
            Self::KubeWell => {
                world.kubernetes.faults().clear();
                world.kubernetes.set_latency(None);
            }
            Self::WatchesCut => world.kubernetes.store().drop_watches(),
            Self::HistoryForgotten => {
                world.kubernetes.store().compact();
                world.kubernetes.store().drop_watches();
            }
            Self::Crash { pause } => {
                if let Some(process) = world.process.take() {
                    process.crash();
                }
                // The connections of a process that is gone are closed.
                world.kubernetes.store().drop_watches();
                world.pass(*pause).await;
                world.start_process(dice);
            }
            Self::Stop { pause } => {
                if let Some(process) = world.process.take() {
                    process.stop().await;
                }
                world.kubernetes.store().drop_watches();
                world.pass(*pause).await;
                world.start_process(dice);
            }
            Self::Handover => {
                if let Some(process) = world.process.take() {
                    process.lose_the_lead();
                }
                // The next one takes over once the lease has run out.
                world.pass(Duration::from_secs(15)).await;
                world.start_process(dice);
            }
            Self::ClockSet(by_s) => world.clock.set(*by_s),
        }
    }

    /// Whether it may keep the controller from knowing what is.
    fn is_trouble(&self) -> bool {
        !matches!(
            self,
            Self::Nothing | Self::Flap { .. } | Self::Joins | Self::Power(..) | Self::Disaster(_) | Self::Writer { .. }
        )
    }
}

fn writing(dice: &mut fastrand::Rng) -> Writing {
    match dice.u8(..12) {
        0..4 => Writing::Taint(dice.u8(..3)),
        4..7 => Writing::Untaint(dice.u8(..3)),
        7..9 => Writing::Label(dice.u8(..3)),
        9..10 => Writing::Annotation(dice.u8(..3)),
        10..11 => Writing::OwnShutdown,
        _ => Writing::Deletion,
    }
}

impl Writing {
    fn write(&self, world: &World, index: usize) {
        let (name, store) = (&world.machines[index].name, world.kubernetes.store());
        if store.node(name).is_none() {
            return;
        }
        let taint = |key: String, effect: &str| json!({"key": key, "effect": effect});
        if *self == Self::Deletion {
            return store.delete_node(name).unwrap();
        }
        store
            .update_node(name, |node| {
                let taints = &mut node["spec"]["taints"];
                if taints.is_null() {
                    *taints = json!([]);
                }
                let taints = taints.as_array_mut().unwrap();
                match self {
                    Self::Taint(key) => {
                        let new = taint(format!("theirs-{key}"), "NoExecute");
                        taints.retain(|taint| taint["key"] != new["key"]);
                        taints.insert(0, new);
                    }
                    Self::Untaint(key) => taints.retain(|taint| taint["key"] != format!("theirs-{key}")),
                    Self::OwnShutdown => {
                        let new = taint(crate::invariants::SHUTDOWN.to_owned(), "NoExecute");
                        taints.retain(|taint| *taint != new);
                        taints.push(new);
                    }
                    Self::Label(value) => node["metadata"]["labels"]["theirs"] = json!(value.to_string()),
                    Self::Annotation(value) => {
                        if node["metadata"]["annotations"].is_null() {
                            node["metadata"]["annotations"] = json!({});
                        }
                        node["metadata"]["annotations"]["theirs"] = json!(value.to_string());
                    }
                    Self::Deletion => {}
                }
            })
            .unwrap();
    }
}

/// A fault that cannot be taken for the truth: the API never says of one device alone, in its own words, that it is not there
/// when it is. Against that there is no protection but the share.
fn packet_fault(dice: &mut fastrand::Rng) -> Fault {
    let json_404 = FaultKind::Status {
        code: 404,
        body: r#"{"message":"no Route matched with those values"}"#.to_owned(),
        content_type: "application/json".to_owned(),
        headers: vec![],
    };
    let gateway_404 = FaultKind::Status {
        code: 404,
        body: r#"{"status":404,"error":"Not Found","path":"/metal"}"#.to_owned(),
        content_type: "application/json".to_owned(),
        headers: vec![],
    };
    let kinds = [
        gateway_404,
        FaultKind::status(500),
        FaultKind::status(503),
        FaultKind::status(401),
        FaultKind::status(403),
        FaultKind::html(404),
        FaultKind::html(404),
        FaultKind::html(404),
        FaultKind::html(200),
        FaultKind::html(502),
        json_404.clone(),
        json_404,
        FaultKind::too_many_requests(None),
        FaultKind::too_many_requests("7"),
        FaultKind::Truncated,
        FaultKind::Malformed,
        FaultKind::WrongShape,
        FaultKind::Hang,
        FaultKind::Reset,
        FaultKind::Delay(Duration::from_millis(dice.u64(..40_000))),
        FaultKind::slow_body(dice.u32(100..50_000)),
    ];
    let fault = Fault::new(dice.choice(&kinds).unwrap().clone());
    let fault = match dice.u8(..5) {
        0 => fault.path_prefix("/devices/"),
        1 => fault.path_prefix("/projects"),
        2 => fault.path_contains("/devices"),
        _ => fault,
    };
    match dice.u8(..4) {
        0 => fault.times(dice.u32(1..20)),
        1 => fault.share(dice.f64()).always(),
        2 => fault.share(0.2).always(),
        _ => fault.always(),
    }
}

fn outage(dice: &mut fastrand::Rng) -> OutageKind {
    *dice.choice(&[OutageKind::Refuse, OutageKind::Reset, OutageKind::Hang, OutageKind::Status(503)]).unwrap()
}

fn kube_fault(dice: &mut fastrand::Rng) -> KubeFault {
    let status = |code, retry_after| KubeFaultKind::Status { code, retry_after };
    let kinds = [
        status(500, None),
        status(503, None),
        status(429, Some(Duration::from_secs(2))),
        status(409, None),
        status(403, None),
        KubeFaultKind::Reset,
        KubeFaultKind::ResetAfter,
        KubeFaultKind::Delay(Duration::from_millis(dice.u64(..20_000))),
    ];
    let fault = KubeFault::new(dice.choice(&kinds).unwrap().clone());
    let fault = match dice.u8(..6) {
        0 => fault.method("PATCH"),
        1 => fault.method("DELETE"),
        2 => fault.method("POST"),
        3 => fault.method("GET"),
        4 => fault.path_contains("/events"),
        _ => fault,
    };
    match dice.u8(..3) {
        0 => fault.times(dice.usize(1..10)),
        _ => fault.share(dice.f64() * 0.5),
    }
}
