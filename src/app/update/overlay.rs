//! Keys while something lies over the panes.

use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Effect, Env, Start};
use crate::app::state::{AppState, Editor, Overlay};

use super::commands;

/// Handles a key when an overlay is open; `None` when none is.
pub(super) fn press(state: &mut AppState, key: Key, env: &Env) -> Option<Vec<Effect>> {
    let overlay = state.overlay.take()?;
    let suspend = Key { code: KeyCode::Char('z'), ctrl: true, alt: false };
    if key == suspend {
        state.overlay = Some(overlay);
        return Some(vec![Effect::Suspend]);
    }
    let leave = key.code == KeyCode::Esc || (key.ctrl && key.code == KeyCode::Char('c'));
    if leave {
        return Some(Vec::new());
    }
    match overlay {
        Overlay::Help { top } => state.overlay = help(top, key),
        Overlay::ChooseApp { at } => return Some(choose(state, at, key, env)),
        Overlay::Input { app, editor, .. } => return Some(input(state, app, editor, key, env)),
    }
    Some(Vec::new())
}

fn help(top: usize, key: Key) -> Option<Overlay> {
    let top = match key.code {
        KeyCode::Down | KeyCode::Char('j') => top.saturating_add(1),
        KeyCode::Up | KeyCode::Char('k') => top.saturating_sub(1),
        KeyCode::PageDown | KeyCode::Char(' ') => top.saturating_add(10),
        KeyCode::PageUp => top.saturating_sub(10),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => usize::MAX,
        _ => return None,
    };
    Some(Overlay::Help { top })
}

fn choose(state: &mut AppState, at: usize, key: Key, env: &Env) -> Vec<Effect> {
    let n = state.project.applications.len();
    let at = match key.code {
        KeyCode::Down | KeyCode::Char('j') | KeyCode::Tab => (at + 1).min(n.saturating_sub(1)),
        KeyCode::Up | KeyCode::Char('k') | KeyCode::BackTab => at.saturating_sub(1),
        KeyCode::Char('q') => return Vec::new(),
        KeyCode::Enter | KeyCode::Char('r') => {
            let Some(app) = state.project.applications.get(at).cloned() else { return Vec::new() };
            return commands::prepare(state, &app, env);
        }
        _ => at,
    };
    state.overlay = Some(Overlay::ChooseApp { at });
    Vec::new()
}

fn input(state: &mut AppState, app: String, mut editor: Editor, key: Key, env: &Env) -> Vec<Effect> {
    let mut problem = None;
    match key.code {
        KeyCode::Enter => match check(&editor.value()) {
            Ok(input) => return commands::begin(state, Start::Run { app, input }, env),
            Err(why) => problem = Some(why),
        },
        KeyCode::Char('u') if key.ctrl => editor = Editor::default(),
        KeyCode::Char('a') if key.ctrl => editor.at = 0,
        KeyCode::Char('e') if key.ctrl => editor.at = editor.text.len(),
        KeyCode::Char(c) if !key.ctrl && !key.alt => insert(&mut editor, c),
        KeyCode::Backspace if editor.at > 0 => {
            editor.at -= 1;
            editor.text.remove(editor.at);
        }
        KeyCode::Delete if editor.at < editor.text.len() => {
            editor.text.remove(editor.at);
        }
        KeyCode::Left => editor.at = editor.at.saturating_sub(1),
        KeyCode::Right => editor.at = (editor.at + 1).min(editor.text.len()),
        KeyCode::Home => editor.at = 0,
        KeyCode::End => editor.at = editor.text.len(),
        _ => {}
    }
    state.overlay = Some(Overlay::Input { app, editor, problem });
    Vec::new()
}

fn insert(editor: &mut Editor, c: char) {
    let at = editor.at.min(editor.text.len());
    editor.text.insert(at, c);
    editor.at = at + 1;
}

/// The input as JSON text, `None` when it was left empty.
fn check(value: &str) -> Result<Option<String>, String> {
    if value.trim().is_empty() {
        return Ok(None);
    }
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(serde_json::Value::Object(_)) => Ok(Some(value.to_owned())),
        Ok(_) => Err("The input must be an object by parameter name, like {\"topic\": \"tea\"}.".to_owned()),
        Err(why) => Err(format!("Not JSON yet: {why}.")),
    }
}

/// Puts pasted text into the input; line breaks are only space in JSON.
pub(super) fn paste(state: &mut AppState, pasted: &str) {
    let Some(Overlay::Input { editor, problem, .. }) = &mut state.overlay else { return };
    *problem = None;
    // The text itself goes to the application unchanged; only drawing shows stand-ins.
    for c in pasted.chars() {
        insert(editor, if c.is_control() { ' ' } else { c });
    }
}
