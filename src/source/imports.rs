//! Which names of a module mean our decorators.
//!
//! Names are followed through imports in every form and through plain aliases; not through other
//! modules of the project (that needs more than one text).

use std::collections::HashMap;

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextSize};

/// A decorator of the applications API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// `@function`
    Function,
    /// `@application`
    Application,
    /// `@cls`
    Cls,
}

const API: &str = "tensorlake.applications";
const MARKS: [(&str, Mark); 3] =
    [("function", Mark::Function), ("application", Mark::Application), ("cls", Mark::Cls)];

/// The names of a module that lead to our decorators.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// For a local name the places where it is bound, in the order of the text, and the dotted path
    /// that it stands for from there on (only paths below the API's root).
    paths: HashMap<String, Vec<(TextSize, Option<String>)>>,
}

impl Imports {
    pub(super) fn of(body: &[Stmt]) -> Self {
        let mut imports = Imports::default();
        imports.block(body, true);
        imports
    }

    /// The decorator that an expression (`function`, `tl.function`, ...) means.
    pub(super) fn mark(&self, expr: &Expr) -> Option<Mark> {
        mark_of(&self.path(expr)?)
    }

    fn path(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => {
                // An application may well be called `application`: what stands above it is still ours.
                let bound = self.paths.get(name.id.as_str())?;
                bound.iter().rev().find(|(from, _)| *from <= name.range.start())?.1.clone()
            }
            Expr::Attribute(attribute) => {
                let base = self.path(&attribute.value)?;
                Some(format!("{base}.{}", attribute.attr.as_str()))
            }
            _ => None,
        }
    }

    /// `certain`: the block runs whenever the module does, so what it binds hides what was there.
    fn block(&mut self, body: &[Stmt], certain: bool) {
        for stmt in body {
            self.stmt(stmt, certain);
        }
    }

    fn bind(&mut self, name: &str, from: TextSize, path: Option<String>, certain: bool) {
        let ours = path.filter(|path| path == "tensorlake" || path.starts_with(API));
        // `except ImportError: function = stub` must not hide the import of the other branch.
        if ours.is_none() && !(certain && self.paths.contains_key(name)) {
            return;
        }
        self.paths.entry(name.to_owned()).or_default().push((from, ours));
    }

    fn stmt(&mut self, stmt: &Stmt, certain: bool) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.name.as_str();
                    match &alias.asname {
                        Some(asname) => {
                            self.bind(asname.as_str(), stmt.end(), Some(name.to_owned()), certain)
                        }
                        None => {
                            let root = name.split('.').next().unwrap_or(name);
                            self.bind(root, stmt.end(), Some(root.to_owned()), certain);
                        }
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().filter(|_| import.level == 0);
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let path = module.map(|module| format!("{}.{name}", module.as_str()));
                    if name == "*" {
                        let ours = module.is_some_and(|module| module.as_str().starts_with(API));
                        for (name, _) in MARKS.iter().filter(|_| ours) {
                            self.bind(name, stmt.end(), Some(format!("{API}.{name}")), certain);
                        }
                    } else {
                        let bound = alias.asname.as_ref().map_or(name, |asname| asname.as_str());
                        self.bind(bound, stmt.end(), path, certain);
                    }
                }
            }
            Stmt::Assign(assign) => {
                let path = self.path(&assign.value);
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        self.bind(name.id.as_str(), stmt.end(), path.clone(), certain);
                    }
                }
            }
            Stmt::FunctionDef(def) => {
                self.bind(def.name.as_str(), def.name.range.start(), None, certain);
                // Only functions defined inside this one can use its imports; they are few, so one
                // table serves the whole module.
                self.block(&def.body, false);
            }
            Stmt::ClassDef(class) => {
                self.bind(class.name.as_str(), class.name.range.start(), None, certain);
                self.block(&class.body, false);
            }
            Stmt::If(branch) => {
                self.block(&branch.body, false);
                for clause in &branch.elif_else_clauses {
                    self.block(&clause.body, false);
                }
            }
            Stmt::Try(attempt) => {
                self.block(&attempt.body, false);
                for handler in &attempt.handlers {
                    let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                    self.block(&handler.body, false);
                }
                self.block(&attempt.orelse, false);
                self.block(&attempt.finalbody, certain);
            }
            Stmt::With(with) => self.block(&with.body, certain),
            Stmt::For(each) => self.block(&each.body, false),
            Stmt::While(each) => self.block(&each.body, false),
            Stmt::Match(choice) => {
                for case in &choice.cases {
                    self.block(&case.body, false);
                }
            }
            _ => {}
        }
    }
}

fn mark_of(path: &str) -> Option<Mark> {
    // Submodules of the API (`tensorlake.applications.interface.decorators`) define the same names.
    let rest = path.strip_prefix(API)?.strip_prefix('.')?;
    let last = rest.rsplit('.').next()?;
    MARKS.iter().find(|(name, _)| *name == last).map(|(_, mark)| *mark)
}
