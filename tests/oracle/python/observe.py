"""Runs programs for real: one line of JSON for each folder named on standard input.

Each program runs in a fork of this process, so that hundreds need one start of the interpreter.
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import tensorlake.applications as applications

# What programs import: the forks have it already.
import colorsys, contextlib, dataclasses, enum, functools, typing  # noqa: E401, F401


def run(folder, into):
    os.chdir(folder)
    sys.path.insert(0, folder)
    answer = {}
    try:
        import app

        try:
            app.main(1)
        except Exception as error:
            answer["failed"] = repr(error)
        answer["calls"] = applications.RECORD
    except BaseException as error:
        answer["broken"] = f"{type(error).__name__}: {error}"
    with os.fdopen(into, "w") as out:
        json.dump(answer, out)
    os._exit(0)


for line in sys.stdin:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        run(line.rstrip("\n"), write)
    os.close(write)
    with os.fdopen(read) as answer:
        print(answer.read(), flush=True)
    os.waitpid(child, 0)
