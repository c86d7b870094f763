"""An archive of filings that are made up from their address. Three cannot be had at the first try."""

import random

from stage import attempt, pause

BROKEN_ONCE = {
    "https://filings.example/0137",
    "https://filings.example/0512",
    "https://filings.example/0848",
}
COMPANIES = ["Alder", "Birch", "Cedar", "Hazel", "Larch", "Maple", "Rowan", "Willow"]


class ArchiveError(Exception):
    """The archive did not deliver a document."""


def fetch_and_parse(url: str) -> str:
    """The text of one filing."""
    pause(0.001, 0.004)
    number = url.rsplit("/", 1)[-1]
    if url in BROKEN_ONCE and attempt(f"fetch-{number}") == 1:
        raise ArchiveError(f"502 Bad Gateway: {url}")
    filing = random.Random(url)  # the same address, the same filing
    return f"Filing: {number}\nCompany: {filing.choice(COMPANIES)}\nRevenue: {filing.randrange(1_000, 90_000)}\n"


def extract_fields(content: str) -> dict:
    """The fields of a filing: {"filing": ..., "company": ..., "revenue": ...}."""
    fields = dict(line.split(": ", 1) for line in content.splitlines())
    return {"filing": fields["Filing"], "company": fields["Company"], "revenue": int(fields["Revenue"])}
