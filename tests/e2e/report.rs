//! The report of a diff in a real browser: what it shows, that nothing in it is obeyed, and that it asks nobody.
//!
//! `UPDATE_DOCS=1 cargo test --test e2e report` makes docs/pictures/report.png of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::project::{Project, Started};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

fn browser() -> Option<&'static str> {
    BROWSERS
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()))
}

fn skipped() {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED: there is no browser ({})", BROWSERS.join(", "));
}

/// A page in a browser of its own: what it prints with these arguments.
fn browse(name: &str, folder: &Path, page: &Path, args: &[String]) -> (String, String) {
    let mut command = Command::new(name);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
    // Whatever a page asks for is answered by nobody, and noted.
    command.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0"]);
    command.arg(format!("--user-data-dir={}", folder.display())).args(args);
    command.arg(format!("file://{}", page.display()));
    let done = Started::new(command).finish_within(Duration::from_secs(60));
    (done.out, done.err)
}

/// What the browser made of the page.
fn dom(name: &str, folder: &Path, page: &Path) -> String {
    let (dom, said) = browse(name, folder, page, &["--dump-dom".to_owned()]);
    assert!(!said.contains("CONSOLE"), "the console has: {said}");
    assert!(!said.contains("ERR_NAME_NOT_RESOLVED"), "something was asked for: {said}");
    dom
}

#[test]
fn a_report_is_read_in_a_browser() {
    let Some(name) = browser() else {
        skipped();
        return;
    };
    let project = Project::workspace("research-agent");
    project.tl(&["run", "-q"]);
    project.json(0, &["replay", "--json"]);
    let text = project.read("app.py").replace("Research this topic: ", "Investigate this topic: ");
    project.write("app.py", &text);
    project.json(0, &["run", "--json"]);
    assert_eq!(project.tl(&["diff", "latest~1", "latest", "--html", "report.html"]).code(), 0);
    let page = project.path("report.html");
    let folder = project.temporary().join("browser");
    let found = dom(name, &folder, &page);
    for words in
        ["code changed: research_agent in app.py", "Investigate this topic", "The answer, by sentence"]
    {
        assert!(found.contains(words), "{words} is missing: {found}");
    }
    assert!(found.trim_end().ends_with("</html>"), "the page is cut");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let picture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/report.png");
        let args = ["--window-size=1100,900".to_owned(), format!("--screenshot={}", picture.display())];
        browse(name, &folder, &page, &args);
        assert!(picture.metadata().unwrap().len() > 10_000);
    }
}

const HOSTILE: &str = r#"
from tensorlake.applications import application, function

WORD = "<script>document.title='owned'</script>"

@function()
def llm(prompt: str) -> dict:
    evil = "</pre></td></table></details><img src=http://evil.example/x onerror=document.title='owned'>"
    return {"</code><svg onload=document.title='owned'>": evil + WORD, "css": "</style><style>*{display:none}",
            "link": "<link rel=stylesheet href=http://evil.example/y><meta http-equiv=refresh content=0;url=http://evil.example>"}

@application()
@function()
def app(question: str) -> str:
    return str(llm(question)) + question
"#;

#[test]
fn hostile_values_stay_text_in_a_browser() {
    let Some(name) = browser() else {
        skipped();
        return;
    };
    let project = Project::new();
    project.write("app.py", HOSTILE);
    project.json(0, &["run", "--arg", "question=<base href=http://evil.example>", "--json"]);
    project.write(
        "app.py",
        &HOSTILE.replace("WORD = \"", "WORD = \"'\\\"--><iframe src=http://evil.example></iframe>"),
    );
    project.json(0, &["run", "--arg", "question=<body onload=document.title='owned'>", "--json"]);
    assert_eq!(project.tl(&["diff", "latest~1", "latest", "--html", "report.html"]).code(), 0);
    let found = dom(name, &project.temporary().join("browser"), &project.path("report.html"));
    for tag in ["<script", "<img", "<svg", "<iframe", "<base", "<link"] {
        assert!(!found.contains(tag), "{tag}: {found}");
    }
    assert_eq!(found.matches("<style").count(), 1, "{found}");
    assert!(!found.contains("<title>owned"), "a script was executed");
    assert!(found.contains("&lt;iframe src=http://evil.example&gt;"), "{found}");
}
