//! Nodes that are not Ready: from the `NodeWatcher` to the `Lifecycle`, and from there to the Packet API once more before one
//! is deleted.

use actix::Message;

use crate::kubernetes::lifecycle::Roll;
use crate::packet::{Absence, DeviceId, NotGone};

/// `NodeWatcher` to `Lifecycle`, every `--node-monitor-period`: how the Nodes stand.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RollCalled(pub Roll);

/// `Lifecycle` to `PacketApi`: are these devices gone, beyond doubt? Each is asked for anew, and the project is read after
/// that.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<(DeviceId, Result<Absence, NotGone>)>")]
pub struct ConfirmGone(pub Vec<DeviceId>);
