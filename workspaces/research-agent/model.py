"""A chat model in OpenAI's shape: scripted and offline, or real when OPENAI_* is set.

Set OPENAI_API_KEY or OPENAI_BASE_URL (and OPENAI_MODEL) to talk to a real endpoint.
Arguments of tool calls are dicts on this side, JSON text on the wire.
"""

import json
import os
import time
import urllib.request
from secrets import token_hex

import script
from stage import pause

WIRE_KEYS = ("role", "content", "tool_calls", "tool_call_id")


def chat(messages: list[dict], tools: list[dict] | None = None, model: str | None = None, **options) -> dict:
    """Complete a conversation; `options` (max_tokens, temperature, ...) are for a real endpoint."""
    model = model or os.environ.get("OPENAI_MODEL", "gpt-4o")
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        return _ask_endpoint(messages, tools, model, options)
    pause(0.06, 0.15)
    return _completion(messages, script.reply(messages), model)


def _completion(messages: list[dict], reply: dict, model: str) -> dict:
    prompt_tokens = sum(map(_tokens, messages))
    completion_tokens = _tokens(reply)
    return {
        "id": f"chatcmpl-{token_hex(6)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{
            "index": 0,
            "message": reply,
            "finish_reason": "tool_calls" if reply.get("tool_calls") else "stop",
        }],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _tokens(message: dict) -> int:
    """About four characters a token, and four tokens around each message."""
    text = message.get("content") or ""
    calls = message.get("tool_calls")
    return 4 + (len(text) + (len(json.dumps(calls)) if calls else 0)) // 4


def _ask_endpoint(messages: list[dict], tools: list[dict] | None, model: str, options: dict) -> dict:
    request = {"model": model, "messages": [_to_wire(message) for message in messages], **options}
    if tools:
        request["tools"] = tools
    key = os.environ.get("OPENAI_API_KEY") or "none"
    try:
        from openai import OpenAI
    except ImportError:
        response = _post(request, key)
    else:
        response = OpenAI(api_key=key).chat.completions.create(**request).model_dump(exclude_none=True)
    for choice in response["choices"]:
        for call in choice["message"].get("tool_calls") or []:
            call["function"]["arguments"] = json.loads(call["function"]["arguments"] or "{}")
    return response


def _post(request: dict, key: str) -> dict:
    base = os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    body = json.dumps(request).encode()
    url = f"{base.rstrip('/')}/chat/completions"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120) as response:
        return json.load(response)


def _to_wire(message: dict) -> dict:
    wire = {key: message[key] for key in WIRE_KEYS if message.get(key) is not None}
    if "tool_calls" in wire:
        wire["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])}}
            for call in wire["tool_calls"]
        ]
    return wire
