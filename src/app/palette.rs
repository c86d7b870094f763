//! Lists of commands to choose from: the palette (`:`), ranked by what is typed, and the help (`?`), by place.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::command::{COMMANDS, Command, Scope, scopes};
use super::editor::Editor;
use super::state::AppState;

/// Which list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// By name, the best match first.
    Palette,
    /// Under headings, where the focus is first.
    Help,
}

/// A list of commands that is open.
#[derive(Clone, PartialEq, Debug)]
pub struct CommandList {
    /// Which.
    pub kind: Kind,
    /// What was typed to find one.
    pub query: Editor,
    /// The selected command, counted without headings.
    pub at: usize,
}

impl CommandList {
    /// A list at its start.
    pub fn new(kind: Kind) -> Self {
        CommandList { kind, query: Editor::default(), at: 0 }
    }
}

/// A row of the list.
#[derive(Clone, Copy)]
pub enum Row {
    /// A heading.
    Heading(&'static str),
    /// A command.
    Command(&'static Command),
}

/// The rows.
pub fn rows(state: &AppState, list: &CommandList) -> Vec<Row> {
    let query = list.query.value();
    let query = query.trim();
    match list.kind {
        Kind::Help if query.is_empty() => headed(state),
        Kind::Palette if query.is_empty() => COMMANDS.iter().map(Row::Command).collect(),
        _ => ranked(state, query).into_iter().map(Row::Command).collect(),
    }
}

/// The commands among the rows.
pub fn commands(rows: &[Row]) -> impl Iterator<Item = &'static Command> {
    rows.iter().filter_map(|row| match row {
        Row::Command(command) => Some(*command),
        Row::Heading(_) => None,
    })
}

fn headed(state: &AppState) -> Vec<Row> {
    let here = scopes(state);
    let elsewhere = Scope::ALL.into_iter().filter(|scope| !here.contains(scope));
    let mut out = Vec::new();
    for scope in here.iter().copied().chain(elsewhere) {
        let mut all = COMMANDS.iter().filter(|command| command.scope == scope).peekable();
        if all.peek().is_some() {
            out.push(Row::Heading(scope.title()));
            out.extend(all.map(Row::Command));
        }
    }
    out
}

/// A name matches when its letters come in order, a sentence when it holds the words, a key when it is it.
fn ranked(state: &AppState, query: &str) -> Vec<&'static Command> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut chars = Vec::new();
    let here = scopes(state);
    let name = Pattern::new(query, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let doc = Pattern::new(query, CaseMatching::Ignore, Normalization::Smart, AtomKind::Substring);
    let mut found: Vec<(u32, &Command)> = COMMANDS
        .iter()
        .filter_map(|command| {
            let words = command.name.replace('-', " ");
            let named =
                name.score(Utf32Str::new(&words, &mut chars), &mut matcher).map(|score| 1_000 + score);
            let said = || doc.score(Utf32Str::new(command.doc, &mut chars), &mut matcher);
            let key =
                state.settings.keymap.keys(command.id).any(|keys| super::keys::sequence_name(keys) == query);
            let score = if key { Some(10_000) } else { named.or_else(said) };
            // What belongs to another place is looked for there.
            let elsewhere = !here.contains(&command.scope);
            score.map(|score| (if elsewhere { score / 4 } else { score }, command))
        })
        .collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, command)| command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::command::CommandId;
    use crate::app::script;

    fn found(query: &str) -> Vec<CommandId> {
        let state = AppState::new(script::project(), (120, 40));
        let list = CommandList { query: Editor::new(query), ..CommandList::new(Kind::Palette) };
        commands(&rows(&state, &list)).map(|command| command.id).collect()
    }

    #[test]
    fn names_come_before_sentences_and_keys_before_both() {
        assert_eq!(found("rply").first(), Some(&CommandId::Replay));
        assert_eq!(found("next fail").first(), Some(&CommandId::NextFailed));
        assert_eq!(found("x").first(), Some(&CommandId::Stop));
        assert!(found("colours").contains(&CommandId::Theme), "in its sentence");
        assert_eq!(found("qqqq"), []);
        assert_eq!(found("").len(), COMMANDS.len());
    }

    #[test]
    fn help_begins_where_the_focus_is() {
        let state = AppState::new(script::project(), (120, 40));
        let rows = rows(&state, &CommandList::new(Kind::Help));
        assert!(matches!(rows.first(), Some(Row::Heading("In the tree of calls"))));
        assert_eq!(commands(&rows).count(), COMMANDS.len());
    }
}
