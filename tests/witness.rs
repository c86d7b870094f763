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
