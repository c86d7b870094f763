//! Everything is killed at random instants, again and again: nothing acknowledged is lost or executes twice. And killed
//! between the end of the last body and its record: what had ended before is not lost with it.

#![allow(clippy::unwrap_used)]
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

/// Calls beside each other or one after another; everything is killed once the last body has ended.
const LAST: &str = r#"
import os, signal, threading, time

def kill_after(microseconds):
    time.sleep(microseconds / 1e6)
    os.killpg(0, signal.SIGKILL)

def kill_acknowledged(n):
    while times("ack") < n:
        time.sleep(0.001)
    os.killpg(0, signal.SIGKILL)

def strike(n):
    with open(os.path.join(os.environ["TRACE"], "when")) as file:
        when = file.read()
    if when == "before it returns":
        os.killpg(0, signal.SIGKILL)
    by, argument = (kill_acknowledged, n) if when == "acknowledged" else (kill_after, int(when))
    threading.Thread(target=by, args=(argument,), daemon=True).start()

@function()
def item(i: int, n: int, shape: str) -> int:
    note("start", i)
    if shape == "fan-out, the last alone" and i == n - 1 and not healthy():
        while times("ack") < n - 1:
            time.sleep(0.001)
    note("end", i)
    if not healthy() and times("end") == n:
        strike(n)
    return i * i

@application()
@function()
def app(n: int, shape: str) -> int:
    total = 0
    if shape == "loop":
        for i in range(n):
            total += item(i, n, shape)
            note("ack", i)
    else:
        rest = [item.future(i, n, shape).run() for i in range(n)]
        while rest:
            done, rest = Future.wait(rest, return_when=RETURN_WHEN.FIRST_COMPLETED)
            for future in done:
                total += future.result()
                note("ack", round(future.result() ** 0.5))
    while not healthy():
        # Whoever kills has not come yet.
        time.sleep(0.001)
    return total
"#;

/// Executes the calls of one shape until all of their bodies have ended, kills everything `when`, and replays. Gives what
/// had been acknowledged, and what the replay executed.
fn killed_at_the_end(shape: &str, calls: usize, when: &str) -> (HashSet<String>, HashSet<String>) {
    let what = format!("{shape}, killed {when}");
    let project = Project::app(LAST);
    std::fs::write(project.trace("when"), when).unwrap();
    let input = serde_json::json!({ "n": calls, "shape": shape }).to_string();
    let run = project.tl(&["run", "--input", &input]);
    assert_eq!(run.status.code(), None, "{what}: {}", run.err);
    assert_eq!(project.times("end"), calls, "{what}");
    let acknowledged: HashSet<String> = project.noted("ack").into_iter().collect();
    project.forget();
    project.heal();
    let report = project.replay_ok(&[]);
    let squares: usize = (0..calls).map(|i| i * i).sum();
    assert_eq!(report["output"], squares, "{what}");
    let again = project.noted("start");
    assert_eq!(support::count(&report, "fresh"), again.len() as u64, "{what}");
    assert_eq!(support::count(&report, "cached"), (calls - again.len()) as u64, "{what}");
    project.sound();
    let again: HashSet<String> = again.into_iter().collect();
    assert!(
        again.is_disjoint(&acknowledged),
        "{what}: {again:?} executed again, {acknowledged:?} acknowledged"
    );
    (acknowledged, again)
}

#[test]
fn killed_after_the_last_body_only_what_was_not_acknowledged_executes_again() {
    const CALLS: usize = 24;
    let last = HashSet::from([(CALLS - 1).to_string()]);
    for shape in ["loop", "fan-out, the last alone", "fan-out"] {
        let others_are_acknowledged = shape != "fan-out";
        for when in ["before it returns", "0", "1000", "acknowledged"] {
            let (acknowledged, again) = killed_at_the_end(shape, CALLS, when);
            println!("{shape}, killed {when}: {} acknowledged, {again:?} executed again", acknowledged.len());
            match when {
                // Nobody waits for others to end: what ended earlier has its record.
                "before it returns" if others_are_acknowledged => assert_eq!(again, last, "{shape}"),
                "before it returns" => assert!(!again.is_empty(), "{shape}"),
                "acknowledged" => assert_eq!((acknowledged.len(), again.len()), (CALLS, 0), "{shape}"),
                _ => assert!(again.is_subset(&last) || !others_are_acknowledged, "{shape}: {again:?}"),
            }
        }
    }
}
