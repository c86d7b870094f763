"""What the stand-in services share: a memory in `.state/`, and a pace.

Delete `.state/` to start the story again. TLB_DEMO_SPEED scales every pause (0: none, 1: default).
"""

import os
import random
import time
from pathlib import Path

STATE = Path(__file__).parent / ".state"


def attempt(name: str) -> int:
    """How many times the story came by here, this time included."""
    STATE.mkdir(exist_ok=True)
    with open(STATE / name, "ab") as marks:
        marks.write(b".")
        return marks.tell()


def pause(shortest: float, longest: float) -> None:
    """Take as long as a real service would."""
    time.sleep(random.uniform(shortest, longest) * float(os.environ.get("TLB_DEMO_SPEED", "1")))
