"""A stock exchange: a history that stays, and a price that never stands still."""

import random
from datetime import date, timedelta

from stage import attempt, pause


def get_history(ticker: str, days: int) -> list[dict]:
    """The closing prices of the last days, oldest first."""
    pause(0.2, 0.4)
    walk = random.Random(ticker)  # the same ticker, the same history
    level = _level(ticker)
    return [
        {"date": str(date.today() - timedelta(days=age)), "close": round(level * walk.uniform(0.95, 1.05), 2)}
        for age in range(days, 0, -1)
    ]


def get_price(ticker: str) -> float:
    """The price now: by turns below and above its level, so never the same twice running."""
    pause(0.02, 0.06)
    change = random.uniform(0.001, 0.02) * (-1) ** attempt(f"price-{ticker}")
    return round(_level(ticker) * (1 + change), 4)


def _level(ticker: str) -> float:
    return random.Random(ticker).uniform(80, 220)
