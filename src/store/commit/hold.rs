//! What a run puts beside the database, and how it comes into it (`store/beside.rs` has the file).
//!
//! Invariants: what was synced there is moved only by a commit that is synced; the file is begun anew only after that.

use std::path::Path;

use super::Committer;
use crate::base::ids::RunId;
use crate::model::{Event, EventKind};
use crate::store::beside::Beside;
use crate::store::error::Result;
use crate::store::heads::End;
use crate::store::nodes::{Node, PackedNode};
use crate::store::state::Held;

/// Most events, and bytes of values, that are put beside the database at once.
const HELD_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 64 * 1024;
/// Most events that are there.
const HELD: usize = 1_024;

impl Committer {
    /// Puts a small batch beside the database; it becomes part of the log with the next commit of its run. When this
    /// returns it outlives the process and, if `durable`, a power loss. Gives it back when it has to be committed as others.
    pub fn hold(
        &mut self,
        run: &RunId,
        events: Vec<Event>,
        nodes: Vec<Node>,
        durable: bool,
    ) -> std::result::Result<(), (Vec<Event>, Vec<Node>)> {
        let Some(state) = self.runs.get_mut(run) else { return Err((events, nodes)) };
        let few = events.len() <= HELD_AT_ONCE && state.held.events.len() < HELD;
        // A value without an event would have no place in the file.
        let fits = few && !events.is_empty() && state.end.seq > 0 && state.accepts(&events).is_ok();
        let last = events.iter().any(|event| matches!(event.kind, EventKind::RunEnded { .. }));
        // What is on disk beside the database goes on from what is on disk in it.
        let grounded = !durable || state.durable == state.end;
        if !fits || last || !grounded {
            return Err((events, nodes));
        }
        // A conversation comes whole at every turn; nearly all of it is stored.
        let wanted: Vec<&Node> = {
            // From this row on nobody's gc removes anything while the run goes on.
            let floor = state.record.first_node;
            // What another run stored without a sync is not on disk because this one's file is. That holds for a start, too:
            // it is on disk with the next outcome.
            let known = if self.loose { None } else { self.known.lock().ok() };
            let stored =
                |node: &Node| known.as_ref().and_then(|known| known.row(&node.digest)) >= Some(floor);
            let held = &state.held.digests;
            nodes.iter().filter(|node| !held.contains(&node.digest) && !stored(node)).collect()
        };
        if wanted.iter().map(|node| node.data.len()).sum::<usize>() > BYTES_AT_ONCE {
            return Err((events, nodes));
        }
        if state.beside.is_none() {
            let folder = self.file.parent().unwrap_or(Path::new("."));
            state.beside = Beside::create(folder, run).ok();
        }
        let Some(beside) = state.beside.as_mut() else { return Err((events, nodes)) };
        let written = beside.write(run, state.end, &events, &wanted);
        if written.and_then(|()| if durable { beside.sync() } else { Ok(()) }).is_err() {
            if beside.is_gone() {
                state.beside = None;
            }
            return Err((events, nodes));
        }
        let wanted: Vec<Node> = wanted.into_iter().cloned().collect();
        state.hold(events, wanted, durable);
        if durable {
            // Should this fail, so does what moves it into the log.
            let _ = self.heads.write(state.slot, &state.head(self.boot));
        }
        Ok(())
    }

    /// Moves what is beside the database into the log, so that it is seen.
    pub fn settle(&mut self) -> Result<()> {
        let held = self.runs.values().any(|state| !state.held.events.is_empty());
        if held { self.refresh(false) } else { Ok(()) }
    }

    /// Writes what was held, rows of `runs` that are behind, and heartbeats.
    pub fn refresh(&mut self, beat: bool) -> Result<()> {
        if beat {
            self.disown()?;
        }
        let now = self.clock.now();
        let behind: Vec<RunId> =
            self.runs.values().filter(|s| beat || s.stale).map(|s| s.run.clone()).collect();
        if behind.is_empty() {
            return Ok(());
        }
        let held: Vec<(RunId, End, Held)> = self
            .runs
            .values()
            .filter(|state| !state.held.events.is_empty())
            .map(|state| (state.run.clone(), state.end, state.held.clone()))
            .collect();
        // What was synced beside the database may be written over only when the log has it on disk.
        let durable = held.iter().any(|(_, _, held)| held.synced > 0);
        self.fresh.clear();
        let outcome = self.begin(durable).and_then(|()| {
            held.iter()
                .try_for_each(|(run, ..)| self.write_held(run).and_then(|()| self.write_events(run, &[])))?;
            self.write_derived(&behind, now, true)?;
            self.sql("commit", |db| db.prepare_cached("COMMIT")?.execute([]))?;
            Ok(())
        });
        if outcome.is_err() {
            let _ = self.db.execute_batch("ROLLBACK");
            for (run, end, held) in held {
                if let Some(state) = self.runs.get_mut(&run) {
                    (state.end, state.held, state.stale) = (end, held, true);
                }
            }
            return outcome;
        }
        self.remember(durable);
        let moved: Vec<RunId> = held.into_iter().map(|(run, ..)| run).collect();
        self.move_heads(durable, &moved)
    }

    /// Stores the values that are beside the database.
    pub(super) fn write_held(&mut self, run: &RunId) -> Result<()> {
        let Some(state) = self.runs.get_mut(run) else { return Ok(()) };
        state.held.digests.clear();
        for node in std::mem::take(&mut state.held.nodes) {
            let packed = PackedNode::new(node, false, self.children);
            self.write_nodes(std::slice::from_ref(&packed))?;
        }
        Ok(())
    }

    pub(super) fn is_synced(&self, run: &RunId) -> bool {
        self.runs.get(run).is_some_and(|state| state.held.synced > 0)
    }
}
