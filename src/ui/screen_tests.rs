//! Whole screens: snapshots at four sizes, hostile text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Look, draw};
use crate::app::keys::Key;
use crate::app::msg::{AnswerHead, BackendEvent, ValueRow, ValueView};
use crate::app::script::{self as fake, Script, T0};
use crate::app::state::Overlay;
use crate::app::tone::Tone;
use crate::app::{AppState, Effect, Env, Msg, Reply, settle, update};
use crate::base::text;
use crate::model::{CallKind, CallStatus, RunStatus, Stream};
use crate::ui::glyphs::Glyphs;
use crate::ui::theme::Theme;

const SIZES: [(u16, u16); 4] = [(200, 60), (120, 40), (80, 24), (40, 10)];
pub(super) const ENV: Env = Env { now: T0 + 3_200_000 };

pub(super) fn look() -> Look {
    Look { theme: Theme::named("terminal").0, glyphs: Glyphs::Unicode }
}

/// Answers effects from the scripts until nothing is asked any more.
fn feed(state: &mut AppState, scripts: &[Script], mut effects: Vec<Effect>) {
    for _ in 0..20 {
        effects.extend(settle(state, &ENV));
        if effects.is_empty() {
            return;
        }
        for effect in std::mem::take(&mut effects) {
            let Some(reply) = fake::answer(scripts, &effect) else { continue };
            effects.extend(update(state, Msg::Reply(reply), &ENV));
        }
    }
}

pub(super) fn bench(scripts: Vec<Script>, size: (u16, u16), keys: &str) -> AppState {
    let mut state = AppState::new(fake::project(), size);
    let effects = crate::app::update::start(&mut state);
    feed(&mut state, &scripts, effects);
    for key in keys.split_whitespace() {
        let key = Key::parse(key).unwrap_or_else(|| panic!("no key {key}"));
        let effects = update(&mut state, Msg::Key(key), &ENV);
        feed(&mut state, &scripts, effects);
    }
    state
}

pub(super) fn render(state: &AppState, look: &Look) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.0, state.size.1));
    draw(state, look, ENV.now, &mut buffer);
    buffer
}

pub(super) fn shown(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                row.push_str(symbol);
            }
            skip = text::width(symbol).max(skip).saturating_sub(1);
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// One snapshot for each size.
pub(super) fn snapshots(name: &str, scripts: impl Fn() -> Vec<Script>, keys: &str) {
    for (w, h) in SIZES {
        let state = bench(scripts(), (w, h), keys);
        snapshot(&format!("{name}_{w}x{h}"), &state);
    }
}

pub(super) fn snapshot(name: &str, state: &AppState) {
    snapshot_text(name, &shown(&render(state, &look())));
}

pub(super) fn snapshot_text(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../../tests/screens", prepend_module_to_snapshot => false, omit_expression => true,
    }, {
        insta::assert_snapshot!(name.to_owned(), text);
    });
}

pub(super) fn some_runs() -> Vec<Script> {
    vec![
        fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
        fake::agent("2c1a00000000", 120, None, RunStatus::Failed),
    ]
}

#[test]
fn no_runs() {
    snapshots("no_runs", Vec::new, "");
}

#[test]
fn running() {
    let scripts = || {
        let mut scripts = some_runs();
        scripts.push(fake::agent("8f3c00000000", 12, Some("2c1a00000000"), RunStatus::Running));
        scripts
    };
    snapshots("running", scripts, "");
}

/// A workbench in which the judge spoke about the only run.
pub(super) fn judged(script: Script, calls: [&[u32]; 3], size: (u16, u16), keys: &str) -> AppState {
    let judged = fake::judged(&script, calls[0], calls[1], calls[2]);
    let mut state = bench(vec![script], size, "");
    update(&mut state, Msg::Backend(BackendEvent::Judged(judged)), &ENV);
    for key in keys.split_whitespace() {
        update(&mut state, Msg::Key(Key::parse(key).unwrap()), &ENV);
    }
    settle(&mut state, &ENV);
    state
}

#[test]
fn edited() {
    let script = || fake::agent("2c1a00000000", 120, None, RunStatus::Succeeded);
    for (w, h) in SIZES {
        let state = judged(script(), [&[2, 4], &[1], &[3, 5, 6]], (w, h), "");
        snapshot(&format!("edited_{w}x{h}"), &state);
    }
    let list = judged(script(), [&[2, 4], &[1], &[3, 5, 6]], (120, 24), "g b j");
    snapshot("edited_list", &list);
    let items: Vec<u32> = (4..40).collect();
    let folded = judged(fake::mapping("2c1a00000000", 60, &[]), [&items, &[1, 3], &[]], (120, 16), "");
    snapshot("edited_map", &folded);
}

#[test]
fn failed() {
    snapshots("failed", some_runs, "");
    snapshots("failed_inspector", some_runs, "enter");
}

#[test]
fn tabs() {
    // After the error comes the output, then the others.
    snapshots("tab_diff", some_runs, "enter t t t");
    snapshots("tab_source", some_runs, "enter t t t t t j j");
    snapshots("tab_why", some_runs, "enter t t t t t t");
    snapshots("tab_history", some_runs, "enter t t t t t t t");
    snapshots("tab_variance", some_runs, "enter g v");
}

#[test]
fn mapped() {
    let scripts = || {
        let mut scripts = some_runs();
        scripts.push(fake::mapping("77d200000000", 1_000, &[3, 500, 900]));
        scripts
    };
    snapshots("map_folded", scripts, "");
    snapshots("map_next_failed", scripts, "n n");
}

/// A replay that waits: one call before it executes, another behind its body.
pub(super) fn at_the_gate(size: (u16, u16), keys: &str) -> AppState {
    use crate::model::gate::{Ask, GateEvent, Moment, Proposed};
    let agent = || fake::agent("8f3c00000000", 12, Some("2c1a00000000"), RunStatus::Running);
    let mut scripts = some_runs();
    let mut script = agent();
    let waits = script.ask(1, "search_web", CallKind::Call, 4, r#"{"query": "checkpoint cost"}"#);
    scripts.push(script);
    let mut state = bench(scripts, size, "");
    let ask = |call, moment, proposed| Ask {
        call,
        moment,
        proposed,
        effect: false,
        stopped_by: None,
        platform: None,
    };
    let mut fresh = ask(
        waits,
        Moment::Before,
        Proposed::Execute { reason: Some("arguments changed".to_owned()), in_doubt: None },
    );
    fresh.stopped_by = Some("fn:search_web".to_owned());
    let after = ask(8, Moment::After, Proposed::Return { output: fake::value(r#"{"content": "Three."}"#) });
    let run = crate::base::ids::RunId::from_text("8f3c00000000");
    for ask in [fresh, after] {
        let event = GateEvent::Asked(ask);
        let effects = update(&mut state, Msg::Backend(BackendEvent::Gate { run: run.clone(), event }), &ENV);
        feed(&mut state, &[agent()], effects);
    }
    for key in keys.split_whitespace() {
        let effects = update(&mut state, Msg::Key(Key::parse(key).unwrap()), &ENV);
        feed(&mut state, &[agent()], effects);
    }
    state
}

/// What was edited at the gate and cannot be taken.
pub(super) fn rejected() -> Overlay {
    Overlay::Rejected(crate::app::gate::Rejected {
        what: crate::app::msg::Edited::Input,
        text: "{".to_owned(),
        why: "What was saved is not JSON: EOF while parsing an object at line 1 column 1.".to_owned(),
        may: false,
    })
}

/// A fork, and what it would do.
pub(super) fn forked() -> Overlay {
    let run = crate::base::ids::RunId::from_text("8f3c00000000");
    let value = serde_json::json!({"content": "Japan"});
    let effects = crate::app::ForkEffects::Ask;
    let fork = Box::new(crate::app::Fork {
        run,
        edits: vec![(4, crate::model::fork::Edit::Output(value))],
        any_type: false,
        effects,
    });
    let plan = crate::model::fork::ForkPlan {
        edited: 1,
        serve: 2,
        execute: 5,
        seconds: 11.0,
        tokens: 9_100,
        cost_usd: Some(0.03),
        effects: vec![("book_flights".to_owned(), 1)],
        changed: vec![crate::model::fork::Changed {
            call: 4,
            path: "research_agent/call_llm#2".to_owned(),
            places: vec![
                "content: \"Italy is lovely in May\" → \"Japan\"".to_owned(),
                format!("sources[2].title: \"{}\" → \"\"", "The long way to Rome ".repeat(3)),
            ],
        }],
    };
    Overlay::Fork { fork, plan: Box::new(plan) }
}

#[test]
fn stepping() {
    for (w, h) in SIZES {
        snapshot(&format!("gate_{w}x{h}"), &at_the_gate((w, h), ""));
    }
    snapshot("gate_after_80x24", &at_the_gate((80, 24), "k tab"));
    snapshot("gate_fail_80x24", &at_the_gate((80, 24), "! down"));
    snapshot("gate_help_80x24", &at_the_gate((80, 24), "?"));
    snapshot("gate_run_to_80x24", &at_the_gate((80, 24), "T f n : enter"));
    let mut state = at_the_gate((80, 24), "");
    state.overlay = Some(rejected());
    snapshot("gate_rejected_80x24", &state);
    for (w, h) in [(80, 24), (200, 60), (40, 10)] {
        state.overlay = Some(forked());
        update(&mut state, Msg::Resize(w, h), &ENV);
        settle(&mut state, &ENV);
        snapshot(&format!("fork_{w}x{h}"), &state);
    }
    update(&mut state, Msg::Resize(80, 24), &ENV);
    snapshot("breakpoints_80x24", &at_the_gate((80, 24), "b B a s p e n t space 5 enter"));
}

#[test]
fn the_time_line() {
    let failed = || vec![fake::agent("8f3c00000000", 12, None, RunStatus::Failed)];
    // The failure, and the same call when it had started, three events earlier.
    for (w, h) in [(80, 24), (200, 60)] {
        snapshot(&format!("as_of_failure_{w}x{h}"), &bench(failed(), (w, h), "T"));
        snapshot(&format!("as_of_started_{w}x{h}"), &bench(failed(), (w, h), "T left left left"));
    }
    snapshot("as_of_40x10", &bench(failed(), (40, 10), "T C C"));
}

#[test]
fn help() {
    snapshots("help", some_runs, "?");
    snapshots("palette", some_runs, ": s t o p");
    snapshots("themes", some_runs, ": t h e m e enter down");
}

#[test]
fn filter() {
    let scripts = || vec![fake::mapping("77d200000000", 1_000, &[3, 500, 900])];
    snapshots("filter_completion", scripts, "/ f n : s");
    snapshots("filter_mistake", scripts, "/ m s > x");
    snapshots("filter_applied", scripts, "/ f a i l e d enter");
}

#[test]
fn form() {
    snapshots("form", some_runs, "r t e a");
    snapshots("save_as", some_runs, "y f");
}

#[test]
fn problems() {
    let scripts = || vec![fake::mapping("77d200000000", 1_000, &[3, 500, 900])];
    snapshots("problems", scripts, "g p down");
}

/// What the workbench said, some of it longer than any row.
pub(super) fn told(size: (u16, u16), keys: &str) -> AppState {
    let mut state = bench(some_runs(), size, "");
    let long = "research_agent could not be started: /tmp/project/agents/research.py:12: ImportError: cannot import \
                name 'web_search' from partially initialized module 'tools' (most likely due to a circular import) \
                (/tmp/project/agents/tools.py). Imported by /tmp/project/agents/research.py:3, which is imported by \
                /tmp/project/agents/__init__.py:1. Move the import into the function that needs it.";
    let said = [
        BackendEvent::Notice("The sources are watched by looking at them each second.".to_owned()),
        BackendEvent::Failed(long.to_owned()),
        BackendEvent::Notice("Copied the path.".to_owned()),
        BackendEvent::Notice("Copied the path.".to_owned()),
    ];
    for (event, ago) in said.into_iter().zip([7_200, 90, 60, 8]) {
        update(&mut state, Msg::Backend(event), &Env { now: ENV.now - ago * 1_000_000 });
    }
    for key in keys.split_whitespace() {
        update(&mut state, Msg::Key(Key::parse(key).unwrap()), &ENV);
        settle(&mut state, &ENV);
    }
    state
}

#[test]
fn messages() {
    for (w, h) in SIZES {
        snapshot(&format!("messages_{w}x{h}"), &told((w, h), "g m up"));
        let long = "The golden file research.golden.txt was made by an older version; `tl-bench golden update` writes it \
                    anew after a look at what differs.";
        for (name, text) in [("long", long.to_owned()), ("too_long", long.repeat(5))] {
            let mut state = bench(some_runs(), (w, h), "");
            update(&mut state, Msg::Backend(BackendEvent::Failed(text)), &ENV);
            settle(&mut state, &ENV);
            snapshot(&format!("toast_{name}_{w}x{h}"), &state);
        }
    }
}

/// What edits cost is not covered by a long message.
#[test]
fn a_message_beside_edits() {
    let script = fake::agent("2c1a00000000", 120, None, RunStatus::Succeeded);
    let mut state = judged(script, [&[2, 4], &[1], &[3, 5, 6]], (80, 24), "");
    let long = "Run 4660 failed in 2.3 s: RateLimitError: 429 Too Many Requests: rate limit reached, try again in 20 s";
    update(&mut state, Msg::Backend(BackendEvent::Failed(long.to_owned())), &ENV);
    snapshot("toast_beside_edits_80x24", &state);
}

#[test]
fn which_key() {
    for (w, h) in SIZES {
        let mut state = bench(some_runs(), (w, h), "g");
        state.pending.as_mut().unwrap().since -= 300_000;
        snapshot(&format!("which_key_{w}x{h}"), &state);
    }
}

/// The styles of a screen: each row's stretches of one style.
pub(super) fn styles(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut at = 0;
        while at < buffer.area.width {
            let style = |x: u16| {
                let cell = &buffer[(x, y)];
                (cell.fg, cell.bg, cell.modifier)
            };
            let end = (at..buffer.area.width).find(|x| style(*x) != style(at)).unwrap_or(buffer.area.width);
            let (fg, bg, modifier) = style(at);
            out.push_str(&format!("{y}:{at}-{end} {fg} {bg} {modifier:?}\n"));
            at = end;
        }
    }
    out
}

#[test]
fn colours() {
    for theme in ["dark", "light", "mono"] {
        let state = bench(some_runs(), (80, 24), "");
        let look = Look { theme: Theme::named(theme).0, glyphs: Glyphs::Unicode };
        snapshot_text(&format!("colours_{theme}_80x24"), &styles(&render(&state, &look)));
    }
}

#[test]
fn ascii_glyphs_are_ascii() {
    let mono = Look { theme: Theme::named("mono").0, glyphs: Glyphs::Ascii };
    for keys in ["", "?", "r", "n"] {
        let state = bench(some_runs(), (120, 30), keys);
        let screen = shown(&render(&state, &mono));
        let foreign: String = screen.chars().filter(|c| !c.is_ascii()).collect();
        assert_eq!(foreign, "", "{keys}\n{screen}");
    }
}

/// Texts that try to leave their cells.
pub(super) const HOSTILE: [&str; 12] = [
    "\x1b[31m\x1b]0;owned\x07\x1b[2Jx",
    "\u{202e}drawkcab\u{2066}",
    "a\u{200b}b\u{200d}c\u{feff}d",
    "tab\there\r\nnew\nline\x08\x08",
    "日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語",
    "👩‍👩‍👧‍👦🏳️‍🌈e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "\u{9b}31m\u{85}\u{2028}\u{e0041}\u{7f}",
    "\u{301}\u{1160}ﷺ",
    // One sign of two columns for some terminals, two or more signs for others.
    "\u{1f44d}\u{1f3fd}\u{1f9d1}\u{1f3ff}\u{1f1e9}\u{1f1ea}\u{1f1e9}1\u{fe0f}\u{20e3}\u{2764}\u{fe0f}",
    "\u{644}\u{627}\u{5d0}\u{200d}\u{5dc}\u{1780}\u{17d2}\u{1781}\u{915}\u{94d}\u{937}\u{1100}\u{1161}\u{11a8}\u{ffa0}\u{3164}",
    "\x1bPq#0~~@@\x1b\\\x1b_Ga=T;AAAA\x1b\\\x1b^pm\x1b\\\x1bXsos\u{9c}\u{90}dcs\u{98}\u{9e}\u{9f}",
    "a\0b\x05\x0e\x0f\x0b\x0c\u{e0100}\u{2066}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{1d173}\u{fffe}\u{10ffff}",
];

pub(super) fn hostile(id: &str) -> Script {
    let mut s = Script::new(id, 5, Some("\x1b[2J\u{202e}"), HOSTILE[0]);
    for (i, bad) in HOSTILE.iter().enumerate() {
        let no = s.call(bad, i as u32, CallStatus::Fresh, bad, &bad.repeat(3));
        s.log(no, Stream::Stdout, &bad.repeat(20));
        let no = s.ask(1, bad, if i % 2 == 0 { CallKind::Map } else { CallKind::Call }, 7, bad);
        s.start(no);
        s.fail(no, 5, fake::error(bad, &bad.repeat(4)));
    }
    s.log(0, Stream::Stderr, &HOSTILE.concat());
    s
}

/// No control or invisible character is in a cell, and every cell is as wide as the terminal will make it.
pub(super) fn assert_clean(buffer: &Buffer) {
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            let w = text::width(symbol).max(1) as u16;
            assert!(x + w <= buffer.area.width, "row {y} leaves the screen: {symbol:?}");
            assert_eq!(text::line(&format!("x{symbol}")), format!("x{symbol}"), "row {y}, column {x}");
            // Not every terminal joins what makes up one sign.
            let apart: usize = symbol.chars().map(|c| text::width(c.encode_utf8(&mut [0; 4]))).sum();
            assert_eq!(usize::from(w), apart.max(1), "row {y}, column {x}: {symbol:?}");
            x += w;
        }
    }
}

/// Every kind of row with every hostile text.
fn hostile_views() -> Vec<ValueView> {
    let kinds = |bad: &str| {
        let text = || bad.to_owned();
        let node = |foldable, open, is_text| ValueRow::Node {
            path: vec![1, 2],
            key: Some(text()),
            kind: text(),
            text: bad.repeat(9),
            foldable,
            open,
            is_text,
            extension: "json",
        };
        vec![
            ValueRow::File { words: text(), nth: 0, extension: "png", picture: None },
            node(true, true, false),
            node(true, false, false),
            node(false, false, true),
            ValueRow::Text { text: text(), markdown: false },
            ValueRow::Text { text: format!("# {bad}"), markdown: true },
            ValueRow::Styled(vec![(Tone::CodeName, text()), (Tone::Text, bad.repeat(40))]),
            ValueRow::Turn { role: text(), name: Some(text()), note: Some(text()) },
            ValueRow::Tool { name: text(), text: bad.repeat(30), note: Some(text()) },
            ValueRow::Fact(text()),
            ValueRow::Cells { cells: vec![text(), bad.repeat(8), text()], heading: true },
            ValueRow::Dump { offset: 0, bytes: bad.as_bytes().to_vec() },
        ]
    };
    HOSTILE
        .iter()
        .map(|bad| ValueView {
            rows: kinds(bad),
            look: (*bad).to_owned(),
            has_other: true,
            cut: Some((*bad).to_owned()),
            extension: "json",
            answer: Some(AnswerHead {
                model: Some((*bad).to_owned()),
                finish: Some((*bad).to_owned()),
                ..AnswerHead::default()
            }),
        })
        .collect()
}

#[test]
fn hostile_text_stays_in_its_cells() {
    for size in [(200, 60), (120, 30), (101, 14), (80, 24), (41, 11), (40, 10)] {
        for keys in ["", "tab", "tab tab", "t t", "t t t", "j j j j", "enter enter", "r", "?"] {
            let mut state = bench(vec![hostile("0ff000000000")], size, keys);
            state.project.name = HOSTILE.concat();
            state.project.problems = vec![HOSTILE.concat()];
            for view in hostile_views() {
                if let Some(call) = state.current().and_then(|open| open.call())
                    && let Some(value) =
                        crate::app::inspect::shown_value(&state, call, state.effective_tab()).cloned()
                {
                    let ask = Box::default();
                    let reply = Reply::Value { digest: value.digest, ask, result: Ok(view) };
                    update(&mut state, Msg::Reply(reply), &ENV);
                    settle(&mut state, &ENV);
                    assert_clean(&render(&state, &look()));
                }
            }
            settle(&mut state, &ENV);
            assert_clean(&render(&state, &look()));
            update(&mut state, Msg::Backend(BackendEvent::Notice(HOSTILE.concat())), &ENV);
            assert_clean(&render(&state, &look()));
        }
    }
}

/// The borders are where they are without hostile text.
#[test]
fn hostile_text_does_not_move_the_borders() {
    let state = bench(vec![hostile("0ff000000000")], (200, 60), "");
    let buffer = render(&state, &look());
    let clean = bench(some_runs(), (200, 60), "");
    let expected = render(&clean, &look());
    let splits: Vec<_> = crate::app::layout::layout(&state).splits().collect();
    assert_eq!(splits.len(), 2);
    for (_, edge) in splits {
        for (x, y) in (0..edge.w).flat_map(|x| (0..edge.h).map(move |y| (edge.x + x, edge.y + y))) {
            assert_eq!(buffer[(x, y)].symbol(), expected[(x, y)].symbol(), "row {y}, column {x}");
        }
    }
}
