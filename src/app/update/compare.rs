//! The screen Diff: going about in the merged tree and in what differs inside a pair.

use std::sync::Arc;

use crate::app::compare::{Asked, Comparison, Held, How, PairView, Part, Places, Shown, places};
use crate::app::inspect::Page;
use crate::app::layout::{self, scroll_to};
use crate::app::msg::{Effect, Env};
use crate::app::state::{AppState, ListAt, Pane, Screen};
use crate::app::tablines;
use crate::app::tone::Tone;
use crate::model::Level;

use super::{screens, toast};

/// From this width on both sides stand beside each other by themselves.
const SPLIT: u16 = 100;

fn here(state: &AppState) -> Places {
    layout::layout(state).screen.map(|area| places(state, area)).unwrap_or_default()
}

/// Marks the selected run as the one that others are compared with; the same again takes it back.
pub(super) fn mark(state: &mut AppState, env: &Env) {
    let Some(run) = state.runs.selected.clone() else { return };
    let sentence = if state.compare.marked.as_ref() == Some(&run) {
        state.compare.marked = None;
        "Runs are compared with those that they replay.".to_owned()
    } else {
        let key = super::commands::key(state, crate::app::command::CommandId::GoDiff);
        let sentence = format!("Run {} is marked: select another one, {key} compares them.", run.short());
        state.compare.marked = Some(run);
        sentence
    };
    toast(state, Level::Info, sentence, env);
}

/// Moves the selection, or the text when that is read.
pub(super) fn step(state: &mut AppState, by: isize) {
    if state.compare.reads {
        let last = state.compare.lines.len().saturating_sub(1);
        state.compare.at = state.compare.at.saturating_add_signed(by).min(last);
        return;
    }
    let last = state.compare.visible.len().saturating_sub(1);
    state.list.at = state.list.at.saturating_add_signed(by).min(last);
    select_here(state);
}

/// Rows of a page.
pub(super) fn page_rows(state: &AppState) -> usize {
    let places = here(state);
    let area = if state.compare.reads { places.text } else { places.rows };
    area.map_or(1, |area| usize::from(area.h))
}

fn select_here(state: &mut AppState) {
    if let Some(row) = state.compare.row(state.list.at) {
        state.compare.selected = Some(row.pair);
    }
}

/// Goes to the next or the previous difference.
pub(super) fn next(state: &mut AppState, forward: bool, env: &Env) {
    match state.compare.next(state.list.at, forward) {
        Some(at) => {
            state.list.at = at;
            state.compare.reads = false;
            select_here(state);
        }
        None => {
            let sentence =
                if forward { "That was the last difference." } else { "That was the first difference." };
            toast(state, Level::Info, sentence, env);
        }
    }
}

/// Goes to where the runs part.
pub(super) fn first(state: &mut AppState, env: &Env) {
    let found = state.compare.ready().and_then(|found| Some(found.rows.get(found.first?)?.pair));
    let Some(pair) = found else {
        toast(state, Level::Info, "Nothing differs.", env);
        return;
    };
    if state.compare.place_of(pair).is_none() {
        show(state, Shown::Changed);
    }
    state.compare.reads = false;
    state.compare.selected = Some(pair);
    state.list.at = state.compare.place_of(pair).unwrap_or(0);
}

/// Shows these rows; the same again shows what differs.
pub(super) fn show(state: &mut AppState, shown: Shown) {
    let now = if state.compare.shown == shown { Shown::Changed } else { shown };
    state.compare.shown = now;
    state.compare.filter();
    state.list.at = state.compare.selected.and_then(|pair| state.compare.place_of(pair)).unwrap_or(0);
    select_here(state);
}

/// Gives the keys to the text, or back to the tree.
pub(super) fn other_pane(state: &mut AppState) {
    state.compare.reads = !state.compare.reads;
}

/// Shows both sides beside each other, or below each other.
pub(super) fn sides(state: &mut AppState) {
    let width = here(state).text.map_or(0, |area| area.w);
    state.side_by_side = Some(!splits(state, width));
}

fn splits(state: &AppState, width: u16) -> bool {
    state.side_by_side.unwrap_or(width >= SPLIT)
}

/// Copies what differs inside the selected pair as a patch.
pub(super) fn copy(state: &mut AppState, env: &Env) -> Vec<Effect> {
    match &state.compare.inside {
        Held::Ready(inside) if !inside.patch.is_empty() => {
            let what = match inside.unpatched.join("; ") {
                why if why.is_empty() => "The patch".to_owned(),
                why => format!("The patch ({why})"),
            };
            vec![Effect::Copy { what, text: inside.patch.clone() }]
        }
        Held::Ready(inside) if !inside.unpatched.is_empty() => {
            let why = inside.unpatched.join("; ");
            toast(state, Level::Warning, format!("Nothing copied: {why}."), env);
            Vec::new()
        }
        _ => {
            toast(state, Level::Info, "Nothing differs in the values of this call.", env);
            Vec::new()
        }
    }
}

/// Goes to the selected call in its run; one that was removed is in the first run.
pub(super) fn open(state: &mut AppState) {
    let Some(found) = state.compare.ready().cloned() else { return };
    let (run, no) = match state.compare.selected {
        Some((_, Some(no))) => (found.b.clone(), no),
        Some((Some(no), None)) => (found.a.clone(), no),
        _ => return,
    };
    screens::unhide(state, &run, no);
    state.runs.selected = Some(run.clone());
    if state.open.contains_key(&run) {
        screens::go_to(state, no);
    } else {
        state.wanted_call = Some((run, no));
        state.screen = Screen::Main;
        state.focus = Pane::Calls;
    }
}

/// Selects what was clicked.
pub(super) fn click(state: &mut AppState, x: u16, y: u16) {
    let places = here(state);
    if let Some(area) = places.rows.filter(|area| area.holds(x, y)) {
        state.compare.reads = false;
        let last = state.compare.visible.len().saturating_sub(1);
        state.list.at = (state.list.top + usize::from(y - area.y)).min(last);
        select_here(state);
    } else if let Some(area) = places.text.filter(|area| area.holds(x, y)) {
        state.compare.reads = true;
        let last = state.compare.lines.len().saturating_sub(1);
        state.compare.at = (state.compare.top + usize::from(y - area.y)).min(last);
    } else if let Some(area) = places.causes.filter(|area| area.holds(x, y)) {
        let at = usize::from(y - area.y);
        let pair = state.compare.ready().and_then(|found| {
            let cause = found.causes.get(at)?;
            Some(found.rows.get(cause.row)?.pair)
        });
        if let Some(at) = pair.and_then(|pair| state.compare.place_of(pair)) {
            state.list.at = at;
            select_here(state);
        }
    }
}

/// What must be asked for.
pub(super) fn wanted(state: &mut AppState) -> Vec<Effect> {
    if state.screen != Screen::Diff {
        return Vec::new();
    }
    let Some(b) = state.runs.selected.clone() else { return Vec::new() };
    let a = state.compare.marked.clone().filter(|marked| *marked != b);
    let status = state.runs.get(&b).map(|run| run.status);
    let ignore = state.compare.ignore();
    let how = How { ignore: ignore.clone(), thorough: false };
    let asked = Some((a.clone(), b.clone(), status, ignore));
    if state.compare.asked != asked {
        let generation = state.next_generation();
        let compare = &mut state.compare;
        // Where the reader is in the text stays, when only what counts is another question.
        let runs = |asked: &Option<Asked>| asked.as_ref().map(|asked| (asked.0.clone(), asked.1.clone()));
        if runs(&compare.asked) != runs(&asked) {
            compare.lines.clear();
            compare.key = None;
        }
        (compare.asked, compare.generation) = (asked, generation);
        compare.held = Held::Loading;
        compare.visible.clear();
        (compare.pair, compare.inside) = (None, Held::Nothing);
        return vec![Effect::Compare { a, b, how, generation }];
    }
    let Some(found) = state.compare.ready().cloned() else { return Vec::new() };
    let Some(pair) = state.compare.selected.filter(|pair| state.compare.pair != Some(*pair)) else {
        return refine(state, &found, how);
    };
    // One question at a time: whoever runs through a thousand rows asks about the one where they stop.
    if state.compare.inside == Held::Loading {
        return Vec::new();
    }
    let generation = state.next_generation();
    state.compare.pair = Some(pair);
    state.compare.pair_generation = generation;
    (state.compare.inside, state.compare.refines) = (Held::Loading, false);
    vec![Effect::ComparePair { a: found.a.clone(), b: found.b.clone(), pair, how, generation }]
}

/// Large values were looked at until something differed; what is shown stays until the rest is here.
fn refine(state: &mut AppState, found: &Comparison, how: How) -> Vec<Effect> {
    let rough = matches!(&state.compare.inside, Held::Ready(inside) if inside.rough);
    let Some(pair) = state.compare.pair.filter(|_| rough && !state.compare.refines) else {
        return Vec::new();
    };
    let generation = state.next_generation();
    (state.compare.pair_generation, state.compare.refines) = (generation, true);
    let how = How { thorough: true, ..how };
    vec![Effect::ComparePair { a: found.a.clone(), b: found.b.clone(), pair, how, generation }]
}

/// Takes the comparison; the first cause is selected.
pub(super) fn answered(state: &mut AppState, generation: u64, result: Result<Comparison, String>) {
    if state.compare.generation != generation {
        return;
    }
    state.compare.held = match result {
        Ok(found) => Held::Ready(Arc::new(found)),
        Err(why) => Held::Failed(why),
    };
    state.compare.filter();
    let Some(found) = state.compare.ready().cloned() else { return };
    let known = state.compare.selected.filter(|pair| found.rows.iter().any(|row| row.pair == *pair));
    let cause = || found.rows.iter().find(|row| row.part == Part::Cause);
    let first = || found.rows.iter().find(|row| row.is_different());
    state.compare.selected =
        known.or_else(|| cause().or_else(first).or(found.rows.first()).map(|row| row.pair));
    state.list = ListAt::default();
    state.list.at = state.compare.selected.and_then(|pair| state.compare.place_of(pair)).unwrap_or(0);
}

/// Takes what differs inside a pair.
pub(super) fn inside(state: &mut AppState, generation: u64, result: Result<PairView, String>) {
    if state.compare.pair_generation != generation {
        return;
    }
    state.compare.refines = false;
    if let (Ok(view), Some(found)) = (&result, state.compare.ready())
        && view.ignores != found.ignores
    {
        // Somebody changed the project's file: the tree is of what counted before.
        state.compare.ask_anew();
    }
    state.compare.inside = match result {
        Ok(view) => Held::Ready(Arc::new(view)),
        Err(why) => Held::Failed(why),
    };
}

/// Nobody will answer what is open.
pub(super) fn broken(state: &mut AppState) {
    let why = || "Comparing them broke; the log has more.".to_owned();
    if state.compare.held == Held::Loading {
        state.compare.held = Held::Failed(why());
    }
    if state.compare.inside == Held::Loading {
        state.compare.inside = Held::Failed(why());
    }
}

/// Scrolls, and lays the text out.
pub(super) fn settle(state: &mut AppState) {
    let places = here(state);
    let rows = state.compare.visible.len();
    state.list.at = state.list.at.min(rows.saturating_sub(1));
    if let Some(area) = places.rows {
        state.list.top = scroll_to(state.list.top, state.list.at, rows, usize::from(area.h));
    }
    let Some(area) = places.text else { return };
    let split = splits(state, area.w);
    let pair = state.compare.pair.unwrap_or_default();
    let answer = match &state.compare.inside {
        // While it is looked at to its end, what is shown is still the answer before.
        Held::Ready(_) | Held::Failed(_) => {
            state.compare.pair_generation * 2 + u64::from(state.compare.refines)
        }
        _ => 0,
    };
    let key = Some((pair, area.w, split, state.compare.cut, answer));
    // What was read before stays until the answer comes.
    let waits = matches!(state.compare.inside, Held::Loading | Held::Nothing)
        && !matches!(state.compare.held, Held::Failed(_))
        && !state.compare.lines.is_empty();
    if state.compare.key != key && !waits {
        if state.compare.key.as_ref().map(|key| key.0) != Some(pair) {
            (state.compare.top, state.compare.at) = (0, 0);
        }
        let page = text(state, area.w, split);
        (state.compare.lines, state.compare.targets) = (page.lines, page.targets);
        state.compare.key = key;
    }
    let (rows, height) = (state.compare.lines.len(), usize::from(area.h).max(1));
    state.compare.at = state.compare.at.min(rows.saturating_sub(1));
    state.compare.top = scroll_to(state.compare.top, state.compare.at, rows, height);
}

fn text(state: &AppState, width: u16, split: bool) -> Page {
    let mut page = Page::new(usize::from(width).max(1));
    page.cut = state.compare.cut;
    match &state.compare.inside {
        Held::Ready(inside) => tablines::lay_out(&mut page, &inside.view, split),
        Held::Failed(why) => page.wrap(Tone::Warning, "", why),
        Held::Loading => page.wrap(Tone::Faint, "", "Reading …"),
        Held::Nothing => {}
    }
    page
}
