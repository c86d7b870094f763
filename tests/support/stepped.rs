//! `tl-bench step` as a script drives it: lines of JSON in, lines of JSON out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::Project;

/// `tl-bench step` as a script drives it.
pub struct Stepped {
    /// The process.
    pub child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// Every line so far.
    pub seen: Vec<Value>,
}

impl Stepped {
    /// Begins.
    pub fn start(project: &Project, args: &[&str]) -> Self {
        Self::start_with(project, args, &[])
    }

    /// Begins with more environment.
    pub fn start_with(project: &Project, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut all = vec!["step"];
        all.extend(args);
        let mut command = project.command(&all);
        command.envs(env.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Stepped { child, input, output, seen: vec![] }
    }

    /// Sends a line.
    pub fn say(&mut self, line: Value) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Answers what has waited longest.
    pub fn answer(&mut self, answer: Value) {
        self.say(json!({"cmd": "answer", "answer": answer}));
    }

    /// The next line of a kind.
    pub fn next(&mut self, kind: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "no line '{kind}' came: {:#?}", self.seen);
            let line: Value = serde_json::from_str(&line).unwrap();
            self.seen.push(line.clone());
            if line["t"] == kind {
                return line;
            }
        }
    }

    /// The path, moment and proposal of the next call that waits.
    pub fn asked(&mut self) -> String {
        let line = self.next("asked");
        let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", word("moment"), word("path"), word("would"))
    }

    /// Ends the input; the last line.
    pub fn end(mut self) -> Value {
        self.input = None;
        let report = self.next("ended");
        self.child.wait().unwrap();
        report
    }
}
