//! The code of an application's functions as it is on disk now, found without executing anything.
//!
//! A run learns its functions from a worker. Who judges an edit has none: here functions are found by their decorators,
//! first in the application's file, then in the files that it imports, then in the rest of the project.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::code::CodeBase;
use super::project::Project;
use crate::base::digest::Digest;
use crate::source::{self, Closure};

/// The functions of an application today.
pub struct Today {
    code: CodeBase,
    /// Files by function; the first is the likeliest.
    places: HashMap<String, PathBuf>,
    /// Files that do not parse, with the line and what is wrong.
    broken: Vec<(PathBuf, usize, String)>,
}

/// A function's code cannot be said.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unknown {
    /// No file of the project defines it.
    #[error("no @function {0} is defined in this project")]
    Undefined(String),
    /// A file that matters does not parse.
    #[error("{file}:{line} does not parse: {text}")]
    Syntax {
        /// The file, relative to the project.
        file: String,
        /// Its line.
        line: usize,
        /// What is wrong.
        text: String,
    },
    /// The analysis gives up on it.
    #[error("the analysis does not find {0}")]
    NotFound(String),
}

impl Today {
    /// Of the application in `entry` (absolute).
    pub fn new(project: &Project, entry: &Path) -> Self {
        let mut today =
            Today { code: CodeBase::new(&project.root, entry), places: HashMap::new(), broken: Vec::new() };
        today.look_into(entry);
        let first: Vec<String> = today.places.keys().cloned().collect();
        // What the analysis follows from the application's own functions is what importing it reads.
        for function in first {
            let _: Option<Arc<Closure>> = today.code.closure(entry, &function);
        }
        let imported = today.code.files().into_iter().map(|file| project.root.join(file));
        for file in imported.collect::<Vec<_>>().into_iter().chain(project.sources()) {
            today.look_into(&file);
        }
        today
    }

    /// What a function reaches.
    pub fn closure(&mut self, function: &str) -> Result<Arc<Closure>, Unknown> {
        let Some(file) = self.places.get(function).cloned() else {
            // It may stand in the file that does not parse.
            return Err(self.syntax().unwrap_or_else(|| Unknown::Undefined(function.to_owned())));
        };
        match self.code.closure(&file, function) {
            Some(closure) => Ok(closure),
            None => Err(self.syntax().unwrap_or_else(|| Unknown::NotFound(function.to_owned()))),
        }
    }

    /// Functions that say that they do not act on the world (`effect=False`).
    pub fn harmless(&self) -> Vec<String> {
        let says = |facts: &source::FunctionFacts| {
            let marks = [source::Mark::Function, source::Mark::Application];
            !facts.effect && marks.iter().any(|mark| facts.option(*mark, "effect").is_some())
        };
        let functions = self.code.functions().into_iter();
        functions.filter(|(_, defined)| says(&defined.facts)).map(|(name, _)| name).collect()
    }

    /// Its code digest.
    pub fn digest(&mut self, function: &str) -> Result<Digest, Unknown> {
        match self.closure(function) {
            Ok(closure) => Ok(closure.digest),
            // As runs see it: what the analysis does not find counts with its whole file.
            Err(Unknown::NotFound(name)) => match self.places.get(function).map(std::fs::read) {
                Some(Ok(bytes)) => Ok(Digest::of(&bytes)),
                _ => Err(Unknown::NotFound(name)),
            },
            Err(why) => Err(why),
        }
    }

    /// The names of all functions, sorted.
    pub fn functions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.places.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    fn syntax(&self) -> Option<Unknown> {
        let imported = self.code.problems().into_iter().next();
        let (file, line, text) = match imported {
            Some((file, error)) => (file, error.line, error.message),
            None => {
                let (file, line, text) = self.broken.first()?;
                (super::code::relative(self.code.root(), file), *line, text.clone())
            }
        };
        Some(Unknown::Syntax { file, line, text })
    }

    fn look_into(&mut self, file: &Path) {
        let facts = match self.code.facts(file) {
            Some(facts) => facts,
            None => {
                let Ok(bytes) = std::fs::read(file) else { return };
                let text = source::decode(&bytes);
                // Most files define no function of ours: a search is a hundred times faster than a parse.
                if !text.contains("function") {
                    return;
                }
                source::facts(&source::parse(&text))
            }
        };
        if let Some(error) = &facts.error
            && !self.broken.iter().any(|(known, _, _)| known == file)
        {
            self.broken.push((file.to_path_buf(), error.line, error.message.clone()));
        }
        for function in facts.functions.iter().filter(|function| function.is_function) {
            self.places.entry(function.name.clone()).or_insert_with(|| file.to_path_buf());
        }
    }
}
