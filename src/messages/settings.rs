//! Settings that change while the program runs.

use std::sync::Arc;

use actix::Message;

use crate::config::LiveSettings;

/// Go by these settings from now on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct NewSettings(pub Arc<LiveSettings>);

/// To the `NodeWatcher`: what kept Nodes from being asked for may be over, so try those again that wait for that.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TryAgain;
