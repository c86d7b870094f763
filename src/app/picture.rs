//! Pictures in half cells: each cell is two pixels, one above the other. Where the terminal can draw images itself, they
//! are put over these cells.

use std::ops::Range;
use std::sync::Arc;

use super::inspect::Page;
use super::msg::Picture;
use super::tone::{Line, Tone};

/// The sign whose colour is the upper pixel, on the lower one.
const HALF: &str = "▀";

/// Lays out a picture, as wide as the page and as high as may be at most, never larger than it is.
pub(super) fn lay_out(page: &mut Page, picture: &Arc<Picture>) {
    let (w, h) = picture.size();
    if page.picture_rows == 0 || w == 0 || h == 0 {
        return;
    }
    // Fits both: w * scale <= columns and h * scale <= two pixels a row.
    let (most_w, most_h) = (page.width.max(1), page.picture_rows * 2);
    let (cols, rows) = if w <= most_w && h <= most_h {
        (w, h)
    } else if w * most_h > h * most_w {
        (most_w, (h * most_w / w).max(1))
    } else {
        ((w * most_h / h).max(1), most_h)
    };
    let pixel = |x: usize, y: usize| {
        picture.mean((x * w / cols, (x + 1) * w / cols), (y * h / rows, (y + 1) * h / rows))
    };
    let first = page.lines.len();
    for top in (0..rows).step_by(2) {
        let mut line = Line::new();
        for x in 0..cols {
            let upper = pixel(x, top);
            let lower = if top + 1 < rows { Some(pixel(x, top + 1)) } else { None };
            let tone = Tone::Pixels(upper, lower);
            match line.last_mut() {
                Some((last, piece)) if *last == tone => piece.push_str(HALF),
                _ => line.push((tone, HALF.to_owned())),
            }
        }
        page.lines.push(line);
    }
    let shown = Shown { lines: first..page.lines.len(), columns: cols, picture: Arc::clone(picture) };
    page.pictures.push(shown);
}

/// Where a picture is in a text.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    /// Its lines.
    pub lines: Range<usize>,
    /// Its columns.
    pub columns: usize,
    /// It.
    pub picture: Arc<Picture>,
}

impl Picture {
    /// Its width and height.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.pixels.len().checked_div(self.width).unwrap_or(0))
    }

    /// The mean colour of a part, which is a pixel at least.
    pub fn mean(&self, (x0, x1): (usize, usize), (y0, y1): (usize, usize)) -> [u8; 3] {
        let (mut sum, mut count) = ([0u64; 3], 0);
        for y in y0..y1.max(y0 + 1) {
            for x in x0..x1.max(x0 + 1) {
                if let Some(pixel) = self.pixels.get(y * self.width + x) {
                    count += 1;
                    sum.iter_mut().zip(pixel).for_each(|(sum, part)| *sum += u64::from(*part));
                }
            }
        }
        sum.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(width: usize, height: usize, columns: usize, rows: usize) -> Vec<Line> {
        let pixels = (0..width * height).map(|i| [(i % 256) as u8, 0, 0]).collect();
        let mut page = Page::new(columns);
        page.picture_rows = rows;
        lay_out(&mut page, &Arc::new(Picture { width, pixels }));
        page.lines
    }

    fn columns(line: &Line) -> usize {
        line.iter().map(|(_, piece)| piece.chars().count()).sum()
    }

    #[test]
    fn two_pixels_share_a_cell() {
        let lines = laid_out(2, 3, 80, 10);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0][0], (Tone::Pixels([0, 0, 0], Some([2, 0, 0])), "▀".to_owned()));
        assert_eq!(lines[1][1].0, Tone::Pixels([5, 0, 0], None));
    }

    #[test]
    fn large_ones_shrink_to_the_page_and_keep_their_shape() {
        for (w, h) in [(400, 300), (2000, 10), (10, 2000), (1, 1), (81, 41)] {
            let lines = laid_out(w, h, 80, 20);
            assert!(
                (1..=20).contains(&lines.len()) && lines.iter().all(|line| columns(line) <= 80),
                "{w} {h}"
            );
        }
        let lines = laid_out(400, 200, 80, 40);
        assert_eq!((columns(&lines[0]), lines.len()), (80, 20));
        assert_eq!(laid_out(400, 200, 80, 0).len(), 0, "the terminal cannot");
    }

    #[test]
    fn equal_colours_share_a_piece() {
        let mut page = Page::new(80);
        page.picture_rows = 10;
        lay_out(&mut page, &Arc::new(Picture { width: 40, pixels: vec![[9, 9, 9]; 80] }));
        assert_eq!(page.lines[0].len(), 1);
    }
}
