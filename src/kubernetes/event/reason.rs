//! The reasons of all Events that are written, about Nodes and about the Lease, with what goes along with each.
//!
//! They are part of what a version promises: people search for them, and a process that starts reads some of them back.

use k8s_openapi::api::core::v1::{Event, EventSource};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::kubernetes::names::{COMPONENT, LEADER_COMPONENT, LIFECYCLE_COMPONENT};

/// Declares the reasons out of one table, so that the list of all of them lacks none.
macro_rules! reasons {
    ($($(#[$about:meta])+ $name:ident: $severity:literal of $component:ident about $object:literal),+ $(,)?) => {
        /// Why an Event is written, in one word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$about])+ $name,)+
        }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word, as the Event has it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// The type of the Event: `Normal` or `Warning` (Kubernetes core/v1 `Event.type`).
            #[must_use]
            pub fn severity(self) -> &'static str {
                match self {
                    $(Self::$name => $severity,)+
                }
            }

            /// The component that the Event names as its source.
            #[must_use]
            pub fn component(self) -> &'static str {
                match self {
                    $(Self::$name => $component,)+
                }
            }

            /// The kind of the object that the Event is about.
            #[must_use]
            pub fn object(self) -> &'static str {
                match self {
                    $(Self::$name => $object,)+
                }
            }
        }
    };
}

reasons! {
    /// The Node is initialised (Kubernetes cloud node controller).
    Synced: "Normal" of COMPONENT about "Node",
    /// It is not initialised, or its addresses cannot be kept up.
    SyncFailed: "Warning" of COMPONENT about "Node",
    /// It is not Ready, and left alone.
    LeftAlone: "Warning" of LIFECYCLE_COMPONENT about "Node",
    /// It is about to be deleted (Kubernetes `cloud-provider`, `deleteNodeEvent`).
    DeletingNode: "Normal" of LIFECYCLE_COMPONENT about "Node",
    /// Its device looks gone, but it is not deleted.
    DeletionHeldBack: "Warning" of LIFECYCLE_COMPONENT about "Node",
    /// No Node is deleted any more.
    DeletionStopped: "Warning" of LIFECYCLE_COMPONENT about "Node",
    /// Nodes are deleted again.
    DeletionResumed: "Normal" of LIFECYCLE_COMPONENT about "Node",
    /// A process began or stopped leading (client-go `leaderelection`).
    LeaderElection: "Normal" of LEADER_COMPONENT about "Lease",
}

impl Reason {
    /// An Event of this reason that happened once, now: all of it that does not depend on what it is about.
    pub(crate) fn event(self, now: Timestamp) -> Event {
        let component = Some(self.component().to_owned());
        Event {
            type_: Some(self.severity().to_owned()),
            reason: Some(self.word().to_owned()),
            source: Some(EventSource { component: component.clone(), host: None }),
            reporting_component: component,
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            count: Some(1),
            ..Event::default()
        }
    }
}
