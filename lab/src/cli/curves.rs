//! The command line of the curves.

use std::path::PathBuf;

use clap::Args;

pub(super) const ABOUT: &str = "Draws curves from results of the load test: how long it takes until the last Node is \
initialised, and how many requests that costs, by the program's limit of requests per second.

Each file is what `lab load-test --json` wrote. Results of as many Nodes are one line; where a file has several scenarios, the \
first counts. A result in which not every Node was initialised is no point of a line.";

pub(super) const EXAMPLES: &str = "Examples:
  for nodes in 100 1000; do for rate in 1 2 5 10; do
    lab load-test --scenario cold-start --no-floor --no-comparison \\
      --nodes $nodes --rate $rate --json target/load-test/$nodes-$rate.json
  done; done
  lab curves --svg curves.svg target/load-test/*.json

Exit code: 0 if the picture is written, 1 if not, 2 for a wrong command line.";

/// The options of `lab curves`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Curves {
    /// Where to write the picture; it fetches nothing, and is fit for light and dark pages
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: PathBuf,

    /// What the load test wrote
    #[arg(required = true, value_name = "RESULT")]
    pub(crate) results: Vec<PathBuf>,
}
