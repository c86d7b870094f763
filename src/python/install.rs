//! Puts the runtime's files where an interpreter can import them.

use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};

use crate::base::digest::Digest;
use crate::base::paths;

static RUNTIME: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/python/runtime");

/// The runtime cannot be installed.
#[derive(Debug, thiserror::Error)]
#[error("cannot install the Python runtime in {path}: {source}; set TL_BENCH_CACHE_DIR to a writable folder")]
pub struct InstallError {
    path: PathBuf,
    source: std::io::Error,
}

/// The files of the runtime: relative path and content, in order.
fn files<'a>(dir: &'a Dir<'a>, out: &mut Vec<(&'a Path, &'a [u8])>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(inner) => files(inner, out),
            DirEntry::File(file) if file.path().extension().is_some_and(|ext| ext == "py") => {
                out.push((file.path(), file.contents()));
            }
            DirEntry::File(_) => {}
        }
    }
}

/// Installs the runtime unless it is there, and returns the folder for `PYTHONPATH`.
pub fn install() -> Result<PathBuf, InstallError> {
    let mut all = Vec::new();
    files(&RUNTIME, &mut all);
    all.sort();
    let mut hasher = blake3::Hasher::new();
    for (path, content) in &all {
        hasher.update(path.to_string_lossy().as_bytes());
        hasher.update(Digest::of(content).as_bytes());
    }
    let name = hasher.finalize().to_hex();
    let root = paths::cache_dir().join("runtime");
    let target = root.join(name.get(..16).unwrap_or("runtime"));
    if target.is_dir() {
        return Ok(target);
    }
    write(&root, &target, &all).map_err(|source| InstallError { path: root, source })?;
    Ok(target)
}

/// Writes beside the target and renames, so that a half-written runtime is never imported.
fn write(root: &Path, target: &Path, all: &[(&Path, &[u8])]) -> std::io::Result<()> {
    std::fs::create_dir_all(root)?;
    let temporary = tempfile::Builder::new().prefix("new-").tempdir_in(root)?;
    for (path, content) in all {
        let file = temporary.path().join(path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(file, content)?;
    }
    let written = temporary.keep();
    match std::fs::rename(&written, target) {
        Ok(()) => Ok(()),
        // Another process was faster; its folder has the same content.
        Err(_) if target.is_dir() => std::fs::remove_dir_all(written),
        Err(error) => Err(error),
    }
}
