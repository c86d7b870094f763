"""tl-bench as a peer of the benchmarks: the release binary, run as its user would run it.

Every phase writes a small project (an application with a sequential and a fan-out function) into the store's folder
and starts `tl-bench run` or `tl-bench replay` as a subprocess. `seconds` is what the application function saw, from
before its first call to its result; the other peers' clocks leave out the start of their process, too. `wall` and
`process` hold the rest.

  TL_BENCH_PEERS   folder of common.py (default: target/peers)
  TL_BENCH_BIN     the binary (default: target/release/tl-bench)
  TL_BENCH_ARGS    further options of run and replay, e.g. "--workers 4"
"""
import json, os, subprocess, sys, time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PEERS = os.environ.get("TL_BENCH_PEERS") or os.path.join(ROOT, "target", "peers")
BINARY = os.environ.get("TL_BENCH_BIN") or os.path.join(ROOT, "target", "release", "tl-bench")
sys.path.insert(0, PEERS)
import common

APP = '''
import os, sys, time
sys.path.insert(0, os.environ["BENCH_PEERS"])
import common
from tensorlake.applications import application, function

OUT = os.environ["BENCH_OUT"]
common._text()
told = False


@function()
def step(run: str, i: int, prev: int):
    return body(run, i, prev)


@function()
def item(at: list):
    return body(at[0], at[1], 0)


def body(run, i, prev):
    global told
    result = common.body(run, i, prev)
    if not told:
        told = True
        with open(OUT + ".first", "a") as file:
            file.write(str(common.first_ns) + "\\n")
    return result


@application()
@function(timeout=3600)
def seq(run: str, n: int) -> int:
    began = time.perf_counter()
    try:
        prev = 0
        for i in range(n):
            prev = common.total(step(run, i, prev))
        return prev
    finally:
        report(began)


@application()
@function(timeout=3600)
def fan(run: str, n: int) -> int:
    began = time.perf_counter()
    try:
        return sum(common.total(r) for r in item.map([[run, i] for i in range(n)]))
    finally:
        report(began)


def report(began):
    seconds = time.perf_counter() - began
    with open(OUT + ".seconds", "w") as file:
        file.write(repr(seconds))
'''


class TlBench(common.Peer):
    name = "tl-bench"
    prefill_cap = 100_000
    notes = "release binary as a subprocess; WAL FULL; durations seen by the application"

    def open(self, store):
        self.project = store
        with open(os.path.join(store, "app.py"), "w") as file:
            file.write(APP)
        with open(os.path.join(store, "tl-bench.toml"), "a"):
            pass

    def seq(self, run, n):
        return self.start("seq", run, n)

    def fan(self, run, n):
        return self.start("fan", run, n)

    def start(self, app, run, n):
        given = json.dumps({"run": run, "n": n})
        return self.command(["run", app, "--input", given])

    def resume(self, run, n, fan):
        return self.command(["replay", "latest"])

    def command(self, args):
        out = os.path.join(os.path.dirname(self.project), "out")
        for end in (".first", ".seconds"):
            if os.path.exists(out + end):
                os.unlink(out + end)
        env = {**os.environ, "BENCH_PEERS": PEERS, "BENCH_OUT": out}
        more = os.environ.get("TL_BENCH_ARGS", "").split()
        started = time.monotonic_ns()
        done = subprocess.run(
            [BINARY, "-C", self.project, *args, "-q", *more],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        process = (time.monotonic_ns() - started) / 1e9
        # W5 begins where a user begins: the harness's own Python, which the other peers run in, is not ours.
        os.environ["BENCH_T0"] = str(started)
        own = None
        if os.path.exists(out + ".first"):
            with open(out + ".first") as file:
                common.first_ns = min(int(line) for line in file)
            own = (common.first_ns - started) / 1e9
        if os.path.exists(out + ".seconds"):
            with open(out + ".seconds") as file:
                self.seconds = float(file.read())
        self.notes = json.dumps({"process": process, "first_after_start": own})
        if os.environ.get("BENCH_NOTES"):
            with open(os.environ["BENCH_NOTES"], "a") as file:
                file.write(self.notes + "\n")
        if done.returncode:
            raise RuntimeError((done.stderr or done.stdout)[-300:])
        return json.loads(done.stdout)

    def version(self):
        text = subprocess.run([BINARY, "--version"], stdout=subprocess.PIPE, text=True).stdout
        return text.split()[-1] if text else ""


if __name__ == "__main__":
    common.main(TlBench())
