//! Lists of sentences: the problems, and what the workbench said.

use crate::app::AppState;
use crate::app::layout::Area;
use crate::app::messages;
use crate::app::problems;
use crate::app::screens::{self, KIND, SAID};
use crate::app::tone::{Line, Tone};
use crate::base::clock::Micros;

use super::cells::Canvas;

/// Columns of a message's age.
const AGE: u16 = 5;

/// Draws the screen of problems.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let all = problems::list(state);
    title(canvas, area, state, all.len());
    let rows = Rows { from: KIND, empty: "Nothing needs a look. Esc goes back." };
    let problem = |at: usize| {
        let problem = all.get(at)?;
        let kind = vec![(problem.kind.tone(), problem.kind.word().to_owned())];
        Some((kind, Tone::Text, problem.text.clone()))
    };
    rows.draw(canvas, area.below_title(), state, problem);
}

/// Draws the screen of messages.
pub(super) fn said(canvas: &mut Canvas<'_>, area: Area, state: &AppState, now: Micros) {
    title(canvas, area, state, state.messages.len());
    let rows = Rows { from: SAID, empty: "Nothing was said yet. Esc goes back." };
    let message = |at: usize| {
        let message = state.messages.get(at)?;
        let tone = messages::tone(message.level);
        let age = format!("{:<width$}", message.age(now), width = usize::from(AGE));
        let first = vec![(Tone::Quiet, age), (tone, messages::word(message.level).to_owned())];
        Some((first, tone, message.words()))
    };
    rows.draw(canvas, area.below_title(), state, message);
}

fn title(canvas: &mut Canvas<'_>, area: Area, state: &AppState, rows: usize) {
    let x = canvas.text(area, 1, 0, Tone::Focus, state.screen.title());
    canvas.text(area, x + 1, 0, Tone::Faint, &rows.to_string());
}

struct Rows {
    /// The column at which the sentences begin.
    from: u16,
    /// What stands there when there are none.
    empty: &'static str,
}

impl Rows {
    /// The rows that can be seen, each with what stands before its sentence; the selected sentence in full below them,
    /// when its row cuts it.
    fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        body: Area,
        state: &AppState,
        row: impl Fn(usize) -> Option<(Line, Tone, String)>,
    ) {
        let list = screens::list_area(state, body);
        for y in 0..list.h {
            let at = state.list.top + usize::from(y);
            let Some((first, tone, sentence)) = row(at) else { break };
            canvas.pieces(list, 1, y, &first);
            canvas.text(list, 1 + self.from, y, tone, &sentence);
            if at == state.list.at {
                canvas.tint(list, y, Tone::Selected);
            }
        }
        let Some((_, _, sentence)) = row(state.list.at) else {
            canvas.text(body, 1, 1, Tone::Quiet, self.empty);
            return;
        };
        let foot = screens::foot(&sentence, self.from, body, list);
        for (y, line) in (list.h + 1..).zip(&foot) {
            canvas.text(body, 1, y, Tone::Text, line);
        }
    }
}
