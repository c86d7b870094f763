//! A project of any number of files: steps, each a function of the application with helper modules of its own, and
//! modules that all share. Two hundred lines a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// An application with one map.
pub const CALLS: &str = r#"
from tensorlake.applications import application, function


@function()
def step(x: int) -> int:
    return x + 1


@application()
@function()
def app() -> int:
    return len(step.map(range(COUNT)))
"#;

/// Modules of a step: its own and its helpers.
const GROUP: usize = 10;
/// Modules that all steps share, of each hundred.
const SHARED: usize = 10;
/// Steps that the application calls; the others are only imported.
const CALLED: usize = 50;

/// What was written.
pub struct Generated {
    root: PathBuf,
    steps: usize,
    /// Functions of the application.
    pub functions: usize,
    /// Lines of all files.
    pub lines: usize,
}

impl Generated {
    /// Writes a project of so many files.
    pub fn write(root: &Path, files: usize) -> Self {
        let shared = (files * SHARED / 100).max(1);
        let steps = (files - 1 - shared) / GROUP;
        let mut all = Generated { root: root.to_path_buf(), steps, functions: steps, lines: 0 };
        for i in 0..shared {
            // Each knows two of those before it.
            let known: Vec<String> =
                [i / 2, i / 3].iter().filter(|at| **at < i).map(|at| format!("c{at}")).collect();
            all.file(&format!("common/c{i}.py"), &module("common", i, &known));
        }
        for step in 0..steps {
            for helper in 1..GROUP {
                let mut known: Vec<String> = Vec::new();
                if helper > 1 {
                    known.push(format!("h{}", helper - 1));
                }
                let text = module(&format!("steps.s{step}"), helper, &known);
                let common = (step * 7 + helper) % shared;
                let text = text.replace("IMPORTS", &format!("from common import c{common}"));
                let text = text.replace("BASE", &format!("c{common}.work_1(row)"));
                all.file(&format!("steps/s{step}/h{helper}.py"), &text);
            }
            all.file(&format!("steps/s{step}/__init__.py"), &entry(step));
        }
        let mut app = String::from("from tensorlake.applications import application, function\n\n");
        (0..steps).for_each(|step| writeln!(app, "from steps.s{step} import step_{step}").unwrap());
        app.push_str("\n\n@application()\n@function()\ndef app() -> int:\n    total = 0\n");
        (0..steps.min(CALLED)).for_each(|step| writeln!(app, "    total += step_{step}(total)").unwrap());
        app.push_str("    return total\n");
        all.file("app.py", &app);
        all
    }

    fn file(&mut self, name: &str, text: &str) {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = text.replace("IMPORTS\n", "").replace("BASE", "len(row)");
        self.lines += text.lines().count();
        std::fs::write(path, text).unwrap();
    }

    /// Saves a helper of a called step, changed; says which.
    pub fn edit(&self, nth: usize) -> PathBuf {
        let step = nth % self.steps.min(CALLED);
        let file = self.root.join(format!("steps/s{step}/h{}.py", 1 + nth % (GROUP - 1)));
        let text = std::fs::read_to_string(&file).unwrap();
        let (head, tail) = text.split_once("LIMIT = ").unwrap();
        let tail = tail.split_once('\n').unwrap().1;
        std::fs::write(&file, format!("{head}LIMIT = {}\n{tail}", 1_000 + nth)).unwrap();
        file
    }
}

fn entry(step: usize) -> String {
    let mut text = String::from(
        "\"\"\"A step of the application.\"\"\"\n\nfrom tensorlake.applications import function\n\n",
    );
    (1..GROUP).for_each(|helper| writeln!(text, "from . import h{helper}").unwrap());
    writeln!(text, "\n\n@function()\ndef step_{step}(seed: int) -> int:").unwrap();
    text.push_str("    row = {\"id\": seed, \"name\": str(seed)}\n    total = 0\n");
    (1..GROUP).for_each(|helper| writeln!(text, "    total += h{helper}.work_1(row)").unwrap());
    text.push_str("    return total\n");
    text
}

/// A module of about two hundred lines: constants, a class, functions that call each other and those of other modules.
fn module(package: &str, at: usize, known: &[String]) -> String {
    let mut text = format!(
        "\"\"\"Module {at} of {package}.\"\"\"\n\nimport json\nimport re\nfrom dataclasses import dataclass\n\nIMPORTS\n"
    );
    known.iter().for_each(|other| writeln!(text, "from {package} import {other}").unwrap());
    writeln!(
        text,
        "\nLIMIT = {at}\nPATTERN = re.compile(r\"[a-z]+{at}\")\nNAMES = [\"a\", \"b\", \"c{at}\"]\n"
    )
    .unwrap();
    text.push_str(
        "\n@dataclass\nclass Row:\n    id: int\n    name: str\n    size: int = LIMIT\n\n    def weight(self) -> int:\n        return self.size + len(self.name)\n\n    def key(self):\n        return (self.id, self.name)\n\n",
    );
    let base = known.first().map_or("BASE".to_owned(), |other| format!("{other}.work_1(row) + BASE"));
    write!(text, "\ndef work_0(row):\n    \"\"\"What the others come down to.\"\"\"\n    return {base} + Row(row[\"id\"], row[\"name\"]).weight() % 7\n\n").unwrap();
    for n in 1..15 {
        let calls = if n == 1 { 0 } else { n / 2 };
        write!(
            text,
            "\ndef work_{n}(row, deep=False):\n    \"\"\"Step {n} of module {at}.\"\"\"\n    found = []\n    \
             for name in NAMES:\n        # Names that match count twice.\n        if PATTERN.match(name) and deep:\n            \
             found.append(name.upper())\n        else:\n            found.append(f\"{{name}}-{{row['id']}}\")\n    \
             text = json.dumps({{\"found\": found, \"limit\": LIMIT}})\n    return len(text) + work_{calls}(row)\n\n"
        )
        .unwrap();
    }
    text
}
