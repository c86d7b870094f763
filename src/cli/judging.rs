//! The workbench's judge: a thread that watches the project's sources and says after each save what it means for the
//! run that is shown.
//!
//! Invariant: nothing is executed and nothing wakes up while nothing changes. What was asked while an answer was being
//! made is answered once, together.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::watched::{self, Attention};
use crate::app::blast::Said;
use crate::app::msg::Judged;
use crate::base::ids::RunId;
use crate::engine::project::Project;
use crate::engine::verdict::{Attended, Judge, Search};
use crate::store::Store;
use crate::watch::{Changes, Report, TreeWatch, is_source};

/// What the judge tells.
pub enum Told {
    /// A source changed, came or went.
    Sources,
    /// The run that it attends to, against the sources of now.
    Judged(Judged),
    /// A sentence for the user.
    Notice(String),
}

enum Order {
    Files(Report),
    Attend(Option<RunId>),
    End,
}

/// The thread; it ends when this is dropped.
pub struct Judging {
    orders: Sender<Order>,
}

impl Judging {
    /// Starts it. It attends to no run yet.
    pub fn start(
        project: &Project,
        store: &Store,
        search: Search,
        tell: impl Fn(Told) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = channel();
        let (project, store, reports) = (project.clone(), store.clone(), orders.clone());
        let work = move || {
            let attention = Attention::new(&project);
            let report = move |report| {
                let _ = reports.send(Order::Files(report));
            };
            let files = match TreeWatch::start(attention.interest(Attended::default()), report) {
                Ok(files) => files,
                Err(error) => {
                    tell(Told::Notice(format!("files cannot be watched: {error}")));
                    return;
                }
            };
            let judge = Judge::new(&project, &store, search);
            let attended = Attended::default();
            Worker { project, judge, attention, attended, files, run: None, last: None, tell }.work(&inbox);
        };
        std::thread::Builder::new().name("judge".to_owned()).spawn(work)?;
        Ok(Judging { orders })
    }

    /// From now on this run is judged, beginning at once; the same again judges it anew.
    pub fn attend(&self, run: Option<RunId>) {
        let _ = self.orders.send(Order::Attend(run));
    }
}

impl Drop for Judging {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End);
    }
}

struct Worker<F> {
    project: Project,
    judge: Judge,
    attention: Attention,
    attended: Attended,
    files: TreeWatch,
    run: Option<RunId>,
    last: Option<Result<Arc<Said>, String>>,
    tell: F,
}

impl<F: Fn(Told)> Worker<F> {
    fn work(mut self, inbox: &Receiver<Order>) {
        while let Ok(first) = inbox.recv() {
            let (mut changes, mut asked) = (Changes::default(), false);
            for order in std::iter::once(first).chain(inbox.try_iter()) {
                match order {
                    Order::End => return,
                    Order::Files(Report::Notice(text)) => (self.tell)(Told::Notice(text)),
                    Order::Files(Report::Changed(more)) => changes.add(more),
                    Order::Attend(run) => {
                        self.run = run;
                        asked = true;
                    }
                }
            }
            let saved = self.saved(&changes);
            self.answer(saved, asked);
        }
    }

    /// Takes up changes of files. Says which of them matter, by name.
    fn saved(&mut self, changes: &Changes) -> Vec<String> {
        if changes.all || changes.paths.iter().any(|path| is_source(path) || !path.is_file()) {
            (self.tell)(Told::Sources);
        }
        let data = watched::data(changes, &self.attended, &self.project.root);
        let mut saved = self.judge.changed(&changes.paths, changes.all);
        saved.extend(data);
        self.attention.changed(changes);
        saved
    }

    fn answer(&mut self, saved: Vec<String>, asked: bool) {
        if let Some(run) = self.run.clone() {
            let result = self.judge.verdict(&run).map_err(|error| error.to_string()).and_then(|verdict| {
                let history = self.judge.run(&run).map_err(|error| error.to_string())?;
                Ok(Arc::new(Said::new(verdict, &history)))
            });
            if asked || !saved.is_empty() || self.last.as_ref() != Some(&result) {
                self.last = Some(result.clone());
                (self.tell)(Told::Judged(Judged { run: run.clone(), saved, result }));
            }
            // A run that cannot be read was said to be so.
            self.attended = self.judge.attended(&run).unwrap_or_default();
        }
        self.files.attend(self.attention.interest(self.attended.clone()));
    }
}
