//! The frame codec: `u32be H | u32be N | N × u64be L | H bytes of JSON | N blobs`.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Largest header in bytes.
pub const MAX_HEADER: usize = 64 << 20;
/// Most blobs in a frame.
pub const MAX_BLOBS: usize = 1 << 20;
/// Largest sum of blobs in bytes.
pub const MAX_BODY: u64 = 4 << 30;

/// One frame: a JSON header and its blobs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frame {
    /// JSON, UTF-8 (not checked here).
    pub header: Bytes,
    /// The blobs, in order.
    pub blobs: Vec<Bytes>,
}

/// Why a stream cannot be decoded any further.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// The header would be too long.
    #[error("a frame's header of {0} bytes is over the limit of {MAX_HEADER}")]
    HeaderTooLong(usize),
    /// Too many blobs.
    #[error("a frame with {0} blobs is over the limit of {MAX_BLOBS}")]
    TooManyBlobs(usize),
    /// The blobs would be too long.
    #[error("a frame's blobs are over the limit of {MAX_BODY} bytes")]
    BodyTooLong,
    /// The header is not a message that this version knows.
    #[error("not a message: {0}")]
    Message(String),
}

/// Cuts a byte stream into frames.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// Where the next bytes of the stream are to be read into.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// How many bytes the frame at the front still lacks, as far as is known (0: unknown or complete).
    pub fn missing(&self) -> usize {
        match self.layout() {
            Ok(Some(layout)) => layout.total.saturating_sub(self.buffer.len()),
            _ => 0,
        }
    }

    fn layout(&self) -> Result<Option<Layout>, FrameError> {
        let mut head = &self.buffer[..];
        if head.len() < 8 {
            return Ok(None);
        }
        let header = head.get_u32() as usize;
        let blobs = head.get_u32() as usize;
        if header > MAX_HEADER {
            return Err(FrameError::HeaderTooLong(header));
        }
        if blobs > MAX_BLOBS {
            return Err(FrameError::TooManyBlobs(blobs));
        }
        if head.len() < 8 * blobs {
            return Ok(None);
        }
        let mut body = 0u64;
        for _ in 0..blobs {
            body = body.saturating_add(head.get_u64());
            if body > MAX_BODY {
                return Err(FrameError::BodyTooLong);
            }
        }
        let start = 8 + 8 * blobs;
        Ok(Some(Layout { header, blobs, start, total: start + header + body as usize }))
    }

    /// The next whole frame, if it has arrived.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(layout) = self.layout()? else { return Ok(None) };
        if self.buffer.len() < layout.total {
            return Ok(None);
        }
        let whole = self.buffer.split_to(layout.total).freeze();
        let mut lengths = whole.slice(8..layout.start);
        let mut at = layout.start + layout.header;
        let header = whole.slice(layout.start..at);
        let mut blobs = Vec::with_capacity(layout.blobs);
        for _ in 0..layout.blobs {
            let length = lengths.get_u64() as usize;
            blobs.push(whole.slice(at..at + length));
            at += length;
        }
        Ok(Some(Frame { header, blobs }))
    }
}

struct Layout {
    header: usize,
    blobs: usize,
    start: usize,
    total: usize,
}

/// A frame as bytes to be written: a few small blobs are joined to one buffer, large and many stay as they are.
pub fn encode(header: &[u8], blobs: &[Bytes]) -> Vec<Bytes> {
    const JOIN: usize = 16 << 10;
    let mut small: usize = blobs.iter().map(Bytes::len).filter(|n| *n <= JOIN).sum();
    if small > 2 * JOIN {
        // Results of a map: copying them all takes longer than the system takes to gather them.
        small = 0;
    }
    let mut out = Vec::new();
    let mut buffer = BytesMut::with_capacity(8 + 8 * blobs.len() + header.len() + small);
    buffer.put_u32(header.len() as u32);
    buffer.put_u32(blobs.len() as u32);
    for blob in blobs {
        buffer.put_u64(blob.len() as u64);
    }
    buffer.put_slice(header);
    for blob in blobs {
        if small > 0 && blob.len() <= JOIN {
            buffer.put_slice(blob);
        } else {
            if !buffer.is_empty() {
                out.push(buffer.split().freeze());
            }
            out.push(blob.clone());
        }
    }
    if !buffer.is_empty() {
        out.push(buffer.freeze());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn join(parts: &[Bytes]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn large_blobs_are_not_copied() {
        let big = Bytes::from(vec![7; 100_000]);
        let parts = encode(b"{}", &[Bytes::from_static(b"a"), big.clone(), Bytes::from_static(b"b")]);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[1].as_ptr(), big.as_ptr());
    }

    #[test]
    fn limits_are_kept() {
        let mut decoder = Decoder::default();
        decoder.buffer().put_u32(u32::MAX);
        decoder.buffer().put_u32(0);
        assert_eq!(decoder.next_frame(), Err(FrameError::HeaderTooLong(u32::MAX as usize)));
        let mut decoder = Decoder::default();
        decoder.buffer().put_u32(0);
        decoder.buffer().put_u32(2);
        decoder.buffer().put_u64(u64::MAX);
        decoder.buffer().put_u64(u64::MAX);
        assert_eq!(decoder.next_frame(), Err(FrameError::BodyTooLong));
    }

    proptest! {
        #[test]
        fn round_trip_in_any_pieces(
            frames in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 0..40),
                 proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..5)), 0..6),
            step in 1usize..50,
        ) {
            let frames: Vec<Frame> = frames.into_iter().map(|(header, blobs)| Frame {
                header: header.into(), blobs: blobs.into_iter().map(Bytes::from).collect(),
            }).collect();
            let mut stream = Vec::new();
            for frame in &frames {
                stream.extend(join(&encode(&frame.header, &frame.blobs)));
            }
            let mut decoder = Decoder::default();
            let mut got = Vec::new();
            for piece in stream.chunks(step) {
                decoder.buffer().put_slice(piece);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    got.push(frame);
                }
            }
            prop_assert_eq!(got, frames);
        }

        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = Decoder::default();
            decoder.buffer().put_slice(&bytes);
            while let Ok(Some(frame)) = decoder.next_frame() {
                let _ = super::super::message::FromWorker::parse(&frame);
            }
        }
    }
}
