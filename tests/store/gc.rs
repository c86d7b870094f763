//! What gc deletes and, above all, what it does not.

use tl_bench::base::ids::RunId;
use tl_bench::model::{CallStatus, Origin, RunStatus};
use tl_bench::store::{GcOptions, Kept, NodeError, Store};

use crate::support::{Recorder, asked, ended, node, open, options, value};

#[test]
fn old_runs_go_with_their_values_and_sources_stay() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let leaf = node("a leaf that two values share");
    let mut runs: Vec<RunId> = Vec::new();
    for name in 1..=6u64 {
        let parent = (name == 6).then(|| runs[4].clone());
        let mut run = Recorder::start(&store, name, parent.as_ref());
        let tree = node(format!("tree of {name}\n{}\n", leaf.digest.hex()));
        if name == 4 {
            // Served from the second run.
            let origin = Some(Origin { run: runs[1].clone(), call: 2 });
            let kinds = vec![asked(2, 1), ended(2, CallStatus::Cached, Some(value(&tree)), origin)];
            run.put(kinds, vec![tree.clone(), leaf.clone()], true).unwrap();
        } else {
            run.put(vec![], vec![leaf.clone()], false).unwrap();
            run.step(2, tree);
        }
        run.end(RunStatus::Succeeded);
        runs.push(run.run);
    }
    store.pin(&runs[3], true).unwrap();
    let mut live = Recorder::start(&store, 7, None);
    let fresh = node("not referred to yet");
    live.put(vec![], vec![fresh.clone()], false).unwrap();

    let options = GcOptions { keep_last: 2, ..GcOptions::default() };
    let plan = store.gc_plan(&options).unwrap();
    assert_eq!(plan.runs, [runs[0].clone(), runs[2].clone()]);
    let why = |run: &RunId| plan.kept.iter().find(|(kept, _)| kept == run).map(|(_, why)| why.clone());
    assert_eq!(why(&runs[1]), Some(Kept::OriginOf(runs[3].clone())));
    assert_eq!(why(&runs[3]), Some(Kept::Pinned));
    assert_eq!(why(&runs[4]), Some(Kept::ParentOf(runs[5].clone())));
    assert_eq!(why(&live.run), Some(Kept::Running));
    assert_eq!((plan.nodes, &plan.values_kept), (2, &None));

    let done = store.gc(&plan).unwrap();
    assert_eq!((done.runs, done.nodes), (2, 2));
    assert!(store.node(&leaf.digest).is_ok() && store.node(&fresh.digest).is_ok());
    let gone = node(format!("tree of 1\n{}\n", leaf.digest.hex()));
    assert!(matches!(store.node(&gone.digest), Err(NodeError::Missing { .. })));
    // The writer must not believe that a deleted value is still there.
    live.step(2, gone.clone());
    assert_eq!(store.node(&gone.digest).unwrap(), gone.data);
    live.end(RunStatus::Succeeded);
    let rows = store.runs(None, 99).unwrap();
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.damaged.is_none()));
    assert!(store.integrity_check().unwrap().is_empty());
}

#[test]
fn without_knowing_children_no_value_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), tl_bench::store::Options::default()).unwrap();
    let mut run = Recorder::start(&store, 1, None);
    run.step(2, node("kept"));
    run.end(RunStatus::Succeeded);
    let plan = store.gc_plan(&GcOptions::default()).unwrap();
    assert!(plan.values_kept.is_some() && plan.runs.len() == 1);
    assert_eq!(store.gc(&plan).unwrap().nodes, 0);
    assert!(store.node(&node("kept").digest).is_ok());
}

#[test]
fn a_deleted_run_is_gone_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    assert!(store.delete_run(&run.run).is_err(), "it is running");
    run.end(RunStatus::Succeeded);
    store.delete_run(&run.run).unwrap();
    assert!(store.runs(None, 9).unwrap().is_empty());
    // As if the process had died before it could free the slot.
    drop(store);
    drop(run);
    assert!(Store::open(dir.path(), options()).unwrap().runs(None, 9).unwrap().is_empty());
}
