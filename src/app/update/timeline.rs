//! The timeline screen: going from bar to bar, zooming and panning.

use crate::app::layout::{self, scroll_to};
use crate::app::msg::Env;
use crate::app::state::AppState;
use crate::app::timeline::{self, Chart};
use crate::base::clock::Micros;
use crate::base::ids::CallNo;

use super::screens;

/// Makes the chart when there is none, and brings the selected bar into view when the selection moved.
pub(super) fn settle(state: &mut AppState, env: &Env) {
    let area = layout::layout(state).screen.unwrap_or_default();
    let places = timeline::places(area);
    let selected = state.runs.selected.clone();
    if state.timeline.run != selected {
        state.timeline = timeline::View { run: selected, ..timeline::View::default() };
        state.list = Default::default();
    }
    let view = &mut state.timeline;
    let Some(open) = state.runs.selected.as_ref().and_then(|run| state.open.get_mut(run)) else { return };
    if open.follow {
        open.selected = open.newest;
    }
    let chart = open.chart.get_or_insert_with(|| Box::new(Chart::of(&open.history)));
    chart.settle(&open.history, env.now);
    let rows = chart.lanes.rows().len();
    let height = usize::from(places.bars.h);
    if view.shown == open.selected {
        state.list.top = state.list.top.min(rows.saturating_sub(height));
        return;
    }
    view.shown = open.selected;
    let (Some(bar), Some((lane, _))) = (chart.lanes.bar(open.selected), chart.lanes.place(open.selected))
    else {
        return;
    };
    let row = timeline::row_of(&chart.lanes, lane);
    state.list.top = scroll_to(state.list.top, row, rows, height);
    let start = open.history.started_at;
    let to = bar.to.min(env.now.max(bar.from));
    view.show(timeline::length(&open.history, env.now), bar.from - start, to - start);
}

fn select(state: &mut AppState, no: Option<CallNo>) {
    if let (Some(open), Some(no)) = (state.current_mut(), no) {
        open.follow = false;
        open.selected = no;
    }
}

/// Goes so many lanes up or down, to the bar nearest in time.
pub(super) fn lane(state: &mut AppState, by: isize) {
    let top = state.list.top;
    let Some(open) = state.current() else { return };
    let Some(chart) = &open.chart else { return };
    let rows = chart.lanes.rows();
    let at = match (chart.lanes.place(open.selected), chart.lanes.bar(open.selected)) {
        (Some((lane, _)), Some(bar)) => {
            let row = timeline::row_of(&chart.lanes, lane);
            (row.saturating_add_signed(by), timeline::middle(bar))
        }
        // What is selected has no bar: the first that is seen.
        _ => (top, open.history.started_at),
    };
    let row = at.0.min(rows.len().saturating_sub(1));
    let lane = rows.get(row).and_then(|lane| chart.lanes.lanes.get(*lane as usize));
    let no = lane.and_then(|lane| timeline::nearest(&lane.bars, at.1));
    select(state, no);
}

/// Goes to the bar before or after in the lane.
pub(super) fn along(state: &mut AppState, later: bool) {
    let Some(open) = state.current() else { return };
    let Some(chart) = &open.chart else { return };
    let Some((lane, at)) = chart.lanes.place(open.selected) else {
        self::lane(state, 0);
        return;
    };
    let next = if later { at.checked_add(1) } else { at.checked_sub(1) };
    let bars = chart.lanes.lanes.get(lane as usize).map(|lane| lane.bars.as_slice()).unwrap_or_default();
    let no = next.and_then(|at| bars.get(at as usize)).map(|bar| bar.no);
    select(state, no);
}

/// Goes to the call before or after on the critical path.
pub(super) fn critical(state: &mut AppState, later: bool) {
    let Some(open) = state.current() else { return };
    let Some(chart) = &open.chart else { return };
    let mut calls: Vec<(Micros, CallNo)> = chart
        .path
        .iter()
        .filter(|segment| segment.no > 1)
        .map(|segment| (segment.from, segment.no))
        .collect();
    // A caller's stretches stand around those of what it called: it is met once, at its beginning.
    let mut seen = std::collections::HashSet::new();
    calls.retain(|(_, no)| seen.insert(*no));
    let here = calls.iter().position(|(_, no)| *no == open.selected);
    let middle = chart.lanes.bar(open.selected).map_or(0, timeline::middle);
    let next = match (here, later) {
        (Some(at), true) => at + 1,
        (Some(at), false) => at.wrapping_sub(1),
        (None, true) => calls.partition_point(|(from, _)| *from < middle),
        (None, false) => calls.partition_point(|(from, _)| *from < middle).wrapping_sub(1),
    };
    let around = if later { calls.first() } else { calls.last() };
    let no = calls.get(next).or(around).map(|(_, no)| *no);
    select(state, no);
}

/// Shows a shorter or longer part of the run, about the selected bar when it is seen.
pub(super) fn zoom(state: &mut AppState, closer: bool, env: &Env) {
    let Some((length, about)) = about(state, env) else { return };
    state.timeline.zoom(length, about, closer);
}

fn about(state: &AppState, env: &Env) -> Option<(Micros, Micros)> {
    let open = state.current()?;
    let length = timeline::length(&open.history, env.now);
    let (from, to) = state.timeline.window(length);
    let bar = open.chart.as_ref().and_then(|chart| chart.lanes.bar(open.selected));
    let middle = bar.map(|bar| timeline::middle(bar) - open.history.started_at);
    let seen = middle.filter(|at| (from..=to).contains(at));
    Some((length, seen.unwrap_or((from + to) / 2)))
}

/// Shows an earlier or later part.
pub(super) fn pan(state: &mut AppState, later: bool, env: &Env) {
    let Some(open) = state.current() else { return };
    let length = timeline::length(&open.history, env.now);
    state.timeline.pan(length, later);
}

/// Shows the whole run.
pub(super) fn whole(state: &mut AppState) {
    state.timeline.span = None;
    state.timeline.from = 0;
}

/// Goes to the selected call in the tree.
pub(super) fn open(state: &mut AppState) {
    if let Some(no) = state.current().map(|open| open.selected) {
        screens::go_to(state, no);
    }
}

/// Selects the bar under the mouse; again: goes to its call.
pub(super) fn click(state: &mut AppState, x: u16, y: u16, now: Micros) {
    let Some(area) = layout::layout(state).screen else { return };
    let places = timeline::places(area);
    let Some(open) = state.current() else { return };
    let Some(chart) = &open.chart else { return };
    if !places.bars.holds(x, y) {
        return;
    }
    let row = state.list.top + usize::from(y - places.bars.y);
    let length = timeline::length(&open.history, now);
    let (from, to) = state.timeline.window(length);
    let column = i64::from(x - places.bars.x) * 2 + 1;
    let at = from + (to - from) * column / (i64::from(places.bars.w) * 2).max(1);
    let lane = chart.lanes.rows().get(row).and_then(|lane| chart.lanes.lanes.get(*lane as usize));
    let no = lane.and_then(|lane| timeline::nearest(&lane.bars, open.history.started_at + at));
    if no == Some(open.selected) {
        self::open(state);
    } else {
        select(state, no);
    }
}
