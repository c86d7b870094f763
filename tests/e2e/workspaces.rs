//! The five examples: what is executed and served in the first run, its replay, and the replay of that.

use serde_json::Value;

use crate::project::{Project, counts};

/// `(cached, fresh, failed)` of a run and how the process ends.
type Expected = (i32, (u64, u64, u64));

/// Runs, replays, replays again, and runs once more with nothing reused.
fn story(name: &str, expected: [Expected; 3]) -> (Project, Vec<Value>) {
    let project = Project::workspace(name);
    let mut documents = Vec::new();
    for (i, (exit, wanted)) in expected.into_iter().enumerate() {
        let command = if i == 0 { "run" } else { "replay" };
        let document = project.json(exit, &[command, "--json"]);
        assert_eq!(counts(&document), wanted, "{name}, step {i}: {document}");
        let parent = documents.last().map(|before: &Value| before["run"].clone());
        assert_eq!(document["parent"], parent.unwrap_or(Value::Null), "{name}, step {i}");
        assert_eq!(document["notices"], serde_json::json!([]), "{name}, step {i}");
        documents.push(document);
    }
    (project, documents)
}

/// The calls of a run as `(function, status)`, without the application itself and maps and reduces.
fn calls(project: &Project, run: &Value) -> Vec<(String, String)> {
    let document = project.json(0, &["show", run["run"].as_str().unwrap(), "--json"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = document["calls"].as_array().unwrap();
    let calls = all.iter().filter(|call| !call["parent"].is_null() && call["kind"] == "call");
    calls.map(|call| (text(&call["function"]), text(&call["status"]))).collect()
}

fn number(calls: &[(String, String)], function: &str, status: &str) -> usize {
    calls.iter().filter(|(f, s)| f == function && s == status).count()
}

fn lines(project: &Project, name: &str) -> Vec<Value> {
    project.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn research_agent() {
    let (project, runs) = story("research-agent", [(1, (0, 28, 1)), (0, (28, 5, 0)), (0, (33, 0, 0))]);
    assert!(runs[0]["error"]["message"].as_str().unwrap().contains("429"), "{}", runs[0]["error"]);
    let first = calls(&project, &runs[0]);
    let of = |function| number(&first, function, "fresh");
    assert_eq!((of("call_llm"), of("search_web"), of("read_document")), (14, 7, 7));
    assert_eq!(number(&first, "call_llm", "failed"), 1);
    let second = calls(&project, &runs[1]);
    let of = |function| number(&second, function, "fresh");
    assert_eq!((of("call_llm"), of("search_web"), of("read_document")), (3, 1, 1));
    assert_eq!(runs[1]["output"], runs[2]["output"]);
    assert_eq!(runs[1]["saved"]["calls"], 28);
    // What was served was paid for before.
    assert_eq!(runs[1]["saved"]["tokens"], runs[0]["tokens"]);
    assert_eq!(runs[2]["tokens"], 0);
    let again = project.json(0, &["run", "--json"]);
    assert_eq!(counts(&again), (0, 33, 0));
}

#[test]
fn travel_agent_goes_where_it_booked() {
    let (project, runs) = story("travel-agent", [(1, (0, 2, 1)), (0, (2, 2, 0)), (0, (4, 0, 0))]);
    assert_eq!(runs[1]["output"]["destination"], "Whistler");
    assert_eq!(runs[2]["output"], runs[1]["output"]);
    let bookings = lines(&project, ".state/bookings.jsonl");
    assert_eq!(bookings.len(), 1);
    assert_eq!(bookings[0]["confirmation"], runs[1]["output"]["flights"]);
    let again = project.json(0, &["run", "--json"]);
    assert_eq!(counts(&again), (0, 4, 0));
    assert_eq!(again["output"]["destination"], "Japan");
    assert_eq!(lines(&project, ".state/bookings.jsonl").len(), 2);
}

#[test]
fn batch_processor_repeats_three_documents() {
    let (project, runs) =
        story("batch-processor", [(1, (0, 997, 3)), (0, (997, 1003, 0)), (0, (2000, 0, 0))]);
    let first = calls(&project, &runs[0]);
    assert_eq!(number(&first, "process_document", "failed"), 3);
    // As text: the growing results of the reduce are 50 MB of JSON.
    let tree = project.tl(&["show", runs[1]["run"].as_str().unwrap()]);
    assert!(tree.out.contains("997 cached, 3 fresh") && tree.out.contains("1000 fresh"), "{tree}");
    assert!(tree.out.lines().count() < 20, "what went well is folded: {tree}");
    let documents = runs[1]["output"]["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 1000);
    for (i, document) in documents.iter().enumerate() {
        assert_eq!(document["filing"], format!("{:04}", i + 1));
    }
    assert_eq!(runs[2]["output"], runs[1]["output"]);
}

#[test]
fn onboarding_agent_sends_one_mail() {
    let (project, runs) = story("onboarding-agent", [(1, (0, 2, 1)), (0, (2, 1, 0)), (0, (3, 0, 0))]);
    assert_eq!(lines(&project, ".state/outbox.jsonl").len(), 1);
    let logs = project.json(0, &["logs", runs[2]["run"].as_str().unwrap(), "--json"]);
    let sent =
        logs.as_array().unwrap().iter().filter(|log| log["text"].as_str().unwrap().starts_with("sent "));
    assert_eq!(sent.count(), 1, "what a served call wrote is shown again: {logs}");
    let again = project.json(0, &["run", "--json"]);
    assert_eq!(counts(&again), (0, 3, 0));
    assert_eq!(lines(&project, ".state/outbox.jsonl").len(), 2);
}

#[test]
fn market_data_asks_for_the_price_every_time() {
    let (project, runs) = story("market-data", [(0, (0, 3, 0)), (0, (1, 2, 0)), (0, (1, 2, 0))]);
    for run in &runs[1..] {
        let calls = calls(&project, run);
        assert_eq!(number(&calls, "get_current_price", "fresh"), 1);
        assert_eq!(number(&calls, "get_historical_data", "cached"), 1);
        assert_eq!(number(&calls, "summarize", "fresh"), 1);
        assert_eq!(run["output"]["days"], 30);
    }
}

#[test]
fn demo_tells_each_story_without_a_terminal() {
    let project = Project::new();
    let names = project.tl(&["demo", "list"]);
    let names: Vec<&str> = names.out.lines().collect();
    let all = ["batch-processor", "market-data", "onboarding-agent", "research-agent", "travel-agent"];
    assert_eq!(names, all);
    let replays = [
        "997 cached, 1003 fresh",
        "1 cached, 2 fresh",
        "2 cached, 1 fresh",
        "28 cached, 5 fresh",
        "2 cached, 2 fresh",
    ];
    for (name, replay) in names.into_iter().zip(replays) {
        let done = project.tl(&["demo", name, "--headless"]);
        assert_eq!(done.code(), 0, "{done}");
        assert!(done.err.contains(&format!(": {replay}")), "{name}: {done}");
        assert!(done.out.contains("succeeded"), "the tree is printed at the end: {done}");
        // On a machine without a terminal the workbench is not opened anyway.
        assert!(!done.out.contains('\x1b') && !done.err.contains('\x1b'), "{done}");
    }
    assert_eq!(project.tl(&["demo", "reserch-agent", "--headless"]).code(), 2);
}
