//! The filter of the tree: what is typed, what it means, and what it could go on with.
//!
//! The language is [`crate::model::filter`]. Each key applies what is typed so far when it means something; else
//! the last meaning stays and the mistake is pointed at. Large runs are judged in parts, between frames. What asks for the inside of values sees their previews
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

/// Calls that are judged at once; more would keep the screen waiting.
const SLICE: usize = 2_000;

/// A filter by which the calls of a large run are being judged, part by part. Until all are, the tree stays as it was.
#[derive(Clone, PartialEq, Debug)]
pub struct Matching {
    filter: Filter,
    /// The first call that is not judged.
    next: CallNo,
    /// Those that are meant.
    found: Vec<CallNo>,
}

impl OpenRun {
    /// Judges the next calls by the filter; says whether the tree shows it now, with what leads to what it means.
    pub fn filter(&mut self, filter: Option<&Filter>) -> bool {
        let Some(filter) = filter else {
            self.tree.filter(None);
            self.touched.clear();
            (self.filtered, self.matching) = (None, None);
            return true;
        };
        if self.matching.as_ref().is_none_or(|matching| matching.filter != *filter) {
            self.matching = Some(Matching { filter: filter.clone(), next: 1, found: Vec::new() });
        }
        self.judge();
        if self.is_matching() {
            return false;
        }
        if let Some(Matching { found, .. }) = self.matching.take() {
            self.tree.filter(Some(&found));
            self.filtered = Some(filter.to_string());
        }
        // What changed meanwhile was judged as it had been.
        self.refilter(filter);
        true
    }

    /// Judges some of the calls that are still to be judged.
    fn judge(&mut self) {
        if self.is_matching()
            && let Some(matching) = &mut self.matching
        {
            let calls = RunCalls::new(&self.history, &Previews);
            matching.found.extend(calls.matching_among(&matching.filter, matching.next, SLICE));
            matching.next = matching.next.saturating_add(SLICE as CallNo);
        }
    }

    /// Whether calls are still to be judged.
    pub fn is_matching(&self) -> bool {
        self.matching.as_ref().is_some_and(|matching| matching.next as usize <= self.history.calls.len())
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

impl AppState {
    /// Whether calls of the run that is shown are still to be judged by the filter.
    pub fn is_matching(&self) -> bool {
        self.current().is_some_and(OpenRun::is_matching)
    }

    /// Judges some more of them. To be called between frames until [`AppState::is_matching`] says no.
    pub fn match_more(&mut self) {
        if let Some(open) = self.current_mut() {
            open.judge();
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

    #[test]
    fn a_large_run_is_judged_in_parts_and_the_tree_stays_meanwhile() {
        use crate::app::script as fake;
        use crate::app::testing::{ENV, bench, press};
        use crate::app::update::settle;
        let mut state = bench(&[fake::mapping("77d200000000", 5_000, &[3, 4_999])]);
        let rows = |state: &AppState| state.current().unwrap().tree.rows().len();
        let before = rows(&state);
        press(&mut state, "/");
        for c in "failed".chars() {
            let key = crate::app::keys::Key::parse(&c.to_string()).unwrap();
            crate::app::update::update(&mut state, crate::app::Msg::Key(key), &ENV);
        }
        let mut parts = 0;
        while {
            settle(&mut state, &ENV);
            state.is_matching()
        } {
            assert_eq!(rows(&state), before);
            state.match_more();
            parts += 1;
        }
        assert!(parts >= 1);
        // The application, the map, and both items.
        assert_eq!(state.current().unwrap().tree.hits(), Some(4));
        assert_eq!(rows(&state), 4);
        // Another letter while calls are judged begins anew; taking the filter away ends it.
        press(&mut state, "backspace");
        assert!(state.is_matching());
        press(&mut state, "esc esc");
        press(&mut state, "/ backspace backspace backspace backspace backspace backspace backspace enter");
        assert!(!state.is_matching());
        assert_eq!(rows(&state), before);
    }
}
