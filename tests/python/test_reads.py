"""What workers tell of the files that calls look at."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import unittest

from fake_engine import Engine

HERE = os.path.dirname(os.path.abspath(__file__))
LAZY = """from pathlib import Path

TEXT = (Path(__file__).parent / "lazy.txt").read_text()
"""
FILES = {
    "import.txt": "i", "a.txt": "a", "folder/b.txt": "b", "both.txt": "1", "taken.txt": "t",
    "data.db": "", "log.txt": "", "lazy.txt": "l", "lazy_module.py": LAZY,
}  # fmt: skip


class TestReads(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="tlb-reads-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name, text in FILES.items():
            os.makedirs(os.path.dirname(os.path.join(self.folder, name)), exist_ok=True)
            self.write(name, text)
        shutil.copy(os.path.join(HERE, "programs", "reading.py"), self.folder)
        self.engine = Engine(project=self.folder)
        self.addCleanup(self.engine.close)
        self.worker = self.engine.start_worker(os.path.join(self.folder, "reading.py"))
        self.assertIsNone(self.worker.failed)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def ends(self, app):
        """The outcomes of a run: (function, header), in order."""
        self.engine.events.clear()
        kind, value = self.engine.run(self.worker, app, {"x": 1})
        self.assertEqual("ok", kind, value)
        found = []
        for event in self.engine.events:
            found += [event] if event["t"] == "end" else event.get("ends", [])
        return [(self.engine.tasks[end["call"]].fn, end) for end in found]

    def end(self, app):
        """The outcome of the application's own call."""
        (end,) = [end for fn, end in self.ends(app) if fn == app]
        return end

    def reads(self, app):
        """``kind path`` of what the application's own call looked at, sorted."""
        return sorted("%s %s" % (r["kind"], r["path"]) for r in self.end(app).get("reads", ()))

    def test_what_importing_tells(self):
        loaded = self.worker.ready_message["loaded"]
        with open(os.path.join(self.folder, "reading.py"), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual([["reading.py", digest]], loaded["sources"])
        (read,) = loaded["reads"]
        self.assertEqual("import.txt", read["path"])
        self.assertEqual(["reading.py", 15], read["at"])
        found = os.stat(os.path.join(self.folder, "import.txt"))
        expected = [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
        self.assertEqual(expected, read["stamp"])
        self.assertIn(self.folder, loaded["path"])

    def test_content_listing_absence_and_presence(self):
        expected = [
            "absent folder/missing.txt", "absent missing.txt", "absent never.txt",
            "content folder/b.txt", "listing folder", "present a.txt",
        ]  # fmt: skip
        self.assertEqual(expected, self.reads("plain"))

    def test_size_and_times_count_by_content(self):
        expected = [
            "absent data.txt", "absent gone.txt", "absent link.txt", "absent missing.txt",
            "absent never.txt", "content a.txt", "content folder/b.txt", "present folder", "present taken.txt",
        ]  # fmt: skip
        self.assertEqual(expected, self.reads("sizes"))
        self.assertEqual(["present a.txt"], self.reads("handled"))

    def test_own_writes(self):
        # What it wrote first is its own; what it read and then changed counts as it left it.
        end = self.end("modes")
        found = sorted("%s %s" % (read["kind"], read["path"]) for read in end["reads"])
        expected = ["absent taken.txt", "content a.txt", "content both.txt", "content data.db"]
        self.assertEqual(expected, found)
        (both,) = [read for read in end["reads"] if read["path"] == "both.txt"]
        self.assertEqual(len("1new1"), both["stamp"][1])

    def test_what_does_not_count(self):
        self.assertEqual([], self.reads("elsewhere"))

    def test_threads_and_tasks(self):
        expected = ["content a.txt", "content folder/b.txt"]
        self.assertEqual(expected, self.reads("threads"))
        self.assertEqual(expected, self.reads("tasks"))

    def test_a_shared_pool_works_for_whoever_hands_it_work(self):
        found = [
            [read["path"] for read in end.get("reads", ())]
            for fn, end in self.ends("apart")
            if fn == "one_of_two"
        ]
        self.assertEqual([["a.txt"], ["folder/b.txt"]], sorted(found))
        # Who only waits for them has looked at nothing, and says nothing.
        self.assertNotIn("reads", self.end("apart"))

    def test_late_imports(self):
        end = self.end("late")
        self.assertEqual(
            [["lazy_module.py", hashlib.sha256(LAZY.encode()).hexdigest()]], end["sources"]
        )
        (read,) = end["reads"]
        self.assertEqual(("lazy.txt", ["lazy_module.py", 3]), (read["path"], read["at"]))

    def test_new_files_are_hashed_and_those_that_rested_are_not(self):
        path = os.path.join(self.folder, "folder/b.txt")

        def sha():
            (read,) = [r for r in self.end("plain")["reads"] if r["kind"] == "content"]
            return read.get("sha")

        future = time.time() + 3600
        os.utime(path, (future, future))
        self.assertEqual(hashlib.sha256(b"b").hexdigest(), sha())
        past = time.time() - 3600
        os.utime(path, (past, past))
        changed = os.stat(path).st_ctime_ns
        while time.time_ns() - changed < 100_000_000:
            time.sleep(0.01)
        self.assertIsNone(sha())


if __name__ == "__main__":
    unittest.main()
