//! When a burst of reports is over: a state machine without a clock.
//!
//! A save is several reports (a temporary file, a rename, a close), a branch switch hundreds. Whoever acts on the
//! first sees half of it: an empty file, or none. So reports are held until they have been quiet for as long as the
//! least finished of them asks for, but never longer than [`LONGEST`]. Times are durations since any fixed moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a report says about a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sign {
    /// A whole file stands there: it was closed after writing, or renamed to this name.
    Whole,
    /// It is being written, or nobody can say more.
    Writing,
    /// It is gone; many editors put another file in its place at once.
    Gone,
}

impl Sign {
    /// How long it must stay quiet after this.
    fn patience(self) -> Duration {
        match self {
            Sign::Whole => QUIET,
            Sign::Writing | Sign::Gone => UNSURE,
        }
    }
}

/// Quiet after a finished save.
pub const QUIET: Duration = Duration::from_millis(20);
/// Quiet after something unfinished, and after changes of many files.
pub const UNSURE: Duration = Duration::from_millis(100);
/// A burst is handed on after this even if it goes on.
pub const LONGEST: Duration = Duration::from_millis(500);
/// More paths than one save touches: a branch switch or a formatter, which goes on.
const FEW: usize = 4;

/// What changed in a burst.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Files and folders that changed, came or went; sorted, each once.
    pub paths: Vec<PathBuf>,
    /// Reports were lost: anything may have changed.
    pub all: bool,
}

impl Changes {
    /// Adds others.
    pub fn add(&mut self, others: Changes) {
        self.all |= others.all;
        self.paths.extend(others.paths);
        self.paths.sort();
        self.paths.dedup();
    }

    /// Whether this path, or a folder that it lies in, is among them.
    pub fn touch(&self, path: &Path) -> bool {
        self.all
            || path.ancestors().any(|part| self.paths.binary_search_by(|p| p.as_path().cmp(part)).is_ok())
    }
}

/// Reports that are held.
#[derive(Debug, Default)]
pub struct Burst {
    paths: BTreeMap<PathBuf, Sign>,
    all: bool,
    span: Option<(Duration, Duration)>,
}

impl Burst {
    /// Takes a report. The latest about a path counts.
    pub fn add(&mut self, now: Duration, path: &Path, sign: Sign) {
        self.paths.insert(path.to_path_buf(), sign);
        self.reported(now);
    }

    /// Reports were lost.
    pub fn lost(&mut self, now: Duration) {
        self.all = true;
        self.reported(now);
    }

    fn reported(&mut self, now: Duration) {
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now));
    }

    /// When the burst is over if nothing more is reported; `None` when nothing is held.
    pub fn due(&self) -> Option<Duration> {
        let (first, last) = self.span?;
        let many = self.all || self.paths.len() > FEW;
        let unsure = self.paths.values().map(|sign| sign.patience()).max().unwrap_or(UNSURE);
        let quiet = if many { UNSURE } else { unsure };
        Some((last + quiet).min(first + LONGEST))
    }

    /// What is held, when it is due.
    pub fn take(&mut self, now: Duration) -> Option<Changes> {
        if self.due()? > now {
            return None;
        }
        self.span = None;
        let paths = std::mem::take(&mut self.paths).into_keys().collect();
        Some(Changes { paths, all: std::mem::take(&mut self.all) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn paths(changes: &Changes) -> Vec<&str> {
        changes.paths.iter().map(|path| path.to_str().unwrap()).collect()
    }

    #[test]
    fn an_atomic_save_is_one_burst_and_soon_over() {
        let mut burst = Burst::default();
        burst.add(ms(0), Path::new("a.py.tmp"), Sign::Writing);
        burst.add(ms(1), Path::new("a.py.tmp"), Sign::Whole);
        burst.add(ms(2), Path::new("a.py"), Sign::Whole);
        assert_eq!(burst.take(ms(21)), None);
        assert_eq!(paths(&burst.take(ms(22)).unwrap()), ["a.py", "a.py.tmp"]);
        assert_eq!((burst.due(), burst.take(ms(999))), (None, None));
    }

    #[test]
    fn a_file_that_is_being_written_or_gone_gets_time() {
        for sign in [Sign::Writing, Sign::Gone] {
            let mut burst = Burst::default();
            burst.add(ms(0), Path::new("a.py"), sign);
            assert_eq!(burst.take(ms(99)), None);
            // The editor puts its backup away, then writes the new file.
            burst.add(ms(99), Path::new("a.py"), Sign::Whole);
            assert_eq!(burst.due(), Some(ms(119)));
        }
    }

    #[test]
    fn many_files_are_gathered_but_not_for_ever() {
        let mut burst = Burst::default();
        let mut at = 0;
        let batch = loop {
            burst.add(ms(at), Path::new(&format!("{at}.py")), Sign::Whole);
            at += 10;
            if let Some(batch) = burst.take(ms(at)) {
                break batch;
            }
        };
        assert_eq!((at, batch.paths.len()), (500, 50));
    }

    #[test]
    fn what_lies_in_a_changed_folder_is_touched() {
        let changes = Changes { paths: vec!["a.py".into(), "pkg".into()], all: false };
        for (path, expected) in
            [("a.py", true), ("pkg/sub/b.py", true), ("pkg2/b.py", false), ("b.py", false)]
        {
            assert_eq!(changes.touch(Path::new(path)), expected, "{path}");
        }
        assert!(Changes { all: true, ..Changes::default() }.touch(Path::new("x")));
    }

    proptest! {
        /// Whatever is reported: nothing is lost, nothing comes twice, nothing waits longer than the longest.
        #[test]
        fn every_report_is_handed_on_once_and_in_time(
            reports in prop::collection::vec((0u64..200, 0u8..12, 0u8..4), 1..60),
        ) {
            let (mut burst, mut now) = (Burst::default(), ms(0));
            let mut waiting: BTreeMap<PathBuf, Duration> = BTreeMap::new();
            let mut lost = false;
            let hand_over = |burst: &mut Burst, now, waiting: &mut BTreeMap<PathBuf, Duration>, lost: &mut bool| {
                let Some(batch) = burst.take(now) else { return Ok(()) };
                prop_assert_eq!(batch.all, std::mem::take(lost));
                let expected: Vec<PathBuf> = std::mem::take(waiting).into_keys().collect();
                prop_assert_eq!(batch.paths, expected);
                Ok(())
            };
            for (pause, path, sign) in reports {
                let next = now + ms(pause);
                // The owner sleeps until it is due.
                while let Some(due) = burst.due().filter(|due| *due <= next) {
                    for since in waiting.values() {
                        prop_assert!(due <= *since + LONGEST);
                    }
                    hand_over(&mut burst, due, &mut waiting, &mut lost)?;
                }
                now = next;
                let name = PathBuf::from(format!("{path}.py"));
                match sign {
                    0 => { burst.lost(now); lost = true; continue }
                    1 => burst.add(now, &name, Sign::Whole),
                    2 => burst.add(now, &name, Sign::Writing),
                    _ => burst.add(now, &name, Sign::Gone),
                }
                waiting.entry(name).or_insert(now);
            }
            let due = burst.due().unwrap();
            prop_assert!(due >= now && due <= now + LONGEST);
            hand_over(&mut burst, due, &mut waiting, &mut lost)?;
            prop_assert!(waiting.is_empty() && !lost);
        }
    }
}
