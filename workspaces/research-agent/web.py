"""A small web that answers any query: the same words find the same pages."""

import re

from stage import pause

KINDS = ["guide", "report", "notes"]


def search(query: str) -> list[dict]:
    """Three pages on the query."""
    pause(0.02, 0.06)
    print(f"search: {query}")
    slug = re.sub(r"[^a-z0-9]+", "-", query.lower()).strip("-")
    return [
        {"title": f"{query} ({kind})", "url": f"https://library.example/{kind}/{slug}"}
        for kind in KINDS
    ]


def read(url: str) -> str:
    """The text of one page."""
    pause(0.02, 0.06)
    print(f"read: {url}")
    kind, slug = url.split("/")[-2:]
    subject = slug.replace("-", " ")
    return "\n".join([
        f"# {subject.capitalize()}",
        "",
        f"This {kind} on {subject} counts {len(slug)} cases and draws one conclusion from them.",
        "Work that was done and written down need not be done again.",
        "What was not written down is lost with the process that did it.",
        f"Every claim about {subject} was checked against a second source.",
    ])
