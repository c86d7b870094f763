//! Executes effects: questions to the backend go to blocking threads, their answers come back as messages.

use std::sync::Arc;

use tokio::sync::mpsc::Sender;

use crate::app::{Effect, Reply};

use super::backend::Backend;

/// How much of a value is shown.
const VALUE_BYTES: usize = 256 * 1024;

/// Sends a question to a blocking thread. Effects that concern the terminal are not questions and do nothing.
pub(super) fn ask(backend: &Arc<dyn Backend>, replies: &Sender<Reply>, effect: Effect) {
    let backend = Arc::clone(backend);
    let replies = replies.clone();
    tokio::task::spawn_blocking(move || {
        if let Some(reply) = answer(backend.as_ref(), effect) {
            // The loop is gone only when the workbench is being left.
            let _ = replies.blocking_send(reply);
        }
    });
}

fn answer(backend: &dyn Backend, effect: Effect) -> Option<Reply> {
    Some(match effect {
        Effect::LoadProject => Reply::Project(backend.project()),
        Effect::LoadRuns { generation, limit } => Reply::Runs { generation, result: backend.runs(limit) },
        Effect::LoadHistory { run, generation } => {
            let result = backend.history(&run).map(Box::new);
            Reply::History { generation, run, result }
        }
        Effect::LoadEvents { run, after_seq, limit, generation } => {
            let result = backend.events(&run, after_seq, limit);
            Reply::Events { generation, run, result }
        }
        Effect::LoadValue(value) => {
            Reply::Value { digest: value.digest, result: backend.value(&value, VALUE_BYTES) }
        }
        Effect::Start(what) => Reply::Started { result: backend.start(what.clone()), what },
        Effect::Stop { run, force } => Reply::Stopped { result: backend.stop(&run, force), run },
        Effect::Suspend | Effect::Repaint | Effect::Quit => return None,
    })
}
