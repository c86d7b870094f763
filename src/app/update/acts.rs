//! What changes runs, or takes something of them elsewhere: replays, pins, deletion and its undoing, copies, files,
//! the editor, the pager.

use crate::app::attempts;
use crate::app::blast::{self, Automatic};
use crate::app::editor::Editor;
use crate::app::headless;
use crate::app::inspect::{self, shown_value};
use crate::app::msg::{Effect, Env, Judged, Payload, Purpose, Start};
use crate::app::state::{AppState, Overlay, Pane, Screen, Tab, Undo};
use crate::app::tab::{TabState, Target};
use crate::base::ids::call_id;
use crate::model::{Level, Mode, RunStatus, ValueRef, path};

use super::{commands, refuse, toast, values};

/// Replays the selected run.
pub(super) fn replay(state: &mut AppState, mode: Mode, env: &Env) -> Vec<Effect> {
    let Some(run) = state.runs.selected.clone() else { return Vec::new() };
    commands::begin(state, Start::Replay { run, mode, from: None }, env)
}

/// Replays the selected run; what was asked for from the selected call on is executed.
pub(super) fn replay_from(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(open) = state.current() else { return Vec::new() };
    let (run, from) = (open.history.id.clone(), Some(open.selected));
    commands::begin(state, Start::Replay { run, mode: Mode::Adaptive, from }, env)
}

/// Replays on each save, or no longer.
pub(super) fn auto_replay(state: &mut AppState, env: &Env) {
    state.blast.auto = state.blast.auto.next();
    toast(state, Level::Info, state.blast.auto.sentence(), env);
}

/// The judge spoke.
pub(super) fn judged(state: &mut AppState, judged: Judged, env: &Env) -> Vec<Effect> {
    if !blast::heard(state, judged) {
        return Vec::new();
    }
    let idle = state.starting == 0 && state.runs.local.is_empty();
    match blast::automatic(state, idle) {
        Automatic::Nothing => Vec::new(),
        Automatic::Replay => replay(state, Mode::Adaptive, env),
        Automatic::Refused(why) => {
            let key = commands::key(state, crate::app::command::CommandId::Replay);
            toast(state, Level::Warning, format!("{why} {key} replays."), env);
            Vec::new()
        }
    }
}

/// Keeps the selected run whatever happens, or no longer.
pub(super) fn pin(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(run) = state.runs.current() else { return Vec::new() };
    let (run, pinned) = (run.id.clone(), !run.pinned);
    state.undo.push(Undo::Pin { run: run.clone(), pinned: !pinned });
    toast(state, Level::Info, pinned_sentence(&run, pinned), env);
    set_pin(state, run, pinned)
}

fn pinned_sentence(run: &crate::base::ids::RunId, pinned: bool) -> String {
    let run = run.short();
    if pinned {
        format!("Run {run} is pinned: it cannot be deleted, and gc keeps it.")
    } else {
        format!("Run {run} is no longer pinned.")
    }
}

fn set_pin(state: &mut AppState, run: crate::base::ids::RunId, pinned: bool) -> Vec<Effect> {
    if let Some(item) = state.runs.items.iter_mut().find(|item| item.id == run) {
        item.pinned = pinned;
    }
    vec![Effect::Pin { run, pinned }]
}

/// Hides the selected run; it is deleted when the workbench is left.
pub(super) fn delete(state: &mut AppState, env: &Env) {
    let Some(run) = state.runs.selected.clone() else { return };
    let row = state.runs.selected_row();
    state.runs.delete(&run);
    let next = state.runs.items.get(row).or_else(|| state.runs.items.last());
    state.runs.selected = next.map(|run| run.id.clone());
    let key = commands::key(state, crate::app::command::CommandId::Undo);
    let sentence = format!("Run {} is deleted when you leave; {key} brings it back.", run.short());
    state.undo.push(Undo::Delete { run });
    toast(state, Level::Info, sentence, env);
}

/// Takes back what was done last.
pub(super) fn undo(state: &mut AppState, env: &Env) -> Vec<Effect> {
    match state.undo.pop() {
        Some(Undo::Pin { run, pinned }) => {
            toast(state, Level::Info, pinned_sentence(&run, pinned), env);
            set_pin(state, run, pinned)
        }
        Some(Undo::Edit { run }) => {
            let by = state.runs.items.iter().find(|item| item.parent.as_ref() == Some(&run));
            let why = match (state.runs.get(&run), by) {
                (Some(item), _) if item.status == RunStatus::Running => {
                    Some("it goes on; stop it first".to_owned())
                }
                (Some(item), _) if item.pinned => Some("it is pinned".to_owned()),
                (_, Some(by)) => Some(format!("run {} replays it; delete that first", by.id.short())),
                _ => None,
            };
            if let Some(why) = why {
                let sentence = format!("The edit that made run {} is not undone: {why}.", run.short());
                state.undo.push(Undo::Edit { run });
                toast(state, Level::Warning, sentence, env);
                return Vec::new();
            }
            let parent = state.runs.get(&run).and_then(|item| item.parent.clone());
            state.runs.selected = Some(run.clone());
            delete(state, env);
            if let Some(parent) = parent.filter(|parent| state.runs.get(parent).is_some()) {
                state.runs.selected = Some(parent);
            }
            let key = commands::key(state, crate::app::command::CommandId::Undo);
            let sentence = format!(
                "The edit is undone: its run {} is deleted when you leave; {key} brings it back.",
                run.short()
            );
            toast(state, Level::Info, sentence, env);
            Vec::new()
        }
        Some(Undo::Delete { run }) => {
            state.runs.deleted.remove(&run);
            let sentence = format!("Run {} is there again.", run.short());
            toast(state, Level::Info, sentence, env);
            state.runs.wanted = Some(run);
            super::replies::ask_runs(state)
        }
        None => Vec::new(),
    }
}

/// A run is what it is because of an edit, which can be undone with it.
pub(super) fn edited_run(state: &mut AppState, run: &crate::base::ids::RunId) {
    let known = state.undo.iter().any(|undo| matches!(undo, Undo::Edit { run: of } if of == run));
    if !known {
        state.undo.push(Undo::Edit { run: run.clone() });
    }
}

/// The value, or the text, that the inspector shows.
enum Shown {
    Value(ValueRef),
    Text(String),
}

fn shown(state: &AppState) -> Option<Shown> {
    let open = state.current()?;
    let call = open.call()?;
    let tab = state.effective_tab();
    match tab {
        Tab::Logs => {
            let whole = call.kind == crate::model::CallKind::Root;
            let lines = open.history.logs.iter().filter(|log| whole || log.call == call.no);
            let text: String = lines.map(|log| log.text.as_str()).collect();
            (!text.is_empty()).then_some(Shown::Text(text))
        }
        Tab::Attempts => attempts::plain(call).map(Shown::Text),
        tab if tab.is_loaded() => {
            let (key, _) = inspect::shown_tab(state)?;
            match &state.tabs.get(&key)?.state {
                TabState::Ready(view) => Some(Shown::Text(view.plain())),
                _ => None,
            }
        }
        tab => shown_value(state, call, tab).cloned().map(Shown::Value),
    }
}

/// Whether the tab is one that is read when it is shown, and that did not happen.
fn unread(state: &AppState) -> bool {
    if !state.effective_tab().is_loaded() {
        return false;
    }
    let held = inspect::shown_tab(state).and_then(|(key, _)| state.tabs.get(&key));
    !held.is_some_and(|held| matches!(held.state, TabState::Ready(_)))
}

fn what(state: &AppState) -> &'static str {
    state.effective_tab().words()
}

/// Takes what the inspector shows somewhere.
fn take(state: &mut AppState, purpose: Purpose, env: &Env) -> Vec<Effect> {
    match shown(state) {
        Some(Shown::Value(value)) => {
            let piece = values::selected_piece(state);
            vec![Effect::LoadBytes { value: Box::new(value), piece, purpose }]
        }
        Some(Shown::Text(text)) => {
            if let Purpose::Copy { what } = purpose {
                return copied(&what, text);
            }
            vec![purpose.effect(Payload { bytes: text.into_bytes(), extension: "txt" })]
        }
        None => {
            let what = what(state);
            let sentence = match unread(state) {
                false => format!("{what} is empty."),
                true => format!("{what} has not been read: it is when the inspector shows it."),
            };
            toast(state, Level::Info, sentence, env);
            Vec::new()
        }
    }
}

/// Copies what the inspector shows.
pub(super) fn copy_value(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let mut what = what(state).to_owned();
    if let Some(place) = values::selected_place(state) {
        what = format!("{what} at {place}");
    }
    take(state, Purpose::Copy { what }, env)
}

/// Lets another program open it.
pub(super) fn open_value(state: &mut AppState, env: &Env) -> Vec<Effect> {
    take(state, Purpose::Open { name: file_stem(state) }, env)
}

/// A file's name for what is shown, without its end.
fn file_stem(state: &AppState) -> String {
    let name =
        state.current().and_then(|open| open.call()).map(|call| call.function.clone()).unwrap_or_default();
    let safe = name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' });
    // A file's name has an end somewhere, in bytes.
    let safe: String = safe.take(40).collect();
    format!("{safe}-{}", state.effective_tab().title().to_lowercase())
}

/// Shows it in the pager.
pub(super) fn page(state: &mut AppState, env: &Env) -> Vec<Effect> {
    take(state, Purpose::Page, env)
}

/// Asks for a file to write it into.
pub(super) fn ask_file(state: &mut AppState, env: &Env) -> Vec<Effect> {
    if shown(state).is_none() {
        return take(state, Purpose::Page, env);
    }
    let end = match shown(state) {
        Some(Shown::Value(_)) => values::extension(state),
        _ => "txt",
    };
    let name = format!("{}.{end}", file_stem(state));
    state.overlay = Some(Overlay::SaveAs { editor: Editor::new(&name) });
    Vec::new()
}

/// Writes it into this file.
pub(super) fn save(state: &mut AppState, file: &str, env: &Env) -> Vec<Effect> {
    take(state, Purpose::Save { file: file.to_owned() }, env)
}

fn copied(what: &str, text: String) -> Vec<Effect> {
    vec![Effect::Copy { what: what.to_owned(), text }]
}

/// Copies the path of the selected call, or the id of the selected run in the list of runs.
pub(super) fn copy_path(state: &AppState) -> Vec<Effect> {
    let Some(open) = state.current() else { return Vec::new() };
    copied("The path", path::path(&open.history, open.selected))
}

/// Copies the selected call's id; in the list of runs the run's.
pub(super) fn copy_id(state: &AppState) -> Vec<Effect> {
    match (state.focus, state.current()) {
        (Pane::Runs, _) | (_, None) => match &state.runs.selected {
            Some(run) => copied("The run's id", run.as_str().to_owned()),
            None => Vec::new(),
        },
        (_, Some(open)) => copied("The call's id", call_id(&open.history.id, open.selected)),
    }
}

/// Copies the command line that gives what is on the screen.
pub(super) fn copy_command(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(line) = headless::command_line(state) else {
        refuse(state, "No command line gives what is on the screen.", env);
        return Vec::new();
    };
    copied("The command line", line)
}

/// A place in a source file.
type SourcePlace = (String, u32);

/// The place that `$EDITOR` should show: what the selected line stands for, else the source that is shown, else where the
/// call failed, else where it was called.
pub fn source_place(state: &AppState) -> Option<SourcePlace> {
    if state.screen == Screen::Problems {
        let problem = crate::app::problems::list(state).into_iter().nth(state.list.at)?;
        return written_place(&problem.text, &state.project.root);
    }
    if state.screen == Screen::Edits {
        let (file, line) = blast::rows(state).into_iter().nth(state.list.at)?.place?;
        let path = std::path::Path::new(&state.project.root).join(file);
        return Some((path.display().to_string(), line));
    }
    if let Some(Target::Source { file, line }) = shown_target(state) {
        return Some((file.clone(), *line));
    }
    let open = state.current()?;
    let call = open.call()?;
    // The innermost frame of the project, not of a library that it uses.
    let own = |file: &str| file.starts_with(&state.project.root) && !file.contains("site-packages");
    let frames = call.error.iter().flat_map(|error| error.frames.iter().rev());
    let failed =
        frames.into_iter().find(|frame| own(&frame.file)).map(|frame| (frame.file.clone(), frame.line));
    let called = || call.site.as_ref().map(|site| (site.file.clone(), site.line));
    let app = || {
        let app = state.project.applications.iter().find(|app| app.name == open.history.app)?;
        Some((app.file.clone(), app.line))
    };
    failed.or_else(called).or_else(app)
}

/// What the selected line stands for, where lines can be selected; for the source that is shown, its beginning.
fn shown_target(state: &AppState) -> Option<&Target> {
    if state.focus == Pane::Inspector {
        return state.doc.target(state.doc_at);
    }
    let first = state.doc.targets.first().filter(|_| state.effective_tab() == Tab::Source);
    first.map(|(_, target)| target)
}

/// The place that a sentence begins with: `app.py:3: …`.
fn written_place(sentence: &str, root: &str) -> Option<SourcePlace> {
    let mut parts = sentence.splitn(3, ':');
    let (file, line) = (parts.next()?, parts.next()?.trim().parse().ok()?);
    let path = std::path::Path::new(root).join(file);
    Some((path.display().to_string(), line))
}

/// Opens the place in `$EDITOR`.
pub(super) fn edit(state: &mut AppState, env: &Env) -> Vec<Effect> {
    match source_place(state) {
        Some((file, line)) => vec![Effect::Edit { file, line }],
        None => {
            toast(state, Level::Info, "Where this is in the source is not known.", env);
            Vec::new()
        }
    }
}
