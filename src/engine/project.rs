//! A project: its configuration and its applications, found without executing anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::secrets::Secrets;
use super::track::Track;
use super::values::{Price, Prices};
use crate::base::paths;
use crate::diff::value::Pattern;
use crate::source::{self, FunctionFacts, ParamKind};

/// `tl-bench.toml`. Every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The application that `run` takes when none is named.
    #[serde(default)]
    pub app: Option<String>,
    /// File with the input that `run` takes when none is given, relative to the project.
    #[serde(default)]
    pub input: Option<PathBuf>,
    /// Most worker processes.
    #[serde(default)]
    pub workers: Option<u32>,
    /// Most calls that execute at once in a worker process.
    #[serde(default)]
    pub slots: Option<u32>,
    /// The interpreter.
    #[serde(default)]
    pub python: Option<PathBuf>,
    /// Environment variables whose values are secrets.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Values with secrets are kept for reuse, apart from what is shown.
    #[serde(default)]
    pub keep_secrets: bool,
    /// The folder of goldens, relative to the project.
    #[serde(default)]
    pub golden: Option<PathBuf>,
    /// Places inside values that do not count when runs are compared: `*.id`, `usage.*`.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// What is tracked beside what is found by itself.
    #[serde(default)]
    pub track: Track,
    /// Prices of models, by name: above those that come with the program.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, Price>,
    /// How the workbench looks; read there, mistakes included.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub workbench: toml::Table,
}

impl Config {
    /// Most worker processes: one for the application itself, and one a core for what it calls.
    pub fn workers(&self) -> u32 {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get() as u32);
        self.workers.unwrap_or(cores.clamp(2, 8) + 1).max(1)
    }

    /// Most calls that execute at once in a worker: LLM calls wait for the network, not for a core.
    pub fn slots(&self) -> u32 {
        self.slots.unwrap_or(32).clamp(1, 1_024)
    }

    /// What tokens cost.
    pub fn prices(&self) -> Prices {
        Prices::new(self.prices.clone())
    }

    /// The places that do not count; what cannot be read was refused when the file was.
    pub fn ignored(&self) -> Vec<Pattern> {
        self.ignore.iter().filter_map(|text| Pattern::parse(text).ok()).collect()
    }

    /// A pattern of `ignore` that cannot be read, and why.
    fn unreadable(&self) -> Option<(&str, String)> {
        self.ignore.iter().find_map(|text| {
            let error = Pattern::parse(text).err()?;
            Some((text.as_str(), format!("ignore: {error}")))
        })
    }

    /// What is wrong with it: the key and the reason.
    fn problem(&self) -> Option<String> {
        let priced = |(model, price): (&String, &Price)| {
            price.problem().map(|reason| format!("prices.{model:?}: {reason}"))
        };
        let unnamed = self.secrets.iter().find(|name| name.is_empty() || name.contains(['=', '\0']));
        if let Some(name) = unnamed {
            return Some(format!("secrets: {name:?} is not the name of an environment variable"));
        }
        self.track.problem().or_else(|| self.prices.iter().find_map(priced))
    }
}

/// An application as static analysis found it.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Absolute path of its file.
    pub file: PathBuf,
    /// 1-based line.
    pub line: usize,
    /// Its parameters in order: name, hint, whether it may be left out.
    pub params: Vec<Parameter>,
    /// First line of its docstring.
    pub doc: Option<String>,
}

/// A parameter of an application.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its hint, as written.
    pub hint: Option<String>,
    /// Whether it may be left out.
    pub optional: bool,
}

/// A source file that cannot be parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// 1-based line.
    pub line: usize,
    /// What is wrong.
    pub text: String,
}

/// A project that was looked at.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its folder, absolute.
    pub root: PathBuf,
    /// Its configuration.
    pub config: Config,
}

/// The configuration cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {text}")]
pub struct ConfigError {
    path: PathBuf,
    text: String,
}

impl Project {
    /// The project that `start` lies in.
    pub fn find(start: &Path) -> Result<Self, ConfigError> {
        let start = start.canonicalize().unwrap_or_else(|_| start.to_path_buf());
        let root = paths::find_project(&start);
        let path = root.join(paths::CONFIG_FILE);
        let mut config: Config = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| ConfigError {
                path: path.clone(),
                text: error.to_string().trim().to_owned(),
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Config::default(),
            Err(error) => return Err(ConfigError { path, text: error.to_string() }),
        };
        if let Some((pattern, text)) = config.unreadable() {
            // Where it stands, as for mistakes that TOML itself finds.
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            let line = written.lines().position(|line| line.contains(pattern)).map_or(1, |line| line + 1);
            let path = PathBuf::from(format!("{}:{line}", path.display()));
            return Err(ConfigError { path, text });
        }
        config.track.secrets = Secrets::new(config.secrets.clone(), config.keep_secrets);
        if let Some(text) = config.problem() {
            return Err(ConfigError { path, text });
        }
        Ok(Project { root, config })
    }

    /// The store's folder.
    pub fn store_dir(&self) -> PathBuf {
        self.root.join(paths::STORE_DIR)
    }

    /// Its name: the folder's.
    pub fn name(&self) -> String {
        self.root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// All applications of the project, in order of files and lines; and files that do not parse.
    pub fn applications(&self) -> (Vec<Application>, Vec<Problem>) {
        let mut found = Vec::new();
        let mut problems = Vec::new();
        for file in self.sources() {
            let (mut here, mut wrong) = applications_in(&file);
            found.append(&mut here);
            problems.append(&mut wrong);
        }
        (found, problems)
    }

    /// Where an application is that was recorded in `file`, when the project was copied or moved since: it has its own
    /// file then, and the recorded one may still exist.
    pub fn moved_application(&self, file: &Path, name: &str) -> Option<Application> {
        if file.starts_with(&self.root) {
            return None;
        }
        let stands_there =
            |app: &Application| app.file.strip_prefix(&self.root).is_ok_and(|path| file.ends_with(path));
        self.applications().0.into_iter().find(|app| app.name == name && stands_there(app))
    }

    /// The project's own Python files, in order.
    pub fn sources(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = ignore::WalkBuilder::new(&self.root)
            .standard_filters(true)
            .require_git(false)
            .filter_entry(|entry| !skipped(entry))
            .build()
            .filter_map(Result::ok)
            .map(ignore::DirEntry::into_path)
            .filter(|path| path.extension().is_some_and(|ext| ext == "py"))
            .collect();
        files.sort();
        files
    }
}

/// Folders that hold no sources of the project.
fn skipped(entry: &ignore::DirEntry) -> bool {
    let named = matches!(
        entry.file_name().to_str(),
        Some("node_modules" | "__pycache__" | "site-packages" | "build" | "dist" | "target")
    );
    // A virtual environment may have any name.
    named || entry.path().join("pyvenv.cfg").exists()
}

/// The applications of one file.
pub fn applications_in(file: &Path) -> (Vec<Application>, Vec<Problem>) {
    let Ok(bytes) = std::fs::read(file) else { return (vec![], vec![]) };
    let text = source::decode(&bytes);
    // Most files define no application: a search is a hundred times faster than a parse.
    if !text.contains("application") {
        return (vec![], vec![]);
    }
    let facts = source::facts(&source::parse(&text));
    let problems = facts
        .error
        .iter()
        .map(|error| Problem { file: file.to_path_buf(), line: error.line, text: error.message.clone() })
        .collect();
    let found = facts
        .functions
        .iter()
        .filter(|function| function.is_application)
        .map(|function| Application {
            name: function.name.clone(),
            file: file.to_path_buf(),
            line: function.line,
            params: parameters(function),
            doc: function.doc.as_ref().and_then(|doc| doc.trim().lines().next()).map(str::to_owned),
        })
        .collect();
    (found, problems)
}

fn parameters(function: &FunctionFacts) -> Vec<Parameter> {
    function
        .params
        .iter()
        .enumerate()
        .filter(|(i, param)| !(*i == 0 && function.class.is_some() && param.name == "self"))
        .filter(|(_, param)| !matches!(param.kind, ParamKind::VarArgs | ParamKind::KwArgs))
        .map(|(_, param)| Parameter {
            name: param.name.clone(),
            hint: param.hint.clone(),
            optional: param.default.is_some(),
        })
        .collect()
}
