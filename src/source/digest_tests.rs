//! What moves a digest and what does not: pairs of texts.

use super::*;

const HEAD: &str = "from tensorlake.applications import application, function, cls\n";

struct One(std::sync::Arc<str>);

impl Sources for One {
    fn text(&self, path: &str) -> Option<std::sync::Arc<str>> {
        (path == "app.py").then(|| self.0.clone())
    }

    fn names(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

fn found(text: &str, name: &str) -> Option<crate::base::digest::Digest> {
    let mut program = Program::new(vec![String::new()], "app.py");
    program.closure("app.py", name, &One(text.into())).map(|closure| closure.digest)
}

fn digest(text: &str, name: &str) -> crate::base::digest::Digest {
    let text = if text.contains("tensorlake") { text.to_owned() } else { format!("{HEAD}{text}") };
    assert_eq!(parse(&text).error(), None, "{text}");
    found(&text, name).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[track_caller]
fn equal(name: &str, pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        assert_eq!(digest(a, name), digest(b, name), "differ:\n{a}\n---\n{b}");
    }
}

#[track_caller]
fn differ(name: &str, pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        assert_ne!(digest(a, name), digest(b, name), "equal:\n{a}\n---\n{b}");
    }
}

#[test]
fn formatting_is_nothing() {
    equal(
        "f",
        &[
            (
                "def f(a,b):\n  return a+b # sum\n",
                "\n\n# top\ndef f(\n    a,\n    b,\n):\n\n\treturn (a + b)\n",
            ),
            ("def f(): return 'a'", "def f(): return \"a\""),
            ("def f(): return 'ab'", "def f(): return ('a'\n  \"b\")"),
            ("def f(): return f'a{x}b'", "def f(): return 'a' f\"{x}\" 'b'"),
            ("def f(): return '''a\nb'''\n", "def f():\r\n    return '''a\r\nb'''\r\n"),
            ("def f(): return '''a\nb'''\n", "def f():\r    return '''a\rb'''\r"),
            ("def f(): return 'a'", "def f(): return u'a'"),
            ("def f(): return 1000, 16, 1e3", "def f(): return (1_000, 0x10, 1000.0)"),
            ("def f(): x = 1; return x", "def f():\n  x = 1\n  return \\\n   x"),
            ("def f(): return r'\\d'", "def f(): return '\\\\d'"),
            (
                "def f():\n  if a:\n    return 1\n  elif b:\n    return 2",
                "def f():\n  if a:\n    return 1\n  else:\n    if b:\n      return 2",
            ),
            ("def f():\n  with a as b, c:\n    g()", "def f():\n  with (a as b, c,):\n    g()"),
            ("def f(): return 1\ndef g(): return 1", "def g(): return 2\ndef f(): return 1"),
            ("def f(): pass", "def f():\n  'only a docstring'\n"),
            ("def f():\n  g()\n  return 1", "def f():\n  g()\n  'a note'\n  return 1"),
        ],
    );
}

#[test]
fn a_byte_order_mark_is_nothing() {
    let text = format!("{HEAD}def f(): return 'a'\n");
    assert_eq!(digest(&text, "f"), digest(&format!("\u{feff}{text}"), "f"));
}

#[test]
fn meaning_is_kept() {
    differ(
        "f",
        &[
            ("def f(): return 1", "def f(): return 2"),
            ("def f(): return 1", "def f(): return 1.0"),
            ("def f(): return 1", "def f(): return True"),
            ("def f(): return 0.0", "def f(): return -0.0"),
            ("def f(): return 'a'", "def f(): return b'a'"),
            ("def f(): return 'ab', 'c'", "def f(): return 'a', 'bc'"),
            ("def f(): return (1, 2)", "def f(): return [1, 2]"),
            ("def f(): return a + b", "def f(): return b + a"),
            ("def f(): return f'{x=}'", "def f(): return f'{x =}'"),
            ("def f(): return f'{x}'", "def f(): return f'{x!r}'"),
            ("def f(): return a < b", "def f(): return a <= b"),
            ("def f(): g(1, x=2)", "def f(): g(1, y=2)"),
            ("def f(): g()", "async def f(): g()"),
            ("def f(a, b): return a", "def f(b, a): return a"),
            ("def f(a): return a", "def f(a=1): return a"),
            ("def f(a=1): return a", "def f(a=2): return a"),
            ("def f(a, b): return a", "def f(a, *, b): return a"),
            ("def f(a, b): return a", "def f(a, /, b): return a"),
            ("def f():\n  if a:\n    g()\n  h()", "def f():\n  if a:\n    g()\n    h()"),
            ("def f(): return g()", "@function()\ndef f(): return g()"),
        ],
    );
}

#[test]
fn docstrings_and_hints_count_for_readers_only() {
    equal(
        "f",
        &[
            (
                "@function()\ndef f(a): return a",
                "@function()\ndef f(a: int) -> str:\n  '''Doc.'''\n  return a",
            ),
            ("def f(*a, k, **b): return a", "def f(*a: int, k: str, **b: int): return a"),
            ("def f(): x = 1; return x", "def f():\n  x: int = 1\n  return x"),
            ("def f(): x = 1; return x", "def f():\n  x: int\n  x = 1\n  return x"),
            ("def f(a): return a", "def f[T](a: T) -> T: return a"),
            (
                "def f():\n  def g(v): return v\n  return g(1)",
                "def f():\n  def g(v: int) -> int:\n    'doc'\n    return v\n  return g(1)",
            ),
            (
                "@application()\n@function()\ndef f(a: int): return a",
                "@application()\n@function()\ndef f(a: int):\n  'doc'\n  return a",
            ),
            ("@lru_cache\ndef f(a): return a", "@lru_cache\ndef f(a: int): return a"),
        ],
    );
    differ(
        "f",
        &[
            (
                "@application()\n@function()\ndef f(a: int): return a",
                "@application()\n@function()\ndef f(a: str): return a",
            ),
            (
                "@application()\n@function()\ndef f(a) -> int: return a",
                "@application()\n@function()\ndef f(a): return a",
            ),
            (
                "@function()\ndef f(a): return f.__doc__",
                "@function()\ndef f(a):\n  'doc'\n  return f.__doc__",
            ),
            ("def f(a): return inspect.signature(f)", "def f(a: int): return inspect.signature(f)"),
            ("def f(a): return getattr(f, '__doc__')", "def f(a):\n  'x'\n  return getattr(f, '__doc__')"),
            ("@validate_call\ndef f(a: int): return a", "@validate_call\ndef f(a: str): return a"),
            ("@prompt\ndef f(a):\n  'one'", "@prompt\ndef f(a):\n  'two'"),
            (
                "def f():\n  def g(v): return v\n  return tool(g)",
                "def f():\n  def g(v: int): return v\n  return tool(g)",
            ),
            (
                "def f():\n  class A(B):\n    x: int = 1\n  return A",
                "def f():\n  class A(B):\n    x: str = 1\n  return A",
            ),
            (
                "def f():\n  class A(B):\n    'one'\n  return A",
                "def f():\n  class A(B):\n    'two'\n  return A",
            ),
        ],
    );
}

#[test]
fn only_decorators_that_matter_count() {
    let other = "import tensorlake.applications as tl\n@tl.function(timeout=3)\ndef f(): return 1";
    equal(
        "f",
        &[
            (
                "@function()\ndef f(): return 1",
                "@function('about', timeout=9, retries=R(3), cpu=2)\ndef f(): return 1",
            ),
            ("@function()\ndef f(): return 1", "@function(durable=True)\ndef f(): return 1"),
            ("@function()\ndef f(): return 1", other),
            (
                "@application()\n@function()\ndef f(): return 1",
                "@function()\n@application(tags={})\ndef f(): return 1",
            ),
            (
                "@tool\n@function()\ndef f(a): return 1",
                "@tool\n@function()\ndef f(a: int):\n  'doc'\n  return 1",
            ),
        ],
    );
    differ(
        "f",
        &[
            ("@function()\ndef f(): return 1", "@function(durable=False)\ndef f(): return 1"),
            ("@function()\ndef f(): return 1", "@function(durable=LIVE)\ndef f(): return 1"),
            ("@function()\ndef f(): return 1", "@function(version=V)\ndef f(): return 1"),
            ("@function()\ndef f(): return 1", "@application()\n@function()\ndef f(): return 1"),
            ("@function()\n@polite('a')\ndef f(): return 1", "@function()\n@polite('b')\ndef f(): return 1"),
            ("@function()\n@a\n@b\ndef f(): return 1", "@function()\n@b\n@a\ndef f(): return 1"),
            ("@function()\n@a\ndef f(): return 1", "@a\n@function()\ndef f(): return 1"),
            ("@function()\n@a\ndef f(): return 1", "@function()\ndef f(): return 1"),
        ],
    );
}

#[test]
fn a_version_stands_for_the_code() {
    equal(
        "f",
        &[
            ("@function(version='2')\ndef f(): return 1", "@function(version='2')\ndef f(a=1): return a + 2"),
            ("@function(version=None)\ndef f(): return 1", "@function(version=None)\ndef f(): return 1 # x"),
        ],
    );
    differ(
        "f",
        &[
            ("@function(version='2')\ndef f(): return 1", "@function(version='3')\ndef f(): return 1"),
            ("@function(version='2')\ndef f(): return 1", "@function()\ndef f(): return 1"),
        ],
    );
    let two = "@function(version='2')\ndef f(): return 1\n@function(version='2')\ndef g(): return 1\n";
    assert_ne!(digest(two, "f"), digest(two, "g"));
}

#[test]
fn a_method_depends_on_its_instance() {
    let base = "@cls()\nclass A:\n  '''Doc.'''\n  k = 1\n  def __init__(self):\n    self.n = 1\n  @function()\n  def f(self): return self.n\n  @function()\n  def g(self): return 2\n";
    for (from, to) in [
        ("Doc.", "Other."),
        ("@cls()", "@cls(init_timeout=9)"),
        ("return 2", "return 3"),
        ("class A:", "class A():"),
        ("k = 1", "k: int = 1"),
        ("k = 1", "k = 2"),
        ("self.n = 1", "'note'; self.n = 1"),
    ] {
        assert_eq!(digest(base, "A.f"), digest(&base.replace(from, to), "A.f"), "{from} -> {to}");
    }
    for (from, to) in [
        ("self.n = 1", "self.n = 2"),
        ("class A:", "class A(B):"),
        ("@cls()", "@cls()\n@other"),
        ("return self.n", "return self.n + 1"),
    ] {
        assert_ne!(digest(base, "A.f"), digest(&base.replace(from, to), "A.f"), "{from} -> {to}");
    }
}

#[test]
fn a_method_may_read_the_docstring_of_its_class() {
    let text = "class A:\n  'one'\n  def f(self): return self.__doc__\n  def g(self): return 1\n";
    let edited = text.replace("one", "two");
    assert_ne!(digest(text, "A.f"), digest(&edited, "A.f"));
    assert_eq!(digest(text, "A.g"), digest(&edited, "A.g"));
}

#[test]
fn redefinitions() {
    equal("f", &[("def f(): return 1", "def f(): return 0\ndef f(): return 1")]);
    let branches = "if a:\n  def f(): return 1\nelse:\n  def f(): return 2\n";
    differ(
        "f",
        &[
            (branches, "if a:\n  def f(): return 3\nelse:\n  def f(): return 2\n"),
            (branches, "if a:\n  def f(): return 1\nelse:\n  def f(): return 3\n"),
            (
                "def f(): return 0\nif a:\n  def f(): return 1\n",
                "def f(): return 9\nif a:\n  def f(): return 1\n",
            ),
        ],
    );
    equal("f", &[(branches, &format!("def f(): return 0\n{branches}"))]);
}

#[test]
fn a_nested_function_depends_on_what_is_around_it() {
    let text = "def outer(n):\n  k = 1\n  @function()\n  def f(): return k\n  return f\n";
    let name = "outer.<locals>.f";
    assert_ne!(digest(text, name), digest(&text.replace("k = 1", "k = 2"), name));
    assert_eq!(digest(text, name), digest(&text.replace("function()", "function(timeout=3)"), name));
}

#[test]
fn digests_are_stable() {
    // Pinned: a change here means that every store's fingerprints change, so raise the revision.
    assert_eq!(
        digest("def f(a, b=2):\n  return a + b\n", "f").hex(),
        "f1bbf3c386fb92b640aa44cf0b5f0e5a1609c29e77a008c42af1803d6597fda8"
    );
    let text = "def f(): ...\nclass A:\n  def g(self): ...\n";
    assert!(found(text, "f").is_some() && found(text, "A.g").is_some());
    assert_eq!(found(text, "h"), None);
}
