//! The filter of the tree: what is typed, what it means, and what it could go on with.
//!
//! The language is [`crate::model::filter`]. Each key applies what is typed so far when it means something; else
//! the last meaning stays and the mistake is pointed at. What asks for the inside of values sees their previews
//! while it is typed; when it is accepted the store is asked and its answer replaces them.

use crate::base::ids::CallNo;
use crate::model::filter::{Completions, Filter, FilterError, Previews, RunCalls, complete};

use super::editor::Editor;
use super::openrun::OpenRun;
use super::state::AppState;

/// A filter that is being typed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FilterLine {
    /// The text.
    pub editor: Editor,
    /// The chosen completion, when one was.
    pub choice: Option<usize>,
    /// The filter that was there before.
    pub before: String,
}

/// Most completions that are shown.
pub const SHOWN: usize = 8;

/// What a text means; `None` for the empty one, which means everything.
pub fn meaning(text: &str) -> Result<Option<Filter>, FilterError> {
    Filter::parse(text).map(|filter| Some(filter).filter(|filter| !filter.is_all()))
}

/// What can come next at the cursor.
pub fn completions(state: &AppState, line: &FilterLine) -> Completions {
    let before: String = line.editor.text.iter().take(line.editor.at).collect();
    let text = line.editor.value();
    match state.current() {
        Some(open) => complete(&text, before.len(), &*open.history),
        None => complete(&text, before.len(), &()),
    }
}

/// Puts a completion in place of what was typed of it.
pub fn accept(line: &mut FilterLine, found: &Completions, choice: usize) {
    let Some(item) = found.items.get(choice) else { return };
    let text = line.editor.value();
    let before: String = line.editor.text.iter().take(line.editor.at).collect();
    let head = text.get(..found.from).unwrap_or_default();
    let tail = text.get(before.len()..).unwrap_or_default();
    // After a name that needs more, more is typed; after anything else, a space.
    let open = item.insert.ends_with([':', '~', '>', '<', '=', '(']) || tail.starts_with(' ');
    let head = format!("{head}{}{}", item.insert, if open { "" } else { " " });
    line.editor = Editor { at: head.chars().count(), text: format!("{head}{tail}").chars().collect() };
    line.choice = None;
}

/// The calls of a run that a filter means, judged by what is here.
pub fn matching(open: &OpenRun, filter: &Filter) -> Vec<CallNo> {
    RunCalls::new(&open.history, &Previews).matching(filter)
}

impl OpenRun {
    /// Shows only what the filter means and what leads there.
    pub fn filter(&mut self, filter: Option<&Filter>) {
        match filter {
            Some(filter) => {
                let found = matching(self, filter);
                self.tree.filter(Some(&found));
            }
            None => self.tree.filter(None),
        }
        self.touched.clear();
        self.filtered = filter.map(ToString::to_string);
    }

    /// Judges the calls that changed since.
    pub fn refilter(&mut self, filter: &Filter) {
        let calls = RunCalls::new(&self.history, &Previews);
        for no in self.touched.drain(..) {
            let hit = calls.call(no).is_some_and(|call| filter.matches(&call));
            self.tree.set_hit(no, hit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_replaces_what_was_typed_of_it() {
        let mut line = FilterLine { editor: Editor::new("fa"), ..FilterLine::default() };
        let found = complete("fa", 2, &());
        accept(&mut line, &found, 0);
        assert_eq!((line.editor.value().as_str(), line.editor.at), ("failed ", 7));
        let mut line = FilterLine { editor: Editor::new("co"), ..FilterLine::default() };
        let found = complete("co", 2, &());
        let cost = found.items.iter().position(|item| item.insert == "cost>").unwrap();
        accept(&mut line, &found, cost);
        assert_eq!(line.editor.value(), "cost>");
    }
}
