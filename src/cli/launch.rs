//! `run` and `replay`: starts a run, follows it, reports how it ended.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{EffectsArg, ModeArg, OutputArgs, ReplayArgs, RunArgs};
use super::context::{Context, plain_value, recorded_input, replayed_application};
use super::error::{CliError, Exit};
use super::output::Tone;
use super::signals::Interrupts;
use super::{follow::Follow, input, view};
use crate::base::clock::SystemClock;
use crate::base::ids::RunId;
use crate::base::json as typed;
use crate::engine::verdict::Judge;
use crate::engine::{self, Early, Effects, Ending, InDoubt, RunHandle, RunSpec};
use crate::model::event::Level;
use crate::model::fork::ForkPlan;
use crate::model::{Event, EventKind, Mode, Purpose, RunHistory, RunStatus};
use crate::store::Store;

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Mode {
        match mode {
            ModeArg::Adaptive => Mode::Adaptive,
            ModeArg::Strict => Mode::Strict,
            ModeArg::Fresh => Mode::Fresh,
        }
    }
}

/// `tl-bench run`.
pub fn run(context: &Context, args: &RunArgs) -> Result<Exit, CliError> {
    if args.mode == ModeArg::Strict {
        return Err(
            CliError::usage("--mode strict needs a recorded run").hint("use `tl-bench replay --mode strict`")
        );
    }
    let early = context.early(&args.engine);
    let app = context.application(args.app.as_deref())?;
    let input = input::resolve(&args.input, &app, &context.project)?;
    let spec = RunSpec { mode: args.mode.into(), ..context.run_spec(&app, input, &args.engine)? };
    let store = context.store()?;
    execute(context, early, &store, spec, &args.output)
}

/// `tl-bench replay`.
pub fn replay(context: &Context, args: &ReplayArgs) -> Result<Exit, CliError> {
    let early = if args.plan { None } else { context.early(&args.engine) };
    let store = replay_store(context)?;
    let spec = replay_spec(context, &store, args)?;
    if let Some(parent) = spec.parent.as_ref().filter(|_| !spec.edits.is_empty()) {
        let mut plan = Judge::new(&context.project, &store, context.search()).plan(parent, &spec.edits)?;
        if args.plan {
            let run = context.history(&store, parent)?;
            plan.changed = super::edits::changes(&store, &run, &spec.edits);
            say_plan(context, &plan, args.output.json);
            return Ok(Exit::Success);
        }
        if !args.output.quiet {
            context.out.note(&context.out.paint_note(Tone::Quiet, &plan.words()));
            if let Some(effects) = plan.effect_words() {
                context.out.note(&context.out.paint_note(Tone::Warn, &crate::base::text::line(&effects)));
            }
        }
    }
    execute(context, early, &store, spec, &args.output)
}

/// What a fork would do, without doing it.
fn say_plan(context: &Context, plan: &ForkPlan, json: bool) {
    if json {
        context.out.json(&json!(plan));
        return;
    }
    for edit in &plan.changed {
        for place in &edit.places {
            context.out.line(&crate::base::text::line(&format!("{}  {place}", edit.path)));
        }
    }
    context.out.line(&plan.words());
    if let Some(effects) = plan.effect_words() {
        let line = context.out.paint(Tone::Warn, &crate::base::text::line(&effects));
        context.out.line(&line);
        context.out.line("decide with --effects rerun, or --effects skip to take what they gave then");
    }
}

/// The store that holds what is replayed, open for writing.
pub(super) fn replay_store(context: &Context) -> Result<Store, CliError> {
    match context.project.store_dir().exists() {
        true => context.store(),
        false => context.existing_store(),
    }
}

/// What a replay is to do.
pub(super) fn replay_spec(context: &Context, store: &Store, args: &ReplayArgs) -> Result<RunSpec, CliError> {
    let in_doubt = in_doubt(&args.in_doubt)?;
    let id = store.find_run(&args.run)?;
    let parent = context.history(store, &id)?;
    no_samples(&parent)?;
    if store.run(&id)?.alive {
        return Err(CliError::usage(format!("run {id} still executes")).hint("wait for it, or stop it first"));
    }
    let from = args.from.as_deref().map(|text| context.call(&parent, text)).transpose()?;
    let edits = super::edits::named(context, store, &parent, args)?;
    let app = replayed_application(context, &parent)?;
    let input = match input::given(&args.input, &app)? {
        Some(input) => input,
        None => recorded_input(store, &parent)?,
    };
    Ok(RunSpec {
        mode: args.mode.into(),
        parent: Some(id),
        from,
        edits,
        in_doubt,
        effects: effects(args.effects),
        ..context.run_spec(&app, input, &args.engine)?
    })
}

/// A run that holds samples has no application to replay.
pub(super) fn no_samples(run: &RunHistory) -> Result<(), CliError> {
    let Purpose::Samples { of, .. } = &run.purpose else { return Ok(()) };
    let parent = run.parent.as_ref().unwrap_or(&of.run);
    Err(CliError::usage(format!(
        "run {} holds samples of a call of run {parent}, and cannot be replayed",
        run.id
    ))
    .hint(format!("replay run {parent}; --take puts what a sample gave into it")))
}

fn effects(arg: Option<EffectsArg>) -> Effects {
    match arg {
        Some(EffectsArg::Rerun) => Effects::Rerun,
        Some(EffectsArg::Skip) => Effects::Skip,
        Some(EffectsArg::Ask) => Effects::Ask,
        Some(EffectsArg::Fail) | None => Effects::Fail,
    }
}

fn in_doubt(text: &str) -> Result<InDoubt, CliError> {
    match text {
        "rerun" => Ok(InDoubt::Rerun),
        "fail" => Ok(InDoubt::Fail),
        other => match other.strip_prefix("accept=") {
            Some(text) => typed::tagged(text)
                .map(InDoubt::Accept)
                .map_err(|error| CliError::usage(format!("--in-doubt accept: not JSON: {error}"))),
            None => Err(CliError::usage(format!("--in-doubt {other}: use rerun, fail, or accept=JSON"))),
        },
    }
}

/// Starts a run and stays with it.
pub fn execute(
    context: &Context,
    early: Option<Early>,
    store: &Store,
    spec: RunSpec,
    output: &OutputArgs,
) -> Result<Exit, CliError> {
    let out = context.out;
    let interrupts = Interrupts::hear();
    let (id, came, ending) =
        follow(context, early, store, spec, output, |handle| interrupts.stop(handle.commands(), out))?;
    match ending {
        Ending::NotLoaded(error) => Err(not_loaded(&came.why(error))),
        Ending::StoreFailed(text) => Err(not_recorded(&text)),
        Ending::Recorded { status, output: value, error, .. } if output.quiet => {
            // The output alone: the run, which may be large, is not read again for it.
            if let Some(value) = &value {
                context.out.record(&plain_value(store, Some(value))?);
            } else if let Some(error) = &error {
                context.out.note(&crate::base::text::line(&error.headline()));
            }
            Ok(exit_code(status, error.as_ref()))
        }
        Ending::Recorded { .. } => {
            let history = context.history(store, &id)?;
            report(context, store, &history, output)?;
            Ok(exit_code(history.status, history.error.as_ref()))
        }
    }
}

/// Starts a run and follows it to its end; `begun` gets it as soon as it goes on, and what it gives is handed back.
pub(super) fn follow<T>(
    context: &Context,
    early: Option<Early>,
    store: &Store,
    spec: RunSpec,
    output: &OutputArgs,
    begun: impl FnOnce(&RunHandle) -> T,
) -> Result<(RunId, T, Ending), CliError> {
    let (send, events) = channel();
    let observer: engine::local::Observer = Box::new(move |_, batch| {
        let _ = send.send(batch.to_vec());
    });
    // Who sees nothing is told nothing: copies of all events of a large run are large.
    let observer = (output.events || !Follow::is_silent(output)).then_some(observer);
    let handle = engine::start_early(early, store, spec, Arc::new(SystemClock), observer)?;
    let id = handle.id.clone();
    let given = begun(&handle);
    let mut follow = Follow::new(id.clone(), context.out, output);
    watch(context, &events, &mut follow, output);
    let ending = handle.wait();
    follow.done();
    Ok((id, given, ending))
}

fn watch(context: &Context, events: &Receiver<Vec<Event>>, follow: &mut Follow, output: &OutputArgs) {
    loop {
        match events.recv_timeout(Duration::from_millis(100)) {
            Ok(batch) => {
                if output.events {
                    for event in &batch {
                        context.out.record(&view::event_json(&follow.history.id, event));
                    }
                }
                for event in &batch {
                    follow.apply(event);
                }
            }
            Err(RecvTimeoutError::Timeout) => follow.tick(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

pub(super) fn not_recorded(text: &str) -> CliError {
    CliError::new(Exit::Store, format!("the run ended because it could not be recorded: {text}"))
        .hint("what was acknowledged before is safe; `tl-bench replay` goes on from there")
}

pub(super) fn not_loaded(error: &crate::model::ErrorInfo) -> CliError {
    let exit = match error.kind {
        crate::model::ErrorKind::SdkUsage => Exit::Usage,
        crate::model::ErrorKind::Cancelled => Exit::Failed,
        _ => Exit::Environment,
    };
    let mut message = error.message.clone();
    if error.kind == crate::model::ErrorKind::Function {
        message = error.headline();
    }
    if let Some(frame) = error.frames.last() {
        // Python names the place of a syntax error in its message, too.
        let name = std::path::Path::new(&frame.file).file_name().unwrap_or_default().to_string_lossy();
        let said = format!(" ({name}, line {})", frame.line);
        let message_alone = message.strip_suffix(&said).unwrap_or(&message);
        message = format!("{}:{}: {message_alone}", frame.file, frame.line);
        if !frame.text.is_empty() {
            message.push_str(&format!("\n    {}", frame.text));
        }
    }
    CliError::new(exit, message)
}

fn exit_code(status: RunStatus, error: Option<&crate::model::ErrorInfo>) -> Exit {
    match status {
        RunStatus::Succeeded => Exit::Success,
        RunStatus::Mismatch => Exit::Mismatch,
        _ if bad_input(error) => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// Whether the application never began because its input does not fit its parameters.
///
/// A child's such error reaches the run as the application's own failure, of kind function.
fn bad_input(error: Option<&crate::model::ErrorInfo>) -> bool {
    error.is_some_and(|error| error.kind == crate::model::ErrorKind::Deserialization)
}

pub(super) fn report(
    context: &Context,
    store: &Store,
    history: &RunHistory,
    output: &OutputArgs,
) -> Result<(), CliError> {
    if output.events {
        return Ok(());
    }
    if output.json {
        context.out.json(&run_json(store, history)?);
        return Ok(());
    }
    context.out.note(&view::run_sentence(history, &|tone, text| context.out.paint_note(tone, text)));
    if let Some(error) = &history.error {
        context.out.note("");
        for line in view::error_lines(history, error, &context.project.root) {
            context.out.note(&line);
        }
        context.out.note("");
        let hint = if bad_input(history.error.as_ref()) {
            "give another --input".to_owned()
        } else {
            format!("`tl-bench replay {}` executes only what failed or changed", history.id.short())
        };
        context.out.note(&context.out.paint_note(Tone::Quiet, &hint));
    }
    if let Some(value) = &history.output {
        let shown = super::context::value_json(store, value, &crate::value::view::ViewLimits::default())?;
        let text = match &shown.json {
            Value::String(text) => text.clone(),
            other => serde_json::to_string_pretty(other).unwrap_or_default(),
        };
        context.out.line(&crate::base::text::lines(&text));
        if let Some(cut) = shown.cut {
            context.out.note(&context.out.paint_note(Tone::Quiet, &crate::base::text::line(&cut)));
        }
    }
    let _ = std::io::stdout().flush();
    Ok(())
}

/// The document of `run --json` and `replay --json`.
pub fn run_json(store: &Store, history: &RunHistory) -> Result<Value, CliError> {
    let ended = history.ended_at.unwrap_or(history.started_at);
    Ok(json!({
        "run": history.id,
        "app": history.app,
        "mode": history.mode,
        "parent": history.parent,
        "status": history.status,
        "output": plain_value(store, history.output.as_ref())?,
        "error": history.error,
        "counts": view::counts_json(&history.counts),
        "tokens": history.spent.tokens,
        "cost_usd": history.known_cost(),
        "saved": history.saved,
        "wall_ms": (ended - history.started_at) / 1_000,
        "notices": history.notices.iter().filter(|n| n.level != Level::Info)
            .map(|n| json!({"call": n.call, "level": n.level, "text": n.text})).collect::<Vec<_>>(),
    }))
}

/// Whether an event is one that a person wants to see at once.
pub fn is_notice(event: &Event) -> Option<(&Level, &str)> {
    match &event.kind {
        EventKind::Notice { level, text, .. } => Some((level, text)),
        _ => None,
    }
}
