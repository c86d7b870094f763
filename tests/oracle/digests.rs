//! The fast form: code digests alone, through the library.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use tl_bench::source::{Closure, Program as Analysis, Sources};

use crate::make;
use crate::model::{Dice, Expr, Kind, Num, Program, Site};
use crate::render::{Files, Manner, NOISES, Noise, dotted, files};
use crate::truth::{Python, changed};

/// What code can read of itself.
pub const READABLE: &[Noise] = &[Noise::Docstrings, Noise::Hints];

pub struct InMemory<'a>(pub &'a Files);

impl Sources for InMemory<'_> {
    fn text(&self, path: &str) -> Option<Arc<str>> {
        self.0.get(path).map(|text| Arc::from(text.as_str()))
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.0.keys().filter_map(|path| path.strip_prefix(&prefix));
        let mut names: Vec<String> =
            below.filter_map(|rest| rest.split('/').next().map(str::to_owned)).collect();
        names.dedup();
        names
    }
}

/// The closure of each function, by its name.
fn closures(program: &Program, files: &Files) -> BTreeMap<String, Arc<Closure>> {
    let sources = InMemory(files);
    let mut analysis = Analysis::new(vec![String::new()], "app.py");
    let app = program.packages.len();
    let mut found = BTreeMap::new();
    let functions = program.functions.iter().enumerate().map(|(i, f)| (f.module, format!("f{i}")));
    for (module, name) in functions.chain([(app, "main".to_owned())]) {
        let path = format!("{}.py", dotted(program, module).replace('.', "/"));
        let closure = analysis.closure(&path, &name, &sources);
        found.insert(name.clone(), closure.unwrap_or_else(|| panic!("{name} of {path} is not found")));
    }
    found
}

fn code(files: &Files) -> Vec<(&String, &String)> {
    files.iter().filter(|(name, _)| name.ends_with(".py")).collect()
}

/// What was tried, and what came of it.
#[derive(Default, Debug)]
struct Tally {
    programs: usize,
    broken: usize,
    edits: usize,
    /// Functions judged after an edit, those that acted otherwise, those invalidated though none of their outputs changed.
    judged: usize,
    acted: usize,
    needless: usize,
    opaque: usize,
    noises: usize,
}

/// What is wrong: with a text for whoever reads it.
struct Wrong {
    text: String,
}

/// One program before and after an edit. `None`: nothing wrong.
fn judge(python: &mut Python, before: &Program, after: &Program, tally: &mut Tally) -> Option<Wrong> {
    let (old, new) = (files(before, &Manner::default()), files(after, &Manner::default()));
    if code(&old) == code(&new) {
        // Data files are not part of the code digest.
        return None;
    }
    let (Ok(was), Ok(is)) = (python.run(&old), python.run(&new)) else {
        tally.broken += 1;
        return None;
    };
    tally.edits += 1;
    let acted = changed(&was, &is);
    let (first, second) = (closures(before, &old), closures(after, &new));
    let reaching = reaching(before, after);
    for (name, closure) in &first {
        let differs = closure.digest != second[name].digest;
        if differs && !reaching.contains(name) && closure.opaque.is_empty() && second[name].opaque.is_empty()
        {
            let mut text = format!("FALSE INVALIDATION: {name} does not reach what was changed.\n");
            different_parts(&mut text, closure, &second[name]);
            show(&mut text, &old, &new);
            return Some(Wrong { text });
        }
        let acts = acted.contains(name);
        tally.judged += 1;
        tally.acted += usize::from(acts);
        tally.needless += usize::from(differs && !acts);
        tally.opaque += usize::from(!closure.opaque.is_empty());
        if acts && !differs {
            let mut text = format!("FALSE HIT: {name} acts otherwise, its digest is the same.\n");
            for (key, call) in was.iter().filter(|((f, _), _)| f == name) {
                if let Some(now) = is.get(key).filter(|now| *now != call) {
                    let _ = writeln!(text, "{key:?}: {call:?}\n   becomes {now:?}");
                }
            }
            show(&mut text, &old, &new);
            return Some(Wrong { text });
        }
    }
    None
}

/// One program, and the same written with noise.
fn judge_noise(python: &mut Python, program: &Program, noises: &[Noise], tally: &mut Tally) -> Option<Wrong> {
    let manner = Manner { noises: noises.to_vec(), traced: false };
    let (old, new) = (files(program, &Manner::default()), files(program, &manner));
    let Ok(was) = python.run(&old) else {
        tally.broken += 1;
        return None;
    };
    let is = python.run(&new).unwrap_or_else(|error| {
        let mut text = String::new();
        show(&mut text, &old, &new);
        panic!("{noises:?} broke the program: {error}\n{text}")
    });
    for (key, call) in &was {
        if is.get(key) != Some(call) {
            let mut text = String::new();
            show(&mut text, &old, &new);
            panic!("{noises:?} changed what {key:?} does: {call:?} becomes {:?}\n{text}", is.get(key));
        }
    }
    tally.noises += 1;
    let (first, second) = (closures(program, &old), closures(program, &new));
    for (name, closure) in &first {
        // Where reach is not known the whole module counts, with what else stands in it.
        let added = noises.iter().any(|noise| matches!(noise, Noise::Unused | Noise::Imports | Noise::Order));
        if closure.digest != second[name].digest && (!added || closure.opaque.is_empty()) {
            let mut text = format!("NOISE: {noises:?} changed the digest of {name}.\n");
            different_parts(&mut text, closure, &second[name]);
            show(&mut text, &old, &new);
            return Some(Wrong { text });
        }
    }
    None
}

/// The functions that may act otherwise after an edit, because they reach what is different.
fn reaching(before: &Program, after: &Program) -> Vec<String> {
    let differ = |a: &dyn std::fmt::Debug, b: &dyn std::fmt::Debug| format!("{a:?}") != format!("{b:?}");
    let functions = before.functions.iter().zip(&after.functions).enumerate();
    functions
        .filter(|(_, (old, new))| {
            let reached = before.reached(old).into_iter().zip(after.reached(new));
            let items = before.items.iter().zip(&after.items);
            differ(old, new) || reached.zip(items).any(|((a, b), (old, new))| (a || b) && differ(old, new))
        })
        .map(|(i, _)| format!("f{i}"))
        .collect()
}

fn different_parts(text: &mut String, old: &Closure, new: &Closure) {
    for part in &old.parts {
        let same = new.parts.iter().find(|p| (&p.file, &p.name) == (&part.file, &part.name));
        if same.is_none_or(|same| same.digest != part.digest) {
            let _ = writeln!(text, "differs: {} {}", part.file, part.name);
        }
    }
    for part in &new.parts {
        if !old.parts.iter().any(|p| (&p.file, &p.name) == (&part.file, &part.name)) {
            let _ = writeln!(text, "new: {} {}", part.file, part.name);
        }
    }
}

pub fn show(text: &mut String, old: &Files, new: &Files) {
    for (name, before) in old {
        let after = new.get(name);
        let _ = writeln!(text, "--- {name}{}\n{before}", if after.is_some() { "" } else { " (goes)" });
        if let Some(after) = after.filter(|after| *after != before) {
            let _ = writeln!(text, "+++ {name} afterwards");
            let diff = similar::TextDiff::from_lines(before.as_str(), after.as_str());
            let _ = writeln!(text, "{}", diff.unified_diff().context_radius(0));
        }
    }
    for (name, after) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        let _ = writeln!(text, "+++ {name} (new)\n{after}");
    }
}

/// Replaces parts by less as long as the same is wrong.
fn shrink(
    mut pair: (Program, Program),
    mut wrong: impl FnMut(&Program, &Program) -> Option<Wrong>,
) -> String {
    let mut text = wrong(&pair.0, &pair.1).map(|found| found.text).unwrap_or_default();
    // First without what nothing reaches, unless that is what matters.
    let trim = |program: &Program| Program { trimmed: true, ..program.clone() };
    let trimmed = (trim(&pair.0), trim(&pair.1));
    if let Some(found) = wrong(&trimmed.0, &trimmed.1) {
        (pair, text) = (trimmed, found.text);
    }
    let (mut tries, mut k, mut since) = (0, 0, 0);
    while tries < 2000 {
        let Some((a, b)) = smaller(&pair.0, k).zip(smaller(&pair.1, k)) else {
            if k == 0 || since == 0 {
                break;
            }
            (k, since) = (0, 0);
            continue;
        };
        k += 1;
        if weight(&a) >= weight(&pair.0) {
            continue;
        }
        tries += 1;
        if let Some(found) = wrong(&a, &b) {
            (pair, text) = ((a, b), found.text);
            since += 1;
            k -= 1;
        }
    }
    text
}

fn weight(program: &Program) -> usize {
    files(program, &Manner::default()).iter().map(|(name, text)| name.len() + text.len()).sum()
}

/// The k-th way to make a program smaller; the same for both programs of a pair.
fn smaller(program: &Program, mut k: usize) -> Option<Program> {
    let mut program = program.clone();
    if k < program.functions.len() {
        program.functions.remove(k);
        for function in &mut program.functions {
            function.calls.retain(|call| *call != k);
            for call in function.calls.iter_mut().filter(|call| **call > k) {
                *call -= 1;
            }
        }
        return Some(program);
    }
    k -= program.functions.len();
    if k < program.functions.len() {
        program.functions[k].calls.pop();
        program.inputs.truncate(1);
        return Some(program);
    }
    k -= program.functions.len();
    let effects: Vec<usize> =
        (0..program.items.len()).filter(|i| program.items[*i].kind.has_effect()).collect();
    if k < effects.len() {
        program.items[effects[k]].kind = Kind::Constant(Num::Int(1));
        return Some(program);
    }
    k -= effects.len();
    let (mut at, mut done) = (0, false);
    program.sites(&mut |site| {
        let Site::Expr(e) = site else { return };
        if !done && at == k / 4 {
            done = true;
            *e = match (k % 4, &*e) {
                (0, _) => Expr::X,
                (1, _) => Expr::Num(Num::Int(1)),
                (2, Expr::Use(_, a) | Expr::Sum(_, a) | Expr::Text(_, a)) => (**a).clone(),
                (2, Expr::Bin(_, a, _) | Expr::If(_, a, _) | Expr::Max(a, _)) => (**a).clone(),
                (3, Expr::Bin(_, _, a) | Expr::If(_, _, a) | Expr::Max(_, a)) => (**a).clone(),
                (_, other) => other.clone(),
            };
        }
        at += 1;
    });
    done.then_some(program)
}

pub fn seeds(usual: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("ORACLE_SEEDS") else { return usual };
    let (from, to) = text.split_once("..").expect("ORACLE_SEEDS is FROM..TO");
    from.parse().expect("a number")..to.parse().expect("a number")
}

/// Collects what is wrong, so that one run shows more than its first finding.
struct Findings {
    texts: Vec<String>,
}

impl Findings {
    fn add(&mut self, seed: u64, told: &str, text: &str) {
        eprintln!("seed {seed}, {told}:\n{text}\n");
        self.texts.push(format!("seed {seed}: {}", text.lines().next().unwrap_or_default()));
    }

    fn full(&self) -> bool {
        self.texts.len() >= 3
    }
}

const SIZE: usize = 16;

#[test]
fn no_edit_that_matters_leaves_a_digest_as_it_was() {
    let mut python = Python::start();
    let (mut tally, mut findings) = (Tally::default(), Findings { texts: Vec::new() });
    for seed in seeds(0..60) {
        let program = make::program(seed, SIZE);
        tally.programs += 1;
        let mut dice = Dice::new(seed ^ 0xED17);
        for _ in 0..4 {
            let Some((edited, told)) = make::edit(&program, &mut dice) else { continue };
            if judge(&mut python, &program, &edited, &mut tally).is_some() {
                let mut ignored = Tally::default();
                let text = shrink((program.clone(), edited), |a, b| judge(&mut python, a, b, &mut ignored));
                findings.add(seed, &told, &text);
                break;
            }
        }
        if findings.full() {
            break;
        }
    }
    report("edits", &tally);
    assert!(tally.acted * 20 > tally.judged, "hardly an edit changed anything: {tally:?}");
    assert!(findings.texts.is_empty(), "{:#?}", findings.texts);
}

#[test]
fn noise_leaves_every_digest_as_it_was() {
    let mut python = Python::start();
    let (mut tally, mut findings) = (Tally::default(), Findings { texts: Vec::new() });
    let noises: Vec<Noise> = NOISES.iter().copied().filter(|noise| !READABLE.contains(noise)).collect();
    for seed in seeds(0..60) {
        let program = make::program(seed, SIZE);
        tally.programs += 1;
        if judge_noise(&mut python, &program, &noises, &mut tally).is_some() {
            let mut ignored = Tally::default();
            let mut alone =
                |noise: &Noise| judge_noise(&mut python, &program, &[*noise], &mut ignored).is_some();
            let found = match noises.iter().find(|noise| alone(noise)) {
                Some(noise) => vec![*noise],
                None => noises.clone(),
            };
            let text =
                shrink((program.clone(), program), |a, _| judge_noise(&mut python, a, &found, &mut ignored));
            findings.add(seed, &format!("{found:?}"), &text);
        }
        if findings.full() {
            break;
        }
    }
    report("noise", &tally);
    assert!(tally.noises * 10 > tally.programs * 8, "too many programs are broken: {tally:?}");
    assert!(findings.texts.is_empty(), "{:#?}", findings.texts);
}

/// Docstrings and hints of functions that are handed around as values (patched in at import, made by a factory) count,
/// because something might read them. That is safe and not exact: how often it happens is bounded and printed.
#[test]
fn docstrings_and_hints_seldom_count() {
    let mut python = Python::start();
    let mut tally = Tally::default();
    let mut counted = 0;
    for seed in seeds(0..60) {
        let program = make::program(seed, SIZE);
        tally.programs += 1;
        counted += usize::from(judge_noise(&mut python, &program, READABLE, &mut tally).is_some());
    }
    report(&format!("docstrings and hints that counted: {counted}, of"), &tally);
    assert!(counted * 4 <= tally.noises, "{counted} of {}", tally.noises);
}

fn report(what: &str, tally: &Tally) {
    let unchanged = tally.judged - tally.acted;
    eprintln!(
        "{what}: {} programs ({} broken), {} edits; {} of {} functions acted otherwise; {} of the other {unchanged} were \
         invalidated needlessly ({:.2} %); {} opaque; {} noisy copies",
        tally.programs,
        tally.broken,
        tally.edits,
        tally.acted,
        tally.judged,
        tally.needless,
        100.0 * tally.needless as f64 / unchanged.max(1) as f64,
        tally.opaque,
        tally.noises
    );
}
