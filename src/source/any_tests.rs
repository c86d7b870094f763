//! Any text is survived; and how long a large one takes.

use proptest::prelude::*;

use super::*;

struct Any(std::sync::Arc<str>);

impl Sources for Any {
    fn text(&self, path: &str) -> Option<std::sync::Arc<str>> {
        (path == "any.py").then(|| self.0.clone())
    }

    fn names(&self, _: &str) -> Vec<String> {
        vec!["any.py".to_owned()]
    }
}

fn everything(text: &str) {
    let parsed = parse(text);
    let found = facts(&parsed);
    for function in &found.functions {
        assert!(parsed.text().get(function.source_range.clone()).is_some());
        assert!(function.first_line <= function.line && function.line <= function.end_line);
    }
    if let Some(error) = &found.error {
        assert!(error.line >= 1 && error.column >= 1);
    }
    let mut program = Program::new(vec![String::new()], "any.py");
    for function in found.functions.iter().take(20) {
        program.closure("any.py", &function.name, &Any(text.into()));
    }
    let mut end = 0;
    for token in highlight(text) {
        assert!(token.range.start >= end && text.get(token.range.clone()).is_some());
        end = token.range.end;
    }
}

proptest! {
    #[test]
    fn arbitrary_text(text in any::<String>()) {
        everything(&text);
    }

    #[test]
    fn arbitrary_tokens(words in prop::collection::vec(prop::sample::select(vec![
        "def f", "(", ")", ":", "\n", "    ", "class A", "@", "function", "()", "if ", "else", "try",
        "except", "import ", "from ", "tensorlake.applications", "*", "x", "= ", "1", "'", "\"\"\"", "f'{",
        "}", "[", "]", ",", "lambda ", "match ", "case ", "\\", "\r", "#", "async ", "await ", "not ",
        "\t", "\u{c}", "é", "return ", "while ", "; ", ".", "-", "~", "{",
    ]), 0..60)) {
        everything(&words.concat());
    }
}

#[test]
fn deep_texts_are_survived() {
    let n = 30_000;
    for text in [
        "(".repeat(n),
        format!("x = {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("x = {}1", "-".repeat(n)),
        format!("x = {}1", "not ".repeat(n)),
        format!("x = {}1", "1 + ".repeat(n)),
        format!("x = {}1", "2 ** ".repeat(n)),
        format!("x = {}1", "lambda: ".repeat(n)),
        format!("x = {}1", "lambda a, b: ".repeat(n)),
        format!("x = {}1", "1 if 1 else ".repeat(n)),
        format!("x{}", ".y".repeat(n)),
        format!("x{}", "()".repeat(n)),
        format!("x{}", "[0]".repeat(n)),
        format!("{}pass", "if x: ".repeat(n)),
        format!("{}pass", "class A: ".repeat(n)),
        format!("{}pass", "def f(): ".repeat(n)),
        format!("{}pass", "async ".repeat(n)),
        format!("{}pass", "else: ".repeat(n)),
        format!("{}pass", "try: ".repeat(n)),
        format!("match x:\n case {}1", "[".repeat(n)),
        format!("match x:\n case {}1", "1 | ".repeat(n)),
        format!("x = {}", "f'{".repeat(n)),
        format!("x: {}1", "await ".repeat(n)),
        format!("{}x", "@".repeat(n)),
        format!("{}x", "*".repeat(n)),
        format!("x = {}1", "yield ".repeat(n)),
        format!("x = {}1", "x := ".repeat(n)),
        format!("{}1", "x = ".repeat(n)),
        format!("del {}x", "(".repeat(150)),
        (0..3_000).map(|i| format!("{}if x:\n", " ".repeat(i))).collect(),
        format!("if a: pass\n{}", "elif b: pass\n".repeat(n)),
        format!("if a:\n  pass\n{}", "else:\n if x:\n  pass\n".repeat(1_000)),
    ] {
        everything(&text);
    }
}

/// Trees just below the bound for walking in place, on a stack of half a tokio worker's.
#[test]
fn the_callers_stack_suffices() {
    let nested = |open: &str, core: &str, close: &str, n| {
        format!("def f():\n return {}{core}{}\n", open.repeat(n), close.repeat(n))
    };
    let walk = move || {
        for n in 1..50 {
            for text in [
                nested("f(", "1", ")", n),
                nested("[x for x in ", "y", "]", n),
                nested("{'a': ", "1", "}", n),
                nested("f'{", "1", "}'", n),
                nested("lambda a=(", "1", "): a", n),
                nested("(yield ", "1", ")", n),
                nested("x[1:", "1", "]", n),
                nested("not ", "1", "", n),
                nested("1 if a else ", "1", "", n),
                format!("match x:\n case {}1{}: pass\n", "A(b=".repeat(n), ")".repeat(n)),
                (0..n).map(|i| format!("{}def f{i}(a=lambda: 1):\n", " ".repeat(i))).collect::<String>()
                    + &" ".repeat(n)
                    + "x = 1",
                (0..n).map(|i| format!("{}try:\n", " ".repeat(i))).collect::<String>()
                    + &" ".repeat(n)
                    + "x = 1",
            ] {
                everything(&text);
            }
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(walk).unwrap().join().unwrap();
}

#[test]
fn a_parsed_text_may_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<Parsed>();
}

#[test]
fn long_but_flat_texts_are_no_error() {
    let n = 20_000;
    for text in [
        format!("x = [{}]", "-1, ".repeat(n)),
        format!("x = {{{}}}", "'a': f(1) + 2,\n".repeat(n)),
        "x = a.b(c)[0] + 1\n".repeat(n),
        "x = 1; ".repeat(n),
        format!("x = {}1", "1 + ".repeat(1_500)),
        format!("x = {}1{}", "(".repeat(150), ")".repeat(150)),
        format!("x = a{}", ".filter(lambda v: v > 1)".repeat(200)),
        format!(
            "{}pass",
            (0..60).map(|i| format!("{}if x:\n", " ".repeat(i))).collect::<String>() + &" ".repeat(60)
        ),
    ] {
        assert_eq!(parse(&text).error(), None, "{}", &text[..60]);
        everything(&text);
    }
}

#[test]
#[ignore = "a figure, not a check: cargo test --lib source -- --ignored --nocapture"]
#[allow(clippy::print_stdout)]
fn speed_of_8000_lines() {
    let mut text = String::from("from tensorlake.applications import function\n");
    for i in 0..2_000 {
        text.push_str(&format!("@function()\ndef f{i}(a: int, b=2):\n    x = [v * {i} for v in range(a) if v > b]\n    return {{'sum': sum(x), 'name': f'n{{a}}'}}\n"));
    }
    for _ in 0..3 {
        let start = std::time::Instant::now();
        let parsed = parse(&text);
        let parse_time = start.elapsed();
        let mut program = Program::new(vec![String::new()], "any.py");
        let source = Any(text.as_str().into());
        let all: Vec<_> =
            (0..2_000).filter_map(|i| program.closure("any.py", &format!("f{i}"), &source)).collect();
        let digest_time = start.elapsed() - parse_time;
        let found = facts(&parsed).functions.len();
        let facts_time = start.elapsed() - parse_time - digest_time;
        println!(
            "{} lines, {} digests: parse {parse_time:?}, digests {digest_time:?}, facts of {found} {facts_time:?}, highlight {:?}",
            text.lines().count(),
            all.len(),
            {
                let s = std::time::Instant::now();
                highlight(&text);
                s.elapsed()
            }
        );
    }
}
