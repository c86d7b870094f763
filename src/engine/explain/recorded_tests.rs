use std::slice::from_ref;

use super::super::Happened;
use super::*;
use crate::base::ids::RunId;
use crate::model::event::{CallAsked, CallEnded};
use crate::model::{CallKind, Event, EventKind, FileRead, ReadKind, ValueRef};
use crate::source::{Closure, Part};
use crate::value::Value;

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// Runs in memory. A value's preview is its JSON; the source of a function is the text that its code digest names.
#[derive(Default)]
struct Memory {
    runs: Vec<Arc<RunHistory>>,
    sources: Vec<&'static str>,
}

impl Records for Memory {
    fn value(&self, value: &ValueRef) -> Result<Value, String> {
        let json: serde_json::Value =
            serde_json::from_str(&value.preview).map_err(|error| error.to_string())?;
        Ok(crate::value::from_plain_json(&json))
    }

    fn closure(&self, known: &CodeKnown) -> Result<Option<Closure>, String> {
        let source = self.sources.iter().find(|text| digest(text) == known.code).ok_or("gone")?;
        let part = |name: &str, via, source: &str| Part {
            file: "app.py".into(),
            name: name.into(),
            lines: (1, 1),
            digest: digest(source),
            via,
            source: source.into(),
        };
        let parts =
            vec![part(&known.function, None, "def f(): return help()"), part("help", Some(0), source)];
        Ok(Some(Closure { digest: known.code, parts, opaque: vec![], external: vec![], version: None }))
    }

    fn run(&self, run: &RunId) -> Option<Arc<RunHistory>> {
        self.runs.iter().find(|one| one.id == *run).cloned()
    }

    fn before(&self, _: &RunHistory) -> Option<Arc<RunHistory>> {
        None
    }
}

/// One call of a made-up run.
#[derive(Clone)]
struct Made {
    function: &'static str,
    parent: CallNo,
    code: &'static str,
    input: &'static str,
    status: CallStatus,
    reads: Vec<FileRead>,
    state: Option<&'static str>,
    durable: bool,
    reason: Option<&'static str>,
}

fn made(function: &'static str, parent: CallNo) -> Made {
    Made {
        function,
        parent,
        code: "1",
        input: r#"{"x": 1}"#,
        status: CallStatus::Fresh,
        reads: vec![],
        state: None,
        durable: true,
        reason: None,
    }
}

fn run(id: &str, parent: Option<&str>, calls: &[Made]) -> RunHistory {
    let mut run = RunHistory::new(RunId::from_text(id));
    run.mode = if parent.is_some() { Mode::Adaptive } else { Mode::Fresh };
    run.parent = parent.map(RunId::from_text);
    let mut seq = 0;
    let mut apply = |run: &mut RunHistory, kind| {
        seq += 1;
        run.apply(&Event { seq, at: 0, kind });
    };
    let text = |json: &str| ValueRef {
        digest: digest(json),
        size: 1,
        preview: json.into(),
        inline: None,
        withheld: None,
    };
    for (i, one) in calls.iter().enumerate() {
        let code = digest(one.code);
        if run.code(one.function, &code).is_none() {
            apply(
                &mut run,
                EventKind::CodeKnown(Box::new(CodeKnown {
                    function: one.function.into(),
                    code,
                    rules: "rules 1".into(),
                    closure: Some(code),
                    files: vec![],
                    packages: vec![],
                    env: vec![],
                    opaque: vec![],
                })),
            );
        }
        let no = i as CallNo + 1;
        apply(
            &mut run,
            EventKind::CallAsked(Box::new(CallAsked {
                no,
                parent: one.parent,
                parent_attempt: 1,
                kind: if no == 1 { CallKind::Root } else { CallKind::Call },
                function: one.function.into(),
                ordinal: 1,
                key: digest(&format!("{} {}", one.function, one.input)),
                code,
                durable_id: if no == 1 { Digest::default() } else { digest(&format!("place {no}")) },
                durable: one.durable,
                input: Some(text(one.input)),
                site: None,
                reason: one.reason.map(str::to_owned),
                effect: false,
                pickled: None,
            })),
        );
        apply(&mut run, EventKind::CallStarted { no, attempt: 1, worker: 1 });
        if let Some(state) = one.state {
            apply(&mut run, EventKind::StateSet { no, key: "k".into(), value: text(state) });
        }
    }
    for (i, one) in calls.iter().enumerate().rev() {
        apply(
            &mut run,
            EventKind::CallEnded(Box::new(CallEnded {
                no: i as CallNo + 1,
                status: one.status,
                wall_us: 1,
                output: one.status.has_output().then(|| text("0")),
                error: None,
                origin: None,
                usage: None,
                state_reads: one
                    .state
                    .map(|state| ("k".to_owned(), Some(digest(state))))
                    .into_iter()
                    .collect(),
                reads: one.reads.clone(),
            })),
        );
    }
    run
}

/// The causes of call 2 of a replay, where both runs have `app` as call 1.
fn causes_of(old: &[Made], new: &[Made], sources: &[&'static str]) -> Vec<Cause> {
    let with_app = |calls: &[Made]| [vec![made("app", 0)], calls.to_vec()].concat();
    let base = Arc::new(run("aaaaaaaaaaaa", None, &with_app(old)));
    let replay = run("bbbbbbbbbbbb", Some("aaaaaaaaaaaa"), &with_app(new));
    let memory = Memory { runs: vec![base], sources: sources.to_vec() };
    explain(&replay, 2, &memory).unwrap().causes
}

fn file(content: &str) -> Vec<FileRead> {
    vec![FileRead { path: "p.txt".into(), kind: ReadKind::Content, digest: Some(digest(content)) }]
}

#[test]
fn code_is_compared_definition_by_definition() {
    let new = Made { code: "def help(): 2", ..made("f", 1) };
    let old = Made { code: "def help(): 1", ..made("f", 1) };
    let found = causes_of(from_ref(&old), from_ref(&new), &["def help(): 1", "def help(): 2"]);
    let Some(Cause::Code { definitions, unknown, .. }) = found.first() else { panic!("{found:?}") };
    assert_eq!((found.len(), unknown), (1, &None));
    assert_eq!(definitions.len(), 1);
    assert_eq!((definitions[0].name.as_str(), definitions[0].change), ("help", Happened::Changed));
    assert_eq!(definitions[0].chain, ["f", "help"]);
    assert_eq!(found[0].to_string(), "its code differs: help (app.py:1)");

    let found = causes_of(&[old], &[new], &["def help(): 2"]);
    assert!(matches!(&found[..], [Cause::Code { unknown: Some(why), .. }] if why == "gone"), "{found:?}");
}

#[test]
fn other_rules_are_no_change_of_the_code() {
    let mut base = run("aaaaaaaaaaaa", None, &[made("app", 0), made("f", 1)]);
    base.codes.iter_mut().for_each(|known| known.rules = "rules 0".into());
    let replay =
        run("bbbbbbbbbbbb", Some("aaaaaaaaaaaa"), &[made("app", 0), Made { code: "2", ..made("f", 1) }]);
    let memory = Memory { runs: vec![Arc::new(base)], sources: vec![] };
    let found = explain(&replay, 2, &memory).unwrap();
    assert_eq!(found.causes, [Cause::Rules { old: "rules 0".into(), new: "rules 1".into() }]);
}

#[test]
fn files_and_state_are_named_with_both_sides() {
    let old = Made { reads: file("a"), state: Some("1"), ..made("f", 1) };
    let new = Made { reads: file("b"), state: Some("2"), ..made("f", 1) };
    let found = causes_of(&[old], &[new], &[]);
    let words: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["file p.txt has other content", "request state 'k' differs: 1 → 2"]);
}

#[test]
fn a_caller_is_explained_by_the_call_whose_key_came_again() {
    let old = [made("f", 1), Made { code: "def help(): 1", ..made("g", 2) }];
    let new = [made("f", 1), Made { code: "def help(): 2", ..made("g", 2) }];
    let found = causes_of(&old, &new, &["def help(): 1", "def help(): 2"]);
    assert_eq!(
        found[0].to_string(),
        "a call that it made is not served: app/f#1/g#1: its code differs: help (app.py:1)"
    );
    // A child with another key is what came of the change, not its reason.
    let old = [Made { code: "def help(): 1", ..made("f", 1) }, made("g", 2)];
    let new = [Made { code: "def help(): 2", ..made("f", 1) }, Made { input: r#"{"x": 2}"#, ..made("g", 2) }];
    let found = causes_of(&old, &new, &["def help(): 1", "def help(): 2"]);
    assert!(matches!(&found[..], [Cause::Code { .. }]), "{found:?}");
    // A child that is not durable always executes, whether or not it was reached.
    let old = [made("f", 1), Made { durable: false, ..made("g", 2) }];
    let found = causes_of(&old, &[made("f", 1)], &[]);
    assert_eq!(found, [Cause::Child { path: "app/f#1/g#1".into(), causes: vec![Cause::NotDurable] }]);
}

#[test]
fn arguments_are_compared_with_the_call_in_the_same_place_or_the_most_similar_one() {
    let new = Made { input: r#"{"x": 2}"#, ..made("f", 1) };
    let found = causes_of(&[made("f", 1)], &[new], &[]);
    assert_eq!(found[0].to_string(), "an argument differs: x: 1 → 2");

    let far = Made { input: r#"{"x": [1, 2, 3], "y": 0}"#, ..made("f", 1) };
    let near = Made { input: r#"{"x": [1, 2, 4], "y": 9}"#, ..made("f", 1) };
    let new = Made { input: r#"{"x": [1, 2, 3], "y": 9}"#, ..made("f", 1) };
    let base = Arc::new(run("aaaaaaaaaaaa", None, &[made("app", 0), made("g", 1), far, near]));
    let mut replay = run(
        "bbbbbbbbbbbb",
        Some("aaaaaaaaaaaa"),
        &[made("app", 0), made("g", 1), made("g", 1), made("g", 1), new],
    );
    replay.calls[4].durable_id = digest("elsewhere");
    replay.calls[4].ordinal = 7;
    let found = explain(&replay, 5, &Memory { runs: vec![base], sources: vec![] }).unwrap();
    assert_eq!(found.compared_with.unwrap().matched, Matched::Similar);
    assert_eq!(found.causes.len(), 1);
}

#[test]
fn what_the_records_do_not_show_is_left_to_what_the_run_said() {
    let new = Made { reason: Some("used already"), ..made("f", 1) };
    assert_eq!(causes_of(&[made("f", 1)], &[new], &[]), [Cause::UsedAlready]);
    let new = Made { reason: Some("the moon was full"), ..made("f", 1) };
    assert_eq!(causes_of(&[made("f", 1)], &[new], &[]), [Cause::Said { text: "the moon was full".into() }]);
    assert_eq!(causes_of(&[], &[made("f", 1)], &[]), [Cause::New]);
}

#[test]
fn outcomes_count_before_everything_else() {
    for (status, cause) in [
        (CallStatus::Failed, Cause::FailedBefore { error: String::new() }),
        (CallStatus::InDoubt, Cause::InDoubt),
        (CallStatus::Cancelled, Cause::NotEnded),
    ] {
        let found = causes_of(&[Made { status, ..made("f", 1) }], &[made("f", 1)], &[]);
        assert_eq!(found, [cause]);
    }
    let again = Made { reason: Some("asked for again"), ..made("f", 1) };
    assert_eq!(causes_of(&[made("f", 1)], &[again], &[]), [Cause::AskedAgain]);
}

#[test]
fn the_platform_goes_by_position_alone() {
    let old = [made("f", 1)];
    let new = [Made { input: r#"{"x": 2}"#, ..made("f", 1) }];
    let with_app = |calls: &[Made]| [vec![made("app", 0)], calls.to_vec()].concat();
    let base = run("aaaaaaaaaaaa", None, &with_app(&old));
    let replay = run("bbbbbbbbbbbb", Some("aaaaaaaaaaaa"), &with_app(&new));
    let verdict = platform(Some(&base), replay.call(2).unwrap(), &[]).unwrap();
    assert!(verdict.reuses && !verdict.agrees);
    assert_eq!(
        platform(Some(&base), replay.call(1).unwrap(), &[]),
        None,
        "the application itself has no place"
    );
    assert_eq!(platform(None, replay.call(2).unwrap(), &[]), None);
}

#[test]
fn decisive_are_the_calls_below_which_nothing_executed() {
    let calls = [
        made("app", 0),
        made("f", 1),
        Made { status: CallStatus::Cached, ..made("g", 2) },
        made("h", 1),
        made("i", 4),
    ];
    assert_eq!(decisive(&run("aaaaaaaaaaaa", None, &calls)), [2, 5]);
}
