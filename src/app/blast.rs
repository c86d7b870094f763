//! The blast radius of edits: what the sources and files of now mean for the run that is shown, before anything runs.
//!
//! The judge works elsewhere; here are its last words, where they show, and what an automatic replay may do because
//! of them. Nothing is shown for a run that is not the one that was judged.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::ids::{CallNo, RunId};
use crate::base::text;
use crate::model::verdict::{ChangedFunction, Cost, Fate, PartChange, Verdict};
use crate::model::{CallKind, RunHistory, RunStatus, path};

use super::msg::Judged;
use super::say::{self, Piece};
use super::state::AppState;
use super::tone::Tone;

/// What a save may replay by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AutoReplay {
    /// Nothing.
    #[default]
    Off,
    /// Functions that say that they do not act on the world.
    Harmless,
    /// These, and those that do not say.
    Unlabelled,
}

impl AutoReplay {
    /// What the command makes of it.
    pub fn next(self) -> Self {
        match self {
            AutoReplay::Off => AutoReplay::Harmless,
            AutoReplay::Harmless => AutoReplay::Unlabelled,
            AutoReplay::Unlabelled => AutoReplay::Off,
        }
    }

    /// What it means, as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            AutoReplay::Off => "Saves do not replay any more.",
            AutoReplay::Harmless => {
                "Each save replays the selected run from now on, when all that executes says effect=False."
            }
            AutoReplay::Unlabelled => {
                "Each save replays the selected run from now on, unless a function with effect=True may execute."
            }
        }
    }
}

/// What the judge said, prepared for drawing.
#[derive(Clone, PartialEq, Debug)]
pub struct Said {
    /// Its verdict.
    pub verdict: Verdict,
    /// Whether edits cost nothing.
    pub clean: bool,
    /// The sources that do not parse, one sentence each.
    pub problems: Vec<String>,
    /// How many calls directly below a call execute because of edits.
    below: HashMap<CallNo, u32>,
    /// Invalid calls: by themselves, and because of what they call.
    counts: (u64, u64),
    /// All calls.
    all: u64,
}

/// What is known of edits.
#[derive(Clone, Debug, Default)]
pub struct Blast {
    /// The run that the judge was told to attend to, and as of which change of the records.
    pub told: Option<(RunId, u64)>,
    /// Changes when what is recorded may judge otherwise.
    pub epoch: u64,
    /// What the judge said last.
    pub said: Option<Arc<Said>>,
    /// Why it could say nothing.
    pub failed: Option<(RunId, String)>,
    /// What was saved last, relative to the project.
    pub saved: Vec<String>,
    /// A save that no automatic replay has answered yet.
    pub waiting: bool,
    /// Whether saves replay.
    pub auto: AutoReplay,
}

/// How an edit concerns a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// What it depends on itself changed.
    Edited,
    /// It executes because of what it calls.
    Caller,
    /// It may be asked otherwise.
    After,
}

impl Mark {
    /// The word for it, in a column of nine.
    pub fn word(self) -> &'static str {
        match self {
            Mark::Edited => "edited",
            Mark::Caller => "re-runs",
            Mark::After => "may rerun",
        }
    }

    /// Whether the call executes for sure when it is asked for.
    pub fn is_certain(self) -> bool {
        self != Mark::After
    }
}

impl Said {
    /// Prepares the verdict of this run; walks through all of it.
    pub fn new(verdict: Verdict, run: &RunHistory) -> Self {
        let mut said = Said {
            clean: verdict.is_clean(),
            problems: verdict.problems.iter().map(problem).collect(),
            below: HashMap::new(),
            counts: (0, 0),
            all: 0,
            verdict,
        };
        for call in &run.calls {
            let mark = said.mark(call.no).filter(|mark| mark.is_certain());
            if mark.is_some() && call.is_call() {
                *said.below.entry(call.parent).or_default() += 1;
            }
            if call.kind == CallKind::Call {
                said.all += 1;
                said.counts.0 += u64::from(mark == Some(Mark::Edited));
                said.counts.1 += u64::from(mark == Some(Mark::Caller));
            }
        }
        said
    }

    /// How an edit concerns a call.
    pub fn mark(&self, no: CallNo) -> Option<Mark> {
        let one = self.verdict.call(no).filter(|one| one.by_edit)?;
        Some(match one.fate {
            Fate::After | Fate::Holds => Mark::After,
            Fate::Caller => Mark::Caller,
            Fate::Edited | Fate::Live | Fate::Unfinished => Mark::Edited,
        })
    }

    /// How many calls directly below this one execute because of edits.
    pub fn below(&self, no: CallNo) -> u32 {
        self.below.get(&no).copied().unwrap_or(0)
    }
}

/// `util.py:12: …`, as the project's own problems read.
fn problem(problem: &crate::model::verdict::SourceProblem) -> String {
    format!("{}:{}: {}", problem.file, problem.line, problem.message)
}

/// What was said of the run that is shown.
pub fn said(state: &AppState) -> Option<&Said> {
    let said = state.blast.said.as_deref()?;
    (state.runs.selected.as_ref() == Some(&said.verdict.run) && !state.current_runs()).then_some(said)
}

/// The same, when edits cost something.
pub fn shown(state: &AppState) -> Option<&Said> {
    said(state).filter(|said| !said.clean)
}

/// Whether the bar has something to say.
pub fn has_bar(state: &AppState) -> bool {
    shown(state).is_some() || failure(state).is_some()
}

fn failure(state: &AppState) -> Option<&str> {
    let (run, why) = state.blast.failed.as_ref()?;
    (state.runs.selected.as_ref() == Some(run) && !state.current_runs()).then_some(why)
}

/// The sources that do not parse, as the judge found them, beside those that the project's list has.
pub fn problems(state: &AppState) -> impl Iterator<Item = &String> {
    let known = |sentence: &String| {
        let file = sentence.split_once(':').map_or(sentence.as_str(), |(file, _)| file);
        state.project.problems.iter().any(|other| other.split_once(':').is_some_and(|(f, _)| f == file))
    };
    state.blast.said.iter().flat_map(|said| &said.problems).filter(move |sentence| !known(sentence))
}

fn piece(rank: u8, gap: u16, tone: Tone, words: impl Into<String>) -> Piece {
    Piece { rank, gap, words: vec![(tone, words.into())] }
}

/// The bar: what was saved, what changed, which calls are invalid, what they would cost.
pub fn bar(state: &AppState) -> Vec<Piece> {
    if let Some(why) = failure(state) {
        return vec![piece(0, 0, Tone::Warning, why)];
    }
    let Some(said) = shown(state) else { return Vec::new() };
    let verdict = &said.verdict;
    let mut out = Vec::new();
    if let Some(file) = state.blast.saved.first() {
        let more = state.blast.saved.len() - 1;
        let files = if more > 0 { format!("{file} and {more} more") } else { file.clone() };
        out.push(piece(6, 0, Tone::Quiet, format!("{files} saved: ")));
    }
    out.push(piece(2, 0, Tone::Text, what(&verdict.changed)));
    let (direct, dependent) = said.counts;
    let invalid = match direct + dependent {
        0 if verdict.rerun.seconds > 0.0 => "no call invalid, only what calls them".to_owned(),
        0 => "no call invalid".to_owned(),
        n => format!("{n} of {} invalid", text::count(said.all, "call")),
    };
    out.push(piece(0, 3, Tone::Warning, invalid));
    if direct > 0 && dependent > 0 {
        out.push(piece(5, 0, Tone::Quiet, format!(" ({direct} edited, {dependent} by what they call)")));
    }
    out.extend(costs(&verdict.rerun));
    if verdict.at_most.calls > verdict.rerun.calls {
        let words = format!("at most {}", verdict.at_most.words());
        out.push(piece(7, 3, Tone::Quiet, words));
    }
    out.extend(effects(verdict));
    out
}

/// What re-running costs.
fn costs(cost: &Cost) -> Vec<Piece> {
    if cost.calls == 0 && cost.seconds == 0.0 {
        return Vec::new();
    }
    let mut out = Vec::new();
    if cost.tokens > 0 {
        out.push(piece(3, 3, Tone::Text, format!("about {} tok", say::tokens(cost.tokens))));
        let price = text::price(cost.usd());
        out.push(piece(3, 2, Tone::Text, price));
    }
    let gap = if cost.tokens > 0 { 2 } else { 3 };
    let time = text::duration((cost.critical_seconds * 1e6) as i64);
    out.push(piece(1, gap, Tone::Text, time));
    out
}

/// Whether what executes may act on the world, and what may.
fn effects(verdict: &Verdict) -> Vec<Piece> {
    let (rank, tone, words, names) = match (verdict.effects.as_slice(), verdict.unlabelled.as_slice()) {
        ([], []) => (4, Tone::Quiet, "no effects", Vec::new()),
        ([], names) => (4, Tone::Quiet, "effects unknown", names.to_vec()),
        (names, _) => (1, Tone::Warning, "may act on the world", names.to_vec()),
    };
    let mut out = vec![piece(rank, 3, tone, words)];
    if let Some((first, rest)) = names.split_first() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        out.push(piece(8, 0, tone, format!(": {first}{more}")));
    }
    out
}

/// What changed, in a few words: `SYSTEM_PROMPT, clean changed`.
fn what(changed: &[ChangedFunction]) -> String {
    const MOST: usize = 2;
    let mut names: Vec<&str> = Vec::new();
    let mut reasons: Vec<&str> = Vec::new();
    for function in changed {
        for part in &function.parts {
            if !names.contains(&part.name.as_str()) {
                names.push(&part.name);
            }
        }
        reasons.extend(function.reasons.iter().map(String::as_str));
        if function.parts.is_empty() && function.reasons.is_empty() {
            names.push(&function.function);
        }
    }
    reasons.sort_unstable();
    reasons.dedup();
    if names.is_empty() {
        return match reasons.as_slice() {
            [] => "something changed".to_owned(),
            [one] => (*one).to_owned(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
    }
    let more = (names.len() + reasons.len()).saturating_sub(MOST);
    names.truncate(MOST);
    let names = names.join(", ");
    if more > 0 { format!("{names} and {more} more changed") } else { format!("{names} changed") }
}

/// A row of the screen of edits.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Columns that it is set in.
    pub indent: u16,
    /// How much it matters.
    pub tone: Tone,
    /// The sentence, unsanitised.
    pub text: String,
    /// The call that it is about.
    pub call: Option<CallNo>,
    /// The place in the source that it is about, relative to the project.
    pub place: Option<(String, u32)>,
}

/// Most calls that the screen lists.
const MOST: usize = 1_000;

/// What changed, function by function, then the calls that execute because of it, those edited themselves first.
pub fn rows(state: &AppState) -> Vec<Row> {
    let (Some(said), Some(open)) = (shown(state), state.current()) else { return Vec::new() };
    let mut out = Vec::new();
    let line = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    for function in &said.verdict.changed {
        let place = function.place.as_ref().map(|(file, at)| (file.clone(), line(*at)));
        let calls = text::count(function.calls, "call");
        let at =
            place.as_ref().map_or("not defined any more".to_owned(), |(file, at)| format!("{file}:{at}"));
        let row = |indent, tone, text, place| Row { indent, tone, text, call: None, place };
        out.push(row(0, Tone::Title, format!("{}  {at}  {calls}", function.function), place.clone()));
        for part in &function.parts {
            let word = match part.change {
                PartChange::Changed => "changed",
                PartChange::Added => "new",
                PartChange::Removed => "gone",
            };
            let via =
                if part.via.len() > 1 { format!("   {}", part.via.join(" → ")) } else { String::new() };
            let text = format!("{}:{} {} {word}{via}", part.file, part.line, part.name);
            out.push(row(2, Tone::Text, text, Some((part.file.clone(), line(part.line)))));
        }
        out.extend(function.reasons.iter().map(|reason| row(2, Tone::Text, reason.clone(), place.clone())));
    }
    let history = &open.history;
    let mut calls: Vec<(Mark, CallNo)> = history
        .calls
        .iter()
        .filter(|call| call.is_call())
        .filter_map(|call| Some((said.mark(call.no)?, call.no)))
        .collect();
    calls.sort_by_key(|(mark, no)| (*mark as u8, *no));
    let left = calls.len().saturating_sub(MOST);
    for (mark, no) in calls.into_iter().take(MOST) {
        let because = said.verdict.call(no).and_then(|one| one.because);
        let because =
            because.map(|no| format!("   because of {}", path::path(history, no))).unwrap_or_default();
        let text = format!("{:<10}{}{because}", mark.word(), path::path(history, no));
        let tone = if mark == Mark::Edited { Tone::Warning } else { Tone::Quiet };
        out.push(Row { indent: 0, tone, text, call: Some(no), place: None });
    }
    if left > 0 {
        let text = format!("and {left} more: `tl-bench status --json` lists all");
        out.push(Row { indent: 0, tone: Tone::Faint, text, call: None, place: None });
    }
    out
}

/// What the judge must be told now, when it is not what it was told before: `Some(None)` to attend to nothing.
pub fn question(state: &mut AppState) -> Option<Option<RunId>> {
    let ended = state.runs.current().filter(|run| run.status != RunStatus::Running);
    let wanted = ended.map(|run| (run.id.clone(), state.blast.epoch));
    if wanted == state.blast.told {
        return None;
    }
    state.blast.told = wanted.clone();
    Some(wanted.map(|(run, _)| run))
}

/// Takes up what the judge says. Says whether it is about the run that it was told to attend to.
pub fn heard(state: &mut AppState, judged: Judged) -> bool {
    if state.blast.told.as_ref().map(|(run, _)| run) != Some(&judged.run) {
        return false;
    }
    state.blast.failed = None;
    match judged.result {
        Ok(said) => state.blast.said = Some(said),
        Err(why) => {
            state.blast.said = None;
            state.blast.failed = Some((judged.run, why));
        }
    }
    if !judged.saved.is_empty() {
        state.blast.saved = judged.saved;
        state.blast.waiting = true;
    }
    true
}

/// What an automatic replay does after the judge spoke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Automatic {
    /// Nothing, or not now.
    Nothing,
    /// It replays.
    Replay,
    /// It may not; the sentence says why.
    Refused(String),
}

/// Whether a save is to be answered by a replay. `idle`: no run of this process goes on or begins.
pub fn automatic(state: &mut AppState, idle: bool) -> Automatic {
    let auto = state.blast.auto;
    if !state.blast.waiting || auto == AutoReplay::Off {
        state.blast.waiting = false;
        return Automatic::Nothing;
    }
    // While a run goes on the save waits; what follows it is judged then.
    let Some(said) = said(state).filter(|_| idle) else { return Automatic::Nothing };
    let verdict = &said.verdict;
    let answer = if said.clean || !verdict.problems.is_empty() {
        Automatic::Nothing
    } else if !verdict.effects.is_empty() {
        let names = text::fit(&verdict.effects.join(", "), 40);
        Automatic::Refused(format!("Not replayed: {names} may act on the world."))
    } else if auto == AutoReplay::Harmless && !verdict.unlabelled.is_empty() {
        let names = text::fit(&verdict.unlabelled.join(", "), 40);
        Automatic::Refused(format!("Not replayed: {names} may act on the world (effect=False if not)."))
    } else {
        Automatic::Replay
    };
    state.blast.waiting = false;
    answer
}
