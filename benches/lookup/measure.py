"""measure.py BIN FOLDER REPS SIZE ...: see run.sh."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

APP = '''
import time
from pathlib import Path

from tensorlake.applications import application, function

HERE = Path(__file__).parent


@function()
def ask(item: int) -> str:
    return PROMPT.format(item=item)


@application()
@function()
def main(count: int, again: int) -> list:
    begin = time.perf_counter()
    answers = ask.map(range(count))
    return [len(answers), time.perf_counter() - begin]
'''
# What an item's body reads: nothing, the same file as all others, a file of its own.
READS = {
    "none": '"Summarise {item}"',
    "shared": '(HERE / "prompts" / "0.txt").read_text()',
    "own": '(HERE / "prompts" / f"{item}.txt").read_text()',
}

binary, folder, reps, *sizes = sys.argv[1:]


def run(project, count, again, mode):
    begin = time.perf_counter()
    command = [binary, "-C", str(project), "run", "--json", "--mode", mode, "--input", json.dumps([count, again])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    report = json.loads(done.stdout)
    length, inside = report["output"]
    assert length == count, report
    return inside, time.perf_counter() - begin, report["counts"]


print("| reads | items | first run, us an item | replay, us an item | whole replay, s |")
print("|---|---|---|---|---|")
for kind, prompt in READS.items():
    per_item = {}
    for size in map(int, sizes):
        project = Path(folder) / f"{kind}-{size}"
        (project / "prompts").mkdir(parents=True)
        (project / "tl-bench.toml").touch()
        (project / "app.py").write_text(APP.replace("PROMPT", prompt))
        for item in range(size):
            (project / "prompts" / f"{item}.txt").write_text(f"Summarise {item} of {{item}} " + "briefly. " * 40)
        first, _, counts = run(project, size, 0, "fresh")
        assert counts["fresh"] == size, counts
        times = []
        for again in range(1, int(reps) + 1):
            # Another second argument: the application executes, its items are served.
            inside, whole, counts = run(project, size, again, "adaptive")
            assert counts["cached"] == size and counts["fresh"] == 0, counts
            times.append((inside, whole))
        inside = statistics.median(t[0] for t in times)
        whole = statistics.median(t[1] for t in times)
        per_item[size] = inside / size
        print(f"| {kind} | {size} | {first / size * 1e6:.0f} | {inside / size * 1e6:.1f} | {whole:.2f} |", flush=True)
    least, most = min(per_item), max(per_item)
    growth = per_item[most] / per_item[least]
    print(f"| {kind} | {least} -> {most} | | x {growth:.2f} an item | |", flush=True)
