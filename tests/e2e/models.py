"""Models of three APIs without a network: the real clients talk to a transport that answers what is scripted here."""

import json
import httpx2 as httpx

from openai import OpenAI
from anthropic import Anthropic

def sse(events, named=True):
    out = ""
    for e in events:
        if named and "type" in e: out += f"event: {e['type']}\n"
        out += f"data: {json.dumps(e)}\n\n"
    return out

CHAT = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-08-06", "choices": [{"index": 0, "finish_reason": "tool_calls", "logprobs": None,
  "message": {"role": "assistant", "content": None, "refusal": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "search", "arguments": "{\"q\": \"rust\"}"}}]}}],
  "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": {"reasoning_tokens": 8}}}
def chunk(delta, finish=None, usage=None, choices=True):
    return {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}] if choices else [], "usage": usage}
CHUNKS = [chunk({"role": "assistant", "content": ""}), chunk({"content": "I look "}), chunk({"content": "it up."}),
 chunk({"tool_calls": [{"index": 0, "id": "call_2", "type": "function", "function": {"name": "search", "arguments": ""}}]}),
 chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{\"q\": "}}]}), chunk({"tool_calls": [{"index": 0, "function": {"arguments": "\"rust\"}"}}]}),
 chunk({}, "tool_calls"), chunk({}, usage={"prompt_tokens": 90, "completion_tokens": 15, "total_tokens": 105, "prompt_tokens_details": {"cached_tokens": 32}, "completion_tokens_details": {"reasoning_tokens": 4}}, choices=False)]
def response(id, status="completed", output=None, usage=None):
    return {"id": id, "object": "response", "created_at": 1, "status": status, "error": None, "incomplete_details": None, "instructions": "Be brief.", "model": "gpt-5-2025-08-07", "output": output or [], "parallel_tool_calls": True, "temperature": 0.2, "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": usage, "metadata": {}}
OUT = [{"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "They want a search."}]},
 {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Searching.", "annotations": []}]},
 {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_3", "name": "search", "arguments": "{\"q\": \"rust\"}"}]
RUSAGE = {"input_tokens": 70, "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 0}, "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 10}, "total_tokens": 100}
REVENTS = [{"type": "response.created", "sequence_number": 0, "response": response("resp_2", "in_progress")},
 {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}},
 {"type": "response.content_part.added", "sequence_number": 2, "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}},
 {"type": "response.output_text.delta", "sequence_number": 3, "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Searching.", "logprobs": []},
 {"type": "response.completed", "sequence_number": 4, "response": response("resp_2", output=OUT, usage=RUSAGE)}]
MSG = {
 "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": [{"type": "thinking", "thinking": "A search.", "signature": "x"}, {"type": "text", "text": "I look it up."}, {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"q": "rust"}}],
 "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 40, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 1000, "output_tokens": 25, "service_tier": "standard"}}
MEVENTS = [{"type": "message_start", "message": {**MSG, "id": "msg_02", "content": [], "stop_reason": None, "usage": {"input_tokens": 41, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 500, "output_tokens": 1}}},
 {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
 {"type": "ping"},
 {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I look "}}, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "it up."}},
 {"type": "content_block_stop", "index": 0},
 {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "toolu_2", "name": "search", "input": {}}},
 {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"q\": "}}, {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "\"rust\"}"}},
 {"type": "content_block_stop", "index": 1},
 {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 33}},
 {"type": "message_stop"}]

def asked(body):
    """The last words of the question: they make the response's id."""
    said = body.get("input") or body["messages"][-1]["content"]
    return said.replace(" ", "-")


def renamed(value, ident):
    """The response, and each of its pieces, under another id."""
    if isinstance(value, list):
        return [renamed(piece, ident) for piece in value]
    out = dict(value)
    for key in ("response", "message"):
        if key in out:
            out[key] = renamed(out[key], ident)
    if out.get("id") in ("chatcmpl-1", "chatcmpl-2", "resp_1", "resp_2", "msg_01", "msg_02"):
        out["id"] = ident
    return out


def handler(request):
    body = json.loads(request.content)
    path = request.url.path
    whole, events = {"/v1/chat/completions": (CHAT, CHUNKS), "/v1/responses": (response("resp_1", output=OUT, usage=RUSAGE), REVENTS), "/v1/messages": (MSG, MEVENTS)}[path]
    whole, events = renamed(whole, asked(body)), renamed(events, asked(body))
    if body.get("stream"):
        text = sse(events, path != "/v1/chat/completions") + ("data: [DONE]\n\n" if "chat" in path else "")
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=text)
    return httpx.Response(200, json=whole)

http = lambda: httpx.Client(transport=httpx.MockTransport(handler))
oa = lambda: OpenAI(api_key="x", http_client=http(), max_retries=0)
an = lambda: Anthropic(api_key="x", http_client=http(), max_retries=0)
