"""Metrics as printed: a readable line locally, a CloudEvent as the hosted runtime does."""

from __future__ import annotations

from ..cloud_events import print_cloud_event


def _print_best_effort(*values: object) -> None:
    try:
        print(*values, flush=True)
    except Exception:
        pass


def print_counter_incremented_event(
    request_id: str, function_name: str, counter_name: str, counter_value, local_mode: bool
) -> None:
    """Never raises."""
    event = {
        "request_id": request_id,
        "function_name": function_name,
        "counter_name": counter_name,
        "counter_inc": counter_value,
    }
    _print("Counter Incremented", "counter.inc", event, local_mode)


def print_timer_recorded_event(
    request_id: str, function_name: str, timer_name: str, timer_value, local_mode: bool
) -> None:
    """Never raises."""
    event = {
        "request_id": request_id,
        "function_name": function_name,
        "timer_name": timer_name,
        "timer_value": timer_value,
    }
    _print("Timer Recorded", "timer", event, local_mode)


def _print(label: str, kind: str, event: dict, local_mode: bool) -> None:
    if local_mode:
        _print_best_effort(f"{label}: {event}")
        return
    try:
        print_cloud_event(
            event=event,
            type=f"ai.tensorlake.metric.{kind}",
            source="/tensorlake/applications/metrics",
        )
    except Exception:
        _print_best_effort(f"Failed to print a cloud event of a metric: {event}")
