//! A program as Python files, written plainly or with noise: differences that change no behaviour.

use std::collections::{BTreeMap, BTreeSet};

use crate::items::define;
use crate::model::{Dice, Expr, Kind, Num, Op, Program};

/// What may be written otherwise, each kind by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    Comments,
    Blanks,
    Docstrings,
    Hints,
    Order,
    Unused,
    Imports,
    Quotes,
    Parens,
    Spelling,
    LineEnds,
}

/// All of them.
pub const NOISES: &[Noise] = &[
    Noise::Comments,
    Noise::Blanks,
    Noise::Docstrings,
    Noise::Hints,
    Noise::Order,
    Noise::Unused,
    Noise::Imports,
    Noise::Quotes,
    Noise::Parens,
    Noise::Spelling,
    Noise::LineEnds,
];

/// How to write it.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    pub noises: Vec<Noise>,
    /// Bodies tell what executed: `note(function, argument)`.
    pub traced: bool,
}

impl Manner {
    pub fn has(&self, noise: Noise) -> bool {
        self.noises.contains(&noise)
    }
}

/// Path to text.
pub type Files = BTreeMap<String, String>;

/// A file that is being written.
pub struct Page<'a> {
    pub program: &'a Program,
    pub module: usize,
    pub manner: &'a Manner,
    imports: BTreeSet<String>,
    stars: BTreeSet<String>,
    /// Imports of the body that is being written, when it is a function's.
    local: Option<BTreeSet<String>>,
    blocks: Vec<Block>,
}

/// One definition.
pub struct Block {
    pub lines: Vec<String>,
    /// Nothing of it is evaluated when it is defined: it may stand anywhere above.
    pub lazy: bool,
    /// Something reads its docstring.
    pub doc_read: bool,
}

/// The dotted name of a module.
pub fn dotted(program: &Program, module: usize) -> String {
    match program.packages.get(module) {
        Some(Some(package)) => format!("pkg{package}.mod{module}"),
        Some(None) => format!("mod{module}"),
        None => "app".to_owned(),
    }
}

/// The name of an item.
pub fn name(item: usize) -> String {
    format!("n{item}")
}

impl<'a> Page<'a> {
    fn new(program: &'a Program, module: usize, manner: &'a Manner) -> Self {
        let (imports, stars) = Default::default();
        Page { program, module, manner, imports, stars, local: None, blocks: Vec::new() }
    }

    /// An import that the file needs.
    pub fn import(&mut self, line: &str) {
        self.imports.insert(line.to_owned());
    }

    /// A definition, with its lines indented as they are.
    pub fn block(&mut self, lazy: bool, doc_read: bool, text: &str) {
        self.blocks.push(Block { lines: text.lines().map(str::to_owned).collect(), lazy, doc_read });
    }

    pub fn text(&self, text: &str) -> String {
        let quote = if self.manner.has(Noise::Quotes) { '\'' } else { '"' };
        format!("{quote}{text}{quote}")
    }

    pub fn num(&self, num: Num) -> String {
        match num {
            Num::Float(n) => format!("{n}.0"),
            Num::Int(n) | Num::Count(n) if self.manner.has(Noise::Spelling) => format!("0x{n:x}"),
            Num::Int(n) | Num::Count(n) => n.to_string(),
        }
    }

    /// Begins a function's body: what it uses may be imported in it.
    pub fn body(&mut self, write: impl FnOnce(&mut Self) -> String) -> (String, String) {
        let before = self.local.replace(BTreeSet::new());
        let text = write(self);
        let local = std::mem::replace(&mut self.local, before).unwrap_or_default();
        (local.iter().map(|line| format!("    {line}\n")).collect(), text)
    }

    /// `def name(params):`, local imports, `return (e) % 9973`.
    pub fn def(&mut self, name: &str, more: &str, e: &Expr) -> String {
        let (imports, e) = self.body(|page| page.expr(e, "x"));
        let head = self.head(name, more);
        format!("{head}\n{imports}    return ({e}) % 9973\n")
    }

    pub fn head(&self, name: &str, more: &str) -> String {
        match self.manner.has(Noise::Hints) {
            true => format!("def {name}(x: \"int | float\"{more}) -> object:"),
            false => format!("def {name}(x{more}):"),
        }
    }

    /// How the file names an item; adds the import.
    pub fn refer(&mut self, item: usize) -> String {
        self.refer_as(item, false)
    }

    /// `module`: as an attribute of its module.
    pub fn refer_as(&mut self, item: usize, module: bool) -> String {
        let (from, name) = (self.program.items[item].module, name(item));
        if from == self.module {
            return name;
        }
        let mut dice = Dice::new(self.program.styles ^ ((self.module * 1000 + item) as u64));
        let whole = dotted(self.program, from);
        let package = self.program.packages[from];
        let mine = self.program.packages.get(self.module).copied().flatten();
        let style = if module { 2 + dice.below(3) } else { dice.below(9) };
        let relative = package.is_some() && package == mine;
        let source = if relative { format!(".mod{from}") } else { whole.clone() };
        match style {
            1 => {
                self.imports.insert(format!("from {source} import {name} as {name}_here"));
                format!("{name}_here")
            }
            2 if !relative => {
                self.imports.insert(format!("import {whole}"));
                format!("{whole}.{name}")
            }
            2 | 3 => {
                self.imports.insert(match package {
                    Some(package) if relative => format!("from . import mod{from} as the_{package}_{from}"),
                    Some(package) => format!("import {whole} as the_{package}_{from}"),
                    None => format!("import {whole} as the_0_{from}"),
                });
                format!("the_{}_{from}.{name}", package.unwrap_or(0))
            }
            4 if package.is_some() => {
                let package = if relative { ".".to_owned() } else { format!("pkg{}", package.unwrap_or(0)) };
                self.imports.insert(format!("from {package} import mod{from}"));
                format!("mod{from}.{name}")
            }
            4 if module => {
                self.imports.insert(format!("import {whole}"));
                format!("{whole}.{name}")
            }
            5 if self.local.is_some() => {
                let line = format!("from {source} import {name}");
                self.local.get_or_insert_default().insert(line);
                name
            }
            6 => {
                self.stars.insert(format!("from {source} import *"));
                name
            }
            7 if package.is_some() && !relative => {
                self.imports.insert(format!("from pkg{} import {name}", package.unwrap_or(0)));
                name
            }
            _ => {
                self.imports.insert(format!("from {source} import {name}"));
                name
            }
        }
    }

    pub fn expr(&mut self, e: &Expr, x: &str) -> String {
        let text = match e {
            Expr::X => x.to_owned(),
            Expr::Num(n) => self.num(*n),
            Expr::Bin(op, a, b) => {
                let op = match op {
                    Op::Add => "+",
                    Op::Sub => "-",
                    Op::Mul => "*",
                };
                format!("({} {op} {})", self.expr(a, x), self.expr(b, x))
            }
            Expr::Use(item, a) => {
                let a = self.expr(a, x);
                crate::items::use_of(self, *item, &a)
            }
            Expr::If(n, a, b) => {
                let n = self.num(*n);
                format!("({} if {x} < {n} else {})", self.expr(a, x), self.expr(b, x))
            }
            Expr::Sum(n, a) => format!("sum({} + {x} for v in range({}))", self.expr(a, "v"), self.num(*n)),
            Expr::Text(n, a) => {
                let n = n.whole();
                let a = self.expr(a, x);
                // In a string, so that quotes of what is embedded cannot end it.
                format!("len(str({a}) + {})", self.text(&".".repeat(n.unsigned_abs() as usize)))
            }
            Expr::Max(a, b) => format!("max({}, {})", self.expr(a, x), self.expr(b, x)),
        };
        match self.manner.has(Noise::Parens) {
            true => format!("({text}\n        )"),
            false => text,
        }
    }

    fn finish(mut self, docstring: &str) -> String {
        let manner = self.manner;
        let mut text = String::new();
        if manner.has(Noise::LineEnds) {
            text.push('\u{feff}');
        }
        if manner.has(Noise::Docstrings) {
            text.push_str(docstring);
        }
        // With effects at import the order of imports is behaviour.
        let effects = self.program.items.iter().any(|item| item.kind.has_effect());
        let mut imports: Vec<String> = self.stars.iter().chain(&self.imports).cloned().collect();
        if manner.has(Noise::Imports) {
            if !effects && self.stars.is_empty() {
                imports.reverse();
            }
            imports.push("import colorsys, os.path as unused_path".to_owned());
        }
        for line in imports {
            text.push_str(&line);
            text.push('\n');
        }
        if manner.has(Noise::Order) {
            // A stable sort: what is lazy first, in the opposite order.
            let (mut lazy, rest): (Vec<_>, Vec<_>) = self.blocks.drain(..).partition(|block| block.lazy);
            lazy.reverse();
            self.blocks = lazy.into_iter().chain(rest).collect();
        }
        for (i, block) in self.blocks.iter().enumerate() {
            text.push_str("\n\n");
            if manner.has(Noise::Unused) && i % 3 == 1 {
                text.push_str(&format!(
                    "UNUSED_{i} = {i}\n\n\ndef unused_{i}(y, z={i}):\n    return y * z\n\n\n"
                ));
                text.push_str(&format!(
                    "class Unused_{i}:\n    def go(self):\n        return UNUSED_{i}\n\n\n"
                ));
            }
            block.write(manner, &mut text);
        }
        match manner.has(Noise::LineEnds) {
            true => text.replace("    ", "\t").replace('\n', "\r\n"),
            false => text,
        }
    }
}

impl Block {
    fn write(&self, manner: &Manner, text: &mut String) {
        for line in &self.lines {
            let opens =
                line.ends_with(':') && (line.trim_start().starts_with("def ") || line.starts_with("class "));
            let deeper = format!("{}    ", &line[..line.len() - line.trim_start().len()]);
            if manner.has(Noise::Blanks) && opens {
                text.push_str("\n   \n");
            }
            text.push_str(line);
            if manner.has(Noise::Comments) && !line.is_empty() {
                text.push_str("  # ☃ a remark");
            }
            text.push('\n');
            if opens && manner.has(Noise::Docstrings) && !self.doc_read {
                text.push_str(&format!("{deeper}\"\"\"What it does.\"\"\"\n"));
            }
            if opens && manner.has(Noise::Comments) {
                text.push_str(&format!("{deeper}# what it does\n"));
            }
        }
    }
}

/// The files of a program.
pub fn files(program: &Program, manner: &Manner) -> Files {
    let mut files = Files::new();
    let app = program.packages.len();
    let read = program.docs_read();
    let live = program.live();
    let mut inits: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for module in 0..=app {
        let mut page = Page::new(program, module, manner);
        for (i, item) in program.items.iter().enumerate().filter(|(_, item)| item.module == module) {
            if program.trimmed && !live[i] {
                continue;
            }
            define(&mut page, i, item, read[i], &mut files);
        }
        for (i, function) in program.functions.iter().enumerate().filter(|(_, f)| f.module == module) {
            page.function(i, function);
        }
        if module == app {
            page.application();
        }
        for line in page.imports.iter().filter_map(|line| line.strip_prefix("from pkg")) {
            if let Some((package, item)) = line.split_once(" import n")
                && let (Ok(package), Ok(item)) = (package.parse(), item.parse::<usize>())
            {
                let from = program.items[item].module;
                let export = format!("from .mod{from} import n{item}\n");
                inits.entry(package).or_default().insert(export);
            }
        }
        let path = format!("{}.py", dotted(program, module).replace('.', "/"));
        let text = page.finish("\"\"\"A module.\"\"\"\n");
        files.insert(path, text);
    }
    for package in program.packages.iter().flatten().collect::<BTreeSet<_>>() {
        let exports = inits.remove(package).unwrap_or_default();
        files.insert(format!("pkg{package}/__init__.py"), exports.into_iter().collect());
    }
    files
}

impl Page<'_> {
    fn function(&mut self, number: usize, function: &crate::model::Function) {
        self.import("from tensorlake.applications import application, function");
        for other in &function.calls {
            let from = self.program.functions[*other].module;
            if from != self.module {
                let from = dotted(self.program, from);
                self.import(&format!("from {from} import f{other}"));
            }
        }
        let (imports, body) = self.body(|page| {
            let mut lines = Vec::new();
            if page.manner.traced {
                page.import("from effects import note");
                lines.push(format!("note({}, repr(x))", page.text(&format!("f{number}"))));
            }
            lines.push(format!("a = {}", page.expr(&function.first, "x")));
            for other in &function.calls {
                match function.mapped {
                    true => lines.push(format!("a = sum(list(f{other}.map([a, a + 1])))")),
                    false => lines.push(format!("a = a + f{other}(a)")),
                }
            }
            lines.push(format!("return ({}) % 9973", page.expr(&function.last, "a")));
            lines.iter().map(|line| format!("    {line}\n")).collect()
        });
        let head = self.head(&format!("f{number}"), "");
        self.block(false, false, &format!("@function()\n{head}\n{imports}{body}"));
    }

    fn application(&mut self) {
        self.import("from tensorlake.applications import application, function");
        let program = self.program;
        for item in program.items.iter().filter(|item| item.kind.has_effect()) {
            let module = dotted(program, item.module);
            self.import(&format!("import {module}"));
        }
        let mut calls = Vec::new();
        for (i, function) in program.functions.iter().enumerate() {
            if function.module != self.module {
                let from = dotted(program, function.module);
                self.import(&format!("from {from} import f{i}"));
            }
            for input in &program.inputs {
                calls.push(format!("f{i}(x + {input})"));
            }
        }
        let note = if self.manner.traced {
            self.import("from effects import note");
            "    note(\"main\", repr(x))\n"
        } else {
            ""
        };
        let calls = calls.join(", ");
        self.block(
            false,
            false,
            &format!("@application()\n@function()\ndef main(x: int) -> list:\n{note}    return [{calls}]\n"),
        );
    }
}

/// Whether an item is used by its value when its module is imported.
pub fn is_value(kind: &Kind) -> bool {
    matches!(kind, Kind::Constant(_) | Kind::Derived(_) | Kind::Rebound(..))
}
