//! What a run records of what its outcomes depend on: the code of functions, and files that calls looked at.

use super::node::{ConnId, FuncIx, NodeIx};
use super::{Action, Core};
use crate::model::{Call, ErrorInfo, ErrorKind, EventKind, RunHistory};
use crate::proto::message::{End, Loaded};

/// A worker whose files are saved under it this often in a row is not started again.
const RELOADS: u32 = 3;

impl Core {
    /// Records the code of a function before its first call.
    pub(super) fn tell_code(&mut self, func: FuncIx) {
        let function = &self.functions[func];
        if self.is_told(&function.known.function, &function.code) {
            return;
        }
        let mut known = (*function.known).clone();
        let closure = self.coder.closure(&self.functions[func].facts, &self.recorder.packer);
        known.closure = closure.map(|closure| self.recorder.keep_document(closure));
        self.told.entry(known.code).or_default().push(known.function.clone());
        self.emit(EventKind::CodeKnown(Box::new(known)));
    }

    /// Records the code behind a recorded call that is served: a run's record is complete in itself.
    pub(super) fn tell_served_code(&mut self, history: &RunHistory, call: &Call) {
        if self.is_told(&call.function, &call.code) {
            return;
        }
        let today = self.by_name.get(&call.function).copied();
        if let Some(func) = today.filter(|func| self.functions[*func].code == call.code) {
            self.tell_code(func);
        } else if let Some(known) = history.code(&call.function, &call.code) {
            self.told.entry(call.code).or_default().push(call.function.clone());
            self.emit(EventKind::CodeKnown(Box::new(known.clone())));
        }
    }

    pub(super) fn is_told(&self, function: &str, code: &crate::base::digest::Digest) -> bool {
        self.told.get(code).is_some_and(|names| names.iter().any(|name| name == function))
    }

    /// Notes which files a body depends on: those that it looked at, and those that its process held already when
    /// code that it reaches had looked at them before.
    pub(super) fn witness(&mut self, ix: NodeIx, conn: ConnId, end: &End) {
        let Some((_, worker)) = self.workers.iter_mut().find(|(_, worker)| worker.conn == Some(conn)) else {
            return;
        };
        let mut reads = Vec::with_capacity(end.reads.len());
        for sighting in end.reads.iter().filter(|sighting| !self.files.ignores(&sighting.path)) {
            let read = self.files.seen(sighting);
            if let Some((file, line)) = sighting.at.clone() {
                let placed = super::Placed { read: read.clone(), file, line };
                if !worker.holds.contains(&placed) {
                    worker.holds.push(placed);
                }
            }
            reads.push(read);
        }
        if !end.sources.is_empty() {
            for placed in self.coder.imported(&end.sources) {
                reads.push(placed.read.clone());
                worker.holds.push(placed);
            }
        }
        let function = &self.functions[self.nodes[ix].func];
        for placed in &worker.holds {
            if self.coder.reaches(&function.facts, placed) {
                reads.push(placed.read.clone());
            }
        }
        // What every call of the function depends on is recorded with its code.
        reads.retain(|read| !function.known.files.contains(read));
        reads.sort();
        reads.dedup();
        self.nodes[ix].reads = reads;
    }

    /// A file was saved while the first worker loaded it: what it executes cannot be told any more.
    pub(super) fn load_again(&mut self, worker: u32, path: &str) {
        self.workers.remove(&worker);
        self.actions.push(Action::Kill { worker });
        self.reloads += 1;
        if self.reloads > RELOADS || self.spec.driver {
            let text = format!("{path} was saved while it was loaded; run again when it rests");
            self.not_loaded(ErrorInfo::new(ErrorKind::Died, "SourceChanged", text));
        } else {
            self.spawn();
        }
    }

    /// A further worker is there.
    pub(super) fn joined(&mut self, conn: ConnId, worker: u32, loaded: &Loaded) {
        match self.coder.joined(loaded) {
            Ok(holds) => {
                let entry = self.workers.entry(worker).or_default();
                entry.conn = Some(conn);
                entry.holds = holds;
                self.failed_spawns = 0;
            }
            Err(path) => {
                self.actions.push(Action::Kill { worker });
                let text =
                    format!("{path} was edited while the run went on; a replay goes on with the new code");
                self.load_failed(worker, ErrorInfo::new(ErrorKind::Died, "SourceChanged", text));
            }
        }
    }
}
