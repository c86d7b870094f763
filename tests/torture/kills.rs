//! The engine, its workers, or both are killed right after an acknowledgement: nothing acknowledged executes again,
//! nothing is left over.

use std::collections::HashSet;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Project, until};
use crate::{Random, trials};

/// A loop, a fan-out, and callers beside each other; every result is noted by whoever asked for it.
const APP: &str = r#"
import os
note("pids", os.getpid())

@function()
def step(name: str, x: int) -> int:
    note("trace", f"start {name}{x}")
    return x * x

@function()
def branch(b: int) -> int:
    total = 0
    for j in range(5):
        total += step(f"branch{b}.", j)
        note("trace", f"ack branch{b}.{j}")
    return total

@application()
@function()
def main(n: int) -> int:
    total = 0
    for i in range(n):
        total += step("loop", i)
        note("trace", f"ack loop{i}")
    branches = [branch.future(b) for b in range(3)]
    for i, future in enumerate([step.future("fan", i) for i in range(n)]):
        total += future.result()
        note("trace", f"ack fan{i}")
    return total + sum(future.result() for future in branches)
"#;

const N: usize = 10;
/// Two times the sum of the squares below N, three times that of those below 5.
const OUTPUT: i64 = 2 * 285 + 3 * 30;
/// Acknowledgements of a whole run.
const ACKS: usize = 2 * N + 15;

#[derive(Clone, Copy, Debug)]
enum Victim {
    Engine,
    Workers,
    Both,
}

#[test]
fn nothing_acknowledged_executes_again_whoever_is_killed() {
    let mut random = Random::new(1);
    for trial in 0..trials(12) {
        let victim = [Victim::Engine, Victim::Workers, Victim::Both][trial % 3];
        let goal = 1 + random.below(ACKS - 2);
        one(victim, goal);
    }
}

fn one(victim: Victim, goal: usize) {
    let what = format!("{victim:?} killed after {goal} acknowledgements");
    let project = Project::app(APP);
    let running = project.start(&["run", "--input", &N.to_string(), "--json"]);
    until(&what, || acknowledged(&project).len() >= goal);
    if matches!(victim, Victim::Workers | Victim::Both) {
        for pid in workers(&project) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
    if matches!(victim, Victim::Engine | Victim::Both) {
        running.signal(Signal::SIGKILL);
    }
    let done = running.wait();
    if matches!(victim, Victim::Workers) {
        // Callers survive it or fail; either is said.
        assert!(matches!(done.status.code(), Some(0 | 1)), "{what}: {}", done.err);
    }
    until(&format!("{what}: no worker is left"), || workers(&project).is_empty());
    let report = project.replay_ok(&[]);
    assert_eq!(report["output"], OUTPUT, "{what}");
    let mut acknowledged = HashSet::new();
    for line in project.noted("trace") {
        match line.split_once(' ') {
            Some(("start", name)) => assert!(!acknowledged.contains(name), "{what}: {name} executed again"),
            Some(("ack", name)) => drop(acknowledged.insert(name.to_owned())),
            _ => panic!("{what}: a torn line: {line}"),
        }
    }
    // A loop served whole is not asked for again, so that only what ran has noted anything.
    assert!(acknowledged.len() >= goal, "{what}");
    project.sound();
}

fn acknowledged(project: &Project) -> HashSet<String> {
    project.noted("trace").into_iter().filter(|line| line.starts_with("ack ")).collect()
}

/// The workers that are alive.
fn workers(project: &Project) -> Vec<Pid> {
    let pids = project.noted("pids").into_iter().map(|pid| Pid::from_raw(pid.parse().unwrap()));
    pids.filter(|pid| kill(*pid, None) != Err(Errno::ESRCH) && !is_zombie(*pid)).collect()
}

/// Ended, but not yet waited for by who inherited it.
fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}

/// C code that holds the interpreter for minutes: nobody in that process can read that the engine has gone.
const DEAF: &str = r#"
import os
note("pids", os.getpid())

@function()
def deaf() -> int:
    note("trace", "ack deaf")
    return sum(range(10 ** 12))

@application()
@function()
def main() -> int:
    return deaf()
"#;

#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_cannot_listen_ends_with_its_engine() {
    let project = Project::app(DEAF);
    let running = project.start(&["run", "--json"]);
    until("the body begins", || acknowledged(&project).len() == 1);
    running.signal(Signal::SIGKILL);
    running.wait();
    until("no worker is left", || workers(&project).is_empty());
}
