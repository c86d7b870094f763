//! The inspector's text: what the selected call returned, was asked, wrote, or died of.
//!
//! The text is made once for a call, tab and width and kept until one of them changes, so that drawing only reads
//! a window of lines. Lines are sanitised and wrapped here (wrapping needs the final widths); drawing sanitises
//! again, which changes nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::base::text;
use crate::model::points::at_function;
use crate::model::{Call, CallKind, CallStatus, Purpose, Stream, ValueRef};

use super::layout::Area;
use super::msg::Tokens;
use super::openrun::OpenRun;
use super::picture::Shown;
use super::say;
use super::state::{AppState, Tab, ValueState};
use super::tab::{Stamp, TabKey, TabState, Target};
use super::tone::{Line, Tone};

/// How many log lines are shown at most; the newest.
const LOG_LINES: usize = 2_000;

/// Most rows of a picture: what is beside it must stay in sight.
const PICTURE: usize = 30;

/// What the text was made of; equal keys give equal text.
#[derive(Clone, PartialEq, Debug)]
pub struct DocKey {
    run: RunId,
    no: CallNo,
    tab: Tab,
    width: u16,
    status: CallStatus,
    attempts: u32,
    logs: usize,
    /// Changes of request state that it shows.
    set: usize,
    progress: Option<(f64, f64, Option<String>)>,
    /// Which answer of the store it shows: a value, or a tab.
    value: u64,
    /// Whether the sides of a diff stand beside each other.
    split: bool,
    /// It waits at the gate.
    waits: bool,
    /// There is a breakpoint at its function.
    stops: bool,
    /// After which event the run is shown.
    as_of: Option<u64>,
}

/// The text.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Doc {
    /// What it was made of.
    pub key: Option<DocKey>,
    /// Safe lines, wrapped.
    pub lines: Vec<Line>,
    /// Lines that stand for a place in a value, with the positions that lead there.
    pub places: Vec<(usize, Vec<u64>)>,
    /// Lines that stand for something elsewhere.
    pub targets: Vec<(Range<usize>, Target)>,
    /// Lines that stand for a file in a value, with its number.
    pub files: Vec<(Range<usize>, usize)>,
    /// Pictures, in order.
    pub pictures: Vec<Shown>,
}

impl Doc {
    /// What a line stands for.
    pub fn target(&self, line: usize) -> Option<&Target> {
        self.targets.iter().find(|(lines, _)| lines.contains(&line)).map(|(_, target)| target)
    }
}

/// From this width on the sides of a diff stand beside each other by themselves.
const SPLIT: u16 = 100;

/// Whether the sides of a diff stand beside each other in a text so wide.
pub fn splits(state: &AppState, width: u16) -> bool {
    state.effective_tab() == Tab::Diff && state.side_by_side.unwrap_or(width >= SPLIT)
}

/// Which loaded tab is shown, and what it must be made of.
pub fn shown_tab(state: &AppState) -> Option<(TabKey, Stamp)> {
    let open = state.current()?;
    let (call, tab) = (open.call()?, state.effective_tab());
    let key = TabKey { run: open.history.id.clone(), no: call.no, tab };
    let stamp = state.tabs.stamp(tab, call.status, call.attempts);
    // They are made of the run as it is.
    (tab.is_loaded() && state.then().is_none()).then_some((key, stamp))
}

/// The value that the inspector shows in this tab; of a call that waits at the gate, what its caller would get.
pub fn shown_value<'a>(state: &'a AppState, call: &'a Call, tab: Tab) -> Option<&'a ValueRef> {
    let proposed = || state.gate()?.ask(call.no)?.output();
    match tab {
        Tab::Output => call.output.as_ref().or_else(proposed),
        Tab::Input => call.input.as_ref(),
        _ => None,
    }
}

/// A tab's title on the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TabAt {
    /// Which.
    pub tab: Tab,
    /// First column within the pane.
    pub x: u16,
    /// Columns.
    pub w: u16,
}

/// Where the tabs' titles are in a pane so wide. When there is not room for all, those around the shown one are there.
pub fn tab_bar(width: u16, shown: Tab) -> Vec<TabAt> {
    let len = |tab: Tab| u16::try_from(tab.title().len()).unwrap_or(0);
    let all = &Tab::ALL;
    let needs = |tabs: &[Tab]| tabs.iter().map(|tab| len(*tab) + 1).sum::<u16>().saturating_sub(1);
    let at = all.iter().position(|tab| *tab == shown).unwrap_or(0);
    // The sign that there are more takes a column on its side.
    let mut from = 0;
    while from < at
        && needs(&all[from..=at]) + u16::from(from > 0) * 2 + u16::from(at + 1 < all.len()) * 2 > width
    {
        from += 1;
    }
    let mut x = if from > 0 { 2 } else { u16::from(needs(all) < width) };
    let mut out = Vec::new();
    for (i, tab) in all.iter().enumerate().skip(from) {
        let behind = u16::from(i + 1 < all.len()) * 2;
        if x + len(*tab) + behind > width && !out.is_empty() && *tab != shown {
            break;
        }
        out.push(TabAt { tab: *tab, x, w: len(*tab) });
        x += len(*tab) + 1;
    }
    out
}

/// The tab whose title is at a place on the screen.
pub fn tabs_at(state: &AppState, area: Area, x: u16, y: u16) -> Option<Tab> {
    let bar = tab_bar(area.w, state.effective_tab());
    let at = bar.iter().find(|at| y == area.y + 1 && (area.x + at.x..area.x + at.x + at.w).contains(&x));
    at.map(|at| at.tab)
}

/// What the text would be made of now.
pub fn key(state: &AppState, width: u16) -> Option<DocKey> {
    let open = state.current()?;
    let call = open.call()?;
    let tab = state.effective_tab();
    let value = match shown_tab(state) {
        Some((key, _)) => state.tabs.get(&key).map_or(0, |held| held.answer),
        None => shown_value(state, call, tab)
            .map_or(0, |value| state.values.get(&value.digest).map_or(0, |held| held.answer)),
    };
    let logs = if tab == Tab::Logs { log_count(open, call) } else { 0 };
    Some(DocKey {
        run: open.history.id.clone(),
        no: call.no,
        tab,
        width,
        status: call.status,
        attempts: call.attempts,
        logs,
        set: if shows_state(call, tab) { open.history.state.len() } else { 0 },
        progress: call.progress.as_deref().cloned(),
        value,
        split: splits(state, width),
        waits: state.waits(call.no),
        stops: stops_at(state, call),
        as_of: state.then().map(|open| open.history.last_seq),
    })
}

impl DocKey {
    /// Which answer of the store the text shows.
    pub fn answer(&self) -> u64 {
        self.value
    }

    /// Whether the text only grows at its end.
    pub fn grows(&self) -> bool {
        self.tab == Tab::Logs
    }

    /// Whether both are about the same view of the same call, so that the scroll position may stay.
    pub fn same_view(&self, other: &DocKey) -> bool {
        self.run == other.run && self.no == other.no && self.tab == other.tab
    }
}

/// Makes the text.
pub fn build(state: &AppState, width: u16) -> Page {
    let mut page = Page::new(usize::from(width).max(1));
    if let Some(open) = state.current()
        && let Some(call) = open.call()
    {
        match state.effective_tab() {
            Tab::Output => {
                output(&mut page, state, call);
                request_state(&mut page, open, call);
            }
            Tab::Input => input(&mut page, state, call),
            Tab::Logs => logs(&mut page, open, call),
            Tab::Attempts => super::attempts::lay_out(&mut page, state, &open.history, call),
            tab @ (Tab::Diff | Tab::Source | Tab::Why | Tab::History | Tab::Variance) => {
                if tab == Tab::Source && stops_at(state, call) {
                    page.wrap(
                        Tone::Marked,
                        "● ",
                        "A breakpoint: runs that are stepped through stop at this function.",
                    );
                    page.blank();
                }
                loaded(&mut page, state);
            }
        }
    }
    page
}

/// Text being laid out.
pub struct Page {
    /// Safe lines.
    pub lines: Vec<Line>,
    /// Lines that stand for a place in a value.
    pub places: Vec<(usize, Vec<u64>)>,
    /// Lines that stand for something elsewhere.
    pub targets: Vec<(Range<usize>, Target)>,
    /// Lines that stand for a file in a value.
    pub files: Vec<(Range<usize>, usize)>,
    /// Pictures, in order.
    pub pictures: Vec<Shown>,
    /// What can be done with a file, told at the first one.
    pub(super) file_hint: String,
    /// How to see what was left out.
    pub(super) cut_hint: String,
    /// Most rows of a picture; 0: the terminal cannot show one.
    pub(super) picture_rows: usize,
    /// Columns.
    pub(super) width: usize,
    /// Within a fence of markdown.
    pub(super) fenced: bool,
    /// Lines of code are cut where the page ends.
    pub(super) cut: bool,
}

impl Page {
    pub(super) fn new(width: usize) -> Self {
        Page {
            lines: Vec::new(),
            places: Vec::new(),
            targets: Vec::new(),
            files: Vec::new(),
            pictures: Vec::new(),
            file_hint: String::new(),
            cut_hint: String::new(),
            picture_rows: 0,
            width,
            fenced: false,
            cut: false,
        }
    }

    pub(super) fn blank(&mut self) {
        self.lines.push(Line::new());
    }

    /// Text of any length, wrapped at words where it can be.
    pub(super) fn wrap(&mut self, tone: Tone, prefix: &str, raw: &str) {
        for part in text::lines(raw).split('\n') {
            let indent: String = part.chars().take_while(|c| *c == ' ').take(self.width / 2).collect();
            let mut rest = part;
            let mut first = true;
            loop {
                let lead =
                    if first { prefix.to_owned() } else { format!("{}{indent}", " ".repeat(prefix.len())) };
                let room = self.width.saturating_sub(text::width(&lead)).max(2);
                let cut = break_at(rest, room);
                let (head, tail) = rest.split_at(cut);
                self.lines.push(vec![(Tone::Quiet, lead), (tone, head.trim_end().to_owned())]);
                rest = tail.trim_start_matches(' ');
                first = false;
                if rest.is_empty() {
                    break;
                }
            }
        }
    }

    fn value(&mut self, state: &AppState, value: &ValueRef) {
        match state.values.get(&value.digest).map(|held| &held.state) {
            Some(ValueState::Ready(view)) => {
                self.file_hint = super::valuelines::file_hint(state);
                self.cut_hint = super::valuelines::cut_hint(state);
                self.picture_rows = if state.pictures { PICTURE } else { 0 };
                super::valuelines::lay_out(self, view);
            }
            Some(ValueState::Failed(why)) => {
                self.wrap(Tone::Text, "", &value.preview);
                self.blank();
                self.wrap(Tone::Warning, "", &format!("The whole value could not be read: {why}"));
            }
            // The preview stands in for the moment that reading takes.
            Some(ValueState::Loading) | None => self.wrap(Tone::Text, "", &value.preview),
        }
    }
}

/// A tab that is loaded, or the word that it is on its way.
fn loaded(page: &mut Page, state: &AppState) {
    if state.then().is_some() {
        page.wrap(
            Tone::Quiet,
            "",
            "This tab is about the run as it is, not as it was; leave the time line to see it.",
        );
        return;
    }
    let split = splits(state, u16::try_from(page.width).unwrap_or(u16::MAX));
    let held = shown_tab(state).and_then(|(key, _)| state.tabs.get(&key));
    match held.map(|held| &held.state) {
        Some(TabState::Ready(view)) => super::tablines::lay_out(page, view, split),
        Some(TabState::Failed(why)) => page.wrap(Tone::Warning, "", why),
        Some(TabState::Loading) | None => page.wrap(Tone::Faint, "", "Reading …"),
    }
}

/// Safe text in pieces of so many columns.
pub fn wrapped(safe: &str, width: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = safe;
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(break_at(rest, width));
        out.push(head.trim_end().to_owned());
        rest = tail.trim_start_matches(' ');
    }
    out
}

/// Where to break safe text so that the first part has at most `room` columns; after a space where one is near.
fn break_at(line: &str, room: usize) -> usize {
    let mut used = 0;
    let mut space = None;
    let mut end = 0;
    for (i, c) in line.char_indices() {
        let with = i + c.len_utf8();
        used += text::width(c.encode_utf8(&mut [0; 4]));
        if used > room {
            if c == ' ' && end > 0 {
                return end;
            }
            let near = space.filter(|at| *at * 2 > end);
            return near.unwrap_or(if end == 0 { with } else { end });
        }
        end = with;
        if c == ' ' && line[..i].chars().any(|before| before != ' ') {
            space = Some(with);
        }
    }
    line.len()
}

/// What a model's response says about itself, and what it cost. Says whether there was anything to say.
fn answer_head(page: &mut Page, state: &AppState, call: &Call, value: &ValueRef) -> bool {
    let Some(ValueState::Ready(view)) = state.values.get(&value.digest).map(|held| &held.state) else {
        return false;
    };
    let Some(head) = &view.answer else { return false };
    let usage = call.usage.as_ref();
    let model = head.model.as_ref().or(usage.and_then(|usage| usage.model.as_ref()));
    let mut parts: Vec<String> = model.cloned().into_iter().chain(head.finish.clone()).collect();
    match usage {
        Some(usage) => {
            parts.push(Tokens::of(usage).words());
            parts.push(text::price(usage.cost_usd));
        }
        None => parts
            .extend(head.tokens.map(|tokens| format!("{}, counted where it was answered", tokens.words()))),
    }
    if let Some(pieces) = head.pieces {
        parts.push(format!("streamed in {}", text::count(pieces, "piece")));
    }
    if !parts.is_empty() {
        page.wrap(Tone::Quiet, "", &parts.join("   "));
        page.blank();
    }
    usage.is_some()
}

fn facts(page: &mut Page, call: &Call, told: bool) {
    let mut parts = Vec::new();
    if let Some(usage) = call.usage.as_ref().filter(|_| !told) {
        if let Some(model) = &usage.model {
            parts.push(format!("model {model}"));
        }
        parts.push(Tokens::of(usage).words());
        parts.push(text::price(usage.cost_usd));
    }
    if !parts.is_empty() {
        page.blank();
        page.wrap(Tone::Quiet, "", &parts.join("   "));
    }
    if let Some(origin) = &call.origin {
        page.blank();
        page.wrap(Tone::Quiet, "", &format!("Served from run {}, call {}.", origin.run.short(), origin.call));
    }
    if let Some(reason) = &call.reason {
        page.wrap(Tone::Quiet, "", &format!("Executed because: {reason}."));
    }
    if call.attempts > 1 {
        page.wrap(Tone::Quiet, "", &format!("Attempt {}.", call.attempts));
    }
}

fn output(page: &mut Page, state: &AppState, call: &Call) {
    let mut told = false;
    if let Some(value) = shown_value(state, call, Tab::Output) {
        if call.output.is_none() && state.waits(call.no) {
            page.wrap(Tone::Focus, "", "Its caller has not got this yet.");
            page.blank();
        }
        told = answer_head(page, state, call, value);
        page.value(state, value);
    } else {
        let sentence = match call.status {
            _ if !call.is_call() && call.error.is_none() => {
                "An operation: its items are below it in the tree."
            }
            CallStatus::Pending if state.waits(call.no) => "It has not run.",
            CallStatus::Pending => "Waits to start.",
            CallStatus::Running => "Runs. Its output appears here when it returns.",
            CallStatus::Failed => "It failed and has no output. The Attempts tab says why.",
            CallStatus::Cancelled => "It was given up before it returned.",
            CallStatus::InDoubt => {
                "It had started when the engine died: whether its effects happened is not known. A replay executes \
                 it again."
            }
            _ if samples(state) => {
                "The run holds samples of a call, which are below it; the application itself did not run."
            }
            _ => "No output was recorded.",
        };
        page.wrap(Tone::Quiet, "", sentence);
    }
    if let Some((current, total, message)) = call.progress.as_deref() {
        page.blank();
        page.wrap(Tone::Active, "", &say_progress(*current, *total, message.as_deref()));
    }
    facts(page, call, told);
}

fn stops_at(state: &AppState, call: &Call) -> bool {
    let here = at_function(&call.function);
    state.points.iter().any(|point| point.on && point.text == here)
}

/// Request state belongs to the run: it stands below what its application returned.
fn shows_state(call: &Call, tab: Tab) -> bool {
    call.kind == CallKind::Root && tab == Tab::Output
}

fn request_state(page: &mut Page, open: &OpenRun, call: &Call) {
    if !shows_state(call, Tab::Output) || open.history.state.is_empty() {
        return;
    }
    let latest: BTreeMap<&str, &ValueRef> =
        open.history.state.iter().map(|set| (set.key.as_str(), &set.value)).collect();
    page.blank();
    page.wrap(Tone::Quiet, "", "Request state:");
    for (key, value) in latest {
        page.wrap(Tone::Text, "  ", &format!("{key} = {}", say::preview(value)));
    }
}

/// `3/10 reading`.
pub fn say_progress(current: f64, total: f64, message: Option<&str>) -> String {
    format!("{current}/{total} {}", message.unwrap_or_default()).trim_end().to_owned()
}

fn samples(state: &AppState) -> bool {
    state.current().is_some_and(|open| matches!(open.history.purpose, Purpose::Samples { .. }))
}

fn input(page: &mut Page, state: &AppState, call: &Call) {
    match &call.input {
        Some(value) => page.value(state, value),
        None if !call.is_call() => {
            page.wrap(
                Tone::Quiet,
                "",
                "An operation has no input of its own: its items below it have theirs.",
            );
        }
        None => page.wrap(Tone::Quiet, "", "No input was recorded."),
    }
    if let Some(site) = &call.site {
        page.blank();
        let place = super::attempts::place(std::path::Path::new(&state.project.root), &site.file, site.line);
        page.wrap(Tone::Quiet, "called from ", &place);
    }
}

/// The root shows what the whole run wrote.
fn log_count(open: &OpenRun, call: &Call) -> usize {
    match call.kind {
        CallKind::Root => open.history.logs.len(),
        _ => open.logs.get(&call.no).map_or(0, Vec::len),
    }
}

fn logs(page: &mut Page, open: &OpenRun, call: &Call) {
    let n = log_count(open, call);
    if n == 0 {
        let sentence =
            if call.status.is_final() { "It wrote nothing." } else { "It has written nothing yet." };
        page.wrap(Tone::Quiet, "", sentence);
        return;
    }
    if n > LOG_LINES {
        page.wrap(
            Tone::Faint,
            "",
            &format!("… {} earlier lines; `tl-bench logs` has them all", n - LOG_LINES),
        );
    }
    let whole_run = call.kind == CallKind::Root;
    let none = Vec::new();
    let own = open.logs.get(&call.no).unwrap_or(&none);
    for i in n.saturating_sub(LOG_LINES)..n {
        let at = if whole_run { Some(i) } else { own.get(i).map(|at| *at as usize) };
        let Some(log) = at.and_then(|at| open.history.logs.get(at)) else { continue };
        let tone = if log.stream == Stream::Stderr { Tone::Warning } else { Tone::Text };
        let by = open.history.call(log.call).filter(|by| whole_run && by.no != call.no);
        let body = log.text.strip_suffix('\n').unwrap_or(&log.text);
        match by {
            Some(by) => {
                let name = text::fit(&text::line(&say::label(by, false)), 24);
                page.wrap(tone, "", &format!("{name}  {body}"));
            }
            None => page.wrap(tone, "", body),
        }
    }
}

/// The value that must be loaded for what is shown.
pub fn wanted_value(state: &AppState) -> Option<(Digest, &ValueRef)> {
    let call = state.current()?.call()?;
    let value = shown_value(state, call, state.effective_tab())?;
    (!state.values.contains_key(&value.digest)).then_some((value.digest, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(raw: &str, width: usize) -> Vec<String> {
        let mut page = Page::new(width);
        page.wrap(Tone::Text, "", raw);
        page.lines.iter().map(|line| line.iter().map(|(_, piece)| piece.as_str()).collect()).collect()
    }

    #[test]
    fn wrapping_breaks_at_words_and_keeps_the_indent() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("  ab cd ef", 7), ["  ab cd", "  ef"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    proptest::proptest! {
        #[test]
        fn wrapped_lines_fit(raw in ".*", width in 4usize..60) {
            let mut page = Page::new(width);
            page.wrap(Tone::Text, "", &raw);
            for line in &page.lines {
                let all: String = line.iter().map(|(_, piece)| piece.as_str()).collect();
                proptest::prop_assert!(text::width(&all) <= width, "{all:?}");
            }
        }
    }
}
