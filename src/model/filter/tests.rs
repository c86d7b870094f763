use proptest::prelude::*;

use super::super::call::{CallKind, CallStatus, ErrorInfo, ErrorKind, Usage, ValueRef};
use super::super::event::Stream;
use super::super::history::test_support::history;
use super::super::history::{LogLine, RunHistory};
use super::*;
use crate::base::digest::Digest;

fn value(preview: &str, size: u64) -> Option<ValueRef> {
    Some(ValueRef {
        digest: Digest::default(),
        size,
        preview: preview.to_owned(),
        inline: None,
        withheld: None,
    })
}

/// agent
/// ├ call_llm#1   cached, 900 tokens of gpt-4o
/// ├ call_llm#2   failed in its second attempt
/// ├ doc[]        a map
/// │ ├ doc[0]     fresh, 2 MB
/// │ └ doc[1]     running
/// └ send_mail#1  fresh, has an effect
fn run() -> RunHistory {
    let mut run = history(&[
        ("agent", 0, CallKind::Root, 1),
        ("call_llm", 1, CallKind::Call, 1),
        ("call_llm", 1, CallKind::Call, 2),
        ("doc", 1, CallKind::Map, 1),
        ("doc", 4, CallKind::Call, 0),
        ("doc", 4, CallKind::Call, 1),
        ("send_mail", 1, CallKind::Call, 1),
    ]);
    let statuses = [
        CallStatus::Failed,
        CallStatus::Cached,
        CallStatus::Failed,
        CallStatus::Running,
        CallStatus::Fresh,
        CallStatus::Running,
        CallStatus::Fresh,
    ];
    for (call, status) in run.calls.iter_mut().zip(statuses) {
        call.status = status;
        call.ended_at = status.is_final().then_some(9);
    }
    let call = &mut run.calls[1];
    call.output = value("I will Refund you", 40);
    call.usage = Some(Usage {
        input: 800,
        output: 100,
        model: Some("gpt-4o".into()),
        cost_usd: Some(0.02),
        ..Usage::default()
    });
    call.wall_us = 2_500_000;
    let call = &mut run.calls[2];
    call.attempts = 2;
    call.error = Some(Box::new(ErrorInfo::new(ErrorKind::Timeout, "TimeoutError", "took too long")));
    let error = ErrorInfo::new(ErrorKind::Function, "RateLimitError", "429");
    call.failed_attempts = vec![crate::model::FailedAttempt { started_at: 0, ended_at: 1, error }];
    call.reason = Some("failed before".into());
    run.calls[4].output = value("bytes 2.0 MB", 2_000_000);
    run.calls[6].effect = true;
    run.calls[6].durable = false;
    run.calls[6].input = value("\"ada@example.org\"", 30);
    run.logs.push(LogLine { call: 7, at: 0, stream: Stream::Stdout, text: "sent to Ada\n".into() });
    run
}

fn matching(text: &str) -> Vec<u32> {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    RunCalls::new(&run(), &Previews).matching(&filter)
}

#[test]
fn conditions_mean_what_they_say() {
    for (text, expected) in [
        ("", &[1, 2, 3, 4, 5, 6, 7][..]),
        ("all", &[1, 2, 3, 4, 5, 6, 7]),
        ("failed", &[1, 3]),
        ("failed leaf", &[3]),
        ("FAILED", &[]),
        ("failed or cached", &[1, 2, 3]),
        ("not failed and not running", &[2, 5, 7]),
        ("!failed !running", &[2, 5, 7]),
        ("not (failed or running)", &[2, 5, 7]),
        ("failed or cached and fn:agent", &[1, 3]),
        ("(failed or cached) and fn:agent", &[1]),
        ("fn:call_llm", &[2, 3]),
        ("fn:call_*", &[2, 3]),
        ("fn:CALL_*", &[2, 3]),
        ("fn=CALL_LLM", &[]),
        ("fn!=call_llm", &[1, 4, 5, 6, 7]),
        ("fn~a", &[1, 2, 3, 7]),
        ("path:agent/doc[]", &[4, 5, 6]),
        ("path:doc[1]", &[6]),
        ("path:call_llm", &[2]),
        ("path~doc[", &[4, 5, 6]),
        ("agent/doc", &[4, 5, 6]),
        ("doc", &[4, 5, 6]),
        ("agent", &[1]),
        ("refund", &[2]),
        ("out~\"refund\"", &[2]),
        ("out~'will refund'", &[2]),
        ("in~refund", &[]),
        ("in~ada", &[7]),
        ("log~ada", &[7]),
        ("err~timeout", &[3]),
        ("err~429", &[3]),
        ("reason~before", &[3]),
        ("model:gpt-4*", &[2]),
        ("cost>0.01", &[2]),
        ("cost>$0.01", &[2]),
        ("cost > 0.01", &[2]),
        ("cost<=0.01", &[]),
        ("tokens>=0.9k", &[2]),
        ("tokens:900", &[2]),
        ("ms>2", &[2]),
        ("ms>2s ms<0.05min", &[2]),
        ("ms>=0", &[1, 2, 3, 5, 7]),
        ("attempts>1", &[3]),
        ("retried", &[3]),
        ("size>1MB", &[5]),
        ("size>=2_000_000", &[5]),
        ("size>2MiB", &[]),
        ("calls=2", &[4]),
        ("effect", &[7]),
        ("not durable", &[7]),
        ("map", &[4]),
        ("root", &[1]),
        ("opaque", &[]),
        ("\"failed\"", &[]),
        ("took", &[3]),
    ] {
        assert_eq!(matching(text), expected, "{text}");
    }
}

#[test]
fn opaque_code_is_found_by_function_and_digest() {
    let mut run = run();
    let opaque = super::super::Opaque { file: "app.py".into(), line: 3, reason: "exec".into() };
    let known = super::super::CodeKnown::alone("doc", Digest::default());
    run.codes.push(super::super::CodeKnown { opaque: vec![opaque], ..known });
    let filter = Filter::parse("opaque not map").unwrap();
    assert_eq!(RunCalls::new(&run, &Previews).matching(&filter), [5, 6]);
}

#[test]
fn errors_point_at_the_character() {
    for (text, pointer, says) in [
        ("cost>much", "     ^^^^", "expected a number after `cost>`"),
        ("cost>", "     ^", "expected a number"),
        ("ms>5x", "    ^", "`us`, `ms`, `s`"),
        ("size>1TB", "      ^^", "`kB`, `MB`"),
        ("cost~3", "    ^", "`cost` is a number"),
        ("fn>3", "  ^", "`fn` is a text"),
        ("fnn:x", "^^^", "there is no field `fnn`; did you mean `fn`?"),
        ("http://x", "^^^^", "\"quotes\""),
        ("failed:x", "      ^", "takes no `:`"),
        ("(failed", "       ^", "expected `)`"),
        ("failed)", "      ^", "never opened"),
        ("()", " ^", "expected a condition before `)`"),
        ("failed and", "          ^", "expected a condition"),
        ("or failed", "^^", "expected a condition before `or`"),
        ("not", "   ^", "expected a condition"),
        ("out~\"x", "      ^", "expected \" at the end"),
        ("out~\"\\q\"", "     ^^", "no such escape"),
        ("out~\"a\"b", "       ^", "expected a space"),
        ("out~\"\\u{110000}\"", "     ^^", "character's number"),
        ("\"out\"~x", "^^^^^", "without quotes"),
        ("cost", "    ^", "expected `>`, `>=`"),
        ("~x", "^", "name of a field"),
        ("日本 cost>x", "          ^", "expected a number"),
        ("a\u{1b}[31m fnn:x", "       ^^^", "no field"),
    ] {
        let error = Filter::parse(text).expect_err(text);
        let shown = error.pointer(text);
        let (_, marks) = shown.split_once('\n').unwrap();
        assert_eq!(marks, pointer, "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
        assert!(!shown.contains('\u{1b}'));
    }
    let deep = "(".repeat(1000);
    assert!(Filter::parse(&deep).unwrap_err().message.contains("nested deeper"));
    assert!(Filter::parse(&"not ".repeat(100_000)).unwrap_err().message.contains("nested deeper"));
}

#[test]
fn what_is_nearly_a_word_is_doubted() {
    assert_eq!(Filter::parse("faild").unwrap().doubts(), [("faild".to_owned(), "failed")]);
    assert!(Filter::parse("plan agent").unwrap().doubts().is_empty());
}

#[test]
fn only_conditions_on_values_need_values() {
    for (text, expected) in [("failed", false), ("not (failed or out~x)", true), ("in:x", true), ("x", false)]
    {
        assert_eq!(Filter::parse(text).unwrap().reads_values(), expected, "{text}");
    }
}

fn offered(text: &str) -> Vec<String> {
    complete(text, text.len(), &run()).items.into_iter().map(|item| item.insert).collect()
}

#[test]
fn completion_knows_what_can_come() {
    assert_eq!(offered("fa"), ["failed"]);
    assert_eq!(offered("failed o"), ["or", "out~", "opaque"]);
    assert_eq!(offered("failed an"), ["and"]);
    assert_eq!(offered("fn:"), ["agent", "call_llm", "doc", "send_mail"]);
    assert_eq!(offered("(fn:ca"), ["call_llm"]);
    assert_eq!(offered("fn:\"ca"), ["\"call_llm\""]);
    assert_eq!(offered("model:"), ["gpt-4o"]);
    assert_eq!(offered("cost"), ["cost>", "cost>=", "cost<", "cost<=", "cost=", "cost!="]);
    assert_eq!(offered("cost "), [">", ">=", "<", "<=", "=", "!="]);
    assert_eq!(offered("size>1"), ["1kB", "1MB", "1MiB"]);
    assert_eq!(offered("size>1M"), ["1MB", "1MiB"]);
    assert_eq!(offered("(failed ")[0], ")");
    assert_eq!(offered("no"), ["not"]);
    assert_eq!(offered("not fr"), ["fresh"]);
    assert!(offered("").len() > FIELDS.len());
    assert!(offered("cost>x fa").is_empty(), "what is before is wrong");
    let items = complete("failed and fre or x", 14, &());
    assert_eq!((items.from, items.items[0].insert.as_str()), (11, "fresh"));
    assert_eq!(items.items[0].doc, "executed in this run");
}

#[test]
fn the_documentation_has_every_word() {
    let page = include_str!("../../../docs/filter.md");
    for field in FIELDS {
        let row = format!("| `{}` | {} | `{}` |", field.name, field.doc, field.example);
        assert!(page.contains(&row), "docs/filter.md needs the row\n{row}");
        Filter::parse(field.example).unwrap_or_else(|error| panic!("{}: {error}", field.example));
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert!(rows >= FIELDS.len());
    for (_, word, doc) in TextOp::ALL {
        assert!(page.contains(&format!("| `{word}` | {doc} |")), "operator {word}: {doc}");
    }
    for (_, word, doc) in NumberOp::ALL {
        assert!(page.contains(&format!("| `{word}` | {doc} |")), "operator {word}: {doc}");
    }
}

fn any_leaf() -> impl Strategy<Value = Expr> {
    let word = prop_oneof![any::<String>(), "[a-z]{1,8}", Just("failed".to_owned()), Just("and".to_owned())];
    let names: Vec<Expr> = FIELDS
        .iter()
        .filter_map(|field| match field.what {
            What::Flag(flag) => Some(Expr::Is(flag)),
            _ => None,
        })
        .collect();
    let texts: Vec<TextField> = FIELDS
        .iter()
        .filter_map(|field| if let What::Text(text) = field.what { Some(text) } else { None })
        .collect();
    let numbers: Vec<Number> = FIELDS
        .iter()
        .filter_map(|field| if let What::Number(number) = field.what { Some(number) } else { None })
        .collect();
    prop_oneof![
        prop::sample::select(names),
        word.clone().prop_map(|text| Expr::Word(Pattern::new(text))),
        (prop::sample::select(texts), prop::sample::select(TextOp::ALL.to_vec()), word)
            .prop_map(|(field, (op, _, _), text)| Expr::Text { field, op, pattern: Pattern::new(text) }),
        (
            prop::sample::select(numbers),
            prop::sample::select(NumberOp::ALL.to_vec()),
            prop_oneof![0.0..1e18f64, (0u32..1000).prop_map(f64::from), 0.0..1e-9f64]
        )
            .prop_map(|(field, (op, _, _), value)| Expr::Number { field, op, value }),
    ]
}

fn any_expr() -> impl Strategy<Value = Expr> {
    any_leaf().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner, 2..4).prop_map(Expr::Or),
        ]
    })
}

/// Texts that look like filters.
fn any_source() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "failed", "fn", "cost", "out", ":", "~", "=", "!=", ">", "<=", "!", "(", ")", " ", "\"", "'",
            "\\", "and", "or", "not", "0.5", "1k", "x", "é", "*", "/", "\\u{41}", "\u{202e}",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(expr in any_expr()) {
        let text = expr.to_string();
        let back = Filter::parse(&text);
        prop_assert_eq!(back.map(|filter| filter.expr().clone()), Ok(expr), "{}", text);
    }

    #[test]
    fn no_text_panics(text in any_source(), cursor in 0usize..40) {
        match Filter::parse(&text) {
            Err(error) => {
                prop_assert!(text.is_char_boundary(error.at), "{error:?}");
                prop_assert!(text.is_char_boundary(error.at + error.len), "{error:?}");
                error.pointer(&text);
            }
            Ok(filter) => {
                let printed = filter.to_string();
                prop_assert_eq!(Filter::parse(&printed), Ok(filter));
            }
        }
        complete(&text, cursor, &run());
    }

    #[test]
    fn what_is_offered_can_be_taken(text in any_source()) {
        let offers = complete(&text, text.len(), &run());
        for item in offers.items {
            let taken = format!("{}{}", &text[..offers.from], item.insert);
            if let Err(error) = Filter::parse(&taken) {
                // What is missing now is missing at the end.
                prop_assert_eq!(error.at, taken.len(), "{} -> {}: {}", text, taken, error);
            }
        }
    }

    #[test]
    fn the_laws_of_logic_hold(a in any_expr(), b in any_expr()) {
        let run = run();
        let calls = RunCalls::new(&run, &Previews);
        let not = |expr: &Expr| Expr::Not(Box::new(expr.clone()));
        for no in 1..=7 {
            let call = calls.call(no).unwrap();
            let holds = |expr: &Expr| expr.holds(&call);
            prop_assert_eq!(holds(&not(&not(&a))), holds(&a));
            prop_assert_eq!(holds(&Expr::And(vec![a.clone(), b.clone()])), holds(&a) && holds(&b));
            prop_assert_eq!(holds(&Expr::Or(vec![a.clone(), b.clone()])), holds(&a) || holds(&b));
            prop_assert_eq!(
                holds(&not(&Expr::And(vec![a.clone(), b.clone()]))),
                holds(&Expr::Or(vec![not(&a), not(&b)]))
            );
        }
    }
}
