"""Retries: how often a failed function is tried again."""

from __future__ import annotations


class Retries:
    """``max_retries`` further attempts after the first.

    On an application it is the default of every function of the request; a function's own policy
    (even ``Retries(0)``) wins.
    """

    def __init__(self, max_retries: int = 0):
        self.max_retries = max_retries
        # Not configurable in the released SDK either; present because programs may read them.
        self.initial_delay = 1.0
        self.max_delay = 60.0
        self.delay_multiplier = 2.0

    def __repr__(self) -> str:
        return f"Retries(max_retries={self.max_retries!r})"
