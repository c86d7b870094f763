//! A backend that serves scripted runs and plays new ones, for tests of the loop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::app::find::{FindAsk, FoundEnd, FoundHit, Indexing};
use crate::app::script::{Script, agent, mapping, pretty, project};
use crate::base::clock::{Clock, SystemClock};
use crate::base::ids::{CallNo, RunId};
use crate::model::filter::{Filter, Previews, RunCalls};
use crate::model::gate::StepCommand;
use crate::model::{Event, RunHistory, RunStatus, RunSummary, ValueRef};

use super::backend::{
    Ask, Backend, BackendEvent, Comparison, How, PairId, PairView, Payload, Piece, ProjectInfo, Sources,
    Start, TabKey, TabView, ValueView,
};

/// A backend over scripts.
pub struct Fake {
    runs: Mutex<HashMap<RunId, Script>>,
    to: Sender<BackendEvent>,
    from: Mutex<Option<Receiver<BackendEvent>>>,
    started: Mutex<u32>,
    /// Panics where it is asked to judge a run.
    pub judge_panics: bool,
    /// The project takes until this file exists to read.
    pub reads_until: Option<std::path::PathBuf>,
}

impl Fake {
    /// With these runs in its store.
    pub fn new(scripts: Vec<Script>) -> Self {
        let (to, from) = channel(64);
        let runs = scripts.into_iter().map(|script| (script.run.clone(), script)).collect();
        Fake {
            runs: Mutex::new(runs),
            to,
            from: Mutex::new(Some(from)),
            started: Mutex::new(0),
            judge_panics: false,
            reads_until: None,
        }
    }

    fn with<T>(&self, run: &RunId, f: impl FnOnce(&Script) -> T) -> Result<T, String> {
        let runs = self.runs.lock().map_err(|_| "the store is damaged".to_owned())?;
        runs.get(run).map(f).ok_or_else(|| format!("there is no run {run}"))
    }
}

impl Backend for Fake {
    fn outline(&self) -> ProjectInfo {
        ProjectInfo { name: project().name, unread: true, ..ProjectInfo::default() }
    }

    fn project(&self) -> ProjectInfo {
        while self.reads_until.as_ref().is_some_and(|path| !path.exists()) {
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
        project()
    }

    fn settings(&self) -> Sources {
        Sources::default()
    }

    fn saved(&self) -> Option<String> {
        None
    }

    fn save(&self, _: &str) {}

    fn runs(&self, limit: usize) -> Result<Vec<RunSummary>, String> {
        let runs = self.runs.lock().map_err(|_| "the store is damaged".to_owned())?;
        let mut out: Vec<RunSummary> =
            runs.values().filter(|script| !script.events.is_empty()).map(Script::summary).collect();
        out.sort_by_key(|run| std::cmp::Reverse(run.started_at));
        out.truncate(limit);
        Ok(out)
    }

    fn history(&self, run: &RunId) -> Result<Arc<RunHistory>, String> {
        self.with(run, |script| Arc::new(script.history()))
    }

    fn events(&self, run: &RunId, after_seq: u64, limit: usize) -> Result<Vec<Event>, String> {
        self.with(run, |script| {
            script.events.iter().filter(|event| event.seq > after_seq).take(limit).cloned().collect()
        })
    }

    fn value(&self, value: &ValueRef, _: &Ask) -> Result<ValueView, String> {
        Ok(pretty(value))
    }

    fn tab(&self, key: &TabKey) -> Result<TabView, String> {
        Ok(crate::app::script::tab_view(key))
    }

    fn compare(&self, a: Option<&RunId>, b: &RunId, _: &How) -> Result<Comparison, String> {
        let known = self.runs(usize::MAX)?;
        let base = || known.iter().find(|run| run.id == *b)?.parent.clone();
        let a = a.cloned().or_else(base).ok_or("there is no other run")?;
        Ok(crate::app::script::comparison(&a, b))
    }

    fn compare_pair(&self, _: &RunId, _: &RunId, pair: PairId, _: &How) -> Result<PairView, String> {
        Ok(crate::app::script::pair_view(pair))
    }

    fn filter(&self, run: &RunId, filter: &Filter) -> Result<Vec<CallNo>, String> {
        self.with(run, |script| RunCalls::new(&script.history(), &Previews).matching(filter))
    }

    fn find(&self, _: &FindAsk, _: &mut dyn FnMut(Vec<FoundHit>) -> bool) -> Result<FoundEnd, String> {
        Ok(FoundEnd::default())
    }

    fn index(&self, _: &mut dyn FnMut(Indexing)) -> Result<bool, String> {
        Ok(false)
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

    fn judge(&self, _: Option<&RunId>) {
        assert!(!self.judge_panics, "a bug in the judge");
    }

    fn pin(&self, _: &RunId, _: bool) -> Result<(), String> {
        Ok(())
    }

    fn delete(&self, _: &RunId) -> Result<(), String> {
        Ok(())
    }

    fn write(&self, _: &str, _: &[u8]) -> Result<String, String> {
        Err("there are no files here".to_owned())
    }

    /// Plays a scripted agent over some seconds.
    fn start(&self, what: Start) -> Result<RunId, String> {
        let n = {
            let mut started = self.started.lock().map_err(|_| "busy".to_owned())?;
            *started += 1;
            *started
        };
        let id = format!("{:04x}00000000", 0xa000 + n);
        let mut script = match &what {
            Start::Run { .. } if n.is_multiple_of(2) => mapping(&id, 400, &[7, 90]),
            Start::Run { .. } => agent(&id, 0, None, RunStatus::Failed),
            Start::Fork(fork) => agent(&id, 0, Some(fork.run.as_str()), RunStatus::Succeeded),
            Start::Replay { run, .. } | Start::Step { run, .. } | Start::Resample { run, .. } => {
                agent(&id, 0, Some(run.as_str()), RunStatus::Succeeded)
            }
        };
        let run = script.run.clone();
        let events = std::mem::take(&mut script.events);
        self.runs.lock().map_err(|_| "busy".to_owned())?.insert(run.clone(), script);
        let (to, sent) = (self.to.clone(), run.clone());
        std::thread::spawn(move || {
            let pause = std::time::Duration::from_micros(8_000_000 / events.len().max(1) as u64);
            for mut event in events {
                std::thread::sleep(pause);
                event.at = SystemClock.now();
                let _ = to.blocking_send(BackendEvent::Run { run: sent.clone(), events: vec![event] });
            }
        });
        Ok(run)
    }

    fn step(&self, run: &RunId, _: Vec<StepCommand>) -> Result<(), String> {
        Err(format!("run {run} is not stepped through"))
    }

    fn plan(&self, _: &crate::app::Fork) -> Result<crate::model::fork::ForkPlan, String> {
        Ok(crate::model::fork::ForkPlan::default())
    }

    fn points(&self) -> Result<Vec<crate::model::points::Point>, String> {
        Ok(Vec::new())
    }

    fn save_points(&self, _: &[crate::model::points::Point]) -> Result<(), String> {
        Ok(())
    }

    fn change_ignored(&self, _: &[String], _: &[String]) -> Result<(), String> {
        Ok(())
    }

    fn json(&self, value: &ValueRef) -> Result<String, String> {
        Ok(value.preview.clone())
    }

    fn stop(&self, _run: &RunId, force: bool) -> Result<(), String> {
        if force { Err("this scripted run cannot be stopped".to_owned()) } else { Ok(()) }
    }

    fn subscribe(&self) -> Receiver<BackendEvent> {
        self.from.lock().ok().and_then(|mut from| from.take()).unwrap_or_else(|| channel(1).1)
    }
}
