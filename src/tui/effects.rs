//! Executes effects: questions to the backend go to blocking threads, their answers come back as messages.

use std::sync::Arc;

use tokio::sync::mpsc::Sender;

use crate::app::{Effect, Reply, asof};
use crate::base::text;

use super::backend::Backend;
use super::{child, clipboard};

/// Sends a question to a blocking thread. Effects that concern the terminal are not questions and do nothing.
pub(super) fn ask(backend: &Arc<dyn Backend>, replies: &Sender<Reply>, effect: Effect) {
    let backend = Arc::clone(backend);
    let replies = replies.clone();
    tokio::spawn(async move {
        let parts = replies.clone();
        let answered = tokio::task::spawn_blocking(move || answer(backend.as_ref(), effect, &parts)).await;
        let reply = match answered {
            Ok(None) => return,
            Ok(Some(reply)) => reply,
            // It panicked. The panic hook gave the terminal back; the reply makes the loop take it again.
            Err(why) => Reply::Broken(why.to_string()),
        };
        // The loop is gone only when the workbench is being left.
        let _ = replies.send(reply).await;
    });
}

/// `parts` takes answers that come in parts, from this blocking thread.
fn answer(backend: &dyn Backend, effect: Effect, parts: &Sender<Reply>) -> Option<Reply> {
    Some(match effect {
        Effect::LoadProject => Reply::Project(backend.project()),
        Effect::LoadSettings => Reply::Settings(backend.settings()),
        Effect::LoadRuns { generation, limit } => Reply::Runs { generation, result: backend.runs(limit) },
        Effect::LoadHistory { run, generation } => {
            let result = backend.history(&run);
            Reply::History { generation, run, result }
        }
        Effect::LoadEvents { run, after_seq, limit, generation } => {
            let result = backend.events(&run, after_seq, limit);
            Reply::Events { generation, run, result }
        }
        Effect::LoadMarks { run, generation } => {
            let result = asof::marks(|after, most| backend.events(&run, after, most)).map(Arc::new);
            Reply::Marks { generation, result }
        }
        Effect::LoadAsOf { run, seq, total, from, generation } => {
            let read = |after, most| backend.events(&run, after, most);
            let result = asof::rebuild(&run, (seq, total), from, read).map(Box::new);
            Reply::AsOf { generation, result }
        }
        Effect::LetGo(spent) => {
            drop(spent);
            return None;
        }
        Effect::LoadValue { value, ask } => {
            let result = backend.value(&value, &ask);
            Reply::Value { digest: value.digest, ask, result }
        }
        Effect::LoadTab { key, generation } => Reply::Tab { generation, result: backend.tab(&key) },
        Effect::Compare { a, b, how, generation } => {
            Reply::Compared { generation, result: backend.compare(a.as_ref(), &b, &how) }
        }
        Effect::ComparePair { a, b, pair, how, generation } => {
            Reply::Inside { generation, result: backend.compare_pair(&a, &b, pair, &how) }
        }
        Effect::Filter { run, filter } => {
            let result = backend.filter(&run, &filter);
            Reply::Filtered { run, filter: filter.to_string(), result }
        }
        Effect::Find(ask) => {
            let generation = ask.generation;
            let mut tell = |hits| parts.blocking_send(Reply::Found { generation, hits }).is_ok();
            Reply::FindEnded { generation, result: backend.find(&ask, &mut tell) }
        }
        Effect::UpdateIndex => {
            // A number that is late is worth nothing: when the loop is busy it is left out.
            let mut tell = |at| {
                let _ = parts.try_send(Reply::Indexing(at));
            };
            Reply::Indexed(backend.index(&mut tell))
        }
        Effect::Start(what) => Reply::Started { result: backend.start(what.clone()), what },
        Effect::Stop { run, force } => Reply::Stopped { result: backend.stop(&run, force), run },
        Effect::Step { run, commands } => Reply::Done(backend.step(&run, commands).map(|()| String::new())),
        Effect::SavePoints(points) => Reply::Done(backend.save_points(&points).map(|()| String::new())),
        Effect::ChangeIgnored { patterns, adds } => {
            let (add, remove): (&[String], &[String]) =
                if adds { (&patterns, &[]) } else { (&[], &patterns) };
            Reply::Ignored { result: backend.change_ignored(add, remove), patterns, adds }
        }
        Effect::Plan { fork, text } => Reply::Planned { result: backend.plan(&fork), fork, text },
        Effect::LoadJson { what, value } => Reply::Json { result: backend.json(&value), what },
        Effect::Pin { run, pinned } => Reply::Done(backend.pin(&run, pinned).map(|()| String::new())),
        Effect::LoadBytes { value, piece, purpose } => {
            let result = backend.bytes(&value, &piece, purpose.wants_file());
            Reply::Bytes { result, purpose }
        }
        Effect::LoadInput { app } => Reply::Input { input: backend.last_input(&app), app },
        Effect::Copy { what, text } => Reply::Done(copy(backend, &what, text.as_bytes(), "txt")),
        Effect::CopyBytes { what, bytes, extension } => Reply::Done(copy(backend, &what, &bytes, extension)),
        Effect::SaveFile { file, bytes } => {
            Reply::Done(backend.write(&file, &bytes).map(|path| format!("Written to {path}.")))
        }
        Effect::Open { file, bytes } => Reply::Done(open(backend, &file, &bytes, parts)),
        Effect::Judge { .. }
        | Effect::Edit { .. }
        | Effect::EditText { .. }
        | Effect::Page { .. }
        | Effect::Suspend
        | Effect::Repaint
        | Effect::Quit => return None,
    })
}

/// Lets another program open a file with these bytes. How the program fares is told when it ends.
fn open(backend: &dyn Backend, file: &str, bytes: &[u8], parts: &Sender<Reply>) -> Result<String, String> {
    let path = backend.stage(file, bytes)?;
    let command = child::opener(&|name| std::env::var(name).ok(), path.as_ref());
    let name = command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut program = child::detach(&command).map_err(|why| format!("{why}. The file is {path}."))?;
    let (told, at, by) = (parts.clone(), path.clone(), name.clone());
    std::thread::spawn(move || {
        let failed = program.wait().ok().filter(|status| !status.success());
        if let Some(status) = failed {
            let _ =
                told.blocking_send(Reply::Done(Err(format!("{by} ended with {status}. The file is {at}."))));
        }
    });
    Ok(format!("{name} opens {path}; the file goes when you leave."))
}

/// Copies bytes as text, or writes them as they are into a file when they are too many for a terminal to take them.
fn copy(backend: &dyn Backend, what: &str, bytes: &[u8], extension: &str) -> Result<String, String> {
    let size = text::bytes(bytes.len() as u64);
    if bytes.len() > clipboard::MOST {
        let path = backend.stage(&format!("copy.{extension}"), bytes)?;
        return Ok(format!("{what} is too long to copy ({size}): until you leave it is in {path}."));
    }
    clipboard::copy(&text::lossy(bytes), &|name| std::env::var(name).ok())
        .map_err(|why| format!("{what} cannot be copied: {why}"))?;
    Ok(format!("{what} is copied ({size})."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::compare::{Comparison, How, PairId, PairView};
    use crate::app::find::{FindAsk, FoundEnd, FoundHit, Indexing};
    use crate::app::script::agent;
    use crate::base::ids::{CallNo, RunId};
    use crate::model::filter::Filter;
    use crate::model::{Event, RunHistory, RunStatus, RunSummary, ValueRef};
    use crate::tui::backend::{
        Ask, BackendEvent, Payload, Piece, ProjectInfo, Sources, Start, TabKey, TabView, ValueView,
    };
    use crate::tui::fake::Fake;
    use tokio::sync::mpsc::{Receiver, channel};

    async fn asked(backend: Arc<dyn Backend>, effect: Effect) -> Option<Reply> {
        let (to, mut from) = channel(4);
        ask(&backend, &to, effect);
        drop(to);
        from.recv().await
    }

    #[tokio::test]
    async fn questions_are_answered_with_their_generation() {
        let fake = Fake::new(vec![agent("2c1a00000000", 1, None, RunStatus::Failed)]);
        let reply = asked(Arc::new(fake), Effect::LoadRuns { generation: 7, limit: 10 }).await;
        assert!(matches!(reply, Some(Reply::Runs { generation: 7, result: Ok(runs) }) if runs.len() == 1));
    }

    /// A backend with a bug.
    struct Broken;

    impl Backend for Broken {
        fn outline(&self) -> ProjectInfo {
            ProjectInfo::default()
        }
        fn project(&self) -> ProjectInfo {
            ProjectInfo::default()
        }
        fn settings(&self) -> Sources {
            Sources::default()
        }
        fn saved(&self) -> Option<String> {
            None
        }
        fn save(&self, _: &str) {}
        fn runs(&self, _: usize) -> Result<Vec<RunSummary>, String> {
            panic!("a bug in the store");
        }
        fn history(&self, _: &RunId) -> Result<Arc<RunHistory>, String> {
            Err(String::new())
        }
        fn events(&self, _: &RunId, _: u64, _: usize) -> Result<Vec<Event>, String> {
            Err(String::new())
        }
        fn value(&self, _: &ValueRef, _: &Ask) -> Result<ValueView, String> {
            Err(String::new())
        }
        fn tab(&self, _: &TabKey) -> Result<TabView, String> {
            Err(String::new())
        }
        fn compare(&self, _: Option<&RunId>, _: &RunId, _: &How) -> Result<Comparison, String> {
            Err(String::new())
        }
        fn compare_pair(&self, _: &RunId, _: &RunId, _: PairId, _: &How) -> Result<PairView, String> {
            Err(String::new())
        }
        fn filter(&self, _: &RunId, _: &Filter) -> Result<Vec<CallNo>, String> {
            Err(String::new())
        }
        fn find(
            &self,
            ask: &FindAsk,
            tell: &mut dyn FnMut(Vec<FoundHit>) -> bool,
        ) -> Result<FoundEnd, String> {
            for _ in 0..ask.text.len() {
                if !tell(Vec::new()) {
                    return Err("nobody listens".to_owned());
                }
            }
            Ok(FoundEnd::default())
        }
        fn index(&self, tell: &mut dyn FnMut(Indexing)) -> Result<bool, String> {
            tell(Indexing { run: 1, runs: 2, events: 3 });
            Ok(true)
        }
        fn bytes(&self, _: &ValueRef, _: &Piece, _: bool) -> Result<Payload, String> {
            Err("there are no bytes here".to_owned())
        }
        fn stage(&self, _: &str, _: &[u8]) -> Result<String, String> {
            Err("there are no files here".to_owned())
        }
        fn last_input(&self, _: &str) -> Option<String> {
            None
        }
        fn judge(&self, _: Option<&RunId>) {}
        fn pin(&self, _: &RunId, _: bool) -> Result<(), String> {
            Ok(())
        }
        fn delete(&self, _: &RunId) -> Result<(), String> {
            Ok(())
        }
        fn write(&self, _: &str, _: &[u8]) -> Result<String, String> {
            Err("there are no files here".to_owned())
        }
        fn start(&self, _: Start) -> Result<RunId, String> {
            Err(String::new())
        }
        fn step(&self, _: &RunId, _: Vec<crate::model::gate::StepCommand>) -> Result<(), String> {
            Err(String::new())
        }
        fn plan(&self, _: &crate::app::Fork) -> Result<crate::model::fork::ForkPlan, String> {
            Err(String::new())
        }
        fn points(&self) -> Result<Vec<crate::model::points::Point>, String> {
            Err(String::new())
        }
        fn save_points(&self, _: &[crate::model::points::Point]) -> Result<(), String> {
            Err(String::new())
        }
        fn change_ignored(&self, _: &[String], _: &[String]) -> Result<(), String> {
            Err(String::new())
        }
        fn json(&self, _: &ValueRef) -> Result<String, String> {
            Err(String::new())
        }
        fn stop(&self, _: &RunId, _: bool) -> Result<(), String> {
            Err(String::new())
        }
        fn subscribe(&self) -> Receiver<BackendEvent> {
            channel(1).1
        }
    }

    #[tokio::test]
    async fn what_is_found_arrives_in_parts() {
        let (to, mut from) = channel(4);
        let text = "ab".to_owned();
        let find = FindAsk { generation: 3, text, run: None, field: None };
        ask(&(Arc::new(Broken) as Arc<dyn Backend>), &to, Effect::Find(Box::new(find)));
        for _ in 0..2 {
            assert!(matches!(from.recv().await, Some(Reply::Found { generation: 3, .. })));
        }
        assert!(matches!(from.recv().await, Some(Reply::FindEnded { generation: 3, result: Ok(_) })));
        ask(&(Arc::new(Broken) as Arc<dyn Backend>), &to, Effect::UpdateIndex);
        assert!(matches!(from.recv().await, Some(Reply::Indexing(Indexing { runs: 2, .. }))));
        assert_eq!(from.recv().await, Some(Reply::Indexed(Ok(true))));
    }

    #[tokio::test]
    async fn a_panic_while_answering_is_an_answer() {
        let reply = asked(Arc::new(Broken), Effect::LoadRuns { generation: 1, limit: 10 }).await;
        assert!(matches!(reply, Some(Reply::Broken(_))), "{reply:?}");
    }
}
