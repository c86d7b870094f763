"""Users and their accounts. The first account that is asked for cannot be created."""

from stage import attempt, pause


class AccountError(Exception):
    """The account could not be created."""


def get_user(user_id: str) -> dict:
    pause(0.02, 0.06)
    return {"user_id": user_id, "name": user_id.split("@")[0].capitalize(), "plan": "trial"}


def create_account(profile: dict) -> str:
    """Create an account and return its id."""
    pause(0.1, 0.2)
    if attempt("accounts") == 1:
        raise AccountError(f"504 Gateway Timeout: no account for {profile['user_id']}")
    return f"account of {profile['name']} ({profile['plan']}) is ready"
