//! Every actor says that it is there when it is asked.

use actix::{Context, Handler};

use super::instance_resolver::InstanceResolver;
use super::lifecycle::Lifecycle;
use super::node_watcher::NodeWatcher;
use super::node_writer::NodeWriter;
use super::packet_api::PacketApi;
use super::zone_resolver::ZoneResolver;
use crate::messages::report::Ping;

macro_rules! answers {
    ($($actor:ty),+) => {$(
        impl Handler<Ping> for $actor {
            type Result = ();

            fn handle(&mut self, Ping: Ping, _: &mut Context<Self>) {}
        }
    )+};
}

answers!(InstanceResolver, Lifecycle, NodeWatcher, NodeWriter, PacketApi, ZoneResolver);
