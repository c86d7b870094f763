"""What the offline model says: Whistler, then Japan, then Whistler, ... each time it is asked."""

import random
from secrets import token_hex

from stage import attempt

DESTINATIONS = ["Whistler", "Japan"]


def reply(messages: list[dict]) -> dict:
    """The next message of the assistant in this conversation."""
    prompt = messages[-1]["content"]
    if "one word" in prompt:
        content = DESTINATIONS[(attempt("decisions") - 1) % len(DESTINATIONS)]
    else:
        mood = random.choice(["Pack warm clothes", "Bring good boots", "Take a camera"])
        content = f"{mood}: {prompt.removeprefix('Write one short sentence about ')} (sample {token_hex(3)})"
    return {"role": "assistant", "content": content}
