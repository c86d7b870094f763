//! `tl-bench watch`: the verdict after each save, and replays when asked for.
//!
//! One thread judges and replays, so a replay never runs beside another; saves that happen meanwhile are judged after
//! it, together.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::args::{EngineArgs, InputArgs, ModeArg, OutputArgs, ReplayArgs, WatchArgs, WatchReplayArg};
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use super::signals::{self, Came, Interrupts};
use super::watched::{self, Attention};
use super::{launch, lock, status};
use crate::base::ids::RunId;
use crate::base::text;
use crate::engine::Ending;
use crate::engine::local::Command;
use crate::engine::verdict::{Attended, Judge};
use crate::model::verdict::Verdict;
use crate::model::{RunHistory, RunStatus};
use crate::store::Store;
use crate::watch::{self, Changes, Report, TreeWatch};

/// Changes of the store are looked at this often.
const SETTLE: Duration = Duration::from_millis(250);

enum Told {
    Files(Report),
    /// Something was recorded, perhaps a new run.
    Store,
    /// The user wants to leave.
    Leave,
}

/// Watches until it is interrupted.
pub fn run(context: &Context, args: &WatchArgs) -> Result<Exit, CliError> {
    let store =
        if args.replay.is_some() { launch::replay_store(context)? } else { context.existing_store()? };
    let id = store.find_run(args.run.as_deref().unwrap_or("latest"))?;
    let (send, told) = channel();
    let running = Arc::new(Mutex::new(None));
    let came = leave_on_interrupt(context, send.clone(), running.clone());
    let _store_watch = watch_store(&store, send.clone());
    let mut watcher = Watcher {
        context,
        args,
        judge: Judge::new(&context.project, &store, context.search()),
        attention: Attention::new(&context.project),
        attended: Attended::default(),
        store,
        run: id,
        last: None,
        running,
        came,
    };
    let verdict = watcher.verdict()?;
    watcher.attended = watcher.judge.attended(&watcher.run)?;
    let interest = watcher.attention.interest(watcher.attended.clone());
    let files = TreeWatch::start(interest, move |report| {
        let _ = send.send(Told::Files(report));
    })?;
    watcher.tell(&[], verdict)?;
    let count = text::count(watcher.attention.len() as u64, "source");
    watcher.note(&format!("watching {count}; Ctrl-C ends"), Tone::Quiet);
    watcher.listen(&told, &files)
}

struct Watcher<'a> {
    context: &'a Context,
    args: &'a WatchArgs,
    store: Store,
    judge: Judge,
    attention: Attention,
    attended: Attended,
    run: RunId,
    last: Option<Verdict>,
    running: Arc<Mutex<Option<UnboundedSender<Command>>>>,
    came: Came,
}

impl Watcher<'_> {
    fn listen(&mut self, told: &Receiver<Told>, files: &TreeWatch) -> Result<Exit, CliError> {
        while let Ok(first) = told.recv() {
            let mut changes = Changes::default();
            // What came while the last was dealt with is dealt with together.
            for one in std::iter::once(first).chain(told.try_iter()) {
                match one {
                    Told::Leave => return Ok(Exit::Success),
                    Told::Files(Report::Notice(text)) => self.note(&text, Tone::Warn),
                    Told::Files(Report::Changed(more)) => changes.add(more),
                    Told::Store => self.newest(),
                }
            }
            let saved_something = changes.all || !changes.paths.is_empty();
            let data = watched::data(&changes, &self.attended, &self.context.project.root);
            let mut saved = self.judge.changed(&changes.paths, changes.all);
            saved.extend(data);
            self.attention.changed(&changes);
            match self.verdict() {
                Ok(verdict) => {
                    if self.tell(&saved, verdict)? && saved_something && self.args.replay.is_some() {
                        self.replay()?;
                    }
                }
                // The application may be gone for as long as a branch is being switched.
                Err(error) => self.note(&error.message, Tone::Warn),
            }
            if let Ok(attended) = self.judge.attended(&self.run) {
                self.attended = attended;
                files.attend(self.attention.interest(self.attended.clone()));
            }
        }
        Ok(Exit::Success)
    }

    fn verdict(&mut self) -> Result<Verdict, CliError> {
        Ok(self.judge.verdict(&self.run)?)
    }

    /// Without a run named by the user, the newest that has ended is judged.
    fn newest(&mut self) {
        if self.args.run.is_some() {
            return;
        }
        if let Ok(newest) = self.store.find_run("latest")
            && let Ok(row) = self.store.run(&newest)
            && row.summary.status != RunStatus::Running
        {
            self.run = row.summary.id.clone();
        }
    }

    /// Prints a verdict when it says something new. Says whether there is something to replay.
    fn tell(&mut self, saved: &[String], verdict: Verdict) -> Result<bool, CliError> {
        let before = self.last.replace(verdict.clone());
        let out = self.context.out;
        if before.as_ref() == Some(&verdict) {
            // A person wants to know that the save was seen.
            if !saved.is_empty() && !self.is_json() {
                out.line("");
                out.line(&out.paint(Tone::Quiet, &saved_line(saved, ": changes nothing")));
            }
            return Ok(false);
        }
        let history = self.context.history(&self.store, &self.run)?;
        let same_run = before.as_ref().is_some_and(|before| before.run == verdict.run);
        if self.is_json() {
            let mut document = json!({"event": "verdict", "saved": saved});
            merge(&mut document, status::document(&history, &verdict));
            self.line(&document);
        } else if !same_run {
            status::print(out, &history, &verdict);
        } else {
            self.print(&history, saved, &before, &verdict);
        }
        let differs = !verdict.is_clean() || verdict.is_answered_elsewhere();
        Ok(before.is_some() && differs && verdict.problems.is_empty())
    }

    fn print(&self, run: &RunHistory, saved: &[String], before: &Option<Verdict>, verdict: &Verdict) {
        let out = self.context.out;
        out.line("");
        if !saved.is_empty() {
            out.line(&out.paint(Tone::Quiet, &saved_line(saved, "")));
        }
        let was_clean = before.as_ref().is_none_or(Verdict::is_clean);
        if verdict.is_clean() && verdict.problems.is_empty() && !was_clean {
            let line = format!("undone: every checkpoint of run {} holds again", run.id);
            out.line(&out.paint(Tone::Good, &line));
            return;
        }
        let known = before.as_ref().map(|before| &before.problems);
        let same_otherwise = before.as_ref().is_some_and(|before| {
            Verdict { problems: Vec::new(), ..before.clone() }
                == Verdict { problems: Vec::new(), ..verdict.clone() }
        });
        if !same_otherwise {
            status::body(out, run, verdict);
            return;
        }
        // Only what parses is another: the rest was said.
        for problem in &verdict.problems {
            out.line(&out.paint(Tone::Bad, &status::problem_line(problem)));
        }
        for problem in known.into_iter().flatten().filter(|problem| !verdict.problems.contains(problem)) {
            if !verdict.problems.iter().any(|now| now.file == problem.file) {
                out.line(&out.paint(Tone::Good, &text::line(&format!("{} parses again", problem.file))));
            }
        }
    }

    fn replay(&mut self) -> Result<(), CliError> {
        let Some(verdict) = self.last.as_ref().filter(|verdict| verdict.run == self.run) else {
            return Ok(());
        };
        if let Some(why) = self.refusal(verdict) {
            self.note(&why, Tone::Warn);
            return Ok(());
        }
        match self.execute() {
            Ok(()) => {}
            Err(error) if error.exit == Exit::Store => return Err(error),
            // Saved in the middle of an edit: the next save may do.
            Err(error) => self.note(&error.message, Tone::Bad),
        }
        self.newest();
        let verdict = self.verdict()?;
        self.tell(&[], verdict)?;
        Ok(())
    }

    /// Why this is not replayed without being asked.
    fn refusal(&self, verdict: &Verdict) -> Option<String> {
        let names = |names: &[String]| text::fit(&names.join(", "), 60);
        if self.args.effects.is_none() && !verdict.effects.is_empty() {
            let names = names(&verdict.effects);
            return Some(format!(
                "not replayed: {names} may act on the world; `tl-bench replay`, or watch with --effects"
            ));
        }
        let strict = self.args.replay == Some(WatchReplayArg::Harmless);
        (strict && !verdict.unlabelled.is_empty()).then(|| {
            format!(
                "not replayed: {} do not say whether they act on the world (effect=False if not); \
                 `tl-bench replay`, or watch with --replay=unlabelled",
                names(&verdict.unlabelled)
            )
        })
    }

    fn execute(&self) -> Result<(), CliError> {
        let wanted = ReplayArgs {
            run: self.run.to_string(),
            mode: ModeArg::Adaptive,
            input: InputArgs::default(),
            from: None,
            any_type: false,
            plan: false,
            set: Vec::new(),
            set_input: Vec::new(),
            take: Vec::new(),
            in_doubt: "rerun".to_owned(),
            effects: self.args.effects,
            engine: EngineArgs::default(),
            output: OutputArgs { json: self.args.json, events: self.args.events, quiet: false },
        };
        let spec = launch::replay_spec(self.context, &self.store, &wanted)?;
        let followed = launch::follow(self.context, None, &self.store, spec, &wanted.output, |handle| {
            *lock(&self.running) = Some(handle.commands());
        });
        *lock(&self.running) = None;
        let (id, (), ending) = followed?;
        match ending {
            Ending::NotLoaded(error) => Err(launch::not_loaded(&self.came.why(error))),
            Ending::StoreFailed(text) => Err(launch::not_recorded(&text)),
            Ending::Recorded { .. } => {
                let history = self.context.history(&self.store, &id)?;
                if !self.is_json() {
                    return launch::report(self.context, &self.store, &history, &wanted.output);
                }
                let mut document = json!({"event": "replay"});
                merge(&mut document, launch::run_json(&self.store, &history)?);
                self.line(&document);
                Ok(())
            }
        }
    }

    fn is_json(&self) -> bool {
        self.args.json || self.args.events
    }

    fn line(&self, document: &Value) {
        self.context.out.record(document);
    }

    fn note(&self, sentence: &str, tone: Tone) {
        if self.is_json() {
            self.line(&json!({"event": "notice", "text": sentence}));
        } else {
            let out = self.context.out;
            out.note(&out.paint_note(tone, &text::lines(sentence)));
        }
    }
}

/// What was saved, and what is to be said of it.
fn saved_line(saved: &[String], more: &str) -> String {
    text::line(&format!("saved {}{more}", text::fit(&saved.join(", "), 90)))
}

fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(all), Value::Object(more)) = (document, more) {
        all.extend(more);
    }
}

/// Ctrl-C stops the replay that goes on, if there is one, and then the watch.
fn leave_on_interrupt(
    context: &Context,
    told: Sender<Told>,
    running: Arc<Mutex<Option<UnboundedSender<Command>>>>,
) -> Came {
    let (out, mut asked) = (context.out, false);
    Interrupts::hear().call(move || {
        if let Some(commands) = &*lock(&running) {
            signals::stop(commands, out, asked);
            asked = true;
        }
        let _ = told.send(Told::Leave);
    })
}

/// Tells of new records, at most every [`SETTLE`].
fn watch_store(store: &Store, told: Sender<Told>) -> Option<watch::Watch> {
    let (send, reports) = channel();
    let send = Mutex::new(send);
    let watch = watch::folders(&[store.dir().to_path_buf()], move |_| {
        let _ = lock(&send).send(());
    });
    let gather = move || {
        while watch::gather(&reports, |()| SETTLE).is_some() {
            if told.send(Told::Store).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("records".to_owned()).spawn(gather).ok()?;
    watch.ok()
}
