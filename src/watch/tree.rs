//! A watch over what an [`Interest`] names: a thread that sleeps until something is reported, and hands on bursts.
//!
//! Invariants: folders are watched one by one, never what lies below them; nothing that happens between a folder's
//! birth and its watch is missed, because a folder that is newly watched counts as changed; a folder whose name was
//! taken by another is watched anew; when the system refuses, files are polled and the owner is told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::backend::{Backend, Make, POLL, Raw, Refused, Source, machine};
use super::burst::{Burst, Changes, Sign};
use super::interest::Interest;

/// What the owner of a watch is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// Files or folders may have changed.
    Changed(Changes),
    /// A sentence for the user.
    Notice(String),
}

enum Order {
    Raw(Raw),
    Attend(Box<Interest>),
    End,
}

/// A watch; it ends when this is dropped.
pub struct TreeWatch {
    orders: Sender<Order>,
}

impl TreeWatch {
    /// Watches. Reports come on a thread of its own, none for what was there before.
    pub fn start(interest: Interest, report: impl FnMut(Report) + Send + 'static) -> std::io::Result<Self> {
        let polling = std::env::var_os("TL_BENCH_WATCH").is_some_and(|how| how == "poll");
        let source = if polling { Source::Polling } else { Source::Events };
        Self::with(machine(), source, interest, report)
    }

    fn with(
        make: Make,
        source: Source,
        interest: Interest,
        report: impl FnMut(Report) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = channel();
        let mut keeper = Keeper {
            make,
            orders: orders.clone(),
            interest: Arc::new(RwLock::new(interest)),
            source,
            backend: None,
            held: BTreeSet::new(),
            burst: Burst::default(),
            begun: Instant::now(),
            report: Box::new(report),
        };
        // In the caller's thread: what changes after this returned is reported.
        keeper.reconcile(false);
        std::thread::Builder::new().name("watch".to_owned()).spawn(move || keeper.run(&inbox))?;
        Ok(TreeWatch { orders })
    }

    /// From now on this matters. What is newly watched because of it counts as changed.
    pub fn attend(&self, interest: Interest) {
        let _ = self.orders.send(Order::Attend(Box::new(interest)));
    }
}

impl Drop for TreeWatch {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End);
    }
}

struct Keeper {
    make: Make,
    orders: Sender<Order>,
    interest: Arc<RwLock<Interest>>,
    source: Source,
    backend: Option<Box<dyn Backend>>,
    held: BTreeSet<PathBuf>,
    burst: Burst,
    begun: Instant,
    report: Box<dyn FnMut(Report) + Send>,
}

impl Keeper {
    fn run(mut self, inbox: &Receiver<Order>) {
        loop {
            let order = match self.burst.due() {
                // Nothing is held: sleep without a timer.
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => inbox.recv_timeout(due.saturating_sub(self.begun.elapsed())),
            };
            match order {
                Ok(Order::Raw(raw)) => self.raw(raw),
                Ok(Order::Attend(interest)) => {
                    if *read(&self.interest) != *interest {
                        *self.interest.write().unwrap_or_else(PoisonError::into_inner) = *interest;
                    }
                    self.reconcile(true);
                }
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(changes) = self.burst.take(self.begun.elapsed()) {
                (self.report)(Report::Changed(changes));
            }
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn raw(&mut self, raw: Raw) {
        let now = self.now();
        match raw {
            Raw::Lost => {
                self.held.clear();
                self.burst.lost(now);
                self.reconcile(true);
            }
            Raw::Path(path, sign) => self.burst.add(now, &path, sign),
            Raw::Name(path, sign) => {
                self.burst.add(now, &path, sign);
                let moved: Vec<PathBuf> =
                    self.held.iter().filter(|folder| folder.starts_with(&path)).cloned().collect();
                if !moved.is_empty() || read(&self.interest).is_above(&path) {
                    for folder in moved {
                        // What has this name now, if anything, is another folder.
                        self.held.remove(&folder);
                        if let Some(backend) = &mut self.backend {
                            backend.unwatch(&folder);
                        }
                    }
                    self.reconcile(true);
                }
            }
        }
    }

    /// Watches what should be and is not, and the reverse. What is new counts as changed unless it is the beginning.
    fn reconcile(&mut self, later: bool) {
        let wanted = read(&self.interest).folders();
        if let Some(backend) = &mut self.backend {
            for folder in self.held.difference(&wanted) {
                backend.unwatch(folder);
            }
        }
        self.held.retain(|folder| wanted.contains(folder));
        let missing: Vec<PathBuf> = wanted.difference(&self.held).cloned().collect();
        for folder in missing {
            match self.watch(&folder) {
                Ok(()) => {
                    if later {
                        let now = self.now();
                        self.burst.add(now, &folder, Sign::Whole);
                    }
                    self.held.insert(folder);
                }
                Err(Refused::Folder) => {}
                Err(Refused::Hopeless(why)) => {
                    self.fall_back(&why, later);
                    return;
                }
            }
        }
    }

    fn watch(&mut self, folder: &Path) -> Result<(), Refused> {
        if self.backend.is_none() {
            let (orders, interest) = (self.orders.clone(), self.interest.clone());
            let filtered = move |raw: Raw| {
                if matters(&read(&interest), &raw) {
                    let _ = orders.send(Order::Raw(raw));
                }
            };
            self.backend = Some((self.make)(self.source, Box::new(filtered))?);
        }
        self.backend.as_mut().map_or(Ok(()), |backend| backend.watch(folder))
    }

    fn fall_back(&mut self, why: &str, later: bool) {
        self.backend = None;
        self.held.clear();
        if self.source == Source::Polling {
            (self.report)(Report::Notice(format!("files cannot be watched: {why}")));
            return;
        }
        self.source = Source::Polling;
        let every = POLL.as_secs();
        (self.report)(Report::Notice(format!("{why}; files are looked at every {every} s instead")));
        self.reconcile(later);
    }
}

fn read(interest: &RwLock<Interest>) -> std::sync::RwLockReadGuard<'_, Interest> {
    interest.read().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a report is worth waking up for.
fn matters(interest: &Interest, raw: &Raw) -> bool {
    match raw {
        Raw::Lost => true,
        Raw::Path(path, _) => interest.has_file(path),
        Raw::Name(path, sign) => {
            interest.has_name(path)
                || interest.is_above(path)
                || (*sign != Sign::Gone && interest.takes_folder(path) && path.is_dir())
        }
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
