//! A run of samples: one recorded call is executed several times, side by side.
//!
//! Nothing of the application's body runs. The root stands for the application, below it are the samples.
//!
//! Invariants:
//! - what is sampled, and all that it calls, executes; nothing of it is durable, so that no sample ever answers a call
//!   by itself;
//! - each sample begins with the request state that the recorded call found, and sees only what it sets itself;
//! - nothing acts on the world unless that was asked for.

use super::node::{Asker, Node, NodeIx, Operation, Outcome, Phase};
use super::{Core, Effects};
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::model::{CallKind, EventKind, Origin, Purpose, Site, ValueRef};

/// What is sampled.
#[derive(Debug, Clone)]
pub struct Sampling {
    /// The call that executed it first.
    pub of: Origin,
    /// Its number in the parent.
    pub call: CallNo,
    /// Its function.
    pub function: String,
    /// Its arguments.
    pub input: ValueRef,
    /// Its key.
    pub key: Digest,
    /// Where it was called from.
    pub site: Option<Site>,
    /// The request state that it found.
    pub state: Vec<(String, ValueRef)>,
    /// How often it is executed.
    pub count: u32,
}

impl super::CoreSpec {
    /// What the run is for, as it is recorded.
    pub(super) fn purpose(&self) -> Purpose {
        match &self.samples {
            Some(sampling) => Purpose::Samples { of: sampling.of.clone(), call: sampling.call },
            None => self.purpose.clone(),
        }
    }
}

impl Core {
    /// Why a call cannot be sampled; nothing is recorded then.
    pub(super) fn may_sample(&self) -> Result<(), String> {
        let Some(sampling) = &self.spec.samples else { return Ok(()) };
        let name = &sampling.function;
        let Some(func) = self.by_name.get(name) else {
            return Err(format!("{name} is not defined any more, so it cannot be executed"));
        };
        if self.functions[*func].facts.effect && self.spec.effects != Effects::Rerun {
            return Err(format!(
                "{name} acts on the world (effect=True) and would do so {}; --effects rerun if that is wanted",
                crate::base::text::count(u64::from(sampling.count), "time")
            ));
        }
        let values = sampling.state.iter().map(|(_, value)| value).chain([&sampling.input]);
        for value in values {
            let why = |error| format!("what the call began with cannot be read: {error}");
            self.checkpoints.load(value).map_err(why)?;
        }
        Ok(())
    }

    /// The root is there: starts the samples below it.
    pub(super) fn begin_samples(&mut self) {
        let Some(sampling) = self.spec.samples.clone() else { return };
        let Some(&func) = self.by_name.get(&sampling.function) else { return };
        let Ok(arguments) = self.checkpoints.load(&sampling.input) else { return };
        for (key, value) in &sampling.state {
            let Ok(pickle) = self.checkpoints.load(value) else { continue };
            let digest = self.recorder.packer.any(&pickle).canonical;
            self.state_is(key.clone(), digest, pickle);
        }
        self.nodes[0].durable = false;
        self.nodes[0].durable_id = String::new();
        // It stands for no execution of the application.
        self.nodes[0].key = Digest::default();
        self.ask_event(0, None);
        self.nodes[0].attempt = 1;
        self.emit(EventKind::CallStarted { no: 1, attempt: 1, worker: 0 });
        self.nodes[0].phase = Phase::Following;
        let site = sampling.site.clone().map(std::sync::Arc::new);
        let items: Vec<NodeIx> = (0..sampling.count)
            .map(|index| {
                let asker = Asker::Operation { op: 0, index: index as usize };
                let mut node = Node::new(0, 1, CallKind::Call, func, asker);
                node.durable = false;
                node.ordinal = index + 1;
                node.input = Some(sampling.input.clone());
                node.key = sampling.key;
                node.args = vec![arguments.clone()];
                node.site.clone_from(&site);
                self.add(node)
            })
            .collect();
        self.nodes[0].op = Some(Box::new(Operation::Map { items: items.clone(), open: items.len() }));
        for (index, ix) in items.into_iter().enumerate() {
            self.execute(ix, Some(format!("sample {} of {}", index + 1, sampling.count)));
        }
    }

    /// All samples are over. The run succeeded when one of them did.
    pub(super) fn samples_over(&mut self, items: Vec<NodeIx>) {
        let failure = items.iter().find_map(|ix| match &self.nodes[*ix].outcome {
            Some(Outcome::Error(error)) => Some(error.clone()),
            _ => None,
        });
        let succeeded = items.iter().any(|ix| matches!(self.nodes[*ix].outcome, Some(Outcome::Value(_))));
        for ix in &items {
            self.nodes[*ix].result = None;
        }
        match failure {
            Some(error) if !succeeded => self.operation_failed(0, error),
            _ => self.operation_done(0, Outcome::List(items)),
        }
    }

    /// Below a sample: whether a call must not execute because it acts on the world.
    pub(super) fn acts_in_sample(&self, ix: NodeIx) -> bool {
        self.spec.samples.is_some()
            && self.spec.effects != Effects::Rerun
            && self.functions[self.nodes[ix].func].facts.effect
    }

    /// The sample that a call belongs to.
    pub(super) fn sample_of(&self, ix: NodeIx) -> Option<NodeIx> {
        self.spec.samples.as_ref()?;
        let mut at = ix;
        while at != 0 {
            let parent = self.nodes[at].parent;
            if parent == 0 {
                return Some(at);
            }
            at = parent;
        }
        None
    }
}
