//! The picture: two plots side by side, with what their lines mean above them, as one SVG that fetches nothing.

use std::fmt::Write;

use indicatif::HumanCount;
use plotters::prelude::*;

use super::results::{Lines, Point};
use crate::error::LabError;
use crate::load_test::plots::{Axis, Draw, Plot, ROLES, SIZE, failed, svg};

/// Lines are told apart by these roles' colours; a line more begins anew.
const COLORS: [usize; 5] = [0, 1, 2, 7, 6];
/// A line is so many pixels wide, a point has such a radius.
const WIDTH: u32 = 2;
const RADIUS: i32 = 3;
/// Where the lines are named, in pixels from the top, and how much room a name has.
const LEGEND: u32 = 34;
const ENTRY: usize = 150;

/// Lines with their points.
struct Curve(Vec<(RGBColor, Vec<(f64, f64)>)>);

impl Draw for Curve {
    fn draw<X, Y>(&self, plot: &mut Plot<'_, '_, X, Y>) -> Result<(), LabError>
    where
        X: Ranged<ValueType = f64>,
        Y: Ranged<ValueType = f64>,
    {
        for (color, points) in &self.0 {
            plot.draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(WIDTH))).map_err(failed)?;
            let dots = points.iter().map(|point| Circle::new(*point, RADIUS, color.filled()));
            plot.draw_series(dots).map_err(failed)?;
        }
        Ok(())
    }
}

/// Draws the lines.
///
/// # Errors
/// [`LabError::Plot`], which is a defect; there is at least one line.
pub(super) fn of(lines: &Lines) -> Result<String, LabError> {
    let seconds = plot(lines, "seconds until the last Node is initialised", |point| point.seconds)?;
    let requests = plot(lines, "requests to the Packet API", |point| point.seconds.and(Some(point.requests)))?;
    let (width, height) = (2 * SIZE.0, SIZE.1 + LEGEND);
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>{}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#ffffff\"/>\n",
        style()
    );
    for (place, nodes) in lines.keys().enumerate() {
        let (left, color) = (70 + place * ENTRY, hex(color(place)));
        // Writing to a String cannot fail.
        let _ = writeln!(
            picture,
            "<line x1=\"{left}\" x2=\"{}\" y1=\"18\" y2=\"18\" stroke=\"{color}\" stroke-width=\"3\"/>\
             <text x=\"{}\" y=\"23\" font-family=\"sans-serif\" font-size=\"14\" fill=\"{}\">{} Nodes</text>",
            left + 24,
            left + 30,
            hex(ROLES[3].0),
            HumanCount(*nodes as u64)
        );
    }
    for (left, plot) in [(0, seconds), (SIZE.0, requests)] {
        picture += &plot.replacen("<svg ", &format!("<svg x=\"{left}\" y=\"{LEGEND}\" "), 1);
    }
    Ok(picture + "</svg>\n")
}

fn plot(lines: &Lines, title: &'static str, value: fn(&Point) -> Option<f64>) -> Result<String, LabError> {
    let points = |points: &Vec<Point>| points.iter().filter_map(|point| Some((point.rate, value(point)?))).collect();
    let curve = Curve(lines.values().enumerate().map(|(place, line)| (color(place), points(line))).collect());
    let all = || curve.0.iter().flat_map(|(_, points)| points);
    // From one power of ten to another, so that both ends are named; and a scale, even where nothing is to be shown on it.
    let range = |of: fn(&(f64, f64)) -> f64| {
        let ends = |(least, most): (f64, f64), value: f64| (least.min(value), most.max(value));
        let (least, most) = all().map(of).fold((f64::INFINITY, 0.0), ends);
        let power = |exponent: f64| 10_f64.powf(exponent);
        if most > 0.0 { power(least.max(1e-3).log10().floor())..power(most.log10().ceil()) * 1.001 } else { 0.1..10.0 }
    };
    let x = Axis { title: "rateLimit.requestsPerSecond", range: range(|point| point.0), logarithmic: true };
    let y = Axis { title, range: range(|point| point.1), logarithmic: true };
    svg(&x, &y, &curve)
}

const fn color(place: usize) -> RGBColor {
    ROLES[COLORS[place % COLORS.len()]].0
}

fn hex(color: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2)
}

/// What each role's colour is on the picture's own, light ground.
fn style() -> String {
    let rule = |attribute: &str| {
        ROLES
            .map(|(stand_in, _, light, _)| format!("[{attribute}=\"{}\"]{{{attribute}:{light}}}", hex(stand_in)))
            .concat()
    };
    rule("fill") + &rule("stroke")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::super::results::tests::example;
    use super::*;

    #[test]
    fn the_picture_names_its_lines_and_axes_and_fetches_nothing() {
        let picture = of(&example()).unwrap();
        for name in ["100 Nodes", "1,000 Nodes", "rateLimit.requestsPerSecond", "seconds until", "requests to"] {
            assert!(picture.contains(name), "{name}");
        }
        assert_eq!(picture.matches("<svg ").count(), picture.matches("</svg>").count());
        let elsewhere = picture.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("http") && !elsewhere.contains("url(") && !elsewhere.contains("href"));
        // A point for each result in which all came through, in both plots.
        assert_eq!(picture.matches("<circle ").count(), 2 * 3);
    }

    #[test]
    fn results_of_which_none_came_through_are_an_empty_picture() {
        let mut lines = example();
        lines.values_mut().flatten().for_each(|point| point.seconds = None);
        assert_eq!(of(&lines).unwrap().matches("<circle ").count(), 0);
    }
}
