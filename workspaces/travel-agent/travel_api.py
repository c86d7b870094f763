"""Flights and hotels. Bookings are kept in `.state/bookings.jsonl`, one a line.

The hotel search is down the first time it is asked.
"""

import json
import random
from secrets import token_hex

from stage import STATE, attempt, pause

HOTELS = {
    "Whistler": {"Pine Lodge": 210, "Blackcomb Inn": 180, "Summit House": 340},
    "Japan": {"Niseko Onsen": 260, "Hakuba Ryokan": 190, "Kyoto Garden": 230},
}
HOTELS_ANYWHERE = {"Station Hotel": 140, "Grand Hotel": 320}


class HotelSearchError(Exception):
    """The hotel search did not answer."""


def find_destination(text: str) -> str:
    """The destination that a text names first; a coin decides where it names none."""
    text = text.lower()
    named = [name for name in HOTELS if name.lower() in text]
    if not named:
        return random.choice(list(HOTELS))
    return min(named, key=lambda name: text.index(name.lower()))


def book_flights(destination: str) -> dict:
    """Book for real: there is no undo."""
    pause(0.1, 0.3)
    booking = {"confirmation": f"FL-{token_hex(3).upper()}", "destination": destination, "price": 940}
    STATE.mkdir(exist_ok=True)
    with open(STATE / "bookings.jsonl", "a", encoding="utf-8") as bookings:
        bookings.write(json.dumps(booking) + "\n")
    print(f"booked {booking['confirmation']} to {destination}")
    return booking


def search_hotels(destination: str) -> list[dict]:
    """The hotels of a destination, with their price a night."""
    pause(0.1, 0.3)
    if attempt("hotel-searches") == 1:
        raise HotelSearchError(f"503 Service Unavailable: hotel search for {destination}")
    return [{"name": name, "price": price} for name, price in HOTELS.get(destination, HOTELS_ANYWHERE).items()]
