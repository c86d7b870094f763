//! The command lines that give the data of the workbench's screens, with the real program.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::Project;

const CRAWL: &str = r#"
import time

@function(retries=1)
def fetch(n: int) -> int:
    note(f"fetch-{n}")
    if n == 1 and times("fetch-1") < 2:
        raise RuntimeError("the first attempt fails")
    time.sleep(0.02)
    return n

@function()
def answer(numbers: list) -> dict:
    if times("ill"):
        raise ValueError("ill")
    return {"model": "gpt-4o", "usage": {"prompt_tokens": 90, "completion_tokens": 10}}

@application()
@function()
def crawl(n: int) -> str:
    pages = fetch.map(list(range(n)))
    answer(pages)
    return "done"
"#;

fn crawl() -> Project {
    let project = Project::app(CRAWL);
    project.run_ok(&["--arg", "n=3"]);
    project
}

fn of<'a>(all: &'a Value, key: &str, name: &str) -> Vec<&'a Value> {
    all.as_array().unwrap().iter().filter(|one| one[key] == name).collect()
}

#[test]
fn the_timeline_explains_the_whole_run() {
    let project = crawl();
    let shown = project.tl(&["timeline", "--json"]).exits(0).json();
    let whole = shown["wall_us"].as_i64().unwrap();
    let path = shown["critical_path"].as_array().unwrap();
    assert_eq!(path.first().unwrap()["from_us"], shown["calls"][0]["asked_us"]);
    for pair in path.windows(2) {
        assert_eq!(pair[0]["to_us"], pair[1]["from_us"], "{path:?}");
    }
    let sum: i64 = shown["critical"].as_array().unwrap().iter().map(|one| one["us"].as_i64().unwrap()).sum();
    assert!(sum <= whole && sum * 10 > whole * 8, "{sum} of {whole}: {shown}");
    assert!(
        path.iter().any(|one| one["path"] == "crawl/answer#1" && one["spent"] == "executing"),
        "{path:?}"
    );

    let calls = &shown["calls"];
    let retried = of(calls, "path", "crawl/fetch[1]");
    assert_eq!(retried[0]["attempts"].as_array().unwrap().len(), 2, "{calls}");
    assert!(retried[0]["waited_us"].as_i64().unwrap() >= 0);
    // Those that executed at once stand in different lanes.
    let lanes: Vec<&Value> = of(calls, "function", "fetch").iter().map(|one| &one["lane"]).collect();
    assert_eq!(lanes.len(), 4, "{calls}");

    let text = project.tl(&["timeline"]).exits(0).out;
    assert!(["critical path", "fetch", "at once"].iter().all(|part| text.contains(part)), "{text}");
    let text = project.tl(&["timeline", "--path"]).exits(0).out;
    assert!(text.contains("fetch["), "{text}");
    project.tl(&["timeline", "nothing"]).exits(2);
}

#[test]
fn the_functions_sum_up_the_run() {
    let project = crawl();
    let shown = project.tl(&["functions", "--json"]).exits(0).json();
    let all = &shown["functions"];
    let fetch = of(all, "function", "fetch")[0];
    assert_eq!(fetch["calls"], 3);
    assert_eq!((&fetch["counts"]["fresh"], &fetch["retries"]), (&3.into(), &1.into()), "{fetch}");
    assert!(
        fetch["p50_us"].as_i64().unwrap() >= 20_000 && fetch["p50_us"].as_i64() <= fetch["p95_us"].as_i64()
    );
    let answer = of(all, "function", "answer")[0];
    assert_eq!(answer["tokens"], 100, "{answer}");
    project.replay_ok(&[]);
    let shown = project.tl(&["functions", "--json"]).exits(0).json();
    let answer = of(&shown["functions"], "function", "answer")[0];
    assert_eq!((&answer["counts"]["cached"], &answer["tokens"]), (&1.into(), &0.into()), "{answer}");
    assert_eq!(answer["saved_tokens"], 100, "{answer}");
    let text = project.tl(&["functions"]).exits(0).out;
    assert!(["fetch", "p95", "cached"].iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn served_calls_take_no_time() {
    let project = crawl();
    project.replay_ok(&[]);
    let shown = project.tl(&["timeline", "--json"]).exits(0).json();
    let served = of(&shown["calls"], "status", "cached");
    assert_eq!(served.len(), 6, "all of it: {shown}");
    for call in served.iter().filter(|call| call["kind"] != "map") {
        assert_eq!(call["from_us"], call["to_us"], "{call}");
    }
    assert_eq!(shown["most_at_once"], 0, "nothing executed");
}

#[test]
fn savings_add_up_whatever_they_are_by() {
    let project = crawl();
    let spent = project.tl(&["replay", "latest", "--json"]).exits(0).json();
    project.tl(&["replay", "latest", "--json"]).exits(0);
    let by = |by: &str| project.tl(&["savings", "--by", by, "--json"]).exits(0).json();
    let (day, run, function) = (by("day"), by("run"), by("function"));
    assert_eq!(day["total"], run["total"]);
    assert_eq!(day["total"], function["total"]);
    assert_eq!(run["rows"].as_array().unwrap().len(), 3);
    assert_eq!(run["rows"][1]["saved"], spent["saved"], "a run's line is what the run said");
    for table in [&day, &run, &function] {
        for (side, key) in [("spent", "calls"), ("spent", "tokens"), ("saved", "calls"), ("saved", "tokens")]
        {
            let rows = table["rows"].as_array().unwrap();
            let sum: u64 = rows.iter().map(|row| row[side][key].as_u64().unwrap()).sum();
            assert_eq!(sum, table["total"][side][key].as_u64().unwrap(), "{side} {key}: {table:#}");
        }
        let seconds: f64 = table["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["saved"]["seconds"].as_f64().unwrap())
            .sum();
        let total = table["total"]["saved"]["seconds"].as_f64().unwrap();
        assert!((seconds - total).abs() < 1e-6, "{seconds} of {total}: {table:#}");
    }
    // Three fetches and an answer, served twice.
    assert_eq!(day["total"]["saved"]["calls"], 8);
    assert_eq!(day["total"]["saved"]["tokens"], 200);
    assert_eq!(day["total"]["spent"]["tokens"], 100);
}
