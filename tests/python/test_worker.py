"""The worker process, driven by the fake engine."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import unittest

from fake_engine import Engine, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "programs")


class WorkerCase(unittest.TestCase):
    """One worker with basics.py for all tests of a class."""

    program = "basics.py"

    @classmethod
    def setUpClass(cls):
        cls.engine = Engine(project=PROGRAMS, log_limit=1 << 16)
        cls.worker = cls.engine.start_worker(os.path.join(PROGRAMS, cls.program), slots_file=True)
        assert cls.worker.failed is None, cls.worker.failed

    @classmethod
    def tearDownClass(cls):
        cls.engine.close()

    def output(self, app, data=None, timeout=30):
        kind, value = self.engine.run(self.worker, app, data or {}, timeout)
        self.assertEqual("ok", kind, value)
        return value

    def error(self, app, data=None, timeout=30):
        kind, value = self.engine.run(self.worker, app, data or {}, timeout)
        self.assertEqual("error", kind, value)
        return value


class TestCalls(WorkerCase):
    def test_arguments_arrive_as_given(self):
        found = self.output("bindings")
        self.assertEqual([1, 2, [], 3, {}], found[0])
        self.assertEqual([1, 2, [], 3, {}], found[1])
        self.assertEqual([1, 2, [3, 4], 5, {"d": 6}], found[2])
        self.assertEqual([1, 2, [3], 3, {"d": 6}], found[3])
        self.assertIn("missing 2 required positional arguments", found[4][0])
        self.assertIn("takes 2 positional arguments but 3 were given", found[4][1])
        self.assertIn("multiple values for argument 'a'", found[4][2])
        self.assertIn("unexpected keyword argument 'zz'", found[4][3])

    def test_map_and_reduce(self):
        self.assertEqual(
            [[2, 3, 4], [2, 3, 4], 20, 11, 2, 17, [], 7, [2, 3, 4, 5]], self.output("map_list")
        )

    def test_async(self):
        self.assertEqual([2, [4, 12], [2, 8], 2, 2, 5], self.output("async_calls"))

    def test_tail_calls(self):
        self.assertEqual(3, self.output("tail", {"x": 1}))
        self.assertEqual(4, self.output("async_tail", {"x": 2}))

    def test_waiting(self):
        self.assertEqual([0.4, 0.0], self.output("waiting"))

    def test_retries_get_fresh_arguments(self):
        self.assertEqual(["start", 3], self.output("retried"))

    def test_class_functions_share_an_instance_and_contexts_do_not_leak(self):
        self.output("state")
        first = self.output("counted")
        second = self.output("counted")
        self.assertEqual(first[0] + 3, second[0])
        self.assertIsNone(second[2])

    def test_detached_calls_and_calls_outside(self):
        self.assertEqual("ok", self.output("detached"))
        texts = self.output("outside")
        self.assertEqual(3, len(texts))
        for text in texts:
            self.assertIn("outside of a Tensorlake Function thread or process", text)

    def test_deep_recursion(self):
        self.assertEqual(500, self.output("nested", {"depth": 500}, timeout=60))

    def test_waiting_bodies_are_all_in_flight(self):
        # 32 bodies of 0.3 s in 32 slots of one process.
        self.assertLess(self.output("naps", {"count": 32}), 0.3 + 0.25)

    def test_call_messages(self):
        self.output("tail", {"x": 1})
        calls = [event for event in self.engine.events if event["t"] == "call"]
        self.assertTrue(calls[-1]["at"][0].endswith("basics.py"))
        self.assertGreater(calls[-1]["at"][1], 10)
        self.assertEqual({"attempt": 1}, {"attempt": calls[-1]["attempt"]})


class TestErrors(WorkerCase):
    def test_failed_children_are_caught(self):
        found = self.output("errors")
        self.assertEqual(["RequestError", "stop it"], found["request"])
        self.assertIn("ValueError: wrong value", found["value"][1])
        self.assertIn('raise ValueError("wrong value")', found["value"][1])
        self.assertIn("Tensorlake Function Call Future fail(\n  'value',\n)", found["value"][1])
        self.assertNotIn("tlb_runtime", found["value"][1])
        self.assertIn("SystemExit: 3", found["exit"][1])
        self.assertIn("RecursionError", found["recursion"][1])
        self.assertIn("KeyError: 'inner'", found["chain"][1])
        self.assertIn("BaseException: base", found["base"][1])

    def test_unpicklable_values_are_named(self):
        handlers, future, fn, result = self.output("serialization")
        self.assertIn("argument 'a' of 'add': ['handlers'][2]['lock']: cannot pickle", handlers)
        self.assertIn("Attempt to pickle Tensorlake Function Call Future inc", future)
        self.assertIn("Attempt to pickle Tensorlake Function 'inc'", fn)
        self.assertIn("the result of 'unpicklable': ['locks'][1]: cannot pickle", result)

    def test_error_records(self):
        error = self.error("wrong_output")
        self.assertEqual("serialization", error["kind"])
        self.assertIn("not a number", error["message"])
        error = self.error("typed", {"count": "many"})
        self.assertEqual("deserialization", error["kind"])
        self.assertIn("'count", error["message"])
        self.assertIn("many", error["message"])
        self.assertEqual("caught", self.output("reads_bad"))

    def test_inputs_are_coerced(self):
        found = self.output("typed", {"count": "5", "names": ["a"], "unknown": 1})
        self.assertEqual({"count": 5, "names": 1, "maybe": 1}, found)

    def test_input_that_is_no_object(self):
        kind, error = self.engine.run(self.worker, "typed", b"[1]")
        self.assertEqual("deserialization", error["kind"])
        kind, error = self.engine.run(self.worker, "typed", b"{nonsense")
        self.assertIn("is not JSON", error["message"])
        kind, error = self.engine.run(self.worker, "nothing of this name", b"{}")
        self.assertEqual("internal", error["kind"])


class TestContext(WorkerCase):
    def test_state_progress_metrics(self):
        found = self.output("state")
        self.assertEqual([{"a": [1]}, 7], found[:2])
        self.assertEqual("State key must be a string, got: 1", found[2][0])
        self.assertEqual("Counter value must be an int, got: True", found[2][1])
        self.assertEqual("'current' needs to be a number, got: -1", found[2][2])
        progress = [event for event in self.engine.events if event["t"] == "progress"][-1]
        self.assertEqual((1, 2, "half", {"a": "b"}),
                         tuple(progress[k] for k in ("current", "total", "message", "attributes")))
        metrics = [event for event in self.engine.events if event["t"] == "metric"]
        self.assertEqual([("n", "counter", 2), ("t", "timer", 1.5)],
                         [(m["name"], m["kind"], m["value"]) for m in metrics])

    def test_context_in_a_spawned_process(self):
        self.assertEqual([True, True], self.output("processes"))

    def test_fork(self):
        self.assertIn("Tensorlake SDK is not initialized", self.output("forked"))


class TestOutput(WorkerCase):
    def run_logged(self, app, data=None):
        self.output(app, data)
        number = self.engine.last_root.number
        return [self.engine.logs.get((number, name), b"") for name in ("stdout", "stderr")]

    def test_output_belongs_to_its_call(self):
        out, err = self.run_logged("output")
        lines = out.split(b"\n")
        self.assertEqual([b"line one", b"part\xff"], lines[:2])
        self.assertIn(b'"event": "hello"', lines[2])
        self.assertEqual([b"after close", b"from a thread", b""], lines[3:])
        self.assertEqual(b"bad \xff surrogate\n", err)

    def test_a_flood_is_cut_in_the_middle(self):
        out, _ = self.run_logged("flood", {"megabytes": 64})
        self.assertLess(len(out), (1 << 16) + (64 << 10) + 200)
        self.assertIn(b"bytes left out", out)
        self.assertTrue(out.endswith(b"the end\n"))
        with open("/proc/%d/status" % self.worker.process.pid) as file:
            peak = [line for line in file if line.startswith("VmHWM")][0]
        self.assertLess(int(peak.split()[1]), 200 << 10)

    def test_output_is_sent_while_the_call_runs(self):
        self.engine.start_run(self.worker, "talks", b"{}")
        key = (self.engine.last_root.number, "stdout")
        self.assertTrue(wait_until(lambda: self.engine.logs.get(key) == b"early\n"))
        self.assertIsNone(self.engine.last_root.request.outcome)
        self.engine.interrupt(key[0])

    def test_a_call_is_interrupted_before_it_starts(self):
        self.engine.start_run(self.worker, "stuck", b"{}")
        task = self.engine.last_root
        self.engine.interrupt(task.number)
        self.assertTrue(wait_until(lambda: task.request.outcome is not None))


class TestInterrupts(WorkerCase):
    def slots(self):
        with open(os.path.join(self.engine.folder, "slots-0"), "rb") as file:
            data = file.read()
        return {int.from_bytes(data[i : i + 8], sys.byteorder) for i in range(0, len(data), 8)} - {0}

    def interrupted(self, app):
        self.engine.start_run(self.worker, app, b"{}")
        task = self.engine.last_root
        time.sleep(0.2)
        # A caller that waits for a result holds no slot: what executes is its child.
        executing = task.number if app == "stuck" else task.number + 1
        self.assertIn(executing, self.slots())
        self.engine.interrupt(task.number)
        self.assertTrue(wait_until(lambda: task.request.outcome is not None, 5))
        self.assertEqual("cancelled", task.request.outcome.error["kind"])
        return task.number

    def test_a_loop_is_interrupted(self):
        number = self.interrupted("stuck")
        self.assertTrue(wait_until(lambda: number not in self.slots()))

    def test_a_blocked_caller_is_interrupted(self):
        self.interrupted("blocked")
        self.assertEqual(3, self.output("tail", {"x": 1}))


class TestRecords(WorkerCase):
    def test_function_records(self):
        functions = self.worker.functions
        options = functions["options"]
        self.assertEqual(
            (False, True, "v1", 172800, 2),
            tuple(options[k] for k in ("durable", "effect", "version", "timeout", "retries")),
        )
        defaults = {p["name"]: p["default"] for p in options["params"]}
        self.assertEqual({"x": None, "y": "(1, 2)", "z": {"a": 1}}, defaults)
        self.assertEqual("Counter", functions["Counter.bump"]["class"])
        self.assertEqual(["by"], [p["name"] for p in functions["Counter.bump"]["params"]])
        self.assertTrue(functions["double"]["is_async"])
        self.assertEqual("list[str]", functions["typed"]["params"][1]["hint"])
        self.assertEqual("basics", functions["inc"]["module"])
        kinds = [p["kind"] for p in functions["everything"]["params"]]
        self.assertEqual(
            ["positional_only", "positional_or_keyword", "var_positional", "keyword_only",
             "var_keyword"], kinds)  # fmt: skip
        severities = {m["severity"] for m in self.worker.ready_message["messages"]}
        self.assertNotIn("error", severities)


class TestLifeAndLoading(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.engine = Engine(project=self.folder)
        self.addCleanup(self.engine.close)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def test_load_errors_say_where(self):
        for text, kind, line in (
            ("x = 1\ndef f(:\n", "SyntaxError", 2),
            ("import nothing_of_this_name\n", "ModuleNotFoundError", 1),
            ("\n\nraise ValueError('at import')\n", "ValueError", 3),
            ("import sys\nsys.exit(4)\n", "SystemExit", 2),
        ):
            with self.subTest(kind):
                path = self.write("app.py", text)
                failed = self.engine.start_worker(path).failed
                self.assertEqual(kind, failed["type"])
                self.assertEqual((path, line), (failed["frames"][-1]["file"], failed["frames"][-1]["line"]))
                self.assertNotIn("tlb_runtime", failed["traceback"])

    def test_a_missing_file(self):
        failed = self.engine.start_worker(os.path.join(self.folder, "none.py")).failed
        self.assertIn("does not exist", failed["message"])

    def test_packages_and_stale_bytecode(self):
        self.write("src/pkg/__init__.py", "")
        helper = self.write("src/pkg/helper.py", "VALUE = 'old'\n")
        self.write("top.py", "TOP = 1\n")
        path = self.write(
            "src/pkg/app.py",
            "import top\nfrom tensorlake.applications import application, function\n"
            "from .helper import VALUE\n"
            "@application()\n@function()\ndef main() -> list:\n"
            "    return [VALUE, __name__, main.__module__]\n",
        )
        import py_compile

        py_compile.compile(helper, doraise=True)
        stat = os.stat(helper)
        self.write("src/pkg/helper.py", "VALUE = 'new'\n")
        os.utime(helper, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        worker = self.engine.start_worker(path)
        self.assertIsNone(worker.failed)
        self.assertEqual(
            ("ok", ["new", "pkg.app", "pkg.app"]), self.engine.run(worker, "main", {})
        )

    def test_a_module_named_like_one_of_the_library(self):
        path = self.write(
            "queue.py",
            "from tensorlake.applications import application, function\n"
            "class Box:\n    pass\n"
            "@function()\ndef box():\n    return Box()\n"
            "@application()\n@function()\ndef main() -> str:\n    return type(box()).__name__\n",
        )
        worker = self.engine.start_worker(path)
        self.assertEqual(("ok", "Box"), self.engine.run(worker, "main", {}))

    def test_a_worker_leaves_when_the_engine_is_gone(self):
        path = os.path.join(PROGRAMS, "basics.py")
        worker = self.engine.start_worker(path)
        self.engine.start_run(worker, "stuck", b"{}")
        time.sleep(0.1)
        worker.sock.shutdown(2)
        self.assertEqual(0, worker.process.wait(5))
        out, err = worker.process.communicate()
        self.assertEqual((b"", b""), (out, err))

    def test_a_wrong_token_is_refused(self):
        import subprocess

        env = self.engine.env(TLB_TOKEN="no", TLB_WORKER="0")
        process = subprocess.run(
            [sys.executable, "-m", "tlb_runtime"], env=env, capture_output=True, timeout=20
        )
        self.assertNotEqual(0, process.returncode)
        self.assertIn(b"wrong token", process.stderr)

    def test_starting_the_folder(self):
        import subprocess

        from fake_engine import RUNTIME

        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TLB_SOCKET")}
        process = subprocess.run(
            [sys.executable, os.path.join(RUNTIME, "tlb_runtime")],
            env=env, capture_output=True, timeout=20,
        )  # fmt: skip
        self.assertEqual(2, process.returncode)
        self.assertIn(b"TLB_SOCKET is not set", process.stderr)

    def test_sigint_is_ignored(self):
        import signal

        path = os.path.join(PROGRAMS, "basics.py")
        worker = self.engine.start_worker(path)
        for _ in range(3):
            worker.process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        self.assertEqual(("ok", 3), self.engine.run(worker, "tail", {"x": 1}))


class TestManyRuns(WorkerCase):
    def test_runs_side_by_side(self):
        results = []

        def one(x):
            results.append(self.engine.run(self.worker, "tail", {"x": x}))

        threads = [threading.Thread(target=one, args=(x,)) for x in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual({x + 2 for x in range(40)}, {value for _, value in results})


if __name__ == "__main__":
    unittest.main()
