//! What the scheduler asks about the application's code: its digests, what importing it depended on, and whether the
//! workers execute the text that was analysed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::code::CodeBase;
use super::files::Files;
use super::recorder::Piece;
use super::values::Packer;
use super::{closures, track::Tracked};
use crate::base::digest::{self, Digest};
use crate::model::{CodeKnown, FileRead, ReadKind};
use crate::proto::message::{Function, Loaded};
use crate::source::{Closure, FINGERPRINT_VERSION};

/// A read on account of a statement or function: who reaches that depends on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// What was looked at.
    pub read: FileRead,
    /// The file of the statement, relative to the project.
    pub file: String,
    /// Its line; 0: the whole file.
    pub line: u32,
}

/// What the scheduler asks, as a seam for tests.
pub trait Coder: Send {
    /// Does beforehand what of the rest can be done before a worker is there.
    fn prepare(&mut self, _app: &str) {}
    /// The first worker has imported the application: from now on it is known what its code is. Fails with the path
    /// of a file that was saved meanwhile: the worker executes another text than is there to be analysed.
    fn loaded(&mut self, functions: &[Function], loaded: &Loaded) -> Result<(), String>;
    /// What a function's code is and what importing it depended on; [`CodeKnown::closure`] is not filled in.
    fn known(&mut self, function: &Function) -> CodeKnown;
    /// Its closure, to be stored.
    fn closure(&mut self, function: &Function, packer: &Packer) -> Option<(Digest, Vec<Piece>)>;
    /// A further worker has imported the application: what it read otherwise than the first one. Fails with the path
    /// of a file that it executed in another version.
    fn joined(&mut self, loaded: &Loaded) -> Result<Vec<Placed>, String>;
    /// Sources that a worker imported while a call ran: what that means to who reaches them.
    fn imported(&mut self, sources: &[(String, String)]) -> Vec<Placed>;
    /// Whether a function reaches the place of a read.
    fn reaches(&mut self, function: &Function, placed: &Placed) -> bool;
}

/// The coder of real projects.
pub struct Analyst {
    root: PathBuf,
    entry: PathBuf,
    code: CodeBase,
    files: Arc<Files>,
    tracked: Tracked,
    /// What importing the application looked at; of scripts under `exec` what they did after they had imported us.
    imports: Vec<Placed>,
    /// The sources that the first worker executed: SHA-256 by path.
    executed: HashMap<String, String>,
    /// What the analysed files held.
    analysed: HashMap<String, Digest>,
}

impl Analyst {
    /// For the application in `entry` of the project in `root`.
    pub fn new(root: &Path, entry: &Path, files: Arc<Files>, tracked: Tracked) -> Self {
        Analyst {
            root: root.to_path_buf(),
            entry: entry.to_path_buf(),
            code: CodeBase::new(root, entry),
            files,
            tracked,
            imports: Vec::new(),
            executed: HashMap::new(),
            analysed: HashMap::new(),
        }
    }

    fn closure_of(&mut self, function: &Function) -> Option<Arc<Closure>> {
        self.code.closure(Path::new(&function.file), &function.name)
    }

    fn placed(&self, loaded: &Loaded) -> Vec<Placed> {
        let mut found: BTreeMap<(FileRead, String), u32> = BTreeMap::new();
        for sighting in &loaded.reads {
            if self.files.ignores(&sighting.path) {
                continue;
            }
            let (file, line) = sighting.at.clone().unwrap_or_default();
            found.entry((self.files.seen(sighting), file)).or_insert(line);
        }
        found.into_iter().map(|((read, file), line)| Placed { read, file, line }).collect()
    }

    /// What a file holds now, when that is what a worker executed.
    fn executed_now(&self, path: &str, sha: &str) -> Option<Digest> {
        let bytes = std::fs::read(self.root.join(path)).ok()?;
        (digest::hex(&Sha256::digest(&bytes)) == sha).then(|| Digest::of(&bytes))
    }
}

impl Coder for Analyst {
    fn prepare(&mut self, app: &str) {
        // A file that is saved from now on is read again when the worker is there.
        self.code.closure(&self.entry, app);
        for (name, defined) in self.code.functions() {
            self.code.closure(&self.root.join(defined.file), &name);
        }
    }

    fn loaded(&mut self, functions: &[Function], loaded: &Loaded) -> Result<(), String> {
        // All of it: files that only other files import may have been saved since an earlier worker was turned away.
        self.code.changed_anywhere();
        for function in functions {
            // Reads its file also when the analysis does not find the function there.
            self.code.digest(function);
        }
        for (path, sha) in &loaded.sources {
            // A file that was saved and put back while it was analysed counts as another one.
            let analysed = self.code.content(path);
            let now = self.executed_now(path, sha);
            if now.is_none() || analysed.is_some_and(|then| Some(then) != now) {
                return Err(path.clone());
            }
        }
        self.executed = loaded.sources.iter().cloned().collect();
        let files = self.code.files().into_iter();
        self.analysed = files.filter_map(|path| Some((path.clone(), self.code.content(&path)?))).collect();
        self.imports = self.placed(loaded);
        let closures: Vec<Arc<Closure>> =
            functions.iter().filter_map(|function| self.closure_of(function)).collect();
        let packages: HashSet<&str> =
            closures.iter().flat_map(|closure| &closure.external).map(String::as_str).collect();
        // What was imported in a way that the analysis does not see counts for everybody, like a file that is read;
        // but what it takes for a package counts as that.
        let is_package = |path: &str| {
            path.split('/').any(|part| packages.contains(part.strip_suffix(".py").unwrap_or(part)))
        };
        for (path, _) in &loaded.sources {
            if self.analysed.contains_key(path) || is_package(path) {
                continue;
            }
            let digest = self.files.digest(path, ReadKind::Content);
            let read = FileRead { path: path.clone(), kind: ReadKind::Content, digest };
            self.imports.push(Placed { read, file: String::new(), line: 0 });
        }
        self.tracked.imports_from(&loaded.path);
        Ok(())
    }

    fn known(&mut self, function: &Function) -> CodeKnown {
        let closure = self.closure_of(function);
        let imports = std::mem::take(&mut self.imports);
        let mut files: BTreeSet<FileRead> = BTreeSet::new();
        for placed in &imports {
            if reaches(closure.as_deref(), placed) {
                files.insert(placed.read.clone());
            }
        }
        self.imports = imports;
        files.extend(self.tracked.files(&self.files));
        let external = closure.as_ref().map_or(&[][..], |closure| &closure.external);
        CodeKnown {
            function: function.name.clone(),
            code: self.code.digest(function),
            rules: FINGERPRINT_VERSION.to_owned(),
            closure: None,
            files: files.into_iter().collect(),
            packages: self.tracked.packages(external),
            env: self.tracked.env(),
            opaque: closure.as_ref().map(|closure| closure.opaque.clone()).unwrap_or_default(),
        }
    }

    fn closure(&mut self, function: &Function, packer: &Packer) -> Option<(Digest, Vec<Piece>)> {
        self.closure_of(function).map(|closure| closures::pack(&closure, packer))
    }

    fn joined(&mut self, loaded: &Loaded) -> Result<Vec<Placed>, String> {
        for (path, sha) in &loaded.sources {
            let same = match self.executed.get(path) {
                Some(known) => known == sha,
                None => self.imported(&[(path.clone(), sha.clone())]).is_empty(),
            };
            if !same {
                return Err(path.clone());
            }
        }
        let mut other = self.placed(loaded);
        other.retain(|placed| !self.imports.contains(placed));
        Ok(other)
    }

    fn imported(&mut self, sources: &[(String, String)]) -> Vec<Placed> {
        let mut found = Vec::new();
        for (path, sha) in sources {
            if self.executed.get(path) == Some(sha) {
                continue;
            }
            let digest = match (self.analysed.get(path), self.executed_now(path, sha)) {
                // It is in the closures of those who reach it.
                (Some(then), Some(now)) if *then == now => continue,
                // The analysis did not find the import: to the call it is a file like others.
                (None, Some(now)) => Some(now),
                // What ran is not what was analysed: nothing matches that.
                _ => None,
            };
            let read = FileRead { path: path.clone(), kind: ReadKind::Content, digest };
            found.push(Placed { read, file: path.clone(), line: 0 });
        }
        found
    }

    fn reaches(&mut self, function: &Function, placed: &Placed) -> bool {
        reaches(self.closure_of(function).as_deref(), placed)
    }
}

/// What cannot be followed may reach everything.
fn reaches(closure: Option<&Closure>, placed: &Placed) -> bool {
    let Some(closure) = closure else { return true };
    if placed.file.is_empty() || placed.line == 0 && !closure.opaque.is_empty() {
        return true;
    }
    let line = placed.line as usize;
    let at = |lines: (usize, usize)| line == 0 || (lines.0..=lines.1).contains(&line);
    closure.parts.iter().any(|part| part.file == placed.file && at(part.lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;

    const APP: &str = "from tensorlake.applications import function\n\n@function()\ndef f(x):\n    import lazy\n    return lazy.V\n";

    struct Saves {
        dir: tempfile::TempDir,
        analyst: Analyst,
    }

    impl Saves {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let analyst = Self::analyst(dir.path());
            let saves = Saves { dir, analyst };
            saves.save("app.py", APP);
            saves.save("lazy.py", "V = 1\n");
            saves
        }

        fn analyst(root: &Path) -> Analyst {
            let files = Arc::new(Files::new(root, Arc::new(SystemClock), &[]));
            let tracked = Tracked::new(root, super::super::track::Track::default());
            Analyst::new(root, &root.join("app.py"), files, tracked)
        }

        fn save(&self, name: &str, text: &str) {
            std::fs::write(self.dir.path().join(name), text).unwrap();
        }

        fn function(&self, name: &str) -> Function {
            let file = self.dir.path().join("app.py");
            serde_json::from_value(serde_json::json!({ "name": name, "file": file })).unwrap()
        }

        /// A worker that executed this text as the application's file is there.
        fn load(&mut self, text: &str) -> Result<(), String> {
            let loaded = Loaded {
                sources: vec![("app.py".into(), sha(text))],
                reads: vec![],
                path: vec![],
                ..Loaded::default()
            };
            let functions = [self.function("f"), self.function("made")];
            self.analyst.loaded(&functions, &loaded)
        }

        fn code(&mut self, name: &str) -> Digest {
            let function = self.function(name);
            self.analyst.known(&function).code
        }
    }

    fn sha(text: &str) -> String {
        digest::hex(&Sha256::digest(text))
    }

    #[test]
    fn a_worker_that_executed_another_text_is_turned_away_and_all_is_read_again() {
        let mut saves = Saves::new();
        assert_eq!(saves.load("an earlier version"), Err("app.py".to_owned()));
        // A branch switch saves one file after the other.
        saves.save("lazy.py", "V = 2\n");
        assert_eq!(saves.load(APP), Ok(()));
        let mut fresh = Saves::analyst(saves.dir.path());
        let function = saves.function("f");
        assert_eq!(saves.code("f"), fresh.known(&function).code);
        assert_eq!(saves.analyst.imported(&[("lazy.py".into(), sha("V = 2\n"))]), []);
    }

    #[test]
    fn a_module_that_is_saved_between_the_digest_and_its_import_matches_nothing() {
        let mut saves = Saves::new();
        saves.load(APP).unwrap();
        saves.save("lazy.py", "V = 2\n");
        let of = |placed: Vec<Placed>| placed.into_iter().map(|one| one.read.digest).collect::<Vec<_>>();
        assert_eq!(of(saves.analyst.imported(&[("lazy.py".into(), sha("V = 2\n"))])), [None]);
        // Put back: what the worker holds is not there to be compared any more.
        saves.save("lazy.py", "V = 1\n");
        assert_eq!(of(saves.analyst.imported(&[("lazy.py".into(), sha("V = 2\n"))])), [None]);
        assert_eq!(saves.analyst.imported(&[("lazy.py".into(), sha("V = 1\n"))]), []);
        saves.save("found.py", "V = 3\n");
        let found = saves.analyst.imported(&[("found.py".into(), sha("V = 3\n"))]);
        assert_eq!(of(found), [Some(Digest::of(b"V = 3\n"))]);
    }

    #[test]
    fn a_function_that_is_not_found_counts_with_its_file_as_it_was_loaded() {
        let mut saves = Saves::new();
        saves.load(APP).unwrap();
        saves.save("app.py", "another text");
        assert_eq!(saves.code("made"), Digest::of(APP.as_bytes()));
    }
}
