"""run_local_application in a script that runs below the fake engine, as with ``tl-bench exec``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

PROLOGUE = """
import sys
from tensorlake.applications import *
from tensorlake.applications import run_local_application as run
"""


class TestDriver(unittest.TestCase):
    def script(self, text, status=0):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "script.py")
            with open(path, "w") as file:
                file.write(PROLOGUE + textwrap.dedent(text))
            launcher = os.path.join(HERE, "with_fake_engine.py")
            done = subprocess.run(
                [sys.executable, launcher, "--", sys.executable, path],
                capture_output=True, text=True, timeout=60,
            )  # fmt: skip
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done

    def test_output_and_prints(self):
        done = self.script(
            """
            seen = []

            @function()
            def inc(x):
                seen.append(x)
                print("inc", x)
                return x + 1

            @application()
            @function()
            def main(x: int) -> tuple[int, int]:
                RequestContext.get().progress.update(1, 2)
                RequestContext.get().metrics.counter("c")
                return inc(x), inc.map([5, 6]).reduce(plus, 0)

            @function()
            def plus(item, acc):
                return item + acc

            for _ in range(3):
                assert run(main, 1, "extra", unknown=2).output() == (2, 13)
            assert run("main", x="1").output() == (2, 13)
            assert seen[:3] == [1, 5, 6] or sorted(seen[:3]) == [1, 5, 6]
            try:
                inc(1)
            except SDKUsageError as error:
                assert "not initialized" in str(error)
            print("done")
            """
        )
        self.assertIn("Progress Update: {'request_id': 'run-1'", done.stdout)
        self.assertIn("main: executing step 1 of 2", done.stdout)
        self.assertIn("Counter Incremented: ", done.stdout)
        self.assertIn("inc 5\n", done.stdout)
        self.assertTrue(done.stdout.endswith("done\n"))
        self.assertEqual("", done.stderr)

    def test_failures(self):
        done = self.script(
            """
            @application()
            @function()
            def fails(kind: str) -> str:
                if kind == "request":
                    raise RequestError("for the user")
                raise ValueError("for the log")

            try:
                run(fails, "x").output()
            except RequestFailed as error:
                assert type(error) is RequestFailed and str(error) == "function_error"
            try:
                run(fails, "request").output()
            except RequestError as error:
                assert error.message == "for the user"
            for app, text in (("none", "is not defined"), (len, "is not an application")):
                try:
                    run(app)
                except SDKUsageError as error:
                    assert text in str(error), error
            try:
                run(fails, 5)
            except SerializationError as error:
                assert "Failed to serialize '5' as '<class 'str'>' to json" in str(error)
            else:
                assert False
            """
        )
        self.assertIn("FunctionError: Tensorlake Function Call Future fails(\n  'x',\n)", done.stderr)
        self.assertIn("ValueError: for the log", done.stderr)

    def test_files_and_data_classes(self):
        self.script(
            """
            import dataclasses, datetime, enum

            class Color(enum.Enum):
                RED = "red"

            @dataclasses.dataclass
            class Item:
                name: str
                when: datetime.date
                color: Color = Color.RED

            @application()
            @function()
            def main(file: File, items: list[Item], tags: set[str]) -> dict[str, Item]:
                assert file.content == b"\\xff" and file.content_type == "x/y"
                assert tags == {"a"} and isinstance(items[0], Item)
                return {items[0].name: items[0]}

            @application()
            @function()
            def copy(file: File) -> File:
                return file

            item = Item("i", datetime.date(2024, 1, 2))
            got = run(main, File(b"\\xff", "x/y"), [item], {"a"}).output()
            assert got == {"i": item}, got
            file = run(copy, File(b"123", "a/b")).output()
            assert (file.content, file.content_type) == (b"123", "a/b")
            """
        )

    def test_validation_errors_stop_the_run(self):
        done = self.script(
            """
            @application()
            @function(timeout=0)
            def main() -> str:
                return ""

            try:
                run(main)
            except SDKUsageError as error:
                assert "aborted due to code validation errors" in str(error)
            else:
                assert False
            """
        )
        self.assertIn(
            "error: __main__:6:main: Function timeout must be an integer between 1 and 86400 "
            "seconds.",
            done.stderr,
        )

    def test_superset(self):
        self.script(
            """
            from tensorlake.applications import ApplicationCapability, ReplayError, ReplayMode

            assert ReplayMode.STRICT.value == "strict" and issubclass(ReplayError, TensorlakeError)
            image = Image().run("pip install x").env("A", "b").copy("a", "b")
            assert (image.name, image.tag) == ("default", "latest")

            @application(retries=1)
            @function(durable=False, retries=3, concurrency=5, timeout=100000, image=image)
            def main() -> "list[int]":
                return add.reduce([1], initial=add(1, 1)) and [add.awaitable(1, 2).run().result()]

            @function()
            def add(a, b):
                return a + b

            import inspect, pickle
            assert inspect.isfunction(add) and isinstance(add, Function)
            assert list(inspect.signature(add).parameters) == ["a", "b"]
            for value in (add, add.future, add.future(1, 2)):
                try:
                    pickle.dumps(value)
                except SDKUsageError as error:
                    assert "Attempt to pickle" in str(error)
            assert run(main).output() == [3]
            """
        )

    def test_without_tl_bench(self):
        env = {k: v for k, v in os.environ.items() if k != "TLB_SOCKET"}
        from fake_engine import RUNTIME

        env["PYTHONPATH"] = RUNTIME
        text = PROLOGUE + textwrap.dedent(
            """
            @application()
            @function()
            def main() -> str:
                return ""
            try:
                run(main)
            except SDKUsageError as error:
                print(error)
            """
        )
        done = subprocess.run(
            [sys.executable, "-c", text], env=env, capture_output=True, text=True, timeout=20
        )
        self.assertIn("tl-bench exec -- python", done.stdout)


if __name__ == "__main__":
    unittest.main()
