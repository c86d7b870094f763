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

const VALUES: &str = r##"
from tensorlake.applications import application, function

N = 1


@function()
def table(x: int) -> list:
    long = "a_word_without_any_blank_" * 12
    return [{"sku": f"A{n}", "note": f"{long}{N if n == 2 else 0}", "deep": {"er": {"est": {"n": n * N}}}} for n in range(1, 4)]


@function()
def text(x: int) -> str:
    return f"# Head\n\n## Part {'of_the_title_' * 20}\n\n" + "\n".join(f"line {n} says {'much ' * 30}{n * N}" for n in range(30))


@application()
@function()
def app(x: int = 1) -> str:
    table(x)
    return text(x)
"##;

/// Asked of a copy of the report that lets scripts run; what it finds is the page's title.
const ASKED: &str = r#"<script>
const seen = {};
document.querySelectorAll('details').forEach(one => one.open = true);
const rgb = text => text.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
const behind = one => { for (; one; one = one.parentElement) { const at = rgb(getComputedStyle(one).backgroundColor); if (at.length < 4 || at[3] > 0) return at; } return [255, 255, 255]; };
seen.width = innerWidth;
seen.scrolls = document.documentElement.scrollWidth > innerWidth;
seen.wide = [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1).length;
seen.contrast = Math.min(...[...document.querySelectorAll('p,td,summary,summary i,del,ins,code,h1,h2,li b,a,.good')].map(one => {
  const [a, b] = [light(rgb(getComputedStyle(one).color)), light(behind(one))]; return (Math.max(a, b) + .05) / (Math.min(a, b) + .05); }));
seen.dark = light(behind(document.body)) < .1;
seen.focus = [...document.querySelectorAll('summary,a')].every(one => { one.focus(); return document.activeElement === one; });
const links = [...document.querySelectorAll('a')];
seen.links = links.length > 0 && links.every(one => document.getElementById(one.getAttribute('href').slice(1)));
seen.beside = (() => { const row = [...document.querySelectorAll('tr')].find(row => row.querySelector('td.del') && row.querySelector('td.ins'));
  const [a, b] = [...row.children].map(one => one.getBoundingClientRect()); return a.right <= b.left + 1 && a.top === b.top; })();
parent.document.title = JSON.stringify(seen);
</script></body>"#;

#[test]
fn a_report_is_readable_in_narrow_and_wide_windows_light_and_dark() {
    let Some(name) = browser() else {
        skipped();
        return;
    };
    let project = Project::new();
    project.write("app.py", VALUES);
    project.json(0, &["run", "--json"]);
    project.write("app.py", &VALUES.replace("N = 1\n", "N = 2\n"));
    project.json(0, &["replay", "--json"]);
    assert_eq!(project.tl(&["diff", "--html", "report.html"]).code(), 0);
    let page = project.read("report.html");
    assert!(page.contains("… Head</td>") && page.contains("sku &quot;A2&quot;"), "{page}");
    let policy = page.find("<meta http-equiv=").unwrap();
    let end = policy + page[policy..].find('>').unwrap() + 1;
    let asked = format!("{}{}", &page[..policy], &page[end..]).replace("</body>", ASKED);
    let asked = asked.replace('&', "&amp;").replace('"', "&quot;");
    for (width, scheme) in [(400, "0"), (400, "1"), (1600, "0"), (1600, "1")] {
        // A window cannot be as narrow as that, a frame can. 0 is dark, 1 is light.
        let frame = format!(
            "<html style=\"color-scheme:light dark\"><title></title><body>\
             <iframe style=\"width:{width}px;height:900px;border:0\" srcdoc=\"{asked}\"></iframe>"
        );
        project.write("asked.html", &frame);
        let args = [
            "--window-size=1700,1000".to_owned(),
            format!("--blink-settings=preferredColorScheme={scheme}"),
            "--dump-dom".to_owned(),
        ];
        let folder = project.temporary().join(format!("browser-{width}-{scheme}"));
        let (dom, _) = browse(name, &folder, &project.path("asked.html"), &args);
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
        let seen: serde_json::Value =
            serde_json::from_str(title).unwrap_or_else(|why| panic!("{why}: {title}"));
        assert_eq!(seen["width"], width, "{seen}");
        assert_eq!((&seen["scrolls"], &seen["wide"]), (&false.into(), &0.into()), "at {width}: {seen}");
        assert_eq!(seen["dark"], scheme == "0", "{seen}");
        assert!(seen["contrast"].as_f64().unwrap() >= 4.5, "at {width}, {scheme}: {seen}");
        assert_eq!((&seen["focus"], &seen["links"]), (&true.into(), &true.into()), "{seen}");
        assert_eq!(seen["beside"], width > 1000, "both sides beside each other where there is room: {seen}");
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
