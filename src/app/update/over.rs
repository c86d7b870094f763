//! The mouse while something lies over the panes, or a sequence of keys waits for its next one.
//!
//! A click selects an entry; on the one that is selected it does what Enter does. A click beside closes what can be
//! opened again as it is; what would lose something that was typed stays, and says so. A line in which a screen's or a
//! pane's text is looked for ends as Enter ends it, and the click goes on to what it was meant for.

use crate::app::command;
use crate::app::editor::Editor;
use crate::app::filtering;
use crate::app::fork::HowOften;
use crate::app::frames::ExprLine;
use crate::app::gate::FailLine;
use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Effect, Env};
use crate::app::pointer::{MouseKind, Over};
use crate::app::state::{AppState, Overlay};

use super::{filter, overlay, refuse};

/// Takes up what the mouse did there; says whether that was all of it, or the panes take it up too.
pub(super) fn mouse(state: &mut AppState, kind: MouseKind, over: Over, env: &Env) -> (Vec<Effect>, bool) {
    if state.overlay.is_none() {
        return waiting(state, kind, over, env);
    }
    let effects = match (kind, over) {
        (MouseKind::Down, Over::Entry(at)) => entry(state, at, env),
        (MouseKind::Down, Over::Caret(at)) => {
            if let Some(editor) = editor(state) {
                editor.at = at.min(editor.text.len());
            }
            Vec::new()
        }
        (MouseKind::Down, Over::Beside) => return beside(state, env),
        (MouseKind::WheelUp | MouseKind::WheelDown, _) => return wheel(state, kind, over, env),
        (MouseKind::Down | MouseKind::Drag | MouseKind::Up, _) => Vec::new(),
    };
    (effects, true)
}

/// The line that gets what is typed.
pub(super) fn editor(state: &mut AppState) -> Option<&mut Editor> {
    match state.overlay.as_mut()? {
        Overlay::Input(form) => form.fields.get_mut(form.at).map(|field| &mut field.editor),
        Overlay::SaveAs { editor }
        | Overlay::Search { editor, .. }
        | Overlay::RunTo { editor, .. }
        | Overlay::Resample(HowOften { editor, .. })
        | Overlay::Expression(ExprLine { editor, .. })
        | Overlay::Fail(FailLine { editor, .. }) => Some(editor),
        Overlay::Points(list) => list.typed.as_mut(),
        Overlay::Commands(list) => Some(&mut list.query),
        Overlay::Filter(line) => Some(&mut line.editor),
        Overlay::Find => Some(&mut state.finder.editor),
        Overlay::Themes { .. }
        | Overlay::ChooseApp { .. }
        | Overlay::Rejected(_)
        | Overlay::Rules(_)
        | Overlay::Fork { .. }
        | Overlay::Frames(_) => None,
    }
}

/// The selected entry of a list.
fn selection(overlay: &mut Overlay) -> Option<&mut usize> {
    match overlay {
        Overlay::Commands(list) => Some(&mut list.at),
        Overlay::Themes { at, .. } | Overlay::ChooseApp { at } => Some(at),
        Overlay::Input(form) => Some(&mut form.at),
        Overlay::Points(list) if list.typed.is_none() => Some(&mut list.at),
        Overlay::Fail(line) => Some(&mut line.at),
        Overlay::Frames(list) => Some(&mut list.at),
        _ => None,
    }
}

/// A click on an entry.
fn entry(state: &mut AppState, at: usize, env: &Env) -> Vec<Effect> {
    let press = |state: &mut AppState, code| overlay::press(state, Key::plain(code), env).unwrap_or_default();
    match &mut state.overlay {
        Some(Overlay::Filter(line)) => {
            let mut line = line.clone();
            let found = filtering::completions(state, &line);
            filtering::accept(&mut line, &found, at);
            filter::apply(state, &line.editor.value());
            state.overlay = Some(Overlay::Filter(line));
            return Vec::new();
        }
        Some(Overlay::Fork { .. }) => {
            let key = ['a', 'k', 'r'].get(at).map(|key| KeyCode::Char(*key));
            return key.map(|key| press(state, key)).unwrap_or_default();
        }
        // What is typed there counts before the list, unless somebody chooses from it.
        Some(Overlay::Fail(line)) if !line.editor.text.is_empty() => {
            (line.editor, line.at) = (Editor::default(), at);
            return Vec::new();
        }
        _ => {}
    }
    let Some(selected) = state.overlay.as_mut().and_then(selection) else { return Vec::new() };
    let again = std::mem::replace(selected, at) == at;
    if let Some(Overlay::Themes { .. }) = state.overlay {
        state.theme = state.settings.themes().get(at).map(|name| (*name).to_owned());
    }
    // Enter in a form runs it, from whichever field.
    let acts = again && !matches!(state.overlay, Some(Overlay::Input(_)));
    if acts { press(state, KeyCode::Enter) } else { Vec::new() }
}

/// A click beside it.
fn beside(state: &mut AppState, env: &Env) -> (Vec<Effect>, bool) {
    let press = |state: &mut AppState, code| overlay::press(state, Key::plain(code), env).unwrap_or_default();
    if let Some(Overlay::Filter(line)) = &mut state.overlay {
        line.choice = None;
        let effects = press(state, KeyCode::Enter);
        // With a mistake in it the line stays, and the mistake is pointed at.
        return (effects, state.overlay.is_some());
    }
    let keeps = match &state.overlay {
        None | Some(Overlay::Search { .. } | Overlay::Find) => {
            state.overlay = None;
            return (Vec::new(), false);
        }
        Some(
            Overlay::Themes { .. } | Overlay::Commands(_) | Overlay::ChooseApp { .. } | Overlay::Frames(_),
        ) => false,
        Some(Overlay::Input(form)) => form.touched,
        Some(Overlay::Rejected(_) | Overlay::Fork { .. }) => true,
        Some(_) => editor(state).is_some_and(|editor| !editor.text.is_empty()),
    };
    if keeps {
        refuse(state, "Esc closes this, and what you wrote goes with it.", env);
        return (Vec::new(), true);
    }
    (press(state, KeyCode::Esc), true)
}

/// The wheel moves the selection; where a line lies over panes, it is theirs.
fn wheel(state: &mut AppState, kind: MouseKind, over: Over, env: &Env) -> (Vec<Effect>, bool) {
    let down = kind == MouseKind::WheelDown;
    let lists = match &state.overlay {
        Some(Overlay::Filter(_) | Overlay::Search { .. } | Overlay::Find) if over == Over::Beside => {
            return (Vec::new(), false);
        }
        // Its keys go round; a wheel does not.
        Some(Overlay::Input(form)) => form.at != if down { form.fields.len().saturating_sub(1) } else { 0 },
        Some(Overlay::Filter(_)) => true,
        _ => state.overlay.as_mut().and_then(selection).is_some(),
    };
    let key = Key::plain(if down { KeyCode::Down } else { KeyCode::Up });
    let effects = if lists { overlay::press(state, key, env) } else { None };
    (effects.unwrap_or_default(), true)
}

/// The keys that may follow are shown, and one is clicked. A click elsewhere ends the sequence.
fn waiting(state: &mut AppState, kind: MouseKind, over: Over, env: &Env) -> (Vec<Effect>, bool) {
    if kind != MouseKind::Down {
        return (Vec::new(), false);
    }
    let Some(pending) = state.pending.take() else { return (Vec::new(), false) };
    if over == Over::Beside {
        return (Vec::new(), false);
    }
    let next = state.settings.keymap.continuations(&pending.keys, &command::scopes(state));
    state.pending = Some(pending);
    let keys = match over {
        Over::Entry(at) => next.get(at).map(|(keys, _)| keys.clone()).unwrap_or_default(),
        _ => Vec::new(),
    };
    (keys.into_iter().flat_map(|key| super::press(state, key, env)).collect(), true)
}
