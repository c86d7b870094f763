"""Applications that look at files, for test_reads.py. The folder is a temporary copy."""

import asyncio
import contextlib
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

from tensorlake.applications import application, function

HERE = Path(__file__).parent
AT_IMPORT = (HERE / "import.txt").read_text()  # line 15
POOL = ThreadPoolExecutor(1)


def slurp(name):
    with open(HERE / name) as file:
        return file.read()


@application()
@function()
def plain(x: int) -> str:
    list(HERE.joinpath("folder").iterdir())
    for missing in ("missing.txt", "folder/missing.txt"):
        with contextlib.suppress(OSError):
            open(HERE / missing)
    os.path.exists(HERE / "a.txt")
    os.path.exists(HERE / "never.txt")
    return slurp("folder/b.txt")


@application()
@function()
def sizes(x: int) -> int:
    for missing in ("missing.txt", "never.txt"):
        with contextlib.suppress(OSError):
            os.path.getsize(HERE / missing)
    os.path.lexists(HERE / "link.txt")
    os.access(HERE / "taken.txt", os.R_OK)
    os.access(HERE / "gone.txt", os.R_OK)
    (HERE / "data.txt").is_file()
    os.path.realpath(HERE / "folder/deep")
    os.stat(HERE / "folder")
    return os.path.getsize(HERE / "a.txt") + (HERE / "folder" / "b.txt").stat().st_size


@application()
@function()
def handled(x: int) -> str:
    # Python looks how old the file is: nothing that this code sees.
    TimedRotatingFileHandler(HERE / "a.txt", delay=True).close()
    return "done"


@application()
@function()
def modes(x: int) -> str:
    (HERE / "written.txt").write_text("x")
    slurp("written.txt")
    with open(HERE / "log.txt", "a") as file:
        file.write("line\n")
    with open(HERE / "both.txt", "r+") as file:
        file.write("new" + file.read())
    with open(HERE / "fresh.txt", "w+") as file:
        file.read()
    tmp = HERE / "tmp.txt"
    tmp.write_text("x")
    os.replace(tmp, HERE / "renamed.txt")
    slurp("renamed.txt")
    os.remove(HERE / "renamed.txt")
    slurp("taken.txt")
    os.remove(HERE / "taken.txt")
    sqlite3.connect(":memory:").close()
    sqlite3.connect(HERE / "data.db").close()
    fd = os.open(HERE / "a.txt", os.O_RDONLY)
    os.close(fd)
    return "done"


@application()
@function()
def elsewhere(x: int) -> str:
    os.listdir("/")
    Path("/etc/hostname").exists()
    for folder in ("__pycache__", ".tl-bench", "node_modules", ".venv"):
        os.makedirs(HERE / folder, exist_ok=True)
        (HERE / folder / "x").write_text("x")
        slurp(folder + "/x")
    try:
        raise ValueError
    except ValueError:
        import traceback

        traceback.format_exc()
    return "done"


@application()
@function()
def threads(x: int) -> str:
    thread = threading.Thread(target=slurp, args=("folder/b.txt",))
    thread.start()
    thread.join()
    POOL.submit(slurp, "a.txt").result()
    return "done"


@application()
@function()
async def tasks(x: int) -> str:
    async def inner():
        return slurp("folder/b.txt")

    await asyncio.gather(inner(), asyncio.to_thread(slurp, "a.txt"))
    return "done"


@function()
def one_of_two(name: str) -> str:
    return POOL.submit(slurp, name).result()


@application()
@function()
def apart(x: int) -> str:
    futures = [one_of_two.future(name).run() for name in ("a.txt", "folder/b.txt")]
    return "".join(future.result() for future in futures)


@application()
@function()
def late(x: int) -> str:
    import lazy_module

    return lazy_module.TEXT
