//! What happens in a load test: each scenario is a file that says what it does, and what must hold in the end.

mod cold_start;
mod flapping;
mod join_burst;
mod one_joins;
mod outage;
mod restart;
mod rolling_reboot;
mod throttled;

use clap::ValueEnum;
use packet_api_server::{Outage, RateLimit, RateLimitHeaders};
use serde::{Serialize, Serializer};

use super::limits::{Facts, Limit};
use super::scene::Scene;
use crate::cli::Allowance;
use crate::error::LabError;

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// All Nodes are there before the program.
    ColdStart,
    /// All Nodes join a program that is at work, in a burst.
    JoinBurst,
    /// One Node joins many initialised ones.
    OneJoins,
    /// Batch after batch of the Nodes comes anew.
    RollingReboot,
    /// Nodes change all the time, and none needs anything.
    Flapping,
    /// The Packet API limits the rate, and says so.
    Throttled,
    /// The Packet API limits the rate, and does not say so.
    ThrottledSilently,
    /// The Packet API goes away in the middle of a burst.
    Outage,
    /// The program dies in the middle of a burst, and is started again.
    Restart,
}

/// How an absent Packet API behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutageKind {
    /// The port is closed
    Refuse,
    /// Connections are closed without an answer
    Reset,
    /// There is no answer at all
    Hang,
    /// The answer is 503
    #[value(name = "503")]
    Unavailable,
}

impl OutageKind {
    /// What requests meet.
    pub(crate) const fn outage(self) -> Outage {
        Outage::new(match self {
            Self::Refuse => packet_api_server::OutageKind::Refuse,
            Self::Reset => packet_api_server::OutageKind::Reset,
            Self::Hang => packet_api_server::OutageKind::Hang,
            Self::Unavailable => packet_api_server::OutageKind::Status(503),
        })
    }
}

impl Scenario {
    /// All of them, from the plainest on.
    pub(crate) const ALL: [Self; 9] = [
        Self::ColdStart,
        Self::JoinBurst,
        Self::OneJoins,
        Self::RollingReboot,
        Self::Flapping,
        Self::Throttled,
        Self::ThrottledSilently,
        Self::Outage,
        Self::Restart,
    ];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ColdStart => "cold-start",
            Self::JoinBurst => "join-burst",
            Self::OneJoins => "one-joins",
            Self::RollingReboot => "rolling-reboot",
            Self::Flapping => "flapping",
            Self::Throttled => "throttled",
            Self::ThrottledSilently => "throttled-silently",
            Self::Outage => "outage",
            Self::Restart => "restart",
        }
    }

    /// The scenario of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }

    /// What happens, in a sentence.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::ColdStart => cold_start::ABOUT,
            Self::JoinBurst => join_burst::ABOUT,
            Self::OneJoins => one_joins::ABOUT,
            Self::RollingReboot => rolling_reboot::ABOUT,
            Self::Flapping => flapping::ABOUT,
            Self::Throttled => throttled::ABOUT,
            Self::ThrottledSilently => throttled::ABOUT_SILENTLY,
            Self::Outage => outage::ABOUT,
            Self::Restart => restart::ABOUT,
        }
    }

    /// How many Nodes there are in it, where `nodes` were asked for.
    pub(crate) const fn fleet_size(self, nodes: usize) -> usize {
        match self {
            Self::OneJoins => nodes + 1,
            _ => nodes,
        }
    }

    /// What the Packet API allows in it: what was asked for, and in the throttled ones something at least.
    pub(crate) fn allowance(self, asked: Option<Allowance>) -> Option<Allowance> {
        match self {
            Self::Throttled | Self::ThrottledSilently => Some(asked.unwrap_or(Allowance::USUAL)),
            _ => asked,
        }
    }

    /// The same for the simulated Packet API, with what it says about it.
    pub(crate) fn rate_limit(self, asked: Option<Allowance>) -> Option<RateLimit> {
        let headers = match self {
            Self::ThrottledSilently => RateLimitHeaders::None,
            _ => RateLimitHeaders::All,
        };
        self.allowance(asked).map(|allowed| RateLimit::window(allowed.requests, allowed.per).headers(headers))
    }

    /// Plays it until every Node is initialised, or time is up.
    ///
    /// # Errors
    /// When it cannot be played; a controller that does badly is no error.
    pub(crate) async fn play(self, scene: &Scene<'_>) -> Result<(), LabError> {
        match self {
            Self::ColdStart => cold_start::play(scene).await,
            Self::JoinBurst => join_burst::play(scene).await,
            Self::OneJoins => one_joins::play(scene).await,
            Self::RollingReboot => rolling_reboot::play(scene).await,
            Self::Flapping => flapping::play(scene).await,
            Self::Throttled | Self::ThrottledSilently => throttled::play(scene).await,
            Self::Outage => outage::play(scene).await,
            Self::Restart => restart::play(scene).await,
        }
    }

    /// What must hold of the program, besides what must hold always.
    pub(crate) fn limits(self, facts: &Facts) -> Vec<Limit> {
        match self {
            Self::ColdStart => cold_start::limits(facts),
            Self::JoinBurst => join_burst::limits(facts),
            Self::OneJoins => one_joins::limits(facts),
            Self::RollingReboot => rolling_reboot::limits(facts),
            Self::Flapping => flapping::limits(facts),
            Self::Throttled | Self::ThrottledSilently => throttled::limits(facts),
            Self::Outage => outage::limits(facts),
            Self::Restart => restart::limits(facts),
        }
    }
}

impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn every_scenario_is_found_by_its_name() {
        for scenario in Scenario::ALL {
            assert_eq!(Scenario::named(scenario.name()), Some(scenario));
        }
    }

    #[test]
    fn a_scenario_holds_with_as_many_requests_as_it_may_cost_and_not_with_one_more() {
        let costs = [
            (Scenario::ColdStart, 11 + 3),
            (Scenario::JoinBurst, 11 + 10),
            (Scenario::OneJoins, 1),
            (Scenario::RollingReboot, 10 * 11 + 3),
            (Scenario::Flapping, 20 * 3),
            (Scenario::Restart, 2 * (11 + 10)),
        ];
        for (scenario, most) in costs {
            let held = |requests| {
                let facts = Facts { nodes: 1_000, pages: 11, requests, not_ready: 20, seconds: 10, ..Facts::default() };
                scenario.limits(&facts).iter().all(|limit| limit.held)
            };
            assert!(held(most) && !held(most + 1), "{}", scenario.name());
        }
    }

    #[test]
    fn a_429_is_one_too_many_only_for_a_budget_below_the_limit() {
        let held = |refused, budget_is_below_the_limit| {
            let facts = Facts { refused, budget_is_below_the_limit, seconds: 50, ..Facts::default() };
            Scenario::Throttled.limits(&facts).iter().all(|limit| limit.held)
        };
        assert_eq!([held(0, true), held(1, true), held(1, false), held(2, false)], [true, false, true, false]);
    }

    #[test]
    fn only_the_throttled_scenarios_have_a_limit_that_nobody_asked_for() {
        let limited = Scenario::ALL.into_iter().filter(|scenario| scenario.allowance(None).is_some());
        assert_eq!(limited.collect::<Vec<_>>(), [Scenario::Throttled, Scenario::ThrottledSilently]);
        let asked = Allowance { requests: 5, ..Allowance::USUAL };
        assert!(Scenario::ALL.into_iter().all(|scenario| scenario.allowance(Some(asked)) == Some(asked)));
    }
}
