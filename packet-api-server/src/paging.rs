//! Pages of a list, and the `meta` that leads from one to the next.

use crate::answer::Refusal;
use crate::query::Query;
use crate::server::BASE_PATH;
use axum::http::Uri;
use serde::Serialize;

/// The API's own bounds on `page` and `per_page`.
const PAGES: std::ops::RangeInclusive<u32> = 1..=100_000;
const PER_PAGE: std::ops::RangeInclusive<u32> = 1..=1_000;

/// Which page of a list was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// From 1.
    number: u32,
    /// How many items a page holds, after the resource's own maximum was applied.
    size: u32,
}

impl Page {
    /// Reads `page` and `per_page`. More than the resource allows is cut to what it allows, without a word, as the real API
    /// does; what is outside of the documented range is refused.
    pub(crate) fn of(query: &Query, default_size: u32, max_size: u32) -> Result<Self, Refusal> {
        let number = query.number("page", PAGES)?.unwrap_or(1);
        let size = query.number("per_page", PER_PAGE)?.unwrap_or(default_size).min(max_size.max(1));
        Ok(Self { number, size })
    }

    /// How many items come before this page.
    pub(crate) const fn start(self) -> usize {
        (self.number as usize - 1) * self.size as usize
    }

    /// How many items it holds at most.
    pub(crate) const fn len(self) -> usize {
        self.size as usize
    }
}

#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Href {
    pub(crate) href: String,
}

/// The API's `meta`. What does not apply is left out.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Meta {
    first: Href,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Href>,
    #[serde(rename = "self")]
    this: Href,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Href>,
    last: Href,
    total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_page: Option<u32>,
}

impl Meta {
    /// The meta of a page of a list of `total` items. `legacy` answers lack `current_page` and `last_page`.
    pub(crate) fn new(uri: &Uri, page: Page, total: usize, legacy: bool) -> Self {
        let last = u32::try_from(total.div_ceil(page.len())).unwrap_or(u32::MAX).max(1);
        let href = |number: u32| Href { href: link(uri, number) };
        Self {
            first: href(1),
            // From beyond the end the way back is the last page that has something on it.
            previous: (page.number > 1).then(|| href((page.number - 1).min(last))),
            this: href(page.number),
            next: (page.number < last).then(|| href(page.number + 1)),
            last: href(last),
            total,
            current_page: (!legacy).then_some(page.number),
            last_page: (!legacy).then_some(last),
        }
    }
}

/// The request's own target with another page number; every other parameter stays as it was sent. Unlike the `href` of a
/// resource it lacks the base path: packngo, for one, appends it to its base URL.
fn link(uri: &Uri, number: u32) -> String {
    let path = uri.path().strip_prefix(BASE_PATH).unwrap_or(uri.path());
    let others = uri.query().unwrap_or_default().split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !name.is_empty() && name != "page"
    });
    others.fold(format!("{path}?page={number}"), |link, pair| link + "&" + pair)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::{Meta, Page};
    use crate::query::Query;
    use axum::http::Uri;
    use serde_json::{Value, json};

    fn page(target: &str, max: u32) -> (Uri, Page) {
        let uri: Uri = target.parse().unwrap();
        let page = Page::of(&Query::of(&uri).unwrap(), 10, max).unwrap();
        (uri, page)
    }

    fn meta(target: &str, total: usize, legacy: bool) -> Value {
        let (uri, page) = page(target, 1000);
        serde_json::to_value(Meta::new(&uri, page, total, legacy)).unwrap()
    }

    #[test]
    fn without_a_word_the_first_ten_are_meant() {
        let (_, page) = page("/d", 1000);
        assert_eq!((page.start(), page.len()), (0, 10));
    }

    #[test]
    fn a_page_larger_than_the_resource_allows_is_cut_without_a_word() {
        let (_, page) = page("/d?per_page=1000&page=3", 250);
        assert_eq!((page.start(), page.len()), (500, 250));
    }

    #[test]
    fn a_page_outside_of_the_documented_range_is_refused() {
        for target in ["/d?page=0", "/d?per_page=0", "/d?per_page=1001", "/d?page=x"] {
            let query = Query::of(&target.parse().unwrap()).unwrap();
            assert!(Page::of(&query, 10, 1000).is_err(), "{target}");
        }
    }

    #[test]
    fn a_middle_page_leads_both_ways_and_keeps_the_other_parameters() {
        let meta = meta("/d?include=plan,facility.metro&page=2&per_page=5&search=a%20b", 23, false);
        let href =
            |page: u32| json!({"href": format!("/d?page={page}&include=plan,facility.metro&per_page=5&search=a%20b")});
        assert_eq!(meta["first"], href(1));
        assert_eq!(meta["previous"], href(1));
        assert_eq!(meta["self"], href(2));
        assert_eq!(meta["next"], href(3));
        assert_eq!(meta["last"], href(5));
        assert_eq!((&meta["total"], &meta["current_page"], &meta["last_page"]), (&json!(23), &json!(2), &json!(5)));
    }

    #[test]
    fn links_lack_the_base_path() {
        assert_eq!(meta("/metal/v1/projects/x/devices", 3, false)["self"]["href"], "/projects/x/devices?page=1");
    }

    #[test]
    fn the_ends_lead_no_further() {
        let first = meta("/d?per_page=5", 10, false);
        assert!(first.get("previous").is_none() && first.get("next").is_some());
        let last = meta("/d?per_page=5&page=2", 10, false);
        assert!(last.get("previous").is_some() && last.get("next").is_none());
    }

    #[test]
    fn an_empty_list_has_one_page() {
        let meta = meta("/d", 0, false);
        assert_eq!((&meta["last_page"], &meta["total"]), (&json!(1), &json!(0)));
        assert!(meta.get("next").is_none());
    }

    #[test]
    fn a_page_past_the_end_leads_back_to_the_last() {
        let meta = meta("/d?per_page=5&page=9", 10, false);
        assert_eq!(meta["previous"]["href"], "/d?page=2&per_page=5");
        assert!(meta.get("next").is_none());
    }

    #[test]
    fn old_answers_lack_the_page_numbers() {
        let meta = meta("/d?per_page=5", 10, true);
        assert!(meta.get("current_page").is_none() && meta.get("last_page").is_none());
        assert!(meta.get("next").is_some() && meta.get("total").is_some());
    }
}
