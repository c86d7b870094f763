"""A market report: the price must be live, the history may be kept, the summary follows the price."""

from tensorlake.applications import Image, application, function

import stock_api
from model import chat

llm_image = Image().run("pip install openai")


@function(durable=False)
def get_current_price(ticker: str) -> float:
    """Always fetches the latest price, even on replay."""
    return stock_api.get_price(ticker)


@function()
def get_historical_data(ticker: str) -> list[dict]:
    """Historical data doesn't change — safe to checkpoint."""
    return stock_api.get_history(ticker, days=30)


@function(image=llm_image)
def summarize(ticker: str, price: float, history: list[dict]) -> dict:
    """The analyst's sentence; asked again whenever the price moved."""
    average = sum(day["close"] for day in history) / len(history)
    prompt = f"{ticker} trades at {price:.2f}, its 30 day average is {average:.2f}. Comment in one sentence."
    response = chat([{"role": "user", "content": prompt}], max_tokens=60)
    comment = response["choices"][0]["message"].get("content") or ""
    return {"comment": comment.strip(), "model": response["model"], "usage": response["usage"]}


@application()
@function(timeout=300)
def market_report(ticker: str) -> dict:
    price = get_current_price(ticker)
    history = get_historical_data(ticker)
    summary = summarize(ticker, price, history)
    return {"ticker": ticker, "price": price, "days": len(history), "comment": summary["comment"]}
