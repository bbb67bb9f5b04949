//! A fault: how a request goes wrong, and which requests do.

mod text;
mod written;

pub use text::FaultError;

use crate::log::starts;
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
    /// JSON of another shape: the real answer, wrapped as `{"data": …}`.
    WrongShape,
    /// No answer, until the client gives up or the server stops.
    Hang,
    /// The connection closes without an answer.
    Reset,
    /// The real answer, this much later.
    Delay(Duration),
    /// The head of the real answer at once, then its body at this speed.
    SlowBody {
        /// How much of it comes in a second; 0 counts as 1.
        bytes_per_second: u32,
    },
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

    /// The body comes at so many bytes a second.
    #[must_use]
    pub const fn slow_body(bytes_per_second: u32) -> Self {
        Self::SlowBody { bytes_per_second }
    }
}

/// A fault, and which requests it befalls. As text, as the command line has it: `GET /devices/ 500 share=0.05`; see
/// `--help` of the program for all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    method: Option<String>,
    path_prefix: Option<String>,
    path_contains: Option<String>,
    /// How many in a million of the requests that match it befalls. Whole numbers, so that faults can be compared.
    per_million: u32,
    /// How many requests that match are still to be let through first.
    spared: u32,
    /// How many requests are still to go wrong; `None` is all of them.
    left: Option<u32>,
}

/// All of a million.
const MILLION: u32 = 1_000_000;

impl Fault {
    /// A fault that befalls the next request, whatever it is.
    #[must_use]
    pub const fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            method: None,
            path_prefix: None,
            path_contains: None,
            per_million: MILLION,
            spared: 0,
            left: Some(1),
        }
    }

    /// Only requests whose path starts so, with or without the base path: `/devices/` or `/metal/v1/devices/`.
    #[must_use]
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Only requests with this text in their path or query, say `/ips` or `?page=3&` (`page=3` alone is in `per_page=30`, too).
    #[must_use]
    pub fn path_contains(mut self, text: impl Into<String>) -> Self {
        self.path_contains = Some(text.into());
        self
    }

    /// Only requests with this method, say `GET`.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only this share of the requests that match, drawn by lot from the server's seed: 0.05 is one in twenty. Counted in
    /// millionths; what is not between 0 and 1 counts as the nearer of the two. The others meet the faults behind this one.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        let millionths = (share * f64::from(MILLION)).round().clamp(0.0, f64::from(MILLION));
        // What is not a number at all becomes 0.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million")]
        let per_million = millionths as u32;
        self.per_million = per_million;
        self
    }

    /// Only once so many requests that match were let through.
    #[must_use]
    pub const fn after(mut self, requests: u32) -> Self {
        self.spared = requests;
        self
    }

    /// So many requests, instead of one.
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

    /// What happens.
    #[must_use]
    pub const fn kind(&self) -> &FaultKind {
        &self.kind
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.left, Some(0))
    }

    /// What befalls this request, if the fault does; `roll` answers a number from 0 up to 1. Counts the request.
    pub(crate) fn befall(&mut self, asked: &Asked, roll: impl FnOnce() -> f64) -> Option<FaultKind> {
        if self.is_over() || !self.matches(asked) {
            return None;
        }
        if self.spared > 0 {
            self.spared -= 1;
            return None;
        }
        if self.per_million < MILLION && roll() * f64::from(MILLION) >= f64::from(self.per_million) {
            return None;
        }
        self.left = self.left.map(|left| left - 1);
        Some(self.kind.clone())
    }

    fn matches(&self, asked: &Asked) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(asked.method))
            && self.path_prefix.as_deref().is_none_or(|prefix| starts(asked.path, prefix))
            && self.path_contains.as_deref().is_none_or(|text| asked.contains(text))
    }
}

/// What a fault looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// With the base path.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
}

impl Asked<'_> {
    fn contains(&self, text: &str) -> bool {
        match self.query {
            None => self.path.contains(text),
            // The text may reach over the question mark.
            Some(query) => {
                self.path.contains(text) || query.contains(text) || format!("{}?{query}", self.path).contains(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Fault, FaultKind};
    use crate::dice::{Dice, Purpose};

    fn asked<'a>(method: &'a str, path: &'a str, query: &'a str) -> Asked<'a> {
        Asked { method, path, query: (!query.is_empty()).then_some(query) }
    }

    /// Which of these requests go wrong.
    fn befallen(mut fault: Fault, requests: &[Asked]) -> Vec<bool> {
        requests.iter().map(|asked| fault.befall(asked, || 0.5).is_some()).collect()
    }

    #[test]
    fn a_fault_may_be_for_one_method() {
        let fault = Fault::new(FaultKind::Reset).method("DELETE");
        assert_eq!(befallen(fault, &[asked("GET", "/x", ""), asked("DELETE", "/x", "")]), [false, true]);
    }

    #[test]
    fn a_fault_may_be_for_one_page() {
        let fault = Fault::new(FaultKind::Reset).path_contains("page=3").always();
        let page = |query| asked("GET", "/metal/v1/projects/x/devices", query);
        assert_eq!(
            befallen(fault, &[page("page=2"), page("page=3&per_page=5"), page(""), page("per_page=5&page=3")]),
            [false, true, false, true]
        );
        let fault = Fault::new(FaultKind::Reset).path_contains("devices?page").always();
        assert_eq!(befallen(fault, &[page("page=2"), page("per_page=5")]), [true, false]);
    }

    #[test]
    fn a_fault_may_let_some_through_first() {
        let requests = [asked("GET", "/x", ""); 4];
        assert_eq!(befallen(Fault::new(FaultKind::Reset).after(2), &requests), [false, false, true, false]);
    }

    #[test]
    fn zero_times_is_never() {
        assert_eq!(befallen(Fault::new(FaultKind::Reset).times(0), &[asked("GET", "/x", "")]), [false]);
    }

    #[test]
    fn a_fault_meets_what_it_was_made_for_as_often_as_it_says() {
        let dice = Dice::new(1, Purpose::Faults);
        let mut fault = Fault::new(FaultKind::Reset).path_prefix("/devices/").share(0.05).always();
        let mut hits = |path| {
            let asked = asked("GET", path, "");
            (0..20_000).filter(|_| fault.befall(&asked, || dice.roll()).is_some()).count()
        };
        assert_eq!(hits("/metal/v1/plans"), 0);
        // 1,000, give or take five standard deviations.
        let hits = hits("/metal/v1/devices/x");
        assert!((846..=1_154).contains(&hits), "{hits}");
    }

    #[test]
    fn a_share_of_nothing_is_never_and_of_all_is_always() {
        let asked = [asked("GET", "/x", "")];
        for (share, expected) in [(0.0, false), (-1.0, false), (f64::NAN, false), (1.0, true), (7.0, true)] {
            assert_eq!(befallen(Fault::new(FaultKind::Reset).share(share), &asked), [expected], "{share}");
        }
    }
}
