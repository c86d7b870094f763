"""Progress as printed: a readable line locally, a CloudEvent as the hosted runtime does."""

from __future__ import annotations

from ..cloud_events import event_time, print_cloud_event


def _print_best_effort(*values: object) -> None:
    try:
        print(*values, flush=True)
    except Exception:
        pass


def print_progress_update(
    request_id: str,
    function_name: str,
    function_run_id: str,
    allocation_id: str,
    current: float,
    total: float,
    message: str | None,
    attributes: dict | None,
    local_mode: bool,
) -> None:
    """Never raises."""
    step, steps = _whole(current), _whole(total)
    text = message if message is not None else f"{function_name}: executing step {step} of {steps}"
    event = {
        "request_id": request_id,
        "function_name": function_name,
        "function_run_id": function_run_id,
        "allocation_id": allocation_id,
        "message": text,
        "step": step,
        "total": steps,
        "attributes": attributes,
        "created_at": event_time(),
    }
    if local_mode:
        _print_best_effort(f"Progress Update: {event}")
        return
    try:
        print_cloud_event(
            {"RequestProgressUpdated": event},
            type="ai.tensorlake.progress_update",
            source="/tensorlake/applications/progress",
            message=text,
        )
    except Exception:
        _print_best_effort(f"Failed to print progress update cloud event: {event}")


def _whole(value: float):
    return int(value) if value.is_integer() else value
