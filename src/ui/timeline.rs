//! The timeline: a Gantt chart of the open run.
//!
//! ```text
//!  Timeline  41.0 s   critical path call_llm 31.0 s, search_web 7.2 s   at once 3 at most, 1.2 on average
//!                 0 s       10 s      20 s      30 s      40 s
//!      executing  ▁▁▂▂▂▂█▂▂▂▂▁▁▁▁▂▂▂▂▂▂▂▂▂▂▂▂▂▂▁▁
//!        waiting      ▁▁▁▂▂
//!  research_agent ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  call_llm     3 ███ ┄███▚▚┄███      ███████████✗
//!  search_web   2    ▄▄▄
//! ```
//!
//! High bars are on the critical path, low ones are not, lines are callers and operations. What a lane shows before a
//! bar is how long its call waited, as far back as the lane was free.

use crate::app::AppState;
use crate::app::layout::Area;
use crate::app::openrun::OpenRun;
use crate::app::say;
use crate::app::timeline::{self, Chart, Places};
use crate::app::tone::{Line, Tone};
use crate::base::clock::Micros;
use crate::base::text;
use crate::model::timeline::{Bar, OPEN, attempts};
use crate::model::{CallKind, CallStatus};

use super::cells::Canvas;
use super::glyphs::Glyphs;

/// A sign of a bar, and how much it matters beside others in the same cell.
#[derive(Clone, Copy)]
struct Cell {
    sign: &'static str,
    tone: Tone,
    rank: u8,
}

/// From this many columns on the signs are explained.
const LEGEND: u16 = timeline::LEGEND;

/// Draws the screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState, now: Micros) {
    let x = canvas.text(area, 1, 0, Tone::Focus, "Timeline");
    let Some(open) = state.current() else {
        canvas.text(area, 1, 2, Tone::Quiet, "No run is open.");
        return;
    };
    // Made when the state settles; a frame before that has nothing to show.
    let Some(chart) = &open.chart else { return };
    canvas.pieces(area, x + 2, 0, &timeline::summary(open, chart, now));
    let places = timeline::places(area);
    let length = timeline::length(&open.history, now);
    let (from, to) = state.timeline.window(length);
    let start = open.history.started_at;
    let scale = Scale { from: start + from, to: start + to, columns: places.bars.w };
    axis(canvas, &places, (from, to), (state.list.top, chart.lanes.rows().len()));
    if let Some(load) = places.load {
        steps(canvas, load, &places, chart, &scale);
    }
    for y in 0..places.bars.h {
        lane(canvas, &places, y, state.list.top + usize::from(y), open, chart, &scale, now);
    }
    if let Some(area) = places.detail {
        let mut end = 0;
        if let Some(call) = open.call() {
            end = canvas.pieces(area, 1, 0, &timeline::detail(open, chart, call, now));
        }
        let legend = legend(canvas.look.glyphs);
        let width: usize = legend.iter().map(|(_, piece)| text::width(piece)).sum();
        let x = area.w.saturating_sub(width as u16 + 1);
        if area.h > 1 {
            canvas.pieces(area, 1, 1, &legend);
        } else if area.w >= LEGEND && x > end + 2 {
            canvas.pieces(area, x, 0, &legend);
        }
    }
}

fn legend(glyphs: Glyphs) -> Line {
    let words = [
        (Signs::of(glyphs).critical, "critical path"),
        (Signs::of(glyphs).other, "other"),
        (Signs::of(glyphs).caller, "caller"),
        (glyphs.pick("◇", "="), "served"),
        (Signs::of(glyphs).retried, "failed attempt"),
        (Signs::of(glyphs).waits, "waits"),
    ];
    words.into_iter().map(|(sign, word)| (Tone::Faint, format!("{sign} {word}  "))).collect()
}

struct Signs {
    critical: &'static str,
    other: &'static str,
    caller: &'static str,
    waits: &'static str,
    retried: &'static str,
}

impl Signs {
    fn of(glyphs: Glyphs) -> Signs {
        Signs {
            critical: glyphs.pick("█", "#"),
            other: glyphs.pick("▄", ":"),
            caller: glyphs.pick("━", "-"),
            waits: glyphs.pick("┄", "."),
            retried: glyphs.pick("▚", "%"),
        }
    }
}

/// From instants to columns.
struct Scale {
    from: Micros,
    to: Micros,
    columns: u16,
}

impl Scale {
    /// The column of an instant, which may lie outside.
    fn column(&self, at: Micros) -> i64 {
        let (span, past) = ((self.to - self.from).max(1), at.saturating_sub(self.from));
        match past.checked_mul(i64::from(self.columns)) {
            Some(parts) => parts.div_euclid(span),
            None => {
                let parts = i128::from(past) * i128::from(self.columns);
                i64::try_from(parts.div_euclid(i128::from(span))).unwrap_or(i64::MAX)
            }
        }
    }

    /// The first instant in a column, and the first after it.
    fn bounds(&self, column: u16) -> (Micros, Micros) {
        let span = i128::from((self.to - self.from).max(1));
        let edge = |column: i128| {
            let past = -((-column * span).div_euclid(i128::from(self.columns.max(1))));
            self.from.saturating_add(Micros::try_from(past).unwrap_or(Micros::MAX))
        };
        (edge(i128::from(column)), edge(i128::from(column) + 1))
    }

    /// The columns of a stretch that are seen: never none for one that touches what is seen.
    fn stretch(&self, from: Micros, to: Micros) -> Option<(u16, u16)> {
        if to < self.from || from > self.to || self.columns == 0 {
            return None;
        }
        let last = i64::from(self.columns) - 1;
        let first = self.column(from).clamp(0, last);
        // What ends where a column begins is not in it.
        let end = self.column((to - 1).max(from)).clamp(first, last);
        Some((first as u16, end as u16))
    }

    /// The instant at the left edge of a column.
    fn instant(&self, column: u16) -> Micros {
        let span = i128::from(self.to - self.from);
        let at = span * i128::from(column) / i128::from(self.columns.max(1));
        self.from + Micros::try_from(at).unwrap_or(0)
    }
}

fn axis(
    canvas: &mut Canvas<'_>,
    places: &Places,
    (from, to): (Micros, Micros),
    (top, lanes): (usize, usize),
) {
    let area = places.axis;
    let below = lanes.saturating_sub(top + usize::from(places.bars.h));
    if below > 0 {
        let names = Area { y: area.y, h: area.h, ..places.names };
        canvas.text(names, 1, 0, Tone::Faint, &format!("{} below", text::count(below as u64, "lane")));
    }
    if area.h == 0 {
        return;
    }
    let (step, at) = timeline::ticks(from, to, area.w);
    let scale = Scale { from, to, columns: area.w };
    for tick in at {
        if let Some((x, _)) = scale.stretch(tick, tick) {
            let words = timeline::instant(tick, step);
            if usize::from(area.w - x) >= text::width(&words) {
                canvas.text(area, x, 0, Tone::Faint, &words);
            }
        }
    }
}

/// The most that executed and waited in each column, as two rows of small bars.
fn steps(canvas: &mut Canvas<'_>, area: Area, places: &Places, chart: &Chart, scale: &Scale) {
    let all = &chart.lanes.steps;
    let first = all.partition_point(|step| step.at <= scale.from).saturating_sub(1);
    let mut at = first;
    let here = all.get(first).filter(|step| step.at <= scale.from);
    let mut value = here.map_or((0, 0), |step| (step.executing, step.waiting));
    let most_in = |column| {
        let end = scale.instant(column + 1);
        let (mut executing, mut waiting) = value;
        while let Some(step) = all.get(at).filter(|step| step.at < end) {
            value = (step.executing, step.waiting);
            (executing, waiting) = (executing.max(step.executing), waiting.max(step.waiting));
            at += 1;
        }
        (executing, waiting)
    };
    let (executing, waiting): (Vec<u32>, Vec<u32>) = (0..scale.columns).map(most_in).unzip();
    let names = Area { x: places.names.x, w: places.names.w, y: area.y, h: area.h };
    let rows: [(&str, u32, Vec<u32>, Tone); 2] = [
        ("executing", chart.lanes.most, executing, Tone::Text),
        ("waiting", chart.lanes.most_waiting(), waiting, Tone::Quiet),
    ];
    for (y, (name, most, columns, tone)) in (0..).zip(rows) {
        canvas.right(names, names.w - 1, y, names.w - 1, Tone::Faint, &format!("{name} {most}"));
        for (x, n) in (0..).zip(columns) {
            if n > 0 {
                canvas.sign(area, x, y, tone, canvas.look.glyphs.height(n, most));
            }
        }
    }
}

#[allow(clippy::too_many_arguments)] // One row needs all of it, and a struct would only rename them.
fn lane(
    canvas: &mut Canvas<'_>,
    places: &Places,
    y: u16,
    row: usize,
    open: &OpenRun,
    chart: &Chart,
    scale: &Scale,
    now: Micros,
) {
    let lanes = &chart.lanes;
    let Some(lane) = lanes.rows().get(row).and_then(|at| lanes.lanes.get(*at as usize)) else { return };
    let Some(group) = lanes.groups.get(lane.group as usize) else { return };
    let selected = lanes.place(open.selected).is_some_and(|(at, _)| lanes.rows().get(row) == Some(&at));
    let names = places.names;
    if selected {
        canvas.text(names, 0, y, Tone::Focus, canvas.look.glyphs.pick("▸", ">"));
    }
    let above = row.checked_sub(1).and_then(|above| lanes.rows().get(above));
    let first =
        y == 0 || above.and_then(|at| lanes.lanes.get(*at as usize)).map(|l| l.group) != Some(lane.group);
    if first {
        let count = group.calls.to_string();
        let room = Area { w: names.w.saturating_sub(count.len() as u16 + 2), ..names };
        let name = match group.kind {
            CallKind::Map => format!("map {}", group.function),
            CallKind::Reduce => format!("reduce {}", group.function),
            CallKind::Root | CallKind::Call => group.function.clone(),
        };
        let tone = if selected { Tone::Focus } else { Tone::Text };
        canvas.text(room, 1, y, tone, &name);
        canvas.right(names, names.w - 1, y, names.w, Tone::Faint, &count);
    }
    let mut cells: Vec<Option<Cell>> = vec![None; usize::from(scale.columns)];
    let begin = lane.bars.partition_point(|bar| bar.to < scale.from);
    // The column that was painted last, and its bounds.
    let mut painted: Option<(usize, Micros, Micros)> = None;
    let mut free = begin.checked_sub(1).and_then(|at| lane.bars.get(at)).map_or(Micros::MIN, |bar| bar.to);
    for bar in &lane.bars[begin..] {
        let waits_from = bar.asked.max(free);
        if waits_from.min(bar.from) > scale.to {
            break;
        }
        let to = if bar.to == OPEN { now.max(bar.from) } else { bar.to };
        // Of thousands of bars in one column few matter: those that outrank what stands there.
        let hidden = painted.is_some_and(|(column, from, end)| {
            let held = cells.get(column).copied().flatten().map_or(0, |cell| cell.rank);
            waits_from.min(bar.from) >= from && to <= end && held >= ceiling(bar.status)
        });
        if hidden {
            free = to;
            continue;
        }
        if let Some((_, column)) = scale.stretch(bar.from, to) {
            let (from, end) = scale.bounds(column);
            painted = Some((usize::from(column), from, end));
        }
        paint(&mut cells, bar, (waits_from, to), open, chart, scale, canvas.look.glyphs);
        free = to;
    }
    for (x, cell) in (0..).zip(&cells) {
        if let Some(cell) = cell {
            canvas.sign(places.bars, x, y, cell.tone, cell.sign);
        }
    }
    if selected
        && let Some(bar) = lanes.bar(open.selected)
        && let Some((from, to)) =
            scale.stretch(bar.from, if bar.to == OPEN { now.max(bar.from) } else { bar.to })
    {
        let area = Area { x: places.bars.x + from, w: to - from + 1, ..places.bars };
        canvas.tint(area, y, Tone::Selected);
    }
}

fn put(cells: &mut [Option<Cell>], (from, to): (u16, u16), cell: Cell) {
    for slot in cells.iter_mut().take(usize::from(to) + 1).skip(usize::from(from)) {
        if slot.is_none_or(|held| held.rank < cell.rank) {
            *slot = Some(cell);
        }
    }
}

/// What is bad must not hide among many that are well.
fn rank(status: CallStatus) -> u8 {
    match status {
        CallStatus::Failed => 9,
        CallStatus::InDoubt => 8,
        CallStatus::Edited => 7,
        CallStatus::Running => 6,
        CallStatus::Fresh => 5,
        _ => 4,
    }
}

/// The highest rank that a bar's cells can have: a sign at its end has one more.
fn ceiling(status: CallStatus) -> u8 {
    let signed = [CallStatus::Failed, CallStatus::Edited, CallStatus::InDoubt, CallStatus::Cancelled];
    rank(status) + u8::from(signed.contains(&status))
}

fn paint(
    cells: &mut [Option<Cell>],
    bar: &Bar,
    (waits_from, to): (Micros, Micros),
    open: &OpenRun,
    chart: &Chart,
    scale: &Scale,
    glyphs: Glyphs,
) {
    let signs = Signs::of(glyphs);
    let waits = Cell { sign: signs.waits, tone: Tone::Faint, rank: 1 };
    if waits_from < bar.from
        && let Some(at) = scale.stretch(waits_from, bar.from)
    {
        put(cells, at, waits);
    }
    let Some(at) = scale.stretch(bar.from, to) else { return };
    let tone = say::status_tone(bar.status);
    let rank = rank(bar.status);
    let critical = chart.critical.contains(&bar.no);
    let body = match bar.status {
        _ if bar.caller => signs.caller,
        CallStatus::Cached => glyphs.pick("◇", "="),
        _ if critical => signs.critical,
        _ => signs.other,
    };
    let call = open.history.call(bar.no).filter(|call| !call.failed_attempts.is_empty());
    if let Some(call) = call.filter(|_| !bar.caller) {
        let tries = attempts(&open.history, call, to);
        let last = tries.len().saturating_sub(usize::from(call.failed_attempts.len() < tries.len()));
        put(cells, at, Cell { rank: 2, ..waits });
        for (i, (from, to)) in tries.into_iter().enumerate() {
            let cell = match i < last {
                true => Cell { sign: signs.retried, tone: Tone::Warning, rank: 4 },
                false => Cell { sign: body, tone, rank },
            };
            if let Some(at) = scale.stretch(from, to) {
                put(cells, at, cell);
            }
        }
    } else {
        put(cells, at, Cell { sign: body, tone, rank });
    }
    // The end of a bar says how it ended.
    let end = match bar.status {
        CallStatus::Failed => glyphs.pick("✗", "x"),
        CallStatus::Edited => glyphs.pick("✎", "~"),
        CallStatus::InDoubt => "?",
        CallStatus::Cancelled => glyphs.pick("⊘", "-"),
        _ => return,
    };
    if scale.column((to - 1).max(bar.from)) <= i64::from(at.1) {
        put(cells, (at.1, at.1), Cell { sign: end, tone, rank: rank + 1 });
    }
}
