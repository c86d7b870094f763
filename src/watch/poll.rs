//! Looking at folders again and again, where nothing reports changes.
//!
//! A file counts as changed when its size, its inode or its time of change (to the nanosecond, in any direction:
//! a file put back in place is older than the one before) differs.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::backend::{Backend, Raw, Refused};
use super::burst::Sign;

type Stamp = (u64, u64, i64, i64);
type Listing = BTreeMap<PathBuf, Stamp>;

enum Order {
    Watch(PathBuf, Listing),
    Unwatch(PathBuf),
}

/// A backend that polls; its thread ends when it is dropped.
pub struct Polling(Sender<Order>);

impl Polling {
    /// Looks every so often.
    pub fn new(every: Duration, mut report: Box<dyn FnMut(Raw) + Send>) -> std::io::Result<Self> {
        let (send, orders) = channel();
        let look = move || {
            let mut held: BTreeMap<PathBuf, Listing> = BTreeMap::new();
            loop {
                match orders.recv_timeout(every) {
                    Ok(Order::Watch(folder, listing)) => drop(held.insert(folder, listing)),
                    Ok(Order::Unwatch(folder)) => drop(held.remove(&folder)),
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        for (folder, before) in &mut held {
                            let now = listing(folder);
                            compare(before, &now, &mut *report);
                            *before = now;
                        }
                    }
                }
            }
        };
        std::thread::Builder::new().name("poll".to_owned()).spawn(look)?;
        Ok(Polling(send))
    }
}

impl Backend for Polling {
    fn watch(&mut self, folder: &Path) -> Result<(), Refused> {
        if !folder.is_dir() {
            return Err(Refused::Folder);
        }
        // Read here: what changes after this returned is reported.
        let _ = self.0.send(Order::Watch(folder.to_path_buf(), listing(folder)));
        Ok(())
    }

    fn unwatch(&mut self, folder: &Path) {
        let _ = self.0.send(Order::Unwatch(folder.to_path_buf()));
    }
}

/// What is in a folder; nothing when it is gone.
fn listing(folder: &Path) -> Listing {
    let Ok(entries) = std::fs::read_dir(folder) else { return Listing::new() };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let held = std::fs::metadata(entry.path()).ok()?;
            // A folder's own time changes with every file in it.
            let stamp = match held.is_dir() {
                true => (0, held.ino(), 0, 0),
                false => (held.len(), held.ino(), held.mtime(), held.mtime_nsec()),
            };
            Some((entry.path(), stamp))
        })
        .collect()
}

fn compare(before: &Listing, now: &Listing, report: &mut dyn FnMut(Raw)) {
    let names: BTreeSet<&PathBuf> = before.keys().chain(now.keys()).collect();
    for path in names {
        match (before.get(path), now.get(path)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(_), Some(_)) => report(Raw::Path(path.clone(), Sign::Writing)),
            (Some(_), None) => report(Raw::Name(path.clone(), Sign::Gone)),
            _ => report(Raw::Name(path.clone(), Sign::Writing)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_put_back_in_place_is_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("old.py"), "x = 1").unwrap();
        std::fs::write(at("a.py"), "x = 2").unwrap();
        std::fs::create_dir(at("pkg")).unwrap();
        let before = listing(dir.path());
        std::fs::rename(at("old.py"), at("a.py")).unwrap();
        std::fs::write(at("pkg/b.py"), "").unwrap();
        std::fs::write(at("new.py"), "").unwrap();
        let mut seen = Vec::new();
        compare(&before, &listing(dir.path()), &mut |raw| seen.push(raw));
        let expected = [
            Raw::Path(at("a.py"), Sign::Writing),
            Raw::Name(at("new.py"), Sign::Writing),
            Raw::Name(at("old.py"), Sign::Gone),
        ];
        assert_eq!(seen, expected);
    }
}
