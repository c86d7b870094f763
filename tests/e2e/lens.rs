//! Responses of the real `openai` and `anthropic` packages, streamed and not: recorded, recognised, counted to the token.

use serde_json::{Value, json};

use crate::openai::PACKAGES;
use crate::packages::environment;
use crate::project::Project;

const APP: &str = r#"
import models
from openai.types.chat import ChatCompletion
from tensorlake.applications import application, function

TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object", "properties": {}}}}]
LIMIT = 64
CLAUDE = "claude-sonnet-4-5"


def says(text):
    return [{"role": "user", "content": text}]


@function()
def chat(messages: list, model: str, temperature: float, tools: list):
    return models.oa().chat.completions.create(model=model, messages=messages, temperature=temperature, tools=tools)


@function()
def chat_as_dict(messages: list) -> dict:
    return models.oa().chat.completions.create(model="gpt-4o", messages=messages).model_dump()


@function()
def chat_stream(messages: list) -> list:
    options = {"include_usage": True}
    return list(models.oa().chat.completions.create(model="gpt-4o", messages=messages, stream=True, stream_options=options))


@function()
def respond(input: str, model: str = "gpt-5"):
    return models.oa().responses.create(model=model, input=input)


@function()
def respond_stream(input: str) -> list:
    return list(models.oa().responses.create(model="gpt-5", input=input, stream=True))


@function()
def message(messages: list):
    return models.an().messages.create(model=CLAUDE, max_tokens=LIMIT, messages=messages)


@function()
def message_stream(messages: list) -> list:
    return list(models.an().messages.create(model=CLAUDE, max_tokens=LIMIT, messages=messages, stream=True))


@function()
def message_final(messages: list):
    with models.an().messages.stream(model=CLAUDE, max_tokens=LIMIT, messages=messages) as stream:
        return stream.get_final_message()


@function()
def message_events(messages: list) -> list:
    """What the helper puts between the events of the wire is no second count."""
    with models.an().messages.stream(model=CLAUDE, max_tokens=LIMIT, messages=messages) as stream:
        return list(stream)


@function()
def text_of(completion) -> str:
    return completion.choices[0].message.tool_calls[0].function.name


@function()
def chat_final(messages: list, plain: bool):
    with models.oa().chat.completions.stream(model="gpt-4o", messages=messages) as stream:
        final = stream.get_final_completion()
    return {"answers": [ChatCompletion.model_validate(final.model_dump()) if plain else final]}


@application()
@function()
def final(plain: bool) -> str:
    return chat_final(says("rust"), plain)["answers"][0].model


@application()
@function()
def all_of_them(topic: str) -> str:
    first = chat(says(topic + " a"), model="gpt-4o", temperature=0.2, tools=TOOLS)
    chat_as_dict(says(topic + " b"))
    chat_stream(says(topic + " c"))
    respond(topic + " d")
    respond_stream(topic + " e")
    message(says(topic + " f"))
    message_stream(says(topic + " g"))
    message_final(says(topic + " h"))
    message_events(says(topic + " i"))
    return text_of(first)
"#;

/// Function, API, model, finish reason, tokens: input, cached, written, output, reasoning; pieces.
type Row = (&'static str, &'static str, &'static str, &'static str, [u64; 5], Option<u64>);

const EXPECTED: [Row; 9] = [
    ("chat", "chat-completions", "gpt-4o-2024-08-06", "tool_calls", [100, 64, 0, 20, 8], None),
    ("chat_as_dict", "chat-completions", "gpt-4o-2024-08-06", "tool_calls", [100, 64, 0, 20, 8], None),
    ("chat_stream", "chat-completions", "gpt-4o-2024-08-06", "tool_calls", [90, 32, 0, 15, 4], Some(8)),
    ("respond", "responses", "gpt-5-2025-08-07", "completed", [70, 16, 0, 30, 10], None),
    ("respond_stream", "responses", "gpt-5-2025-08-07", "completed", [70, 16, 0, 30, 10], Some(5)),
    ("message", "anthropic", "claude-sonnet-4-5-20250929", "tool_use", [1240, 1000, 200, 25, 0], None),
    ("message_stream", "anthropic", "claude-sonnet-4-5-20250929", "tool_use", [541, 500, 0, 33, 0], Some(11)),
    ("message_final", "anthropic", "claude-sonnet-4-5-20250929", "tool_use", [541, 500, 0, 33, 0], None),
    ("message_events", "anthropic", "claude-sonnet-4-5-20250929", "tool_use", [541, 500, 0, 33, 0], Some(15)),
];

fn project() -> Project {
    let python = environment("e2e-venv", &PACKAGES);
    let project = Project::new();
    project.write("models.py", include_str!("models.py"));
    project.write("app.py", APP);
    project.write("tl-bench.toml", &format!("python = {}\n", json!(python)));
    project
}

fn row<'a>(calls: &'a Value, function: &str) -> &'a Value {
    let calls = calls.as_array().unwrap();
    calls
        .iter()
        .find(|call| call["function"] == function)
        .unwrap_or_else(|| panic!("no {function}: {calls:#?}"))
}

#[test]
fn responses_of_the_real_packages_are_recognised_and_counted() {
    let project = project();
    let run = project.json(0, &["run", "all_of_them", "--arg", "topic=rust", "--json"]);
    let total: u64 = EXPECTED.iter().map(|row| row.4[0] + row.4[3]).sum();
    assert_eq!(run["tokens"], total, "{run:#}");

    let found = project.json(0, &["show", "latest", "--lens", "--json"]);
    assert_eq!(found["tokens"], total);
    assert_eq!(found["calls"].as_array().unwrap().len(), EXPECTED.len(), "{found:#}");
    let mut cost = 0.0;
    for (function, api, model, finish, tokens, pieces) in EXPECTED {
        let call = row(&found["calls"], function);
        assert_eq!((&call["api"], &call["model"]), (&json!(api), &json!(model)), "{call:#}");
        let answer = &call["answers"][0];
        assert_eq!(answer["finish_reason"], finish, "{call:#}");
        let tool = &answer["tool_calls"][0];
        assert_eq!(
            (&tool["name"], &tool["arguments"]),
            (&json!("search"), &json!({"q": "rust"})),
            "{call:#}"
        );
        let kinds = ["input", "cached_input", "cache_written", "output", "reasoning"];
        assert_eq!(kinds.map(|kind| call["tokens"][kind].as_u64().unwrap()), tokens, "{call:#}");
        assert_eq!(call["streamed_pieces"].as_u64(), pieces, "{call:#}");
        assert_eq!(call["counted"], true);
        cost += call["cost_usd"].as_f64().unwrap_or_else(|| panic!("no price: {call:#}"));
    }
    assert!((cost - found["cost_usd"].as_f64().unwrap()).abs() < 1e-9, "the parts add up");

    let asked = &row(&found["calls"], "chat")["request"];
    assert_eq!(
        (&asked["model"], &asked["parameters"]),
        (&json!("gpt-4o"), &json!({"temperature": 0.2})),
        "{asked:#}"
    );
    assert_eq!(asked["messages"], json!([{"role": "user", "text": "rust a"}]));
    assert_eq!(asked["tools"], json!(["search"]));
    let thought = &row(&found["calls"], "message")["answers"][0];
    assert_eq!((&thought["thinking"], &thought["text"]), (&json!("A search."), &json!("I look it up.")));
    let spoken = &row(&found["calls"], "chat_stream")["answers"][0];
    assert_eq!(spoken["text"], "I look it up.");

    let text = project.tl(&["show", "latest", "all_of_them/message_stream", "--lens"]);
    assert_eq!(text.code(), 0, "{text}");
    for part in [
        "claude-sonnet-4-5",
        "tool_use",
        "in 541 (500 cached)",
        "out 33",
        "rust g",
        "I look it up.",
        "→ search",
    ] {
        assert!(text.out.contains(part), "{part}: {text}");
    }

    // Served again, nothing is spent, and what was saved is the same sum.
    let again = project.json(0, &["replay", "--json"]);
    assert_eq!((&again["tokens"], &again["saved"]["tokens"]), (&json!(0), &json!(total)), "{again:#}");

    let none = project.tl(&["show", "latest", "all_of_them/text_of", "--lens"]);
    assert_eq!(none.code(), 2, "{none}");
    assert!(none.err.contains("nothing that is known as a model's answer"), "{none}");
}

/// The research agent with a constant as prompt; the offline model reads the topic before it.
fn agent() -> Project {
    let project = Project::workspace("research-agent");
    let source = project.read("app.py");
    let constant = "SYSTEM_PROMPT = \"You are a kind research assistant.\"\nTOOLS = [";
    let sent =
        "chat([messages[0], {\"role\": \"system\", \"content\": SYSTEM_PROMPT}, *messages[1:]], tools=TOOLS)";
    let edited = source.replace("TOOLS = [", constant).replace("chat(messages, tools=TOOLS)", sent);
    assert!(edited.contains(constant) && edited.contains(sent), "{edited}");
    project.write("app.py", &edited);
    project
}

#[test]
fn one_word_of_a_prompt_is_named_as_the_cause() {
    let project = agent();
    project.json(1, &["run", "--json"]);
    project.json(0, &["replay", "--json"]);
    project.write("app.py", &project.read("app.py").replace("kind research", "curt research"));
    project.json(0, &["replay", "--json"]);

    let found = project.json(0, &["diff", "--json"]);
    let because = found["because"].as_array().unwrap();
    assert_eq!(because.len(), 1, "{because:#?}");
    let line = 1 + project.read("app.py").lines().position(|line| line.starts_with("SYSTEM_PROMPT")).unwrap();
    assert_eq!(because[0]["words"], format!("code changed: SYSTEM_PROMPT in app.py:{line}"));
    assert_eq!(because[0]["calls"].as_array().unwrap().len(), 17, "every call of the model: {because:#?}");
    assert_eq!(because[0]["calls"][0], "research_agent/call_llm#1");
    assert_eq!(found["first_divergence"], "research_agent/call_llm#1");
    // The answer's opening is another sample; its findings are the same.
    let fate = |fate: &str| {
        let all = found["sentences"].as_array().unwrap();
        all.iter().filter(|one| one["fate"] == fate).count()
    };
    assert_eq!(fate("same"), 8, "{:#}", found["sentences"]);
    assert!(fate("added") >= 1 && fate("removed") >= 1, "{:#}", found["sentences"]);

    let text = project.tl(&["diff"]);
    for part in [
        "1 cause",
        "call_llm#1 and 16 more calls",
        "curt research assistant",
        "first changed call  research_agent/call_llm#1",
        "answer",
    ] {
        assert!(text.out.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_completion_of_a_stream_says_what_to_return_instead() {
    let project = project();
    let run = project.json(1, &["run", "final", "--arg", "plain=false", "--json"]);
    let message = run["error"]["message"].as_str().unwrap();
    for part in
        ["the result of 'chat_final': ['answers'][0]: objects of ParsedChatCompletion[", "value.model_dump()"]
    {
        assert!(message.contains(part), "{message}");
    }
    let run = project.json(0, &["run", "final", "--arg", "plain=true", "--json"]);
    assert_eq!(run["output"], "gpt-4o-2024-08-06");
}
