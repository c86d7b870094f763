//! Images as small pictures, where the build can decode them (feature `images`).
//!
//! Invariant: an image costs a bounded time and memory, whatever its header claims: only so many bytes are read, only so
//! many pixels decoded, and what cannot be decoded is simply not shown.

use std::sync::Arc;

use crate::app::msg::Picture;
use crate::value::lazy::Reader;
use crate::value::look::Carried;

#[cfg(not(feature = "images"))]
pub(super) fn of(_: &Reader<'_>, _: &Carried) -> Option<Arc<Picture>> {
    None
}

#[cfg(feature = "images")]
pub(super) use decoding::of;

#[cfg(feature = "images")]
mod decoding {
    use super::*;
    use image::{ImageReader, Limits};

    /// Bytes of a file that are decoded.
    const FILE: u64 = 32 << 20;
    /// Pixels that are decoded.
    const PIXELS: u64 = 24_000_000;
    /// Memory that a decoder may take.
    const MEMORY: u64 = 160 << 20;
    /// Pixels of the picture: what a pane has where the terminal draws it, and more than it has half cells.
    const WIDTH: u32 = 800;
    const HEIGHT: u32 = 600;

    /// What an image looks like, small.
    pub(in crate::cli::peek) fn of(reader: &Reader<'_>, file: &Carried) -> Option<Arc<Picture>> {
        let (w, h) = file.media.size?;
        if file.len > FILE || u64::from(w) * u64::from(h) > PIXELS {
            return None;
        }
        small(&file.read(reader).ok()?).map(Arc::new)
    }

    fn small(bytes: &[u8]) -> Option<Picture> {
        let mut reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
        // The header that was read before need not be the one that the decoder believes.
        let mut limits = Limits::default();
        limits.max_alloc = Some(MEMORY);
        limits.max_image_width = Some(1 << 15);
        limits.max_image_height = Some(1 << 15);
        reader.limits(limits);
        let image = reader.decode().ok()?;
        let small = match image.width() > WIDTH || image.height() > HEIGHT {
            true => image.thumbnail(WIDTH, HEIGHT),
            false => image,
        };
        let small = small.to_rgba8();
        // On mid grey: whether the terminal is dark or light is not known.
        let mixed = |pixel: &image::Rgba<u8>| {
            let [r, g, b, a] = pixel.0;
            [r, g, b].map(|part| {
                let sum = u16::from(part) * u16::from(a) + 128 * (255 - u16::from(a));
                u8::try_from(sum / 255).unwrap_or(u8::MAX)
            })
        };
        Some(Picture { width: small.width() as usize, pixels: small.pixels().map(mixed).collect() })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use image::{DynamicImage, ImageFormat, RgbaImage};

        fn encoded(format: ImageFormat, w: u32, h: u32) -> Vec<u8> {
            let image =
                RgbaImage::from_fn(w, h, |x, _| image::Rgba([if x * 2 < w { 250 } else { 10 }, 0, 0, 255]));
            let mut out = std::io::Cursor::new(Vec::new());
            let image = DynamicImage::ImageRgba8(image);
            let image = if format == ImageFormat::Jpeg { image.to_rgb8().into() } else { image };
            image.write_to(&mut out, format).unwrap();
            out.into_inner()
        }

        #[test]
        fn pictures_of_each_format_are_small_and_right() {
            for format in
                [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp]
            {
                let picture = small(&encoded(format, 1200, 600)).unwrap();
                assert_eq!((picture.width, picture.pixels.len()), (800, 800 * 400), "{format:?}");
                assert!(picture.pixels[10][0] > 200 && picture.pixels[790][0] < 50, "{format:?}");
            }
            assert_eq!(small(&encoded(ImageFormat::Png, 3, 2)).unwrap().pixels.len(), 6);
        }

        #[test]
        fn what_is_cut_or_claims_too_much_is_not_shown() {
            let whole = encoded(ImageFormat::Png, 300, 200);
            for end in (0..whole.len() / 2).step_by(7) {
                assert!(small(&whole[..end]).is_none(), "{end}");
            }
            // A header that claims 2^31 pixels in a row.
            let mut huge = whole.clone();
            huge[16..20].copy_from_slice(&0x7fff_ffffu32.to_be_bytes());
            assert!(small(&huge).is_none());
        }

        proptest::proptest! {
            #[test]
            fn damaged_images_end_in_nothing_or_a_picture(at in 8usize..400, byte: u8) {
                for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
                    let mut data = encoded(format, 40, 30);
                    let at = at % data.len();
                    data[at] = byte;
                    small(&data);
                }
            }
        }
    }
}
