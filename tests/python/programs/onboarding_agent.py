"""A program of the documentation; the services come first, its text is unchanged."""

from tensorlake.applications import application, function


@function()
def build_profile(user_id: str) -> dict:
    return {"name": user_id.title()}


@function()
def setup_account(profile: dict) -> str:
    return f"account of {profile['name']}"


class email_api:
    class _Response:
        message_id = "m-1"

    @classmethod
    def send(cls, user_id, message):
        print(f"to {user_id}: {message}")
        return cls._Response


@function()
def send_notification(user_id: str, message: str) -> str:
    """Send once, skip on replay."""
    response = email_api.send(user_id, message)
    return response.message_id

@application()
@function()
def onboarding_agent(user_id: str) -> str:
    profile = build_profile(user_id)
    send_notification(user_id, f"Welcome, {profile['name']}!")  # sent once
    return setup_account(profile)
