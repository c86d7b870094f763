//! What commands have in common: the project, its store, its interpreter, its applications, values for eyes.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::args::{Cli, EngineArgs};
use super::error::{CliError, Exit};
use super::output::Out;
use crate::base::clock::SystemClock;
use crate::base::ids::{CallNo, RunId};
use crate::engine::project::{Application, Project, applications_in};
use crate::engine::suggest;
use crate::engine::verdict::Search;
use crate::engine::{Early, InDoubt, RunSpec};
use crate::find::StoreNodes;
use crate::model::{Mode, RunHistory, ValueRef};
use crate::python;
use crate::store::{NodeRules, Options, Store, StoreError};
use crate::value::lazy::{Document, Reader};
use crate::value::{self, view};

/// The project and how to talk to the user.
pub struct Context {
    /// The project.
    pub project: Project,
    /// Where output goes.
    pub out: Out,
}

/// What the store has to know about values.
pub fn store_options() -> Options {
    Options {
        nodes: NodeRules { children: Some(value::children), ..NodeRules::default() },
        ..Options::default()
    }
}

/// The interpreter of a project, unless it is given.
fn interpreter(project: &Project, given: Option<&Path>) -> Result<PathBuf, CliError> {
    let given = given.map(Path::to_path_buf);
    let given = given.or_else(|| project.config.python.as_ref().map(|path| project.root.join(path)));
    Ok(python::find(given.as_deref(), &project.root, &|name| std::env::var_os(name))?.path)
}

impl Context {
    /// For the folder that the arguments name.
    pub fn new(cli: &Cli, out: Out) -> Result<Self, CliError> {
        let dir = cli.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        if !dir.is_dir() {
            return Err(CliError::usage(format!("-C {}: no such folder", dir.display())));
        }
        Ok(Context { project: Project::find(&dir)?, out })
    }

    /// The store, made when it does not exist.
    pub fn store(&self) -> Result<Store, CliError> {
        Ok(Store::open(&self.project.store_dir(), store_options())?)
    }

    /// The store for reading; an error says that there are no runs yet.
    pub fn existing_store(&self) -> Result<Store, CliError> {
        let dir = self.project.store_dir();
        // Opening would make one.
        if !dir.exists() {
            return Err(self.no_runs());
        }
        self.store_to_look()
    }

    /// The store, made when it does not exist; only for reading where nothing may be written.
    pub fn store_to_look(&self) -> Result<Store, CliError> {
        let dir = self.project.store_dir();
        match Store::open(&dir, store_options()) {
            // Reading needs no permission to write.
            Err(refused @ StoreError::ReadOnly { .. }) => {
                match Store::open_read_only(&dir, store_options()) {
                    Err(StoreError::Absent { .. }) => Err(refused.into()),
                    other => Ok(other?),
                }
            }
            other => Ok(other?),
        }
    }

    fn no_runs(&self) -> CliError {
        CliError::usage(format!("no runs are recorded in {}", self.project.root.display()))
            .hint("`tl-bench run` makes one")
    }

    /// The interpreter.
    pub fn python(&self, args: &EngineArgs) -> Result<PathBuf, CliError> {
        interpreter(&self.project, args.python.as_deref())
    }

    /// The first workers of a run that will begin. Without them it starts its own, and says what is wrong.
    pub fn early(&self, args: &EngineArgs) -> Option<Early> {
        let python = self.python(args).ok()?;
        Early::start(&python, &self.project.root, self.workers(args), &SystemClock).ok()
    }

    fn workers(&self, args: &EngineArgs) -> u32 {
        args.workers.unwrap_or_else(|| self.project.config.workers())
    }

    /// Asks the interpreter where it imports from; nothing when it cannot be asked.
    pub fn search(&self) -> Search {
        let project = self.project.clone();
        Box::new(move || {
            let Ok(python) = interpreter(&project, None) else { return Vec::new() };
            let script = "import json, sys; print(json.dumps([path for path in sys.path if path]))";
            let output =
                std::process::Command::new(python).args(["-c", script]).current_dir(&project.root).output();
            output.ok().and_then(|output| serde_json::from_slice(&output.stdout).ok()).unwrap_or_default()
        })
    }

    /// A run of an application from scratch that reuses nothing; a replay changes what differs.
    pub fn run_spec(&self, app: &Application, input: Value, args: &EngineArgs) -> Result<RunSpec, CliError> {
        let config = &self.project.config;
        Ok(RunSpec {
            project: self.project.root.clone(),
            file: app.file.clone(),
            app: app.name.clone(),
            input,
            mode: Mode::Fresh,
            parent: None,
            from: None,
            edits: Vec::new(),
            in_doubt: InDoubt::Rerun,
            effects: crate::engine::Effects::Fail,
            workers: self.workers(args),
            slots: args.slots.unwrap_or_else(|| config.slots()),
            python: self.python(args)?,
            track: config.track.clone(),
            prices: config.prices(),
            golden: None,
            back: false,
            samples: None,
        })
    }

    /// The application that `text` names: `function`, `path.py`, `path.py::function`, or the project's only one.
    pub fn application(&self, text: Option<&str>) -> Result<Application, CliError> {
        let text = text.or(self.project.config.app.as_deref());
        let (file, name) = match text {
            None => (None, None),
            Some(text) => match text.split_once("::") {
                Some((file, name)) => (Some(file), Some(name)),
                None if text.ends_with(".py") => (Some(text), None),
                None => (None, Some(text)),
            },
        };
        let (found, problems) = match file {
            Some(file) => {
                let path = self.existing_file(file)?;
                applications_in(&path)
            }
            None => self.project.applications(),
        };
        let matching: Vec<&Application> =
            found.iter().filter(|app| name.is_none_or(|name| app.name == name)).collect();
        match matching.as_slice() {
            [app] => Ok((*app).clone()),
            [] => Err(self.no_application(name, file, &found, &problems)),
            several => {
                let mut error = CliError::usage(match name {
                    Some(name) => format!("several files define the application '{name}'"),
                    None => "several applications are defined here: name one".to_owned(),
                });
                for app in several {
                    error = error.hint(format!("tl-bench run {}", self.app_name(app)));
                }
                Err(error)
            }
        }
    }

    fn existing_file(&self, file: &str) -> Result<PathBuf, CliError> {
        let here = Path::new(file);
        // As seen from where the user stands, but only inside the project: a file of the same name elsewhere is not it.
        let inside =
            |path: PathBuf| path.canonicalize().ok().filter(|path| path.starts_with(&self.project.root));
        let standing = inside(here.to_path_buf()).filter(|path| path.is_file());
        let path = standing.or_else(|| inside(self.project.root.join(here)).filter(|path| path.is_file()));
        path.ok_or_else(|| {
            CliError::usage(format!("no such file in {}: {file}", self.project.root.display()))
        })
    }

    /// An application as `run` takes it, whatever others there are: `app.py::trip`.
    pub(super) fn app_name(&self, app: &Application) -> String {
        let file = crate::base::paths::relative(&app.file, &self.project.root);
        format!("{}::{}", file.display(), app.name)
    }

    fn no_application(
        &self,
        name: Option<&str>,
        file: Option<&str>,
        found: &[Application],
        problems: &[crate::engine::project::Problem],
    ) -> CliError {
        let place = match file {
            Some(file) => file.to_owned(),
            None => self.project.root.display().to_string(),
        };
        let mut error = match name {
            Some(name) => {
                let near = suggest::nearest(name, found.iter().map(|app| app.name.as_str()));
                CliError::usage(format!("no application '{name}' in {place}{near}"))
            }
            None => CliError::usage(format!("no application in {place}"))
                .hint("an application is a function with @application() and @function() from tensorlake.applications"),
        };
        for app in found.iter().take(5) {
            error = error.hint(format!("there is {}", self.app_name(app)));
        }
        for problem in problems.iter().take(3) {
            let file = crate::base::paths::relative(&problem.file, &self.project.root);
            error =
                error.hint(format!("{}:{} does not parse: {}", file.display(), problem.line, problem.text));
        }
        error
    }

    /// A run, with what is damaged of it reported as an error.
    pub fn history(&self, store: &Store, run: &RunId) -> Result<RunHistory, CliError> {
        let found = store.history(run)?;
        match found.damage {
            Some(damage) => Err(CliError::new(Exit::Store, damage.to_string())
                .hint("`tl-bench doctor` checks the whole store")),
            None => Ok(found.history),
        }
    }

    /// The call that `text` names.
    pub fn call(&self, run: &RunHistory, text: &str) -> Result<CallNo, CliError> {
        crate::model::path::find(run, text).map_err(|missing| match missing {
            crate::model::path::NotFound::Unknown(near) => {
                let mut error = CliError::usage(format!("no call '{text}' in run {}", run.id));
                if !near.is_empty() {
                    error = error.hint(format!("did you mean {}?", near.join(", ")));
                }
                error
            }
            crate::model::path::NotFound::Ambiguous(ids) => {
                CliError::usage(format!("'{text}' begins several ids: {}", ids.join(", ")))
            }
        })
    }
}

fn unshown(error: impl std::fmt::Display) -> CliError {
    CliError::new(Exit::Store, format!("a recorded value cannot be shown: {error}"))
}

/// Writes a whole recorded value as JSON while it is read: it may be larger than memory.
pub fn write_value(
    store: &Store,
    value: Option<&ValueRef>,
    out: &mut impl std::io::Write,
) -> Result<(), WriteError> {
    let Some(value) = value else { return out.write_all(b"null").map_err(WriteError::Io) };
    let source = StoreNodes(store);
    let reader = Reader::new(&source);
    let limits = view::ViewLimits::full();
    let document = Document::open(&reader, &value.digest, value.inline.as_deref(), &limits)
        .map_err(|error| WriteError::Value(unshown(error)))?;
    serde_json::to_writer(out, &document).map_err(|error| match document.failure() {
        Some(failure) => WriteError::Value(unshown(failure)),
        None => WriteError::Io(error.into()),
    })
}

/// Why a value was not written: of where it comes from, or of where it goes to.
pub enum WriteError {
    /// It cannot be read.
    Value(CliError),
    /// It cannot be written.
    Io(std::io::Error),
}

/// A recorded value as JSON for eyes. A damaged or missing one is an error that says so.
pub fn value_json(
    store: &Store,
    value: &ValueRef,
    limits: &view::ViewLimits,
) -> Result<view::View, CliError> {
    let source = StoreNodes(store);
    let reader = Reader::new(&source);
    Document::open(&reader, &value.digest, value.inline.as_deref(), limits)
        .and_then(Document::view)
        .map_err(unshown)
}

/// The same without limits.
pub fn whole_value(store: &Store, value: Option<&ValueRef>) -> Result<Value, CliError> {
    match value {
        Some(value) => Ok(value_json(store, value, &view::ViewLimits::full())?.json),
        None => Ok(Value::Null),
    }
}

/// An application's input or output: JSON as it was.
pub fn plain_value(store: &Store, value: Option<&ValueRef>) -> Result<Value, CliError> {
    match value {
        Some(value) => crate::engine::run::json_of(store, value)
            .map_err(|error| CliError::new(Exit::Store, format!("a recorded value cannot be read: {error}"))),
        None => Ok(Value::Null),
    }
}

/// What a recorded run was given, to give it again. Fails when it held a secret that is not recorded.
pub fn recorded_input(store: &Store, run: &RunHistory) -> Result<Value, CliError> {
    let Some(input) = &run.input else { return Ok(Value::Null) };
    if let Some(why) = input.lost() {
        return Err(CliError::usage(format!("the input of run {} held {why}", run.id))
            .hint("give it again with --input, or set keep_secrets = true in tl-bench.toml before the run"));
    }
    crate::engine::run::whole_json(store, input)
        .map_err(|error| CliError::new(Exit::Store, format!("a recorded value cannot be read: {error}")))
}

/// The application of a recorded run as it is today; found by name when its file has moved.
pub fn replayed_application(context: &Context, parent: &RunHistory) -> Result<Application, CliError> {
    let file = std::path::Path::new(&parent.file);
    if let Some(app) = context.project.moved_application(file, &parent.app) {
        return Ok(app);
    }
    let (here, _) = applications_in(file);
    match here.into_iter().find(|app| app.name == parent.app) {
        Some(app) => Ok(app),
        None => context.application(Some(&parent.app)),
    }
}
