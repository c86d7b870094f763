"""Deploying to Tensorlake Cloud, which tl-bench does not do."""

from __future__ import annotations

from ..interface.exceptions import SDKUsageError


def deploy_applications(*_args, **_kwargs) -> None:
    raise SDKUsageError(
        "deploy_applications() deploys to Tensorlake Cloud, which tl-bench does not talk to. "
        "Use the tensorlake command line for it."
    )
