//! Runs made by hand, for tests of this floor and those above.

use std::sync::Arc;

use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::event::{CallAsked, CallEnded};
use crate::model::verdict::{CallVerdict, ChangedFunction, ChangedPart, Cost, Fate, PartChange, Verdict};
use crate::model::{
    CallKind, CallStatus, ErrorInfo, ErrorKind, Event, EventKind, Frame, Mode, RunHistory, RunStatus,
    RunSummary, Site, Stream, Usage, ValueRef,
};

use super::asof;
use super::blast::Said;
use super::compare::{CauseLine, Comparison, Mark, PairId, PairView, Part, Row};
use super::msg::{AppInfo, Effect, Judged, Param, ProjectInfo, Reply, ValueRow, ValueView};
use super::tab::{Change, Tab, TabKey, TabRow, TabView, Target};
use super::tone::Tone;

/// The instant at which scripted runs start.
pub const T0: Micros = 1_700_000_000_000_000;

/// A value with this preview.
pub fn value(preview: &str) -> ValueRef {
    ValueRef {
        digest: Digest::of(preview.as_bytes()),
        size: preview.len() as u64,
        preview: preview.chars().take(120).collect(),
        inline: Some(preview.as_bytes().to_vec()),
        withheld: None,
    }
}

/// An error as Python gives it.
pub fn error(type_name: &str, message: &str) -> ErrorInfo {
    let frame = |line, name: &str, text: &str| Frame {
        file: "/home/agent/app.py".to_owned(),
        line,
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let frames = vec![
        frame(41, "research_agent", "response = call_llm(messages)"),
        frame(17, "call_llm", "return client.chat(messages)"),
    ];
    let mut traceback = "Traceback (most recent call last):\n".to_owned();
    for frame in &frames {
        traceback.push_str(&format!(
            "  File \"{}\", line {}, in {}\n    {}\n",
            frame.file, frame.line, frame.name, frame.text
        ));
    }
    traceback.push_str(&format!("{type_name}: {message}\n"));
    ErrorInfo { traceback, frames, ..ErrorInfo::new(ErrorKind::Function, type_name, message) }
}

/// A run being written.
pub struct Script {
    /// Its id.
    pub run: RunId,
    /// What happened so far.
    pub events: Vec<Event>,
    /// The script's clock.
    pub at: Micros,
    calls: CallNo,
}

impl Script {
    /// A run of `research_agent` that starts `age` seconds before [`T0`].
    pub fn new(id: &str, age: i64, parent: Option<&str>, input: &str) -> Self {
        let run = RunId::from_text(id);
        let mut script = Script { run: run.clone(), events: Vec::new(), at: T0 - age * 1_000_000, calls: 0 };
        script.push(EventKind::RunStarted {
            run,
            app: "research_agent".to_owned(),
            file: "/home/agent/app.py".to_owned(),
            mode: if parent.is_some() { Mode::Adaptive } else { Mode::Fresh },
            parent: parent.map(RunId::from_text),
            input: value(input),
            python: "3.12.1".to_owned(),
            version: "0".to_owned(),
            purpose: crate::model::Purpose::default(),
        });
        script.ask(0, "research_agent", CallKind::Root, 1, input);
        script.start(1);
        script
    }

    /// Adds an event.
    pub fn push(&mut self, kind: EventKind) {
        self.events.push(Event { seq: self.events.len() as u64 + 1, at: self.at, kind });
    }

    /// A call is asked for.
    pub fn ask(
        &mut self,
        parent: CallNo,
        function: &str,
        kind: CallKind,
        ordinal: u32,
        input: &str,
    ) -> CallNo {
        self.calls += 1;
        let no = self.calls;
        self.push(EventKind::CallAsked(Box::new(CallAsked {
            no,
            parent,
            parent_attempt: 1,
            kind,
            function: function.to_owned(),
            ordinal,
            key: Digest::of(&no.to_le_bytes()),
            code: Digest::default(),
            durable_id: Digest::default(),
            durable: true,
            input: (!input.is_empty()).then(|| value(input)),
            site: Some(Site { file: "/home/agent/app.py".to_owned(), line: 41 }),
            reason: None,
            effect: false,
            pickled: None,
        })));
        no
    }

    /// A call starts.
    pub fn start(&mut self, no: CallNo) {
        self.push(EventKind::CallStarted { no, attempt: 1, worker: 1 });
    }

    fn ended(&mut self, no: CallNo, status: CallStatus, ms: i64) -> CallEnded {
        if status != CallStatus::Cached {
            self.at += ms * 1_000;
        }
        CallEnded {
            no,
            status,
            wall_us: ms * 1_000,
            output: None,
            error: None,
            origin: None,
            usage: None,
            state_reads: Vec::new(),
            reads: vec![],
        }
    }

    /// A call ends after so many milliseconds.
    pub fn end(&mut self, no: CallNo, status: CallStatus, ms: i64, output: &str, tokens: u64) {
        let mut ended = self.ended(no, status, ms);
        ended.output = (!output.is_empty()).then(|| value(output));
        ended.usage = (tokens > 0).then(|| Usage {
            input: tokens - tokens / 8,
            output: tokens / 8,
            model: Some("gpt-4o".to_owned()),
            cost_usd: Some(tokens as f64 * 5e-6),
            ..Usage::default()
        });
        self.push(EventKind::CallEnded(Box::new(ended)));
    }

    /// A call fails.
    pub fn fail(&mut self, no: CallNo, ms: i64, error: ErrorInfo) {
        let mut ended = self.ended(no, CallStatus::Failed, ms);
        ended.error = Some(error);
        self.push(EventKind::CallEnded(Box::new(ended)));
    }

    /// A call writes.
    pub fn log(&mut self, no: CallNo, stream: Stream, text: &str) {
        self.push(EventKind::Log { no, stream, text: text.to_owned() });
    }

    /// A call sets request state.
    pub fn set(&mut self, no: CallNo, key: &str, to: &str) {
        self.push(EventKind::StateSet { no, key: key.to_owned(), value: value(to) });
    }

    /// The run ends.
    pub fn finish(&mut self, status: RunStatus, error: Option<ErrorInfo>) {
        self.push(EventKind::RunEnded { status, output: None, error });
    }

    /// A call below the application, from asking to its end.
    pub fn call(
        &mut self,
        function: &str,
        ordinal: u32,
        status: CallStatus,
        input: &str,
        output: &str,
    ) -> CallNo {
        let no = self.ask(1, function, CallKind::Call, ordinal, input);
        if status != CallStatus::Cached {
            self.start(no);
        }
        let tokens = if function == "call_llm" { 400 + u64::from(ordinal) * 37 } else { 0 };
        self.end(no, status, 300 + i64::from(ordinal) * 170, output, tokens);
        no
    }

    /// The projection.
    pub fn history(&self) -> RunHistory {
        let mut history = RunHistory::new(self.run.clone());
        for event in &self.events {
            history.apply(event);
        }
        history
    }

    /// The run in one line.
    pub fn summary(&self) -> RunSummary {
        self.history().summary(false)
    }
}

/// An agent that goes around three times and then runs, fails, or returns.
pub fn agent(id: &str, age: i64, parent: Option<&str>, end: RunStatus) -> Script {
    let mut s = Script::new(id, age, parent, r#"{"topic": "durable execution"}"#);
    let served = if parent.is_some() { CallStatus::Cached } else { CallStatus::Fresh };
    for i in 1..=3u32 {
        s.call("call_llm", i, served, r#"{"messages": [1, 2]}"#, r#"{"tool": "search_web"}"#);
        s.call("search_web", i, served, &format!(r#"{{"query": "q{i}"}}"#), "5 results");
    }
    s.log(1, Stream::Stdout, "three rounds done\n");
    let no = s.ask(1, "call_llm", CallKind::Call, 4, r#"{"messages": [1, 2, 3, 4, 5, 6, 7, 8]}"#);
    s.start(no);
    s.log(no, Stream::Stdout, "asking the model\n");
    s.log(no, Stream::Stderr, "slow answer, waiting\n");
    match end {
        RunStatus::Running => {}
        RunStatus::Succeeded => {
            s.end(no, CallStatus::Fresh, 2_100, r#"{"content": "Three sources agree."}"#, 1_200);
            s.end(1, CallStatus::Fresh, 9_000, "\"Three sources agree.\"", 0);
            s.finish(end, None);
        }
        _ => {
            let why = error("RateLimitError", "429 Too Many Requests: try again in 20 s");
            s.fail(no, 1_400, why.clone());
            s.fail(1, 9_000, why.clone());
            s.finish(end, Some(why));
        }
    }
    s
}

/// A map over so many items, of which these failed.
pub fn mapping(id: &str, items: u32, failing: &[u32]) -> Script {
    let mut s = Script::new(id, 30, Some("2c1a00000000"), r#"{"folder": "papers"}"#);
    s.call("load", 1, CallStatus::Cached, r#"{"folder": "papers"}"#, &format!("list[{items}]"));
    let map = s.ask(1, "summarise", CallKind::Map, 1, "");
    let first = map + 1;
    for i in 0..items {
        s.ask(map, "summarise", CallKind::Call, i, &format!(r#"{{"doc": "paper-{i}.pdf"}}"#));
    }
    for i in 0..items {
        if failing.contains(&i) {
            s.fail(first + i, 12, error("ValueError", &format!("paper-{i}.pdf has no text layer")));
        } else {
            s.end(first + i, CallStatus::Cached, 800, "\"A summary.\"", 200);
        }
    }
    let why = error("FunctionError", "summarise failed for 3 of its items");
    s.fail(map, 0, why.clone());
    s.fail(1, 400, why.clone());
    s.finish(RunStatus::Failed, Some(why));
    s
}

/// The project of the scripts.
pub fn project() -> ProjectInfo {
    ProjectInfo {
        name: "research-agent".to_owned(),
        root: "/home/agent".to_owned(),
        applications: vec![AppInfo {
            name: "research_agent".to_owned(),
            file: "/home/agent/app.py".to_owned(),
            line: 30,
            params: vec![Param { name: "topic".to_owned(), hint: Some("str".to_owned()), default: None }],
        }],
        problems: Vec::new(),
        unread: false,
    }
}

/// A value as the engine would show it.
pub fn pretty(value: &ValueRef) -> ValueView {
    let text = serde_json::from_str::<serde_json::Value>(&value.preview)
        .ok()
        .and_then(|json| serde_json::to_string_pretty(&json).ok())
        .unwrap_or_else(|| value.preview.clone());
    let rows = text.lines().map(|line| ValueRow::Text { text: line.to_owned(), markdown: false }).collect();
    ValueView { rows, look: "text".to_owned(), ..ValueView::default() }
}

/// A tab as the engine would make it.
pub fn tab_view(key: &TabKey) -> TabView {
    let file = "/home/agent/app.py".to_owned();
    let at = |line: u32| Some(Target::Source { file: file.clone(), line });
    let code = |change: Change, old: u32, new: u32, text: &str| TabRow::Code {
        change,
        old: (old > 0).then_some(old),
        new: (new > 0).then_some(new),
        pieces: vec![(if change == Change::Removed { Tone::Bad } else { Tone::Text }, text.to_owned())],
        target: at(new.max(old)),
    };
    let heading = |text: &str, line| TabRow::Text {
        indent: 0,
        tone: Tone::Title,
        text: text.to_owned(),
        target: at(line),
    };
    let rows = match key.tab {
        Tab::Source => vec![
            TabRow::text(0, Tone::Marked, "changed since this call: 1 definition: TONE"),
            TabRow::Blank,
            heading("call_llm  app.py:15", 15),
            code(Change::Same, 14, 15, "@function()"),
            code(Change::Same, 15, 16, "def call_llm(messages: list[dict]) -> dict:"),
            code(Change::Same, 16, 17, "    return client.chat([SYSTEM.format(tone=TONE), *messages])"),
            TabRow::Blank,
            heading("TONE  app.py:2  changed", 2),
            TabRow::text(0, Tone::Quiet, "reached by call_llm → TONE"),
            code(Change::Removed, 2, 0, "TONE = \"kind\""),
            code(Change::Added, 0, 2, "TONE = \"curt\""),
        ],
        Tab::Why => vec![
            TabRow::text(0, Tone::Title, "executed: it failed before: RateLimitError: 429 Too Many Requests"),
            TabRow::Text {
                indent: 0,
                tone: Tone::Quiet,
                text: "compared with call 2c1a7f of run 2c1a00000000 (failed, the same arguments)".to_owned(),
                target: Some(Target::Call { run: RunId::from_text("9aa000000000"), no: 2 }),
            },
            TabRow::text(
                0,
                Tone::Warning,
                "on the platform: reuse (another verdict): a result is recorded at its durable id",
            ),
            TabRow::text(
                2,
                Tone::Warning,
                "the arguments changed: the platform would serve the output that the old ones gave",
            ),
            TabRow::text(2, Tone::Quiet, "durable id 6d5d2ea2e48b9f55"),
        ],
        Tab::Diff => vec![
            TabRow::text(0, Tone::Text, "differs because of other calls"),
            TabRow::Blank,
            TabRow::text(0, Tone::Title, "output"),
            TabRow::text(2, Tone::Key, "content"),
            code(Change::Same, 1, 1, "Three sources agree."),
            code(Change::Removed, 2, 0, "I am happy to say that checkpoints are matched by content."),
            code(Change::Added, 0, 2, "Checkpoints are matched by content."),
        ],
        Tab::History => vec![
            TabRow::text(0, Tone::Quiet, "1 checkpoint of this question; 2 runs looked through"),
            TabRow::Blank,
            TabRow::text(0, Tone::Title, "2c1a    2m  failed       1.4 s   this call"),
            TabRow::text(6, Tone::Bad, "RateLimitError: 429 Too Many Requests"),
            TabRow::Text {
                indent: 0,
                tone: Tone::Good,
                text: "9aa0    1h  fresh        2.1 s   the same question".to_owned(),
                target: Some(Target::Call { run: RunId::from_text("9aa000000000"), no: 8 }),
            },
            TabRow::text(6, Tone::Text, "→ {\"content\": \"Three sources agree.\"}"),
        ],
        Tab::Variance => vec![
            TabRow::text(
                0,
                Tone::Title,
                "research_agent/call_llm#4  executed 5 times, 2 of them as samples, 2 different answers",
            ),
            TabRow::text(0, Tone::Text, "agreement   80 %  4 of 5 gave the most frequent answer"),
            TabRow::text(0, Tone::Text, "difference  0 % █▆         100 %"),
            TabRow::text(12, Tone::Quiet, "of two answers: 0 % in the middle, 13 % at most"),
            TabRow::Blank,
            TabRow::text(0, Tone::Title, "  4 ×  ████████████████"),
            TabRow::text(7, Tone::Text, "Three sources agree."),
            TabRow::Text {
                indent: 7,
                tone: Tone::Quiet,
                text: "call 9aa8 of run 9aa0".to_owned(),
                target: Some(Target::Call { run: RunId::from_text("9aa000000000"), no: 8 }),
            },
            TabRow::Blank,
            TabRow::text(0, Tone::Title, "  1 ×  ████"),
            TabRow::text(7, Tone::Text, "Two sources agree."),
        ],
        tab => vec![TabRow::text(0, Tone::Quiet, tab.title())],
    };
    TabView { rows }
}

/// A comparison of two runs of the agent in which one word of a prompt was edited.
pub fn comparison(a: &RunId, b: &RunId) -> Comparison {
    let row = |pair: PairId, parent: Option<usize>, label: &str, mark: Mark, part: Part, words: &str| Row {
        pair,
        depth: u16::from(parent.is_some()),
        parent,
        label: label.to_owned(),
        mark,
        part,
        words: words.to_owned(),
        why: String::new(),
        only_time: false,
        noise: false,
    };
    let both = |no: u32| (Some(no), Some(no));
    let why = "code changed: TONE in app.py:2";
    let mut rows = vec![
        row(both(1), None, "research_agent", Mark::Changed, Part::Consequence, "output"),
        row(both(2), Some(0), "call_llm#1", Mark::Changed, Part::Cause, "output, code"),
        row(both(3), Some(0), "search_web#1", Mark::Same, Part::None, ""),
        row((Some(4), None), Some(0), "read_document#1", Mark::Removed, Part::Consequence, ""),
        row((None, Some(4)), Some(0), "search_web#2", Mark::Added, Part::Consequence, ""),
        row(both(5), Some(0), "call_llm#2", Mark::Changed, Part::Cause, "input, output, code"),
        row((Some(6), Some(7)), Some(0), "search_web#3", Mark::Moved, Part::Consequence, ""),
        row(both(8), Some(0), "call_llm#3", Mark::Changed, Part::Cause, "output"),
    ];
    rows[1].why = why.to_owned();
    rows[2].only_time = true;
    rows[5].why = why.to_owned();
    rows[7].why = "another answer to the same question".to_owned();
    rows[7].noise = true;
    let cause = |words: &str, row, calls| CauseLine { words: words.to_owned(), row, calls };
    Comparison {
        ignores: Vec::new(),
        a: a.clone(),
        b: b.clone(),
        tally: "1 same, 3 changed, 1 added, 1 removed, 1 moved".to_owned(),
        causes: vec![cause(why, 1, 2), cause("another answer to the same question", 7, 1)],
        first: Some(1),
        rows,
        hidden: Vec::new(),
    }
}

/// What differs inside any pair.
pub fn pair_view(pair: PairId) -> PairView {
    let key = TabKey { run: RunId::from_text("2c1a00000000"), no: pair.1.unwrap_or(1), tab: Tab::Diff };
    let patch = "--- a\n+++ b\n@@ -1 +1 @@\n-kind\n+curt\n".to_owned();
    PairView { view: tab_view(&key), patch, ..PairView::default() }
}

/// The scripts in one line each, newest first.
pub fn summaries(scripts: &[Script]) -> Vec<RunSummary> {
    let mut out: Vec<RunSummary> = scripts.iter().map(Script::summary).collect();
    out.sort_by_key(|run| std::cmp::Reverse(run.started_at));
    out
}

fn events(scripts: &[Script], run: &RunId, after: u64, most: usize) -> Result<Vec<Event>, String> {
    let script = scripts.iter().find(|script| script.run == *run).ok_or("there is no such run")?;
    Ok(script.events.iter().filter(|event| event.seq > after).take(most).cloned().collect())
}

/// What a store with these scripts answers to a question; `None` to what is no question to a store.
pub fn answer(scripts: &[Script], effect: &Effect) -> Option<Reply> {
    let find = |run: &RunId| {
        scripts.iter().find(|script| script.run == *run).ok_or_else(|| format!("there is no run {run}"))
    };
    Some(match effect {
        Effect::LoadRuns { generation, .. } => {
            Reply::Runs { generation: *generation, result: Ok(summaries(scripts)) }
        }
        Effect::LoadHistory { run, generation } => Reply::History {
            generation: *generation,
            run: run.clone(),
            result: find(run).map(|script| std::sync::Arc::new(script.history())),
        },
        Effect::LoadEvents { run, after_seq, generation, .. } => Reply::Events {
            generation: *generation,
            run: run.clone(),
            result: find(run)
                .map(|script| script.events.iter().filter(|event| event.seq > *after_seq).cloned().collect()),
        },
        Effect::LoadMarks { run, generation } => {
            let result =
                asof::marks(|after, most| events(scripts, run, after, most)).map(std::sync::Arc::new);
            Reply::Marks { generation: *generation, result }
        }
        Effect::LoadAsOf { run, seq, total, from, generation } => {
            let read = |after, most| events(scripts, run, after, most);
            let result = asof::rebuild(run, (*seq, *total), from.clone(), read).map(Box::new);
            Reply::AsOf { generation: *generation, result }
        }
        Effect::LoadTab { key, generation } => {
            Reply::Tab { generation: *generation, result: Ok(tab_view(key)) }
        }
        Effect::Compare { a, b, generation, .. } => {
            let base = || find(b).ok()?.summary().parent;
            let a = a.clone().or_else(base).ok_or_else(|| "there is no other run".to_owned());
            Reply::Compared { generation: *generation, result: a.map(|a| comparison(&a, b)) }
        }
        Effect::ComparePair { pair, generation, .. } => {
            Reply::Inside { generation: *generation, result: Ok(pair_view(*pair)) }
        }
        Effect::LoadInput { app } => Reply::Input { app: app.clone(), input: None },
        Effect::LoadValue { value, ask } => {
            Reply::Value { digest: value.digest, ask: ask.clone(), result: Ok(pretty(value)) }
        }
        _ => return None,
    })
}

/// What the judge says of a run when `clean` in util.py was edited: these calls executed it, these made those calls,
/// and these came after them.
pub fn judged(script: &Script, edited: &[CallNo], callers: &[CallNo], after: &[CallNo]) -> Judged {
    let history = script.history();
    let fate = |no: &CallNo| match () {
        () if edited.contains(no) => Fate::Edited,
        () if callers.contains(no) => Fate::Caller,
        () if after.contains(no) => Fate::After,
        () => Fate::Holds,
    };
    let call = |no: CallNo| {
        let fate = fate(&no);
        let because = edited.first().copied().filter(|_| matches!(fate, Fate::Caller | Fate::After));
        Some(CallVerdict { fate, by_edit: fate != Fate::Holds, because, reason: None, elsewhere: false })
    };
    let cost = |calls: usize| Cost {
        calls: calls as u64,
        seconds: calls as f64,
        critical_seconds: calls as f64 * 0.8,
        tokens: calls as u64 * 700,
        known_usd: calls as f64 * 0.01,
        ..Cost::default()
    };
    let part = ChangedPart {
        change: PartChange::Changed,
        name: "clean".to_owned(),
        file: "util.py".to_owned(),
        line: 12,
        via: ["call_llm", "prepare", "clean"].map(str::to_owned).to_vec(),
    };
    let changed = ChangedFunction {
        function: "call_llm".to_owned(),
        place: Some(("app.py".to_owned(), 15)),
        calls: edited.len() as u64,
        parts: vec![part],
        reasons: Vec::new(),
    };
    let verdict = Verdict {
        run: script.run.clone(),
        calls: (1..=history.calls.len() as CallNo).map(call).collect(),
        changed: if edited.is_empty() { Vec::new() } else { vec![changed] },
        problems: Vec::new(),
        rerun: cost(edited.len()),
        at_most: cost(edited.len() + after.len()),
        effects: Vec::new(),
        unlabelled: vec!["call_llm".to_owned(), "research_agent".to_owned()],
        anyway: Cost::default(),
    };
    Judged {
        run: script.run.clone(),
        saved: vec!["util.py".to_owned()],
        result: Ok(Arc::new(Said::new(verdict, &history))),
    }
}
