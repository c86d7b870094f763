//! What a watch is for: which folders it needs, and which reports from them matter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders and files that somebody attends to. Paths are absolute.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interest {
    /// Folders with Python sources, which come and go.
    pub sources: BTreeSet<PathBuf>,
    /// Files that matter whatever they are called, there or not.
    pub files: BTreeSet<PathBuf>,
    /// Folders whose lists of names matter.
    pub listed: BTreeSet<PathBuf>,
}

impl Interest {
    /// The folders to watch, each by itself: those named, and of what is not there the nearest one that is.
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let nearest = |path: &Path| path.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf);
        let mut found: BTreeSet<PathBuf> =
            self.sources.iter().chain(&self.listed).filter_map(|f| nearest(f)).collect();
        let mut last = None;
        for parent in self.files.iter().filter_map(|file| file.parent()) {
            // Files of one folder stand together.
            if last != Some(parent) {
                found.extend(nearest(parent));
                last = Some(parent);
            }
        }
        found
    }

    /// Whether a file of this path matters when it changes.
    pub fn has_file(&self, path: &Path) -> bool {
        let parent = path.parent().unwrap_or(path);
        (is_source(path) && self.sources.contains(parent)) || self.files.contains(path)
    }

    /// Whether it matters that this path came or went.
    pub fn has_name(&self, path: &Path) -> bool {
        self.has_file(path) || path.parent().is_some_and(|parent| self.listed.contains(parent))
    }

    /// Whether this is a folder in which something matters, or lies on the way to one.
    pub fn is_above(&self, path: &Path) -> bool {
        [&self.sources, &self.files, &self.listed].iter().any(|set| {
            // Paths are ordered by their parts, so what lies below a folder follows it.
            set.range(path.to_path_buf()..).next().is_some_and(|next| next.starts_with(path))
        })
    }

    /// Whether a new folder here may hold sources.
    pub fn takes_folder(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hidden = name.starts_with('.') || name == "__pycache__";
        !hidden && path.parent().is_some_and(|parent| self.sources.contains(parent))
    }
}

/// A Python source, and not an editor's temporary file that is called like one (`.#app.py`, `#app.py#`).
pub fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.extension().is_some_and(|end| end == "py") && !name.starts_with(['.', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[&str]) -> BTreeSet<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn what_matters() {
        let interest = Interest {
            sources: set(&["/p", "/p/pkg"]),
            files: set(&["/p/data/prompt.txt"]),
            listed: set(&["/p/docs"]),
        };
        for (path, file, name, above) in [
            ("/p/app.py", true, true, false),
            ("/p/.#app.py", false, false, false),
            ("/p/.app.py.swp", false, false, false),
            ("/p/4913", false, false, false),
            ("/p/app.py~", false, false, false),
            ("/p/data/prompt.txt", true, true, true),
            ("/p/data/other.txt", false, false, false),
            ("/p/docs/new.pdf", false, true, false),
            ("/p/other/x.py", false, false, false),
            ("/p/pkg", false, false, true),
            ("/p/data", false, false, true),
            ("/p/pk", false, false, false),
        ] {
            let path = Path::new(path);
            let seen = (interest.has_file(path), interest.has_name(path), interest.is_above(path));
            assert_eq!(seen, (file, name, above), "{}", path.display());
        }
        for (path, expected) in
            [("/p/new", true), ("/p/.git", false), ("/p/__pycache__", false), ("/p/data/x", false)]
        {
            assert_eq!(interest.takes_folder(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn of_what_is_not_there_the_nearest_folder_is_watched() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir_all(at("pkg/sub")).unwrap();
        let interest = Interest {
            sources: [at("pkg"), at("gone/deep")].into(),
            files: [at("pkg/sub/a.txt"), at("pkg/sub/b.txt"), at("no/such/c.txt")].into(),
            listed: BTreeSet::new(),
        };
        assert_eq!(interest.folders(), [dir.path().to_path_buf(), at("pkg"), at("pkg/sub")].into());
    }
}
