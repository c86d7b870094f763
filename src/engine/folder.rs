//! The private folder of a running engine: its socket, and small files that it shares with its workers. The workbench has
//! one, too, for the files that it gives to other programs.
//!
//! It lies among the system's temporary files, because a socket's path must be short. An engine that is killed leaves
//! it behind; the next one removes it. A lock that the kernel gives back at the process's end says whose engine
//! lives; a folder without the locked file is never touched.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const PREFIX: &str = "tlb-";
/// The locked file.
const LOCK: &str = "lock";
/// Folders that one run removes at most, so that nobody waits for it.
const SWEPT: usize = 200;

/// The folder of this engine; removed with it.
pub struct Folder {
    dir: TempDir,
    _lock: File,
}

impl Folder {
    /// Makes it, for this user only.
    pub fn make() -> std::io::Result<Self> {
        Self::make_in(&std::env::temp_dir())
    }

    fn make_in(parent: &Path) -> std::io::Result<Self> {
        // Not the mode that everybody's files get.
        let mine = std::fs::Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix(PREFIX).permissions(mine).tempdir_in(parent)?;
        // It gets its name when it is locked: nobody ever sees it without.
        let unnamed = dir.path().join("lock.new");
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        std::fs::rename(unnamed, dir.path().join(LOCK))?;
        Ok(Folder { dir, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes what killed engines left. What cannot be removed now is left to the next one.
pub fn sweep() {
    sweep_in(&std::env::temp_dir());
}

fn sweep_in(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    let ours = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with(PREFIX));
    let folders = entries.flatten().filter(|entry| ours(&entry.file_name())).map(|entry| entry.path());
    for folder in folders.filter_map(abandoned).take(SWEPT) {
        // The lock is held until the folder is gone.
        let _ = std::fs::remove_dir_all(&folder.0);
    }
}

/// The folder, when its engine is gone; with the lock, which is ours now.
fn abandoned(folder: PathBuf) -> Option<(PathBuf, File)> {
    let lock = File::open(folder.join(LOCK)).ok()?;
    lock.try_lock().ok()?;
    Some((folder, lock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_gets_into_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::make_in(parent.path()).unwrap();
        assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn only_folders_of_engines_that_are_gone_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let alive = Folder::make_in(parent.path()).unwrap();
        let killed = Folder::make_in(parent.path()).unwrap();
        let left = killed.path().to_path_buf();
        // What a kill does: the lock goes, the folder stays.
        let Folder { dir, _lock } = killed;
        std::mem::forget(dir);
        drop(_lock);
        std::fs::write(left.join("slots-1"), "").unwrap();
        let foreign = parent.path().join("tlb-of-an-older-version");
        std::fs::create_dir(&foreign).unwrap();
        sweep_in(parent.path());
        assert!(!left.exists());
        assert!(alive.path().exists() && foreign.exists());
        let path = alive.path().to_path_buf();
        drop(alive);
        assert!(!path.exists());
    }
}
