//! When a command cannot be used, and why: a sentence for the palette, the help, and whoever pressed its key.
//!
//! Asked for every frame, so nothing here walks a tree.

use crate::app::inspect;
use crate::app::openrun::OpenRun;
use crate::app::state::{AppState, Pane, Screen, Tab};
use crate::app::tab::Target;
use crate::model::gate::{Ask, Moment, Proposed};
use crate::model::{RunStatus, RunSummary};

type Enabled = Result<(), &'static str>;

pub(super) fn always(_: &AppState) -> Enabled {
    Ok(())
}

fn selected(state: &AppState) -> Result<&RunSummary, &'static str> {
    state.runs.current().ok_or("No run is selected; run an application first.")
}

fn open(state: &AppState) -> Result<&OpenRun, &'static str> {
    state
        .current()
        .filter(|open| !open.tree.rows().is_empty())
        .ok_or("No run is open; run an application first.")
}

pub(super) fn can_run(state: &AppState) -> Enabled {
    match state.project.applications.as_slice() {
        _ if state.project.unread => Err("The project is still read."),
        [] => Err("This project has no application."),
        _ => Ok(()),
    }
}

pub(super) fn can_unfold_runs(state: &AppState) -> Enabled {
    if state.runs.all || !state.runs.folded.is_empty() {
        Ok(())
    } else {
        Err("No run was left by stepping back; all are listed.")
    }
}

pub(super) fn can_replay(state: &AppState) -> Enabled {
    let run = selected(state)?;
    match run.status {
        RunStatus::Running => Err("The run is still going; it can be replayed when it has ended."),
        _ if samples(run) => Err("The run holds samples of a call; a t takes the selected one into its run."),
        _ => Ok(()),
    }
}

fn samples(run: &RunSummary) -> bool {
    matches!(run.purpose, crate::model::Purpose::Samples { .. })
}

pub(super) fn can_fork_input(state: &AppState) -> Enabled {
    can_fork(state)?;
    match open(state)?.call() {
        Some(call) if call.input.is_some() => Ok(()),
        _ => Err("The call's arguments are not recorded."),
    }
}

pub(super) fn can_mark(state: &AppState) -> Enabled {
    match open(state)?.call() {
        Some(call) if call.is_call() && call.output.is_some() => Ok(()),
        _ => Err("The selected call gave nothing that could be taken."),
    }
}

pub(super) fn can_take(state: &AppState) -> Enabled {
    if !samples(selected(state)?) {
        return can_fork(state);
    }
    match open(state)?.call() {
        Some(call) if call.parent == 1 && call.output.is_some() => Ok(()),
        _ => Err("Select a sample that gave something."),
    }
}

pub(super) fn can_resample(state: &AppState) -> Enabled {
    if samples(selected(state)?) {
        return Err("The run holds samples of a call; sample the call itself once more.");
    }
    match open(state)?.call() {
        Some(call) if call.no == 1 => Err("The application itself is not sampled; run it again."),
        Some(call) if !call.is_call() => Err("This is an operation; select one of its items."),
        Some(call) if call.input.is_some() => Ok(()),
        _ => Err("The call's arguments are not recorded."),
    }
}

pub(super) fn can_stop(state: &AppState) -> Enabled {
    match selected(state)?.status {
        RunStatus::Running => Ok(()),
        _ => Err("The run has ended."),
    }
}

pub(super) fn has_failed(state: &AppState) -> Enabled {
    let open = open(state)?;
    let counts = &open.history.counts;
    let root = open.history.call(1).is_some_and(|call| call.error.is_some());
    if counts.failed + counts.in_doubt > 0 || root { Ok(()) } else { Err("Nothing failed in this run.") }
}

pub(super) fn has_calls(state: &AppState) -> Enabled {
    open(state).map(|_| ())
}

pub(super) fn can_open_value(state: &AppState) -> Enabled {
    let open = open(state)?;
    match (state.effective_tab(), open.call()) {
        (Tab::Output, Some(call)) if inspect::shown_value(state, call, Tab::Output).is_none() => {
            Err("The selected call has no output that could be opened.")
        }
        (Tab::Input, Some(call)) if call.input.is_none() => Err("The call's arguments are not recorded."),
        _ => Ok(()),
    }
}

pub(super) fn can_fold(state: &AppState) -> Enabled {
    let open = open(state)?;
    if open.tree.foldable(open.selected) { Ok(()) } else { Err("Nothing lies below this call.") }
}

pub(super) fn can_open(state: &AppState) -> Enabled {
    match state.focus {
        Pane::Runs => selected(state).map(|_| ()),
        Pane::Inspector if state.size.0 < crate::app::layout::TWO => {
            Err("The window has room for one pane only.")
        }
        Pane::Calls | Pane::Inspector => has_calls(state),
    }
}

pub(super) fn has_problems(state: &AppState) -> Enabled {
    if state.screen == Screen::Problems && crate::app::problems::list(state).is_empty() {
        Err("There is no problem.")
    } else {
        Ok(())
    }
}

pub(super) fn has_found(state: &AppState) -> Enabled {
    if state.finder.hits.is_empty() { Err("Nothing was found yet.") } else { Ok(()) }
}

pub(super) fn has_pair(state: &AppState) -> Enabled {
    match state.compare.ready() {
        Some(_) => Ok(()),
        None => Err("There is no comparison yet."),
    }
}

pub(super) fn has_ignored(state: &AppState) -> Enabled {
    match state.compare.ignored.is_empty() {
        true => Err("Nothing is ignored in this view: i on a line of the text does that."),
        false => Ok(()),
    }
}

pub(super) fn is_zoomed(state: &AppState) -> Enabled {
    if state.timeline.span.is_none() { Err("The whole run is shown.") } else { Ok(()) }
}

pub(super) fn has_edits(state: &AppState) -> Enabled {
    if crate::app::blast::shown(state).is_none() { Err("No edit touches this run.") } else { Ok(()) }
}

pub(super) fn has_run(state: &AppState) -> Enabled {
    selected(state).map(|_| ())
}

pub(super) fn can_delete(state: &AppState) -> Enabled {
    let run = selected(state)?;
    match run.status {
        RunStatus::Running => Err("The run is still going; it can be deleted when it has ended."),
        _ if run.pinned => Err("The run is pinned; a pinned run is not deleted until it is unpinned."),
        _ => Ok(()),
    }
}

pub(super) fn can_undo(state: &AppState) -> Enabled {
    if state.undo.is_empty() { Err("Nothing was deleted, pinned or edited.") } else { Ok(()) }
}

pub(super) fn has_source(state: &AppState) -> Enabled {
    match state.current() {
        Some(_) => Ok(()),
        None if state.screen == Screen::Problems && has_problems(state).is_ok() => Ok(()),
        None => Err("No run is open; run an application first."),
    }
}

pub(super) fn has_places(state: &AppState) -> Enabled {
    if state.doc.places.is_empty() { Err("Nothing here can be unfolded.") } else { Ok(()) }
}

pub(super) fn has_diff(state: &AppState) -> Enabled {
    match state.effective_tab() {
        Tab::Diff => Ok(()),
        _ => Err("The tab Diff has two sides."),
    }
}

pub(super) fn has_target(state: &AppState) -> Enabled {
    match state.doc.target(state.doc_at) {
        Some(Target::Source { .. } | Target::Call { .. }) => Ok(()),
        Some(Target::Value { .. } | Target::Ignored { .. }) | None => {
            Err("The selected line stands for nothing elsewhere.")
        }
    }
}

pub(super) fn has_search(state: &AppState) -> Enabled {
    if state.search.text.is_empty() { Err("Nothing was looked for.") } else { Ok(()) }
}

pub(super) fn has_filter(state: &AppState) -> Enabled {
    if state.filter.is_empty() { Err("There is no filter.") } else { Ok(()) }
}

pub(super) fn is_stacked(state: &AppState) -> Enabled {
    match crate::app::layout::layout(state).stack_rule {
        Some(_) => Ok(()),
        None => Err("The runs do not stand above the calls."),
    }
}

pub(super) fn has_panes(state: &AppState) -> Enabled {
    if state.size.0 < crate::app::layout::TWO {
        Err("The window has room for one pane only.")
    } else {
        Ok(())
    }
}

fn asked(state: &AppState) -> Result<&Ask, &'static str> {
    state.asked().ok_or("Nothing waits at the gate.")
}

pub(super) fn is_stepped(state: &AppState) -> Enabled {
    state.gate().map(|_| ()).ok_or("The run is not stepped through.")
}

pub(super) fn is_asked(state: &AppState) -> Enabled {
    asked(state).map(|_| ())
}

pub(super) fn is_before(state: &AppState) -> Enabled {
    match asked(state)?.moment {
        Moment::Before => Ok(()),
        Moment::After => Err("Its body has ended; retry executes it once more."),
    }
}

pub(super) fn is_after(state: &AppState) -> Enabled {
    match asked(state)?.moment {
        Moment::After => Ok(()),
        Moment::Before => Err("Its body has not run yet."),
    }
}

pub(super) fn can_execute(state: &AppState) -> Enabled {
    is_before(state)?;
    match asked(state)?.proposed {
        Proposed::Execute { .. } => Err("It would execute as it is."),
        _ => Ok(()),
    }
}

pub(super) fn can_keep(state: &AppState) -> Enabled {
    is_before(state)?;
    match asked(state)? {
        Ask { proposed: Proposed::Execute { .. }, effect: true, .. } => Ok(()),
        _ => Err("No effect would be repeated."),
    }
}

pub(super) fn can_step_back(state: &AppState) -> Enabled {
    let ask = asked(state)?;
    if ask.call == 1 && ask.moment == Moment::Before { Err("This is the beginning.") } else { Ok(()) }
}

pub(super) fn can_pause(state: &AppState) -> Enabled {
    is_stepped(state)?;
    if state.is_paused() { Err("The run stands still already; the keys below let it go on.") } else { Ok(()) }
}

pub(super) fn can_step_here(state: &AppState) -> Enabled {
    can_replay(state)?;
    match open(state)?.call() {
        Some(call) if call.is_call() => Ok(()),
        _ => Err("This is an operation; select one of its items."),
    }
}

pub(super) fn can_fork(state: &AppState) -> Enabled {
    can_replay(state)?;
    match open(state)?.call() {
        Some(call) if call.no == 1 => {
            Err("The application's own output is what comes of its calls; select one of them.")
        }
        Some(call) if !call.is_call() => Err("This is an operation; select one of its items."),
        Some(call) if call.output.is_none() && !call.status.is_final() => Err("The call has not ended."),
        _ => Ok(()),
    }
}

pub(super) fn can_go_back_in_time(state: &AppState) -> Enabled {
    let run = selected(state)?;
    open(state)?;
    if run.status == RunStatus::Running {
        Err("The run goes on; its events are shown when it has ended.")
    } else {
        Ok(())
    }
}

pub(super) fn is_as_of(state: &AppState) -> Enabled {
    state.time_line().map(|_| ()).ok_or("The run is shown as it is.")
}
