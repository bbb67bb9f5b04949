//! The body of an answer, handed over in pieces, so that what a client does not read stays counted.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::activity::OpenRequest;
use super::bounds::MAX_UNREAD;

/// What is left of an answer, and what it occupies.
pub(super) struct Answer {
    body: Body,
    /// What the body gave and was not handed over yet.
    rest: Bytes,
    _request: OpenRequest,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(super) fn new(body: Body, request: OpenRequest, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { body, rest: Bytes::new(), _request: request, _permit: permit }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(MAX_UNREAD);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (u64::try_from(self.rest.len()).unwrap_or(u64::MAX), self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;
    use crate::serving::activity::Activity;

    #[tokio::test]
    async fn an_answer_arrives_whole_though_in_pieces() {
        let content: Vec<u8> = (0..=255).cycle().take(3 * MAX_UNREAD + 7).collect();
        let activity = Arc::new(Activity::new(Instant::now()));
        let answer = Answer::new(Body::from(content.clone()), activity.begin(Instant::now()), None);
        assert_eq!(answer.size_hint().exact(), Some(u64::try_from(content.len()).unwrap()));
        let mut pieces = Vec::new();
        let mut answer = Box::pin(answer);
        while let Some(frame) = std::future::poll_fn(|cx| answer.as_mut().poll_frame(cx)).await {
            pieces.push(frame.unwrap().into_data().unwrap());
        }
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [MAX_UNREAD, MAX_UNREAD, MAX_UNREAD, 7]);
        assert_eq!(pieces.concat(), content);
        assert!(answer.is_end_stream());
    }
}
