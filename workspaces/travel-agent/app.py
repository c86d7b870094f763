"""A travel agent: a model decides where to go, and money is spent on its word."""

from tensorlake.applications import Image, application, function

import travel_api
from model import chat

llm_image = Image().run("pip install openai")


def ask(prompt: str, max_tokens: int) -> dict:
    """The model's answer to one prompt, and what it cost."""
    response = chat([{"role": "user", "content": prompt}], max_tokens=max_tokens, temperature=1.0)
    answer = response["choices"][0]["message"].get("content") or ""
    return {"answer": answer.strip(), "model": response["model"], "usage": response["usage"]}


@function(image=llm_image)
def plan_trip(wish: str) -> dict:
    """Let the model decide. Asked again, it may well decide otherwise."""
    decision = ask(f"{wish} Answer with one word: Whistler or Japan?", max_tokens=12)
    return {"destination": travel_api.find_destination(decision["answer"]), **decision}


@function(effect=True)
def book_flights(destination: str) -> dict:
    """Spends money: once, and skipped on replay."""
    return travel_api.book_flights(destination)


@function()
def search_hotels(destination: str) -> list[dict]:
    return travel_api.search_hotels(destination)


@function(image=llm_image)
def write_itinerary(destination: str, hotel: str) -> dict:
    return ask(f"Write one short sentence about a trip to {destination}, staying at {hotel}.", max_tokens=40)


@application()
@function(timeout=600)
def travel_agent(wish: str) -> dict:
    plan = plan_trip(wish)
    destination = plan["destination"]
    flights = book_flights(destination)
    hotels = search_hotels(destination)  # crashes on the first run
    hotel = min(hotels, key=lambda hotel: hotel["price"])["name"]
    itinerary = write_itinerary(destination, hotel)
    return {
        "destination": destination,
        "flights": flights["confirmation"],
        "hotel": hotel,
        "itinerary": itinerary["answer"],
    }
