//! What bytes are, by the marks at their beginning.

/// What bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Media {
    /// The media type, e.g. `image/png`.
    pub mime: &'static str,
    /// For people: `PNG image`.
    pub name: &'static str,
    /// Width and height in pixels, where the header tells.
    pub size: Option<(u32, u32)>,
}

/// How large a file is: `, 320 × 200, 105.8 kB`, the pixels where its header tells.
pub fn measures(size: Option<(u32, u32)>, bytes: u64) -> String {
    let size = size.map(|(width, height)| format!(", {width} × {height}")).unwrap_or_default();
    format!("{size}, {}", crate::base::text::bytes(bytes))
}

/// Where a mark stands, the mark, the media type, its name.
type Mark = (usize, &'static [u8], &'static str, &'static str);

/// The first that fits wins.
const MARKS: &[Mark] = &[
    (0, b"\x89PNG\r\n\x1a\n", "image/png", "PNG image"),
    (0, b"\xff\xd8\xff", "image/jpeg", "JPEG image"),
    (0, b"GIF87a", "image/gif", "GIF image"),
    (0, b"GIF89a", "image/gif", "GIF image"),
    (8, b"WEBP", "image/webp", "WebP image"),
    (0, b"BM", "image/bmp", "BMP image"),
    (0, b"II*\0", "image/tiff", "TIFF image"),
    (0, b"MM\0*", "image/tiff", "TIFF image"),
    (0, b"\0\0\x01\0", "image/x-icon", "icon"),
    (4, b"ftypavif", "image/avif", "AVIF image"),
    (4, b"ftypheic", "image/heic", "HEIC image"),
    (0, b"%PDF-", "application/pdf", "PDF document"),
    (30, b"[Content_Types].xml", "application/vnd.openxmlformats-officedocument", "Office document"),
    (
        30,
        b"word/",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "Word document",
    ),
    (30, b"mimetypeapplication/vnd.oasis", "application/vnd.oasis.opendocument", "OpenDocument"),
    (30, b"mimetypeapplication/epub+zip", "application/epub+zip", "EPUB book"),
    (0, b"PK\x03\x04", "application/zip", "ZIP archive"),
    (0, b"PK\x05\x06", "application/zip", "ZIP archive"),
    (0, b"\x1f\x8b\x08", "application/gzip", "gzip data"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd", "zstd data"),
    (0, b"BZh", "application/x-bzip2", "bzip2 data"),
    (0, b"\xfd7zXZ\0", "application/x-xz", "xz data"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "7z archive"),
    (257, b"ustar", "application/x-tar", "tar archive"),
    (8, b"WAVE", "audio/wav", "WAV audio"),
    (0, b"ID3", "audio/mpeg", "MP3 audio"),
    (0, b"\xff\xfb", "audio/mpeg", "MP3 audio"),
    (0, b"fLaC", "audio/flac", "FLAC audio"),
    (0, b"OggS", "audio/ogg", "Ogg audio"),
    (4, b"ftypM4A", "audio/mp4", "M4A audio"),
    (4, b"ftyp", "video/mp4", "MP4 video"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm", "WebM or Matroska video"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3", "SQLite database"),
    (0, b"PAR1", "application/vnd.apache.parquet", "Parquet table"),
    (0, b"ARROW1", "application/vnd.apache.arrow.file", "Arrow table"),
    (0, b"\x93NUMPY", "application/x-npy", "NumPy array"),
    (0, b"\x89HDF\r\n\x1a\n", "application/x-hdf5", "HDF5 data"),
    (0, b"\x80\x04\x95", "application/x-pickle", "pickle"),
    (0, b"\x80\x05\x95", "application/x-pickle", "pickle"),
    (0, b"\x7fELF", "application/x-elf", "ELF program"),
    (0, b"\0asm", "application/wasm", "WebAssembly"),
    (0, b"wOF2", "font/woff2", "WOFF2 font"),
];

/// Types that have no marks, or are said where the marks are not known: media type, name.
const DECLARED: &[(&str, &str)] = &[
    ("image/svg+xml", "SVG image"),
    ("text/html", "HTML page"),
    ("text/markdown", "markdown"),
    ("text/csv", "CSV table"),
    ("text/plain", "text"),
    ("application/json", "JSON"),
    ("application/xml", "XML"),
    ("application/octet-stream", "data"),
];

/// The ends of file names, by media type. Nothing that a desktop would execute is among them.
const ENDS: &[(&str, &str)] = &[
    ("image/jpeg", "jpg"),
    ("image/svg+xml", "svg"),
    ("image/x-icon", "ico"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("application/gzip", "gz"),
    ("application/zstd", "zst"),
    ("application/x-bzip2", "bz2"),
    ("application/x-xz", "xz"),
    ("application/x-7z-compressed", "7z"),
    ("application/x-tar", "tar"),
    ("application/epub+zip", "epub"),
    ("application/vnd.oasis.opendocument", "odt"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.openxmlformats-officedocument", "docx"),
    ("application/vnd.sqlite3", "sqlite3"),
    ("application/vnd.apache.parquet", "parquet"),
    ("application/vnd.apache.arrow.file", "arrow"),
    ("application/x-npy", "npy"),
    ("application/x-hdf5", "h5"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("font/woff2", "woff2"),
];

impl Media {
    /// Whether a string that is said to be of this type is it, rather than base64 of it.
    pub(super) fn is_text(&self) -> bool {
        let binary = ["image/", "audio/", "video/"].iter().any(|kind| self.mime.starts_with(kind));
        self.mime == "image/svg+xml" || !binary && self.mime != "application/pdf"
    }

    /// The end of a file's name: `png`, `pdf`; `bin` for what no program should open.
    pub fn extension(&self) -> &'static str {
        if let Some((_, end)) = ENDS.iter().find(|(mime, _)| *mime == self.mime) {
            return end;
        }
        match self.mime.split_once('/') {
            Some(("image" | "audio" | "video" | "text", end)) => end,
            Some(("application", end @ ("pdf" | "json" | "xml" | "zip"))) => end,
            _ => "bin",
        }
    }
}

/// What a value says that its bytes are; `None` when nothing can be made of it.
pub(super) fn declared(mime: &str) -> Option<Media> {
    let mime = mime.trim().to_ascii_lowercase();
    let known = DECLARED.iter().copied().chain(MARKS.iter().map(|(_, _, mime, name)| (*mime, *name)));
    // A block of audio says `mp3` or `wav`.
    let found = known
        .into_iter()
        .find(|(known, _)| *known == mime || known.split_once('/').is_some_and(|(_, end)| end == mime))?;
    Some(Media { mime: found.0, name: found.1, size: None })
}

/// What bytes are; `None` when their beginning does not tell.
pub fn media(head: &[u8]) -> Option<Media> {
    let fits = |(at, mark, _, _): &&Mark| head.get(*at..*at + mark.len()) == Some(*mark);
    let (_, _, mime, name) = MARKS.iter().filter(|mark| is_zip(head) || mark.0 != 30).find(fits)?;
    let size = match *mime {
        "image/png" => png(head),
        "image/jpeg" => jpeg(head),
        "image/gif" => Some((u32::from(le16(head, 6)?), u32::from(le16(head, 8)?))),
        "image/webp" => webp(head),
        "image/bmp" => bmp(head),
        _ => None,
    };
    // Two letters at the start of a text are no image.
    if *mime == "image/bmp" && size.is_none() {
        return None;
    }
    Some(Media { mime, name, size })
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

fn le16(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

fn le32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*data.get(at..)?.first_chunk()?))
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*data.get(at..)?.first_chunk()?))
}

fn png(data: &[u8]) -> Option<(u32, u32)> {
    (data.get(12..16)? == b"IHDR").then_some((be32(data, 16)?, be32(data, 20)?))
}

/// The frame header, wherever it stands between the other segments.
fn jpeg(data: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [mark, kind] = *data.get(at..)?.first_chunk()?;
        match (mark, kind) {
            (0xff, 0xff) => at += 1,
            (0xff, 0xd0..=0xd8 | 0x01) => at += 2,
            (0xff, 0xc0..=0xcf) if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                return Some((u32::from(be16(data, at + 7)?), u32::from(be16(data, at + 5)?)));
            }
            (0xff, 0xd9 | 0xda) => return None,
            (0xff, _) => at += 2 + usize::from(be16(data, at + 2)?.max(2)),
            _ => return None,
        }
    }
}

fn webp(data: &[u8]) -> Option<(u32, u32)> {
    let three = |at: usize| -> Option<u32> {
        let [a, b, c] = *data.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes([a, b, c, 0]) + 1)
    };
    match data.get(12..16)? {
        b"VP8 " if data.get(23..26)? == b"\x9d\x01\x2a" => {
            Some((u32::from(le16(data, 26)? & 0x3fff), u32::from(le16(data, 28)? & 0x3fff)))
        }
        b"VP8L" => {
            let bits = le32(data, 21)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((three(24)?, three(27)?)),
        _ => None,
    }
}

fn bmp(data: &[u8]) -> Option<(u32, u32)> {
    // The size of the header that follows tells the versions that exist.
    let known = matches!(le32(data, 14)?, 40 | 52 | 56 | 64 | 108 | 124);
    known.then_some((le32(data, 18)?, (le32(data, 22)? as i32).unsigned_abs()))
}
