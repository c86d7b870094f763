//! Sixels: rows of six pixels, colour by colour, with at most 256 colours an image.

use std::io::{self, Write};

use crate::app::msg::Picture;
use crate::ui::Placed;

use super::at;

/// Colours of an image at most.
const COLOURS: usize = 256;
/// Bits of each part of a colour by which similar ones are counted together.
const BITS: u32 = 5;

/// Draws the part of an image that can be seen, in cells of so many pixels.
pub(super) fn draw(out: &mut impl Write, placed: &Placed, cell: (u16, u16)) -> io::Result<()> {
    let (w, cell_h) = (usize::from(placed.area.w) * usize::from(cell.0), usize::from(cell.1));
    let whole = usize::from(placed.rows) * cell_h;
    let top = usize::from(placed.skip) * cell_h;
    let pixels = scaled(&placed.picture, (w, whole), top..top + usize::from(placed.area.h) * cell_h);
    at(out, placed.area, encoded(&pixels, w).as_bytes())
}

/// Some rows of a picture that is scaled to a size.
fn scaled(picture: &Picture, (w, h): (usize, usize), rows: std::ops::Range<usize>) -> Vec<[u8; 3]> {
    let (from_w, from_h) = picture.size();
    let part = |at: usize, of: usize, from: usize| (at * from / of.max(1), (at + 1) * from / of.max(1));
    let row = |y: usize| (0..w).map(move |x| picture.mean(part(x, w, from_w), part(y, h, from_h)));
    rows.flat_map(row).collect()
}

/// The sequence for pixels in rows so wide. Only what is set is painted, so that nothing but its area is touched.
fn encoded(pixels: &[[u8; 3]], w: usize) -> String {
    let (palette, place) = palette(pixels);
    let mut out = format!("\x1bP0;1;0q\"1;1;{w};{}", pixels.len() / w.max(1));
    for (i, colour) in palette.iter().enumerate() {
        let [r, g, b] = colour.map(|part| (u32::from(part) * 100 + 127) / 255);
        out.push_str(&format!("#{i};2;{r};{g};{b}"));
    }
    for band in pixels.chunks((w * 6).max(1)) {
        // For each colour in it the bits of its columns.
        let mut used: Vec<(u8, Vec<u8>)> = Vec::new();
        let mut known = [None; COLOURS];
        for (i, pixel) in band.iter().enumerate() {
            let colour = place[bin(*pixel)];
            let at = *known[usize::from(colour)].get_or_insert_with(|| {
                used.push((colour, vec![0; w]));
                used.len() - 1
            });
            used[at].1[i % w] |= 1 << (i / w);
        }
        for (colour, columns) in &used {
            out.push_str(&format!("#{colour}"));
            for run in columns.chunk_by(|a, b| a == b) {
                let sign = char::from(b'?' + run[0]);
                match run.len() {
                    n @ 1..4 => out.extend(std::iter::repeat_n(sign, n)),
                    n => out.push_str(&format!("!{n}{sign}")),
                }
            }
            out.push('$');
        }
        out.push('-');
    }
    out.push_str("\x1b\\");
    out
}

/// Which of the counts a colour is in.
fn bin([r, g, b]: [u8; 3]) -> usize {
    let cut = |part: u8| usize::from(part >> (8 - BITS));
    cut(r) << (2 * BITS) | cut(g) << BITS | cut(b)
}

/// The colours that stand for these pixels, and which one for each count: the mean of boxes that are cut at their
/// median along their longest side until there are enough (Heckbert's median cut).
fn palette(pixels: &[[u8; 3]]) -> (Vec<[u8; 3]>, Vec<u8>) {
    let mut sums = vec![([0u64; 3], 0u64); 1 << (3 * BITS)];
    for pixel in pixels {
        let (sum, n) = &mut sums[bin(*pixel)];
        sum.iter_mut().zip(pixel).for_each(|(sum, part)| *sum += u64::from(*part));
        *n += 1;
    }
    let part = |at: usize, axis: usize| at >> (BITS as usize * (2 - axis)) & ((1 << BITS) - 1);
    let spread = |bins: &[usize]| {
        (0..3)
            .map(|axis| {
                let parts = || bins.iter().map(|at| part(*at, axis));
                (parts().max().unwrap_or(0) - parts().min().unwrap_or(0), axis)
            })
            .max()
            .unwrap_or_default()
    };
    let used: Vec<usize> = (0..sums.len()).filter(|at| sums[*at].1 > 0).collect();
    let mut boxes = vec![(spread(&used), used)];
    while boxes.len() < COLOURS {
        let widest = (0..boxes.len()).max_by_key(|at| boxes[*at].0.0);
        let Some(at) = widest.filter(|at| boxes[*at].0.0 > 0) else { break };
        let ((_, axis), mut bins) = boxes.swap_remove(at);
        bins.sort_unstable_by_key(|at| part(*at, axis));
        let all: u64 = bins.iter().map(|at| sums[*at].1).sum();
        let mut seen = 0;
        let half = bins.iter().position(|at| {
            seen += sums[*at].1;
            seen * 2 >= all
        });
        let upper = bins.split_off((half.unwrap_or(0) + 1).min(bins.len() - 1));
        boxes.push((spread(&bins), bins));
        boxes.push((spread(&upper), upper));
    }
    let mut place = vec![0; sums.len()];
    let mut colours = Vec::with_capacity(boxes.len());
    for (i, (_, bins)) in boxes.iter().enumerate() {
        let (mut sum, mut n) = ([0u64; 3], 0);
        for at in bins {
            place[*at] = u8::try_from(i).unwrap_or(u8::MAX);
            sum.iter_mut().zip(sums[*at].0).for_each(|(sum, more)| *sum += more);
            n += sums[*at].1;
        }
        colours.push(sum.map(|part| u8::try_from(part / n.max(1)).unwrap_or(u8::MAX)));
    }
    (colours, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal would paint: `None` where it leaves what was there.
    fn painted(text: &str) -> (usize, Vec<Option<[u32; 3]>>) {
        let body = text.strip_prefix("\x1bP0;1;0q\"1;1;").unwrap().strip_suffix("\x1b\\").unwrap();
        let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        let (w, rest) = body.split_once(';').unwrap();
        let (w, h) = (w.parse::<usize>().unwrap(), number(rest).parse::<usize>().unwrap());
        let mut rest = &rest[number(rest).len()..];
        let (mut palette, mut colour) = (std::collections::HashMap::new(), 0);
        let (mut x, mut band, mut out) = (0, 0, vec![None; w * h]);
        while let Some(c) = rest.chars().next() {
            rest = &rest[1..];
            let mut repeat = 1;
            let mut sign = c;
            match c {
                '#' => {
                    let n = number(rest);
                    (rest, colour) = (&rest[n.len()..], n.parse().unwrap());
                    if let Some(parts) = rest.strip_prefix(";2;") {
                        let end = parts.find(|c: char| c != ';' && !c.is_ascii_digit()).unwrap();
                        let rgb: Vec<u32> = parts[..end].split(';').map(|n| n.parse().unwrap()).collect();
                        palette.insert(colour, [rgb[0], rgb[1], rgb[2]]);
                        rest = &parts[end..];
                    }
                    continue;
                }
                '$' => {
                    x = 0;
                    continue;
                }
                '-' => {
                    (x, band) = (0, band + 1);
                    continue;
                }
                '!' => {
                    let n = number(rest);
                    sign = rest[n.len()..].chars().next().unwrap();
                    (repeat, rest) = (n.parse().unwrap(), &rest[n.len() + 1..]);
                }
                _ => {}
            }
            for _ in 0..repeat {
                for bit in (0..6).filter(|bit| (sign as u8 - b'?') >> bit & 1 == 1) {
                    out[(band * 6 + bit) * w + x] = Some(palette[&colour]);
                }
                x += 1;
            }
        }
        (w, out)
    }

    fn hundredths(pixel: [u8; 3]) -> [u32; 3] {
        pixel.map(|part| (u32::from(part) * 100 + 127) / 255)
    }

    #[test]
    fn few_colours_are_exact_at_any_height() {
        for h in [1, 5, 6, 7, 19] {
            let pixels: Vec<[u8; 3]> =
                (0..13 * h).map(|i| [(i % 13 * 19) as u8, (i / 13 * 11) as u8, 40]).collect();
            let (w, back) = painted(&encoded(&pixels, 13));
            assert_eq!(w, 13);
            let wanted: Vec<_> = pixels.iter().map(|pixel| Some(hundredths(*pixel))).collect();
            assert_eq!(back, wanted, "{h} rows");
        }
    }

    #[test]
    fn many_colours_are_near() {
        let (w, h) = (200usize, 120usize);
        let pixels: Vec<[u8; 3]> = (0..w * h)
            .map(|i| [(i % w * 255 / w) as u8, (i / w * 255 / h) as u8, ((i % w + i / w) % 256) as u8])
            .collect();
        let (_, back) = painted(&encoded(&pixels, w));
        let off = |(a, b): (&[u8; 3], &Option<[u32; 3]>)| -> u32 {
            let b = b.expect("each pixel is painted");
            hundredths(*a).iter().zip(b).map(|(a, b)| a.abs_diff(b)).sum()
        };
        let mean = pixels.iter().zip(&back).map(off).sum::<u32>() / (w * h) as u32;
        assert!(mean <= 12, "{mean} hundredths off in the mean, over three parts");
    }

    #[test]
    fn scaling_keeps_what_is_where() {
        let picture = Picture { width: 2, pixels: vec![[0, 0, 0], [250, 0, 0], [0, 250, 0], [0, 0, 250]] };
        let all = scaled(&picture, (4, 4), 0..4);
        assert_eq!((all[0], all[3], all[12], all[15]), ([0, 0, 0], [250, 0, 0], [0, 250, 0], [0, 0, 250]));
        assert_eq!(scaled(&picture, (4, 4), 2..4), all[8..]);
    }
}
