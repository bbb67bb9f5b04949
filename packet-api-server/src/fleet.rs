//! Many devices at once.

use crate::device::DeviceSpec;
use crate::ids::mix;

/// Devices that differ in their names and, in turn, in their places and plans:
///
/// ```
/// use packet_api_server::Fleet;
/// let fleet = Fleet { count: 100_000, realistic_size: true, ..Fleet::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// How many.
    pub count: usize,
    /// The number of the first one, where there are others of the same prefix already.
    pub first: usize,
    /// What hostnames begin with; the number in at least four digits follows.
    pub hostname_prefix: String,
    /// The codes of the facilities that they are spread over, in turn. In none, if there is none here.
    pub facilities: Vec<String>,
    /// The codes of the metros that they are spread over, in turn, instead of the metros of their facilities.
    pub metros: Vec<String>,
    /// The slugs of their plans, in turn. Of none, if there is none here.
    pub plans: Vec<String>,
    /// Whether they are served at sizes as devices of the real API have them, up to some 20 KB, and have tags.
    pub realistic_size: bool,
}

impl Default for Fleet {
    /// No devices; each as [`DeviceSpec::new`] has it, from `node-0000`.
    fn default() -> Self {
        Self {
            count: 0,
            first: 0,
            hostname_prefix: "node-".into(),
            facilities: vec!["ewr1".into()],
            metros: Vec::new(),
            plans: vec!["c3.small.x86".into()],
            realistic_size: false,
        }
    }
}

impl Fleet {
    pub(crate) fn specs(&self) -> impl Iterator<Item = DeviceSpec> {
        (0..self.count).map(|n| {
            let mut spec = DeviceSpec::new(format!("{}{:04}", self.hostname_prefix, self.first + n))
                .facility(in_turn(&self.facilities, n))
                .plan(in_turn(&self.plans, n))
                .realistic_size(self.realistic_size);
            if let Some(code) = in_turn(&self.metros, n) {
                spec = spec.metro(code);
            }
            if self.realistic_size { spec.tags(tags(n)) } else { spec }
        })
    }
}

fn in_turn(words: &[String], n: usize) -> Option<&str> {
    // The remainder of a division by nothing there is not.
    n.checked_rem(words.len()).and_then(|place| words.get(place)).map(String::as_str)
}

/// Tags as people give them: none for some devices, up to three for others.
fn tags(n: usize) -> impl Iterator<Item = String> {
    let n = n as u64;
    let all = [format!("rack-{}", n % 40), format!("pool-{}", n % 7), "kubernetes".to_owned()];
    let count = usize::try_from(mix(n) % 4).unwrap_or_default();
    all.into_iter().take(count)
}

#[cfg(test)]
mod tests {
    use super::Fleet;

    #[test]
    fn places_and_plans_are_taken_in_turn() {
        let fleet = Fleet {
            count: 3,
            first: 10,
            facilities: vec!["ny5".into(), "sv15".into()],
            plans: Vec::new(),
            ..Fleet::default()
        };
        let specs: Vec<_> = fleet.specs().collect();
        let hostnames: Vec<_> = specs.iter().map(|spec| spec.hostname.as_str()).collect();
        assert_eq!(hostnames, ["node-0010", "node-0011", "node-0012"]);
        let facilities: Vec<_> = specs.iter().map(|spec| spec.facility.as_deref()).collect();
        assert_eq!(facilities, [Some("ny5"), Some("sv15"), Some("ny5")]);
        assert!(specs.iter().all(|spec| spec.plan.is_none() && spec.tags.is_empty()));
    }

    #[test]
    fn devices_of_realistic_size_have_tags_of_which_some_are_shared() {
        let fleet = Fleet { count: 1_000, realistic_size: true, ..Fleet::default() };
        let tagged = |tag: &str| fleet.specs().filter(|spec| spec.tags.iter().any(|there| there == tag)).count();
        assert!((100..500).contains(&tagged("kubernetes")), "{}", tagged("kubernetes"));
        assert!((1..50).contains(&tagged("rack-7")), "{}", tagged("rack-7"));
    }
}
