"""A pytest plugin: each golden of the project is a test, and a fixture runs one.

``pytest`` collects files named ``*.golden.json`` below the folders that it looks through. Each is checked with
``tl-bench golden check``: today's code, the recorded answers, no model. A test may ask for one by name::

    def test_tides(tl_bench):
        tl_bench.check("tides")

    @pytest.mark.golden("tides", allow=True)
    def test_with_a_marker():
        ...

Options: ``--tl-bench PATH`` (the program; else ``$TL_BENCH``, else ``tl-bench``), ``--golden-update`` (write what happens now
into the goldens), ``--golden-accept-noise`` (what is within the noise that a golden knows of passes), ``--no-goldens``
(collect none). Standard library and pytest only.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

_SUFFIX = ".golden.json"


class GoldenFailed(Exception):
    """A golden does not hold; the text says what differs."""


class TlBench:
    """Runs ``tl-bench`` in a project."""

    def __init__(self, program: str, folder: Path, update: bool, accept_noise: bool = False):
        self.program = program
        self.folder = folder
        self.update = update
        self.accept_noise = accept_noise

    def run(self, *args: str) -> subprocess.CompletedProcess:
        """The program with these arguments; never through a shell."""
        command = [self.program, "-C", str(self.folder), *args]
        environment = dict(os.environ, NO_COLOR="1")
        try:
            return subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            raise pytest.UsageError(
                "%s: no such program; install tl-bench, or name it with --tl-bench or $TL_BENCH" % self.program
            ) from None

    def check(self, golden: str | os.PathLike, *, allow: bool = False) -> dict:
        """Checks one golden, by name or file. Returns its document; raises GoldenFailed when it does not hold."""
        options = ["--allow"] if allow else []
        if self.update:
            options.append("--update")
        if self.accept_noise:
            options.append("--accept-noise")
        done = self.run("golden", "check", *options, "--json", "--", os.fspath(golden))
        if done.returncode not in (0, 1) or not done.stdout.strip():
            raise GoldenFailed((done.stderr or done.stdout).strip())
        document = json.loads(done.stdout)[0]
        if not document["ok"]:
            # Once more for people: the second time costs what the first did, which asked nobody.
            told = self.run("golden", "check", *(o for o in options if o != "--update"), "--", os.fspath(golden))
            raise GoldenFailed((told.stdout + told.stderr).strip())
        return document


def pytest_addoption(parser):
    group = parser.getgroup("tl-bench")
    group.addoption("--tl-bench", metavar="PATH", help="the tl-bench program")
    group.addoption("--golden-update", action="store_true", help="write what happens now into the goldens")
    group.addoption("--golden-accept-noise", action="store_true", help="differences within known noise pass")
    group.addoption("--no-goldens", action="store_true", help="collect no *.golden.json")


def pytest_configure(config):
    config.addinivalue_line("markers", "golden(name, allow=False): the golden holds before this test runs")


def _bench(config, folder: Path) -> TlBench:
    program = config.getoption("--tl-bench") or os.environ.get("TL_BENCH") or "tl-bench"
    update, accept = config.getoption("--golden-update"), config.getoption("--golden-accept-noise")
    return TlBench(program, folder, update, accept)


@pytest.fixture
def tl_bench(request) -> TlBench:
    """``tl-bench`` in the project that the test's file lies in."""
    return _bench(request.config, request.path.parent)


def pytest_runtest_setup(item):
    for marker in item.iter_markers("golden"):
        try:
            _bench(item.config, item.path.parent).check(*marker.args, **marker.kwargs)
        except GoldenFailed as error:
            pytest.fail(str(error), pytrace=False)


def pytest_collect_file(file_path, parent):
    if file_path.name.endswith(_SUFFIX) and not parent.config.getoption("--no-goldens"):
        return GoldenFile.from_parent(parent, path=file_path)
    return None


class GoldenFile(pytest.File):
    """A golden's file."""

    def collect(self):
        yield GoldenItem.from_parent(self, name=self.path.name[: -len(_SUFFIX)])


class GoldenItem(pytest.Item):
    """A golden as a test."""

    def runtest(self):
        _bench(self.config, self.path.parent).check(self.path)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, GoldenFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, "golden: %s" % self.name
