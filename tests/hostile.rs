//! Hostile text in every place that a run, a project or an argument has for it: no command lets a terminal obey it, and
//! what programs read stays valid JSON.
//!
//! The workbench's screens have the same in `src/ui/screen_tests.rs`, the sanitiser itself in `src/base/text.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;
use support::{Project, program, until};

/// As JSON, so that there are lone surrogates, too.
const TEXTS: [&str; 4] = [
    r#""A\u001b[2J\u001b]52;c;Zg==\u0007\u001b]8;;h\u001b\\\u001bPq#0\u001b\\\u001b_G\u001b\\\u001b^\u001bX""#,
    r#""B\u009b2J\u009d0;t\u009c\u0090q\u0085\u0001\u0005\b\b\r\u000b\u000c\u000e\u007f\tx\r\ny\nz""#,
    r#""C\u202e\u2066\u200f\u2028\u2029\udb40\udc41\ufe0f\u200b\u00ad\u3164\u115f\ufeff\ue000\uffff e\u0301\u0301\u0301\u0301\u0301\u0301""#,
    r#""D\udc9b\ud800\udfff\u0000\u001b[31m\ud83d\udc68\u200d\ud83d\udc69\ud83d\udc4d\ud83c\udffd""#,
];

const APP: &str = r##"
import json, logging, os, sys
from tensorlake.applications import *

HERE = os.path.dirname(os.path.abspath(__file__))
RAW = json.load(open(os.path.join(HERE, "text.json")))
TEXT = RAW.encode("utf-8", "replace").decode()
NAME = TEXT.replace("\0", "")

def named(name):
    def body(x: int) -> int:
        return x + 1
    body.__name__ = body.__qualname__ = name
    return body

odd = function()(named(NAME))

class Odd:
    def __init__(self):
        self.__dict__[RAW] = RAW

class Fault(Exception):
    pass

for kind in (Odd, Fault):
    kind.__name__ = kind.__qualname__ = NAME
globals()[NAME] = Odd

@function(description=TEXT)
def echo(x: str = TEXT) -> str:
    return x

@function()
def values(n: int):
    call = {"id": TEXT, "function": {"name": TEXT, "arguments": TEXT}}
    turn = {"role": TEXT, "content": TEXT, "name": TEXT, "tool_calls": [call]}
    return {"text": TEXT, TEXT: TEXT, "bytes": TEXT.encode(), RAW: 1, (RAW, 1): {RAW}, "messages": [turn]}

@function()
def ask(messages: list) -> dict:
    message = {"role": TEXT, "content": TEXT}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    return {"model": TEXT, "choices": [{"finish_reason": TEXT, "message": message}], "usage": usage}

@function()
def thing(n: int):
    return Odd()

@function()
def context(n: int) -> int:
    c = RequestContext.get()
    for key in (RAW, TEXT):
        for act in (lambda: c.state.set(key, RAW), lambda: c.state.get(key), lambda: c.metrics.counter(key, 1),
                    lambda: c.metrics.timer(key, 1.0), lambda: c.progress.update(1, 2, key, attributes={key: key})):
            try:
                act()
            except Exception as e:
                print(type(e).__name__, e)
    return n

@function()
def logs(n: int) -> int:
    sys.stdout.buffer.write(RAW.encode("utf-8", "surrogatepass") + b"\xff\x9b2J\n")
    sys.stdout.flush()
    logging.addLevelName(35, TEXT)
    logging.getLogger(TEXT).log(35, TEXT)
    return n

@function()
def files(n: int) -> str:
    folder = os.path.join(HERE, "data")
    return "".join(open(os.path.join(folder, name)).read() for name in os.listdir(folder)) + str(os.environ.get(NAME))

@function(retries=1)
def boom(x: str) -> str:
    place = {"Fault": Fault, "RAW": RAW}
    exec(compile("def inner():\n    raise Fault(RAW)", NAME, "exec"), place)
    place["inner"]()

@application()
@function()
def hostile(q: str = "x") -> str:
    print("in the application", TEXT)
    todo = [lambda: echo(RAW), echo, lambda: values(1), lambda: ask([{"role": TEXT, "content": TEXT}]), lambda: thing(1),
            lambda: context(1), lambda: logs(1), lambda: files(1), lambda: boom(TEXT), lambda: odd(1),
            lambda: echo.map([TEXT, TEXT])]
    for act in todo:
        try:
            act()
        except Exception as e:
            print("caught", type(e).__name__, e)
    if q != "x":
        raise RequestError(TEXT)
    return RAW if q else TEXT
"##;

/// Whether a terminal would obey this character, hide it, or let it change what is beside it.
fn is_hostile(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// What is wrong with the output of a command, with what stands around it.
fn obeyed(output: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(output) else { return Some("invalid UTF-8".to_owned()) };
    let mut rest = text.replace("\r\n", "\n").replace("\r\x1b[K", "");
    // The program's own colours, and the weights of the parser of arguments.
    for ours in ["0", "1", "2", "4", "31", "32", "33"] {
        rest = rest.replace(&format!("\x1b[{ours}m"), "");
    }
    let around = |at: usize| {
        let (from, to) = (
            rest.floor_char_boundary(at.saturating_sub(60)),
            rest.ceil_char_boundary((at + 40).min(rest.len())),
        );
        format!("{:?}", &rest[from..to])
    };
    if let Some(at) = rest.find(is_hostile) {
        return Some(around(at));
    }
    rest.find(&"\u{301}".repeat(5)).map(around)
}

struct Place {
    _project: Project,
    /// The folder of the hostile project, which has the text in its name.
    folder: OsString,
    /// The text as a name of files and as an argument.
    name: OsString,
    wrong: Vec<String>,
}

impl Place {
    fn new(json: &str) -> Place {
        let project = Project::new(&[]);
        // Neither JSON's lone surrogates nor NUL can stand in a name; bytes that are no text can.
        let text = serde_json::from_str::<String>(json)
            .unwrap_or_else(|_| "D\u{1b}[31m\u{1f468}\u{200d}\u{1f469}".to_owned());
        let name = OsString::from(text.replace(['/', '\0'], "_"));
        // Paths of workers are JSON, so that a project's own folder has a name that is text.
        let folder = project.root().join(&name);
        let mut raw = name.clone();
        raw.push(OsStr::from_bytes(b"\xff\x9b"));
        let data = folder.join("data");
        std::fs::create_dir_all(&data).unwrap();
        std::fs::write(data.join(&raw), "x").unwrap();
        std::fs::write(folder.join("text.json"), json).unwrap();
        std::fs::write(folder.join("tl-bench.toml"), "workers = 2\n").unwrap();
        std::fs::write(folder.join("app.py"), APP).unwrap();
        let mut broken = raw;
        broken.push(".py");
        std::fs::write(folder.join(broken), format!("def f(:\n    '{text}")).unwrap();
        Place { _project: project, folder: folder.into_os_string(), name, wrong: Vec::new() }
    }

    fn json_of(&self, args: &[&str]) -> Value {
        let mut command = program(args);
        let done = command.current_dir(&self.folder).output().unwrap();
        serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&done.stderr)))
    }

    fn check(&mut self, args: &[&OsStr], output: &[u8]) {
        if let Some(around) = obeyed(output) {
            self.wrong.push(format!("{args:?}: {around}"));
        }
        let text = String::from_utf8_lossy(output);
        if text.contains("panicked at") {
            self.wrong.push(format!("{args:?}: {text}"));
        }
    }

    /// For programs: what goes to standard output are documents, a line each; the rest is safe.
    fn piped(&mut self, args: &[&OsStr], input: &str) {
        let mut command = program(&[]);
        command.args(args).current_dir(&self.folder);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let done = child.wait_with_output().unwrap();
        self.check(args, &done.stderr);
        let speaks_json =
            ["--json", "--events", "-q", "step"].iter().any(|word| args.contains(&OsStr::new(word)));
        if !speaks_json {
            return self.check(args, &done.stdout);
        }
        for line in done.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Err(error) = serde_json::from_slice::<Value>(line) {
                self.wrong.push(format!("{args:?}: {error}: {}", String::from_utf8_lossy(line)));
            }
        }
    }

    /// On a terminal.
    fn shown(&mut self, args: &[&OsStr]) -> Vec<u8> {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let like = program(&[]);
        let mut command = CommandBuilder::new(support::program_file());
        for (name, value) in like.get_envs() {
            match value {
                Some(value) if name != "NO_COLOR" => command.env(name, value),
                _ => command.env_remove(name),
            }
        }
        command.env("TERM", "xterm-256color");
        command.args(args);
        command.cwd(&self.folder);
        let mut child = pair.slave.spawn_command(command).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        // Its other end is the child's alone, so that the output ends with it.
        drop(pair.slave);
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // The end is an error for some systems.
            let _ = output.read_to_end(&mut bytes);
            bytes
        });
        until(&format!("the end of {args:?}"), || child.try_wait().unwrap().is_some());
        let bytes = reader.join().unwrap();
        self.check(args, &bytes);
        bytes
    }

    /// Words by spaces; `@` is the text, `%` bytes that are no text, `#` an id.
    fn words(&self, line: &str, id: &str) -> Vec<OsString> {
        let text = self.name.to_str().unwrap();
        let word = |word: &str| match word {
            "%" => OsStr::from_bytes(b"\xff\x1b[2J\x9b2J").to_owned(),
            word => OsString::from(word.replace('@', text).replace('#', id)),
        };
        line.split(' ').map(word).collect()
    }

    fn both(&mut self, line: &str, id: &str) {
        let words = self.words(line, id);
        let args: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        self.piped(&args, "");
        self.shown(&args);
    }

    fn on_terminal(&mut self, line: &str, id: &str) {
        let words = self.words(line, id);
        let args: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        self.shown(&args);
    }

    #[track_caller]
    fn fine(self) {
        assert!(self.wrong.is_empty(), "{} outputs are obeyed:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }
}

const RUNS: [&str; 5] =
    ["run", "run --events", "run -q", "run -q --input \"y\"", "replay --json --mode fresh --arg q=@"];

const LOOKING: [&str; 31] = [
    "runs",
    "show",
    "show --json",
    "show --lens",
    "show --as-of 20",
    "logs",
    "logs --json",
    "timeline",
    "timeline --path",
    "timeline --json",
    "functions",
    "functions --json",
    "savings --by function",
    "diff",
    "diff --json",
    "diff --patch",
    "status",
    "status --json",
    "why",
    "why --json",
    "source",
    "source --json",
    "history",
    "history --json",
    "config",
    "doctor",
    "doctor --json",
    "scan",
    "search A B C D",
    "search in --json",
    "gc --json",
];

const CALL: [&str; 9] = [
    "show latest #",
    "show latest # --json",
    "why latest #",
    "why latest # --now",
    "source latest #",
    "history latest #",
    "diff --call #",
    "variance latest #",
    "show latest # --save -",
];

const ARGUMENTS: [&str; 42] = [
    "%",
    "search %",
    "@",
    "--@",
    "show @",
    "show --@",
    "show latest @",
    "show --filter @",
    "show --as-of @",
    "show --at @ --save - latest #",
    "show --save @/x latest #",
    "diff @ @",
    "diff --tolerance @",
    "diff --ignore @",
    "diff --html @/x",
    "why --function @",
    "replay --set @=1",
    "replay --set #=@",
    "replay --set #=@@",
    "replay --take #=@",
    "replay --in-doubt @",
    "replay --mode @",
    "run @",
    "run app.py::@",
    "run --input @",
    "run --input @@",
    "run --arg @",
    "run --python @",
    "search @",
    "search x --run @",
    "accept --function @ --note @",
    "resample latest @",
    "exec @",
    "gc --pin @",
    "gc --max-mb @",
    "prices @",
    "demo @",
    "demo --headless --to @/x/y",
    "golden save @",
    "golden check @",
    "step --break (@",
    "help @",
];

const SETTINGS: [&str; 7] = [
    "workers = @",
    "@ = 1",
    "python = @",
    "ignore = [@]",
    "secrets = [@]",
    "[prices.@]\ninput = @",
    "[workbench]\ntheme = @",
];

fn torture(json: &str) {
    let mut place = Place::new(json);
    for line in RUNS {
        place.both(line, "");
    }
    let run = place.json_of(&["show", "--json"]);
    let calls: Vec<String> =
        run["calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect();
    assert!(calls.len() > 12, "{run:#}");
    // Each command meets every other text.
    let turn = TEXTS.iter().position(|text| *text == json).unwrap() % 2;
    for line in LOOKING.iter().skip(turn).step_by(2) {
        place.both(line, "");
    }
    for (nth, id) in calls.iter().enumerate() {
        // Each way to look at a call with some calls, each call in some ways.
        for line in CALL.iter().skip(nth % 3).step_by(3) {
            place.on_terminal(line, id);
        }
    }
    for line in ARGUMENTS.iter().skip(turn).step_by(2) {
        place.on_terminal(line, &calls[1]);
    }
    for line in ["diff --html r.html", "golden save", "golden check", "golden check --json"] {
        place.on_terminal(line, "");
    }
    let talk = format!("{{\"t\":{json}}}\n{json}\n{{\"t\":\"frames\"}}\n{}", "{\"t\":\"step\"}\n".repeat(40));
    place.piped(&[OsStr::new("step")], &talk);
    place.piped(&[OsStr::new("--plain")], "runs\ncalls\nopen 1\nshow 2\nwhat\u{1b}[2J\u{202e}\nquit\n");
    for file in ["r.html", "tests/golden/hostile.golden.json"] {
        let text = std::fs::read(std::path::Path::new(&place.folder).join(file)).unwrap();
        place.check(&[OsStr::new(file)], &text);
    }
    for setting in SETTINGS {
        let config = std::path::Path::new(&place.folder).join("tl-bench.toml");
        std::fs::write(config, setting.replace('@', json)).unwrap();
        for line in ["config", "doctor", "run"] {
            place.on_terminal(line, "");
        }
    }
    place.fine();
}

#[test]
fn sequences_are_shown_not_obeyed() {
    torture(TEXTS[0]);
}

#[test]
fn control_characters_are_shown_not_obeyed() {
    torture(TEXTS[1]);
}

#[test]
fn invisible_characters_are_shown() {
    torture(TEXTS[2]);
}

#[test]
fn halves_of_characters_are_shown() {
    torture(TEXTS[3]);
}

/// The check itself can fail.
#[test]
fn what_a_terminal_would_obey_is_found() {
    for bad in
        ["a\x1b[2J", "\u{9b}2J", "\u{202e}", "\x1b[38;5;1m", "e\u{301}\u{301}\u{301}\u{301}\u{301}", "a\rb"]
    {
        assert!(obeyed(bad.as_bytes()).is_some(), "{bad:?}");
    }
    assert!(obeyed(b"\xff").is_some());
    assert_eq!(obeyed("\x1b[31m✗ <202E>␛[2J\x1b[0m\r\n".as_bytes()), None);
}
