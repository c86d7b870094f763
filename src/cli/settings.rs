//! The files that the workbench's settings are read from: the user's `config.toml`, the project's `tl-bench.toml`,
//! and the user's themes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::app::{SourceFile, Sources};
use crate::base::paths;
use crate::watch::Interest;

/// The user's settings.
const USER_FILE: &str = "config.toml";

fn themes_dir() -> PathBuf {
    paths::config_dir().join("themes")
}

/// What to watch for changes of them: all named ones, there or not, and themes that come and go.
pub fn interest(project: &Path) -> Interest {
    let mut files: BTreeSet<PathBuf> = themes().collect();
    files.extend([paths::config_dir().join(USER_FILE), project.join(paths::CONFIG_FILE)]);
    Interest { files, listed: [themes_dir()].into(), ..Interest::default() }
}

fn themes() -> impl Iterator<Item = PathBuf> {
    let all = std::fs::read_dir(themes_dir()).into_iter().flatten().flatten().map(|entry| entry.path());
    all.filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
}

/// Reads them; one that does not exist is left out.
pub fn sources(project: &Path) -> Sources {
    let user = paths::config_dir().join(USER_FILE);
    let named = [
        (user.display().to_string(), user.clone()),
        (paths::CONFIG_FILE.to_owned(), project.join(paths::CONFIG_FILE)),
    ];
    let read = |(path, file): (String, PathBuf)| {
        let text = std::fs::read_to_string(file).ok()?;
        Some(SourceFile { path, text })
    };
    let mut themes: Vec<SourceFile> =
        themes().filter_map(|path| read((path.file_stem()?.to_str()?.to_owned(), path.clone()))).collect();
    themes.sort_by(|a, b| a.path.cmp(&b.path));
    Sources { files: named.into_iter().filter_map(read).collect(), themes }
}
