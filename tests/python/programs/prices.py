"""Functions of the documentation, and an application that calls them."""

from tensorlake.applications import application, function


class stock_api:
    @staticmethod
    def get_price(ticker):
        return 12.5

    @staticmethod
    def get_history(ticker, days):
        return [{"ticker": ticker, "day": day} for day in range(days)]


@function(durable=False)
def get_current_price(ticker: str) -> float:
    """Always fetches the latest price, even on replay."""
    return stock_api.get_price(ticker)

@function()
def get_historical_data(ticker: str) -> list[dict]:
    """Historical data doesn't change — safe to checkpoint."""
    return stock_api.get_history(ticker, days=30)


@application()
@function()
def compare(ticker: str) -> dict:
    return {"now": get_current_price(ticker), "days": len(get_historical_data(ticker))}
