"""The RequestContext of the running function call."""

from __future__ import annotations


def get_current_request_context():
    """Raises SDKUsageError when no function call runs in this thread."""
    from tlb_runtime import session

    call = session.current_call()
    if call.context is None:
        from tlb_runtime.context import CallContext

        call.context = CallContext(call)
    return call.context


def set_current_request_context(request_context) -> None:
    from tlb_runtime import session

    session.current_call().context = request_context
