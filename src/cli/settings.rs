//! The files that the workbench's settings are read from: the user's `config.toml`, the project's `tl-bench.toml`,
//! and the user's themes.

use std::path::{Path, PathBuf};

use crate::app::{SourceFile, Sources};
use crate::base::paths;

/// The user's settings.
const USER_FILE: &str = "config.toml";

fn themes_dir() -> PathBuf {
    paths::config_dir().join("themes")
}

/// Folders in which a change may be one of settings, beside the project's.
pub fn folders() -> [PathBuf; 2] {
    [paths::config_dir(), themes_dir()]
}

/// Whether a file is one of those that settings are made of.
pub fn is_one(path: &Path) -> bool {
    let toml = path.extension().is_some_and(|ext| ext == "toml");
    let named = path.file_name().is_some_and(|name| name == paths::CONFIG_FILE);
    toml && (named || path.parent().is_some_and(|dir| folders().iter().any(|own| own == dir)))
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
    let mut themes: Vec<SourceFile> = std::fs::read_dir(themes_dir())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .filter_map(|path| read((path.file_stem()?.to_str()?.to_owned(), path.clone())))
        .collect();
    themes.sort_by(|a, b| a.path.cmp(&b.path));
    Sources { files: named.into_iter().filter_map(read).collect(), themes }
}
