"""The worker process: ``python -m tlb_runtime``, or ``python <this folder>``.

Started by the engine with TLB_SOCKET, TLB_TOKEN and TLB_WORKER (and TLB_SLOTS). Loads the user's
module in the main thread, which then watches over the threads that execute calls.
"""

import os
import sys


def main() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(here)
    # Drop what the way of starting put first (this folder, or the current one for -m).
    if sys.path and os.path.abspath(sys.path[0] or os.curdir) in (here, os.getcwd()):
        if os.path.abspath(sys.path[0] or os.curdir) != root:
            del sys.path[0]
    if root not in sys.path:
        sys.path.insert(0, root)

    from tlb_runtime import worker

    worker.run()


if __name__ == "__main__":
    main()
