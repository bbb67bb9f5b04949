//! A sweep: all pages of a device list, read side by side as far as the API tells how many there are.

use futures::{StreamExt, TryStreamExt, stream};

use super::error::Error;
use super::page::{DevicePage, Following};

/// More pages than any true list has (OpenAPI: `page` is 100,000 at most).
const MOST_PAGES: u32 = 100_000;
/// Pages asked for side by side. The budget decides how many really are; this bounds the memory of those that wait.
const SIDE_BY_SIDE: usize = 16;

/// Reads every page of a list through `page`, which answers the page of a number (from 1).
///
/// # Errors
/// The first page that cannot be had fails the sweep: what is not on the others proves nothing.
pub async fn sweep<F>(page: impl Fn(u32) -> F) -> Result<Vec<DevicePage>, Error>
where
    F: Future<Output = Result<DevicePage, Error>>,
{
    let first = page(1).await?;
    let mut following = first.meta.following(1, first.entries());
    let mut pages = vec![first];
    while following != Following::Nothing {
        // `pages` never holds more than `MOST_PAGES`, so its length is a page number.
        let next = u32::try_from(pages.len()).unwrap_or(MOST_PAGES) + 1;
        let last = match following {
            Following::UpTo(last) => last.max(next),
            Following::More | Following::Nothing => next,
        };
        if last > MOST_PAGES {
            return Err(Error::Endless { request: "GET projects/…/devices".into(), pages: MOST_PAGES });
        }
        let mut more: Vec<DevicePage> =
            stream::iter((next..=last).map(&page)).buffered(SIDE_BY_SIDE).try_collect().await?;
        following = more.last().map_or(Following::Nothing, |end| end.meta.following(last, end.entries()));
        pages.append(&mut more);
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::packet::{Device, DeviceId, DeviceState, Hostname};
    use futures::FutureExt;
    use std::cell::RefCell;

    fn page(number: u32, size: u32, total: u32, meta: &str) -> DevicePage {
        let devices = ((number - 1) * size..(number * size).min(total)).map(|index| Device {
            id: DeviceId::parse(&format!("d{index}")).unwrap(),
            hostname: Hostname::new("h"),
            state: DeviceState::Active,
            plan: None,
            facility: None,
            metro: None,
            addresses: vec![],
        });
        DevicePage { devices: devices.collect(), spoiled: vec![], meta: serde_json::from_str(meta).unwrap() }
    }

    fn swept(total: u32, meta: impl Fn(u32) -> String) -> (usize, Vec<u32>) {
        let asked = RefCell::new(vec![]);
        let pages = sweep(|number| {
            asked.borrow_mut().push(number);
            std::future::ready(Ok(page(number, 10, total, &meta(number))))
        });
        let pages = pages.now_or_never().unwrap().unwrap();
        (pages.iter().map(DevicePage::entries).sum(), asked.into_inner())
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
}
