//! The plots of a scenario: what each shows, and in which scales.

use std::time::Duration;

use plotters::prelude::*;
use plotters::series::DashedLineSeries;

use super::axes::{AXIS, Axis, BUDGET, Draw, Plot, REFUSED, color, failed, svg};
use crate::error::LabError;
use crate::load_test::controller::Contender;
use crate::load_test::limits::count;
use crate::load_test::result::{Run, ScenarioResult};
use crate::load_test::series;
use crate::program::log::Budget;

/// A line is so many pixels wide.
const WIDTH: u32 = 2;
/// How many bars there are at most.
const BARS: u128 = 60;
/// The intervals that bars may stand for, in milliseconds.
const INTERVALS: [u64; 10] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000];
/// From that factor between the program's time and the longest on, times are shown on a logarithmic scale.
const TOO_FAR_APART: f64 = 8.0;
/// The shortest time that a logarithmic scale shows, in seconds.
const SHORTEST: f64 = 0.01;
const MEGABYTE: f64 = 1e6;

/// A plot with what it shows.
pub(super) struct Chart {
    /// What it shows.
    pub(super) title: String,
    /// The picture.
    pub(super) svg: String,
}

/// The plots of a scenario.
///
/// # Errors
/// [`LabError::Plot`], which is a defect.
pub(super) fn of(scenario: &ScenarioResult) -> Result<Vec<Chart>, LabError> {
    let mut charts = Vec::new();
    if scenario.runs.iter().any(|run| run.waits > 0) {
        charts.push(initialised(scenario)?);
        charts.push(waits(scenario)?);
    }
    for contender in [Contender::Program, Contender::RequestPerEvent] {
        if let Some(run) = scenario.run(contender) {
            charts.push(requests(run, scenario.budget)?);
        }
    }
    if let Some(run) = scenario.run(Contender::Program).filter(|run| !run.series.memory.is_empty()) {
        charts.push(memory(run)?);
    }
    Ok(charts)
}

/// Lines, each with its colour, and times at which something happened.
struct Lines {
    solid: Vec<(RGBColor, Vec<(f64, f64)>)>,
    dashed: Vec<(RGBColor, Vec<(f64, f64)>)>,
}

impl Draw for Lines {
    fn draw<X, Y>(&self, plot: &mut Plot<'_, '_, X, Y>) -> Result<(), LabError>
    where
        X: Ranged<ValueType = f64>,
        Y: Ranged<ValueType = f64>,
    {
        for (color, points) in &self.dashed {
            let series = DashedLineSeries::new(points.iter().copied(), 4, 3, color.stroke_width(1));
            plot.draw_series(series).map_err(failed)?;
        }
        for (color, points) in &self.solid {
            let series = LineSeries::new(points.iter().copied(), color.stroke_width(WIDTH));
            plot.draw_series(series).map_err(failed)?;
        }
        Ok(())
    }
}

/// The share of Nodes that are initialised, over time: a line for each, and a dashed one for the Nodes that have joined.
fn initialised(scenario: &ScenarioResult) -> Result<Chart, LabError> {
    let end = |run: &Run| run.series.initialised.last().map_or(0.0, |(at, _)| *at);
    let longest = scenario.runs.iter().map(end).fold(SHORTEST, f64::max);
    let shortest = scenario.runs.iter().map(end).fold(f64::INFINITY, f64::min).max(SHORTEST);
    // An outage takes as long for everyone, and shows best as it is.
    let outage = scenario.runs.iter().any(|run| run.series.away.is_some());
    let logarithmic = !outage && longest / shortest > TOO_FAR_APART;
    let start = if logarithmic { SHORTEST } else { 0.0 };
    let line = |points: &[(f64, usize)], of: usize| {
        // Left of the scale is where everything begins.
        steps(points.iter().map(|(at, done)| (at.max(start), count(*done) / count(of.max(1)) * 100.0)))
    };
    let mut lines = Lines { solid: Vec::new(), dashed: Vec::new() };
    if let Some(run) = scenario.run(Contender::Program) {
        lines.dashed.push((AXIS, line(&run.series.registered, run.waits)));
        let upright = |at: f64| vec![(at.max(start), 0.0), (at.max(start), 100.0)];
        lines
            .dashed
            .extend(run.series.away.iter().flat_map(|(gone, back)| [*gone, *back]).map(|at| (REFUSED, upright(at))));
        lines.dashed.extend(run.series.killed.iter().map(|at| (REFUSED, upright(*at))));
    }
    // The program last, so that nothing covers it.
    lines
        .solid
        .extend(scenario.runs.iter().rev().map(|run| (color(run.contender), line(&run.series.initialised, run.waits))));
    let title = if logarithmic { "seconds, logarithmic" } else { "seconds" };
    let x = Axis { title, range: start..longest * 1.02, logarithmic };
    let y = Axis { title: "% of Nodes", range: 0.0..103.0, logarithmic: false };
    Ok(Chart { title: "Nodes initialised over time".to_owned(), svg: svg(&x, &y, &lines)? })
}

/// Points as stairs: each holds until the next.
fn steps(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut stairs: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        if let Some((_, before)) = stairs.last().copied() {
            stairs.push((x, before));
        }
        stairs.push((x, y));
    }
    stairs
}

/// How long the Nodes waited: a line for each of how many percent waited at most how long.
fn waits(scenario: &ScenarioResult) -> Result<Chart, LabError> {
    let floor = SHORTEST / 10.0;
    let line =
        |run: &Run| run.series.waits.iter().map(|(percent, wait)| (*percent, wait.max(floor))).collect::<Vec<_>>();
    let lines = Lines {
        solid: scenario.runs.iter().rev().map(|run| (color(run.contender), line(run))).collect(),
        dashed: Vec::new(),
    };
    let all = || lines.solid.iter().flat_map(|(_, points)| points).map(|(_, wait)| *wait);
    let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(floor, f64::max));
    let least = if least.is_finite() { least } else { floor };
    let x = Axis { title: "% of Nodes that waited no longer", range: 0.0..100.0, logarithmic: false };
    let y = Axis { title: "seconds, logarithmic", range: least / 1.5..most * 1.5, logarithmic: true };
    Ok(Chart { title: "Waits of the Nodes, by percentile".to_owned(), svg: svg(&x, &y, &lines)? })
}

/// Requests in each interval, and the most that the budget allows in one.
struct Bars {
    color: RGBColor,
    interval: f64,
    /// All requests, and those of them that were refused.
    counts: Vec<(f64, f64)>,
    allowed: Option<f64>,
    end: f64,
}

impl Draw for Bars {
    fn draw<X, Y>(&self, plot: &mut Plot<'_, '_, X, Y>) -> Result<(), LabError>
    where
        X: Ranged<ValueType = f64>,
        Y: Ranged<ValueType = f64>,
    {
        let bar = |(place, height): (usize, f64), color: RGBColor| {
            let left = count(place) * self.interval;
            let (gap, right) = (self.interval * 0.1, left + self.interval);
            Rectangle::new([(left + gap, 0.0), (right - gap, height)], color.filled())
        };
        for (color, heights) in [
            (self.color, self.counts.iter().map(|(all, _)| *all).collect::<Vec<_>>()),
            (REFUSED, self.counts.iter().map(|(_, refused)| *refused).collect()),
        ] {
            let bars = heights.into_iter().enumerate().filter(|(_, height)| *height > 0.0);
            plot.draw_series(bars.map(|one| bar(one, color))).map_err(failed)?;
        }
        if let Some(allowed) = self.allowed {
            let line = [(0.0, allowed), (self.end, allowed)];
            plot.draw_series(LineSeries::new(line, BUDGET.stroke_width(WIDTH))).map_err(failed)?;
        }
        Ok(())
    }
}

/// The requests to the Packet API over time, beside the program's budget.
fn requests(run: &Run, budget: Option<Budget>) -> Result<Chart, LabError> {
    let last = |times: &[(f64, usize)]| times.last().map_or(0.0, |(at, _)| *at);
    let end = run.arrivals.last().map_or(0.0, |(at, _)| at.as_secs_f64()).max(last(&run.series.initialised));
    let interval = interval(Duration::from_secs_f64(end));
    let all = series::per_interval(run.arrivals.iter().map(|(at, _)| *at), interval);
    let refused = run.arrivals.iter().filter(|(_, status)| *status == 429).map(|(at, _)| *at);
    let refused = series::per_interval(refused, interval);
    let counts: Vec<(f64, f64)> = (0..all.len())
        .map(|place| (count(all[place]), count(refused.get(place).copied().unwrap_or_default())))
        .collect();
    let seconds = interval.as_secs_f64();
    let end = (end + seconds).max(10.0 * seconds);
    let allowed = budget.map(|budget| budget.rate.mul_add(seconds, budget.burst));
    let most = counts.iter().map(|(all, _)| *all).chain(allowed).fold(1.0, f64::max);
    let bars = Bars { color: color(run.contender), interval: seconds, counts, allowed, end };
    let x = Axis { title: "seconds", range: 0.0..end, logarithmic: false };
    let y = Axis { title: "requests", range: 0.0..most * 1.08, logarithmic: false };
    let title = format!("Requests to the Packet API in each {seconds} s: {}", run.contender.title());
    Ok(Chart { title, svg: svg(&x, &y, &bars)? })
}

/// The shortest interval of which not too many make up that time.
fn interval(time: Duration) -> Duration {
    let fits = |interval: &Duration| time.as_millis() <= interval.as_millis() * BARS;
    INTERVALS.map(Duration::from_millis).into_iter().find(fits).unwrap_or(Duration::from_mins(5))
}

/// The memory of the program.
fn memory(run: &Run) -> Result<Chart, LabError> {
    let points: Vec<(f64, f64)> = run
        .series
        .memory
        .iter()
        .map(|(at, bytes)| (*at, count(usize::try_from(*bytes).unwrap_or(usize::MAX)) / MEGABYTE))
        .collect();
    let (end, most) =
        points.iter().fold((0.1, 1.0), |(end, most), (at, megabytes)| (f64::max(end, *at), f64::max(most, *megabytes)));
    let lines = Lines { solid: vec![(color(Contender::Program), points)], dashed: Vec::new() };
    let x = Axis { title: "seconds", range: 0.0..end, logarithmic: false };
    let y = Axis { title: "MB", range: 0.0..most * 1.15, logarithmic: false };
    Ok(Chart { title: "Memory that the program holds".to_owned(), svg: svg(&x, &y, &lines)? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::load_test::result::example;

    #[test]
    fn a_scenario_in_which_nodes_join_has_all_plots_and_one_in_which_none_does_has_fewer() {
        let mut scenario = example().scenarios.remove(0);
        assert_eq!(of(&scenario).unwrap().len(), 5);
        scenario.runs.truncate(1);
        scenario.runs[0].waits = 0;
        let titles: Vec<String> = of(&scenario).unwrap().into_iter().map(|chart| chart.title).collect();
        assert_eq!(titles.len(), 2, "{titles:?}");
    }

    #[test]
    fn nothing_at_all_can_be_drawn() {
        let mut scenario = example().scenarios.remove(0);
        for run in &mut scenario.runs {
            run.series = crate::load_test::result::Series::default();
            run.arrivals.clear();
        }
        assert_eq!(of(&scenario).unwrap().len(), 4);
    }

    #[test]
    fn bars_stand_for_as_short_a_time_as_there_is_room_for() {
        let told = [0, 6, 7, 60, 61, 100_000].map(|seconds| interval(Duration::from_secs(seconds)).as_millis());
        assert_eq!(told, [100, 100, 200, 1_000, 2_000, 300_000]);
    }

    #[test]
    fn a_step_holds_until_the_next() {
        assert_eq!(steps([(0.0, 0.0), (2.0, 50.0)].into_iter()), [(0.0, 0.0), (2.0, 0.0), (2.0, 50.0)]);
    }
}
