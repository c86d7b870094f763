//! What the plain mode says: pure functions of the state, one line a thought, no signs that must be seen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::command::{COMMANDS, scopes};
use crate::app::find::Standing;
use crate::app::openrun::OpenRun;
use crate::app::say;
use crate::app::state::{AppState, Overlay, Pane, Screen};
use crate::base::clock::Micros;
use crate::base::ids::{CallNo, RunId};
use crate::base::text;
use crate::model::{CallStatus, RunStatus, RunSummary};
use crate::ui::glyphs::Glyphs;
use crate::ui::theme::Theme;
use crate::ui::{Look, draw};

/// Columns of what is drawn: one pane at a time.
pub(super) const WIDTH: u16 = 99;
/// More calls than this that changed at once are summed up.
const SINGLE: usize = 6;

/// What was said last.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Heard {
    run: Option<(RunId, RunStatus)>,
    statuses: Vec<CallStatus>,
    selected: CallNo,
    place: Option<(Screen, Pane, &'static str)>,
    toast: Option<String>,
    overlay: Option<&'static str>,
    found: Option<(u64, usize, bool)>,
    text: Vec<String>,
}

/// What changed since then, as lines; remembers what is said.
pub(super) fn changes(state: &AppState, heard: &mut Heard, now: Micros) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(toast) = &state.toast
        && heard.toast.as_ref() != Some(&toast.text)
    {
        out.push(toast.text.clone());
    }
    heard.toast = state.toast.as_ref().map(|toast| toast.text.clone());
    run(state, heard, &mut out, now);
    overlay(state, heard, &mut out);
    found(state, heard, &mut out);
    let tab = state.effective_tab().title();
    let at_text = state.screen == Screen::Main && state.focus == Pane::Inspector;
    let place = (state.screen, state.focus, if at_text { tab } else { "" });
    let moved = heard.place.replace(place) != Some(place);
    if moved {
        out.push(match state.screen {
            Screen::Main => match state.focus {
                Pane::Runs => "The list of runs.".to_owned(),
                Pane::Calls => "The tree of calls.".to_owned(),
                Pane::Inspector => format!("The inspector: {tab}."),
            },
            other => format!("{}.", other.title()),
        });
    }
    let selected = state.current().map_or(0, |open| open.selected);
    let other = std::mem::replace(&mut heard.selected, selected) != selected;
    if at_text {
        // The text may come later than the pane: it is said when it is here.
        let lines = document(state);
        if lines != heard.text {
            heard.text.clone_from(&lines);
            out.extend(lines);
        }
    } else {
        heard.text.clear();
        if other && let Some(open) = state.current() {
            out.push(format!("Selected: {}", call(open, selected, now)));
        }
    }
    out.into_iter().map(|line| text::line(&line)).collect()
}

fn run(state: &AppState, heard: &mut Heard, out: &mut Vec<String>, now: Micros) {
    let Some(current) = state.runs.current() else { return };
    let run = Some((current.id.clone(), current.status));
    let same = heard.run.as_ref().map(|(id, _)| id) == Some(&current.id);
    if heard.run != run {
        out.push(one_run(state, current, now));
    }
    heard.run = run;
    let Some(open) = state.current() else { return };
    let statuses: Vec<CallStatus> = open.history.calls.iter().map(|call| call.status).collect();
    if !same {
        heard.statuses.clear();
    }
    // Of a run that goes on, also what happened before it was first seen; one that is over is only looked at.
    if same || current.status == RunStatus::Running {
        let before = |at: usize| heard.statuses.get(at).copied();
        let changed: Vec<usize> = (0..statuses.len())
            .filter(|at| before(*at) != Some(statuses[*at]) && statuses[*at] != CallStatus::Pending)
            .collect();
        if changed.len() <= SINGLE {
            out.extend(changed.iter().map(|at| call(open, *at as CallNo + 1, now)));
        } else {
            let n = |status| changed.iter().filter(|at| statuses[**at] == status).count();
            let words: Vec<String> = say::TALLY_ORDER
                .into_iter()
                .filter(|status| n(*status) > 0)
                .map(|status| format!("{} {}", n(status), say::status_word(status)))
                .collect();
            out.push(format!("{} calls changed: {}.", changed.len(), words.join(", ")));
            // What went wrong is never only a number.
            let failed = changed.iter().filter(|at| statuses[**at] == CallStatus::Failed).take(SINGLE);
            out.extend(failed.map(|at| call(open, *at as CallNo + 1, now)));
        }
    }
    heard.statuses = statuses;
}

fn one_run(state: &AppState, run: &RunSummary, now: Micros) -> String {
    let replayed = state.runs.folded.parent(run);
    let parent = replayed.map(|p| format!(", replay of {}", p.short())).unwrap_or_default();
    let took = text::duration(run.ended_at.unwrap_or(now) - run.started_at);
    format!(
        "Run {} of {}{parent}: {} after {took}. {}.",
        run.id.short(),
        run.app,
        run.status.word(),
        run.counts.words()
    )
}

/// A call in one line.
pub(super) fn call(open: &OpenRun, no: CallNo, now: Micros) -> String {
    let Some(call) = open.history.call(no) else { return "no call".to_owned() };
    let tally = open.tree.tally(no);
    let status = say::shown_status(call, &tally);
    let mut out = format!("{}: {}", say::place_in_tree(&open.history, call), say::status_word(status));
    if let Some(took) = say::took(call, now).filter(|_| status.is_final()) {
        out.push_str(&format!(", {}", text::duration(took)));
    }
    if let Some(usage) = call.usage.as_ref().filter(|usage| usage.tokens() > 0) {
        out.push_str(&format!(", {} tokens", usage.tokens()));
    }
    if call.attempts > 1 {
        out.push_str(&format!(", {} attempts", call.attempts));
    }
    if !call.is_call() {
        let words: String = say::tally(&tally).into_iter().map(|(_, piece)| piece).collect();
        out.push_str(&format!("; {words}"));
    }
    if open.tree.folded(no) {
        out.push_str(", folded");
    }
    if let Some(input) = &call.input {
        out.push_str(&format!(". In: {}", say::arguments(input)));
    }
    match (&call.error, &call.output) {
        (Some(error), _) => out.push_str(&format!(". Error: {}", error.brief())),
        (None, Some(output)) => out.push_str(&format!(". Out: {}", say::preview(output))),
        (None, None) => {}
    }
    out
}

fn overlay(state: &AppState, heard: &mut Heard, out: &mut Vec<String>) {
    let words = match &state.overlay {
        None => None,
        Some(Overlay::Filter(_)) => Some("Filter: type an expression, or cancel."),
        Some(Overlay::Input(_)) => {
            Some("Input: type name=value for what differs; an empty line runs; cancel leaves.")
        }
        Some(Overlay::ChooseApp { .. }) => Some("Which application? Type its number or name, or cancel."),
        Some(Overlay::Find) => Some("Search: type words, or cancel."),
        Some(Overlay::Search { .. }) => Some("Look for which text in the inspector? cancel leaves."),
        Some(Overlay::SaveAs { .. }) => Some("Save into which file? cancel leaves."),
        Some(Overlay::Themes { .. }) => Some("Themes are for the screen: cancel leaves."),
        Some(Overlay::Commands(_)) => Some("Type help for the commands; cancel leaves."),
        #[allow(unreachable_patterns)] // Overlays that are added are left alone, not silent.
        Some(_) => Some("This asks for keys: type them, or cancel."),
    };
    if heard.overlay != words {
        out.extend(words.map(str::to_owned));
        match &state.overlay {
            Some(Overlay::Input(form)) => {
                for field in &form.fields {
                    let hint =
                        field.param.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                    out.push(format!("{}{hint} = {}", field.param.name, field.editor.value()));
                }
            }
            Some(Overlay::ChooseApp { .. }) => {
                out.extend(
                    state
                        .project
                        .applications
                        .iter()
                        .enumerate()
                        .map(|(i, app)| format!("{} {}", i + 1, app.name)),
                );
            }
            _ => {}
        }
    }
    heard.overlay = words;
}

fn found(state: &AppState, heard: &mut Heard, out: &mut Vec<String>) {
    let finder = &state.finder;
    let done = matches!(finder.standing, Standing::Done(_) | Standing::Failed(_));
    let now = Some((finder.generation, finder.hits.len(), done));
    if heard.found != now && state.screen == Screen::Search && done && !finder.stale {
        out.push(match &finder.standing {
            Standing::Failed(why) => why.clone(),
            _ => format!("Found {}.", text::count(finder.hits.len() as u64, "text")),
        });
        out.extend(list(state, 0, SINGLE));
    }
    heard.found = now;
}

/// The inspector's text.
fn document(state: &AppState) -> Vec<String> {
    state.doc.lines.iter().map(|line| line.iter().map(|(_, piece)| piece.as_str()).collect()).collect()
}

/// Rows of what is looked at, numbered from 1, from one on.
pub(super) fn list(state: &AppState, now: Micros, most: usize) -> Vec<String> {
    let numbered = |lines: Vec<String>, from: usize| {
        lines.into_iter().enumerate().map(|(i, line)| format!("{} {line}", from + i + 1)).collect::<Vec<_>>()
    };
    // The selected row is among those that are read; how many there are is said when that is not all.
    let first = |at: usize, n: usize| at.saturating_sub(most / 2).min(n.saturating_sub(most));
    let of = |mut lines: Vec<String>, from: usize, n: usize| {
        if lines.len() < n {
            lines.push(format!(
                "Rows {} to {} of {n}. A number selects a row; list reads on from there.",
                from + 1,
                from + lines.len()
            ));
        }
        lines
    };
    let lines = match (state.screen, state.focus) {
        (Screen::Search, _) => {
            let hits = state.finder.hits.iter().take(most);
            let line = |hit: &crate::app::find::FoundHit| {
                format!("{}, {}, run {}: {}", hit.path, hit.field, hit.run.short(), hit.text)
            };
            of(numbered(hits.map(line).collect(), 0), 0, state.finder.hits.len())
        }
        (Screen::Main, Pane::Runs) if state.runs.items.is_empty() => vec!["No runs yet.".to_owned()],
        (Screen::Main, Pane::Runs) => {
            let n = state.runs.items.len();
            let from = first(state.runs.selected_row(), n);
            let runs = state.runs.items.iter().skip(from).take(most);
            of(numbered(runs.map(|run| one_run(state, run, now)).collect(), from), from, n)
        }
        (Screen::Main, Pane::Calls) => {
            let Some(open) = state.current() else { return vec!["No run is open.".to_owned()] };
            let rows = open.tree.rows();
            let at = open.tree.row_of(open.selected).unwrap_or(0);
            let from = first(at, rows.len());
            let row =
                |row: &crate::app::tree::TreeRow| format!("level {}, {}", row.depth, call(open, row.no, now));
            of(numbered(rows.iter().skip(from).take(most).map(row).collect(), from), from, rows.len())
        }
        (Screen::Main, Pane::Inspector) => document(state),
        _ => drawn(state, now),
    };
    lines.into_iter().map(|line| text::line(&line)).collect()
}

/// A screen as it is drawn, without what stands above and below it; gaps become commas.
fn drawn(state: &AppState, now: Micros) -> Vec<String> {
    let (theme, glyphs) = (Theme::named("mono").0, Glyphs::Ascii);
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.0, state.size.1));
    draw(state, &Look { theme, glyphs }, now, &mut buffer);
    let body = crate::app::layout::layout(state).body;
    let mut out = Vec::new();
    for y in body.y..body.y + body.h {
        let row: String = (0..body.w).map(|x| buffer[(x, y)].symbol()).collect();
        let pieces: Vec<&str> = row.split("  ").map(str::trim).filter(|piece| !piece.is_empty()).collect();
        if !pieces.is_empty() {
            out.push(pieces.join(", "));
        }
    }
    out
}

/// The commands that can be used now, or whose name or sentence has a word.
pub(super) fn help(state: &AppState, word: &str) -> Vec<String> {
    let scopes = scopes(state);
    let mut out: Vec<String> = COMMANDS
        .iter()
        .filter(|command| scopes.contains(&command.scope) || !word.is_empty())
        .filter(|command| command.name.contains(word) || command.doc.to_lowercase().contains(word))
        .map(|command| {
            let why =
                (command.enabled)(state).err().map(|why| format!(" Not now: {why}")).unwrap_or_default();
            format!("{}: {}{why}", command.name, command.doc)
        })
        .collect();
    if word.is_empty() {
        out.push(
            "list: read what is here. A number selects that row. An empty line repeats where you are."
                .to_owned(),
        );
        out.push(
            "Names may be shortened; keys like n or g t work, too; help WORD finds commands.".to_owned(),
        );
    }
    out
}
