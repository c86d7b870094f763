//! One connection: frames in, frames out. Runs on the engine's thread.
//!
//! A frame is written at once, by the one who sends it; only what the socket does not take is left to a task. The
//! socket is watched for what arrives only: watching for room, too, would wake the loop after every frame.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

use super::core::ConnId;
use crate::proto::VERSION;
use crate::proto::message::{FromWorker, Hello, ToWorker};
use crate::proto::{Decoder, Frame, encode};

/// How long a process that connected may take to say who it is.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// Reads frames.
pub struct Reader {
    stream: AsyncFd<UnixStream>,
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
            let want = missing.clamp(16 << 10, 1 << 20);
            buffer.reserve(want);
            let mut guard = self.stream.readable().await.map_err(|error| error.to_string())?;
            let have = buffer.len();
            buffer.put_bytes(0, want);
            let outcome = match buffer.get_mut(have..) {
                Some(space) => guard.get_inner().read(space),
                None => Ok(0),
            };
            let got = outcome.as_ref().copied().unwrap_or(0);
            buffer.truncate(have + got);
            match outcome {
                Ok(0) => return Ok(None),
                Ok(got) => {
                    if got < want {
                        // Nothing is left: more would have been read.
                        guard.clear_ready();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

/// The writing half: cheap to clone. When the last one goes, the peer sees the end of the stream.
#[derive(Clone)]
pub struct Outlet {
    stream: Rc<UnixStream>,
    /// Frames that wait for room.
    waiting: Rc<Cell<usize>>,
    overflow: mpsc::UnboundedSender<VecDeque<Bytes>>,
}

impl Outlet {
    /// Sends the parts of a frame. What is sent to a peer that is gone is dropped: its reader notices.
    pub fn send(&self, parts: Vec<Bytes>) {
        let mut parts = VecDeque::from(parts);
        if self.waiting.get() == 0 && !write_some(&self.stream, &mut parts) {
            return;
        }
        self.waiting.set(self.waiting.get() + 1);
        let _ = self.overflow.send(parts);
    }
}

/// Most parts that one system call takes.
const PARTS: usize = 256;

/// Writes what the socket takes; whether something is left that it may take later.
fn write_some(mut stream: &UnixStream, parts: &mut VecDeque<Bytes>) -> bool {
    while let Some(first) = parts.front() {
        let outcome = if parts.len() == 1 {
            stream.write(first)
        } else {
            let slices: Vec<IoSlice<'_>> = parts.iter().take(PARTS).map(|part| IoSlice::new(part)).collect();
            stream.write_vectored(&slices)
        };
        let mut written = match outcome {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        };
        while let Some(part) = parts.front_mut() {
            if written < part.len() {
                part.advance(written);
                break;
            }
            written -= part.len();
            parts.pop_front();
        }
    }
    false
}

#[expect(deprecated, reason = "its successor is unsafe code; a stream of std upholds what that asks for")]
fn watch(stream: UnixStream, interest: Interest) -> std::io::Result<AsyncFd<UnixStream>> {
    AsyncFd::with_interest(stream, interest)
}

/// Splits a connection, which must not block; what is sent through the outlet is written in order.
pub fn split(stream: UnixStream) -> std::io::Result<(Reader, Outlet)> {
    let write = stream.try_clone()?;
    let reader = Reader { stream: watch(stream, Interest::READABLE)?, decoder: Decoder::default() };
    let (overflow, outgoing) = mpsc::unbounded_channel();
    let outlet = Outlet { stream: Rc::new(write), waiting: Rc::default(), overflow };
    tokio::task::spawn_local(write_rest(outlet.stream.clone(), outlet.waiting.clone(), outgoing));
    Ok((reader, outlet))
}

/// Writes what the socket did not take at once.
async fn write_rest(
    stream: Rc<UnixStream>,
    waiting: Rc<Cell<usize>>,
    mut outgoing: mpsc::UnboundedReceiver<VecDeque<Bytes>>,
) {
    while let Some(mut parts) = outgoing.recv().await {
        while write_some(&stream, &mut parts) {
            // Watched only while there is something to write; a second descriptor, because one is watched once.
            let room = async {
                let watched = watch(stream.try_clone()?, Interest::WRITABLE)?;
                watched.writable().await?.retain_ready();
                std::io::Result::Ok(())
            };
            if room.await.is_err() {
                return;
            }
        }
        waiting.set(waiting.get().saturating_sub(1));
    }
    let _ = stream.shutdown(std::net::Shutdown::Write);
}

/// Finds out who connected; `None` when it is nobody that may.
pub async fn greet(stream: tokio::net::UnixStream, token: &str) -> Option<(Hello, Reader, Outlet)> {
    let (mut reader, outlet) = stream.into_std().and_then(split).ok()?;
    let frame = match tokio::time::timeout(HELLO_LIMIT, reader.next()).await {
        Ok(Ok(Some(frame))) => frame,
        _ => return None,
    };
    let admitted = match FromWorker::parse(&frame) {
        Ok(FromWorker::Hello(hello)) if hello.token != token => Err("wrong token".to_owned()),
        Ok(FromWorker::Hello(hello)) if hello.proto != VERSION => {
            Err(format!("protocol {VERSION} is spoken here, not {}", hello.proto))
        }
        Ok(FromWorker::Hello(hello)) => Ok(hello),
        _ => Err("the first message must be hello".to_owned()),
    };
    match admitted {
        Ok(hello) => Some((hello, reader, outlet)),
        Err(why) => {
            outlet.send(encode(&ToWorker::Refused { why }.header(), &[]));
            None
        }
    }
}

/// All connections that can be written to.
#[derive(Default)]
pub struct Peers {
    outlets: HashMap<ConnId, Outlet>,
    last: ConnId,
}

impl Peers {
    /// Adds a connection and numbers it, from 1.
    pub fn add(&mut self, outlet: Outlet) -> ConnId {
        self.last += 1;
        self.outlets.insert(self.last, outlet);
        self.last
    }

    /// Forgets a connection.
    pub fn remove(&mut self, conn: ConnId) {
        self.outlets.remove(&conn);
    }

    /// Sends; a message to a peer that is gone is dropped.
    pub fn send(&self, conn: ConnId, message: &ToWorker, blobs: &[Bytes]) {
        if let Some(outlet) = self.outlets.get(&conn) {
            outlet.send(encode(&message.header(), blobs));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of all shapes, more than a socket holds, arrive whole and in order.
    #[test]
    fn what_the_socket_does_not_take_at_once_arrives_in_order() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, async {
            let (here, there) = UnixStream::pair().unwrap();
            here.set_nonblocking(true).unwrap();
            there.set_nonblocking(true).unwrap();
            let (_unused, outlet) = split(here).unwrap();
            let (mut reader, _back) = split(there).unwrap();
            let shapes: [&[usize]; 6] = [&[], &[0], &[3, 0, 5], &[3_000_000], &[100; 3_000], &[20_000; 300]];
            let frames = || {
                (0..3u8).flat_map(|round| {
                    shapes.iter().map(move |sizes| {
                        sizes.iter().map(|size| Bytes::from(vec![round; *size])).collect::<Vec<Bytes>>()
                    })
                })
            };
            for blobs in frames() {
                outlet.send(encode(b"{}", &blobs));
            }
            drop(outlet);
            for blobs in frames() {
                let frame = reader.next().await.unwrap().unwrap();
                assert!(frame.blobs == blobs);
            }
            assert!(reader.next().await.unwrap().is_none());
        });
    }
}
