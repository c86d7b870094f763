"""A new user is welcomed by mail, once, whatever happens afterwards."""

from tensorlake.applications import application, function

import account_api
import email_api


@function()
def build_profile(user_id: str) -> dict:
    return account_api.get_user(user_id)


@function()
def send_notification(user_id: str, message: str) -> str:
    """Send once, skip on replay."""
    response = email_api.send(user_id, message)
    return response["message_id"]


@function()
def setup_account(profile: dict) -> str:
    return account_api.create_account(profile)


@application()
@function(timeout=300)
def onboarding_agent(user_id: str) -> str:
    profile = build_profile(user_id)
    send_notification(user_id, f"Welcome, {profile['name']}!")  # sent once
    return setup_account(profile)
