//! kitty's graphics protocol: an image is sent once under a number, and placed, moved and deleted by it.

use std::io::{self, Write};

use crate::app::msg::Picture;
use crate::ui::Placed;
use crate::value::view::base64;

use super::at;

/// Characters of a piece at most, as the protocol says.
const PIECE: usize = 4_096;

/// Sends an image under a number. It is a PNG of our own making; the terminal answers nothing.
pub(super) fn send(out: &mut impl Write, id: u32, picture: &Picture) -> io::Result<()> {
    let data = base64(&png(picture)?);
    let mut pieces = data.as_bytes().chunks(PIECE).peekable();
    let mut head = format!("a=t,f=100,i={id},q=2,");
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        write!(out, "\x1b_G{head}m={more};")?;
        out.write_all(piece)?;
        out.write_all(b"\x1b\\")?;
        head.clear();
    }
    Ok(())
}

fn png(picture: &Picture) -> io::Result<Vec<u8>> {
    let (width, height) = picture.size();
    let side = |n: usize| u32::try_from(n).map_err(io::Error::other);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side(width)?, side(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(picture.pixels.as_flattened()).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(out)
}

/// Places an image that was sent, or moves it: the part of it that can be seen, scaled to its cells.
pub(super) fn place(out: &mut impl Write, id: u32, placed: &Placed) -> io::Result<()> {
    let (width, height) = placed.picture.size();
    let rows = usize::from(placed.rows.max(1));
    let top = height * usize::from(placed.skip) / rows;
    let bottom = height * usize::from(placed.skip + placed.area.h) / rows;
    let (columns, h) = (placed.area.w, (bottom - top).max(1));
    let command = format!(
        "\x1b_Ga=p,i={id},p=1,c={columns},r={},x=0,y={top},w={width},h={h},C=1,q=2\x1b\\",
        placed.area.h
    );
    at(out, placed.area, command.as_bytes())
}

/// Takes an image from the screen and from the terminal's memory.
pub(super) fn delete(out: &mut impl Write, id: u32) -> io::Result<()> {
    write!(out, "\x1b_Ga=d,d=I,i={id},q=2\x1b\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_images_go_in_pieces_that_make_the_picture() {
        let pixels: Vec<[u8; 3]> =
            (0..120 * 90u32).map(|i| [i as u8, (i * 7) as u8, (i.wrapping_mul(i) >> 5) as u8]).collect();
        let picture = Picture { width: 120, pixels };
        let mut out = Vec::new();
        send(&mut out, 7, &picture).unwrap();
        let text = String::from_utf8(out).unwrap();
        let pieces: Vec<&str> = text.split_terminator("\x1b\\").collect();
        assert!(pieces.len() > 2);
        let mut data = String::new();
        for (i, piece) in pieces.iter().enumerate() {
            let (head, body) = piece.strip_prefix("\x1b_G").unwrap().split_once(';').unwrap();
            assert_eq!(head.ends_with("m=1"), i + 1 < pieces.len(), "{head}");
            assert!(body.len() <= PIECE);
            data.push_str(body);
        }
        let bytes = crate::value::view::from_base64(&data).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut back = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut back).unwrap();
        assert_eq!(back, picture.pixels.as_flattened());
    }
}
