//! Places that do not count on the screen Diff: in this view, and for good, as tl-bench.toml names them.

use crate::app::compare::Rules;
use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Effect, Env};
use crate::app::state::{AppState, Overlay};
use crate::app::tab::Target;
use crate::model::Level;

use super::{commands, toast};

/// Ignores the place that the selected line stands for; the line that says what is ignored takes it back.
pub(super) fn place(state: &mut AppState, env: &Env) {
    use crate::app::command::CommandId;
    let sentence = match state.compare.target().filter(|_| state.compare.reads) {
        Some(Target::Value { path }) if path.is_empty() => {
            "The whole value differs: a pattern names a place inside of one.".to_owned()
        }
        Some(Target::Value { path }) => {
            let pattern = everywhere(path);
            if !state.compare.ignored.contains(&pattern) {
                state.compare.ignored.push(pattern.clone());
            }
            state.compare.counts_all = false;
            let key = commands::key(state, CommandId::DiffKeep);
            // The key stands where a narrow terminal still has room.
            format!("Ignored here; {key} writes it into tl-bench.toml: {pattern}")
        }
        Some(Target::Ignored { pattern }) if state.compare.ignored.contains(pattern) => {
            let pattern = pattern.clone();
            state.compare.ignored.retain(|one| *one != pattern);
            format!("{pattern} counts again.")
        }
        Some(Target::Ignored { pattern }) => {
            let patterns = vec![pattern.clone()];
            state.overlay = Some(Overlay::Rules(Rules { patterns, adds: false }));
            return;
        }
        _ if state.compare.reads => {
            "This line is no place of a value that differs; go to one that is.".to_owned()
        }
        _ => {
            let key = commands::key(state, CommandId::DiffPane);
            format!("Select a line of a value that differs: {key} goes into the text.")
        }
    };
    toast(state, Level::Info, sentence, env);
}

/// Asks whether what this view ignores is to be written into the project's file.
pub(super) fn keep(state: &mut AppState) {
    let patterns = state.compare.ignored.clone();
    state.overlay = Some(Overlay::Rules(Rules { patterns, adds: true }));
}

/// A key while that is asked.
pub(super) fn key(state: &mut AppState, rules: Rules, key: Key) -> Vec<Effect> {
    if key.code == KeyCode::Enter {
        return vec![Effect::ChangeIgnored { patterns: rules.patterns, adds: rules.adds }];
    }
    state.overlay = Some(Overlay::Rules(rules));
    Vec::new()
}

/// The project's file was changed, or was not.
pub(super) fn changed(
    state: &mut AppState,
    patterns: &[String],
    adds: bool,
    result: Result<(), String>,
    env: &Env,
) {
    let names = patterns.join(", ");
    match result {
        Ok(()) => {
            if adds {
                state.compare.ignored.retain(|one| !patterns.contains(one));
            }
            state.compare.ask_anew();
            let sentence = match adds {
                true => format!("tl-bench.toml ignores {names}; i on the line that says so takes it out."),
                false => format!("tl-bench.toml does not ignore {names} any more."),
            };
            toast(state, Level::Info, sentence, env);
        }
        Err(why) => toast(state, Level::Error, why, env),
    }
}

/// A pattern for this place in every element of the lists that it stands in.
fn everywhere(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('[') {
        out.push_str(&rest[..at]);
        let end = rest[at..].find(']').map_or(rest.len(), |end| at + end + 1);
        let step = &rest[at..end];
        let index = step.len() > 2 && step[1..step.len() - 1].bytes().all(|byte| byte.is_ascii_digit());
        out.push_str(if index { "[*]" } else { step });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Counts all places, or again all but the ignored ones.
pub(super) fn all(state: &mut AppState, env: &Env) {
    state.compare.counts_all = !state.compare.counts_all;
    let sentence =
        if state.compare.counts_all { "All places count." } else { "Ignored places do not count." };
    toast(state, Level::Info, sentence, env);
}
