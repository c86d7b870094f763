//! One connection: frames in, frames out. Runs on the engine's thread.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::core::ConnId;
use crate::proto::message::ToWorker;
use crate::proto::{Decoder, Frame, encode};

/// Reads frames.
pub struct Reader {
    half: OwnedReadHalf,
    decoder: Decoder,
}

impl Reader {
    /// The next frame; `None` at the end of the stream, an error's text when the stream is broken.
    pub async fn next(&mut self) -> Result<Option<Frame>, String> {
        loop {
            if let Some(frame) = self.decoder.next_frame().map_err(|error| error.to_string())? {
                return Ok(Some(frame));
            }
            let missing = self.decoder.missing();
            let buffer = self.decoder.buffer();
            // A large frame gets its room at once instead of growing by doubling.
            buffer.reserve(missing.clamp(16 << 10, 8 << 20));
            match self.half.read_buf(buffer).await {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

/// Splits a connection; what is sent through the returned sender is written in order.
pub fn split(stream: UnixStream) -> (Reader, mpsc::UnboundedSender<Vec<Bytes>>) {
    let (read, write) = stream.into_split();
    let (sender, outgoing) = mpsc::unbounded_channel();
    tokio::task::spawn_local(write_all(write, outgoing));
    (Reader { half: read, decoder: Decoder::default() }, sender)
}

async fn write_all(mut half: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<Vec<Bytes>>) {
    while let Some(parts) = outgoing.recv().await {
        for part in parts {
            // A peer that is gone is noticed by its reader.
            if half.write_all(&part).await.is_err() {
                return;
            }
        }
    }
    let _ = half.shutdown().await;
}

/// All connections that can be written to.
#[derive(Default)]
pub struct Peers {
    senders: HashMap<ConnId, mpsc::UnboundedSender<Vec<Bytes>>>,
}

impl Peers {
    /// Adds a connection.
    pub fn insert(&mut self, conn: ConnId, sender: mpsc::UnboundedSender<Vec<Bytes>>) {
        self.senders.insert(conn, sender);
    }

    /// Forgets a connection.
    pub fn remove(&mut self, conn: ConnId) {
        self.senders.remove(&conn);
    }

    /// Sends; a message to a peer that is gone is dropped.
    pub fn send(&self, conn: ConnId, message: &ToWorker, blobs: &[Bytes]) {
        if let Some(sender) = self.senders.get(&conn) {
            let _ = sender.send(encode(&message.header(), blobs));
        }
    }
}
