//! What the project's files hold now: the comparing side of witnesses.
//!
//! A worker says *that* it looked at a file and which version of it that was (its stamp: inode, size, times); the
//! content is hashed here, once for all calls and workers that saw the same version. When the file is another one by
//! then, the read is recorded without a digest, and nothing will ever match it.
//!
//! Invariant: a hash is used again only for the same stamp, and only when the file had rested for a moment before it
//! was hashed. Within one tick of the file system's clock a file can change and keep its stamp.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ignore::gitignore::Gitignore;
use sha2::{Digest as _, Sha256};

use super::track;
use crate::base::clock::{Clock, Micros};
use crate::base::digest::{self, Digest};
use crate::model::{FileRead, ReadKind};
use crate::proto::message::{Sighting, Stamp};

/// How long a file must have rested: some ticks of Linux's coarse clock.
const MOMENT: Micros = 50_000;
/// The same where the times are whole seconds (FAT, HFS+, some network file systems).
const COARSE_MOMENT: Micros = 2_100_000;
/// Files from this size on are worth a thread of their own ([`Files::warm`]).
const LARGE: u64 = 4 << 20;
/// How often a file that changes while it is hashed is tried again.
const TRIES: usize = 3;

/// Names that appear in folders by themselves: no part of any listing.
pub const NO_DATA: [&str; 8] =
    [".git", ".hg", ".tl-bench", "__pycache__", "node_modules", "site-packages", ".venv", ".DS_Store"];

/// Files and folders as they are now.
pub struct Files {
    root: PathBuf,
    clock: Arc<dyn Clock>,
    ignored: Gitignore,
    hashed: Mutex<HashMap<(PathBuf, ReadKind), Hashed>>,
}

#[derive(Clone, Copy)]
struct Hashed {
    stamp: Stamp,
    digest: Digest,
    sha: Option<[u8; 32]>,
    rested: bool,
}

impl Files {
    /// Those of the project in `root`, but for what the patterns of `track.ignore` match.
    pub fn new(root: &Path, clock: Arc<dyn Clock>, ignore: &[String]) -> Self {
        // The configuration was checked when it was read.
        let ignored = track::ignored(root, ignore).unwrap_or_else(|_| Gitignore::empty());
        Files { root: root.to_path_buf(), clock, ignored, hashed: Mutex::default() }
    }

    /// Whether nothing depends on this file.
    pub fn ignores(&self, path: &str) -> bool {
        let path = Path::new(path);
        let inner = path.strip_prefix(&self.root).unwrap_or(path);
        !self.ignored.is_empty()
            && inner.is_relative()
            && self.ignored.matched_path_or_any_parents(inner, false).is_ignore()
    }

    /// The read that a worker reported, with the digest of what it saw.
    pub fn seen(&self, sighting: &Sighting) -> FileRead {
        let digest = match (sighting.kind, &sighting.stamp) {
            (ReadKind::Absent | ReadKind::Present, _) | (_, None) => None,
            (kind, Some(stamp)) => self.hash(&sighting.path, kind, sighting.sha.is_some()).and_then(|now| {
                let sha = now.sha.map(|sha| digest::hex(&sha));
                let same = now.stamp == *stamp && (sighting.sha.is_none() || sighting.sha == sha);
                same.then_some(now.digest)
            }),
        };
        FileRead { path: sighting.path.clone(), kind: sighting.kind, digest }
    }

    /// Whether a recorded read would see the same now.
    pub fn holds(&self, read: &FileRead) -> bool {
        match read.kind {
            // Recorded before it was ignored.
            ReadKind::Content | ReadKind::Listing | ReadKind::Absent | ReadKind::Present
                if self.ignores(&read.path) =>
            {
                true
            }
            ReadKind::Absent if FileRead::unnameable(&read.path).is_some() => false,
            ReadKind::Absent => !self.is_there(&read.path),
            ReadKind::Present => self.is_there(&read.path),
            kind => read.digest.is_some() && read.digest == self.digest(&read.path, kind),
        }
    }

    /// The digest of a file's content or of a folder's names; `None` when there is no such thing.
    pub fn digest(&self, path: &str, kind: ReadKind) -> Option<Digest> {
        if kind == ReadKind::Matching {
            return self.matching(path);
        }
        self.hash(path, kind, false).map(|found| found.digest)
    }

    fn is_there(&self, path: &str) -> bool {
        std::fs::metadata(self.root.join(path)).is_ok()
    }

    /// What has happened since a read: `file prompts/extract.txt changed`.
    pub fn difference(&self, read: &FileRead) -> Option<String> {
        if self.holds(read) {
            return None;
        }
        let path = &read.path;
        let there = self.is_there(path);
        if let Some(why) = FileRead::unnameable(path).filter(|_| !there) {
            return Some(why);
        }
        Some(match read.kind {
            ReadKind::Content | ReadKind::Listing if read.digest.is_none() => {
                format!("file {path} changed while it was in use")
            }
            ReadKind::Absent => format!("{path} is there now"),
            ReadKind::Present => format!("{path} is gone"),
            ReadKind::Matching => format!("files {path} changed"),
            ReadKind::Content if there => format!("file {path} changed"),
            ReadKind::Content => format!("file {path} is gone"),
            ReadKind::Listing if there => format!("folder {path} has other names"),
            ReadKind::Listing => format!("folder {path} is gone"),
        })
    }

    /// Hashes what is large among these. Called where waiting holds up nobody else.
    pub fn warm(&self, sightings: &[Sighting]) {
        for sighting in sightings.iter().filter(|sighting| is_large(sighting)) {
            self.hash(&sighting.path, sighting.kind, sighting.sha.is_some());
        }
    }

    /// `with_sha`: the worker could not leave it to the stamp (a small file that was new then).
    fn hash(&self, path: &str, kind: ReadKind, with_sha: bool) -> Option<Hashed> {
        let full = self.root.join(path);
        let mut stamp = stamp(&full)?;
        let key = (full, kind);
        let held = self.hashed.lock().ok().and_then(|held| held.get(&key).copied());
        if let Some(held) = held
            && held.stamp == stamp
            && held.rested
            && (held.sha.is_some() || !with_sha)
        {
            return Some(held);
        }
        for _ in 0..TRIES {
            let rested = self.rested(&stamp);
            let (digest, sha) = match kind {
                ReadKind::Listing => self.names(&key.0)?,
                _ => content(&key.0, with_sha)?,
            };
            let after = self::stamp(&key.0)?;
            if after == stamp {
                let found = Hashed { stamp, digest, sha, rested };
                if let Ok(mut held) = self.hashed.lock() {
                    held.insert(key, found);
                }
                return Some(found);
            }
            stamp = after;
        }
        None
    }

    /// All files that match a pattern, by names and contents.
    fn matching(&self, pattern: &str) -> Option<Digest> {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for file in track::Pattern::new(&self.root, pattern).ok()?.files() {
            let name = file.to_string_lossy().into_owned();
            if file.starts_with(&self.root) && self.ignores(&name) {
                continue;
            }
            let digest = self.hash(&name, ReadKind::Content, false).map(|found| found.digest);
            let name =
                file.strip_prefix(&self.root).map_or(name, |inner| inner.to_string_lossy().into_owned());
            parts.push(name.into_bytes());
            parts.push(digest.map_or_else(Vec::new, |digest| digest.as_bytes().to_vec()));
        }
        Some(Digest::of_parts(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()))
    }

    fn names(&self, path: &Path) -> Option<(Digest, Option<[u8; 32]>)> {
        use std::os::unix::ffi::{OsStrExt, OsStringExt};
        let mut names: Vec<Vec<u8>> = std::fs::read_dir(path)
            .ok()?
            .map(|entry| Some(entry.ok()?.file_name().into_vec()))
            .collect::<Option<_>>()?;
        names.sort();
        let sha = Sha256::digest(names.join(&0)).into();
        let ignored = |name: &[u8]| {
            let path = path.join(std::ffi::OsStr::from_bytes(name));
            NO_DATA.iter().any(|ignored| ignored.as_bytes() == name) || self.ignores(&path.to_string_lossy())
        };
        let counted: Vec<&[u8]> = names.iter().map(Vec::as_slice).filter(|name| !ignored(name)).collect();
        Some((Digest::of_parts(&counted), Some(sha)))
    }

    fn rested(&self, stamp: &Stamp) -> bool {
        let newest = stamp.mtime.max(stamp.ctime);
        let moment = if newest % 1_000_000_000 == 0 { COARSE_MOMENT } else { MOMENT };
        self.clock.now().saturating_sub(newest / 1_000) > moment
    }
}

/// Whether hashing it takes long enough to matter.
pub fn is_large(sighting: &Sighting) -> bool {
    sighting.kind == ReadKind::Content && sighting.stamp.is_some_and(|stamp| stamp.size >= LARGE)
}

/// The version of a file.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    Some(Stamp {
        inode: found.ino(),
        size: found.size(),
        mtime: nanos(found.mtime(), found.mtime_nsec()),
        ctime: nanos(found.ctime(), found.ctime_nsec()),
    })
}

fn content(path: &Path, with_sha: bool) -> Option<(Digest, Option<[u8; 32]>)> {
    use std::io::Read;
    // A pipe or a device has no content to compare, and reading it could wait for ever.
    if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return None;
    }
    let mut file = std::fs::File::open(path).ok()?;
    let mut buffer = vec![0u8; 1 << 16];
    let (mut hasher, mut sha) = (blake3::Hasher::new(), Sha256::new());
    loop {
        let n = file.read(&mut buffer).ok()?;
        if n == 0 {
            let sha = with_sha.then(|| sha.finalize().into());
            return Some((Digest(*hasher.finalize().as_bytes()), sha));
        }
        let piece = buffer.get(..n)?;
        hasher.update(piece);
        if with_sha {
            sha.update(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;

    /// A clock that stands still.
    struct At(Micros);

    impl Clock for At {
        fn now(&self) -> Micros {
            self.0
        }
        fn random(&self) -> u64 {
            0
        }
    }

    fn folder() -> (tempfile::TempDir, Files) {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path(), Arc::new(SystemClock), &[]);
        (dir, files)
    }

    fn sighting(dir: &Path, path: &str, kind: ReadKind) -> Sighting {
        let sha = (kind == ReadKind::Content)
            .then(|| content(&dir.join(path), true).and_then(|found| found.1))
            .flatten()
            .map(|sha| digest::hex(&sha));
        Sighting { path: path.into(), kind, stamp: stamp(&dir.join(path)), sha, at: None }
    }

    #[test]
    fn an_edit_is_seen_and_its_undoing_too() {
        let (dir, files) = folder();
        let file = dir.path().join("a.txt");
        std::fs::write(&file, "one").unwrap();
        let read = files.seen(&sighting(dir.path(), "a.txt", ReadKind::Content));
        assert_eq!(read.digest, Some(Digest::of(b"one")));
        assert!(files.holds(&read));
        // The same size, within one tick of the clock: only the content tells.
        for (text, same) in [("two", false), ("one", true), ("six", false)] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(files.holds(&read), same, "{text}");
        }
        assert_eq!(files.difference(&read).as_deref(), Some("file a.txt changed"));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(files.difference(&read).as_deref(), Some("file a.txt is gone"));
    }

    #[test]
    fn a_name_that_is_not_utf8_never_holds_and_is_said_to_be_one() {
        let (dir, files) = folder();
        for kind in [ReadKind::Content, ReadKind::Listing, ReadKind::Absent, ReadKind::Present] {
            let read = files.seen(&sighting(dir.path(), "caf\\udce9.txt", kind));
            assert!(!files.holds(&read), "{kind:?}");
            assert!(files.difference(&read).unwrap().contains("is not UTF-8"), "{kind:?}");
        }
        // It only looks like one.
        std::fs::write(dir.path().join("a\\udce9"), "one").unwrap();
        let read = files.seen(&sighting(dir.path(), "a\\udce9", ReadKind::Content));
        assert!(files.holds(&read));
    }

    #[test]
    fn what_changed_before_it_was_hashed_never_matches() {
        let (dir, files) = folder();
        let file = dir.path().join("a.txt");
        std::fs::write(&file, "one").unwrap();
        let mut seen = sighting(dir.path(), "a.txt", ReadKind::Content);
        std::fs::write(&file, "two").unwrap();
        // Even when the stamp cannot tell.
        seen.stamp = stamp(&file);
        let read = files.seen(&seen);
        assert_eq!(read.digest, None);
        assert!(!files.holds(&read));
        std::fs::write(&file, "one").unwrap();
        assert!(!files.holds(&read));
    }

    #[test]
    fn folders_count_by_their_names() {
        let (dir, files) = folder();
        std::fs::create_dir(dir.path().join("ranks")).unwrap();
        std::fs::write(dir.path().join("ranks/low"), "1").unwrap();
        let read = files.seen(&sighting(dir.path(), "ranks", ReadKind::Listing));
        std::fs::write(dir.path().join("ranks/low"), "2").unwrap();
        std::fs::create_dir(dir.path().join("ranks/__pycache__")).unwrap();
        assert!(files.holds(&read));
        std::fs::write(dir.path().join("ranks/high"), "1").unwrap();
        assert_eq!(files.difference(&read).as_deref(), Some("folder ranks has other names"));
    }

    #[test]
    fn what_is_ignored_is_in_no_listing_and_no_pattern() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path(), Arc::new(SystemClock), &["*.log".into(), "/cache/".into()]);
        std::fs::create_dir(dir.path().join("out")).unwrap();
        std::fs::write(dir.path().join("out/a.md"), "1").unwrap();
        assert!(files.ignores("deep/x.log") && files.ignores("cache/a") && !files.ignores("out/cache"));
        let listing = files.seen(&sighting(dir.path(), "out", ReadKind::Listing));
        let pattern = FileRead {
            path: "out/**".into(),
            kind: ReadKind::Matching,
            digest: files.digest("out/**", ReadKind::Matching),
        };
        std::fs::write(dir.path().join("out/run.log"), "1").unwrap();
        assert!(files.holds(&listing) && files.holds(&pattern));
        std::fs::write(dir.path().join("out/a.md"), "2").unwrap();
        assert!(files.holds(&listing));
        assert_eq!(files.difference(&pattern).as_deref(), Some("files out/** changed"));
    }

    #[test]
    fn what_was_absent_must_stay_so() {
        let (dir, files) = folder();
        let read = files.seen(&sighting(dir.path(), "maybe.txt", ReadKind::Absent));
        assert!(files.holds(&read));
        std::fs::write(dir.path().join("maybe.txt"), "").unwrap();
        assert_eq!(files.difference(&read).as_deref(), Some("maybe.txt is there now"));
    }

    #[test]
    fn a_file_that_rested_is_hashed_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.txt"), "one").unwrap();
        let written = stamp(&dir.path().join("a.txt")).unwrap().ctime / 1_000;
        for (now, rested) in [(written + 10, false), (written + 3_000_000, true)] {
            let files = Files::new(dir.path(), Arc::new(At(now)), &[]);
            files.digest("a.txt", ReadKind::Content);
            let held = files.hashed.lock().unwrap();
            assert!(held.values().all(|held| held.rested == rested));
        }
    }

    #[test]
    fn a_pipe_has_no_content() {
        let (dir, files) = folder();
        nix::unistd::mkfifo(&dir.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(files.digest("pipe", ReadKind::Content), None);
    }
}
