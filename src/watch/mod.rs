//! Noticing changes: files of single folders, and bursts of reports gathered to batches.
//!
//! Only this floor names notify. Nothing here wakes up while nothing changes. What a save means is decided above.
//!
//! - `burst`: when a burst of reports is over (no clock, no I/O)
//! - `interest`: which folders a watch needs, and which reports matter
//! - `backend`: what reports changes: notify, or else `poll`
//! - `poll`: looking again and again
//! - `tree`: the thread that connects them

mod backend;
mod burst;
mod interest;
mod poll;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use notify::Watcher as _;

pub use burst::Changes;
pub use interest::{Interest, is_source};
pub use tree::{Report, TreeWatch};
/// A watch over folders; it ends when this is dropped.
pub struct Watch(#[expect(dead_code, reason = "held for its drop")] notify::RecommendedWatcher);

/// Watches folders (not what lies below them) and calls back with each path that changed, on a thread of its own.
///
/// A folder that cannot be watched is left out; an error means that nothing can be watched at all.
pub fn folders(dirs: &[PathBuf], mut changed: impl FnMut(&Path) + Send + 'static) -> Result<Watch, String> {
    let handler = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        // Reading is no change, and our own readers would wake us for ever.
        if !event.kind.is_access() {
            event.paths.iter().for_each(|path| changed(path));
        }
    };
    let mut watcher = notify::recommended_watcher(handler).map_err(|error| error.to_string())?;
    for dir in dirs {
        let _ = watcher.watch(dir, notify::RecursiveMode::NonRecursive);
    }
    Ok(Watch(watcher))
}

/// Waits for a report and gathers what follows until the most urgent one has waited long enough.
///
/// `None` when nobody can report any more.
pub fn gather<T>(inbox: &Receiver<T>, patience: impl Fn(&T) -> Duration) -> Option<Vec<T>> {
    let first = inbox.recv().ok()?;
    let mut deadline = Instant::now() + patience(&first);
    let mut batch = vec![first];
    while let Ok(next) = inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        deadline = deadline.min(Instant::now() + patience(&next));
        batch.push(next);
    }
    Some(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_burst_is_one_batch() {
        let (send, receive) = channel();
        for i in 0..5 {
            send.send(i).unwrap();
        }
        assert_eq!(gather(&receive, |_| Duration::from_millis(1)), Some(vec![0, 1, 2, 3, 4]));
        drop(send);
        assert_eq!(gather(&receive, |_| Duration::from_millis(1)), None);
    }

    #[test]
    fn a_saved_file_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let (send, receive) = channel();
        let root = dir.path().canonicalize().unwrap();
        let _watch = folders(std::slice::from_ref(&root), move |path| {
            let _ = send.send(path.to_path_buf());
        })
        .unwrap();
        std::fs::write(root.join("a.py"), "x = 1").unwrap();
        let found = receive.recv_timeout(Duration::from_secs(10)).expect("the save is reported");
        assert_eq!(found, root.join("a.py"));
    }
}
