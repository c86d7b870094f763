//! What really happens when a program runs, and what follows for its checkpoints.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::render::Files;

/// One call: what it asked of others, in order, with the answers; and its result unless it failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub asked: Vec<(String, String, String)>,
    pub out: Option<String>,
}

/// The calls of a run by function and arguments.
pub type Calls = BTreeMap<(String, String), Call>;

/// A Python process that runs programs.
pub struct Python {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
    programs: usize,
}

impl Python {
    pub fn start() -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/python");
        let mut child = Command::new("python3")
            .arg(home.join("observe.py"))
            .env("PYTHONPATH", &home)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let ask = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        Python { child, ask, answers, folder: tempfile::tempdir().expect("a folder"), programs: 0 }
    }

    /// Runs a program. An error when it cannot be imported.
    pub fn run(&mut self, files: &Files) -> Result<Calls, String> {
        self.programs += 1;
        // The same path for all: it is part of what a program sees.
        let folder = self.folder.path().join("program");
        let _ = std::fs::remove_dir_all(&folder);
        write(&folder, files);
        writeln!(self.ask.as_ref().expect("open"), "{}", folder.display()).expect("it reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        match answer["broken"].as_str() {
            Some(broken) => Err(broken.to_owned()),
            None => Ok(calls(&answer["calls"])),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.ask = None;
        let _ = self.child.wait();
    }
}

/// Writes the files below a folder, and nothing else.
pub fn write(folder: &Path, files: &Files) {
    for (name, text) in files {
        let path: PathBuf = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}

fn calls(answer: &Value) -> Calls {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut calls = Calls::new();
    for call in list(answer) {
        let asked = list(&call["asked"]).iter().map(|a| (text(&a[0]), text(&a[1]), text(&a[2]))).collect();
        let key = (text(&call["f"]), text(&call["in"]));
        let call = Call { asked, out: call["out"].as_str().map(str::to_owned) };
        if let Some(known) = calls.get(&key) {
            assert_eq!(*known, call, "the program is not deterministic: {key:?}");
        }
        calls.insert(key, call);
    }
    calls
}

/// Whether the function itself did something else with the same input and the same answers: then its own code, or
/// what that reaches, must be different.
pub fn acted_otherwise(before: &Call, after: &Call) -> bool {
    let Some(out) = &before.out else {
        // A failed call is no checkpoint.
        return false;
    };
    for (i, was) in before.asked.iter().enumerate() {
        match after.asked.get(i) {
            Some(is) if is == was => {}
            // Another answer to the same question: from here on anything may follow.
            Some(is) if (&is.0, &is.1) == (&was.0, &was.1) => return false,
            _ => return true,
        }
    }
    after.asked.len() != before.asked.len() || after.out.as_ref() != Some(out)
}

/// Functions that acted otherwise for some input.
pub fn changed(before: &Calls, after: &Calls) -> Vec<String> {
    let mut found: Vec<String> = before
        .iter()
        .filter(|(key, call)| after.get(*key).is_some_and(|now| acted_otherwise(call, now)))
        .map(|((function, _), _)| function.clone())
        .collect();
    found.dedup();
    found
}
