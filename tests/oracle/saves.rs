//! Save after save: what an analysis knows that saw every version must be what a new one finds.
//!
//! A program is edited as people edit: numbers and switches of it, noise, a line more or less, a line that rebinds a name
//! of another module, a file that comes, goes or does not parse. After each save all closures are compared, with all that
//! they hold: parts, places, sources, reasons.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use tl_bench::source::{Program as Analysis, Sources};

use crate::digests::{InMemory, seeds, show};
use crate::make;
use crate::model::{Dice, Program};
use crate::render::{Files, Manner, NOISES, dotted, files};

const SIZE: usize = 16;
const SAVES: usize = 14;

/// The files that an analysis reads, which change below it.
#[derive(Default)]
struct Disk(RefCell<Files>);

impl Sources for Disk {
    fn text(&self, path: &str) -> Option<Arc<str>> {
        InMemory(&self.0.borrow()).text(path)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        InMemory(&self.0.borrow()).names(folder)
    }
}

fn is_python(name: &str) -> bool {
    name.ends_with(".py")
}

fn python(files: &Files) -> Vec<String> {
    files.keys().filter(|name| is_python(name)).cloned().collect()
}

/// The module that a file is.
fn module(path: &str) -> String {
    let name = path.strip_suffix(".py").unwrap_or(path).replace('/', ".");
    name.strip_suffix(".__init__").unwrap_or(&name).to_owned()
}

/// A name that some file binds at its top level.
fn bound(files: &Files, dice: &mut Dice) -> String {
    let mut names = vec!["x".to_owned()];
    for path in python(files) {
        for line in files[&path].lines() {
            let line = ["def ", "class "].iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
            let name: String = line.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let rest = line[name.len()..].trim_start();
            if !name.is_empty() && (rest.starts_with('(') || rest.starts_with('=') || rest.starts_with(':')) {
                names.push(name);
            }
        }
    }
    dice.pick(&names).clone()
}

/// A statement that may stand anywhere at the top level.
fn statement(files: &Files, dice: &mut Dice) -> String {
    let paths: Vec<String> = python(files);
    let other = module(dice.pick(&paths).as_str());
    let (a, b, n) = (bound(files, dice), bound(files, dice), dice.below(9));
    match dice.below(20) {
        0 => format!("from {other} import *"),
        1 => format!("import {other}"),
        2 => format!("from {other} import {a}"),
        3 => format!("from {other} import {a} as {b}"),
        4 => format!("{a} = {b}"),
        5 => format!("{a} = {n}"),
        6 => format!("import {other} as other\nother.{a} = lambda *given, **named: {n}"),
        7 => format!("import {other} as other\nsetattr(other, '{a}', {b})"),
        8 => format!("def {a}(x, *more): return {n}"),
        9 => format!("def extra(x={a}): return {b}(x)\nextra(1)"),
        10 => format!("class {a}({b}): go = {n}"),
        11 => format!("{a}.label = {b}"),
        12 => format!("{a}.append({b})"),
        13 => format!("try:\n    import {other} as maybe\nexcept ImportError:\n    {a} = {b}"),
        14 => format!("__all__ = ['{a}', '{b}']"),
        15 => format!("if {a}:\n    from {other} import {b}"),
        16 => format!("for {a} in range({n}): pass"),
        17 => format!("def __getattr__(name): return {a}"),
        18 => format!("import importlib\nlate = importlib.import_module('{other}')\nlate.{a} = {b}"),
        _ => format!("@{a}\ndef more(x): return {b}"),
    }
}

/// Another version of the files, and what was done.
fn save(files: &Files, dice: &mut Dice) -> (Files, String) {
    let mut after = files.clone();
    let paths = python(files);
    let path = dice.pick(&paths).clone();
    let text = files[&path].clone();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = dice.below(lines.len().max(1));
    let told = match dice.below(16) {
        0 if path != "app.py" => {
            after.remove(&path);
            return (after, format!("{path} goes"));
        }
        1 => {
            let cut = text.char_indices().map(|(at, _)| at).nth(dice.below(text.len().max(1))).unwrap_or(0);
            after.insert(path.clone(), text[..cut].to_owned());
            return (after, format!("{path} ends early"));
        }
        2 => {
            let (a, n) = (bound(files, dice), dice.below(9));
            let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let name =
                [format!("{folder}__init__.py"), format!("{folder}json.py"), format!("{folder}{a}.py")];
            let name = dice.pick(&name).clone();
            after.insert(name.clone(), format!("{a} = {n}\n"));
            return (after, format!("{name} comes"));
        }
        3 => {
            let name = format!("{}/__init__.py", path.strip_suffix(".py").unwrap_or(&path));
            after.insert(name.clone(), text);
            return (after, format!("{name} comes, which hides {path}"));
        }
        4 if !lines.is_empty() => {
            lines.remove(at);
            "loses a line"
        }
        5 => {
            // A function that imports when it is called.
            let import = statement(files, dice).lines().next().unwrap_or_default().to_owned();
            let defs = (0..lines.len()).filter(|i| lines[*i].starts_with("def ") && lines[*i].ends_with(':'));
            let defs: Vec<usize> = defs.collect();
            if !defs.is_empty() {
                lines.insert(dice.pick(&defs) + 1, format!("    {import}"));
            }
            "imports in a function"
        }
        6 => {
            let one = bound(files, dice);
            let two = bound(files, dice);
            lines = lines.iter().map(|line| line.replace(&one, &two)).collect();
            "calls a name otherwise"
        }
        7 => {
            lines.insert(at, "# a remark".to_owned());
            "gets a remark"
        }
        8..=10 => {
            // In place: the file keeps its form.
            let names: Vec<String> = (0..6).map(|_| bound(files, dice)).collect();
            let places: Vec<(usize, &String)> = (0..lines.len())
                .flat_map(|i| names.iter().map(move |name| (i, name)))
                .filter(|(i, name)| !lines[*i].starts_with("def ") && lines[*i].contains(name.as_str()))
                .collect();
            if !places.is_empty() {
                let (i, name) = *dice.pick(&places);
                lines[i] = lines[i].replace(name.as_str(), dice.pick(&names).as_str());
            }
            "names something else in a line"
        }
        _ => {
            let tops = (0..=lines.len())
                .filter(|i| lines.get(*i).is_none_or(|l| !l.starts_with([' ', ')', ']', '}'])));
            let tops: Vec<usize> = tops.collect();
            lines.insert(*dice.pick(&tops), statement(files, dice));
            "gets a statement"
        }
    };
    after.insert(path.clone(), lines.join("\n") + "\n");
    (after, format!("{path} {told}"))
}

/// The functions of a program, in some order.
fn functions(program: &Program, dice: &mut Dice) -> Vec<(String, String)> {
    let app = program.packages.len();
    let named = program.functions.iter().enumerate().map(|(i, f)| (f.module, format!("f{i}")));
    let path = |module| format!("{}.py", dotted(program, module).replace('.', "/"));
    let mut all: Vec<(String, String)> =
        named.chain([(app, "main".to_owned())]).map(|(module, name)| (path(module), name)).collect();
    for i in (1..all.len()).rev() {
        all.swap(i, dice.below(i + 1));
    }
    all
}

/// What differs between what is known and what a new analysis finds.
fn compare(known: &mut Analysis, disk: &Disk, functions: &[(String, String)]) -> Option<String> {
    let mut new = Analysis::new(vec![String::new()], "app.py");
    for (path, name) in functions {
        let (was, is) = (known.closure(path, name, disk), new.closure(path, name, disk));
        if was != is {
            return Some(format!("{name} of {path}\nknown: {was:#?}\nfound: {is:#?}"));
        }
    }
    let (was, is) = (known.files(), new.files());
    (was != is).then(|| format!("the files\nknown: {was:?}\nfound: {is:?}"))
}

fn one(seed: u64) -> Result<usize, String> {
    let mut dice = Dice::new(seed ^ 0x5A7E);
    let mut program = make::program(seed, SIZE);
    let disk = Disk::default();
    *disk.0.borrow_mut() = files(&program, &Manner::default());
    let mut known = Analysis::new(vec![String::new()], "app.py");
    let mut history = vec![disk.0.borrow().clone()];
    compare(&mut known, &disk, &functions(&program, &mut dice));
    let mut found = 0;
    for _ in 0..SAVES {
        let before = disk.0.borrow().clone();
        let (after, told) = match dice.below(8) {
            0 => match make::edit(&program, &mut dice) {
                Some((edited, told)) => {
                    program = edited;
                    (files(&program, &Manner::default()), told)
                }
                None => continue,
            },
            1 => {
                let noises = NOISES.iter().copied().filter(|_| dice.one_in(3)).collect();
                (files(&program, &Manner { noises, traced: false }), "noise".to_owned())
            }
            2 => (dice.pick(&history).clone(), "an older version".to_owned()),
            _ => save(&before, &mut dice),
        };
        history.push(after.clone());
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let changed: Vec<&str> =
            names.into_iter().filter(|n| before.get(*n) != after.get(*n)).map(String::as_str).collect();
        *disk.0.borrow_mut() = after.clone();
        known.changed(&changed);
        // Now and then a save goes by before somebody asks.
        if dice.one_in(4) {
            continue;
        }
        let asked = functions(&program, &mut dice);
        if let Some(differs) = compare(&mut known, &disk, &asked) {
            let mut text = format!("seed {seed}, {told}: {differs}\n");
            show(&mut text, &before, &after);
            return Err(text);
        }
        let mut new = Analysis::new(vec![String::new()], "app.py");
        found += asked.iter().filter(|(path, name)| new.closure(path, name, &disk).is_some()).count();
    }
    Ok(found)
}

#[test]
fn after_any_saves_what_is_known_is_what_a_new_analysis_finds() {
    let (mut wrong, mut found, mut programs) = (Vec::new(), 0, 0);
    for seed in seeds(0..120) {
        programs += 1;
        match one(seed) {
            Ok(more) => found += more,
            Err(text) => {
                eprintln!("{text}");
                wrong.push(text.lines().next().unwrap_or_default().to_owned());
            }
        }
        if wrong.len() >= 3 {
            break;
        }
    }
    eprintln!("{programs} programs, {found} closures that were there");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found > programs * SAVES, "too many programs are broken: {found} of {programs}");
}
