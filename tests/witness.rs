//! What a checkpoint depends on beside its arguments and its code: an edit of a file executes its readers and nobody
//! else, and undoing the edit brings everything back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::Project;

/// Reads in many ways; `$MODEL_NAME` and `vendorlib` are for some tests only.
const READERS: &str = r#"
import asyncio, glob, json, os, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import loading

HERE = Path(__file__).parent
POOL = ThreadPoolExecutor(2)

def slurp(name):
    with open(HERE / name) as file:
        return file.read()

@function()
def direct(x: int) -> str:
    note("ran", "direct")
    return (HERE / "prompts" / "direct.txt").read_text()

@function()
def config(x: int) -> str:
    note("ran", "config")
    with open("data/config.json") as file:
        return json.load(file)["name"]

@function()
def helped(x: int) -> str:
    note("ran", "helped")
    return loading.load("helped")

@function()
def mail(kind: str) -> str:
    note("ran", "mail " + kind)
    return loading.load(kind)

@function()
def listed(x: int) -> list:
    note("ran", "listed")
    return sorted(p.stem for p in (HERE / "ranks").glob("*.yaml"))

@function()
def walked(x: int) -> list:
    note("ran", "walked")
    return sorted(name for _, _, names in os.walk(HERE / "deep") for name in names)

@function()
def globbed(x: int) -> list:
    note("ran", "globbed")
    return sorted(os.path.basename(p) for p in glob.glob("many/**/*.txt", recursive=True))

@function()
def maybe(x: int) -> str:
    note("ran", "maybe")
    try:
        return slurp("override.txt")
    except FileNotFoundError:
        return "none"

@function()
def exists(x: int) -> str:
    note("ran", "exists")
    return slurp("extra.txt") if (HERE / "extra.txt").exists() else "none"

@function()
def linked(x: int) -> str:
    note("ran", "linked")
    return slurp("links/current.txt")

@function()
def behind(x: int) -> str:
    note("ran", "behind")
    return slurp("version/text.txt")

@function()
def threaded(x: int) -> str:
    note("ran", "threaded")
    found = []
    thread = threading.Thread(target=lambda: found.append(slurp("prompts/thread.txt")))
    thread.start()
    thread.join()
    return found[0]

@function()
def pooled(x: int) -> str:
    note("ran", "pooled")
    return POOL.submit(slurp, "prompts/pool.txt").result()

@function()
def pooled_too(x: int) -> str:
    note("ran", "pooled_too")
    return POOL.submit(slurp, "prompts/pool_too.txt").result()

@function()
async def awaited(x: int) -> str:
    note("ran", "awaited")
    return await asyncio.to_thread(slurp, "prompts/await.txt")

@function()
def resourced(x: int) -> str:
    note("ran", "resourced")
    import importlib.resources
    return importlib.resources.files("pack").joinpath("resource.txt").read_text()

@function()
def writer(x: int) -> str:
    note("ran", "writer")
    (HERE / "out.txt").write_text("made")
    return slurp("out.txt")

@function()
def counter(x: int) -> int:
    note("ran", "counter")
    try:
        n = int(slurp("count.txt"))
    except FileNotFoundError:
        n = 0
    with open(HERE / "count.txt", "w") as file:
        file.write(str(n + 1))
    return n

@function()
def nobody(x: int) -> int:
    note("ran", "nobody")
    return x

@application()
@function()
async def app(x: int) -> list:
    note("ran", "app")
    return [
        direct(x), config(x), helped(x), mail("short"), mail("long"), listed(x), walked(x), globbed(x), maybe(x),
        exists(x), linked(x), behind(x), threaded(x), pooled(x), pooled_too(x), await awaited(x), resourced(x), writer(x),
        counter(x), nobody(x),
    ]
"#;

fn readers() -> Project {
    let project = Project::new(&[
        ("app.py", &format!("{}{READERS}", support::HEAD)),
        (
            "loading.py",
            "from pathlib import Path\ndef load(name):\n    return (Path(__file__).parent / 'mails' / f'{name}.j2').read_text()\n",
        ),
        ("prompts/direct.txt", "1"),
        ("prompts/thread.txt", "1"),
        ("prompts/pool.txt", "1"),
        ("prompts/pool_too.txt", "1"),
        ("prompts/await.txt", "1"),
        ("prompts/unread.txt", "1"),
        ("data/config.json", r#"{"name": "a"}"#),
        ("mails/helped.j2", "1"),
        ("mails/short.j2", "1"),
        ("mails/long.j2", "1"),
        ("ranks/low.yaml", "1"),
        ("deep/a/b/x.txt", "1"),
        ("many/a/x.txt", "1"),
        ("texts/v1.txt", "1"),
        ("texts/v2.txt", "2"),
        ("versions/one/text.txt", "1"),
        ("versions/two/text.txt", "2"),
        ("links/.keep", ""),
        ("pack/__init__.py", ""),
        ("pack/resource.txt", "1"),
    ]);
    link(&project, "../texts/v1.txt", "links/current.txt");
    link(&project, "versions/one", "version");
    project
}

fn link(project: &Project, to: &str, name: &str) {
    let path = project.root().join(name);
    let _ = std::fs::remove_file(&path);
    std::os::unix::fs::symlink(to, path).unwrap();
}

fn again(project: &Project) -> Value {
    project.run_ok(&["--arg", "x=1", "--mode", "adaptive"])
}

/// What executed, without the application itself.
fn ran(project: &Project) -> Vec<String> {
    let mut names = project.noted("ran");
    project.forget();
    names.retain(|name| name != "app");
    names.sort();
    names
}

#[test]
fn an_edit_executes_exactly_its_readers_and_its_undoing_nobody() {
    let project = readers();
    let first = project.run_ok(&["--arg", "x=1"]);
    assert_eq!(ran(&project).len(), 20);
    assert_eq!(again(&project)["output"], first["output"]);
    assert_eq!(ran(&project), Vec::<String>::new());
    let root = project.root();
    let edits: &[(&str, &str, &[&str])] = &[
        ("prompts/direct.txt", "2", &["direct"]),
        ("data/config.json", r#"{"name": "b"}"#, &["config"]),
        ("mails/helped.j2", "2", &["helped"]),
        ("mails/short.j2", "2", &["mail short"]),
        ("mails/long.j2", "2", &["mail long"]),
        ("ranks/low.yaml", "2", &[]),
        ("ranks/high.yaml", "2", &["listed"]),
        ("deep/a/b/c.txt", "2", &["walked"]),
        ("many/b.txt", "2", &["globbed"]),
        ("override.txt", "2", &["maybe"]),
        ("extra.txt", "2", &["exists"]),
        ("texts/v1.txt", "2", &["linked"]),
        ("texts/v2.txt", "3", &[]),
        ("versions/one/text.txt", "2", &["behind"]),
        ("versions/two/text.txt", "3", &[]),
        ("prompts/thread.txt", "2", &["threaded"]),
        ("prompts/pool.txt", "2", &["pooled"]),
        ("prompts/pool_too.txt", "2", &["pooled_too"]),
        ("prompts/await.txt", "2", &["awaited"]),
        ("prompts/unread.txt", "2", &[]),
        ("pack/resource.txt", "2", &["resourced"]),
    ];
    for (file, text, readers) in edits {
        let before = std::fs::read(root.join(file)).ok();
        project.write(file, text);
        again(&project);
        assert_eq!(ran(&project), *readers, "{file} was edited");
        match before {
            Some(bytes) => std::fs::write(root.join(file), bytes).unwrap(),
            None => std::fs::remove_file(root.join(file)).unwrap(),
        }
        assert_eq!(again(&project)["output"], first["output"]);
        assert_eq!(ran(&project), Vec::<String>::new(), "{file} was put back");
    }
    project.sound();
}

#[test]
fn links_count_by_what_they_lead_to() {
    let project = readers();
    let first = project.run_ok(&["--arg", "x=1"]);
    ran(&project);
    link(&project, "../texts/v2.txt", "links/current.txt");
    again(&project);
    assert_eq!(ran(&project), ["linked"]);
    link(&project, "versions/two", "version");
    again(&project);
    assert_eq!(ran(&project), ["behind"]);
    link(&project, "../texts/v1.txt", "links/current.txt");
    link(&project, "versions/one", "version");
    assert_eq!(again(&project)["output"], first["output"]);
    assert_eq!(ran(&project), Vec::<String>::new());
    // A file that became unreadable by going away is said so.
    std::fs::remove_file(project.root().join("prompts/direct.txt")).unwrap();
    project.tl(&["run", "--arg", "x=1", "--mode", "adaptive"]).exits(1);
    let call = &project.calls("latest", "direct")[0];
    assert_eq!(call["reason"], "file prompts/direct.txt is gone");
}

const IMPORTED: &str = r#"
import functools, json, os
import registry, vendorlib
from pathlib import Path

HERE = Path(__file__).parent
SYSTEM = (HERE / "system.md").read_text()
TABLE = json.loads((HERE / "table.json").read_text())
HELPED = registry.load("helped.md")

@functools.lru_cache
def kept(name):
    return (HERE / name).read_text()

_cache = {}

def cached(name):
    if name not in _cache:
        _cache[name] = (HERE / name).read_text()
    return _cache[name]

@function()
def system(x: int) -> str:
    note("ran", "system")
    return SYSTEM

@function()
def table(x: int) -> dict:
    note("ran", "table")
    return TABLE

@function()
def helped(x: int) -> str:
    note("ran", "helped")
    return HELPED

@function()
def kept_one(x: int) -> str:
    note("ran", "kept_one")
    return kept("kept.md")

@function()
def kept_two(x: int) -> str:
    note("ran", "kept_two")
    return kept("kept.md") + "!"

@function()
def cached_one(x: int) -> str:
    note("ran", "cached_one")
    return cached("cached.md")

@function()
def cached_two(x: int) -> str:
    note("ran", "cached_two")
    return cached("cached.md") + "!"

@function()
def late(x: int) -> str:
    note("ran", "late")
    import lazy
    return lazy.TEXT

@function()
def late_too(x: int) -> str:
    note("ran", "late_too")
    import lazy
    return lazy.TEXT + "!"

@cls()
class Reader:
    def __init__(self):
        self.text = (HERE / "class.md").read_text()

    @function()
    def one(self, x: int) -> str:
        note("ran", "Reader.one")
        return self.text

    @function()
    def two(self, x: int) -> str:
        note("ran", "Reader.two")
        return self.text + "!"

@function()
def vendor(x: int) -> str:
    note("ran", "vendor")
    return vendorlib.slug("a b")

@function()
def model(x: int) -> str:
    note("ran", "model")
    return "m"

@application()
@function()
def app(x: int) -> list:
    note("ran", "app")
    return [
        system(x), table(x), helped(x), kept_one(x), kept_two(x), cached_one(x), cached_two(x), late(x),
        late_too(x), Reader().one(x), Reader().two(x), vendor(x), model(x),
    ]
"#;

fn imported() -> Project {
    let project = Project::new(&[
        ("app.py", &format!("{}{IMPORTED}", support::HEAD)),
        (
            "registry.py",
            "from pathlib import Path\n\ndef load(name):\n    return (Path(__file__).parent / name).read_text()\n",
        ),
        ("lazy.py", "from pathlib import Path\nTEXT = (Path(__file__).parent / 'lazy.md').read_text()\n"),
        ("table.json", r#"{"a": 1}"#),
    ]);
    for name in ["system.md", "helped.md", "kept.md", "cached.md", "lazy.md", "class.md"] {
        project.write(name, "1");
    }
    vendor(&project, "1.0", "-");
    project
}

/// Installs `vendorlib` into a folder of the trace: outside of the project.
fn vendor(project: &Project, version: &str, joint: &str) {
    let site = project.trace("site");
    let _ = std::fs::remove_dir_all(&site);
    let info = site.join(format!("vendorlib-{version}.dist-info"));
    std::fs::create_dir_all(site.join("vendorlib")).unwrap();
    std::fs::create_dir_all(&info).unwrap();
    let source = format!("def slug(text):\n    return text.replace(' ', '{joint}')\n");
    std::fs::write(site.join("vendorlib/__init__.py"), &source).unwrap();
    std::fs::write(info.join("RECORD"), format!("vendorlib/__init__.py,sha256={version},9\n")).unwrap();
}

/// A run with `vendorlib` on the path, and what it executed without the application.
fn run_with_site(project: &Project, mode: &str, env: &[(&str, &str)]) -> (Value, Vec<String>) {
    let mut command = project.command(&["run", "--json", "--arg", "x=1", "--mode", mode, "--workers", "1"]);
    command.env("PYTHONPATH", project.trace("site"));
    for (name, value) in env {
        command.env(name, value);
    }
    let report = support::run(command).exits(0).json();
    let mut names = project.noted("ran");
    let _ = std::fs::remove_file(project.trace("ran"));
    names.retain(|name| name != "app");
    names.sort();
    (report, names)
}

#[test]
fn what_is_read_at_import_or_kept_by_a_process_counts_for_who_reaches_it() {
    let project = imported();
    let (first, names) = run_with_site(&project, "fresh", &[]);
    assert_eq!(names.len(), 13);
    let edits: &[(&str, &str, &[&str])] = &[
        ("system.md", "2", &["system"]),
        ("table.json", r#"{"a": 2}"#, &["table"]),
        ("helped.md", "2", &["helped"]),
        // The first of two reads the file, the other gets it from memory.
        ("kept.md", "2", &["kept_one", "kept_two"]),
        ("cached.md", "2", &["cached_one", "cached_two"]),
        ("lazy.md", "2", &["late", "late_too"]),
        ("class.md", "2", &["Reader.one", "Reader.two"]),
    ];
    for (file, text, readers) in edits {
        let before = std::fs::read_to_string(project.root().join(file)).unwrap();
        project.write(file, text);
        assert_eq!(run_with_site(&project, "adaptive", &[]).1, *readers, "{file} was edited");
        project.write(file, &before);
        let (report, names) = run_with_site(&project, "adaptive", &[]);
        assert_eq!((&report["output"], names), (&first["output"], vec![]), "{file} was put back");
    }
    project.sound();
}

#[test]
fn another_version_of_a_package_executes_who_imports_it() {
    let project = imported();
    run_with_site(&project, "fresh", &[]);
    vendor(&project, "1.1", "_");
    let (report, names) = run_with_site(&project, "adaptive", &[]);
    assert_eq!(names, ["vendor"]);
    assert_eq!(report["output"][11], "a_b");
    // An unrelated distribution is nothing to anybody.
    std::fs::create_dir_all(project.trace("site").join("other-2.dist-info")).unwrap();
    assert_eq!(run_with_site(&project, "adaptive", &[]).1, Vec::<String>::new());
    vendor(&project, "1.0", "-");
    assert_eq!(run_with_site(&project, "adaptive", &[]).1, Vec::<String>::new(), "the old one is back");
    let shown = project.show("latest");
    let functions = shown["functions"].as_array().unwrap();
    let packages = |name: &str| {
        functions.iter().find(|function| function["function"] == name).unwrap()["packages"].clone()
    };
    assert_eq!(packages("vendor")[0]["version"], "1.0");
    assert_eq!(packages("system"), serde_json::json!([]));
    project.write("tl-bench.toml", "[track]\nignore_packages = [\"VendorLib\"]\n");
    vendor(&project, "4.0", "+");
    assert_eq!(run_with_site(&project, "adaptive", &[]).1, Vec::<String>::new());
    project.write("tl-bench.toml", "");
    assert_eq!(run_with_site(&project, "adaptive", &[]).1, ["vendor"]);
    let reason = project.calls("latest", "vendor")[0]["reason"].clone();
    assert!(reason.as_str().unwrap().starts_with("package vendorlib "), "{reason}");
}

#[test]
fn the_configuration_tracks_and_ignores() {
    let project = imported();
    let config = "[track]\nenv = [\"MODEL_NAME\"]\nfiles = [\"extra/**\"]\nignore = [\"system.md\"]\n";
    project.write("tl-bench.toml", config);
    project.write("extra/a.txt", "1");
    let model: &[(&str, &str)] = &[("MODEL_NAME", "a")];
    run_with_site(&project, "fresh", model);
    assert_eq!(run_with_site(&project, "adaptive", model).1, Vec::<String>::new());
    assert_eq!(run_with_site(&project, "adaptive", &[("MODEL_NAME", "b")]).1.len(), 13);
    assert_eq!(run_with_site(&project, "adaptive", model).1, Vec::<String>::new());
    project.write("system.md", "2");
    assert_eq!(run_with_site(&project, "adaptive", model).1, Vec::<String>::new());
    for (name, text) in [("extra/a.txt", "2"), ("extra/deep/b.txt", "1")] {
        project.write(name, text);
        assert_eq!(run_with_site(&project, "adaptive", model).1.len(), 13, "{name}");
        assert_eq!(run_with_site(&project, "adaptive", model).1, Vec::<String>::new(), "{name}");
    }
    // Mistakes name the file and the key.
    for (text, key) in
        [("[track]\nfile = []\n", "unknown field `file`"), ("[track]\nenv = [\"A=b\"]\n", "track.env")]
    {
        project.write("tl-bench.toml", text);
        let done = project.tl(&["config"]);
        assert!(done.err.contains("tl-bench.toml") && done.err.contains(key), "{}", done.err);
    }
}

const MAPPED: &str = r#"
from pathlib import Path

@function()
def read(x: int) -> str:
    note("ran", x)
    return Path("prompt.txt").read_text() if x % 2 else str(x)

@application()
@function()
def app(n: int) -> int:
    return len(read.map(list(range(n))))
"#;

#[test]
fn half_of_a_large_map_reads_one_file() {
    let project = Project::app(MAPPED);
    project.write("prompt.txt", "1");
    let again = || project.run_ok(&["--arg", "n=1000", "--mode", "adaptive"]);
    project.run_ok(&["--arg", "n=1000"]);
    project.forget();
    again();
    assert_eq!(project.times("ran"), 0);
    project.write("prompt.txt", "2");
    again();
    assert_eq!(project.times("ran"), 500);
    assert!(project.noted("ran").iter().all(|x| x.parse::<u32>().unwrap() % 2 == 1));
    project.sound();
}

const SELF_EDITING: &str = r#"
from pathlib import Path
HERE = Path(__file__).parent

@function()
def slow(x: int) -> str:
    note("ran", "slow")
    text = (HERE / "prompt.txt").read_text()
    if not healthy():
        (HERE.parent / HERE.name / "prompt.txt").stat()
        edit()
    return text

def edit():
    # Another process: nothing in this one tells that it wrote.
    import subprocess
    subprocess.run(["sh", "-c", "printf edited > prompt.txt"], cwd=HERE, check=True)

@function()
def late(x: int) -> str:
    note("ran", "late")
    if not healthy():
        import subprocess
        subprocess.run(["sh", "-c", "printf 'VALUE = 2' > lazy.py"], cwd=HERE, check=True)
    import lazy
    return str(lazy.VALUE)

@application()
@function()
def app(x: int) -> list:
    return [slow(x), late(x)]
"#;

#[test]
fn what_changed_while_it_was_in_use_is_never_served() {
    let project = Project::app(SELF_EDITING);
    project.write("prompt.txt", "first");
    project.write("lazy.py", "VALUE = 1");
    project.run_ok(&["--arg", "x=1"]);
    project.heal();
    project.forget();
    // Both are as they were at the start, but what the calls saw is not known.
    project.write("prompt.txt", "first");
    project.write("lazy.py", "VALUE = 1");
    let second = project.run_ok(&["--arg", "x=1", "--mode", "adaptive"]);
    assert_eq!(project.noted("ran"), ["slow", "late"]);
    assert_eq!(second["output"], serde_json::json!(["first", "1"]));
    let reason = |name: &str| project.calls("latest", name)[0]["reason"].clone();
    assert_eq!(reason("slow"), "file prompt.txt changed while it was in use");
    assert_eq!(reason("late"), "file lazy.py changed while it was in use");
    project.forget();
    project.run_ok(&["--arg", "x=1", "--mode", "adaptive"]);
    assert_eq!(project.times("ran"), 0);
}

#[test]
fn a_project_that_does_not_load_keeps_its_checkpoints() {
    let project = Project::app(MAPPED);
    project.write("prompt.txt", "1");
    project.run_ok(&["--arg", "n=3"]);
    project.forget();
    let text = std::fs::read_to_string(project.root().join("app.py")).unwrap();
    project.write("app.py", &text.replace("def app(n: int)", "def app(n: int"));
    assert_ne!(
        project.tl(&["run", "app.py::app", "--arg", "n=3", "--mode", "adaptive"]).status.code(),
        Some(0)
    );
    project.write("app.py", &format!("{text}\nimport nowhere_to_be_found\n"));
    assert_eq!(project.tl(&["run", "--arg", "n=3", "--mode", "adaptive"]).status.code(), Some(4));
    assert_eq!(project.times("ran"), 0);
    project.write("app.py", &text);
    project.run_ok(&["--arg", "n=3", "--mode", "adaptive"]);
    assert_eq!(project.times("ran"), 0);
}
