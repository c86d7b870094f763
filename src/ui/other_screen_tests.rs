//! The screens beside the main one: snapshots, and the time of a frame.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::screen_tests::{
    ENV, HOSTILE, assert_clean, at_the_gate, bench, forked, judged, look, rejected, render, shown, snapshot,
    snapshot_text, snapshots, some_runs, styles,
};
use super::{Look, draw};
use crate::app::find::{FoundHit, Indexing};
use crate::app::keys::Key;
use crate::app::script::{self as fake, Script};
use crate::app::{AppState, Msg, Reply, settle, update};
use crate::model::{CallKind, CallStatus, RunStatus};
use crate::ui::glyphs::Glyphs;
use crate::ui::theme::Theme;

/// An agent whose tools run at once, with a retry and a wait for a slot.
pub(super) fn concurrent() -> Script {
    use crate::model::EventKind;
    let mut s = Script::new("c0de00000000", 20, None, r#"{"topic": "tools"}"#);
    s.at += 50_000;
    s.call("call_llm", 1, CallStatus::Fresh, "{}", "3 tools");
    let map = s.ask(1, "search_web", CallKind::Map, 1, "");
    let items: Vec<_> = (0..4).map(|i| s.ask(map, "search_web", CallKind::Call, i, "{}")).collect();
    for no in &items[..3] {
        s.start(*no);
    }
    s.end(items[1], CallStatus::Fresh, 400, "hits", 0);
    s.start(items[3]);
    s.at += 300_000;
    let error = fake::error("TimeoutError", "slow");
    s.push(EventKind::AttemptFailed { no: items[0], attempt: 1, error });
    s.end(items[2], CallStatus::Fresh, 200, "hits", 0);
    s.at += 200_000;
    s.push(EventKind::CallStarted { no: items[0], attempt: 2, worker: 1 });
    s.fail(items[3], 300, fake::error("ValueError", "no page"));
    s.end(items[0], CallStatus::Fresh, 350, "hits", 0);
    s.end(map, CallStatus::Fresh, 0, "", 0);
    s.call("read_document", 1, CallStatus::Cached, "{}", "8 kB");
    let no = s.ask(1, "call_llm", CallKind::Call, 2, "{}");
    s.at += 100_000;
    s.start(no);
    s
}

#[test]
fn functions() {
    snapshots("functions", || vec![concurrent()], "g f j l l");
    let state = bench(vec![concurrent()], (80, 24), "g f j l l o");
    for (theme, glyphs) in [("mono", Glyphs::Ascii), ("dark", Glyphs::Unicode)] {
        let look = Look { theme: Theme::named(theme).0, glyphs };
        let drawn = render(&state, &look);
        snapshot_text(&format!("functions_{theme}_80x24"), &(shown(&drawn) + &styles(&drawn)));
    }
}

/// The search screen with what was found for "page layer".
pub(super) fn found(size: (u16, u16)) -> AppState {
    let mut state = bench(vec![concurrent()], size, "g s l a y e r");
    let hit = |call: u32, field: &'static str, text: &str, mark: std::ops::Range<usize>| FoundHit {
        run: crate::base::ids::RunId::from_text("c0de00000000"),
        app: "research_agent".to_owned(),
        started_at: fake::T0 - 20_000_000,
        call,
        path: format!("research_agent/search_web[{call}]"),
        field,
        text: text.to_owned(),
        marks: vec![mark],
        places: u64::from(call) * 30,
        more: call > 2,
    };
    let generation = state.finder.generation;
    let hits = vec![
        hit(3, "output", "the text layer of the page was read", 9..14),
        hit(1, "error", "ValueError: paper-3.pdf has no text layer", 36..41),
    ];
    update(&mut state, Msg::Reply(Reply::Found { generation, hits }), &ENV);
    let indexing = Indexing { run: 2, runs: 7, events: 12_000 };
    update(&mut state, Msg::Reply(Reply::Indexing(indexing)), &ENV);
    settle(&mut state, &ENV);
    state
}

#[test]
fn search() {
    for (w, h) in [(200, 60), (120, 40), (80, 24), (40, 10)] {
        snapshot(&format!("search_{w}x{h}"), &found((w, h)));
    }
    for (theme, glyphs) in [("mono", Glyphs::Ascii), ("light", Glyphs::Unicode)] {
        let look = Look { theme: Theme::named(theme).0, glyphs };
        let drawn = render(&found((80, 24)), &look);
        snapshot_text(&format!("search_{theme}_80x24"), &(shown(&drawn) + &styles(&drawn)));
    }
}

/// A run and its replay, beside each other.
pub(super) fn replayed() -> Vec<Script> {
    vec![
        fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
        fake::agent("8f3c00000000", 12, Some("9aa000000000"), RunStatus::Succeeded),
    ]
}

#[test]
fn diff() {
    snapshots("diff", replayed, "g d");
    let state = bench(replayed(), (120, 40), "g d o tab j j");
    snapshot("diff_all_read_120x40", &state);
    let state = bench(replayed(), (80, 24), "g d c n");
    for (theme, glyphs) in [("mono", Glyphs::Ascii), ("light", Glyphs::Unicode)] {
        let look = Look { theme: Theme::named(theme).0, glyphs };
        let drawn = render(&state, &look);
        snapshot_text(&format!("diff_{theme}_80x24"), &(shown(&drawn) + &styles(&drawn)));
    }
    let state = bench(replayed(), (40, 10), "g d tab");
    snapshot("diff_read_40x10", &state);
    let mut state = bench(replayed(), (80, 24), "g d");
    state.compare.ignored = vec!["*.id".to_owned(), "messages[*].created".to_owned()];
    crate::app::testing::press(&mut state, "W");
    snapshot("diff_rules_80x24", &state);
}

#[test]
fn savings() {
    snapshots("savings", replayed, "g l");
}

/// The styles of each panel in each theme that is promised. Where text stands is in the other snapshots.
#[test]
fn every_panel_in_dark_light_and_mono() {
    let size = (80, 24);
    let agents = |keys: &str| bench(some_runs(), size, keys);
    let pair = |keys: &str| bench(replayed(), size, keys);
    let mut fork = at_the_gate(size, "");
    fork.overlay = Some(forked());
    let mut wrong = at_the_gate(size, "");
    wrong.overlay = Some(rejected());
    let mapping = || vec![fake::mapping("77d200000000", 1_000, &[3, 500, 900])];
    let panels = [
        ("runs", agents("g r")),
        ("output", agents("enter t")),
        ("input", agents("enter t t")),
        ("diff_of_a_call", agents("enter t t t")),
        ("logs", agents("enter t t t t")),
        ("source", agents("enter t t t t t j j")),
        ("why", agents("enter t t t t t t")),
        ("history", agents("enter t t t t t t t")),
        ("attempts", agents("enter")),
        ("variance", agents("enter g v")),
        ("map", bench(mapping(), size, "n")),
        ("filter", bench(mapping(), size, "/ f n : s")),
        ("problems", bench(mapping(), size, "g p down")),
        ("edits", judged(some_runs().remove(1), [&[2, 4], &[1], &[3, 5, 6]], size, "g b j")),
        ("timeline", bench(vec![concurrent()], size, "g t j")),
        ("functions", bench(vec![concurrent()], size, "g f j l l")),
        ("search", found(size)),
        ("diff", pair("g d n")),
        ("savings", pair("g l")),
        ("gate", at_the_gate(size, "")),
        ("gate_fail", at_the_gate(size, "! down")),
        ("gate_rejected", wrong),
        ("fork", fork),
        ("resample", pair("a x")),
        ("breakpoints", at_the_gate(size, "b B")),
        ("form", agents("r t e a")),
        ("help", agents("?")),
        ("palette", agents(": s t o p")),
    ];
    for (name, state) in panels {
        let mut out = String::new();
        for theme in ["dark", "light", "mono"] {
            let look = Look { theme: Theme::named(theme).0, glyphs: Glyphs::Unicode };
            out.push_str(&format!("{theme}\n{}", styles(&render(&state, &look))));
        }
        snapshot_text(&format!("themed_{name}_80x24"), &out);
    }
}

#[test]
fn hostile_labels_stay_in_their_cells() {
    use crate::app::compare::Held;
    for size in [(200, 60), (120, 20), (80, 24), (40, 10)] {
        let mut state = bench(replayed(), size, "g d");
        let Held::Ready(found) = &mut state.compare.held else { panic!("no comparison") };
        let found = std::sync::Arc::make_mut(found);
        for (i, row) in found.rows.iter_mut().enumerate() {
            row.label = HOSTILE[i % HOSTILE.len()].to_owned();
            row.why = HOSTILE[(i + 1) % HOSTILE.len()].repeat(9);
        }
        for (i, cause) in found.causes.iter_mut().enumerate() {
            cause.words = HOSTILE[i].repeat(30);
        }
        settle(&mut state, &ENV);
        assert_clean(&render(&state, &look()));
    }
}

#[test]
fn timeline() {
    snapshots("timeline", || vec![concurrent()], "g t");
    let state = bench(vec![concurrent()], (120, 40), "g t c c c + +");
    snapshot("timeline_zoomed_120x40", &state);
    let state = bench(vec![concurrent()], (80, 24), "g t j");
    for (theme, glyphs) in [("mono", Glyphs::Ascii), ("light", Glyphs::Unicode)] {
        let look = Look { theme: Theme::named(theme).0, glyphs };
        let drawn = render(&state, &look);
        snapshot_text(&format!("timeline_{theme}_80x24"), &(shown(&drawn) + &styles(&drawn)));
    }
}

/// The time of a frame of the timeline, from zoomed out to zoomed in, while the run goes on.
pub(super) fn timeline_frames(state: &mut AppState) -> std::time::Duration {
    for key in ["g", "t"] {
        update(state, Msg::Key(Key::parse(key).unwrap()), &ENV);
    }
    settle(state, &ENV);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    let keys = ["j", "+", "l", "-", "down", "+", "+", "+", ">", "0"];
    let begun = std::time::Instant::now();
    for key in keys {
        update(state, Msg::Key(Key::parse(key).unwrap()), &ENV);
        settle(state, &ENV);
        buffer.reset();
        draw(state, &look(), ENV.now, &mut buffer);
    }
    let frame = begun.elapsed() / keys.len() as u32;
    assert!(shown(&buffer).contains("step"), "{}", shown(&buffer));
    frame
}

/// Items that begin alike, names of more than sixteen columns, and results that differ late.
fn alike() -> Script {
    let mut script = Script::new("77d200000000", 5, None, r#"{"region": "EU"}"#);
    let load = script.ask(1, "load_customer_accounts", CallKind::Call, 1, r#"{"region": "EU"}"#);
    script.start(load);
    script.end(load, CallStatus::Fresh, 200, "list[9]", 0);
    let map = script.ask(1, "score_customer", CallKind::Map, 1, "");
    for id in 0..9u32 {
        let input = format!(
            r#"{{"customer": {{"kind": "company", "country": "DE", "segment": "retail", "id": {}}}}}"#,
            16 + id
        );
        let item = script.ask(map, "score_customer", CallKind::Call, id, &input);
        script.start(item);
        let output = format!(
            r#"{{"model": "scores-2026-11", "reason": "paid all invoices in time", "risk": {}, "limit": 1000}}"#,
            if id % 3 == 0 { "high" } else { "low" }
        );
        script.end(item, CallStatus::Fresh, 300, &output, 120);
    }
    let write = script.ask(1, "write_report", CallKind::Call, 1, r#"{"to": "report.md"}"#);
    script.start(write);
    script
}

#[test]
fn items_that_begin_alike() {
    for size in [(80, 24), (120, 30), (200, 60)] {
        snapshot(&format!("alike_{}x{}", size.0, size.1), &bench(vec![alike()], size, "z r"));
    }
}
