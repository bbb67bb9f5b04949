//! Facilities and metros: from their lists, which are read when the first of them is asked for.

use std::sync::Arc;

use actix::{AsyncContext, Context, Handler, ResponseFuture};

use super::{Fetch, PacketApi};
use crate::messages::places::{FindFacility, FindMetro};
use crate::packet::{Error, Facility, Metro, Plain, PlainReply};

impl Handler<FindFacility> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Facility>>, Error>>;

    fn handle(&mut self, FindFacility(reference): FindFacility, ctx: &mut Context<Self>) -> Self::Result {
        let (cache, api) = (Arc::clone(&self.cache), ctx.address());
        Box::pin(async move {
            let read = || async {
                match api.send(Fetch(Plain::Facilities, None)).await {
                    Ok(Ok(PlainReply::Facilities(facilities))) => Ok(facilities),
                    Ok(Err(error)) => Err(error),
                    // The program is stopping.
                    _ => std::future::pending().await,
                }
            };
            cache.facilities.find(&reference, read).await
        })
    }
}

impl Handler<FindMetro> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Metro>>, Error>>;

    fn handle(&mut self, FindMetro(reference): FindMetro, ctx: &mut Context<Self>) -> Self::Result {
        let (cache, api) = (Arc::clone(&self.cache), ctx.address());
        Box::pin(async move {
            let read = || async {
                match api.send(Fetch(Plain::Metros, None)).await {
                    Ok(Ok(PlainReply::Metros(metros))) => Ok(metros),
                    Ok(Err(error)) => Err(error),
                    // The program is stopping.
                    _ => std::future::pending().await,
                }
            };
            cache.metros.find(&reference, read).await
        })
    }
}
