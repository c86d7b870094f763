//! What the workbench costs: a frame by the number of calls, memory, its start on small and large stores, wake-ups
//! while nothing happens, and the time from an event to the screen.
//!
//! `cargo bench --bench workbench` makes all of it; `-- frames`, `-- stores`, `-- latency` one part. `DATA` is the folder to
//! work below; stores that were made are kept there (the largest has a million calls, 2 GB).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod record;
mod screen;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tl_bench::app::keys::Key;
use tl_bench::app::{AppState, BackendEvent, Effect, Env, Msg, ProjectInfo, Reply, settle, update};
use tl_bench::base::clock::{Clock, SystemClock};
use tl_bench::cli::context::store_options;
use tl_bench::model::{CallStatus, Event, EventKind, RunHistory};
use tl_bench::store::Store;
use tl_bench::ui::colour::Depth;
use tl_bench::ui::{Look, draw};

use record::{Agent, record};
use screen::Screen;

const SIZE: (u16, u16) = (200, 60);
/// Frames of each kind that are measured.
const FRAMES: usize = 200;
/// Starts that are measured.
const STARTS: usize = 9;
/// Events that come between two frames at 5,000 a second.
const FLOOD: usize = 80;
/// Items of the map whose events are followed to the screen.
const ITEMS: usize = 20_000;

fn main() {
    let parts: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|given| given == part);
    if wanted("frames") {
        println!("| calls | tree, ms | timeline, ms | functions, ms | filter, ms | 5,000 events/s, ms |");
        println!("|---|---|---|---|---|---|");
        for calls in [1_000, 10_000, 100_000] {
            frames(calls);
        }
        println!();
    }
    if wanted("stores") {
        println!(
            "| store | first frame, ms | calls of the newest run, ms | memory then, MB | memory after looking around, MB | wake-ups in 2 s |"
        );
        println!("|---|---|---|---|---|---|");
        for (name, runs, calls) in [
            ("empty", 0, 0),
            ("1,000 calls", 1, 1_000),
            ("10,000 calls", 1, 10_000),
            ("100,000 calls", 1, 100_000),
            ("1,000,000 calls in 10 runs", 10, 100_000),
        ] {
            stores(name, runs, calls);
        }
        println!();
    }
    if wanted("latency") {
        latency();
    }
}

fn folder() -> PathBuf {
    std::env::var_os("DATA").map_or_else(std::env::temp_dir, PathBuf::from)
}

fn now() -> Env {
    Env { now: SystemClock.now() }
}

/// The workbench without engine and store, before a terminal that takes everything.
struct Bench {
    state: AppState,
    look: Look,
    terminal: Terminal<CrosstermBackend<std::io::Sink>>,
}

impl Bench {
    fn key(&mut self, key: &str) {
        update(&mut self.state, Msg::Key(Key::parse(key).unwrap()), &now());
    }

    /// From the first message after a frame to the bytes for the terminal.
    fn frame(&mut self) {
        let env = now();
        settle(&mut self.state, &env);
        let (state, look) = (&self.state, &self.look);
        self.terminal.draw(|frame| drop(draw(state, look, env.now, frame.buffer_mut()))).unwrap();
    }

    /// What is done between frames, in the parts in which it is done; the longest part and all together.
    fn spare(&mut self) -> (Duration, Duration) {
        let (begun, mut longest) = (Instant::now(), Duration::ZERO);
        while self.state.is_matching() {
            let part = Instant::now();
            self.state.match_more();
            longest = longest.max(part.elapsed());
        }
        (longest, begun.elapsed())
    }

    /// The median and the longest of so many frames, each after one of these keys.
    fn frames(&mut self, keys: &[&str]) -> String {
        let took = (0..FRAMES).map(|nth| {
            let begun = Instant::now();
            self.key(keys[nth % keys.len()]);
            self.frame();
            begun.elapsed()
        });
        middle(took.collect())
    }
}

fn frames(calls: u32) {
    let mut agent = Agent::new(0, calls);
    let run = agent.run().clone();
    let mut events: Vec<Event> = Vec::new();
    agent.play(&mut |mut part, _| events.append(&mut part));
    let mut history = RunHistory::new(run.clone());
    // The last tenth comes while somebody looks.
    let later = events.split_off(events.len() - events.len() / 10);
    events.iter().for_each(|event| history.apply(event));
    let mut state = AppState::new(ProjectInfo::default(), SIZE);
    let summaries = vec![history.summary(false)];
    for effect in tl_bench::app::update::start(&mut state) {
        if let Effect::LoadRuns { generation, .. } = effect {
            let reply = Reply::Runs { generation, result: Ok(summaries.clone()) };
            update(&mut state, Msg::Reply(reply), &now());
        }
    }
    for effect in settle(&mut state, &now()) {
        if let Effect::LoadHistory { run, generation } = effect {
            let reply = Reply::History { generation, run, result: Ok(std::sync::Arc::new(history.clone())) };
            update(&mut state, Msg::Reply(reply), &now());
        }
    }
    assert_eq!(state.current().unwrap().history.calls.len(), history.calls.len());
    let look = Look::of(&state, None, false, Depth::True).0;
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let options = TerminalOptions { viewport: Viewport::Fixed(area) };
    let terminal = Terminal::with_options(CrosstermBackend::new(std::io::sink()), options).unwrap();
    let mut bench = Bench { state, look, terminal };
    bench.frame();
    let tree = bench.frames(&["pgdn", "j", "end", "k", "pgup", "home"]);
    bench.key("g");
    bench.key("t");
    bench.frame();
    let timeline = bench.frames(&["+", ">", "+", "<", "-", "down", "right", "left", "up", "0"]);
    bench.key("esc");
    bench.key("g");
    bench.key("f");
    bench.frame();
    let functions = bench.frames(&["down", "right", "up", "left"]);
    bench.key("esc");
    bench.key("/");
    bench.frame();
    let letters = ["f", "n", ":", "c", "a", "backspace", "backspace", "backspace", "backspace", "backspace"];
    let (mut filter, mut parts, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for nth in 0..FRAMES {
        let begun = Instant::now();
        bench.key(letters[nth % letters.len()]);
        bench.frame();
        filter.push(begun.elapsed());
        if bench.state.is_matching() {
            let (part, all) = bench.spare();
            let shown = Instant::now();
            bench.frame();
            filter.push(shown.elapsed());
            parts.push(part);
            whole.push(all);
        }
    }
    let filter = middle(filter);
    if !parts.is_empty() {
        eprintln!("{calls} calls: a part between frames {}, all of them {}", middle(parts), middle(whole));
    }
    bench.key("esc");
    bench.frame();
    // One kind of frame after the other: on the tree, then on the timeline.
    let mut took = Vec::new();
    for part in later.chunks(FLOOD) {
        let begun = Instant::now();
        let report = BackendEvent::Run { run: run.clone(), events: part.to_vec() };
        update(&mut bench.state, Msg::Backend(report), &now());
        bench.frame();
        took.push(begun.elapsed());
    }
    assert_eq!(bench.state.current().unwrap().history.calls.len(), calls as usize);
    println!("| {calls} | {tree} | {timeline} | {functions} | {filter} | {} |", middle(took));
}

/// A project whose store has these runs; made once.
fn project(runs: u64, calls: u32) -> PathBuf {
    let folder = folder().join(format!("workbench-bench-{runs}x{calls}"));
    let done = folder.join("tl-bench.toml");
    if !done.exists() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let begun = Instant::now();
        if runs > 0 {
            record(&folder.join(".tl-bench"), runs, calls);
        }
        eprintln!("{runs} runs of {calls} calls recorded in {:?}", begun.elapsed());
        std::fs::write(&done, "").unwrap();
    }
    folder
}

fn stores(name: &str, runs: u64, calls: u32) {
    let project = project(runs, calls);
    if runs == 0 {
        let _ = std::fs::remove_dir_all(project.join(".tl-bench"));
    }
    let (mut frame, mut tree) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let _ = std::fs::remove_file(project.join(".tl-bench/workbench.json"));
        let screen = Screen::open(&project, (120, 40));
        frame.push(screen.sees("? "));
        tree.push(screen.sees(if runs > 0 { "answer#1" } else { "No application" }));
        screen.quit();
    }
    let mut screen = Screen::open(&project, (120, 40));
    screen.sees(if runs > 0 { "answer#1" } else { "No application" });
    let first = screen.memory();
    // Nothing on the screen changes by itself a moment after the start.
    std::thread::sleep(Duration::from_secs(2));
    let wakes = screen.wakes(Duration::from_secs(2));
    if runs > 0 {
        screen.keys("G");
        screen.keys("gt");
        screen.sees("executing");
        screen.keys("gf");
        screen.sees("search_web");
        screen.keys("gm");
    }
    let after = screen.memory();
    screen.quit();
    println!(
        "| {name} | {} | {} | {:.0} (at most {:.0}) | {:.0} (at most {:.0}) | {wakes} |",
        middle(frame),
        middle(tree),
        first.0,
        first.1,
        after.0,
        after.1
    );
}

const MAP: &str = r#"
from tensorlake.applications import application, function


@function()
def step(x: int) -> int:
    return x + 1


@application()
@function()
def app() -> int:
    return len(step.map(range(COUNT)))
"#;

/// From the instant at which the engine says that a call ended to the bytes of the first frame that counts it.
fn latency() {
    let dir = tempfile::Builder::new().prefix("workbench-bench-").tempdir_in(folder()).unwrap();
    std::fs::write(dir.path().join("app.py"), MAP.replace("COUNT", &ITEMS.to_string())).unwrap();
    std::fs::write(dir.path().join("tl-bench.toml"), "").unwrap();
    let mut screen = Screen::open(dir.path(), SIZE);
    screen.sees("No runs yet");
    screen.keys("r");
    screen.sees(&format!("{ITEMS} fresh"));
    let heads = screen.heads();
    screen.quit();
    let shown: Vec<(i64, usize)> =
        heads.into_iter().filter_map(|(at, head)| Some((at, fresh(&head)?))).collect();
    let (ended, events) = ended(dir.path());
    let mut took: Vec<Duration> = Vec::new();
    for (nth, at) in ended.iter().enumerate() {
        let frame = shown.iter().find(|(_, counted)| *counted > nth).unwrap();
        took.push(Duration::from_micros((frame.0 - at).max(0) as u64));
    }
    let span = Duration::from_micros((ended.last().unwrap() - ended.first().unwrap()) as u64);
    took.sort();
    let at = |part: usize| ms(took[(took.len() - 1) * part / 100]);
    println!("| events a second | frames | from event to screen, ms: median | 99 % | most |");
    println!("|---|---|---|---|---|");
    let rate = events as f64 / span.as_secs_f64();
    println!("| {rate:.0} | {} | {} | {} | {} |", shown.len(), at(50), at(99), at(100));
}

fn fresh(head: &str) -> Option<usize> {
    let before = head.split_once(" fresh")?.0;
    before.rsplit(' ').next()?.parse().ok()
}

/// When the calls ended, and how many events came until then.
fn ended(project: &Path) -> (Vec<i64>, usize) {
    let store = Store::open(&project.join(".tl-bench"), store_options()).unwrap();
    let run = store.find_run("latest").unwrap();
    let (mut ended, mut events) = (Vec::new(), 0);
    loop {
        let part = store.events(&run, events, 10_000).unwrap();
        let Some(last) = part.last() else { break };
        events = last.seq;
        for event in part {
            if let EventKind::CallEnded(call) = &event.kind
                && call.status == CallStatus::Fresh
            {
                ended.push(event.at);
            }
        }
    }
    // The last two are the map's and the application's.
    ended.truncate(ITEMS);
    (ended, events as usize)
}

fn ms(took: Duration) -> String {
    format!("{:.2}", took.as_secs_f64() * 1e3)
}

/// The median, and the largest.
fn middle(mut all: Vec<Duration>) -> String {
    all.sort();
    format!("{} (most {})", ms(all[all.len() / 2]), ms(all[all.len() - 1]))
}
