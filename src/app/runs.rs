//! The list of runs: newest first, with a mark that shows what replays what.

use std::collections::HashSet;

use crate::base::ids::RunId;
use crate::model::RunSummary;
use crate::model::summary::Folded;

/// How a run relates to the row above it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lineage {
    /// A run of its own.
    Own,
    /// A replay of a run further down.
    Replay,
    /// The run that the row above replays.
    ParentOfAbove,
}

/// All runs that are known.
#[derive(Clone, Debug, Default)]
pub struct RunList {
    /// Newest first.
    pub items: Vec<RunSummary>,
    /// Which is selected.
    pub selected: Option<RunId>,
    /// First row shown.
    pub top: usize,
    /// The wheel moved the rows; they stay there until the selection changes from this.
    pub wheeled: Option<RunId>,
    /// Runs that were left by stepping back; they are not listed.
    pub folded: Folded,
    /// List them, too.
    pub all: bool,
    /// Whether the list was ever read.
    pub loaded: bool,
    /// Runs that are hidden, and deleted when the workbench is left.
    pub deleted: HashSet<RunId>,
    /// A run to select when it is listed.
    pub wanted: Option<RunId>,
    /// An older run that is looked at and stays in the list.
    pub visited: Option<RunId>,
    /// Runs of this process that have not ended.
    pub local: HashSet<RunId>,
    /// Runs that were asked to stop.
    pub stopping: HashSet<RunId>,
}

impl RunList {
    /// The row of a run.
    pub fn row_of(&self, run: &RunId) -> Option<usize> {
        self.items.iter().position(|item| item.id == *run)
    }

    /// A run's line.
    pub fn get(&self, run: &RunId) -> Option<&RunSummary> {
        self.items.iter().find(|item| item.id == *run)
    }

    /// The selected run's line.
    pub fn current(&self) -> Option<&RunSummary> {
        self.get(self.selected.as_ref()?)
    }

    /// The selected run's row, 0 when none is.
    pub fn selected_row(&self) -> usize {
        self.selected.as_ref().and_then(|run| self.row_of(run)).unwrap_or(0)
    }

    /// How the run in this row relates to its neighbours.
    pub fn lineage(&self, row: usize) -> Lineage {
        let Some(item) = self.items.get(row) else { return Lineage::Own };
        let above = row.checked_sub(1).and_then(|above| self.items.get(above));
        if above.is_some_and(|above| self.folded.parent(above) == Some(&item.id)) {
            Lineage::ParentOfAbove
        } else if self.folded.parent(item).is_some() {
            Lineage::Replay
        } else {
            Lineage::Own
        }
    }

    /// The beginning of a run's id that means no other run of the list.
    pub fn short<'a>(&self, run: &'a RunId) -> &'a str {
        let all = run.as_str();
        let others = || self.items.iter().map(|item| item.id.as_str()).chain(self.folded.ids());
        let alike = |n: usize| others().any(|other| other != all && other.get(..n) == all.get(..n));
        let n = (run.short().len()..all.len()).find(|n| !alike(*n)).unwrap_or(all.len());
        all.get(..n).unwrap_or(all)
    }

    /// Hides a run.
    pub fn delete(&mut self, run: &RunId) {
        self.deleted.insert(run.clone());
        self.items.retain(|item| item.id != *run);
    }

    /// Replaces a run's line, or puts a new one where its start time belongs.
    pub fn put(&mut self, summary: RunSummary) {
        if self.deleted.contains(&summary.id) {
            return;
        }
        if let Some(row) = self.row_of(&summary.id) {
            if let Some(item) = self.items.get_mut(row) {
                *item = summary;
            }
            return;
        }
        let at = self.items.partition_point(|item| item.started_at > summary.started_at);
        self.items.insert(at, summary);
    }

    /// Takes a list read from the store. Runs of this process keep the line that their events gave them: the
    /// store may be a moment behind.
    pub fn replace(&mut self, mut items: Vec<RunSummary>) {
        items.retain(|item| !self.deleted.contains(&item.id));
        items.sort_by(|a, b| b.started_at.cmp(&a.started_at).then_with(|| b.id.cmp(&a.id)));
        self.folded = if self.all { Folded::default() } else { Folded::fold(&mut items, |run| run) };
        let kept: Vec<RunSummary> = self
            .items
            .iter()
            .filter(|item| {
                let visited = self.visited.as_ref() == Some(&item.id);
                self.local.contains(&item.id) || (visited && !items_hold(&items, &item.id))
            })
            .cloned()
            .collect();
        self.items = items;
        self.loaded = true;
        for item in kept {
            self.put(item);
        }
        if let Some(wanted) = self.wanted.take_if(|run| items_hold(&self.items, run)) {
            self.selected = Some(wanted);
        }
        let comes = self.selected.is_some() && self.selected == self.visited;
        if self.current().is_none() && !comes {
            self.selected = self.items.first().map(|item| item.id.clone());
        }
    }
}

fn items_hold(items: &[RunSummary], run: &RunId) -> bool {
    items.iter().any(|item| item.id == *run)
}

#[cfg(test)]
mod tests {
    use crate::app::msg::{Effect, Msg, Reply};
    use crate::app::runs::Lineage;
    use crate::app::script as fake;
    use crate::app::testing::{ENV, bench, press};
    use crate::app::update::update;
    use crate::model::{Purpose, RunStatus, RunSummary};

    #[test]
    fn runs_that_were_stepped_back_from_are_folded_into_what_they_replay() {
        let (a, left, again, last) = ("aaaa00000000", "bbbb00000000", "cccc00000000", "dddd00000000");
        let scripts = [
            fake::agent(last, 10, Some(again), RunStatus::Succeeded),
            fake::agent(again, 20, Some(left), RunStatus::Cancelled),
            fake::agent(left, 30, Some(a), RunStatus::Cancelled),
            fake::agent(a, 40, None, RunStatus::Failed),
        ];
        let mut items: Vec<RunSummary> = fake::summaries(&scripts);
        items.iter_mut().filter(|run| [last, again].contains(&run.id.as_str())).for_each(|run| {
            run.purpose = Purpose::StepBack;
        });
        let mut state = bench(&scripts[3..]);
        let read = |state: &mut _, effects: Vec<Effect>| {
            let [Effect::LoadRuns { generation, .. }] = effects[..] else { panic!("{effects:?}") };
            update(state, Msg::Reply(Reply::Runs { generation, result: Ok(items.clone()) }), &ENV);
        };
        let effects = update(&mut state, Msg::Backend(crate::app::BackendEvent::Changed), &ENV);
        read(&mut state, effects);
        let listed = |state: &crate::app::AppState| {
            state.runs.items.iter().map(|run| run.id.short().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(listed(&state), ["dddd", "aaaa"]);
        let newest = &state.runs.items[0];
        assert_eq!(state.runs.folded.parent(newest).unwrap().as_str(), a);
        assert_eq!(state.runs.lineage(1), Lineage::ParentOfAbove);
        let effects = press(&mut state, "g r A");
        assert_eq!(crate::app::headless::command_line(&state).unwrap(), "tl-bench runs --all");
        read(&mut state, effects);
        assert_eq!(listed(&state), ["dddd", "cccc", "bbbb", "aaaa"]);
        assert_eq!(state.runs.folded.parent(&state.runs.items[0]).unwrap().as_str(), again);
        let effects = press(&mut state, "A");
        read(&mut state, effects);
        assert_eq!(listed(&state), ["dddd", "aaaa"]);
    }
}
