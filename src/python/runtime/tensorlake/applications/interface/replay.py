"""ReplayMode: how a replay treats differences from the recorded history (documentation only)."""

from __future__ import annotations

import enum


class ReplayMode(str, enum.Enum):
    ADAPTIVE = "adaptive"
    STRICT = "strict"


def get_remote_request(*_args, **_kwargs):
    """Requests of Tensorlake Cloud cannot be reached from here."""
    from .exceptions import SDKUsageError

    raise SDKUsageError(
        "get_remote_request() talks to Tensorlake Cloud, which tl-bench does not. "
        "Use `tl-bench replay` to replay a recorded run."
    )
