//! Settings that change under way, and what is told of how things stand.

use std::sync::Arc;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, MessageResult, WrapFuture};
use secrecy::ExposeSecret;

use super::{Fetch, PacketApi};
use crate::messages::report::{AskPacketApi, PacketReport};
use crate::messages::settings::NewSettings;
use crate::packet::Plain;

impl PacketApi {
    /// Finds out whether the credentials read the project, and tries again until they do.
    pub(super) fn read_project(&mut self, ctx: &mut Context<Self>) {
        self.reading_project += 1;
        self.try_to_read_project(self.reading_project, ctx);
    }

    /// One attempt. Those of an earlier beginning end when there is a later one.
    fn try_to_read_project(&mut self, beginning: u64, ctx: &mut Context<Self>) {
        let asked_at = (beginning > 1).then(tokio::time::Instant::now);
        let project = ctx.address().send(Fetch(Plain::Project, asked_at));
        ctx.spawn(project.into_actor(self).map(move |result, actor, ctx| {
            if actor.reading_project == beginning
                && let Ok(result) = result
                && let Some(wait) = actor.standing.project_read(result)
            {
                ctx.run_later(wait, move |actor, ctx| {
                    if actor.reading_project == beginning {
                        actor.try_to_read_project(beginning, ctx);
                    }
                });
            }
        }));
    }
}

impl Handler<NewSettings> for PacketApi {
    type Result = ();

    fn handle(&mut self, NewSettings(settings): NewSettings, ctx: &mut Context<Self>) {
        if settings.limits != self.budget.limits() {
            self.budget.set_limits(settings.limits);
            self.planner.set_limits(settings.limits);
        }
        if settings.cache != self.cache_settings {
            self.cache_settings = settings.cache;
            self.cache = Arc::new(self.cache.with(settings.cache));
        }
        if !self.client.has_token(settings.token.expose_secret()) {
            // The configuration has checked that it is fit for a header.
            match self.client.with_token(settings.token.clone()) {
                Ok(client) => self.client = client,
                Err(error) => return tracing::error!(%error, "the new token cannot be used; the one before stays"),
            }
            self.credentials += 1;
            self.planner.credentials_changed();
            self.standing.token_changed();
            self.read_project(ctx);
        }
        self.proceed(ctx);
    }
}

impl Handler<AskPacketApi> for PacketApi {
    type Result = MessageResult<AskPacketApi>;

    fn handle(&mut self, AskPacketApi: AskPacketApi, _: &mut Context<Self>) -> Self::Result {
        let (waiting, lookups, kept) = (self.planner.waiting(), self.meter.lookups(), self.cache.kept());
        self.meter.look(&self.budget, waiting, &kept);
        MessageResult(PacketReport {
            budget: self.budget.look(),
            waiting,
            token_is_taken: self.standing.is_taken(),
            project_is_read: self.standing.is_read(),
            requests: self.meter.requests(),
            lookups: (lookups.hits.get(), lookups.misses.get()),
            last_error: self.meter.last_error(),
        })
    }
}
