//! A workbench for tests: made of scripts, driven by keys.

use crate::app::keys::Key;
use crate::app::script::{self as fake, Script, T0};
use crate::app::update::start;
use crate::app::{AppState, Effect, Env, Msg, Reply, settle, update};

/// The time of every message.
pub const ENV: Env = Env { now: T0 };

/// A workbench that has read these runs and opened the newest.
pub fn bench(scripts: &[Script]) -> AppState {
    fed(AppState::new(fake::project(), (120, 40)), scripts)
}

/// This workbench when it has read these runs.
pub fn fed(mut state: AppState, scripts: &[Script]) -> AppState {
    start(&mut state);
    let runs = Ok(fake::summaries(scripts));
    update(&mut state, Msg::Reply(Reply::Runs { generation: 1, result: runs }), &ENV);
    for effect in settle(&mut state, &ENV) {
        if let Effect::LoadHistory { run, generation } = effect {
            let script = scripts.iter().find(|script| script.run == run).unwrap();
            let result = Ok(std::sync::Arc::new(script.history()));
            update(&mut state, Msg::Reply(Reply::History { generation, run, result }), &ENV);
        }
    }
    settle(&mut state, &ENV);
    state
}

/// Presses keys, each followed by a settled screen; returns the effects without the loading of values and what
/// the judge is told, and without what is let go.
pub fn press(state: &mut AppState, keys: &str) -> Vec<Effect> {
    let mut out = Vec::new();
    for key in keys.split_whitespace() {
        let key = Key::parse(key).unwrap_or_else(|| panic!("no key {key}"));
        out.extend(update(state, Msg::Key(key), &ENV));
        out.extend(settle(state, &ENV));
    }
    out.retain(|effect| {
        !matches!(effect, Effect::LoadValue { .. } | Effect::Judge { .. } | Effect::LetGo(_))
    });
    out
}

/// The selected call's number.
pub fn selected(state: &AppState) -> u32 {
    state.current().map_or(0, |open| open.selected)
}
