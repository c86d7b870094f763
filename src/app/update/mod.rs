//! Turns messages into changes of state and effects. Synchronous and total: no message in any state fails.
//!
//! `update` is called for each message of a batch, then [`settle`] once, then the screen is drawn.

pub mod acts;
mod asof;
mod commands;
mod compare;
mod filter;
mod fork;
mod gate;
mod ignore;
mod find;
mod frames;
mod functions;
mod mouse;
mod navigate;
mod over;
mod overlay;
mod panes;
mod points;
mod replies;
mod screens;
mod settle;
mod tabs;
mod timeline;
mod values;

use crate::base::clock::Micros;
use crate::model::Level;

use super::command::{self, CommandId};
use super::keymap::Found;
use super::keys::{Key, KeyCode, sequence_name};
use super::msg::{BackendEvent, Effect, Env, Msg};
use super::state::{AppState, Overlay, Pending, Toast};

pub use replies::{EVENT_BATCH, RUN_LIMIT, configure};
pub use settle::settle;

/// How long a sentence stays.
const TOAST: Micros = 8_000_000;

/// What is asked for when the workbench starts.
pub fn start(state: &mut AppState) -> Vec<Effect> {
    replies::ask_runs(state)
}

/// Applies one message.
pub fn update(state: &mut AppState, msg: Msg, env: &Env) -> Vec<Effect> {
    match msg {
        Msg::Key(key) => press(state, key, env),
        Msg::Command(id) => perform(state, id, env),
        Msg::Mouse(at) => mouse::mouse(state, at, env),
        Msg::Paste(text) => {
            if matches!(state.overlay, Some(Overlay::Find)) {
                return find::paste(state, &text);
            }
            overlay::paste(state, &text);
            Vec::new()
        }
        Msg::Resize(w, h) => {
            state.size = (w, h);
            Vec::new()
        }
        Msg::Tick => Vec::new(),
        Msg::Backend(BackendEvent::Run { run, events }) => replies::local_events(state, run, &events, env),
        Msg::Backend(BackendEvent::Gate { run, event }) => {
            gate::happened(state, run, &event, env);
            Vec::new()
        }
        Msg::Backend(BackendEvent::Changed) => replies::store_changed(state),
        Msg::Backend(BackendEvent::ProjectChanged) => {
            state.tabs.sources += 1;
            vec![Effect::LoadProject]
        }
        Msg::Backend(BackendEvent::Judged(judged)) => acts::judged(state, judged, env),
        Msg::Backend(BackendEvent::SettingsChanged) => vec![Effect::LoadSettings],
        Msg::Backend(BackendEvent::Notice(text)) => {
            toast(state, Level::Info, text, env);
            Vec::new()
        }
        Msg::Backend(BackendEvent::Failed(text)) => {
            toast(state, Level::Error, text, env);
            Vec::new()
        }
        Msg::Reply(reply) => replies::reply(state, reply, env),
    }
}

/// Shows a sentence for a while, and keeps it among the messages.
fn toast(state: &mut AppState, level: Level, text: impl Into<String>, env: &Env) {
    let text = text.into();
    screens::said(state, level, &text, env);
    let until = (level != Level::Error).then_some(env.now + TOAST);
    state.toast = Some(Toast { text, level, until, answers: false });
}

/// Says that a key does nothing; whoever presses the next one has read it.
fn refuse(state: &mut AppState, text: impl Into<String>, env: &Env) {
    let until = Some(env.now + TOAST);
    state.toast = Some(Toast { text: text.into(), level: Level::Info, until, answers: true });
}

fn press(state: &mut AppState, key: Key, env: &Env) -> Vec<Effect> {
    state.toast.take_if(|toast| toast.answers);
    if let Some(toast) = &mut state.toast {
        toast.until.get_or_insert(env.now + TOAST);
    }
    if state.overlay.is_some() {
        return covered(state, key, env);
    }
    let pending = state.pending.take();
    let since = pending.as_ref().map_or(env.now, |pending| pending.since);
    let mut keys = pending.map(|pending| pending.keys).unwrap_or_default();
    if !keys.is_empty() && key.code == KeyCode::Esc {
        return Vec::new();
    }
    keys.push(key);
    match state.settings.keymap.find(&keys, &command::scopes(state)) {
        Found::Command(id) => {
            let id = usable(state, &keys, id);
            perform(state, id, env)
        }
        Found::Prefix => {
            state.pending = Some(Pending { keys, since });
            Vec::new()
        }
        Found::Nothing => {
            let nothing =
                || (keys.len() > 1).then(|| format!("{} means nothing here.", sequence_name(&keys)));
            if let Some(sentence) = command::elsewhere(state, &keys).or_else(nothing) {
                refuse(state, sentence, env);
            }
            Vec::new()
        }
    }
}

/// A key while something lies over the panes. One that has a meaning when that is closed, and none now, says so.
fn covered(state: &mut AppState, key: Key, env: &Env) -> Vec<Effect> {
    let silent = over::editor(state).is_none().then(|| (state.overlay.clone(), state.theme.clone()));
    let effects = overlay::press(state, key, env).unwrap_or_default();
    let Some(before) = silent else { return effects };
    let still = effects.is_empty()
        && state.toast.is_none()
        && (&state.overlay, &state.theme) == (&before.0, &before.1);
    let moves = |id: Option<CommandId>| {
        use CommandId::{Bottom, Down, PageDown, PageUp, Top, Up};
        // At the end of a list they have nowhere to go.
        id.is_some_and(|id| matches!(id, Up | Down | PageUp | PageDown | Top | Bottom))
    };
    let meant = state.settings.keymap.anywhere(&[key]);
    if still && !meant.is_empty() && !meant.iter().any(|(_, id)| moves(*id)) {
        refuse(state, format!("{} works when this is closed.", key.name()), env);
    }
    effects
}

/// Where the narrower command cannot be used, the key means what it means in a wider place. What a key of the gate
/// cannot do is said: it must not do something else.
fn usable(state: &AppState, keys: &[Key], first: CommandId) -> CommandId {
    let scopes = command::scopes(state);
    for scope in scopes {
        let Found::Command(id) = state.settings.keymap.find(keys, &[scope]) else { continue };
        let usable = command::command(id).is_some_and(|command| (command.enabled)(state).is_ok());
        if usable || scope == command::Scope::Gate {
            return id;
        }
    }
    first
}

/// Executes a command, or says why it cannot be.
fn perform(state: &mut AppState, id: CommandId, env: &Env) -> Vec<Effect> {
    if id != CommandId::Quit {
        state.quit_asked = false;
    }
    let Some(command) = command::command(id) else { return Vec::new() };
    if let Err(why) = (command.enabled)(state) {
        refuse(state, why, env);
        return Vec::new();
    }
    commands::execute(state, id, env)
}
