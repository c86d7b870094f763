//! The pytest plugin, driven by a real pytest. Without one (and without a network to get it) the test says that it is
//! skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Done, Project, program_file};

const APP: &str = r#"
STYLE = "short"

@function()
def llm(prompt: str) -> dict:
    note("llm")
    return {"content": f"answer to {prompt}"}

@application()
@function()
def app(question: str) -> str:
    return llm(f"{STYLE}: {question}")["content"].upper()
"#;

const TESTS: &str = r#"
import pytest

def test_by_fixture(tl_bench):
    assert tl_bench.check("app")["ok"] is True

@pytest.mark.golden("app")
def test_by_marker():
    pass
"#;

/// An interpreter with pytest, made once.
fn with_pytest() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pytest-venv");
    let python = folder.join("bin/python");
    let has = |python: &Path| {
        Command::new(python).args(["-c", "import pytest"]).output().is_ok_and(|done| done.status.success())
    };
    if !has(&python) {
        let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output();
        if !made.is_ok_and(|done| done.status.success()) {
            return None;
        }
        let options =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "pytest==8.4.2"];
        let _ = Command::new(&python).args(options).output();
    }
    has(&python).then_some(python)
}

fn pytest(project: &Project, python: &Path, args: &[&str]) -> Done {
    let command = project.command(&[]);
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/pytest");
    let mut run = Command::new(python);
    run.args(["-m", "pytest", "-p", "pytest_tl_bench", "-p", "no:cacheprovider", "-rA"]).args(args);
    run.current_dir(project.root()).env("PYTHONPATH", plugin).env("TL_BENCH", program_file());
    for (name, value) in command.get_envs() {
        if let Some(value) = value.filter(|_| name != "PYTHONPATH") {
            run.env(name, value);
        }
    }
    support::run(run)
}

#[test]
fn goldens_are_tests() {
    let Some(python) = with_pytest() else {
        support::skipped("pytest is not there and cannot be installed");
        return;
    };
    let project = Project::app(APP);
    project.write("tests/test_app.py", TESTS);
    project.run_ok(&["--arg", "question=why"]);
    project.tl(&["golden", "save"]).exits(0);
    project.forget();
    let done = pytest(&project, &python, &["tests"]).exits(0);
    assert!(done.out.contains("3 passed"), "{}", done.out);
    assert_eq!(project.times("llm"), 0);
    project.edit(".upper()", ".lower()");
    let done = pytest(&project, &python, &["tests"]).exits(1);
    assert!(done.out.contains("3 failed") || done.out.contains("2 failed, 1 error"), "{}", done.out);
    assert!(
        done.out.contains("ANSWER TO") && done.out.contains("answer to"),
        "what differs is not told: {}",
        done.out
    );
    pytest(&project, &python, &["tests", "--golden-update"]).exits(0);
    pytest(&project, &python, &["tests", "--no-goldens"]).exits(0);
    assert_eq!(project.times("llm"), 0);
}
