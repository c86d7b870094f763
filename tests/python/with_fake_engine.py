"""Run a program whose ``run_local_application`` calls use the fake engine.

    python tests/python/with_fake_engine.py -- python program.py ...

Stands in for ``tl-bench exec``: sets TLB_SOCKET and TLB_TOKEN and puts the runtime first on
PYTHONPATH. The exit status is that of the program.
"""

import subprocess
import sys

from fake_engine import Engine


def main() -> int:
    args = sys.argv[1:]
    if args[:1] == ["--"]:
        args = args[1:]
    if not args:
        print(__doc__, file=sys.stderr)
        return 2
    engine = Engine(keep_events=False)
    try:
        return subprocess.call(args, env=engine.env())
    finally:
        engine.close()


if __name__ == "__main__":
    sys.exit(main())
