//! The texts of events that bodies, users and the machine wrote: what a record must not hold is taken out of them.
//!
//! Invariant: each kind of event and each field is named here, so that a new one cannot be forgotten. Values are not
//! texts: they are clean before an event refers to them. Names of the program's own (functions, applications, its files,
//! words of ours) stay as they are: runs are found by them.

use super::call::{ErrorInfo, Site};
use super::event::{Answered, CallAsked, CallEnded, EventKind};
use super::witness::{CodeKnown, FileRead};

impl EventKind {
    /// Hands each such text to `each`.
    pub fn each_text(&mut self, each: &mut dyn FnMut(&mut String)) {
        match self {
            EventKind::RunStarted {
                run: _,
                app: _,
                file: _,
                mode: _,
                parent: _,
                input: _,
                python: _,
                version: _,
                purpose: _,
            } => {}
            EventKind::CallAsked(asked) => {
                let CallAsked {
                    no: _,
                    parent: _,
                    parent_attempt: _,
                    kind: _,
                    function: _,
                    ordinal: _,
                    key: _,
                    code: _,
                    durable_id: _,
                    durable: _,
                    input: _,
                    site,
                    reason,
                    effect: _,
                    pickled: _,
                } = asked.as_mut();
                let (Some(Site { file: _, line: _ }) | None) = site;
                reason.iter_mut().for_each(each);
            }
            EventKind::CallStarted { no: _, attempt: _, worker: _ } => {}
            EventKind::AttemptFailed { no: _, attempt: _, error } => error.each_text(each),
            EventKind::CallEnded(ended) | EventKind::Offered(ended) => {
                let CallEnded {
                    no: _,
                    status: _,
                    wall_us: _,
                    output: _,
                    error,
                    origin: _,
                    usage,
                    state_reads,
                    reads,
                } = ended.as_mut();
                error.iter_mut().for_each(|error| error.each_text(each));
                usage.iter_mut().filter_map(|usage| usage.model.as_mut()).for_each(&mut *each);
                state_reads.iter_mut().for_each(|(key, _)| each(key));
                files(reads, each);
            }
            EventKind::Progress { no: _, current: _, total: _, message } => message.iter_mut().for_each(each),
            EventKind::Metric { no: _, name, timer: _, value: _ } => each(name),
            EventKind::Log { no: _, stream: _, text } => each(text),
            EventKind::StateSet { no: _, key, value: _ } => each(key),
            EventKind::Notice { no: _, level: _, text } => each(text),
            EventKind::RunEnded { status: _, output: _, error } => {
                error.iter_mut().for_each(|error| error.each_text(each));
            }
            EventKind::CodeKnown(known) => {
                let CodeKnown {
                    function: _,
                    code: _,
                    rules: _,
                    closure: _,
                    files: read,
                    packages: _,
                    env: _,
                    opaque: _,
                } = known.as_mut();
                files(read, each);
            }
            EventKind::Answered(answered) => {
                let Answered { no: _, answer: _, was: _, now: _, from: _, expr } = answered.as_mut();
                expr.iter_mut().for_each(&mut *each);
            }
        }
    }
}

impl ErrorInfo {
    /// Hands each text of it to `each`.
    pub fn each_text(&mut self, each: &mut dyn FnMut(&mut String)) {
        let ErrorInfo { kind: _, type_name, message, traceback, frames } = self;
        each(type_name);
        each(message);
        each(traceback);
        frames.iter_mut().for_each(|frame| each(&mut frame.text));
    }
}

fn files(reads: &mut [FileRead], each: &mut dyn FnMut(&mut String)) {
    reads.iter_mut().for_each(|read| each(&mut read.path));
}
