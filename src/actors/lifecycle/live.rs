//! Settings that change under way, and what is told of how things stand.

use actix::{Context, Handler, MessageResult};
use tokio::time::Instant;

use super::Lifecycle;
use crate::kubernetes::lifecycle::Counts;
use crate::messages::report::{AskLifecycle, LifecycleReport};
use crate::messages::settings::NewSettings;

impl Handler<NewSettings> for Lifecycle {
    type Result = ();

    fn handle(&mut self, NewSettings(settings): NewSettings, ctx: &mut Context<Self>) {
        if settings.deletion == *self.monitor.limits() {
            return;
        }
        if self.monitor.set_limits(settings.deletion, Instant::now()) {
            self.recall(ctx);
        }
        self.proceed(ctx);
    }
}

impl Handler<AskLifecycle> for Lifecycle {
    type Result = MessageResult<AskLifecycle>;

    fn handle(&mut self, AskLifecycle: AskLifecycle, _: &mut Context<Self>) -> Self::Result {
        let Counts { not_ready, there, shut_down, gone, unknown, held } = self.monitor.counts();
        let all_held = self.monitor.all_held().into_iter();
        let held_back = all_held.map(|(kind, message)| {
            let kind = kind.kind();
            (kind, held.get(kind).copied().unwrap_or_default(), message)
        });
        MessageResult(LifecycleReport { not_ready, there, shut_down, gone, unknown, held_back: held_back.collect() })
    }
}
