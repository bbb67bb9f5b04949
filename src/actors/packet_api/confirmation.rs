//! The confirmation that devices are gone: the project is read, the devices are asked for anew, and the project is read again,
//! all with the same credentials.

use actix::{AsyncContext, Context, Handler, Message, ResponseFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Fetch, PacketApi, Waiter, told};
use crate::messages::lifecycle::ConfirmGone;
use crate::packet::planner::GATHERING;
use crate::packet::{Absence, Answer, DeviceId, LookupError, NotGone, Plain, Question, Urgency};

/// Ask for these devices anew, past everything that is kept.
#[derive(Message)]
#[rtype(result = "Vec<(DeviceId, Answer)>")]
struct AskAfresh(Vec<DeviceId>);

/// How often has the token been changed?
#[derive(Message)]
#[rtype(result = "u64")]
struct AskCredentials;

impl Handler<AskCredentials> for PacketApi {
    type Result = u64;

    fn handle(&mut self, AskCredentials: AskCredentials, _: &mut Context<Self>) -> u64 {
        self.credentials
    }
}

impl Handler<AskAfresh> for PacketApi {
    type Result = ResponseFuture<Vec<(DeviceId, Answer)>>;

    fn handle(&mut self, AskAfresh(devices): AskAfresh, ctx: &mut Context<Self>) -> Self::Result {
        let now = Instant::now();
        let ask = |id: DeviceId| {
            let (answer, answered) = oneshot::channel();
            let ticket = self.planner.ask(Question::ById(id.clone()), Some(now), Urgency::Urgent, now);
            self.waiting.insert(ticket, Waiter::FreshDevice(answer));
            (id, answered)
        };
        let asked: Vec<_> = devices.into_iter().map(ask).collect();
        self.wake_at(now + GATHERING, ctx);
        Box::pin(async move {
            let mut answers = Vec::with_capacity(asked.len());
            for (id, answered) in asked {
                answers.push((id, told(answered).await));
            }
            answers
        })
    }
}

impl Handler<ConfirmGone> for PacketApi {
    type Result = ResponseFuture<Vec<(DeviceId, Result<Absence, NotGone>)>>;

    fn handle(&mut self, ConfirmGone(devices): ConfirmGone, ctx: &mut Context<Self>) -> Self::Result {
        let (api, own) = (ctx.address(), self.client.project().to_owned());
        let credentials = self.credentials;
        Box::pin(async move {
            // Read before and after: a token that has no rights for a while is answered 404 for everything.
            let read_project = || told(api.send(Fetch(Plain::Project, Some(Instant::now()))));
            let before = read_project().await;
            if let Err(error) = before {
                return devices.into_iter().map(|id| (id, Err(NotGone::ProjectUnread(error.clone())))).collect();
            }
            let answers = told(api.send(AskAfresh(devices))).await;
            let known_at = Instant::now();
            let is_any_gone = answers.iter().any(|(_, answer)| matches!(answer, Err(LookupError::NoSuchId(_))));
            let project = if is_any_gone { read_project().await } else { before };
            // Everything was sent after the round began, and so by the client of then, unless that was changed.
            let same = api.send(AskCredentials).await.is_ok_and(|now| now == credentials);
            let prove = |(id, answer): (DeviceId, Answer)| {
                let proof = if same {
                    Absence::prove(id.clone(), known_at, &answer, &own, &project)
                } else {
                    Err(NotGone::CredentialsChanged)
                };
                (id, proof)
            };
            answers.into_iter().map(prove).collect()
        })
    }
}
