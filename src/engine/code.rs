//! The code of a project on disk, and the digests of its functions.
//!
//! The door between the `source` floor, which does no I/O, and the files: reads them as Python does, keeps what it
//! read, and answers with closures. Used by runs (what would answer a call now), and by whoever judges an edit.
//!
//! Invariant: a file that is told to have changed and has the content that it had changes nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::digest::Digest;
use crate::proto::message::Function;
use crate::source::{Closure, FunctionFacts, ModuleFacts, Program, Sources, SyntaxError, decode};

/// The code that an application's file imports.
pub struct CodeBase {
    root: PathBuf,
    program: Program,
    disk: Disk,
}

/// Files below a project, each read once.
struct Disk {
    root: PathBuf,
    read: RefCell<BTreeMap<String, Option<File>>>,
    listed: RefCell<HashMap<String, Vec<String>>>,
}

#[derive(Clone)]
struct File {
    content: Digest,
    text: Arc<str>,
}

impl Disk {
    /// Forgets the names in the folders above a path, and in those below.
    fn unlist(&self, path: &str) {
        let below = |long: &str, short: &str| {
            short.is_empty()
                || long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.listed.borrow_mut().retain(|folder, _| !below(path, folder) && !below(folder, path));
    }

    fn load(&self, path: &str) -> Option<File> {
        let bytes = std::fs::read(self.root.join(path)).ok()?;
        let text = Arc::from(decode(&bytes));
        Some(File { content: Digest::of(&bytes), text })
    }
}

impl Sources for Disk {
    fn text(&self, path: &str) -> Option<Arc<str>> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.as_ref().map(|file| file.text.clone());
        }
        let file = self.load(path);
        let text = file.as_ref().map(|file| file.text.clone());
        self.read.borrow_mut().insert(path.to_owned(), file);
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

/// A `@function` as its source says, without running it.
#[derive(Clone, Debug)]
pub struct Defined {
    /// Its file, relative to the project.
    pub file: String,
    /// What its decorators and signature say.
    pub facts: FunctionFacts,
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

    /// These files or folders (absolute) may have changed, come or gone. Says which files did.
    pub fn changed(&mut self, paths: &[PathBuf]) -> Vec<String> {
        let mut known: Vec<String> = Vec::new();
        for path in paths {
            let path = relative(&self.root, path);
            self.disk.unlist(&path);
            let read = self.disk.read.borrow();
            if path.is_empty() {
                known.extend(read.keys().cloned());
                continue;
            }
            known.extend(read.contains_key(&path).then(|| path.clone()));
            let below = format!("{path}/");
            let inside = read.range(below.clone()..).map(|(file, _)| file);
            known.extend(inside.take_while(|file| file.starts_with(&below)).cloned());
        }
        self.reread(known)
    }

    /// Any file may have changed. Says which did.
    pub fn changed_anywhere(&mut self) -> Vec<String> {
        let known = self.disk.read.borrow().keys().cloned().collect();
        self.disk.unlist("");
        self.reread(known)
    }

    fn reread(&mut self, mut files: Vec<String>) -> Vec<String> {
        files.sort();
        files.dedup();
        files.retain(|path| {
            let now = self.disk.load(path);
            let mut read = self.disk.read.borrow_mut();
            let before = read.get(path).cloned().flatten();
            let same = before.map(|file| file.content) == now.as_ref().map(|file| file.content);
            if !same {
                read.insert(path.clone(), now);
            }
            !same
        });
        self.program.changed(&files.iter().map(String::as_str).collect::<Vec<_>>());
        files
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
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
            // What the analysis cannot find (a function made at run time) counts with its whole file, as it was read
            // with everything else.
            None => {
                let path = relative(&self.root, file);
                let _ = self.disk.text(&path);
                self.content(&path).unwrap_or_else(|| Digest::of(b""))
            }
        }
    }

    /// The digest of a file's content as it was read; the path is relative to the project.
    pub fn content(&self, path: &str) -> Option<Digest> {
        self.disk.read.borrow().get(path)?.as_ref().map(|file| file.content)
    }

    /// The functions and applications of the files that are known, by name. Of several with one name, the first in
    /// the order of files.
    pub fn functions(&self) -> BTreeMap<String, Defined> {
        let mut found = BTreeMap::new();
        for (file, _) in self.program.files() {
            let Some(facts) = self.program.facts(&file) else { continue };
            let ours = facts.functions.into_iter().filter(|f| f.is_function || f.is_application);
            for facts in ours {
                found.entry(facts.name.clone()).or_insert_with(|| Defined { file: file.clone(), facts });
            }
        }
        found
    }

    /// The functions of a file (absolute) that the analysis has read.
    pub fn facts(&self, file: &Path) -> Option<ModuleFacts> {
        self.program.facts(&relative(&self.root, file))
    }

    /// Files that cannot be parsed.
    pub fn problems(&self) -> Vec<(String, SyntaxError)> {
        let files = self.program.files().into_iter();
        files.filter_map(|(file, error)| error.map(|error| (file, error))).collect()
    }

    /// Every file that was read or looked for, with the digest of its content.
    pub fn looked_at(&self) -> Vec<(PathBuf, Option<Digest>)> {
        let read = self.disk.read.borrow();
        read.iter().map(|(path, file)| (self.root.join(path), file.as_ref().map(|f| f.content))).collect()
    }
}

/// A path as the analysis names it: relative to the project, with `/`; absolute when it lies outside.
pub fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str =
        "from tensorlake.applications import function\n\n@function()\ndef f(x):\n    return x\n";

    #[test]
    fn only_what_has_another_content_changed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let app = root.join("pkg/app.py");
        std::fs::create_dir(root.join("pkg")).unwrap();
        std::fs::write(&app, APP).unwrap();
        let mut code = CodeBase::new(root, &app);
        let digest = |code: &mut CodeBase| code.closure(&app, "f").map(|closure| closure.digest);
        let first = digest(&mut code).unwrap();
        // Saved again, and told of by a file that nobody read.
        std::fs::write(&app, APP).unwrap();
        assert!(code.changed(&[app.clone(), root.join("other.py")]).is_empty());
        std::fs::write(&app, APP.replace("return x", "return -x")).unwrap();
        assert_eq!(digest(&mut code), Some(first), "it was not told");
        assert_eq!(code.changed(std::slice::from_ref(&app)), ["pkg/app.py"]);
        assert_ne!(digest(&mut code), Some(first));
        // The folder is told of: away, and back.
        std::fs::rename(root.join("pkg"), root.join("away")).unwrap();
        assert_eq!(code.changed(&[root.join("pkg")]), ["pkg/app.py"]);
        assert_eq!(digest(&mut code), None);
        std::fs::rename(root.join("away"), root.join("pkg")).unwrap();
        std::fs::write(&app, APP).unwrap();
        assert_eq!(code.changed(&[root.to_path_buf()]), ["pkg/app.py"]);
        assert_eq!(digest(&mut code), Some(first));
        assert!(code.changed_anywhere().is_empty());
    }

    #[test]
    fn a_folder_that_comes_is_seen_by_any_path_in_it() {
        for told in ["late", "late/part.py"] {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path();
            let app = root.join("app.py");
            let text = APP.replace("return x", "import late.part\n    return late.part.go(x)");
            std::fs::write(&app, text).unwrap();
            let mut code = CodeBase::new(root, &app);
            let digest = |code: &mut CodeBase| code.closure(&app, "f").map(|closure| closure.digest);
            let first = digest(&mut code).unwrap();
            // Nobody looked for the file: there was no such folder.
            std::fs::create_dir(root.join("late")).unwrap();
            std::fs::write(root.join("late/part.py"), "def go(x): return x\n").unwrap();
            assert!(code.changed(std::slice::from_ref(&app)).is_empty());
            assert_eq!(digest(&mut code), Some(first), "{told}: it was not told");
            code.changed(&[root.join(told)]);
            let second = digest(&mut code).unwrap();
            assert_ne!(second, first, "{told}");
            assert_eq!(code.files(), ["app.py", "late/part.py"]);
            std::fs::remove_dir_all(root.join("late")).unwrap();
            code.changed(&[root.join("late")]);
            assert_eq!(digest(&mut code), Some(first), "{told}");
        }
    }
}
