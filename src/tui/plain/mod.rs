//! The workbench for screen readers and pipes: commands are read line by line, what changes is printed line by line.
//!
//! The same state, commands and backend as on the screen; only input and output differ. Nothing is drawn over,
//! nothing moves, no cursor is placed. Like the loop of the screen it sleeps without a timer when nothing happens.

mod line;
mod speak;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep_until};

use crate::app::state::{Pane, Screen};
use crate::app::update::configure;
use crate::app::{AppState, Effect, Env, Msg, Reply, persist, settle, update};
use crate::base::clock::{Clock, SystemClock};
use crate::base::text;

use super::backend::Backend;
use super::run::Outcome;
use super::{child, effects};
use line::Meaning;
use speak::Heard;

/// What happens by itself is said this often at most.
const PACE: Duration = Duration::from_millis(500);
/// A line waits this long at most for what is still being read, so that what comes through a pipe finds it there.
const PATIENCE: Duration = Duration::from_secs(10);
/// Rows that are read out at once.
const ROWS: usize = 20;

struct Plain {
    state: AppState,
    heard: Heard,
    backend: Arc<dyn Backend>,
    reply_to: Sender<Reply>,
    outcome: Option<Outcome>,
}

/// Runs it until `quit`, the end of the input, or a signal.
pub async fn run(backend: Arc<dyn Backend>) -> io::Result<Outcome> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut events = backend.subscribe();
    let reader = Arc::clone(&backend);
    let read = move || (reader.project(), reader.settings(), reader.saved());
    let (project, sources, saved) = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?;
    // One pane at a time, and lines that are not cut too early.
    let mut state = AppState::new(project, (speak::WIDTH, 60));
    configure(&mut state, sources);
    if let Some(text) = saved {
        persist::restore(&mut state, &text);
    }
    let (reply_to, mut replies) = channel(64);
    let mut plain = Plain { state, heard: Heard::default(), backend, reply_to, outcome: None };
    let name = plain.state.project.name.clone();
    print(&[format!("Workbench of {name}. Type help for the commands, quit to leave.")])?;
    let first = crate::app::update::start(&mut plain.state);
    plain.execute(first)?;
    let mut lines = lines();
    let (mut said, mut pending, mut open) = (None::<Instant>, true, true);
    let mut patient_until = Instant::now() + PATIENCE;
    while plain.outcome.is_none() {
        let reading = plain.state.is_reading() && Instant::now() < patient_until;
        let due = said.map_or_else(Instant::now, |at| at + PACE);
        tokio::select! {
            biased;
            _ = terminate.recv() => plain.outcome = Some(Outcome::Signal(SignalKind::terminate().as_raw_value())),
            _ = interrupt.recv() => plain.outcome = Some(Outcome::Signal(SignalKind::interrupt().as_raw_value())),
            line = lines.recv(), if !reading => match line {
                Some(line) => {
                    plain.line(&line)?;
                    patient_until = Instant::now() + PATIENCE;
                    said = Some(Instant::now());
                    pending = false;
                }
                None => plain.outcome = Some(Outcome::Quit),
            },
            Some(reply) = replies.recv() => {
                plain.message(Msg::Reply(reply))?;
                // What follows from it is asked for at once: a line may wait for that.
                plain.settle()?;
                pending = true;
            }
            () = sleep_until(patient_until), if reading => {}
            event = events.recv(), if open => match event {
                Some(event) => {
                    plain.message(Msg::Backend(event))?;
                    pending = true;
                }
                None => open = false,
            },
            () = sleep_until(due), if pending => {
                plain.speak()?;
                said = Some(Instant::now());
                pending = false;
            }
        }
    }
    let (saved, backend) = (persist::save(&plain.state), Arc::clone(&plain.backend));
    let deleted: Vec<_> = plain.state.runs.deleted.drain().collect();
    let leave = move || {
        backend.save(&saved);
        deleted.iter().for_each(|run| drop(backend.delete(run)));
    };
    let _ = tokio::task::spawn_blocking(leave).await;
    Ok(plain.outcome.unwrap_or(Outcome::Quit))
}

/// The lines of standard input; a thread of its own waits for them, so that leaving waits for none.
fn lines() -> Receiver<String> {
    let (to, from) = channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if to.blocking_send(line).is_err() {
                break;
            }
        }
    });
    from
}

fn print(lines: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{}", text::line(line))?;
    }
    out.flush()
}

fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Plain {
    fn line(&mut self, line: &str) -> io::Result<()> {
        let now = SystemClock.now();
        match line::meaning(&self.state, line) {
            Meaning::Messages(all) => {
                // What was said before is said again when it is asked for again.
                self.state.toast = None;
                for message in all {
                    self.message(message)?;
                    self.settle()?;
                }
            }
            Meaning::List => print(&speak::list(&self.state, now, ROWS))?,
            Meaning::Help(word) => print(&speak::help(&self.state, &word))?,
            Meaning::Where => {
                self.heard = Heard::default();
            }
            Meaning::Row(row) => self.select(row.saturating_sub(1)),
            Meaning::Field(name, value) => print(&[line::fill(&mut self.state, &name, &value)])?,
            Meaning::Say(sentence) => print(&[sentence])?,
        }
        self.speak()
    }

    fn select(&mut self, row: usize) {
        let state = &mut self.state;
        match (state.screen, state.focus) {
            (Screen::Main, Pane::Runs) => {
                if let Some(run) = state.runs.items.get(row) {
                    state.runs.selected = Some(run.id.clone());
                }
            }
            (Screen::Main, Pane::Calls) => {
                if let Some(open) = state.current_mut()
                    && let Some(row) = open.tree.rows().get(row).copied()
                {
                    open.follow = false;
                    open.selected = row.no;
                }
            }
            (Screen::Main, Pane::Inspector) => state.doc_at = row,
            _ => state.list.at = row,
        }
    }

    fn message(&mut self, message: Msg) -> io::Result<()> {
        let env = Env { now: SystemClock.now() };
        let effects = update(&mut self.state, message, &env);
        self.execute(effects)
    }

    fn settle(&mut self) -> io::Result<()> {
        let env = Env { now: SystemClock.now() };
        let mut effects = settle(&mut self.state, &env);
        // There are no frames between which it could go on.
        while self.state.is_matching() {
            self.state.match_more();
            if !self.state.is_matching() {
                effects.extend(settle(&mut self.state, &env));
            }
        }
        self.execute(effects)
    }

    fn speak(&mut self) -> io::Result<()> {
        self.settle()?;
        print(&speak::changes(&self.state, &mut self.heard, SystemClock.now()))
    }

    fn execute(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Quit => self.outcome = Some(Outcome::Quit),
                Effect::Repaint => self.heard = Heard::default(),
                Effect::Suspend => drop(nix::sys::signal::raise(nix::sys::signal::Signal::SIGTSTP)),
                // A line is copied by whoever reads it.
                Effect::CopyBytes { what, bytes, .. } => print(&[format!("{what}:"), text::lossy(&bytes)])?,
                Effect::Copy { what, text } => print(&[format!("{what}:"), text])?,
                Effect::Page { bytes } => {
                    let text = text::lines(&text::lossy(&bytes));
                    print(&text.lines().map(str::to_owned).collect::<Vec<_>>())?;
                }
                Effect::Edit { file, line } => {
                    let command = child::editor(&env_var, Path::new(&file), Some(line));
                    let ended = tokio::task::block_in_place(|| child::run(&command));
                    print(&[ended.map_or_else(|why| why, |_| format!("{file} was opened at line {line}."))])?;
                }
                Effect::EditText { .. } => print(&["Type name=value here.".to_owned()])?,
                question => effects::ask(&self.backend, &self.reply_to, question),
            }
        }
        Ok(())
    }
}
