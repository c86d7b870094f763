//! Forks that are being made: edits that are kept until the fork is made with all of them, and an output to be taken
//! elsewhere.

use super::editor::Editor;
use crate::base::ids::{CallNo, RunId};
use crate::model::fork::{Edit, Fork, ForkEffects, Taken};

/// What is kept for forks.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Forking {
    /// Edits of one run for its next fork.
    pub kept: Option<(RunId, Vec<(CallNo, Edit)>)>,
    /// The output that was marked, and the name of its call.
    pub marked: Option<(Taken, String)>,
}

/// How often a call is to be executed, while it is typed.
#[derive(Clone, PartialEq, Debug)]
pub struct HowOften {
    /// A number.
    pub editor: Editor,
    /// What is wrong with it, or to be known.
    pub problem: Option<String>,
}

impl Forking {
    /// A fork with this edit, and those that are kept of the same run.
    pub fn fork(&self, run: &RunId, call: CallNo, edit: Edit, any_type: bool) -> Fork {
        let kept = self.kept.as_ref().filter(|(of, _)| of == run).map(|(_, edits)| edits.clone());
        let mut edits = kept.unwrap_or_default();
        edits.retain(|(no, _)| *no != call);
        edits.push((call, edit));
        Fork { run: run.clone(), edits, any_type, effects: ForkEffects::default() }
    }
}
