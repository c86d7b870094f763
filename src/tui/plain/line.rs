//! What a typed line means in the plain mode.

use crate::app::command::COMMANDS;
use crate::app::keys::{self, Key, KeyCode};
use crate::app::settings::nearest;
use crate::app::state::{AppState, Overlay};
use crate::app::{Msg, editor::Editor};

/// What is to be done with a line.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Meaning {
    /// These messages, one after the other.
    Messages(Vec<Msg>),
    /// Rows are read out.
    List,
    /// Commands are named.
    Help(String),
    /// Where the user is.
    Where,
    /// This row is selected, from 1.
    Row(usize),
    /// A field of the form gets a text.
    Field(String, String),
    /// A sentence for the user.
    Say(String),
}

fn key(code: KeyCode) -> Msg {
    Msg::Key(Key::plain(code))
}

/// The keys that type a text into an empty line and accept it.
fn typed(text: &str) -> Vec<Msg> {
    let mut out = vec![Msg::Key(Key { code: KeyCode::Char('u'), ctrl: true, alt: false })];
    out.push(Msg::Paste(text.to_owned()));
    out.push(key(KeyCode::Enter));
    out
}

/// Reads a line.
pub(super) fn meaning(state: &AppState, line: &str) -> Meaning {
    let line = line.trim();
    if state.overlay.is_some() && matches!(line, "cancel" | "esc") {
        return Meaning::Messages(vec![key(KeyCode::Esc)]);
    }
    match &state.overlay {
        Some(Overlay::Input(_)) => {
            return match line.split_once('=') {
                _ if line.is_empty() => Meaning::Messages(vec![key(KeyCode::Enter)]),
                Some((name, value)) => Meaning::Field(name.trim().to_owned(), value.trim().to_owned()),
                None => Meaning::Say("type name=value, an empty line to run, or cancel.".to_owned()),
            };
        }
        Some(Overlay::ChooseApp { .. }) => {
            let apps = &state.project.applications;
            let at = line.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).filter(|at| *at < apps.len());
            return match at.or_else(|| apps.iter().position(|app| app.name == line)) {
                Some(at) => {
                    let up = apps.iter().map(|_| key(KeyCode::Up));
                    let down = (0..at).map(|_| key(KeyCode::Down));
                    Meaning::Messages(up.chain(down).chain([key(KeyCode::Enter)]).collect())
                }
                None => Meaning::Say(format!("there is no application {line:?}.")),
            };
        }
        // What is found is said when it is there; the line is then closed, so that the next line is a command.
        Some(Overlay::Find) => {
            let mut out = typed(line);
            out.pop();
            out.push(key(KeyCode::Esc));
            return Meaning::Messages(out);
        }
        Some(Overlay::Filter(_) | Overlay::Search { .. } | Overlay::SaveAs { .. }) => {
            return Meaning::Messages(typed(line));
        }
        Some(_) => {
            return match keys::sequence(line) {
                Some(keys) => Meaning::Messages(keys.into_iter().map(Msg::Key).collect()),
                None => Meaning::Say("type a key, or cancel.".to_owned()),
            };
        }
        None => {}
    }
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "" => return Meaning::Where,
        "list" => return Meaning::List,
        "help" | "?" => return Meaning::Help(rest.trim().to_lowercase()),
        _ => {}
    }
    if let Ok(row) = line.parse::<usize>() {
        return Meaning::Row(row);
    }
    // `filter failed` and `search-all-runs refund` need no second line.
    let command = |name: &str| {
        let exact = COMMANDS.iter().find(|command| command.name == name);
        let mut begins = COMMANDS.iter().filter(|command| command.name.starts_with(name));
        exact.or_else(|| begins.next().filter(|_| name.len() > 1 && begins.next().is_none()))
    };
    if let Some(found) = command(line) {
        return Meaning::Messages(vec![Msg::Command(found.id)]);
    }
    if let Some(found) = command(word).filter(|found| ["filter", "search-all-runs"].contains(&found.name)) {
        let mut out = vec![Msg::Command(found.id)];
        let mut text = typed(rest.trim());
        if found.name != "filter" {
            text.pop();
            text.push(key(KeyCode::Esc));
        }
        out.extend(text);
        return Meaning::Messages(out);
    }
    if let Some(keys) = keys::sequence(line).filter(|keys| keys.len() <= 3) {
        return Meaning::Messages(keys.into_iter().map(Msg::Key).collect());
    }
    let near = nearest(line, COMMANDS.iter().map(|command| command.name));
    Meaning::Say(format!("there is no command {line:?}{near}. Type help for the commands."))
}

/// Puts a text into a field of the form; says what is wrong.
pub(super) fn fill(state: &mut AppState, name: &str, value: &str) -> String {
    let Some(Overlay::Input(form)) = &mut state.overlay else { return "no form is open.".to_owned() };
    match form.fields.iter_mut().find(|field| field.param.name == name) {
        Some(field) => {
            field.editor = Editor::new(value);
            form.touched = true;
            format!("{name} = {value}")
        }
        None => {
            let near = nearest(name, form.fields.iter().map(|field| field.param.name.as_str()));
            format!("{} has no parameter {name:?}{near}.", form.app)
        }
    }
}
