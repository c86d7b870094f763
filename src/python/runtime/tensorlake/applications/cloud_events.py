"""Events in the CloudEvents format on stdout, as the hosted runtime prints them."""

from __future__ import annotations

from .interface.exceptions import SerializationError

_SOURCE = "/tensorlake/function_executor/events"


def print_cloud_event(
    event: dict, type: str = "ai.tensorlake.event", source: str = _SOURCE, message=None
) -> None:
    """Print one event as a line. Raises SerializationError when it is not JSON."""
    import json

    try:
        text = json.dumps(new_cloud_event(event, type, source, message))
    except Exception as error:
        raise SerializationError(f"Failed to serialize event payload: {error}") from error
    print(text, flush=True)


def new_cloud_event(
    event: dict, type: str = "ai.tensorlake.event", source: str = _SOURCE, message=None
) -> dict:
    import uuid

    result = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "timestamp": event_time(),
        "type": type,
        "source": source,
        "data": event,
    }
    if message is not None:
        result["message"] = message
    return result


def event_time() -> str:
    """Now, in UTC, with a Z."""
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
