//! Everything is killed at random instants, again and again: nothing acknowledged is lost or executes twice.

#![allow(clippy::print_stdout, reason = "a long form says what it did")]

mod support;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::Project;

/// Kills that have to come about, unless `$KILLS` says how many.
const KILLS: u32 = 40;
/// How long the killing may go on when nobody asked for a number.
const PATIENCE: Duration = Duration::from_secs(75);

const AGENT: &str = r#"
import time

@function()
def think(i: int, heard: list) -> str:
    note("trace", f"start {i}")
    time.sleep(0.01)
    return f"thought {i} after {len(heard)}"

@application()
@function()
def agent(n: int) -> list:
    heard = []
    for i in range(n):
        heard.append(think(i, heard[-5:]))
        note("trace", f"ack {i}")
    return heard
"#;

/// xorshift: the instants are the same on every machine, what they hit is not.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn nothing_acknowledged_is_lost_or_executes_twice() {
    let project = Project::app(AGENT);
    let asked: Option<u32> = std::env::var("KILLS").ok().map(|text| text.parse().expect("KILLS is a number"));
    let wanted = asked.unwrap_or(KILLS);
    let patience = asked.map_or(PATIENCE, |kills| Duration::from_secs(30) * kills);
    // Calls that the agent makes: enough for so many.
    let steps = asked.map_or(120, |kills| 6 * kills);
    let input = steps.to_string();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let begun = Instant::now();
    let mut kills = 0;
    let mut output = None;
    let mut recorded = false;
    while output.is_none() {
        let args: Vec<&str> =
            if recorded { vec!["replay", "--json"] } else { vec!["run", "--input", &input, "--json"] };
        let running = project.start(&args);
        if kills >= wanted || begun.elapsed() > patience {
            output = Some(running.wait().exits(0).json());
            break;
        }
        // Some die before they have begun, most a few calls later.
        let acknowledged = count(&project, "ack");
        let goal = acknowledged + random.below(4) as usize;
        let after = Duration::from_micros(random.below(40_000));
        if goal > acknowledged {
            wait_for(&running, || count(&project, "ack") >= goal);
        }
        match running.ended_within(after) {
            Some(status) => output = Some(running.finish(status).exits(0).json()),
            None => {
                running.signal_group(Signal::SIGKILL);
                running.wait();
                kills += 1;
            }
        }
        recorded = recorded || project.tl(&["show", "latest", "--json"]).status.success();
    }
    let output = output.unwrap();
    assert!(kills >= asked.unwrap_or(20), "only {kills} kills came about in {:?}", begun.elapsed());
    let thoughts = output["output"].as_array().unwrap();
    assert_eq!(thoughts.len(), steps as usize);
    for (i, thought) in thoughts.iter().enumerate() {
        assert_eq!(*thought, format!("thought {i} after {}", i.min(5)));
    }
    judge(&project.noted("trace"), steps, kills);
    project.sound();
    let again = starts(&project) - steps as usize;
    println!("{kills} kills, {steps} calls, {again} executed twice, none of them acknowledged");
}

fn starts(project: &Project) -> usize {
    project.noted("trace").iter().filter(|line| line.starts_with("start ")).count()
}

/// Waits until the condition holds or the program ends.
fn wait_for(running: &support::Running, condition: impl Fn() -> bool) {
    support::until("the agent acknowledges further calls", || {
        condition() || nix::sys::signal::kill(running.pid, None).is_err()
    });
}

fn count(project: &Project, word: &str) -> usize {
    let seen: HashSet<String> =
        project.noted("trace").into_iter().filter(|line| line.starts_with(word)).collect();
    seen.len()
}

fn judge(trace: &[String], steps: u32, kills: u32) {
    let mut acknowledged = HashSet::new();
    let mut starts: HashMap<&str, u32> = HashMap::new();
    for line in trace {
        match line.split_once(' ') {
            Some(("start", i)) => {
                assert!(!acknowledged.contains(i), "call {i} was acknowledged and executed again");
                *starts.entry(i).or_default() += 1;
            }
            Some(("ack", i)) => {
                assert!(starts.contains_key(i), "call {i} was acknowledged and never executed");
                acknowledged.insert(i);
            }
            _ => assert!(line.is_empty(), "a torn line: {line}"),
        }
    }
    assert_eq!(acknowledged.len(), steps as usize);
    // A kill can make one call execute again: the one that was running.
    let again: u32 = starts.values().map(|n| n - 1).sum();
    assert!(again <= kills, "{again} calls executed again after {kills} kills");
}
