//! Keys while something lies over the panes.

use crate::app::command::Scope;
use crate::app::editor::Editor;
use crate::app::form::Form;
use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Edited, Effect, Env, Start};
use crate::app::palette::{self, CommandList, Kind};
use crate::app::settings;
use crate::app::state::{AppState, Overlay};
use crate::base::json;

use super::{commands, filter, find, fork, frames, gate, ignore, over, points};

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
        match overlay {
            Overlay::Themes { before, .. } => state.theme = before,
            Overlay::Filter(line) => filter::cancel(state, &line),
            Overlay::Search { from, .. } => super::values::seek(state, "", from),
            _ => {}
        }
        return Some(Vec::new());
    }
    match overlay {
        Overlay::Commands(list) => return Some(commands_list(state, list, key, env)),
        Overlay::Filter(line) => return Some(filter::key(state, line, key, env)),
        Overlay::Themes { at, before } => themes(state, at, before, key),
        Overlay::ChooseApp { at } => return Some(choose(state, at, key, env)),
        Overlay::Input(form) => return Some(input(state, form, key, env)),
        Overlay::SaveAs { editor } => return Some(save_as(state, editor, key, env)),
        Overlay::Rules(rules) => return Some(ignore::key(state, rules, key)),
        Overlay::Search { editor, from } => search(state, editor, from, key),
        Overlay::Fail(line) => return Some(gate::fail_key(state, line, key, env)),
        Overlay::RunTo { editor, .. } => return Some(gate::run_to_key(state, editor, key)),
        Overlay::Rejected(rejected) => return Some(gate::rejected_key(state, rejected, key)),
        Overlay::Points(list) => return Some(points::key(state, list, key, env)),
        Overlay::Fork { fork, plan } => return Some(fork::key(state, fork, plan, key, env)),
        Overlay::Resample(typed) => return Some(fork::resample_key(state, typed.editor, key, env)),
        Overlay::Expression(line) => return Some(frames::expr_key(state, line, key, env)),
        Overlay::Frames(list) => return Some(frames::key(state, list, key)),
        Overlay::Find => return Some(find::key(state, key, env)),
    }
    Some(Vec::new())
}

/// A list of commands: moves, executes, or takes what is typed to find one.
fn commands_list(state: &mut AppState, mut list: CommandList, key: Key, env: &Env) -> Vec<Effect> {
    let close = list.kind == Kind::Help
        && list.query.text.is_empty()
        && matches!(key.code, KeyCode::Char('q' | '?') | KeyCode::F(1));
    if close {
        return Vec::new();
    }
    let rows = palette::rows(state, &list);
    let n = palette::commands(&rows).count();
    if key.code == KeyCode::Enter {
        if let Some(command) = palette::commands(&rows).nth(list.at).filter(|c| (c.enabled)(state).is_ok()) {
            if let Scope::Pane(pane) = command.scope {
                state.focus = pane;
            }
            return super::perform(state, command.id, env);
        }
    } else if let Some(at) = moved(list.at, n, key) {
        list.at = at;
    } else if list.query.key(key) {
        list.at = 0;
    }
    state.overlay = Some(Overlay::Commands(list));
    Vec::new()
}

/// Where a key moves the selection of a list with so many rows; `None`: it does not.
fn moved(at: usize, rows: usize, key: Key) -> Option<usize> {
    let to = match key.code {
        KeyCode::Down => at + 1,
        KeyCode::Up => at.saturating_sub(1),
        KeyCode::Char('n' | 'j') if key.ctrl => at + 1,
        KeyCode::Char('p' | 'k') if key.ctrl => at.saturating_sub(1),
        KeyCode::PageDown => at + 10,
        KeyCode::PageUp => at.saturating_sub(10),
        _ => return None,
    };
    Some(to.min(rows.saturating_sub(1)))
}

/// Opens the list of themes.
pub(super) fn choose_theme(state: &mut AppState) {
    let shown = state.theme.as_deref().or(state.settings.theme.as_deref()).unwrap_or(settings::THEMES[0]);
    let at = state.settings.themes().iter().position(|name| *name == shown).unwrap_or(0);
    state.overlay = Some(Overlay::Themes { at, before: state.theme.clone() });
}

/// Each theme is shown while it is selected.
fn themes(state: &mut AppState, at: usize, before: Option<String>, key: Key) {
    let names = state.settings.themes();
    let key = match key.code {
        KeyCode::Char('j') => Key::plain(KeyCode::Down),
        KeyCode::Char('k') => Key::plain(KeyCode::Up),
        _ => key,
    };
    let at = moved(at, names.len(), key).unwrap_or(at);
    if let Some(name) = names.get(at).filter(|_| key.code != KeyCode::Enter) {
        state.theme = Some((*name).to_owned());
    }
    if key.code != KeyCode::Enter {
        state.overlay = Some(Overlay::Themes { at, before });
    }
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

fn input(state: &mut AppState, mut form: Form, key: Key, env: &Env) -> Vec<Effect> {
    let fields = form.fields.len().max(1);
    form.problem = None;
    match key.code {
        KeyCode::Enter => match form.input() {
            Ok(input) => {
                let what = Start::Run { app: form.app, input: Some(input.to_string()) };
                return commands::begin(state, what, env);
            }
            Err((at, why)) => {
                form.at = at;
                form.problem = Some(why);
            }
        },
        KeyCode::Tab | KeyCode::Down => form.at = (form.at + 1) % fields,
        KeyCode::BackTab | KeyCode::Up => form.at = (form.at + fields - 1) % fields,
        KeyCode::Char('o') if key.ctrl => {
            let text = form.pretty();
            state.overlay = Some(Overlay::Input(form));
            return vec![Effect::EditText { what: Edited::Input, text }];
        }
        _ => {
            if let Some(field) = form.fields.get_mut(form.at) {
                form.touched |= field.editor.key(key);
            }
        }
    }
    state.overlay = Some(Overlay::Input(form));
    Vec::new()
}

/// Takes what came back from `$EDITOR`.
pub(super) fn edited(state: &mut AppState, text: &str) {
    let Some(Overlay::Input(form)) = &mut state.overlay else { return };
    form.touched = true;
    match json::plain(text) {
        Ok(value) => form.fill(&value),
        Err(why) => form.problem = Some(format!("What was saved {why}.")),
    }
}

/// Begins with the input of the last run, unless something was typed meanwhile.
pub(super) fn last_input(state: &mut AppState, app: &str, input: Option<&str>) {
    let Some(Overlay::Input(form)) = &mut state.overlay else { return };
    if form.app == app
        && !form.touched
        && let Some(value) = input.and_then(|text| serde_json::from_str(text).ok())
    {
        form.fill(&value);
    }
}

/// Each key goes to the first line that holds what is typed so far.
fn search(state: &mut AppState, mut editor: Editor, from: usize, key: Key) {
    if key.code == KeyCode::Enter {
        return;
    }
    editor.key(key);
    super::values::seek(state, &editor.value(), from);
    state.overlay = Some(Overlay::Search { editor, from });
}

fn save_as(state: &mut AppState, mut editor: Editor, key: Key, env: &Env) -> Vec<Effect> {
    let name = editor.value();
    if key.code == KeyCode::Enter && !name.trim().is_empty() {
        return super::acts::save(state, name.trim(), env);
    }
    editor.key(key);
    state.overlay = Some(Overlay::SaveAs { editor });
    Vec::new()
}

/// Puts pasted text where text is typed. The text itself stays as it is; only drawing shows stand-ins.
pub(super) fn paste(state: &mut AppState, pasted: &str) {
    let Some(editor) = over::editor(state) else { return };
    editor.paste(pasted);
    let text = editor.value();
    match &mut state.overlay {
        Some(Overlay::Input(form)) => {
            form.problem = None;
            form.touched = true;
        }
        Some(Overlay::Commands(list)) => list.at = 0,
        // As if it had been typed.
        Some(Overlay::Filter(line)) => {
            line.choice = None;
            filter::apply(state, &text);
        }
        Some(Overlay::Search { from, .. }) => {
            let from = *from;
            super::values::seek(state, &text, from);
        }
        _ => {}
    }
}
