"""A research agent: the model picks a tool, the tool runs, its result goes back to the model."""

from tensorlake.applications import Image, application, function

import web
from model import chat

llm_image = Image().run("pip install openai")


def tool(name: str, argument: str) -> dict:
    parameters = {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [tool("search_web", "query"), tool("read_document", "url")]


@function()
def search_web(query: str) -> list[dict]:
    return web.search(query)


@function()
def read_document(url: str) -> str:
    return web.read(url)


@function(image=llm_image)
def call_llm(messages: list[dict]) -> dict:
    response = chat(messages, tools=TOOLS)
    message = response["choices"][0]["message"]
    return {**message, "model": response["model"], "usage": response["usage"]}


@application()
@function(image=llm_image, timeout=1800)
def research_agent(topic: str) -> str:
    tools = {"search_web": search_web, "read_document": read_document}
    messages = [{"role": "user", "content": f"Research this topic: {topic}"}]

    for _ in range(20):  # max iterations
        response = call_llm(messages)  # checkpointed
        messages.append(response)

        if not response.get("tool_calls"):
            return response["content"]

        for tool_call in response["tool_calls"]:
            fn = tools[tool_call["function"]["name"]]
            result = fn(**tool_call["function"]["arguments"])  # checkpointed
            messages.append({"role": "tool", "content": str(result), "tool_call_id": tool_call["id"]})

    return messages[-1].get("content", "Max iterations reached")
