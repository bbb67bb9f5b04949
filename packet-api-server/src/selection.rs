//! `include` and `exclude`: which nested resources come in full and which as a bare `{"href": …}`.

use std::collections::BTreeMap;

/// The API looks no deeper than this many names into a dotted path.
const MAX_DEPTH: usize = 3;

/// What was asked of one resource and, below it, of the resources nested in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    included: bool,
    excluded: bool,
    nested: BTreeMap<String, Selection>,
}

static NOTHING_ASKED: Selection = Selection { included: false, excluded: false, nested: BTreeMap::new() };

impl Selection {
    /// Reads comma-separated lists of dotted paths. Names that no resource has are harmless, as in the real API.
    pub(crate) fn parse<'a>(
        includes: impl IntoIterator<Item = &'a str>,
        excludes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut root = Self::default();
        for path in includes.into_iter().flat_map(|list| list.split(',')) {
            let mut node = &mut root;
            // To include a.b one has to show a.
            for name in names(path) {
                node = node.nested.entry(name.to_owned()).or_default();
                node.included = true;
            }
        }
        for path in excludes.into_iter().flat_map(|list| list.split(',')) {
            let node = names(path).fold(&mut root, |node, name| node.nested.entry(name.to_owned()).or_default());
            node.excluded = true;
        }
        root
    }

    /// Whether the nested resource comes in full, given whether it does when nothing is asked. What is both included and
    /// excluded stays out.
    pub(crate) fn shows(&self, name: &str, by_default: bool) -> bool {
        self.nested.get(name).map_or(by_default, |node| !node.excluded && (node.included || by_default))
    }

    /// What was asked of the nested resource.
    pub(crate) fn of(&self, name: &str) -> &Self {
        self.nested.get(name).unwrap_or(&NOTHING_ASKED)
    }
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').map(str::trim).filter(|name| !name.is_empty()).take(MAX_DEPTH)
}

#[cfg(test)]
mod tests {
    use super::Selection;

    #[test]
    fn without_a_word_the_default_holds() {
        let selection = Selection::parse([], []);
        assert!(selection.shows("plan", true));
        assert!(!selection.shows("project", false));
    }

    #[test]
    fn a_list_is_split_at_commas() {
        let selection = Selection::parse(["project,ssh_keys"], ["plan, facility"]);
        assert!(selection.shows("project", false) && selection.shows("ssh_keys", false));
        assert!(!selection.shows("plan", true) && !selection.shows("facility", true));
    }

    #[test]
    fn a_dotted_path_shows_what_lies_on_the_way() {
        let selection = Selection::parse(["project.organization"], []);
        assert!(selection.shows("project", false));
        assert!(selection.of("project").shows("organization", false));
        assert!(!selection.of("project").shows("devices", false));
    }

    #[test]
    fn excluding_what_is_nested_leaves_the_outer_one() {
        let selection = Selection::parse([], ["facility.metro"]);
        assert!(selection.shows("facility", true));
        assert!(!selection.of("facility").shows("metro", true));
    }

    #[test]
    fn the_fourth_level_is_not_looked_at() {
        let selection = Selection::parse(["a.b.c.d"], []);
        assert!(selection.of("a").of("b").shows("c", false));
        assert!(!selection.of("a").of("b").of("c").shows("d", false));
    }

    #[test]
    fn what_is_both_included_and_excluded_stays_out() {
        assert!(!Selection::parse(["plan"], ["plan"]).shows("plan", true));
    }

    #[test]
    fn an_empty_value_asks_for_nothing() {
        assert_eq!(Selection::parse(["", ",."], []), Selection::default());
    }
}
