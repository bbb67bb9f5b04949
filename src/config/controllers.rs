//! Which controllers run, `--controllers`.

use super::Problem;

const NODE: &str = "cloud-node-controller";
const LIFECYCLE: &str = "cloud-node-lifecycle-controller";

/// The controllers of Kubernetes' cloud-controller-manager, each with its older name (cloud-provider `names`).
const KNOWN: [(&str, &str); 5] = [
    (NODE, "cloud-node"),
    (LIFECYCLE, "cloud-node-lifecycle"),
    ("node-ipam-controller", "nodeipam"),
    ("node-route-controller", "route"),
    ("service-lb-controller", "service"),
];

/// Those of them that there are here.
const SUPPORTED: &[&str] = &[NODE, LIFECYCLE];

/// The controllers that there are, and whether they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Controllers {
    /// `cloud-node-controller`: initialises Nodes and refreshes their addresses.
    pub node: bool,
    /// `cloud-node-lifecycle-controller`: marks and deletes Nodes that are not Ready.
    pub lifecycle: bool,
}

impl Default for Controllers {
    fn default() -> Self {
        Self { node: true, lifecycle: true }
    }
}

impl Controllers {
    /// The names of those that run.
    pub(super) fn names(self) -> Vec<&'static str> {
        let all = [(NODE, self.node), (LIFECYCLE, self.lifecycle)];
        all.into_iter().filter_map(|(name, runs)| runs.then_some(name)).collect()
    }

    /// The controllers that names choose, as controller-manager's `IsControllerEnabled` understands them: the first that speaks
    /// of a controller decides, and `*` is for those that none speaks of.
    pub(super) fn chosen(names: &[String], problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Self {
        let names: Vec<_> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let mut choices = Vec::new();
        for name in names.iter().copied().filter(|name| *name != "*") {
            let (bare, runs) = name.strip_prefix('-').map_or((name, true), |bare| (bare, false));
            match KNOWN.iter().find(|(known, older)| [*known, *older].contains(&bare)) {
                Some((known, _)) => choices.push((*known, runs)),
                None => problems.push(unknown(bare)),
            }
        }
        for (known, _) in choices.iter().filter(|(known, runs)| *runs && !SUPPORTED.contains(known)) {
            warnings.push(format!("--controllers names {known}, which is not supported here and does not run"));
        }
        let others = names.contains(&"*");
        let runs =
            |controller| choices.iter().find(|(known, _)| *known == controller).map_or(others, |(_, runs)| *runs);
        if !runs(NODE) && !runs(LIFECYCLE) {
            warnings
                .push(format!("--controllers leaves neither {NODE} nor {LIFECYCLE} to run, so Nodes are left alone"));
        }
        Self { node: runs(NODE), lifecycle: runs(LIFECYCLE) }
    }
}

fn unknown(name: &str) -> Problem {
    let known: Vec<_> = KNOWN.iter().map(|(known, older)| format!("{known} ({older})")).collect();
    let expected = format!("`*` or names out of {}, each with a `-` before it to leave that one out", known.join(", "));
    Problem::flag("--controllers", &name, &expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each of the two runs, and how many problems and warnings there are.
    fn chosen(names: &[&str]) -> ((bool, bool), usize, usize) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let chosen = Controllers::chosen(&names, &mut problems, &mut warnings);
        ((chosen.node, chosen.lifecycle), problems.len(), warnings.len())
    }

    #[test]
    fn a_star_is_for_all_that_are_not_spoken_of_and_the_first_word_counts() {
        assert_eq!(chosen(&["*"]), ((true, true), 0, 0));
        assert_eq!(chosen(&["*", "-cloud-node-lifecycle"]), ((true, false), 0, 0));
        assert_eq!(chosen(&["-cloud-node-controller", "*", "cloud-node"]), ((false, true), 0, 0));
        assert_eq!(chosen(&["cloud-node-lifecycle-controller"]), ((false, true), 0, 0));
    }

    #[test]
    fn a_controller_that_there_is_not_here_is_warned_of_only_where_it_should_run() {
        assert_eq!(chosen(&["*", "-service", "-route", "-nodeipam"]), ((true, true), 0, 0));
        assert_eq!(chosen(&["*", "service", "node-route-controller"]), ((true, true), 0, 2));
    }

    #[test]
    fn where_none_runs_there_is_a_warning() {
        assert_eq!(chosen(&[""]), ((false, false), 0, 1));
        assert_eq!(chosen(&["-cloud-node"]), ((false, false), 0, 1));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        assert_eq!(chosen(&["*", "node-lifecycle", "-foo"]), ((true, true), 2, 0));
        let text = unknown("foo").to_string();
        assert!(
            text.contains("`foo`") && KNOWN.iter().all(|(known, older)| text.contains(known) && text.contains(older))
        );
    }
}
