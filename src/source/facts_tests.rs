//! Recognition of functions and applications, and what is read of them.

use super::*;

fn of(text: &str) -> Vec<FunctionFacts> {
    let module = facts(&parse(text));
    assert_eq!(module.error, None, "{text}");
    module.functions
}

fn one(text: &str) -> FunctionFacts {
    let found = of(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn every_form_of_import_is_followed() {
    for text in [
        "from tensorlake.applications import application, function\n@application()\n@function()\ndef f(): ...\n",
        "from tensorlake.applications import application, function\n@function()\n@application()\ndef f(): ...\n",
        "from tensorlake.applications import application as app, function as fn\n@app()\n@fn()\ndef f(): ...\n",
        "import tensorlake.applications as tl\n@tl.application()\n@tl.function()\ndef f(): ...\n",
        "import tensorlake.applications\n@tensorlake.applications.application()\n@tensorlake.applications.function()\ndef f(): ...\n",
        "import tensorlake as t\n@t.applications.application()\n@t.applications.function()\ndef f(): ...\n",
        "from tensorlake import applications\n@applications.application()\n@applications.function()\ndef f(): ...\n",
        "from tensorlake import applications as a\nfn = a.function\n@a.application()\n@fn()\ndef f(): ...\n",
        "from tensorlake.applications import *\n@application()\n@function()\ndef f(): ...\n",
        "from tensorlake.applications.interface.decorators import application, function\n@application()\n@function()\ndef f(): ...\n",
        "try:\n    from tensorlake.applications import application, function\nexcept ImportError:\n    from stub import application, function\n@application()\n@function()\ndef f(): ...\n",
        "from tensorlake.applications import application, function\n@application()\n@function()\ndef application(): ...\n",
        "if True:\n  from tensorlake.applications import application, function\n  @application()\n  @function()\n  def f(): ...\n",
    ] {
        let f = one(text);
        assert!(f.is_application && f.is_function && !f.missing_parenthesis, "{text}");
    }
}

#[test]
fn what_only_looks_like_ours_is_not() {
    for text in [
        "def function(): return lambda f: f\n@function()\ndef f(): ...\n",
        "from elsewhere import function\n@function()\ndef f(): ...\n",
        "from tensorlake.applications import function\nfrom elsewhere import function\n@function()\ndef f(): ...\n",
        "from .tensorlake.applications import function\n@function()\ndef f(): ...\n",
        "import tensorlake.applications as tl\n@tl.File()\ndef f(): ...\n",
        "@function()\ndef f(): ...\n",
    ] {
        assert!(of(text).iter().all(|f| !f.is_function && !f.is_application), "{text}");
    }
}

const SAMPLE: &str = r#"# -*- coding: utf-8 -*-
from tensorlake.applications import application, function, cls, Retries

@application(tags={"a": "b"})
@function(
    "Finds.", timeout=1_800, durable=False, effect=True, version="2",
    retries=Retries(max_retries=3), gpu=None, cpu=-1.5, secrets=["A", "B"],
)
async def find(topic: str, /, n: "int" = 2 + 3, *rest: int, deep=True, **more) -> dict[str, int]:
    """Finds it.

        Indented.
    """
    return {}


@cls(init_timeout=5)
class Box:
    def __init__(self):
        self.n = 1

    @function
    def get(self) -> int:
        return self.n

    class Inner:
        @function()
        def deep(self): ...

def outer():
    def plain(): ...
    @function()
    def inner(): ...
"#;

#[test]
fn a_function_is_described() {
    let found = of(SAMPLE);
    let names: Vec<&str> = found.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["find", "Box.__init__", "Box.get", "Box.Inner.deep", "outer", "outer.<locals>.inner"]);
    let find = &found[0];
    assert_eq!((find.first_line, find.line, find.end_line), (4, 9, 14));
    assert!(SAMPLE[find.source_range.clone()].starts_with("@application"));
    assert!(SAMPLE[find.source_range.clone()].ends_with("return {}"));
    assert!(find.is_async && find.is_application && find.is_function && find.effect && !find.durable);
    assert_eq!(find.version.as_deref(), Some("2"));
    assert_eq!(find.returns.as_deref(), Some("dict[str, int]"));
    assert_eq!(find.doc.as_deref(), Some("Finds it.\n\nIndented."));
    let params: Vec<_> = find
        .params
        .iter()
        .map(|p| (p.name.as_str(), p.kind, p.hint.as_deref(), p.default.as_deref()))
        .collect();
    assert_eq!(
        params,
        [
            ("topic", ParamKind::PositionalOnly, Some("str"), None),
            ("n", ParamKind::Normal, Some("\"int\""), Some("2 + 3")),
            ("rest", ParamKind::VarArgs, Some("int"), None),
            ("deep", ParamKind::KeywordOnly, None, Some("True")),
            ("more", ParamKind::KwArgs, None, None),
        ]
    );
    let value = |name| find.option(Mark::Function, name).and_then(|option| option.value.clone());
    assert_eq!(value("description"), Some(Literal::Str("Finds.".to_owned())));
    assert_eq!(value("timeout"), Some(Literal::Int(1800)));
    assert_eq!(value("gpu"), Some(Literal::None));
    assert_eq!(value("cpu"), Some(Literal::Float(-1.5)));
    assert_eq!(value("secrets").map(|v| v.to_string()).as_deref(), Some("[A, B]"));
    assert_eq!(value("retries"), None);
    assert_eq!(find.option(Mark::Function, "retries").unwrap().text, "Retries(max_retries=3)");
    assert!(find.option(Mark::Application, "tags").is_some());
}

#[test]
fn methods_know_their_class() {
    let found = of(SAMPLE);
    let get = &found[2];
    assert_eq!(get.class.as_deref(), Some("Box"));
    assert!(get.is_cls && get.is_function && get.missing_parenthesis && get.durable && !get.effect);
    assert_eq!(found[3].class.as_deref(), Some("Box.Inner"));
    assert!(!found[3].is_cls);
    assert_eq!(found[5].class, None);
}

#[test]
fn the_last_definition_counts() {
    let found = one("def f(): return 1\ndef f(x): return 2\n");
    assert_eq!((found.line, found.definitions), (2, 1));
    let found = one("if a:\n  def f(): return 1\nelse:\n  def f(): return 2\n");
    assert_eq!((found.line, found.definitions), (4, 2));
    let found = one("def f(): return 1\nif a:\n  def f(): return 2\n");
    assert_eq!((found.line, found.definitions), (3, 2));
    let found = one("def f(): return 0\ntry:\n  def f(): return 1\nexcept E:\n  def f(): return 2\n");
    assert_eq!((found.line, found.definitions), (5, 2));
    let found = one(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  def f(): ...\nelse:\n  def f(): return 2\n",
    );
    assert_eq!((found.line, found.definitions), (5, 1));
    let names = of("class A:\n  def a(self): ...\nclass A:\n  def b(self): ...\n");
    assert_eq!(names.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["A.b"]);
}

#[test]
fn a_plain_redefinition_leaves_the_registered_one() {
    let found = one(
        "from tensorlake.applications import function\n@function()\ndef f(): return 1\ndef f(): return 2\n",
    );
    assert_eq!((found.line, found.is_function), (3, true));
}

#[test]
fn errors_have_a_place_and_leave_the_rest() {
    let module = facts(&parse("def good():\n    return 1\n\ndef bad(:\n    return 2\n\ndef fine(): ...\n"));
    let error = module.error.unwrap();
    assert_eq!((error.line, error.column), (4, 9), "{}", error.message);
    assert!(!error.message.is_empty() && !error.message.contains("byte range"));
    assert!(module.functions.iter().any(|f| f.name == "good"));
    assert!(module.functions.iter().any(|f| f.name == "fine"));
    assert_eq!(parse("x = 'open\n").error().map(|e| e.line), Some(1));
}

#[test]
fn marks_and_cookies_are_tolerated() {
    let text = "\u{feff}# coding: latin-1\r\ndef f():\r\n    return 1\r\n";
    let f = one(text);
    assert_eq!((f.line, f.end_line), (2, 3));
    assert_eq!(source_slice(text, f.line, f.end_line), "def f():\r\n    return 1\r\n");
}
