//! Misbehaviour to order: which of the next requests go wrong, and how.

use crate::log::starts;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How a request goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// This answer, instead of the real one.
    Status {
        /// The status; what is no valid one is answered as 500.
        code: u16,
        /// The body, word for word.
        body: String,
        /// The `Content-Type`.
        content_type: String,
        /// Further headers, as (name, value). What HTTP does not allow in a header is left out.
        headers: Vec<(String, String)>,
    },
    /// A proxy's page with this status, say 404 or 502, as HTML.
    Html {
        /// The status.
        code: u16,
    },
    /// The real answer announces its full length, then the connection closes after half of it.
    Truncated,
    /// Half of the real answer, announced as if it were all: JSON that does not parse.
    Malformed,
    /// No answer, until the client gives up or the server stops.
    Hang,
    /// The connection closes without an answer.
    Reset,
    /// The real answer, this much later.
    Delay(Duration),
}

impl FaultKind {
    /// An answer of this status with the API's own JSON error as its body.
    #[must_use]
    pub fn status(code: u16) -> Self {
        Self::Status {
            code,
            body: format!(r#"{{"errors":["simulated fault {code}"]}}"#),
            content_type: "application/json".into(),
            headers: Vec::new(),
        }
    }

    /// 429, with this `Retry-After` if one is given: seconds or an HTTP date.
    #[must_use]
    pub fn too_many_requests<'a>(retry_after: impl Into<Option<&'a str>>) -> Self {
        let headers = retry_after.into().map(|value| ("Retry-After".to_owned(), value.to_owned()));
        Self::Status {
            code: 429,
            body: r#"{"errors":["API rate limit exceeded"]}"#.into(),
            content_type: "application/json".into(),
            headers: headers.into_iter().collect(),
        }
    }

    /// The page that a proxy would send with this status.
    #[must_use]
    pub const fn html(code: u16) -> Self {
        Self::Html { code }
    }
}

/// A fault, and which requests it befalls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    method: Option<String>,
    path_prefix: Option<String>,
    /// How many requests are still to go wrong; `None` is all of them.
    left: Option<u32>,
}

impl Fault {
    /// A fault that befalls the next request, whatever it is.
    #[must_use]
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind, method: None, path_prefix: None, left: Some(1) }
    }

    /// Only requests whose path starts so, with or without the base path: `/devices/` or `/metal/v1/devices/`.
    #[must_use]
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Only requests with this method, say `GET`.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// The next so many requests that match.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    /// Every request that matches, until the faults are cleared.
    #[must_use]
    pub const fn always(mut self) -> Self {
        self.left = None;
        self
    }

    fn befalls(&self, method: &str, path: &str) -> bool {
        self.left != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path_prefix.as_deref().is_none_or(|prefix| starts(path, prefix))
    }
}

/// The faults to come. The first one pushed that matches a request befalls it, one per request. Clones share one queue.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    queue: Arc<Mutex<VecDeque<Fault>>>,
}

impl Faults {
    /// Adds a fault behind those that are already waiting.
    pub fn push(&self, fault: Fault) {
        self.lock().push_back(fault);
    }

    /// Drops every fault that has not happened yet.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Whether no fault is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// What befalls this request, if anything does.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<FaultKind> {
        let mut queue = self.lock();
        let fault = queue.iter_mut().find(|fault| fault.befalls(method, path))?;
        fault.left = fault.left.map(|left| left - 1);
        let kind = fault.kind.clone();
        queue.retain(|fault| fault.left != Some(0));
        Some(kind)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Fault>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind, Faults};

    #[test]
    fn a_fault_befalls_the_next_matching_request_only() {
        let faults = Faults::default();
        faults.push(Fault::new(FaultKind::Reset).path_prefix("/devices/"));
        assert_eq!(faults.take("GET", "/metal/v1/plans"), None);
        assert_eq!(faults.take("GET", "/metal/v1/devices/x"), Some(FaultKind::Reset));
        assert_eq!(faults.take("GET", "/metal/v1/devices/x"), None);
        assert!(faults.is_empty());
    }

    #[test]
    fn faults_happen_in_the_order_in_which_they_were_pushed() {
        let faults = Faults::default();
        faults.push(Fault::new(FaultKind::Hang).times(2));
        faults.push(Fault::new(FaultKind::Reset).always());
        let kinds: Vec<_> = (0..4).filter_map(|_| faults.take("GET", "/x")).collect();
        assert_eq!(kinds, [FaultKind::Hang, FaultKind::Hang, FaultKind::Reset, FaultKind::Reset]);
        faults.clear();
        assert_eq!(faults.take("GET", "/x"), None);
    }

    #[test]
    fn a_fault_may_be_for_one_method() {
        let faults = Faults::default();
        faults.push(Fault::new(FaultKind::Reset).method("DELETE"));
        assert_eq!(faults.take("GET", "/x"), None);
        assert_eq!(faults.take("DELETE", "/x"), Some(FaultKind::Reset));
    }

    #[test]
    fn zero_times_is_never() {
        let faults = Faults::default();
        faults.push(Fault::new(FaultKind::Reset).times(0));
        assert_eq!(faults.take("GET", "/x"), None);
    }
}
