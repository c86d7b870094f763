//! Where things are: the project, its store, caches.
//!
//! A project is the nearest folder, going up from where we are, that holds `tl-bench.toml`,
//! `.tl-bench/`, `pyproject.toml` or `.git` (design.md section 2).

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// The name of the store's folder in a project.
pub const STORE_DIR: &str = ".tl-bench";
/// The name of the project's configuration file.
pub const CONFIG_FILE: &str = "tl-bench.toml";

const MARKS: [&str; 4] = [CONFIG_FILE, STORE_DIR, "pyproject.toml", ".git"];

/// The project that `start` lies in; `start` itself when no mark is found above it.
pub fn find_project(start: &Path) -> PathBuf {
    start
        .ancestors()
        .find(|dir| MARKS.iter().any(|mark| dir.join(mark).exists()))
        .unwrap_or(start)
        .to_path_buf()
}

/// The user's cache folder for tl-bench (`TL_BENCH_CACHE_DIR`, else the XDG one).
pub fn cache_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("TL_BENCH_CACHE_DIR") {
        return PathBuf::from(dir);
    }
    match etcetera::choose_base_strategy() {
        Ok(base) => base.cache_dir().join("tl-bench"),
        Err(_) => std::env::temp_dir().join("tl-bench-cache"),
    }
}

/// The user's configuration folder for tl-bench (`TL_BENCH_CONFIG_DIR`, else the XDG one).
pub fn config_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("TL_BENCH_CONFIG_DIR") {
        return PathBuf::from(dir);
    }
    match etcetera::choose_base_strategy() {
        Ok(base) => base.config_dir().join("tl-bench"),
        Err(_) => std::env::temp_dir().join("tl-bench-config"),
    }
}

/// `path` as seen from `base` when it lies below it, else unchanged: for messages.
pub fn relative<'a>(path: &'a Path, base: &Path) -> &'a Path {
    path.strip_prefix(base).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mark_wins() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let inner = dir.path().join("a/b/c");
        std::fs::create_dir_all(&inner)?;
        std::fs::write(dir.path().join("a").join(CONFIG_FILE), "")?;
        assert_eq!(find_project(&inner), dir.path().join("a"));
        Ok(())
    }
}
