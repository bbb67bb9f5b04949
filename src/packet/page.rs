//! Pages of a list: what `meta` says of the pages that follow.
//!
//! The size asked for is a wish: the API gives fewer entries where a resource allows fewer. So it is `meta` that is
//! believed (OpenAPI schema `Meta`), and answers from before `current_page` and `last_page` are read by their `next`
//! and `total`.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::device::{Device, SpoiledDevice};

/// The `meta` of a list.
#[derive(Debug, Default, Deserialize)]
pub struct Meta {
    /// The page after this one; `null` or absent on the last.
    #[serde(default)]
    next: Option<IgnoredAny>,
    /// The number of the last page; absent from old answers.
    #[serde(default)]
    last_page: Option<u32>,
    /// How many entries there are on all pages.
    #[serde(default)]
    total: Option<u64>,
}

/// Which pages follow the one that `meta` came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Following {
    /// None: this was the last.
    Nothing,
    /// All up to and with this number; they can be asked for side by side.
    UpTo(u32),
    /// At least one more; how many is not told.
    More,
}

impl Meta {
    /// What follows page `number` (from 1), which held `entries` entries; `read` entries have been read with it.
    #[must_use]
    pub fn following(&self, number: u32, entries: usize, read: usize) -> Following {
        // An empty page that promises more would be asked for over and over.
        if entries == 0 {
            return Following::Nothing;
        }
        if let Some(last) = self.last_page {
            return if last > number { Following::UpTo(last) } else { Following::Nothing };
        }
        match self.total {
            Some(total) if total > read as u64 && number == 1 => {
                u32::try_from(total.div_ceil(entries as u64)).map_or(Following::More, Following::UpTo)
            }
            Some(total) if total > read as u64 => Following::More,
            _ if self.next.is_some() => Following::More,
            _ => Following::Nothing,
        }
    }

    /// How many entries there are on all pages, where that is told.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// One page of a device list.
#[derive(Debug, Default)]
pub struct DevicePage {
    /// The devices on it, in the API's order.
    pub devices: Vec<Arc<Device>>,
    /// Its entries that could not be read.
    pub spoiled: Vec<SpoiledDevice>,
    /// What it says of the pages that follow.
    pub meta: Meta,
}

impl DevicePage {
    /// How many entries the API put on the page.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.devices.len() + self.spoiled.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn following(meta: &str, number: u32, entries: usize) -> Following {
        let read = (number as usize - 1) * 10 + entries;
        serde_json::from_str::<Meta>(meta).unwrap().following(number, entries, read)
    }

    #[test]
    fn the_last_page_is_believed_where_it_is_told() {
        let meta = r#"{"total":25,"current_page":1,"last_page":3,"next":{"href":"…"}}"#;
        assert_eq!(following(meta, 1, 10), Following::UpTo(3));
        assert_eq!(following(meta, 3, 5), Following::Nothing);
        assert_eq!(following(r#"{"last_page":0,"total":0}"#, 1, 0), Following::Nothing);
    }

    #[test]
    fn old_answers_are_read_by_next_and_total() {
        assert_eq!(following(r#"{"total":25,"next":{"href":"…"}}"#, 1, 10), Following::UpTo(3));
        assert_eq!(following(r#"{"total":45,"next":{"href":"…"}}"#, 3, 10), Following::More);
        assert_eq!(following(r#"{"total":25}"#, 1, 10), Following::UpTo(3));
        assert_eq!(following(r#"{"next":{"href":"…"}}"#, 1, 10), Following::More);
        assert_eq!(following(r#"{"total":25,"next":null}"#, 3, 5), Following::Nothing);
        assert_eq!(following("{}", 1, 10), Following::Nothing);
    }

    #[test]
    fn an_empty_page_ends_the_list_whatever_next_says() {
        assert_eq!(following(r#"{"next":{"href":"…"}}"#, 7, 0), Following::Nothing);
    }
}
