//! The timeline of the open run: which part of it is seen, where its parts stand on the screen, and words about it.
//!
//! The chart is made when it is first shown and then kept up to date call by call. The critical path of a large run is
//! known when the run has ended: explaining an end looks at every call.

use std::collections::HashSet;

use crate::base::clock::Micros;
use crate::base::ids::{CallNo, RunId};
use crate::base::text;
use crate::model::timeline::{
    Bar, OPEN, Segment, Share, Spent, Timeline, attempts, critical_path, end_of, shares, waited,
};
use crate::model::{Call, RunHistory, RunStatus};

use super::layout::Area;
use super::openrun::OpenRun;
use super::say;
use super::tone::{Line, Tone};

/// Up to so many calls the critical path is known while the run goes on.
const LIVE_PATH: usize = 5_000;
/// So many functions of the critical path are named above the chart.
const NAMED: usize = 3;
/// The shortest part of a run that can be seen.
const SHORTEST: Micros = 100;

/// The chart of one run and its critical path.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Bars in lanes.
    pub lanes: Timeline,
    /// The calls that decided when the run ended.
    pub critical: HashSet<CallNo>,
    /// The critical path in the order of time.
    pub path: Vec<Segment>,
    /// The critical path by function.
    pub shares: Vec<Share>,
    explained: Option<u64>,
}

impl Chart {
    /// Of what is known of a run.
    pub fn of(run: &RunHistory) -> Self {
        Chart {
            lanes: Timeline::of(run),
            critical: HashSet::new(),
            path: Vec::new(),
            shares: Vec::new(),
            explained: None,
        }
    }

    /// Brings order and path up to date.
    pub fn settle(&mut self, run: &RunHistory, now: Micros) {
        self.lanes.order();
        let running = run.status == RunStatus::Running;
        if running && run.calls.len() > LIVE_PATH {
            return;
        }
        // While it runs the end of the path moves with the time.
        if running || self.explained != Some(run.last_seq) {
            self.explained = Some(run.last_seq);
            self.path = critical_path(run, now);
            self.critical = self.path.iter().map(|segment| segment.no).collect();
            self.shares = shares(run, &self.path);
        }
    }
}

/// The part of the run that is seen.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct View {
    /// Which run this is about; another one is seen as a whole.
    pub run: Option<RunId>,
    /// Its first instant, from the run's start.
    pub from: Micros,
    /// How much; `None`: all, however long it becomes.
    pub span: Option<Micros>,
    /// The call that was last brought into view.
    pub shown: CallNo,
}

/// How long a run took, or has taken so far.
pub fn length(run: &RunHistory, now: Micros) -> Micros {
    (run.ended_at.unwrap_or(now) - run.started_at).max(SHORTEST)
}

impl View {
    /// First and last instant that are seen, from the run's start.
    pub fn window(&self, length: Micros) -> (Micros, Micros) {
        match self.span {
            None => (0, length),
            Some(span) => {
                let from = self.from.clamp(0, (length - span).max(0));
                (from, from + span)
            }
        }
    }

    /// Makes what is seen shorter or longer, about an instant that keeps its place.
    pub fn zoom(&mut self, length: Micros, about: Micros, closer: bool) {
        let (from, to) = self.window(length);
        let span = (to - from).max(1);
        let about = about.clamp(from, to);
        let wanted = if closer { (span / 2).max(SHORTEST.min(length)) } else { span.saturating_mul(2) };
        if wanted >= length {
            self.span = None;
            self.from = 0;
            return;
        }
        let share = (about - from) as f64 / span as f64;
        self.span = Some(wanted);
        self.from = (about - (wanted as f64 * share) as Micros).clamp(0, length - wanted);
    }

    /// Moves what is seen by a quarter of it.
    pub fn pan(&mut self, length: Micros, later: bool) {
        if let Some(span) = self.span {
            let (from, _) = self.window(length);
            let by = (span / 4).max(1);
            self.from = (if later { from + by } else { from - by }).clamp(0, (length - span).max(0));
        }
    }

    /// Brings a bar into view.
    pub fn show(&mut self, length: Micros, bar_from: Micros, bar_to: Micros) {
        let Some(span) = self.span else { return };
        let (from, to) = self.window(length);
        if bar_to > from && bar_from < to {
            return;
        }
        self.from = ((bar_from + bar_to) / 2 - span / 2).clamp(0, (length - span).max(0));
    }
}

/// Where the parts of the screen are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// The instants.
    pub axis: Area,
    /// How many executed, and how many waited.
    pub load: Option<Area>,
    /// The lanes, without their names.
    pub bars: Area,
    /// The lanes' names.
    pub names: Area,
    /// What the selected call did.
    pub detail: Option<Area>,
}

/// From this width on the legend stands beside what the selected call did.
pub const LEGEND: u16 = 132;

/// Lays out the screen.
pub fn places(area: Area) -> Places {
    let names = (area.w / 5).clamp(10, 26).min(area.w);
    let roomy = area.h >= 12;
    let load = if roomy { 2 } else { 0 };
    // Beside the detail there is no room for the legend.
    let detail = match area.h {
        16.. if area.w < LEGEND => 2,
        5.. => 1,
        _ => 0,
    };
    let chart = Area { x: area.x + names, w: area.w.saturating_sub(names + 1), ..area };
    let top = (2 + load).min(area.h);
    let height = area.h.saturating_sub(top + detail);
    let part = |y: u16, h: u16| Area { y: chart.y + y, h, ..chart };
    Places {
        axis: part(1.min(area.h), u16::from(area.h >= 2)),
        load: roomy.then(|| part(2, 2)),
        bars: part(top, height),
        names: Area { y: area.y + top, h: height, w: names, ..area },
        detail: (detail > 0).then(|| Area { y: area.y + area.h - detail, h: detail, ..area }),
    }
}

/// The row of a lane.
pub fn row_of(chart: &Timeline, lane: u32) -> usize {
    chart.rows().iter().position(|row| *row == lane).unwrap_or(0)
}

/// The bar of a lane at an instant, or the nearest.
pub fn nearest(bars: &[Bar], at: Micros) -> Option<CallNo> {
    let next = bars.partition_point(|bar| bar.from <= at);
    let distance = |bar: &Bar| if bar.to < at { at - bar.to } else { (bar.from - at).max(0) };
    let around = bars.get(next.saturating_sub(1)).into_iter().chain(bars.get(next));
    around.min_by_key(|bar| distance(bar)).map(|bar| bar.no)
}

/// The instant in the middle of a bar; the beginning of one that still grows.
pub fn middle(bar: &Bar) -> Micros {
    if bar.to == OPEN { bar.from } else { bar.from + (bar.to - bar.from) / 2 }
}

/// The sentence above the chart.
pub fn summary(open: &OpenRun, chart: &Chart, now: Micros) -> Line {
    let run = &open.history;
    let took = length(run, now);
    let mean = chart.lanes.mean(run.started_at, run.started_at + took);
    let mut out = vec![
        (Tone::Text, text::duration(took)),
        (Tone::Quiet, format!("   at once {} at most, {mean:.1} on average", chart.lanes.most)),
    ];
    if chart.shares.is_empty() {
        return out;
    }
    out.push((Tone::Quiet, "   critical path ".to_owned()));
    let (waiting, executing): (Vec<&Share>, Vec<&Share>) =
        chart.shares.iter().partition(|share| share.spent == Spent::Waiting);
    let sum = |shares: &[&Share]| shares.iter().map(|share| share.time).sum::<Micros>();
    let named = executing.len().min(NAMED);
    let mut parts: Vec<(&str, Micros)> =
        executing[..named].iter().map(|share| (share.function.as_str(), share.time)).collect();
    parts.extend([("others", sum(&executing[named..])), ("waiting", sum(&waiting))]);
    parts.retain(|(_, time)| *time >= 1_000);
    for (i, (name, time)) in parts.into_iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        out.push((Tone::Text, format!("{comma}{name} {}", text::duration(time))));
    }
    out
}

/// What a call did, in one line.
pub fn detail(open: &OpenRun, chart: &Chart, call: &Call, now: Micros) -> Line {
    let run = &open.history;
    let since = |at: Micros| text::duration(at - run.started_at);
    let status = say::shown_status(call, &open.tree.tally(call.no));
    let mut out = vec![
        (Tone::Title, say::place_in_tree(run, call)),
        (say::status_tone(status), format!("  {}", say::status_word(status))),
    ];
    let Some(began) = call.began_at() else {
        out.push((Tone::Quiet, format!("   asked for at {}, did not begin", since(call.asked_at))));
        return out;
    };
    let end = end_of(run, call, now);
    if call.status == crate::model::CallStatus::Cached {
        let took = text::duration(call.wall_us);
        out.push((Tone::Quiet, format!("   served at {}; executed it took {took}", since(end))));
    } else {
        out.push((Tone::Quiet, format!("   {} to {}", since(began), since(end))));
        let tries = attempts(run, call, now);
        let executed: Micros = tries.iter().map(|(from, to)| to - from).sum();
        let word = if call.is_call() { "executed" } else { "took" };
        out.push((Tone::Text, format!("   {word} {}", text::duration(executed))));
        if tries.len() > 1 {
            out.push((Tone::Warning, format!(" in {} attempts", tries.len())));
        }
    }
    let waits = waited(run, call, now);
    if waits >= 1_000 {
        out.push((Tone::Quiet, format!("   waited {}", text::duration(waits))));
    }
    if chart.critical.contains(&call.no) {
        out.push((Tone::Focus, "   on the critical path".to_owned()));
    }
    out
}

/// Instants for the axis: so that each has this many columns, in steps that people count in.
pub fn ticks(from: Micros, to: Micros, columns: u16) -> (Micros, Vec<Micros>) {
    let most = i64::from((columns / 10).max(1));
    let least = ((to - from) / most).max(1);
    let mut step = 1;
    'found: for power in 0..16u32 {
        for factor in [1, 2, 5] {
            step = factor * 10i64.pow(power);
            if step >= least {
                break 'found;
            }
        }
    }
    // Minutes and hours are not counted in tens of seconds.
    if step > 30_000_000 {
        const LONG: [i64; 9] = [60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400];
        step = LONG.into_iter().map(|s| s * 1_000_000).find(|s| *s >= least).unwrap_or(step);
    }
    let first = (from + step - 1).div_euclid(step) * step;
    (step, (0..=most + 1).map(|i| first + i * step).take_while(|at| *at < to).collect())
}

/// An instant on the axis, as exact as the step asks for.
pub fn instant(at: Micros, step: Micros) -> String {
    let (whole, unit): (i64, &str) = match step {
        60_000_000.. => return format!("{}:{:02} min", at / 60_000_000, at / 1_000_000 % 60),
        1_000_000.. => (at / 1_000_000, "s"),
        100_000.. => return format!("{}.{} s", at / 1_000_000, at / 100_000 % 10),
        1_000.. => (at / 1_000, "ms"),
        _ => (at, "us"),
    };
    format!("{whole} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_an_instant_in_its_place() {
        let mut view = View::default();
        view.zoom(1_000_000, 250_000, true);
        assert_eq!(view.window(1_000_000), (125_000, 625_000));
        view.zoom(1_000_000, 250_000, false);
        assert_eq!((view.span, view.window(1_000_000)), (None, (0, 1_000_000)));
        for _ in 0..60 {
            view.zoom(1_000_000, 999_999, true);
        }
        assert_eq!(view.span, Some(SHORTEST));
        let (from, to) = view.window(1_000_000);
        assert!(from <= 999_999 && to <= 1_000_000, "{from} {to}");
        view.pan(1_000_000, true);
        assert!(view.window(1_000_000).1 <= 1_000_000);
        view.show(1_000_000, 10, 20);
        assert_eq!(view.window(1_000_000).0, 0);
    }

    #[test]
    fn the_axis_counts_as_people_do() {
        let words = |length: Micros, columns| {
            let (step, at) = ticks(0, length, columns);
            at.iter().map(|at| instant(*at, step)).collect::<Vec<_>>()
        };
        assert_eq!(words(41_000_000, 50), ["0 s", "10 s", "20 s", "30 s", "40 s"]);
        assert_eq!(words(900, 30), ["0 us", "500 us"]);
        assert_eq!(words(1_200_000, 40), ["0.0 s", "0.5 s", "1.0 s"]);
        assert_eq!(words(400_000_000, 40), ["0:00 min", "2:00 min", "4:00 min", "6:00 min"]);
    }

    #[test]
    fn every_area_lies_within_the_screen() {
        for (w, h) in (0..80).flat_map(|w| (0..30).map(move |h| (w, h))) {
            let area = Area { x: 0, y: 1, w, h };
            let all = places(area);
            for part in
                [Some(all.axis), all.load, Some(all.bars), Some(all.names), all.detail].into_iter().flatten()
            {
                assert!(part.x + part.w <= w.max(part.x), "{w}x{h} {part:?}");
                assert!(part.y + part.h <= 1 + h, "{w}x{h} {part:?}");
            }
        }
    }
}
