//! Images and bytes in a JSON view: what both are, and what differs in them.
//!
//! Images that both can be decoded (PNG, JPEG) and have one size are compared pixel by pixel; everything else byte by
//! byte.
//!
//! Invariants: what a picture says of its size is believed only within [`PIXELS`]; a picture that cannot be decoded is
//! compared as bytes, and the reason is told.

use serde_json::Value as Json;

use super::structure::Detail;
use crate::value::look::{Media, measures, media};
use crate::value::view;

/// Larger pictures are not decoded.
pub const PIXELS: u64 = 16 << 20;
/// Bytes that are shown before the first that differs, and of what differs.
const BEFORE: usize = 8;
const SHOWN: usize = 24;
/// Characters of a base64 text that say what it is.
const HEAD: usize = 4096;

/// An image.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct ImageSide {
    /// `image/png`.
    pub mime: &'static str,
    /// `PNG image`.
    #[serde(skip)]
    pub name: &'static str,
    /// Width and height in pixels, where its header tells.
    pub size: Option<(u32, u32)>,
    /// Bytes.
    pub bytes: u64,
}

impl ImageSide {
    /// `PNG image, 640 × 480, 31 kB`.
    pub fn words(&self) -> String {
        format!("{}{}", self.name, measures(self.size, self.bytes))
    }
}

/// How many pixels differ.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Pixels {
    /// Those that differ.
    pub changed: u64,
    /// All of them.
    pub all: u64,
    /// The smallest rectangle that holds those that differ: left, top, width, height.
    pub bounds: Option<[u32; 4]>,
}

/// Two images.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct ImageChange {
    /// What it was.
    pub old: ImageSide,
    /// What it is.
    pub new: ImageSide,
    /// What differs of the pixels.
    pub pixels: Option<Pixels>,
    /// Why pixels were not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl ImageChange {
    /// `PNG image, 4 × 4, 80 B`, once or for both sides.
    pub fn sides(&self) -> String {
        let (old, new) = (self.old.words(), self.new.words());
        if old == new { old } else { format!("{old} → {new}") }
    }

    /// What differs, in words.
    pub fn words(&self) -> String {
        match (&self.pixels, &self.why) {
            (Some(Pixels { changed: 0, .. }), _) => "the same pixels in other bytes".to_owned(),
            (Some(Pixels { changed, all, bounds }), _) => {
                let share = match *changed as f64 * 100.0 / (*all).max(1) as f64 {
                    share if share < 0.1 => "less than 0.1 %".to_owned(),
                    share => format!("{share:.1} %"),
                };
                let within =
                    bounds.map(|[x, y, w, h]| format!(", within {w} × {h} at {x},{y}")).unwrap_or_default();
                format!("{changed} of {all} pixels differ ({share}){within}")
            }
            (None, Some(why)) => format!("pixels are not compared: {why}"),
            (None, None) => String::new(),
        }
    }
}

/// What the places of a [`Stretch`] are counted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Bytes, shown as hexadecimal numbers.
    Bytes,
    /// Bytes of a text, shown as text.
    Text,
}

/// Where long bytes or a long text differ: what is before and after is equal.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Stretch {
    /// What it is.
    pub unit: Unit,
    /// Bytes in all, before and now.
    pub sizes: [u64; 2],
    /// The first byte that differs, from 0.
    pub at: u64,
    /// How many bytes, from there on, stand for how many.
    pub lengths: [u64; 2],
    /// How many of them differ where they stand, when few do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
    /// The beginning of both, with a little of what is before.
    pub shown: [String; 2],
}

impl Stretch {
    /// Where, and how much.
    pub fn words(&self) -> String {
        use crate::base::text::bytes;
        let [old, new] = self.lengths;
        let sizes = match self.sizes {
            [old, new] if old == new => bytes(old),
            [old, new] => format!("{} → {}", bytes(old), bytes(new)),
        };
        let what = match (old, new, self.changed) {
            (old, new, Some(changed)) if old == new => format!("{} of {} differ", changed, bytes(old)),
            (old, new, Some(changed)) => {
                let fate = if new > old { "new" } else { "gone" };
                let (shorter, more) = (old.min(new), bytes(old.abs_diff(new)));
                format!("{changed} of {} differ, then {more} are {fate}", bytes(shorter))
            }
            (0, new, _) => format!("{} are new", bytes(new)),
            (old, 0, _) => format!("{} are gone", bytes(old)),
            (old, new, _) => format!("{} became {}", bytes(old), bytes(new)),
        };
        format!("{sizes}; from byte {} on {what}", self.at)
    }
}

/// What two values are when both are images, or bytes; `None` when they are not, or equal as such.
pub(super) fn compare(old: &Json, new: &Json) -> Option<Detail> {
    let (a, b) = match (old, new) {
        (Json::Object(_), Json::Object(_)) => (bytes_of(old)?, bytes_of(new)?),
        (Json::String(old), Json::String(new)) => (image_text(old)?, image_text(new)?),
        _ => return None,
    };
    if a == b {
        return None;
    }
    match (image(&a), image(&b)) {
        (Some(old), Some(new)) => Some(Detail::Image(images((&a, old), (&b, new)))),
        _ => Some(Detail::Stretch(bytes(&a, &b))),
    }
}

/// The bytes of a view.
fn bytes_of(json: &Json) -> Option<Vec<u8>> {
    let map = json.as_object().filter(|map| map.len() == 2)?;
    let text = map.get("$bytes").or_else(|| map.get("$bytearray"))?.as_str()?;
    let bytes = view::from_base64(text)?;
    (map.get("size")?.as_u64() == Some(bytes.len() as u64)).then_some(bytes)
}

/// The bytes of a text that is an image: a `data:` URL, or base64 as messages carry it.
fn image_text(text: &str) -> Option<Vec<u8>> {
    let data = match text.strip_prefix("data:image/") {
        Some(rest) => rest.split_once(";base64,")?.1,
        None => text,
    };
    let head = view::from_base64(data.get(..data.len().min(HEAD) / 4 * 4)?)?;
    image(&head)?;
    view::from_base64(data)
}

fn image(bytes: &[u8]) -> Option<Media> {
    media(bytes).filter(|media| media.mime.starts_with("image/"))
}

/// Two images.
pub(in crate::diff) fn images(old: (&[u8], Media), new: (&[u8], Media)) -> ImageChange {
    let side = |(bytes, media): (&[u8], Media)| ImageSide {
        mime: media.mime,
        name: media.name,
        size: media.size,
        bytes: bytes.len() as u64,
    };
    let (pixels, why) = match pixels(old, new) {
        Ok(pixels) => (Some(pixels), None),
        Err(why) => (None, Some(why)),
    };
    ImageChange { old: side(old), new: side(new), pixels, why }
}

fn pixels(old: (&[u8], Media), new: (&[u8], Media)) -> Result<Pixels, String> {
    let (Some(size), Some(other)) = (old.1.size, new.1.size) else {
        return Err("a size is not known".to_owned());
    };
    if size != other {
        return Err("the sizes differ".to_owned());
    }
    let all = u64::from(size.0) * u64::from(size.1);
    if all > PIXELS {
        return Err(format!("there are more than {PIXELS} of them"));
    }
    let (a, b) = (decoded(old.0, old.1, size)?, decoded(new.0, new.1, size)?);
    let (mut changed, mut bounds) = (0, None::<[u32; 4]>);
    let width = size.0.max(1);
    for (at, (was, now)) in a.chunks_exact(4).zip(b.chunks_exact(4)).enumerate() {
        if was == now {
            continue;
        }
        changed += 1;
        let (x, y) = ((at % width as usize) as u32, (at / width as usize) as u32);
        let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
        bounds = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
    }
    let bounds = bounds.map(|[left, top, right, bottom]| [left, top, right - left + 1, bottom - top + 1]);
    Ok(Pixels { changed, all, bounds })
}

/// Red, green, blue and opacity of each pixel.
fn decoded(data: &[u8], media: Media, (width, height): (u32, u32)) -> Result<Vec<u8>, String> {
    let broken = |error: &dyn std::fmt::Display| format!("the {} cannot be decoded: {error}", media.name);
    let all = (width as usize) * (height as usize);
    let rgba = match media.mime {
        "image/png" => png(data).map_err(|error| broken(&error))?,
        "image/jpeg" => jpeg(data).map_err(|error| broken(&error))?,
        _ => return Err(format!("a {} is not decoded here", media.name)),
    };
    if rgba.len() == all * 4 { Ok(rgba) } else { Err(broken(&"its header and its data disagree")) }
}

fn png(data: &[u8]) -> Result<Vec<u8>, png::DecodingError> {
    let limits = png::Limits { bytes: PIXELS as usize * 8 };
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(data), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let size = reader.output_buffer_size().filter(|size| *size <= PIXELS as usize * 4);
    let mut out = vec![0; size.ok_or(png::DecodingError::LimitsExceeded)?];
    let info = reader.next_frame(&mut out)?;
    out.truncate(info.buffer_size());
    Ok(match info.color_type {
        png::ColorType::Rgba => out,
        png::ColorType::Rgb | png::ColorType::Indexed => {
            out.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], u8::MAX]).collect()
        }
        png::ColorType::Grayscale => out.iter().flat_map(|g| [*g, *g, *g, u8::MAX]).collect(),
        png::ColorType::GrayscaleAlpha => {
            out.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect()
        }
    })
}

fn jpeg(data: &[u8]) -> Result<Vec<u8>, zune_jpeg::errors::DecodeErrors> {
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGBA);
    zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(data), options).decode()
}

/// Two byte strings.
fn bytes(old: &[u8], new: &[u8]) -> Stretch {
    let at = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - at;
    let behind = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[at..old.len() - behind], &new[at..new.len() - behind]);
    let lengths = [a.len() as u64, b.len() as u64];
    let changed = a.iter().zip(b).filter(|(a, b)| a != b).count() as u64;
    Stretch {
        unit: Unit::Bytes,
        sizes: [old.len() as u64, new.len() as u64],
        at: at as u64,
        lengths,
        changed: stays_in_place(lengths, changed).then_some(changed),
        shown: [hexadecimal(old, at, a.len()), hexadecimal(new, at, b.len())],
    }
}

/// Whether two stretches of which so many bytes differ where they stand are told so: nothing was put in or taken out
/// before their end.
pub(in crate::diff) fn stays_in_place([old, new]: [u64; 2], changed: u64) -> bool {
    old == new || (old.min(new) > 0 && changed < old.min(new) / 4)
}

/// The bytes around a place, as numbers; those before it in brackets are equal on both sides.
pub(in crate::diff) fn hexadecimal(bytes: &[u8], at: usize, len: usize) -> String {
    let numbers = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let before = &bytes[at.saturating_sub(BEFORE)..at];
    let shown = &bytes[at..at + len.min(SHOWN)];
    let lead = if at > BEFORE { "… " } else { "" };
    let more = if len > SHOWN { " …" } else { "" };
    format!("{lead}({}) {}{more}", numbers(before), numbers(shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn drawn(width: u32, height: u32, color: png::ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        out
    }

    fn view(bytes: &[u8]) -> Json {
        let value = crate::value::Value::Bytes(bytes.to_vec().into());
        view::to_json(&value, &view::ViewLimits::full()).json
    }

    fn told(old: &[u8], new: &[u8]) -> String {
        match compare(&view(old), &view(new)) {
            Some(Detail::Image(image)) => format!("{}; {}", image.sides(), image.words()),
            Some(Detail::Stretch(stretch)) => format!("{} {:?}", stretch.words(), stretch.shown),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn pixels_are_counted_and_bounded() {
        let mut pixels = vec![10; 6 * 4 * 3];
        let old = drawn(6, 4, png::ColorType::Rgb, &pixels);
        // Two pixels: (2, 1) and (4, 3).
        pixels[(6 + 2) * 3] = 200;
        pixels[(3 * 6 + 4) * 3 + 2] = 11;
        let new = drawn(6, 4, png::ColorType::Rgb, &pixels);
        assert!(
            told(&old, &new).ends_with("2 of 24 pixels differ (8.3 %), within 3 × 3 at 2,1"),
            "{}",
            told(&old, &new)
        );
        // The same picture with an opacity that says nothing.
        let opaque: Vec<u8> = [10, 10, 10, 255].repeat(24);
        let same = drawn(6, 4, png::ColorType::Rgba, &opaque);
        assert!(told(&old, &same).ends_with("the same pixels in other bytes"));
        let grey = drawn(6, 4, png::ColorType::Grayscale, &[10; 24]);
        assert!(told(&old, &grey).ends_with("the same pixels in other bytes"));
        let wide = drawn(4, 6, png::ColorType::Grayscale, &[10; 24]);
        let words = told(&old, &wide);
        assert!(
            words.contains("6 × 4") && words.contains("4 × 6") && words.contains("the sizes differ"),
            "{words}"
        );
    }

    #[test]
    fn bytes_that_stay_in_their_places_are_counted() {
        let old: Vec<u8> = (0..=255).cycle().take(4000).collect();
        let mut new = old.clone();
        new[1000..1004].copy_from_slice(b"\x00\x00\x00\x00");
        new[3000] = 7;
        new.extend(b"tail");
        let words = told(&old, &new);
        assert!(words.contains("from byte 1000 on 5 of 3.0 kB differ, then 4 B are new"), "{words}");
        assert!(told(&new, &old).contains("then 4 B are gone"));
        // What was put in moves all that follows.
        new.splice(10..10, *b"put in");
        assert!(told(&old, &new).contains(" became "), "{}", told(&old, &new));
    }

    #[test]
    fn what_cannot_be_decoded_is_said() {
        let whole = drawn(6, 4, png::ColorType::Grayscale, &[10; 24]);
        let mut torn = whole.clone();
        torn.truncate(50);
        assert!(told(&whole, &torn).contains("cannot be decoded"), "{}", told(&whole, &torn));
        let huge = [&whole[..16], &[0, 1, 0, 0, 0, 1, 0, 0], &whole[24..]].concat();
        let other = [&huge[..], b"x"].concat();
        assert!(told(&huge, &other).contains("more than 16777216"), "{}", told(&huge, &other));
        let gif = |last: u8| [&b"GIF89a"[..], &[4, 0, 4, 0, last]].concat();
        assert!(told(&gif(1), &gif(2)).contains("a GIF image is not decoded here"));
    }

    #[test]
    fn jpegs_are_decoded() {
        // 8 × 8 pixels, all of one grey: made by hand of the standard's tables.
        let grey = |dc: &[u8]| {
            let mut out = b"\xff\xd8\xff\xdb\x00\x43\x00".to_vec();
            out.extend([1; 64]);
            out.extend(b"\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00");
            // One code of length one for a difference of the category 0 and one of length two for 6; end of block.
            out.extend(b"\xff\xc4\x00\x15\x00\x01\x01");
            out.extend([0; 14]);
            out.extend([0, 6]);
            out.extend(b"\xff\xc4\x00\x14\x10\x01");
            out.extend([0; 15]);
            out.push(0);
            out.extend(b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00");
            out.extend(dc);
            out.extend(b"\xff\xd9");
            out
        };
        // `0` (no difference), `0` (end), filled with ones; `10` `100000` (32), `0`.
        let words = told(&grey(&[0b0011_1111]), &grey(&[0b1010_0000, 0b0111_1111]));
        assert!(
            words.contains("JPEG image, 8 × 8") && words.contains("64 of 64 pixels differ (100.0 %)"),
            "{words}"
        );
    }

    #[test]
    fn texts_that_are_images_are_compared_as_such_and_bytes_by_where_they_part() {
        let pictures = [1u8, 2].map(|grey| drawn(4, 4, png::ColorType::Grayscale, &[grey; 16]));
        let text = |bytes: &[u8]| view(bytes)["$bytes"].as_str().unwrap().to_owned();
        let urls = pictures.clone().map(|one| json!(format!("data:image/png;base64,{}", text(&one))));
        assert!(matches!(compare(&urls[0], &urls[1]), Some(Detail::Image(_))));
        let plain = pictures.map(|one| json!(text(&one)));
        assert!(matches!(compare(&plain[0], &plain[1]), Some(Detail::Image(_))));
        assert_eq!(compare(&json!("aaaa"), &json!("bbbb")), None);
        assert_eq!(
            told(b"0123456789abcdef", b"0123456789xyzdef"),
            "16 B; from byte 10 on 3 of 3 B differ [\"… (32 33 34 35 36 37 38 39) 61 62 63\", \
             \"… (32 33 34 35 36 37 38 39) 78 79 7a\"]"
        );
        assert!(
            told(b"abab", b"ab").starts_with("4 B → 2 B; from byte 2 on 2 B are gone"),
            "{}",
            told(b"abab", b"ab")
        );
    }
}
