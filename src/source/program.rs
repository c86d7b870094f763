//! The modules of a project, and what a function in one of them reaches: its closure.
//!
//! Texts come through [`Sources`], so that this floor does no I/O. A closure is computed from what the
//! entry module imports, and kept until a text that it came from changes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::digest::Digest;
use crate::model::Opaque;

use super::{Parsed, SyntaxError, code_digests, facts, parse};

/// Where texts come from. Paths are relative to the project, with `/`.
pub trait Sources {
    /// The text of a file, decoded as Python decodes it; `None` when there is no such file.
    fn text(&self, path: &str) -> Option<Arc<str>>;
}

/// One definition or statement that counts for a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its file.
    pub file: String,
    /// `clean`, `Cart.total`, or the names that a statement binds.
    pub name: String,
    /// Its lines, from 1.
    pub lines: (usize, usize),
    /// Of what counts of it.
    pub digest: Digest,
    /// The part that reaches it, by index; `None` for the function itself.
    pub via: Option<usize>,
    /// Its source.
    pub source: String,
}

/// Everything that a function reaches by name.
#[derive(Clone, PartialEq, Debug)]
pub struct Closure {
    /// The code digest. Equal closures of the same function have equal digests, wherever they stand.
    pub digest: Digest,
    /// What counts, the function itself first; the rest in the order in which it is reached.
    pub parts: Vec<Part>,
    /// What could not be followed.
    pub opaque: Vec<Opaque>,
    /// Top-level names of imported modules that are neither the project's nor the standard library's, sorted.
    pub external: Vec<String>,
}

struct Module {
    text: Arc<str>,
    parsed: Parsed,
    closures: HashMap<String, Option<Arc<Closure>>>,
}

/// What is known of a project's modules, for applications with one set of import roots.
pub struct Program {
    modules: HashMap<String, Module>,
}

impl Program {
    /// `roots`: the folders that imports start from, in order, relative to the project (`""`: the project).
    /// `entry`: the file that is imported first.
    pub fn new(_roots: Vec<String>, _entry: &str) -> Self {
        Program { modules: HashMap::new() }
    }

    /// These files may have changed, come or gone.
    pub fn changed(&mut self, paths: &[&str]) {
        for path in paths {
            self.modules.remove(*path);
        }
    }

    /// The closure of a function, by its file and qualified name. `None` when the analysis does not find it, or
    /// when a module that it reaches has a syntax error.
    pub fn closure(&mut self, file: &str, qualname: &str, sources: &dyn Sources) -> Option<Arc<Closure>> {
        let module = self.module(file, sources)?;
        if let Some(known) = module.closures.get(qualname) {
            return known.clone();
        }
        let closure = alone(file, qualname, &module.parsed).map(Arc::new);
        module.closures.insert(qualname.to_owned(), closure.clone());
        closure
    }

    /// The files that importing the entry reads, as far as they are known, with their syntax errors.
    pub fn files(&self) -> Vec<(String, Option<SyntaxError>)> {
        let mut files: Vec<_> = self
            .modules
            .iter()
            .map(|(path, module)| (path.clone(), module.parsed.error().cloned()))
            .collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        files
    }

    /// The text of a file as the analysis saw it.
    pub fn text(&self, file: &str) -> Option<Arc<str>> {
        self.modules.get(file).map(|module| module.text.clone())
    }

    fn module(&mut self, file: &str, sources: &dyn Sources) -> Option<&mut Module> {
        if !self.modules.contains_key(file) {
            let text = sources.text(file)?;
            let parsed = parse(&text);
            self.modules.insert(file.to_owned(), Module { text, parsed, closures: HashMap::new() });
        }
        self.modules.get_mut(file)
    }
}

/// The function alone.
fn alone(file: &str, qualname: &str, parsed: &Parsed) -> Option<Closure> {
    let digest = *code_digests(parsed).get(qualname)?;
    let found = facts(parsed);
    let function = found.functions.iter().find(|function| function.name == qualname);
    let parts = function
        .map(|function| Part {
            file: file.to_owned(),
            name: qualname.to_owned(),
            lines: (function.first_line, function.end_line),
            digest,
            via: None,
            source: parsed.text().get(function.source_range.clone()).unwrap_or_default().to_owned(),
        })
        .into_iter()
        .collect();
    Some(Closure { digest, parts, opaque: Vec::new(), external: Vec::new() })
}
