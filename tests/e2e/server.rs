//! A chat model over HTTP, compatible with OpenAI's, that counts what it is asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// Tool calls before the model answers.
const TOOLS: usize = 3;

#[derive(Default)]
struct Inner {
    /// Bodies of chat requests, in order.
    asked: Vec<Value>,
    /// Paths of other requests, in order.
    other: Vec<String>,
    /// The status to answer when a conversation has this many tool results.
    failing: Option<(usize, u16)>,
}

/// The server; it listens until the test's process ends.
pub struct Server {
    inner: Arc<Mutex<Inner>>,
    port: u16,
}

impl Server {
    /// Starts to listen on loopback.
    pub fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Arc::<Mutex<Inner>>::default();
        let shared = inner.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inner = shared.clone();
                // One that goes away in the middle of a request is its own affair.
                std::thread::spawn(move || serve(stream, &inner).ok());
            }
        });
        Server { inner, port }
    }

    /// What clients are given as base.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Answers this status to conversations with so many tool results, or none any more.
    pub fn fail(&self, when: Option<(usize, u16)>) {
        self.inner.lock().unwrap().failing = when;
    }

    /// The chat requests and the other ones since the last time.
    pub fn take(&self) -> (Vec<Value>, Vec<String>) {
        let mut inner = self.inner.lock().unwrap();
        (std::mem::take(&mut inner.asked), std::mem::take(&mut inner.other))
    }
}

fn serve(stream: TcpStream, inner: &Mutex<Inner>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, answer) = answer(inner, &method, &path, &body);
    let text = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(text.as_bytes())
}

fn answer(inner: &Mutex<Inner>, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let mut inner = inner.lock().unwrap();
    if (method, path) != ("POST", "/v1/chat/completions") {
        inner.other.push(path.to_owned());
        return (200, json!([{"title": path}]));
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let done = messages.iter().filter(|message| message["role"] == "tool").count();
    inner.asked.push(body);
    match inner.failing {
        Some((when, status)) if when == done => {
            (status, json!({"error": {"message": format!("scripted {status}"), "type": "x", "code": null}}))
        }
        _ => (200, completion(done, messages.len(), inner.asked.len())),
    }
}

/// Asks for a search until enough was found. The id differs every time, as that of a real model does.
fn completion(done: usize, messages: usize, sample: usize) -> Value {
    let message = if done < TOOLS {
        let arguments = json!({"query": format!("query {}", done + 1)}).to_string();
        let call = json!({"id": format!("call_{done}"), "type": "function", "function": {"name": "search_web", "arguments": arguments}});
        json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": [call]})
    } else {
        json!({"role": "assistant", "content": format!("answer after {done} searches"), "refusal": null})
    };
    let reason = if done < TOOLS { "tool_calls" } else { "stop" };
    let input = 10 * messages;
    json!({
        "id": format!("chatcmpl-{sample}"), "object": "chat.completion", "created": 1_700_000_000, "model": "gpt-e2e",
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": null}],
        "usage": {"prompt_tokens": input, "completion_tokens": 7, "total_tokens": input + 7,
            "prompt_tokens_details": {"cached_tokens": 4}},
    })
}
