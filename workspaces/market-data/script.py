"""What the offline model says of a price and its average."""

import random
import re
from secrets import token_hex


def reply(messages: list[dict]) -> dict:
    """The next message of the assistant in this conversation."""
    prompt = messages[-1]["content"]
    price, average = (float(number) for number in re.findall(r"\d+\.\d\d", prompt)[-2:])
    position = "above" if price > average else "below"
    advice = random.choice(["patience pays", "watch the volume", "no reason to hurry"])
    content = f"At {price:.2f} it is {abs(price / average - 1):.1%} {position} its average: {advice}."
    return {"role": "assistant", "content": f"{content} (sample {token_hex(3)})"}
