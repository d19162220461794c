//! A line of eighth blocks in a cell.

use crate::theme::{Role, glyphs::BARS};
use crate::ui::canvas::{Canvas, Ink};

/// Draws values (oldest first) over `width` columns. The scale spans from half of the greatest value, or the least, to a
/// quarter above the greatest: noise stays flat in the middle, a rise and a fall to nothing are seen. A gap is a gap.
pub fn draw(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, values: &[Option<f64>], ink: impl Into<Ink>) {
    let ink = ink.into();
    let columns = usize::from(width).min(values.len());
    if columns == 0 {
        return;
    }
    let finite = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let greatest = finite().fold(f64::MIN, f64::max);
    let bottom = finite().fold(f64::MAX, f64::min).min(greatest / 2.0);
    let top = greatest + greatest.abs() / 4.0;
    let first = x + (width - u16::try_from(columns).unwrap_or(width));
    for (column, at) in (0..columns).zip(first..) {
        let bucket = values.get(column * values.len() / columns..(column + 1) * values.len() / columns);
        let known: Vec<f64> = bucket.unwrap_or_default().iter().flatten().copied().filter(|v| v.is_finite()).collect();
        if known.is_empty() {
            canvas.glyph(at, y, "░", Role::Faint);
            continue;
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let share = if top > bottom { (mean - bottom) / (top - bottom) } else { 0.5 };
        let level = ((share * 7.0).round().clamp(0.0, 7.0)) as usize;
        canvas.glyph(at, y, BARS.get(level).copied().unwrap_or("▁"), ink);
    }
}
