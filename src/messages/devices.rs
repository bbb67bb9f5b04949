//! The resolvers ask the `PacketApi` actor for devices.
//!
//! Question and answer are messages of their own, for one sweep may be what a hundred thousand Nodes wait for, and a question
//! in a table takes a quarter of the room that a future does.

use std::time::Duration;

use actix::{Message, Recipient};

use crate::packet::{Answer, Question, Urgency};

/// Tells one question from the others of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asking(pub u64);

/// Which device is it?
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct FindDevice {
    /// By which name it is looked for.
    pub question: Question,
    /// How long before this question was put the API may have been asked; zero asks for an answer from after it.
    pub max_age: Duration,
    /// Whether somebody waits for it.
    pub urgency: Urgency,
    /// By which the answer is known.
    pub asking: Asking,
    /// Who is told. Every question is answered once, unless the program stops.
    pub answer_to: Recipient<DeviceFound>,
}

/// The answer to a [`FindDevice`].
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct DeviceFound {
    /// Which question this answers.
    pub asking: Asking,
    /// The device, or why there is none.
    pub answer: Answer,
}
