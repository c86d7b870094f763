//! Formatters and import sorters run over every example: nothing that was recorded is lost by it.

use std::process::Command;

use crate::packages::environment;
use crate::project::{Done, Project, Started, counts};

const PACKAGES: [&str; 3] = ["black==26.10.1", "isort==9.0.2", "ruff==0.17.6"];

/// Each with options that leave no file as it was, one after the other.
const TOOLS: [&[&str]; 5] = [
    &["ruff", "format", "--isolated", "--line-length", "60", "--config", "format.quote-style = 'single'"],
    &["isort", "--profile", "black", "--force-sort-within-sections", "--reverse-sort", "."],
    &["black", "--quiet", "--line-length", "100", "--preview", "."],
    &["ruff", "check", "--isolated", "--quiet", "--select", "I", "--fix"],
    &["ruff", "format", "--isolated"],
];

fn texts(project: &Project) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = std::fs::read_dir(project.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".py"))
        .map(|name| (name.clone(), project.read(&name)))
        .collect();
    texts.sort();
    texts
}

fn format(project: &Project, tool: &[&str]) -> Done {
    let mut command = Command::new(environment("e2e-formatters", &PACKAGES));
    command.arg("-m").args(tool).current_dir(project.path("")).env_clear().envs(project.environment());
    Started::new(command).finish()
}

fn nothing_is_lost(name: &str) {
    let project = Project::workspace(name);
    project.tl(&["run", "--json"]);
    project.json(0, &["replay", "--json"]);
    let before = project.json(0, &["replay", "--json"]);
    for tool in TOOLS {
        let was = texts(&project);
        let done = format(&project, tool);
        assert_eq!(done.code(), 0, "{tool:?}: {done}");
        assert_ne!(texts(&project), was, "{tool:?} changed nothing in {name}");
        let after = project.json(0, &["replay", "--json"]);
        assert_eq!(counts(&after), counts(&before), "{tool:?} over {name}: {after}");
        // The price of market-data is another at each run.
        if counts(&before).1 == 0 {
            assert_eq!(after["output"], before["output"]);
        }
    }
}

#[test]
fn batch_processor() {
    nothing_is_lost("batch-processor");
}

#[test]
fn market_data() {
    nothing_is_lost("market-data");
}

#[test]
fn onboarding_agent() {
    nothing_is_lost("onboarding-agent");
}

#[test]
fn research_agent() {
    nothing_is_lost("research-agent");
}

#[test]
fn travel_agent() {
    nothing_is_lost("travel-agent");
}
