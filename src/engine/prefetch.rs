//! Values that will be needed soon, read by a thread of their own while the scheduler goes on.
//!
//! Reading and unpacking a value takes as long as everything else that serving a call takes.
//!
//! Invariant: nobody waits for a thread that does not run yet. It may be long before the system lets it begin; until then
//! whoever needs a value reads it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::base::digest::Digest;

/// Values that are read in one transaction: the first ones are there while the rest is read.
const GROUP: usize = 16;
/// Values that are held without having been asked for.
const HELD: usize = 4_096;
/// A value that is wanted after more others than these is not waited for until they are read.
const NEAR: usize = 64;
/// How long a reader that hangs is waited for. Then the value is read where it is needed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads several values; what cannot be read is left out, and reported where it is needed.
pub type Read = Box<dyn Fn(&[Digest]) -> Vec<(Digest, Bytes)> + Send>;

/// The thread, and what it has read. Each value is handed out once.
#[derive(Default)]
pub struct Prefetch {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// In order; some of them may have been read by others since.
    wanted: VecDeque<Digest>,
    /// Wanted, and not begun.
    pending: HashSet<Digest>,
    /// What the thread is reading.
    reading: Vec<Digest>,
    held: HashMap<Digest, Bytes>,
    /// The thread runs.
    begun: bool,
    over: bool,
}

impl State {
    /// Values are mostly needed in the order in which they were wanted: when one is that is far from its turn, those
    /// before it were passed by.
    fn skip_to(&mut self, digest: &Digest) {
        if !self.pending.contains(digest) {
            return;
        }
        let at = self.wanted.iter().position(|one| one == digest).unwrap_or(0);
        if at > NEAR {
            for passed in self.wanted.drain(..at) {
                self.pending.remove(&passed);
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prefetch {
    /// These will be needed, in this order. `read` is used when the thread does not run yet.
    pub fn want(&self, digests: impl Iterator<Item = Digest>, read: impl FnOnce() -> Read) {
        let mut state = self.shared.lock();
        if state.held.len() > HELD {
            // Nobody came for them.
            state.held.clear();
        }
        for digest in digests {
            let on_its_way = state.held.contains_key(&digest) || state.reading.contains(&digest);
            if !on_its_way && state.pending.insert(digest) {
                state.wanted.push_back(digest);
            }
        }
        drop(state);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (shared, read) = (self.shared.clone(), read());
            *thread = std::thread::Builder::new()
                .name("read-ahead".to_owned())
                .stack_size(super::early::STACK)
                .spawn(move || serve(&shared, &read))
                .ok();
            if thread.is_none() {
                // Without a thread nothing is read ahead.
                let mut state = self.shared.lock();
                state.wanted.clear();
                state.pending.clear();
            }
        }
        self.shared.changed.notify_all();
    }

    /// A value that was wanted, as soon as it is read. With `None` the caller reads it: it was not wanted, it cannot be
    /// read, or the thread does not run yet.
    pub fn take(&self, digest: &Digest) -> Option<Bytes> {
        let mut state = self.shared.lock();
        loop {
            if let Some(data) = state.held.remove(digest) {
                return Some(data);
            }
            if !state.begun {
                state.pending.remove(digest);
            }
            if !state.reading.contains(digest) && !state.pending.contains(digest) {
                return None;
            }
            state.skip_to(digest);
            let (next, waited) =
                self.shared.changed.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            state = next;
            if waited.timed_out() {
                state.pending.remove(digest);
                return None;
            }
        }
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn serve(shared: &Shared, read: &Read) {
    let mut state = shared.lock();
    state.begun = true;
    loop {
        if state.over {
            return;
        }
        let State { wanted, pending, reading, .. } = &mut *state;
        while reading.len() < GROUP
            && let Some(digest) = wanted.pop_front()
        {
            if pending.remove(&digest) {
                reading.push(digest);
            }
        }
        let group = reading.clone();
        if group.is_empty() {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        drop(state);
        let found = read(&group);
        state = shared.lock();
        state.reading.clear();
        state.held.extend(found);
        shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    fn digest(number: u8) -> Digest {
        Digest::of(&[number])
    }

    /// A reader that tells when it begins a group, and goes on when it is let.
    fn gated() -> (Read, Receiver<usize>, Sender<()>) {
        let (begun, begins) = channel();
        let (go, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let read = move |group: &[Digest]| {
            begun.send(group.len()).unwrap();
            gate.lock().unwrap().recv().unwrap();
            // One of them is damaged.
            let good = group.iter().filter(|one| **one != digest(1));
            good.map(|one| (*one, Bytes::copy_from_slice(one.as_bytes()))).collect::<Vec<_>>()
        };
        (Box::new(read), begins, go)
    }

    #[test]
    fn what_is_being_read_is_waited_for_and_handed_out_once() {
        let prefetch = Prefetch::default();
        let (read, begins, go) = gated();
        prefetch.want([0, 1, 2].map(digest).into_iter(), || read);
        assert_eq!(begins.recv().unwrap(), 3);
        assert_eq!(prefetch.take(&digest(7)), None);
        go.send(()).unwrap();
        assert_eq!(prefetch.take(&digest(2)).unwrap()[..], digest(2).as_bytes()[..]);
        assert_eq!(prefetch.take(&digest(2)), None);
        assert_eq!(prefetch.take(&digest(1)), None);
        assert!(prefetch.take(&digest(0)).is_some());
        drop(go);
    }

    #[test]
    fn what_comes_after_what_is_being_read_is_waited_for() {
        let prefetch = Prefetch::default();
        let (read, begins, go) = gated();
        let all = GROUP as u8 + 2;
        prefetch.want((0..all).map(digest), || read);
        assert_eq!(begins.recv().unwrap(), GROUP);
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert!(prefetch.take(&digest(all - 1)).is_some());
        assert!(prefetch.take(&digest(all - 2)).is_some());
        assert!(prefetch.take(&digest(0)).is_some());
    }

    #[test]
    fn who_is_far_ahead_does_not_wait_for_what_was_passed_by() {
        let prefetch = Prefetch::default();
        let (read, begins, go) = gated();
        let numbered = |number: u16| Digest::of(&number.to_le_bytes());
        prefetch.want((0..1_000).map(numbered), || read);
        assert_eq!(begins.recv().unwrap(), GROUP);
        std::thread::scope(|scope| {
            let far = scope.spawn(|| prefetch.take(&numbered(990)));
            // It was looked for once only what is wanted from there on is left.
            while prefetch.shared.lock().wanted.len() > 10 {
                std::thread::yield_now();
            }
            go.send(()).unwrap();
            assert_eq!(begins.recv().unwrap(), 10);
            go.send(()).unwrap();
            assert!(far.join().unwrap().is_some());
        });
        assert_eq!(prefetch.take(&numbered(500)), None);
        assert!(prefetch.take(&numbered(3)).is_some() && prefetch.take(&numbered(999)).is_some());
        drop(go);
    }

    #[test]
    fn nobody_waits_for_a_thread_that_does_not_run_yet() {
        let prefetch = Prefetch::default();
        // A thread that the system does not let run.
        *prefetch.thread.lock().unwrap() = Some(std::thread::spawn(|| {}));
        prefetch.want([0, 1].map(digest).into_iter(), || unreachable!("the thread is there"));
        assert_eq!(prefetch.take(&digest(0)), None);
        let (read, begins, go) = gated();
        let shared = prefetch.shared.clone();
        let reader = std::thread::spawn(move || serve(&shared, &read));
        // What was taken meanwhile is not read again.
        assert_eq!(begins.recv().unwrap(), 1);
        go.send(()).unwrap();
        assert_eq!(prefetch.take(&digest(0)), None);
        drop(prefetch);
        reader.join().unwrap();
    }
}
