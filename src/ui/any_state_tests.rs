//! Any state draws at any size, and a large one in time.

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::glyphs::Glyphs;
use super::screen_tests::{
    ENV, assert_clean, at_the_gate, bench, forked, hostile, judged, look, rejected, render, some_runs,
};
use super::theme::Theme;
use super::{Look, draw};
use crate::app::keys::Key;
use crate::app::script::{self as fake, Script};
use crate::app::{Msg, settle, update};
use crate::model::{CallKind, CallStatus, RunStatus};

fn any_key() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "j",
        "k",
        "h",
        "l",
        "space",
        "n",
        "N",
        "f",
        "tab",
        "shift-tab",
        "enter",
        "esc",
        "?",
        ":",
        "g",
        "z",
        "Z",
        "e",
        "r",
        "R",
        "x",
        "t",
        "home",
        "end",
        "pgup",
        "pgdn",
        "q",
        "{",
        "\"",
        "backspace",
        "delete",
        "ctrl-u",
        "c",
        "+",
        "-",
        "<",
        "0",
        "timeline",
        "functions",
        "find",
        "compare",
        "o",
        "1",
        "savings",
        "messages",
        "edits",
        "problems",
        "variance",
        "resample",
        "fork",
        "rejected",
        "points",
        "fail",
        "save",
        "a",
        "b",
        "d",
        "i",
        "m",
        "p",
        "u",
        "w",
        "y",
        "A",
        "B",
        "M",
        "S",
        "T",
        "!",
        "/",
        "f5",
        "left",
        "down",
    ])
}

/// What leads to screens and overlays, by words in [`any_key`].
const SCREENS: [(&str, &str); 13] = [
    ("timeline", "g t"),
    ("functions", "g f"),
    ("find", "g s"),
    ("compare", "g d"),
    ("savings", "g l"),
    ("messages", "g m"),
    ("edits", "g b"),
    ("problems", "g p"),
    ("variance", "g v"),
    ("resample", "a x"),
    ("points", "B"),
    ("fail", "!"),
    ("save", "y f"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_state_draws_at_any_size(
        sizes in proptest::collection::vec((0u16..=300, 0u16..=100), 1..6),
        keys in proptest::collection::vec(any_key(), 0..30),
        which in 0usize..7,
        prefix in 0usize..60,
        ascii in any::<bool>(),
    ) {
        let scripts = match which {
            0 => Vec::new(),
            1 => {
                let mut scripts = some_runs();
                scripts.push(fake::agent("8f3c00000000", 12, Some("2c1a00000000"), RunStatus::Succeeded));
                scripts
            }
            2 => vec![fake::mapping("77d200000000", 60, &[3, 50])],
            3 => vec![hostile("0ff000000000")],
            _ => {
                let mut script = fake::agent("8f3c00000000", 1, None, RunStatus::Failed);
                script.events.truncate(prefix.max(1));
                vec![script]
            }
        };
        let overlay = keys.iter().rev().find_map(|key| match *key {
            "fork" => Some(forked()),
            "rejected" => Some(rejected()),
            _ => None,
        });
        let typed = |key: &&&str| !["fork", "rejected"].contains(*key);
        let mut keys = keys.iter().filter(typed).copied().collect::<Vec<_>>().join(" ");
        for (word, typed) in SCREENS {
            keys = keys.replace(word, typed);
        }
        let mut state = match which {
            5 => at_the_gate(sizes[0], &keys),
            6 => judged(some_runs().remove(1), [&[2, 4], &[1], &[3, 5, 6]], sizes[0], &keys),
            _ => bench(scripts, sizes[0], &keys),
        };
        if overlay.is_some() {
            state.overlay = overlay;
        }
        let look = Look {
            theme: Theme::named("terminal").0,
            glyphs: if ascii { Glyphs::Ascii } else { Glyphs::Unicode },
        };
        for (w, h) in sizes {
            // Drawn once before the state knows of the new size, as between a resize and its message.
            let mut buffer = Buffer::empty(Rect::new(0, 0, w, h));
            draw(&state, &look, ENV.now, &mut buffer);
            update(&mut state, Msg::Resize(w, h), &ENV);
            settle(&mut state, &ENV);
            let drawn = draw(&state, &look, ENV.now, &mut buffer);
            assert!(drawn.cursor.is_none_or(|(x, y)| x < w && y < h), "{:?} in {w}x{h}", drawn.cursor);
            assert_clean(&render(&state, &look));
        }
    }
}

/// Demand: a tree of a hundred thousand calls costs at most 2 ms a frame (in a release build).
#[test]
fn a_hundred_thousand_calls_draw_in_time() {
    let mut script = Script::new("77d200000000", 5, None, "{}");
    for i in 0..100_000u32 {
        let no = script.ask(1 + i / 10, "step", CallKind::Call, i % 10 + 1, r#"{"n": 1}"#);
        script.start(no);
        if i % 3 != 0 {
            script.end(no, CallStatus::Fresh, 1, "\"done\"", 10);
        }
    }
    let mut state = bench(vec![script], (200, 60), "");
    assert_eq!(state.current().unwrap().tree.rows().len(), 100_001);
    update(&mut state, Msg::Key(Key::parse("end").unwrap()), &ENV);
    let look = look();
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    let frames = 50;
    let begun = std::time::Instant::now();
    for i in 0..frames {
        let key = if i % 2 == 0 { "k" } else { "pgup" };
        update(&mut state, Msg::Key(Key::parse(key).unwrap()), &ENV);
        settle(&mut state, &ENV);
        buffer.reset();
        draw(&state, &look, ENV.now, &mut buffer);
    }
    let frame = begun.elapsed() / frames;
    let charts = super::other_screen_tests::timeline_frames(&mut state);
    let begun = std::time::Instant::now();
    let open = state.current_mut().unwrap();
    open.tree.set_fold(2, true);
    assert!(open.tree.rebuild());
    let rebuild = begun.elapsed();
    let optimised = !cfg!(debug_assertions);
    #[allow(clippy::print_stderr)] // Shown by `--nocapture`: the figure is the point.
    {
        eprintln!(
            "100,000 calls: {frame:?} a frame, {rebuild:?} to flatten after a fold, timeline {charts:?}"
        );
    }
    let limit = if optimised { 2 } else { 40 };
    assert!(frame.as_millis() <= limit, "{frame:?} a frame");
    assert!(charts.as_millis() <= limit, "{charts:?} a frame of the timeline");
    assert!(rebuild.as_millis() <= 20 * limit, "{rebuild:?} to flatten");
}
