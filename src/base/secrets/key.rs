//! The user's key for markers and digests of secrets: 32 random bytes beside the user's other state, never in a store.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// The file's name.
const FILE: &str = "secrets.key";

/// Where it is (`TL_BENCH_STATE_DIR`, else the XDG folder of state); `None` when there is no home.
pub fn path() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("TL_BENCH_STATE_DIR") {
        return Some(PathBuf::from(dir).join(FILE));
    }
    let base = etcetera::choose_base_strategy().ok()?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Some(state.join("tl-bench").join(FILE))
}

/// Reads the key, or makes it. When it can be neither, a key for this process alone: values with secrets are then not
/// recognised by later runs, which costs reuse.
pub fn load(random: impl Fn() -> u64) -> [u8; 32] {
    let fresh = || {
        let mut key = [0u8; 32];
        for part in key.chunks_mut(8) {
            part.copy_from_slice(&random().to_le_bytes());
        }
        key
    };
    path().and_then(|path| kept(path, fresh())).unwrap_or_else(fresh)
}

fn read(path: &PathBuf) -> Option<[u8; 32]> {
    let mut key = [0u8; 32];
    std::fs::File::open(path).ok()?.read_exact(&mut key).ok()?;
    Some(key)
}

fn kept(path: PathBuf, fresh: [u8; 32]) -> Option<[u8; 32]> {
    if let Some(key) = read(&path) {
        return Some(key);
    }
    let folder = path.parent()?;
    std::fs::create_dir_all(folder).ok()?;
    // Whole or not at all: another process may make it at the same time, and the first one wins.
    let mut file = tempfile::NamedTempFile::new_in(folder).ok()?;
    file.write_all(&fresh).ok()?;
    file.as_file().sync_all().ok()?;
    match file.persist_noclobber(&path) {
        Ok(_) => Some(fresh),
        Err(_) => read(&path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/secrets.key");
        assert_eq!(kept(path.clone(), [1; 32]), Some([1; 32]));
        assert_eq!(kept(path.clone(), [2; 32]), Some([1; 32]));
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may read it: {mode:o}");
        assert_eq!(kept(PathBuf::from("/proc/none/key"), [3; 32]), None);
    }
}
