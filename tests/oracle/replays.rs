//! The long form of truth: whole runs and replays of the real program.
//!
//! A program runs, is edited, and is replayed twice; then it is the first version again, written with noise. A call
//! whose output is new must have executed, the application's output must be what Python says, and noise must
//! execute nothing: its checkpoints are those of the first run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::digests::{READABLE, seeds};
use crate::make;
use crate::model::Dice;
use crate::render::{Files, Manner, NOISES, files};
use crate::support::{Done, Project};
use crate::truth::{Calls, Python};

const SIZE: usize = 12;

/// A project whose files are replaced as a whole.
struct Workshop {
    project: Project,
    files: Files,
}

impl Workshop {
    fn new() -> Self {
        Workshop { project: Project::new(&[]), files: Files::new() }
    }

    /// Only what differs is written, as an editor would.
    fn turn_into(&mut self, files: Files) {
        for name in self.files.keys().filter(|name| !files.contains_key(*name)) {
            std::fs::remove_file(self.project.root().join(name)).unwrap();
        }
        for (name, text) in files.iter().filter(|(name, text)| self.files.get(*name) != Some(text)) {
            self.project.write(name, text);
        }
        self.files = files;
    }

    fn run(&self, mode: &str) -> (Done, BTreeSet<(String, String)>) {
        self.project.forget();
        let done =
            self.project.tl(&["run", "app.py::main", "--json", "--input", "{\"x\": 1}", "--mode", mode]);
        let mut executed = BTreeSet::new();
        for entry in std::fs::read_dir(self.project.trace("")).unwrap() {
            let function = entry.unwrap().file_name().into_string().unwrap();
            for input in self.project.noted(&function) {
                executed.insert((function.clone(), format!("({input},)")));
            }
        }
        (done, executed)
    }
}

/// What a version does, or nothing when it does not run to its end.
fn truth(python: &mut Python, files: &Files) -> Option<(Calls, Value)> {
    let calls = python.run(files).ok()?;
    let output = calls.get(&("main".to_owned(), "(1,)".to_owned()))?.out.clone()?;
    Some((calls, serde_json::from_str(&output).ok()?))
}

#[derive(Default)]
struct Tally {
    programs: usize,
    replays: usize,
    executed: usize,
    served: usize,
    needless: usize,
}

fn one(python: &mut Python, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let program = make::program(seed, SIZE);
    let plain = Manner { noises: Vec::new(), traced: true };
    let mut versions = vec![files(&program, &plain)];
    let mut dice = Dice::new(seed ^ 0x0A11);
    let mut now = program.clone();
    for _ in 0..8 {
        if let Some((edited, _)) = make::edit(&now, &mut dice) {
            let written = files(&edited, &plain);
            if versions.len() < 3 && !versions.contains(&written) && truth(python, &written).is_some() {
                versions.push(written);
                now = edited;
            }
        }
    }
    let Some((first, output)) = truth(python, &versions[0]) else { return Ok(()) };
    tally.programs += 1;
    let mut workshop = Workshop::new();
    workshop.turn_into(versions[0].clone());
    let (done, _) = workshop.run("fresh");
    expect(done, &output)?;
    // Every output that some version gave to a question.
    let mut known: BTreeMap<_, BTreeSet<Option<String>>> = BTreeMap::new();
    let mut learn = |calls: &Calls| {
        for (key, call) in calls {
            known.entry(key.clone()).or_default().insert(call.out.clone());
        }
        known.clone()
    };
    let mut before = learn(&first);
    for version in &versions[1..] {
        let Some((calls, output)) = truth(python, version) else { continue };
        let was = workshop.files.clone();
        workshop.turn_into(version.clone());
        let (done, executed) = workshop.run("adaptive");
        expect(done, &output).map_err(|why| why + &diff(&was, version))?;
        tally.replays += 1;
        for (key, call) in &calls {
            let ran = executed.contains(key);
            let same = before.get(key).is_some_and(|outs| outs.contains(&call.out));
            if !ran && !same {
                return Err(format!("FALSE HIT: {key:?} gives {:?} now\n{}", call.out, diff(&was, version)));
            }
            tally.executed += usize::from(ran);
            tally.served += usize::from(!ran);
            tally.needless += usize::from(ran && same);
        }
        before = learn(&calls);
    }
    // What may be read can count, and how often it does is judged by the digests.
    let noises = NOISES.iter().copied().filter(|noise| !READABLE.contains(noise)).collect();
    let noisy = files(&program, &Manner { noises, traced: true });
    workshop.turn_into(noisy);
    let (done, executed) = workshop.run("adaptive");
    expect(done, &output)?;
    tally.replays += 1;
    if !executed.is_empty() {
        return Err(format!("NOISE executed {executed:?}\n{}", diff(&versions[0], &workshop.files)));
    }
    Ok(())
}

fn expect(done: Done, output: &Value) -> Result<(), String> {
    if done.status.code() != Some(0) {
        return Err(format!("ended by {:?}:\n{}", done.status.code(), done.err));
    }
    let report = done.json();
    match report["output"] == *output {
        true => Ok(()),
        false => Err(format!("WRONG OUTPUT {} instead of {output}\n", report["output"])),
    }
}

fn diff(old: &Files, new: &Files) -> String {
    let mut text = String::new();
    crate::digests::show(&mut text, old, new);
    text
}

#[test]
fn replays_execute_what_changed_and_nothing_for_noise() {
    let mut python = Python::start();
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for seed in seeds(0..12) {
        if let Err(why) = one(&mut python, seed, &mut tally) {
            eprintln!("seed {seed}: {why}\n");
            wrong.push(format!("seed {seed}: {}", why.lines().next().unwrap_or_default()));
        }
        if wrong.len() >= 3 {
            break;
        }
    }
    eprintln!(
        "{} programs, {} replays: {} calls executed, {} served; {} of the executed gave what was known",
        tally.programs, tally.replays, tally.executed, tally.served, tally.needless
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tally.executed > 0 && tally.served > 0, "the edits do not tell anything");
}
