//! The code of a project on disk, and the digests of its functions.
//!
//! The door between the `source` floor, which does no I/O, and the files: reads them as Python does, keeps what it
//! read, and answers with closures. Used by runs (what would answer a call now), and by whoever judges an edit.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::digest::Digest;
use crate::proto::message::Function;
use crate::source::{Closure, Program, Sources, SyntaxError, decode};

/// The code that an application's file imports.
pub struct CodeBase {
    root: PathBuf,
    program: Program,
    disk: Disk,
}

/// Files below a project, each read once.
struct Disk {
    root: PathBuf,
    read: RefCell<HashMap<String, Option<Arc<str>>>>,
    listed: RefCell<HashMap<String, Vec<String>>>,
}

impl Sources for Disk {
    fn text(&self, path: &str) -> Option<Arc<str>> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let text = std::fs::read(self.root.join(path)).ok().map(|bytes| Arc::from(decode(&bytes)));
        self.read.borrow_mut().insert(path.to_owned(), text.clone());
        text
    }

    fn names(&self, folder: &str) -> Vec<String> {
        if let Some(known) = self.listed.borrow().get(folder) {
            return known.clone();
        }
        let entries = std::fs::read_dir(self.root.join(folder)).into_iter().flatten().flatten();
        let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        self.listed.borrow_mut().insert(folder.to_owned(), names.clone());
        names
    }
}

impl CodeBase {
    /// The code below `root` (absolute) as importing `entry` (absolute) sees it.
    pub fn new(root: &Path, entry: &Path) -> Self {
        let entry = relative(root, entry);
        let mut folder = entry.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        // A file in a package is imported as a part of it.
        while !folder.is_empty() && root.join(&folder).join("__init__.py").is_file() {
            folder = folder.rsplit_once('/').map_or(String::new(), |(above, _)| above.to_owned());
        }
        let roots = if folder.is_empty() { vec![folder] } else { vec![folder, String::new()] };
        CodeBase {
            root: root.to_path_buf(),
            program: Program::new(roots, &entry),
            disk: Disk { root: root.to_path_buf(), read: RefCell::default(), listed: RefCell::default() },
        }
    }

    /// These files (absolute) may have changed, come or gone.
    pub fn changed(&mut self, paths: &[PathBuf]) {
        let paths: Vec<String> = paths.iter().map(|path| relative(&self.root, path)).collect();
        for path in &paths {
            self.disk.read.borrow_mut().remove(path);
        }
        self.disk.listed.borrow_mut().clear();
        self.program.changed(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Files that cannot be parsed.
    pub fn problems(&self) -> Vec<(String, SyntaxError)> {
        let files = self.program.files().into_iter();
        files.filter_map(|(file, error)| error.map(|error| (file, error))).collect()
    }

    /// What a function reaches, by the absolute path of its file and its qualified name.
    pub fn closure(&mut self, file: &Path, qualname: &str) -> Option<Arc<Closure>> {
        let file = relative(&self.root, file);
        self.program.closure(&file, qualname, &self.disk)
    }

    /// The files that the analysis has read, relative to the project.
    pub fn files(&self) -> Vec<String> {
        self.program.files().into_iter().map(|(path, _)| path).collect()
    }

    /// The code digest of a function as a worker registered it.
    pub fn digest(&mut self, function: &Function) -> Digest {
        let file = Path::new(&function.file);
        match self.closure(file, &function.name) {
            Some(closure) => closure.digest,
            // What the analysis cannot find (a function made at run time) counts with its whole file.
            None => Digest::of(&std::fs::read(file).unwrap_or_default()),
        }
    }
}

/// A path as the analysis names it: relative to the project, with `/`; absolute when it lies outside.
pub fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}
