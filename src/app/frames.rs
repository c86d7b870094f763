//! The variables of the callers of a call at the gate: stacks of frames that fold and unfold, read only.

use std::collections::HashSet;
use std::path::Path;

use crate::base::ids::{CallNo, RunId};
use crate::model::frames::{Shown, Stack, StackFrame};

use super::attempts::place;
use super::state::AppState;
use super::tone::Tone;
use super::{editor::Editor, say};

/// The list while it is open.
#[derive(Clone, PartialEq, Debug)]
pub struct FrameList {
    /// The run.
    pub run: RunId,
    /// The call that waits.
    pub call: CallNo,
    /// What came; `None` while it is waited for.
    pub stacks: Option<Vec<Stack>>,
    /// The row.
    pub at: usize,
    /// What is not as it was at first: positions of stack, frame, name and items.
    turned: HashSet<Vec<usize>>,
}

/// A row.
#[derive(Clone, PartialEq, Debug)]
pub struct FrameRow {
    /// Where it stands: stack, frame, name, item …; empty for a remark.
    pub place: Vec<usize>,
    /// Whether it can be unfolded, and whether it is.
    pub fold: Option<bool>,
    /// What comes first: a place, a name.
    pub head: (Tone, String),
    /// What follows it.
    pub text: (Tone, String),
    /// What stands behind that.
    pub kind: String,
}

impl FrameList {
    /// Waits for what was asked.
    pub fn new(run: RunId, call: CallNo) -> Self {
        FrameList { run, call, stacks: None, at: 0, turned: HashSet::new() }
    }

    /// Whether the frames of a stack, the names of a frame, the items of a value are shown: at first the stack of the
    /// caller and its innermost frame.
    fn is_open(&self, place: &[usize]) -> bool {
        let at_first = match place {
            [_] => true,
            [stack, frame] => *stack == 0 && *frame == 0,
            _ => false,
        };
        at_first != self.turned.contains(place)
    }

    /// Opens or closes a row.
    pub fn turn(&mut self, row: &FrameRow, open: Option<bool>) {
        if row.fold.is_some() && row.fold != open && !self.turned.remove(&row.place) {
            self.turned.insert(row.place.clone());
        }
    }

    /// The file and line of the frame that a row belongs to.
    pub fn source(&self, row: &FrameRow) -> Option<(String, u32)> {
        let [stack, frame, ..] = row.place.as_slice() else { return None };
        let at = &self.stacks.as_ref()?.get(*stack)?.frames.get(*frame)?.at;
        Some((at.file.clone(), at.line))
    }

    /// The row above which a row is folded.
    pub fn above(&self, rows: &[FrameRow]) -> Option<usize> {
        let place = &rows.get(self.at)?.place;
        let parent = place.split_last()?.1;
        rows.iter().position(|row| row.place == parent)
    }
}

/// An output that is being written as an expression.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ExprLine {
    /// The expression.
    pub editor: Editor,
    /// Why the last one was not taken.
    pub problem: Option<String>,
}

fn remark(tone: Tone, text: impl Into<String>) -> FrameRow {
    FrameRow {
        place: Vec::new(),
        fold: None,
        head: (tone, text.into()),
        text: (Tone::Text, String::new()),
        kind: String::new(),
    }
}

/// The rows of the list.
pub fn rows(state: &AppState, list: &FrameList) -> Vec<FrameRow> {
    let Some(stacks) = &list.stacks else { return vec![remark(Tone::Quiet, "asking its worker …")] };
    if stacks.is_empty() {
        return vec![remark(Tone::Quiet, "No body waits for it: the run itself asked for it.")];
    }
    let run = state.open.get(&list.run).map(|open| &open.history);
    let mut out = Vec::new();
    for (at, stack) in stacks.iter().enumerate() {
        let call = run.and_then(|run| Some(say::place_in_tree(run, run.call(stack.call)?)));
        let name = call.unwrap_or_else(|| format!("call {}", stack.call));
        let task = stack.task.as_ref().map(|task| format!("task {task}")).unwrap_or_default();
        let place = vec![at];
        let open = stack.why.is_none().then(|| list.is_open(&place));
        let text = stack.why.clone().unwrap_or(task);
        let head = (Tone::Title, name);
        out.push(FrameRow { place, fold: open, head, text: (Tone::Quiet, text), kind: String::new() });
        if open != Some(true) {
            continue;
        }
        for (frame, held) in stack.frames.iter().enumerate() {
            frame_rows(&mut out, state, list, vec![at, frame], held);
        }
        if stack.more > 0 {
            out.push(remark(Tone::Faint, format!("    … {} frames further out", stack.more)));
        }
    }
    out
}

fn frame_rows(
    out: &mut Vec<FrameRow>,
    state: &AppState,
    list: &FrameList,
    at: Vec<usize>,
    frame: &StackFrame,
) {
    let root = Path::new(&state.project.root);
    let open = list.is_open(&at);
    let has_more = !frame.locals.is_empty() || frame.more > 0;
    let head = format!("{}  {}", place(root, &frame.at.file, frame.at.line), frame.at.name);
    out.push(FrameRow {
        place: at.clone(),
        fold: has_more.then_some(open),
        head: (Tone::Focus, head),
        text: (Tone::Text, frame.at.text.clone()),
        kind: String::new(),
    });
    if !open {
        return;
    }
    value_rows(out, list, &at, &frame.locals);
    if frame.more > 0 {
        out.push(remark(Tone::Faint, format!("      … {} more names", frame.more)));
    }
}

fn value_rows(out: &mut Vec<FrameRow>, list: &FrameList, at: &[usize], values: &[Shown]) {
    for (i, value) in values.iter().enumerate() {
        let place: Vec<usize> = at.iter().copied().chain([i]).collect();
        let foldable = !value.items.is_empty();
        let open = list.is_open(&place);
        let name = if value.name.is_empty() { format!("[{i}]") } else { value.name.clone() };
        out.push(FrameRow {
            place: place.clone(),
            fold: foldable.then_some(open),
            head: (Tone::Key, name),
            text: (if foldable { Tone::Quiet } else { Tone::Text }, value.text.clone()),
            kind: value.kind.clone(),
        });
        if foldable && open {
            value_rows(out, list, &place, &value.items);
            if value.more > 0 {
                let lead = "  ".repeat(place.len() + 1);
                out.push(remark(Tone::Faint, format!("{lead}… {} more", value.more)));
            }
        }
    }
}
