//! Facilities and metros: from their lists, which are read when the first of them is asked for.

use std::sync::Arc;

use actix::{Addr, AsyncContext, Context, Handler, ResponseFuture};

use super::{Fetch, PacketApi, told};
use crate::messages::places::{FindFacility, FindMetro};
use crate::packet::{Error, Facility, Metro, Plain, PlainReply};

/// The list that `of` finds in the reply to `what`.
async fn list<T>(api: &Addr<PacketApi>, what: Plain, of: fn(PlainReply) -> Option<T>) -> Result<T, Error> {
    match of(told(api.send(Fetch(what, None))).await?) {
        Some(list) => Ok(list),
        // A reply to one question is never that to another.
        None => std::future::pending().await,
    }
}

impl Handler<FindFacility> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Facility>>, Error>>;

    fn handle(&mut self, FindFacility(reference): FindFacility, ctx: &mut Context<Self>) -> Self::Result {
        let (cache, api) = (Arc::clone(&self.cache), ctx.address());
        let of = |reply| if let PlainReply::Facilities(facilities) = reply { Some(facilities) } else { None };
        Box::pin(async move { cache.facilities.find(&reference, || list(&api, Plain::Facilities, of)).await })
    }
}

impl Handler<FindMetro> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Metro>>, Error>>;

    fn handle(&mut self, FindMetro(reference): FindMetro, ctx: &mut Context<Self>) -> Self::Result {
        let (cache, api) = (Arc::clone(&self.cache), ctx.address());
        let of = |reply| if let PlainReply::Metros(metros) = reply { Some(metros) } else { None };
        Box::pin(async move { cache.metros.find(&reference, || list(&api, Plain::Metros, of)).await })
    }
}
