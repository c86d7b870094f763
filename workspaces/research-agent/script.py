"""What the offline model says: eight times search and read, then the answer.

Its fifteenth call hits a rate limit, once. What it asks of the tools depends on the topic alone;
its ids and its wording differ in every sample, as a model's do.
"""

import random
import re
from secrets import token_hex

from stage import attempt

QUESTIONS = [
    "what it is", "how it works", "what it costs", "how it fails",
    "who uses it", "which alternatives exist", "how to test it", "what comes next",
]
RATE_LIMITED_CALL = 15
FALLBACK_URL = "https://library.example/guide/research"


class RateLimitError(Exception):
    """The model's service refuses: too many requests."""


def reply(messages: list[dict]) -> dict:
    """The next message of the assistant in this conversation."""
    step = 1 + sum(message["role"] == "assistant" for message in messages)
    if step == RATE_LIMITED_CALL and attempt("rate-limit") == 1:
        raise RateLimitError("429 Too Many Requests: rate limit reached for gpt-4o, try again in 20 s")
    if step > 2 * len(QUESTIONS):
        return {"role": "assistant", "content": _answer(messages)}
    if step % 2:
        question = QUESTIONS[step // 2]
        return _use("search_web", {"query": f"{_topic(messages)}: {question}"}, f"look up {question}")
    url = re.search(r"https://[\w./-]+", messages[-1]["content"])
    return _use("read_document", {"url": url[0] if url else FALLBACK_URL}, "read the best source")


def _topic(messages: list[dict]) -> str:
    return messages[0]["content"].removeprefix("Research this topic: ")


def _use(tool: str, arguments: dict, purpose: str) -> dict:
    opening = random.choice(["Next I will", "Let me", "I should", "It is time to"])
    function = {"name": tool, "arguments": arguments}
    call = {"id": f"call_{token_hex(6)}", "type": "function", "function": function}
    return {"role": "assistant", "content": f"{opening} {purpose}.", "tool_calls": [call]}


def _answer(messages: list[dict]) -> str:
    documents = [message["content"] for message in messages if message["role"] == "tool"][1::2]
    findings = [f"- {_first_sentence(document)}" for document in documents]
    opening = random.choice(["In short", "Summed up", "After eight sources"])
    return "\n".join([f"{opening}, on {_topic(messages)} (sample {token_hex(3)}):", "", *findings])


def _first_sentence(document: str) -> str:
    lines = [line for line in document.splitlines() if line and not line.startswith("#")]
    return lines[0] if lines else "(an empty document)"
