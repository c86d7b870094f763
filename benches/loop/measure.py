"""Bytes on disk of an agent loop: 200 turns, two calls and two messages each, every call gets the whole list.

    python3 benches/loop/measure.py [BINARY]        # default: target/release/tl-bench

Prints the size of the store beside the JSON of the loop's distinct messages, and what each table holds. Messages are
consecutive pieces of prose (the help of Python's own `help()`), so that they compress as text does and share nothing.
"""
import json, os, sqlite3, subprocess, sys, tempfile
from pydoc_data.topics import topics

TURNS = 200
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
APP = '''
from pydoc_data.topics import topics
from tensorlake.applications import application, function

PROSE = "\\n".join(topics[name] for name in sorted(topics))


def text(at, chars):
    at = at * chars % (len(PROSE) - chars)
    return PROSE[at:at + chars]


@function()
def llm(messages: list, chars: int) -> dict:
    return {"role": "assistant", "content": text(len(messages), chars)}


@function()
def tool(messages: list, chars: int) -> dict:
    return {"role": "tool", "content": text(len(messages), chars)}


@application()
@function(timeout=1800)
def agent(turns: int, chars: int) -> list:
    messages = [{"role": "user", "content": text(0, chars)}]
    for _ in range(turns):
        messages.append(llm(messages, chars))
        messages.append(tool(messages, chars))
    return messages
'''


def measure(binary, chars):
    with tempfile.TemporaryDirectory() as project:
        with open(os.path.join(project, "app.py"), "w") as file:
            file.write(APP)
        with open(os.path.join(project, "tl-bench.toml"), "w"):
            pass
        given = json.dumps({"turns": TURNS, "chars": chars})
        done = subprocess.run(
            [binary, "-C", project, "run", "agent", "-q", "--input", given],
            stdout=subprocess.PIPE, text=True, check=True,
        )
        messages = {json.dumps(message) for message in json.loads(done.stdout)}
        distinct = sum(map(len, messages))
        folder = os.path.join(project, ".tl-bench")
        size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
        print(f"{chars} characters: {len(messages)} messages of {distinct:,} bytes, store {size:,}: {size / distinct:.2f}")
        db = sqlite3.connect(os.path.join(folder, "store.db"))
        rows = "SELECT name, sum(pgsize), sum(payload), sum(unused) FROM dbstat GROUP BY name ORDER BY 2 DESC"
        try:
            for name, pages, payload, unused in db.execute(rows):
                print(f"    {name:26} {pages:9,} bytes, payload {payload:9,}, unused {unused:8,}, a call {pages / TURNS / 2:6.0f}")
        except sqlite3.OperationalError:
            print("    (this Python's SQLite has no dbstat)")


if __name__ == "__main__":
    binary = sys.argv[1] if sys.argv[1:] else os.path.join(ROOT, "target", "release", "tl-bench")
    for chars in (500, 1000, 2000):
        measure(os.path.realpath(binary), chars)
