"""A mail service. What it sent is in `.state/outbox.jsonl`, one mail a line."""

import json
from secrets import token_hex

from stage import STATE, pause


def send(user_id: str, message: str) -> dict:
    """Send a mail: there is no undo."""
    pause(0.05, 0.1)
    mail = {"message_id": f"msg-{token_hex(4)}", "to": user_id, "text": message}
    STATE.mkdir(exist_ok=True)
    with open(STATE / "outbox.jsonl", "a", encoding="utf-8") as outbox:
        outbox.write(json.dumps(mail) + "\n")
    print(f"sent {mail['message_id']} to {user_id}")
    return mail
