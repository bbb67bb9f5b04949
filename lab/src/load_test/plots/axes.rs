//! How plots look: their size, colours, scales and axes.
//!
//! Colours stand for roles. Each is used for one role only, so that the page's style sheet can put another in its place
//! where it is read on a dark screen.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::combinators::{IntoLogRange, LogCoord};
use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::error::LabError;
use crate::load_test::controller::Contender;

/// Width and height of a plot, in pixels as far as the page does not scale it.
pub(crate) const SIZE: (u32, u32) = (460, 270);
/// Text in plots, in pixels.
const TEXT: u32 = 14;

/// What a colour stands for: the colour in the picture, the name of its role, and the colours that the page shows in light
/// and in dark.
pub(crate) const ROLES: [(RGBColor, &str, &str, &str); 8] = [
    (PROGRAM, "program", "#0b66c3", "#58a6ff"),
    (BARE_LOOP, "bare-loop", "#15803d", "#4ade80"),
    (PER_EVENT, "per-event", "#c2410c", "#fb923c"),
    (TEXT_COLOR, "text", "#3f3f46", "#c9c9d1"),
    (GRID, "grid", "#e4e4e7", "#32323a"),
    (AXIS, "axis", "#71717a", "#8b8b96"),
    (REFUSED, "refused", "#b91c1c", "#f87171"),
    (BUDGET, "budget", "#7c3aed", "#c4b5fd"),
];

const PROGRAM: RGBColor = RGBColor(1, 1, 1);
const BARE_LOOP: RGBColor = RGBColor(2, 2, 2);
const PER_EVENT: RGBColor = RGBColor(3, 3, 3);
const TEXT_COLOR: RGBColor = RGBColor(4, 4, 4);
const GRID: RGBColor = RGBColor(5, 5, 5);
/// Axes, and what joins.
pub(super) const AXIS: RGBColor = RGBColor(6, 6, 6);
/// Requests that were answered with 429.
pub(super) const REFUSED: RGBColor = RGBColor(7, 7, 7);
/// The program's budget.
pub(super) const BUDGET: RGBColor = RGBColor(8, 8, 8);

/// The colour of one of them.
pub(super) const fn color(contender: Contender) -> RGBColor {
    match contender {
        Contender::Program => PROGRAM,
        Contender::BareLoop => BARE_LOOP,
        Contender::RequestPerEvent => PER_EVENT,
    }
}

/// An axis: what it is called, with its unit, and from where to where it goes.
pub(crate) struct Axis {
    pub(crate) title: &'static str,
    pub(crate) range: Range<f64>,
    /// Whether equal distances are equal factors. The range must not begin at 0 then.
    pub(crate) logarithmic: bool,
}

/// Where something is drawn.
pub(crate) type Plot<'a, 'b, X, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>;

/// What draws, whatever the scales are.
pub(crate) trait Draw {
    /// Draws into a plot.
    fn draw<X, Y>(&self, plot: &mut Plot<'_, '_, X, Y>) -> Result<(), LabError>
    where
        X: Ranged<ValueType = f64>,
        Y: Ranged<ValueType = f64>;
}

/// The plot as SVG.
///
/// # Errors
/// [`LabError::Plot`], which is a defect.
pub(crate) fn svg(x: &Axis, y: &Axis, what: &impl Draw) -> Result<String, LabError> {
    let linear = |axis: &Axis| RangedCoordf64::from(axis.range.clone());
    let log = |axis: &Axis| LogCoord::from(axis.range.clone().log_scale());
    match (x.logarithmic, y.logarithmic) {
        (false, false) => on(linear(x), linear(y), (x, y), what),
        (true, false) => on(log(x), linear(y), (x, y), what),
        (false, true) => on(linear(x), log(y), (x, y), what),
        (true, true) => on(log(x), log(y), (x, y), what),
    }
}

fn on<X, Y>(x: X, y: Y, (x_axis, y_axis): (&Axis, &Axis), what: &impl Draw) -> Result<String, LabError>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut picture = String::new();
    {
        let area = SVGBackend::with_string(&mut picture, SIZE).into_drawing_area();
        let mut builder = ChartBuilder::on(&area);
        builder.margin(6).margin_right(14).x_label_area_size(46).y_label_area_size(66);
        let mut plot = builder.build_cartesian_2d(x, y).map_err(failed)?;
        let text = ("sans-serif", TEXT).into_font().color(&TEXT_COLOR);
        plot.configure_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(AXIS)
            .x_desc(x_axis.title)
            .y_desc(y_axis.title)
            .axis_desc_style(text.clone())
            .label_style(text)
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|value| number(*value))
            .y_label_formatter(&|value| number(*value))
            .draw()
            .map_err(failed)?;
        what.draw(&mut plot)?;
        area.present().map_err(failed)?;
    }
    Ok(picture)
}

/// For `map_err`.
pub(crate) fn failed(error: impl std::fmt::Display) -> LabError {
    LabError::Plot(error.to_string())
}

/// A number at a tick: as many digits as it has, thousands apart.
fn number(value: f64) -> String {
    let rounded = (value * 1_000.0).round() / 1_000.0;
    if rounded.abs() < 10_000.0 {
        return format!("{rounded}");
    }
    let digits = format!("{rounded:.0}");
    let mut told = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_digits_that_they_need() {
        let told = [0.0, 0.1 + 0.2, 2.5, 1_000.0, 100_000.0].map(number);
        assert_eq!(told, ["0", "0.3", "2.5", "1000", "100,000"]);
    }

    #[test]
    fn no_two_roles_share_a_colour() {
        for (place, role) in ROLES.iter().enumerate() {
            assert!(ROLES[..place].iter().all(|other| other.0 != role.0 && other.1 != role.1), "{}", role.1);
        }
    }
}
