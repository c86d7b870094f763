//! Pixels as Pillow keeps them, as a bitmap file that every viewer opens.

/// Pixels of a picture, row by row from the top.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pixels {
    w: u32,
    h: u32,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Grey,
    Rgb,
    Rgba,
}

/// Bytes of the headers.
const HEADER: u32 = 54;

impl Pixels {
    /// Of this mode and size, when so many bytes are what it takes.
    pub(super) fn of(mode: &str, w: u32, h: u32, bytes: u64) -> Option<Self> {
        let mode = match mode {
            "L" => Mode::Grey,
            "RGB" => Mode::Rgb,
            "RGBA" => Mode::Rgba,
            _ => return None,
        };
        let pixels = Pixels { w, h, mode };
        let needed = u64::from(w).checked_mul(u64::from(h))?.checked_mul(pixels.channels() as u64)?;
        (needed == bytes && bytes > 0 && u32::try_from(pixels.len()).is_ok()).then_some(pixels)
    }

    /// What it is, for people.
    pub(super) fn name(&self) -> &'static str {
        match self.mode {
            Mode::Grey => "Pillow image L",
            Mode::Rgb => "Pillow image RGB",
            Mode::Rgba => "Pillow image RGBA",
        }
    }

    fn channels(&self) -> usize {
        match self.mode {
            Mode::Grey => 1,
            Mode::Rgb => 3,
            Mode::Rgba => 4,
        }
    }

    /// Bytes of a row in the file: of whole words.
    fn row(&self) -> u64 {
        let depth = if self.mode == Mode::Rgba { 4 } else { 3 };
        (u64::from(self.w) * depth).next_multiple_of(4)
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> u64 {
        u64::from(HEADER) + self.row() * u64::from(self.h)
    }

    /// The file: its rows begin with the lowest, its colours with blue.
    pub(super) fn bitmap(&self, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        let depth: u16 = if self.mode == Mode::Rgba { 32 } else { 24 };
        out.extend(b"BM");
        for word in [u32::try_from(self.len()).unwrap_or(0), 0, HEADER, 40, self.w, self.h] {
            out.extend(word.to_le_bytes());
        }
        out.extend(1u16.to_le_bytes());
        out.extend(depth.to_le_bytes());
        out.resize(HEADER as usize, 0);
        let channels = self.channels();
        let row = usize::try_from(self.row()).unwrap_or(0);
        for pixels in data.chunks_exact(self.w as usize * channels).rev() {
            let end = out.len() + row;
            for pixel in pixels.chunks_exact(channels) {
                match *pixel {
                    [grey] => out.extend([grey; 3]),
                    [r, g, b] => out.extend([b, g, r]),
                    [r, g, b, a] => out.extend([b, g, r, a]),
                    _ => {}
                }
            }
            out.resize(end, 0);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_become_a_bitmap_of_their_size() {
        let pixels = Pixels::of("RGB", 3, 2, 18).unwrap();
        let data: Vec<u8> = (0..18).collect();
        let file = pixels.bitmap(&data);
        assert_eq!(file.len() as u64, pixels.len());
        assert_eq!(super::super::media(&file).unwrap().size, Some((3, 2)));
        // The lowest row first, blue first, whole words.
        assert_eq!(file[54..66], [11, 10, 9, 14, 13, 12, 17, 16, 15, 0, 0, 0]);
        assert_eq!(file[66..69], [2, 1, 0]);
        let grey = Pixels::of("L", 2, 1, 2).unwrap();
        assert_eq!(grey.bitmap(&[7, 9])[54..], [7, 7, 7, 9, 9, 9, 0, 0]);
    }

    #[test]
    fn sizes_that_lie_are_no_picture() {
        assert_eq!(Pixels::of("RGB", 3, 2, 17), None);
        assert_eq!(Pixels::of("RGB", u32::MAX, u32::MAX, 12), None);
        assert_eq!(Pixels::of("RGBA", 0, 0, 0), None);
        assert_eq!(Pixels::of("P", 2, 2, 4), None);
    }
}
