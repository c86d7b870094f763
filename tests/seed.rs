//! The programs of the durability documentation, word for word, with stub services beside them.
//!
//! Every claim is checked by what the bodies did (lines in files), not only by what the report counts.

mod support;

use support::{Project, count};

const RESEARCH: &str = r#"from tensorlake.applications import application, function, Image

llm_image = Image().run("pip install openai")

@function()
def search_web(query: str) -> list[dict]:
    import requests
    response = requests.get("https://api.search.com/v1/search", params={"q": query})
    return response.json()["results"]

@function()
def read_document(url: str) -> str:
    import requests
    return requests.get(url).text

@function(image=llm_image)
def call_llm(messages: list[dict]) -> dict:
    from openai import OpenAI
    response = OpenAI().chat.completions.create(
        model="gpt-4o",
        messages=messages,
        tools=[
            {"type": "function", "function": {"name": "search_web", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}},
            {"type": "function", "function": {"name": "read_document", "parameters": {"type": "object", "properties": {"url": {"type": "string"}}}}},
        ]
    )
    return response.choices[0].message

@application()
@function(image=llm_image, timeout=1800)
def research_agent(topic: str) -> str:
    tools = {"search_web": search_web, "read_document": read_document}
    messages = [{"role": "user", "content": f"Research this topic: {topic}"}]

    for _ in range(20):  # max iterations
        response = call_llm(messages)       # checkpointed
        messages.append(response)

        if not response.get("tool_calls"):
            return response["content"]

        for tool_call in response["tool_calls"]:
            fn = tools[tool_call["function"]["name"]]
            result = fn(**tool_call["function"]["arguments"])  # checkpointed
            messages.append({"role": "tool", "content": str(result), "tool_call_id": tool_call["id"]})

    return messages[-1].get("content", "Max iterations reached")
"#;

/// A model that asks for a tool sixteen times, and on the fifteenth request `CRASH`es unless all is well.
const OPENAI: &str = r#"
import os, random, signal
from effects import note, healthy

class Bag:
    def __init__(self, **fields):
        self.__dict__.update(fields)

class Completions:
    def create(self, model, messages, tools):
        turn = sum(m["role"] == "assistant" for m in messages) + 1
        note("llm", turn)
        if turn == 15 and not healthy():
            CRASH
        if turn == 17:
            message = {"role": "assistant", "content": "the report"}
        else:
            name, key = [("read_document", "url"), ("search_web", "query")][turn % 2]
            # Not deterministic, as models are: a request that is made again takes another way.
            arguments = {key: f"{turn}-{random.random()}"}
            call = {"id": f"call_{turn}", "function": {"name": name, "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return Bag(choices=[Bag(message=message)])

class OpenAI:
    def __init__(self):
        self.chat = Bag(completions=Completions())
"#;

const REQUESTS: &str = r#"
from effects import note

class Response:
    def __init__(self, text):
        self.text = text

    def json(self):
        return {"results": [{"title": self.text}]}

def get(url, params=None):
    note("tool", params or url)
    return Response(f"about {params or url}")
"#;

fn agent_that_crashes_by(crash: &str) {
    let openai = OPENAI.replace("CRASH", crash);
    let project = Project::new(&[("agent.py", RESEARCH), ("openai.py", &openai), ("requests.py", REQUESTS)]);
    let first = project.tl(&["run", "research_agent", "--arg", "topic=durable execution", "--json"]);
    let first = first.exits(1).json();
    assert_eq!(first["status"], "failed");
    assert_eq!(project.times("llm"), 15);
    assert_eq!(project.times("tool"), 14);
    assert_eq!(count(&first, "fresh"), 28);

    project.heal();
    let done = project.tl(&["replay"]).exits(0);
    let done = done.says(&["28 served, 1 failed call and what follows executes"]);
    assert!(done.out.contains("the report"), "{}", done.out);
    let report = project.show("latest");
    // Three model calls (15, 16, 17) and two tool calls (15, 16): nothing of what came before.
    assert_eq!(project.noted("llm")[15..], ["15", "16", "17"]);
    assert_eq!(project.times("tool"), 14 + 2);
    assert_eq!(count(&report, "cached"), 28, "{}", report["counts"]);
    assert_eq!(count(&report, "failed"), 0);
    let fresh = |function: &str| {
        project.statuses("latest", function).iter().filter(|status| *status == "fresh").count()
    };
    assert_eq!(fresh("call_llm"), 3);
    assert_eq!(fresh("search_web") + fresh("read_document"), 2);

    // And once more: nothing is left to execute.
    project.replay_ok(&[]);
    assert_eq!(project.times("llm"), 18);
    assert_eq!(project.times("tool"), 16);
    project.sound();
}

#[test]
fn an_agent_that_raised_in_iteration_15_goes_on_there() {
    agent_that_crashes_by("raise RuntimeError('rate limit')");
}

#[test]
fn an_agent_whose_worker_died_in_iteration_15_goes_on_there() {
    agent_that_crashes_by("os.kill(os.getpid(), signal.SIGKILL)");
}

const BATCH: &str = r#"from tensorlake.applications import application, function

@function(timeout=120)
def process_document(doc_url: str) -> dict:
    """Parse a single document. Each call is independently checkpointed."""
    content = fetch_and_parse(doc_url)
    extracted = extract_fields(content)
    return extracted

@function()
def aggregate_results(results: list[dict], acc: dict) -> dict:
    """Combine results as they arrive."""
    acc["documents"].append(results)
    return acc

@application()
@function()
def batch_processor(doc_urls: list[str]) -> dict:
    results = process_document.map(doc_urls)
    summary = results.reduce(aggregate_results, {"documents": []})
    return summary

from effects import note, healthy

def fetch_and_parse(url):
    note("process", url)
    if url in ("doc-17", "doc-400", "doc-999") and not healthy():
        raise ConnectionError(f"{url} cannot be fetched")
    return url.upper()

def extract_fields(content):
    return {"title": content}
"#;

#[test]
fn of_a_thousand_documents_only_the_three_that_failed_are_processed_again() {
    let project = Project::new(&[("batch.py", BATCH)]);
    let urls: Vec<String> = (0..1000).map(|i| format!("doc-{i}")).collect();
    let input = serde_json::to_string(&urls).unwrap();
    project.write("input.json", &input);
    let done = project.tl(&["run", "batch.py", "--input", "@input.json"]).exits(1);
    // The first failure in the order of items, and how many others there are.
    done.says(&["process_document[17]", "ConnectionError: doc-17 cannot be fetched", "batch.py:"])
        .says(&["2 failed calls"]);
    let mut processed = project.noted("process");
    processed.sort();
    let mut all = urls.clone();
    all.sort();
    assert_eq!(processed, all, "every document was tried, once");

    project.forget();
    project.heal();
    let report = project.replay_ok(&[]);
    let mut again = project.noted("process");
    again.sort();
    assert_eq!(again, ["doc-17", "doc-400", "doc-999"]);
    let documents = report["output"]["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 1000);
    assert_eq!(documents[400]["title"], "DOC-400");
    assert_eq!(count(&report, "cached"), 997);
    project.sound();
}

const ONBOARDING: &str = r#"from tensorlake.applications import application, function
import email_api
from account import build_profile, setup_account

@function()
def send_notification(user_id: str, message: str) -> str:
    """Send once, skip on replay."""
    response = email_api.send(user_id, message)
    return response.message_id

@application()
@function()
def onboarding_agent(user_id: str) -> str:
    profile = build_profile(user_id)
    send_notification(user_id, f"Welcome, {profile['name']}!")  # sent once
    return setup_account(profile)
"#;

const EMAIL: &str = r#"
from effects import note, times

class Response:
    pass

def send(user, message):
    note("mail", f"{user}: {message}")
    response = Response()
    response.message_id = f"m{times('mail')}"
    return response
"#;

const ACCOUNT: &str = r#"
import os, signal
from tensorlake.applications import function
from effects import note, healthy

@function()
def build_profile(user_id):
    note("profile")
    return {"name": user_id.title()}

@function()
def setup_account(profile):
    note("account")
    if not healthy():
        DIE
    return f"account of {profile['name']}"
"#;

fn mail_is_sent_once_although(die: &str) {
    let account = ACCOUNT.replace("DIE", die);
    let project = Project::new(&[("app.py", ONBOARDING), ("email_api.py", EMAIL), ("account.py", &account)]);
    let done = project.tl(&["run", "--arg", "user_id=ada"]);
    // A whole group that was killed leaves no exit code.
    assert_ne!(done.status.code(), Some(0));
    assert_eq!(project.noted("mail"), ["ada: Welcome, Ada!"]);
    assert_eq!(project.times("account"), 1);

    project.heal();
    let report = project.replay_ok(&[]);
    assert_eq!(report["output"], "account of Ada");
    assert_eq!(project.times("mail"), 1, "the mail went out again");
    assert_eq!(project.times("profile"), 1);
    assert_eq!(project.times("account"), 2);
    project.sound();
}

#[test]
fn a_mail_is_not_sent_again_after_os_exit() {
    mail_is_sent_once_although("os._exit(1)");
}

#[test]
fn a_mail_is_not_sent_again_after_a_worker_was_killed() {
    mail_is_sent_once_although("os.kill(os.getpid(), signal.SIGKILL)");
}

#[test]
fn a_mail_is_not_sent_again_after_everything_was_killed() {
    mail_is_sent_once_although("os.killpg(0, signal.SIGKILL)");
}

#[test]
fn a_mail_is_not_sent_again_when_the_application_dies_behind_it() {
    // The caller itself is killed, not what it called.
    let app = ONBOARDING.replace("    return setup", "    caller_dies()\n    return setup")
        + "\ndef caller_dies():\n    import os, signal\n    from effects import healthy\n    if not healthy():\n        os.kill(os.getpid(), signal.SIGKILL)\n";
    let account = ACCOUNT.replace("DIE", "pass");
    let project = Project::new(&[("app.py", &app), ("email_api.py", EMAIL), ("account.py", &account)]);
    project.tl(&["run", "--arg", "user_id=ada"]).exits(1).says(&["SIGKILL", "onboarding_agent"]);
    assert_eq!((project.times("mail"), project.times("account")), (1, 0));
    project.heal();
    project.replay_ok(&[]);
    assert_eq!((project.times("mail"), project.times("profile"), project.times("account")), (1, 1, 1));
    project.sound();
}

const MARKET: &str = r#"from tensorlake.applications import application, function
import stock_api
from effects import note

@function(durable=False)
def get_current_price(ticker: str) -> float:
    """Always fetches the latest price, even on replay."""
    return stock_api.get_price(ticker)

@function()
def get_historical_data(ticker: str) -> list[dict]:
    """Historical data doesn't change — safe to checkpoint."""
    return stock_api.get_history(ticker, days=30)

@function()
def compare(price: float, history: list) -> str:
    note("compare")
    return f"{price} against {len(history)} days"

@function()
def describe(history: list) -> str:
    note("describe")
    return f"{len(history)} days"

@function()
def quote(ticker: str) -> float:
    note("quote")
    return get_current_price(ticker)

@application()
@function()
def analyst(ticker: str) -> list:
    note("analyst")
    history = get_historical_data(ticker)
    price = get_current_price(ticker)
    return [compare(price, history), describe(history), quote(ticker)]
"#;

const STOCKS: &str = r#"
from effects import note, times

def get_price(ticker):
    note("price")
    return 100.0 + times("price")

def get_history(ticker, days):
    note("history")
    return [{"day": day} for day in range(days)]
"#;

#[test]
fn what_is_not_durable_executes_on_each_replay_with_its_dependents_and_nothing_else() {
    let project = Project::new(&[("market.py", MARKET), ("stock_api.py", STOCKS)]);
    let first = project.run_ok(&["--arg", "ticker=ACME"]);
    assert_eq!(first["output"][0], "101.0 against 30 days");
    for round in 2..5 {
        let again = project.replay_ok(&[]);
        // Two prices a run: the application's own, and the one below `quote`.
        assert_eq!(project.times("price"), 2 * round);
        assert_eq!(again["output"][0], format!("{}.0 against 30 days", 100 + 2 * round - 1));
        // What used the price, or called what is not durable.
        for name in ["compare", "quote", "analyst"] {
            assert_eq!(project.times(name), round, "{name} in round {round}");
        }
        assert_eq!((project.times("history"), project.times("describe")), (1, 1));
    }
    project.sound();
}
