//! What the project's watch attends to: its own sources, and what judging a run looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::paths;
use crate::engine::project::Project;
use crate::engine::verdict::Attended;
use crate::watch::{Changes, Interest, is_source};

/// The files that are no sources, and the folders, among what changed of what judging looked at: by name.
pub fn data(changes: &Changes, attended: &Attended, root: &Path) -> Vec<String> {
    let counts = |path: &Path| {
        attended.files.contains(path) || path.parent().is_some_and(|folder| attended.listed.contains(folder))
    };
    let data = changes.paths.iter().filter(|path| !is_source(path) && counts(path));
    data.map(|path| paths::relative(path, root).display().to_string()).collect()
}

/// Attends to a project. Its folders are listed again only when one may have come or gone.
pub struct Attention {
    project: Project,
    sources: BTreeSet<PathBuf>,
    known: BTreeSet<PathBuf>,
}

impl Attention {
    /// Lists the project's sources.
    pub fn new(project: &Project) -> Self {
        let (sources, known) = (BTreeSet::new(), BTreeSet::new());
        let mut attention = Attention { project: project.clone(), sources, known };
        attention.list();
        attention
    }

    fn list(&mut self) {
        let root = &self.project.root;
        self.known = self.project.sources().into_iter().collect();
        self.sources = BTreeSet::from([root.clone()]);
        for file in &self.known {
            // A folder on the way may be renamed, too.
            let above = file.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
            self.sources.extend(above.map(Path::to_path_buf));
        }
    }

    /// Takes note of changes.
    pub fn changed(&mut self, changes: &Changes) {
        // A plain save, the common case, adds and removes nothing.
        let plain = |path: &PathBuf| self.known.contains(path) && path.is_file();
        if changes.all
            || changes.paths.iter().any(|path| !plain(path) && (is_source(path) || !path.is_file()))
        {
            self.list();
        }
    }

    /// What to watch, with what was looked at beside the sources.
    pub fn interest(&self, attended: Attended) -> Interest {
        Interest { sources: self.sources.clone(), files: attended.files, listed: attended.listed }
    }

    /// How many sources there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }
}
