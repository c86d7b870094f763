//! What a project's configuration adds to witnesses, or leaves out of them: `[track]` in tl-bench.toml.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::{Deserialize, Serialize};

use super::files::{Files, NO_DATA};
use super::packages::Packages;
use super::secrets::Secrets;
use crate::base::digest::Digest;
use crate::model::{FileRead, Package, ReadKind};

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
    /// Patterns, as in `.gitignore`, of files that no call depends on.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Distributions that nothing depends on.
    #[serde(default)]
    pub ignore_packages: Vec<String>,
    /// Variables whose values are compared without their digests being anybody's to guess.
    #[serde(skip)]
    pub secrets: Secrets,
}

impl Track {
    /// What is wrong with it: the key and the reason.
    pub fn problem(&self) -> Option<String> {
        if let Some(name) = self.env.iter().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Some(format!("track.env: {name:?} is not the name of an environment variable"));
        }
        let files = self.files.iter().find_map(|pattern| {
            Pattern::new(Path::new("/"), pattern).err().map(|error| format!("track.files: {error}"))
        });
        files.or_else(|| ignored(Path::new("/"), &self.ignore).err())
    }
}

/// The matcher of `track.ignore`.
pub fn ignored(root: &Path, patterns: &[String]) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new(root);
    for pattern in patterns {
        builder.add_line(None, pattern).map_err(|error| format!("track.ignore: {pattern}: {error}"))?;
    }
    builder.build().map_err(|error| format!("track.ignore: {error}"))
}

/// A pattern of `track.files`: relative to the project, or absolute.
pub struct Pattern {
    /// The folder in which all matches lie.
    base: PathBuf,
    matcher: GlobMatcher,
}

impl Pattern {
    /// Reads a pattern of the project in `root`.
    pub fn new(root: &Path, pattern: &str) -> Result<Self, String> {
        let mut base = root.to_path_buf();
        let mut rest: Vec<&str> = pattern.split('/').collect();
        if pattern.starts_with('/') {
            base = PathBuf::from("/");
            rest.remove(0);
        }
        // The names before the first wildcard are a folder; the last name is always matched.
        while rest.len() > 1 && !rest[0].contains(['*', '?', '[', '{', '\\']) {
            match rest.remove(0) {
                "" | "." => {}
                ".." => {
                    base.pop();
                }
                name => base.push(name),
            }
        }
        let glob = GlobBuilder::new(&rest.join("/"))
            .literal_separator(true)
            .build()
            .map_err(|error| format!("{pattern}: {}", error.kind()))?;
        Ok(Pattern { base, matcher: glob.compile_matcher() })
    }

    /// The folder in which all that match lie, at any depth.
    pub fn folder(&self) -> &Path {
        &self.base
    }

    /// The files that match, sorted.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.base.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if NO_DATA.iter().any(|name| entry.file_name() == *name) {
                    continue;
                }
                // Links to folders are not followed: they may lead in circles.
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if path.strip_prefix(&self.base).is_ok_and(|inner| self.matcher.is_match(inner)) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

/// What `[track]` means in one project, now.
pub struct Tracked {
    track: Track,
    packages: Packages,
}

impl Tracked {
    /// For the project in `root`.
    pub fn new(root: &Path, track: Track) -> Self {
        let packages = Packages::new(root, &track.ignore_packages);
        Tracked { track, packages }
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
        let digest = |name: &String| {
            let value = std::env::var_os(name)?;
            let secret = self.track.secrets.redactor().digest(name, value.as_bytes());
            Some(secret.map_or_else(|| Digest::of(value.as_bytes()), Digest))
        };
        self.track.env.iter().map(|name| (name.clone(), digest(name))).collect()
    }

    /// The tracked files: one read for each pattern.
    pub fn files(&self, files: &Files) -> Vec<FileRead> {
        let read = |pattern: &String| {
            let digest = files.digest(pattern, ReadKind::Matching);
            FileRead { path: pattern.clone(), kind: ReadKind::Matching, digest }
        };
        self.track.files.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(root: &Path, pattern: &str) -> Vec<String> {
        let files = Pattern::new(root, pattern).unwrap().files();
        let name = |path: PathBuf| path.strip_prefix(root).unwrap_or(&path).display().to_string();
        files.into_iter().map(name).collect()
    }

    #[test]
    fn patterns_find_files() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        for name in ["prompts/a.md", "prompts/deep/b.md", "c.md", ".git/d.md", "../shared/e.md"] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(matching(&root, "prompts/**"), ["prompts/a.md", "prompts/deep/b.md"]);
        assert_eq!(matching(&root, "prompts/*.md"), ["prompts/a.md"]);
        assert_eq!(matching(&root, "**/*.md"), ["c.md", "prompts/a.md", "prompts/deep/b.md"]);
        assert_eq!(matching(&root, "c.md"), ["c.md"]);
        assert!(matching(&root, "../shared/*.md")[0].ends_with("shared/e.md"));
        let absolute = dir.path().join("shared/**").display().to_string();
        assert_eq!(matching(&root, &absolute).len(), 1);
        assert!(matching(&root, "nothing/**").is_empty());
    }

    #[test]
    fn mistakes_name_their_key() {
        let problem = |track: Track| track.problem().unwrap_or_default();
        assert_eq!(problem(Track::default()), "");
        assert!(
            problem(Track { env: vec!["A=b".into()], ..Track::default() }).starts_with("track.env: \"A=b\"")
        );
        assert!(
            problem(Track { files: vec!["a/[".into()], ..Track::default() }).starts_with("track.files: a/[")
        );
    }
}
