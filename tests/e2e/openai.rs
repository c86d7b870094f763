//! Applications with the real `openai` package: its classes as inputs and outputs of calls, its requests counted.

use std::process::Command;

use serde_json::{Value, json};

use crate::packages::{environment, must};
use crate::project::{Project, counts};
use crate::server::Server;

/// What is installed; a change makes a new environment.
pub const PACKAGES: [&str; 3] = ["openai==3.54.0", "pydantic==2.14.3", "anthropic==2.12.0"];

/// An application as people write it: the model's message goes into the list as the object that it is.
const APP: &str = r#"
import json
import os
import urllib.request
from urllib.parse import quote

from openai import OpenAI
from tensorlake.applications import Image, application, function

llm_image = Image().run("pip install openai")
TOOLS = [{"type": "function", "function": {"name": "search_web", "parameters": {
    "type": "object", "properties": {"query": {"type": "string"}}}}}]


@function()
def search_web(query: str) -> list[dict]:
    with urllib.request.urlopen(f"{os.environ['OPENAI_BASE_URL']}/search/{quote(query)}") as response:
        return json.load(response)


@function(image=llm_image)
def call_llm(messages: list[dict]) -> dict:
    response = OpenAI(max_retries=0).chat.completions.create(model="gpt-e2e", messages=messages, tools=TOOLS)
    return response.choices[0].message


@application()
@function(image=llm_image, timeout=1800)
def research_agent(topic: str) -> str:
    tools = {"search_web": search_web}
    messages = [{"role": "user", "content": f"Research this topic: {topic}"}]
    for _ in range(20):
        response = call_llm(messages)
        messages.append(response)
        if not response.tool_calls:
            return response.content
        for tool_call in response.tool_calls:
            fn = tools[tool_call.function.name]
            result = fn(**json.loads(tool_call.function.arguments))
            messages.append({"role": "tool", "content": str(result), "tool_call_id": tool_call.id})
    return "Max iterations reached"


@function()
def complete(messages: list) -> object:
    return OpenAI(max_retries=0).chat.completions.create(model="gpt-e2e", messages=messages)


@function()
def choose(completion) -> dict:
    return completion.choices[0].message.model_dump(exclude_none=True)


@application()
@function()
def whole(topic: str) -> str:
    first = complete([{"role": "user", "content": topic}])
    second = complete([{"role": "system", "content": "be brief"}, {"role": "user", "content": topic}])
    return choose(first)["tool_calls"][0]["function"]["name"] + " " + second.id
"#;

fn project(server: &Server) -> Project {
    let python = environment("e2e-venv", &PACKAGES);
    let project = Project::new()
        .with("OPENAI_BASE_URL", &server.base())
        .with("OPENAI_API_KEY", "sk-test")
        // Not whatever the machine has for the world outside.
        .with("NO_PROXY", "127.0.0.1");
    project.write("app.py", APP);
    project.write("tl-bench.toml", &format!("python = {}\n", json!(python)));
    project
}

fn call<'a>(shown: &'a Value, path: &str) -> &'a Value {
    let calls = shown["calls"].as_array().unwrap();
    calls.iter().find(|call| call["path"] == path).unwrap_or_else(|| panic!("no {path} in {shown:#}"))
}

/// Requests that reached the server since the last time: to the model, to the search.
fn reached(server: &Server) -> (usize, usize) {
    let (asked, other) = server.take();
    (asked.len(), other.len())
}

fn crash_and_replay(status: u16, error: &str) {
    let server = Server::start();
    let project = project(&server);
    let run = ["run", "research_agent", "--arg", "topic=durable execution", "--json"];
    let replay = ["replay", "--json"];

    server.fail(Some((2, status)));
    let first = project.json(1, &run);
    assert_eq!(counts(&first), (0, 4, 1), "{first:#}");
    let message = first["error"]["message"].as_str().unwrap();
    assert!(message.contains(&status.to_string()), "{message}");
    assert_eq!(reached(&server), (3, 2));
    let shown = project.json(0, &["show", "latest", "--json"]);
    let failed = call(&shown, "research_agent/call_llm#3");
    assert_eq!((failed["status"].as_str(), failed["error"]["type"].as_str()), (Some("failed"), Some(error)));

    server.fail(None);
    let second = project.json(0, &replay);
    assert_eq!(counts(&second), (4, 3, 0), "{second:#}");
    assert_eq!(second["output"], "answer after 3 searches");
    let (asked, searched) = server.take();
    assert_eq!((asked.len(), searched.len()), (2, 1), "only what was missing is asked for");
    // What came from checkpoints went to the model as it would have the first time.
    let messages = asked[0]["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "assistant", "tool"]);
    assert_eq!(messages[3]["tool_calls"][0]["function"]["arguments"], "{\"query\":\"query 2\"}");

    let third = project.json(0, &replay);
    assert_eq!(counts(&third), (7, 0, 0), "{third:#}");
    assert_eq!(third["output"], second["output"]);
    assert_eq!(reached(&server), (0, 0), "a finished run is replayed without a request");

    let again = project.json(0, &run);
    assert_eq!(counts(&again), (0, 7, 0));
    assert_eq!(reached(&server), (4, 3));
}

#[test]
fn only_missing_requests_reach_a_server_that_broke() {
    crash_and_replay(500, "InternalServerError");
}

#[test]
fn only_missing_requests_reach_a_server_that_was_busy() {
    crash_and_replay(429, "RateLimitError");
}

#[test]
fn messages_are_shown_as_json_with_their_class() {
    let server = Server::start();
    let project = project(&server);
    let run = project.json(0, &["run", "research_agent", "--arg", "topic=x", "--json"]);
    assert_eq!(counts(&run), (0, 7, 0));
    let shown = project.json(0, &["show", "latest", "--json"]);

    let asks = &call(&shown, "research_agent/call_llm#1")["output"];
    assert!(asks["$type"].as_str().unwrap().ends_with(".ChatCompletionMessage"), "{asks:#}");
    assert_eq!((&asks["role"], &asks["content"]), (&json!("assistant"), &Value::Null));
    let tool = &asks["tool_calls"][0];
    assert_eq!((&tool["id"], &tool["type"]), (&json!("call_0"), &json!("function")), "{asks:#}");
    assert_eq!(tool["function"]["name"], "search_web");
    assert_eq!(tool["function"]["arguments"], "{\"query\":\"query 1\"}");

    let last = call(&shown, "research_agent/call_llm#4");
    assert_eq!(last["output"]["content"], "answer after 3 searches");
    let given = last["input"]["messages"].as_array().unwrap();
    assert_eq!(given.len(), 7);
    assert_eq!(given[0], json!({"role": "user", "content": "Research this topic: x"}));
    assert_eq!(&given[1], asks, "the object is seen the same as an input");
    assert_eq!((&given[2]["role"], &given[2]["tool_call_id"]), (&json!("tool"), &json!("call_0")));

    // One call for people: readable, no pickle in sight.
    let text = project.tl(&["show", "latest", "research_agent/call_llm#4"]);
    assert_eq!(text.code(), 0, "{text}");
    assert!(text.out.contains("answer after 3 searches"), "{text}");
}

#[test]
fn whole_completions_bring_their_tokens() {
    let server = Server::start();
    let project = project(&server);
    let first = project.json(0, &["run", "whole", "--arg", "topic=x", "--json"]);
    assert_eq!(counts(&first), (0, 3, 0));
    assert_eq!(first["output"], "search_web chatcmpl-2");
    assert_eq!(first["tokens"], 17 + 27, "10 for each message and 7 out: {first:#}");
    let shown = project.json(0, &["show", "latest", "--json"]);
    let usage = &call(&shown, "whole/complete#2")["usage"];
    assert_eq!((&usage["input"], &usage["output"]), (&json!(20), &json!(7)), "{usage}");
    assert_eq!((&usage["cached_input"], &usage["model"]), (&json!(4), &json!("gpt-e2e")), "{usage}");
    let output = &call(&shown, "whole/complete#2")["output"];
    assert!(output["$type"].as_str().unwrap().ends_with(".ChatCompletion"), "{output:#}");
    assert_eq!(output["choices"][0]["message"]["role"], "assistant");
    assert_eq!(output["usage"]["total_tokens"], 27);
    assert_eq!(reached(&server), (2, 0));

    let second = project.json(0, &["replay", "--json"]);
    assert_eq!(counts(&second), (3, 0, 0));
    assert_eq!(second["output"], first["output"]);
    assert_eq!((&second["tokens"], &second["saved"]["tokens"]), (&json!(0), &json!(44)), "{second:#}");
    assert_eq!(reached(&server), (0, 0));
}

#[test]
fn the_packages_are_the_real_ones() {
    let ask = "import openai as o, pydantic as p, anthropic as a; print(o.__version__, p.__version__, a.__version__)";
    let found = must(Command::new(environment("e2e-venv", &PACKAGES)).args(["-c", ask]));
    let wanted: Vec<&str> =
        PACKAGES.iter().filter_map(|package| package.split_once("==")).map(|p| p.1).collect();
    assert_eq!(found.out.trim(), wanted.join(" "));
}
