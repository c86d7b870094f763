//! Goldens: a run kept as a test, replayed without the model that answered then.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::Project;

const AGENT: &str = r#"
STYLE = "short"

class Odd:
    def __init__(self, n):
        self.n = n
    def __eq__(self, other):
        return self.n == other.n

@function()
def llm(prompt: str) -> dict:
    note("llm")
    if not healthy():
        raise ValueError("the model is not there")
    return {"content": f"answer to\n{prompt}", "usage": {"prompt_tokens": 3, "completion_tokens": 4}, "model": "gpt-4o"}

@function()
def lookup(key: str) -> tuple:
    note("lookup")
    return (key, 1, b"\x00\xff", Odd(3))

@function(effect=False)
def tidy(text: str) -> str:
    note("tidy")
    return text.strip().upper()

@function()
def plan(question: str) -> str:
    answer = llm(f"{STYLE}: {question}")
    return tidy(answer["content"])

@application()
@function()
def app(questions: list) -> dict:
    plans = plan.map(questions)
    found = lookup("k")
    assert found[3] == Odd(3)
    try:
        llm("breaks")
    except Exception:
        pass
    return {"plans": plans, "found": found[:2]}
"#;

fn saved() -> Project {
    let project = Project::app(AGENT);
    project.heal();
    project.run_ok(&["--input", "[\"a\", \"b\"]"]);
    let saved = project.tl(&["golden", "save", "latest", "agent"]).exits(0);
    assert_eq!(saved.out.trim(), "tests/golden/agent.golden.json");
    assert!(saved.err.contains("answered from it: llm, lookup"), "{}", saved.err);
    assert!(saved.err.contains("executed: plan, tidy"), "{}", saved.err);
    project.sicken();
    project.forget();
    project
}

fn text(project: &Project) -> String {
    std::fs::read_to_string(project.root().join("tests/golden/agent.golden.json")).unwrap()
}

#[test]
fn a_golden_holds_without_the_model_and_is_the_same_text_each_time() {
    let project = saved();
    let first = text(&project);
    let done = project.tl(&["golden", "check"]).exits(0);
    assert!(done.out.starts_with("holds"), "{}", done.out);
    assert_eq!([project.times("llm"), project.times("lookup"), project.times("tidy")], [0, 0, 2]);
    project.heal();
    project.run_ok(&["--input", "[\"a\", \"b\"]"]);
    project.tl(&["golden", "save", "latest", "agent"]).exits(2).says(&["exists", "--force"]);
    project.tl(&["golden", "save", "latest", "agent", "--force"]).exits(0);
    assert_eq!(text(&project), first);
    // Reviewable: a text of several lines is several lines, and only what JSON cannot say is a pickle.
    assert!(first.contains("\"answer to\",\n"), "{first}");
    assert_eq!(first.matches("$pickle").count(), 1, "{first}");
    // Nothing was recorded in the project's own store.
    assert_eq!(project.tl(&["runs", "--json"]).exits(0).json().as_array().unwrap().len(), 2);
}

#[test]
fn what_the_code_does_with_the_answers_is_what_is_tested() {
    let project = saved();
    project.edit("text.strip().upper()", "text.strip().lower()");
    let done = project.tl(&["golden", "check", "agent"]).exits(1);
    assert!(done.out.contains("differs"), "{}", done.out);
    assert!(done.out.contains("ANSWER") && done.out.contains("answer"), "{}", done.out);
    assert!(done.out.contains("app/plan[0]/tidy#1 and 1 more call  code changed"), "{}", done.out);
    assert_eq!(project.times("llm"), 0);
    let json = project.tl(&["golden", "check", "--json"]).exits(1).json();
    assert_eq!((&json[0]["ok"], &json[0]["golden"]), (&false.into(), &"agent".into()));
    assert!(!json[0]["diff"]["causes"].as_array().unwrap().is_empty());
    project.tl(&["golden", "check", "--update"]).exits(0);
    project.tl(&["golden", "check"]).exits(0);
    assert!(text(&project).contains("answer to"));
}

#[test]
fn places_that_the_project_ignores_are_not_compared() {
    let project = saved();
    project.edit("found[:2]", "found[:1]");
    let told = project.tl(&["golden", "check"]).exits(1).out;
    assert!(told.contains("found[1]"), "{told}");
    project.write("tl-bench.toml", "ignore = [\"found[*]\"]\n");
    project.tl(&["golden", "check"]).exits(0);
    assert!(!text(&project).contains("found[*]"), "the project's places stay the project's");
    project.edit("\"plans\": plans", "\"plans\": plans[:1]");
    let told = project.tl(&["golden", "check"]).exits(1).out;
    assert!(told.contains("plans[1]"), "{told}");
}

#[test]
fn a_changed_prompt_is_a_call_that_the_golden_does_not_know() {
    let project = saved();
    project.edit("STYLE = \"short\"", "STYLE = \"long\"");
    let done = project.tl(&["golden", "check"]).exits(1);
    assert!(done.out.contains("the golden has no call of llm with these arguments"), "{}", done.out);
    assert!(done.out.contains("short") && done.out.contains("long"), "the prompt is not shown: {}", done.out);
    assert_eq!(project.times("llm"), 0, "it must not ask the model");
    project.tl(&["golden", "check", "--update"]).exits(1);
    project.heal();
    project.tl(&["golden", "check", "--allow", "--update"]).exits(0);
    assert_eq!(project.times("llm"), 2);
    project.sicken();
    project.tl(&["golden", "check"]).exits(0);
}

#[test]
fn more_and_fewer_calls_fail_and_so_does_other_code_of_what_answers() {
    let project = saved();
    project.edit("    found = lookup(\"k\")", "    lookup(\"k\")\n    found = lookup(\"k\")");
    let done = project.tl(&["golden", "check"]).exits(1);
    assert!(done.out.contains("lookup is called more often than in the golden"), "{}", done.out);
    project.edit("    lookup(\"k\")\n    found = lookup(\"k\")", "    found = lookup(\"k\")");
    project.edit("(key, 1, b", "(key, 2, b");
    let done = project.tl(&["golden", "check"]).exits(1);
    assert!(done.out.contains("the code of lookup is not what gave these answers"), "{}", done.out);
    project.tl(&["golden", "check", "--update"]).exits(0);
    project.tl(&["golden", "check"]).exits(0);
    assert_eq!(project.times("lookup"), 0);
}

#[test]
fn failures_are_answered_as_failures_and_secrets_are_not_written() {
    let project = Project::app(AGENT);
    project.write("tl-bench.toml", "workers = 2\nsecrets = [\"TOKEN\"]\n");
    let with = |value: &'static str| [("TOKEN", value)];
    let input = ["--input", "[\"the token-of-one is\"]"];
    // The model is not there: the calls fail, and the run with them.
    let args = [&["run", "--json"][..], &input].concat();
    project.tl_with(&args, &with("token-of-one")).exits(1);
    project.tl_with(&["golden", "save", "latest", "agent"], &with("token-of-one")).exits(0);
    let written = text(&project);
    assert!(!written.contains("token-of-one") && written.contains("[secret TOKEN]"), "{written}");
    assert!(written.contains("the model is not there"), "{written}");
    project.heal();
    // Another machine has another secret; the golden's input has none at all.
    project.tl_with(&["golden", "check"], &with("token-of-two")).exits(0);
}

#[test]
fn mistakes_are_told() {
    let project = saved();
    project.tl(&["golden", "check", "nothing"]).exits(2).says(&["no golden 'nothing'"]);
    project.tl(&["golden", "save", "latest", "../x"]).exits(2).says(&["is no name of a golden"]);
    project
        .tl(&["golden", "save", "latest", "b", "--execute", "nobody"])
        .exits(2)
        .says(&["no call of a function 'nobody'"]);
    project.write("tests/golden/broken.golden.json", "{}");
    project.tl(&["golden", "check", "broken"]).exits(2).says(&["broken.golden.json", "not a golden"]);
    let newer = text(&project).replace("\"golden\": 1", "\"golden\": 9");
    project.write("tests/golden/broken.golden.json", &newer);
    project.tl(&["golden", "check", "broken"]).exits(2).says(&["format 9"]);
}

const NOISY: &str = r#"
MARK = "!"

@function()
def llm(prompt: str) -> str:
    note("llm")
    return f"the answer to {prompt} is surely {times('llm')} and nothing more{MARK}"

@application()
@function()
def app(prompt: str) -> str:
    return llm(prompt).upper()
"#;

#[test]
fn what_differs_within_measured_noise_fails_unless_it_is_accepted() {
    let project = Project::app(NOISY);
    for _ in 0..3 {
        project.run_ok(&["--arg", "prompt=x"]);
    }
    // A golden whose model is asked: what a nightly check does.
    let saved = project.tl(&["golden", "save", "latest", "agent", "--execute", "llm"]).exits(0);
    assert!(saved.err.contains("the noise of 1 executed call was measured"), "{}", saved.err);
    assert!(text(&project).contains("\"noise\": {\n        \"answers\": 3"), "{}", text(&project));
    // Where the golden is checked there is no store.
    std::fs::remove_dir_all(project.root().join(".tl-bench")).unwrap();
    let done = project.tl(&["golden", "check"]).exits(1);
    assert!(done.out.starts_with("noise    tests/golden/agent.golden.json"), "{}", done.out);
    assert!(done.out.contains("within its noise") && done.out.contains("of 3 answers"), "{}", done.out);
    assert!(done.err.contains("--accept-noise"), "{}", done.err);
    let json = project.tl(&["golden", "check", "--json"]).exits(1).json();
    assert_eq!((&json[0]["ok"], &json[0]["within_noise"]), (&false.into(), &true.into()));
    project.tl(&["golden", "check", "--accept-noise"]).exits(0);
    // A change that is as small as noise, but made by other code, is none.
    project.edit("MARK = \"!\"", "MARK = \"?\"");
    let done = project.tl(&["golden", "check", "--accept-noise"]).exits(1);
    assert!(done.out.starts_with("differs"), "{}", done.out);
    project.edit("MARK = \"?\"", "MARK = \"!\"");
    // What is done with the answer is no noise either.
    project.edit(".upper()", ".lower()");
    let done = project.tl(&["golden", "check", "--accept-noise"]).exits(1);
    assert!(done.out.contains("● app  code changed: app, since the golden was saved"), "{}", done.out);
    // An update keeps what is known of the noise.
    project.tl(&["golden", "check", "--update"]).exits(0);
    assert!(text(&project).contains("\"noise\""), "{}", text(&project));
    project.tl(&["golden", "check", "--accept-noise"]).exits(0);
}

const FAILS: &str = r#"
class Outer:
    class Refused(Exception):
        pass

@function()
def llm(prompt: str) -> str:
    note("llm")
    raise Outer.Refused("429 Too Many Requests\ntry again in 20 s" if prompt == "two lines" else prompt)

@application()
@function()
def app(prompt: str) -> str:
    if prompt == "caught":
        try:
            llm("two lines")
        except Exception as error:
            return str(error.__cause__ or error).splitlines()[-1]
    return llm(prompt)
"#;

#[test]
fn a_run_that_failed_by_an_error_of_its_own_class_holds() {
    let project = Project::app(FAILS);
    for (prompt, exit) in [("one line", 1), ("two lines", 1), ("", 1), ("caught", 0)] {
        project.tl(&["run", "--arg", &format!("prompt={prompt}")]).exits(exit);
        project.tl(&["golden", "save", "latest", "agent", "--force"]).exits(0);
        project.forget();
        let done = project.tl(&["golden", "check"]);
        assert!(done.out.starts_with("holds"), "{prompt}: {}", done.out);
        assert_eq!(project.times("llm"), 0);
    }
    assert!(text(&project).contains("\"module\""), "{}", text(&project));
}

#[test]
fn a_call_that_answered_nothing_is_answered_with_nothing() {
    let project = Project::app(
        r#"
@function()
def nothing(prompt: str) -> None:
    note("nothing")

@application()
@function()
def app(prompt: str) -> None:
    assert nothing(prompt) is None
"#,
    );
    project.run_ok(&["--arg", "prompt=x"]);
    project.tl(&["golden", "save", "latest", "agent"]).exits(0);
    project.forget();
    let done = project.tl(&["golden", "check"]).exits(0);
    assert!(done.out.starts_with("holds"), "{}", done.out);
    assert_eq!(project.times("nothing"), 0);
}
