//! A sweep: all pages of a device list, read side by side as far as the API tells how many there are.

use futures::future::join_all;

use super::error::Error;
use super::page::{DevicePage, Following};

/// More pages than any true list has (OpenAPI: `page` is 100,000 at most).
const MOST_PAGES: u32 = 100_000;
/// Pages asked for side by side. The budget decides how many really are; this bounds the memory of those that wait, and
/// what a promise of pages that are not there can cost.
const SIDE_BY_SIDE: u32 = 32;

/// What was read of a list.
#[derive(Debug)]
pub struct Sweep {
    /// The pages that came, the first among them.
    pub pages: Vec<DevicePage>,
    /// Why others did not, where some did not.
    pub failure: Option<Error>,
}

/// Reads every page of a list through `page`, which answers the page of a number (from 1).
///
/// # Errors
/// When the first page cannot be had. That others cannot is told beside those that came.
pub async fn sweep<F>(page: impl Fn(u32) -> F) -> Result<Sweep, Error>
where
    F: Future<Output = Result<DevicePage, Error>>,
{
    let first = page(1).await?;
    let mut read = first.entries();
    let mut following = first.meta.following(1, first.entries(), read);
    let mut last = 1;
    let mut swept = Sweep { pages: vec![first], failure: None };
    while following != Following::Nothing && swept.failure.is_none() {
        let next = last + 1;
        // However many pages are promised, an empty one among those asked for at once ends the list.
        last = match following {
            Following::UpTo(promised) => promised.clamp(next, last + SIDE_BY_SIDE),
            Following::More | Following::Nothing => next,
        };
        if last > MOST_PAGES {
            return Err(Error::Endless { request: "GET projects/…/devices".into(), pages: MOST_PAGES });
        }
        let answers: Vec<Result<DevicePage, Error>> = join_all((next..=last).map(&page)).await;
        for answer in answers {
            match answer {
                Ok(page) => {
                    read += page.entries();
                    following = page.meta.following(last, page.entries(), read);
                    swept.pages.push(page);
                }
                Err(error) => swept.failure = Some(error),
            }
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::packet::Device;
    use futures::FutureExt;
    use std::cell::RefCell;

    fn page(number: u32, size: u32, total: u32, meta: &str) -> DevicePage {
        let devices =
            ((number - 1) * size..(number * size).min(total)).map(|index| Device::named(&format!("d{index}"), "h"));
        DevicePage { devices: devices.collect(), spoiled: vec![], meta: serde_json::from_str(meta).unwrap() }
    }

    fn swept(total: u32, meta: impl Fn(u32) -> String) -> (usize, Vec<u32>) {
        let asked = RefCell::new(vec![]);
        let pages = sweep(|number| {
            asked.borrow_mut().push(number);
            std::future::ready(Ok(page(number, 10, total, &meta(number))))
        });
        let swept = pages.now_or_never().unwrap().unwrap();
        assert_eq!(swept.failure, None);
        (swept.pages.iter().map(DevicePage::entries).sum(), asked.into_inner())
    }

    #[test]
    fn every_page_is_asked_for_once_whatever_meta_tells() {
        let next = |number: u32| if number < 3 { r#"{"href":"…"}"# } else { "null" };
        assert_eq!(swept(25, |_| r#"{"last_page":3}"#.to_owned()), (25, vec![1, 2, 3]));
        assert_eq!(swept(25, |n| format!(r#"{{"total":25,"next":{}}}"#, next(n))), (25, vec![1, 2, 3]));
        assert_eq!(swept(25, |n| format!(r#"{{"next":{}}}"#, next(n))), (25, vec![1, 2, 3]));
        assert_eq!(swept(0, |_| r#"{"total":0,"last_page":0}"#.to_owned()), (0, vec![1]));
    }

    #[test]
    fn a_list_that_grows_while_it_is_read_is_read_to_its_end() {
        let meta = |number: u32| format!(r#"{{"last_page":{}}}"#, if number < 2 { 2 } else { 3 });
        assert_eq!(swept(25, meta), (25, vec![1, 2, 3]));
    }

    #[test]
    fn a_list_of_more_pages_than_there_can_be_is_an_error() {
        let endless = |number| std::future::ready(Ok(page(number, 1, u32::MAX, r#"{"last_page":4000000000}"#)));
        let error = sweep(endless).now_or_never().unwrap().unwrap_err();
        assert!(matches!(error, Error::Endless { .. }), "{error}");
    }

    #[test]
    fn pages_that_are_promised_and_empty_are_not_asked_for_to_the_end() {
        let (entries, asked) = swept(25, |_| r#"{"last_page":90000}"#.to_owned());
        assert_eq!(entries, 25);
        assert!(asked.len() <= 1 + SIDE_BY_SIDE as usize, "{asked:?}");
    }

    #[test]
    fn the_pages_that_came_are_not_lost_with_one_that_did_not() {
        let broken = Error::ForeignNotFound { request: "GET".into() };
        let pages = sweep(|number| {
            let answer = if number == 2 { Err(broken.clone()) } else { Ok(page(number, 10, 25, r#"{"last_page":3}"#)) };
            std::future::ready(answer)
        });
        let swept = pages.now_or_never().unwrap().unwrap();
        assert_eq!((swept.pages.len(), swept.failure), (2, Some(broken)));
    }
}
