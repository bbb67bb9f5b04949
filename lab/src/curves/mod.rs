//! Curves over many load tests: what a limit of requests per second costs in time, and what it saves in requests.

mod picture;
mod results;

use crate::cli::Curves;
use crate::error::LabError;

/// Draws the curves.
///
/// # Errors
/// When a result cannot be read, or the picture not be drawn or written.
pub(crate) fn draw(options: &Curves) -> Result<(), LabError> {
    let lines = results::lines(&options.results)?;
    let svg = picture::of(&lines)?;
    std::fs::write(&options.svg, svg).map_err(LabError::io(format!("writing {}", options.svg.display())))?;
    print!("{}", results::table(&lines));
    println!("\nCurves: {}", options.svg.display());
    Ok(())
}
