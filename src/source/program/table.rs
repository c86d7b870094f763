//! The modules of a project, found as imports find them: the roots in order, packages before modules before folders.
//!
//! Invariant: what can be seen of a module or a folder is seen through [`View`], which notes it in the traces that are
//! open.

use std::collections::HashMap;
use std::sync::Arc;

use super::module::Module;
use super::top::{Body, Top};
use super::trace::{Changes, Level, Trace, Tracing};
use super::{Sources, stdlib};

/// A module of the project, by number: the number stays when its text changes.
pub(super) type ModId = usize;

/// What an import finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    File(ModId),
    Folder(String),
    Outside,
}

/// The modules of a project.
pub(super) struct Table {
    roots: Arc<[String]>,
    numbers: HashMap<String, ModId>,
    files: Vec<String>,
    /// `None`: not asked for since it changed. `Some(None)`: no such file.
    modules: Vec<Option<Option<Arc<Module>>>>,
    /// The names in folders, sorted, as they were when somebody asked.
    folders: HashMap<String, Arc<[String]>>,
    /// What imports find.
    found: HashMap<String, (Found, Trace)>,
    /// What was there before the changes that were told of.
    told: HashMap<ModId, Option<Arc<Module>>>,
    unsettled: bool,
}

impl Table {
    pub(super) fn new(roots: Vec<String>) -> Self {
        Table {
            roots: roots.into(),
            numbers: HashMap::new(),
            files: Vec::new(),
            modules: Vec::new(),
            folders: HashMap::new(),
            found: HashMap::new(),
            told: HashMap::new(),
            unsettled: false,
        }
    }

    /// These files, and the names in any folder, may be others.
    pub(super) fn forget(&mut self, files: &[&str]) {
        self.unsettled = true;
        for file in files {
            if let Some(number) = self.numbers.get(*file)
                && let Some(slot) = self.modules.get_mut(*number)
                && let Some(was) = slot.take()
            {
                self.told.entry(*number).or_insert(was);
            }
        }
    }

    /// What is known of a file.
    pub(super) fn known(&self, file: &str) -> Option<&Arc<Module>> {
        self.get(*self.numbers.get(file)?)
    }

    pub(super) fn get(&self, number: ModId) -> Option<&Arc<Module>> {
        self.modules.get(number)?.as_ref()?.as_ref()
    }

    fn number(&mut self, file: &str) -> ModId {
        if let Some(number) = self.numbers.get(file) {
            return *number;
        }
        self.files.push(file.to_owned());
        self.modules.push(None);
        self.numbers.insert(file.to_owned(), self.files.len() - 1);
        self.files.len() - 1
    }
}

/// The table, where texts come from, and what is looked at.
pub(super) struct View<'p> {
    table: &'p mut Table,
    sources: &'p dyn Sources,
    pub(super) tracing: Tracing,
}

impl<'p> View<'p> {
    pub(super) fn new(table: &'p mut Table, sources: &'p dyn Sources) -> Self {
        View { table, sources, tracing: Tracing::default() }
    }

    /// Reads again what was told to have changed. `None`: nothing was.
    pub(super) fn settle(&mut self) -> Option<Changes> {
        if !std::mem::take(&mut self.table.unsettled) {
            return None;
        }
        let mut changes = Changes::default();
        for (number, old) in std::mem::take(&mut self.table.told) {
            let file = self.table.files.get(number).cloned().unwrap_or_default();
            self.load(&file);
            changes.module(number, old, self.table.get(number).cloned());
        }
        for (folder, was) in &mut self.table.folders {
            let now = sorted(self.sources.names(folder));
            if **was != *now {
                changes.folder(folder);
                *was = now.into();
            }
        }
        self.table.found.retain(|_, (_, trace)| !changes.concern(trace));
        Some(changes)
    }

    /// The module in a file.
    pub(super) fn load(&mut self, file: &str) -> Option<ModId> {
        let number = self.table.number(file);
        self.tracing.module(number, Level::Exists);
        let slot = self.table.modules.get_mut(number)?;
        if slot.is_none() {
            let module = self.sources.text(file).map(|text| Arc::new(Module::new(file, text)));
            *slot = Some(module);
        }
        slot.as_ref()?.as_ref().map(|_| number)
    }

    /// All of a module.
    pub(super) fn module(&mut self, number: ModId) -> Option<Arc<Module>> {
        self.tracing.module(number, Level::Whole);
        self.table.get(number).cloned()
    }

    /// What importing can see of a module.
    pub(super) fn top(&mut self, number: ModId) -> Option<Top> {
        self.tracing.module(number, Level::Top);
        self.table.get(number).cloned().map(Top::new)
    }

    /// A function, or a method, that importing may call.
    pub(super) fn body(&mut self, number: ModId, unit: usize, member: Option<usize>) -> Option<Body> {
        self.tracing.module(number, Level::Top);
        self.tracing.body((number, unit, member));
        let module = self.table.get(number).cloned()?;
        Some(Body::new(module, unit, member))
    }

    fn names(&mut self, folder: &str) -> Arc<[String]> {
        self.tracing.folder(folder);
        if let Some(known) = self.table.folders.get(folder) {
            return known.clone();
        }
        let names: Arc<[String]> = sorted(self.sources.names(folder)).into();
        self.table.folders.insert(folder.to_owned(), names.clone());
        names
    }

    /// What `import dotted` finds, with the packages on the way.
    pub(super) fn find(&mut self, dotted: &str) -> Found {
        if let Some((found, trace)) = self.table.found.get(dotted) {
            self.tracing.add(trace);
            return found.clone();
        }
        self.tracing.begin();
        let found = self.search(dotted);
        let trace = self.tracing.end();
        self.table.found.insert(dotted.to_owned(), (found.clone(), trace));
        found
    }

    fn search(&mut self, dotted: &str) -> Found {
        let mut parts = dotted.split('.');
        let Some(top) = parts.next().filter(|top| !top.is_empty()) else { return Found::Outside };
        if stdlib::is_built_in(top) {
            return Found::Outside;
        }
        let mut found = Found::Outside;
        let roots = self.table.roots.clone();
        for (order, root) in roots.iter().enumerate() {
            // The project's folder comes after the standard library.
            if order > 0 && stdlib::is_standard(top) {
                break;
            }
            match self.child(root, top) {
                Found::Outside => {}
                Found::Folder(folder) => {
                    if found == Found::Outside {
                        found = Found::Folder(folder);
                    }
                }
                file => {
                    found = file;
                    break;
                }
            }
        }
        for part in parts {
            found = match found {
                Found::File(number) => match self.package(number) {
                    Some(folder) => self.child(&folder, part),
                    None => Found::Outside,
                },
                Found::Folder(folder) => self.child(&folder, part),
                Found::Outside => return Found::Outside,
            };
        }
        found
    }

    /// A module in a folder.
    pub(super) fn child(&mut self, folder: &str, name: &str) -> Found {
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        for file in [format!("{path}/__init__.py"), format!("{path}.py")] {
            if let Some(number) = self.load(&file) {
                return Found::File(number);
            }
        }
        if self.names(&path).is_empty() { Found::Outside } else { Found::Folder(path) }
    }

    /// The folder of a package.
    pub(super) fn package(&self, number: ModId) -> Option<String> {
        // Whoever has the number knows that the file is there, and nothing else of it is looked at.
        let file = self.table.files.get(number)?;
        let folder = file.strip_suffix("__init__.py")?;
        Some(folder.trim_end_matches('/').to_owned())
    }

    /// What the module of an import is. `None`: a relative import that leaves the project.
    pub(super) fn imported(&mut self, from: ModId, level: u32, dotted: &str) -> Option<Found> {
        if level == 0 {
            return Some(self.find(dotted));
        }
        let file = self.table.files.get(from)?;
        let mut folder = file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        for _ in 1..level {
            folder = folder.rsplit_once('/').map_or(String::new(), |(above, _)| above.to_owned());
        }
        let mut found = match self.load(&if folder.is_empty() {
            "__init__.py".to_owned()
        } else {
            format!("{folder}/__init__.py")
        }) {
            Some(number) => Found::File(number),
            None => Found::Folder(folder),
        };
        for part in dotted.split('.').filter(|part| !part.is_empty()) {
            found = match found {
                Found::File(number) => match self.package(number) {
                    Some(folder) => self.child(&folder, part),
                    None => Found::Outside,
                },
                Found::Folder(folder) => self.child(&folder, part),
                Found::Outside => Found::Outside,
            };
        }
        Some(found)
    }

    /// All modules in a package or folder, by name.
    pub(super) fn children(&mut self, found: &Found) -> Vec<(String, Found)> {
        let folder = match found {
            Found::File(number) => self.package(*number),
            Found::Folder(folder) => Some(folder.clone()),
            Found::Outside => None,
        };
        let Some(folder) = folder else { return Vec::new() };
        let mut names: Vec<String> = self
            .names(&folder)
            .iter()
            .map(|name| name.strip_suffix(".py").unwrap_or(name).to_owned())
            .filter(|name| name != "__init__" && !name.contains('.') && name != "__pycache__")
            .collect();
        names.sort();
        names.dedup();
        let mut children = Vec::new();
        for name in names {
            match self.child(&folder, &name) {
                Found::Outside => {}
                child => children.push((name, child)),
            }
        }
        children
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}
