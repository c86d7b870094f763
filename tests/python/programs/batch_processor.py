"""A program of the documentation, character for character; see the end for its services."""

from tensorlake.applications import application, function

@function(timeout=120)
def process_document(doc_url: str) -> dict:
    """Parse a single document. Each call is independently checkpointed."""
    content = fetch_and_parse(doc_url)
    extracted = extract_fields(content)
    return extracted

@function()
def aggregate_results(results: list[dict], acc: dict) -> dict:
    """Combine results as they arrive."""
    acc["documents"].append(results)
    return acc

@application()
@function()
def batch_processor(doc_urls: list[str]) -> dict:
    results = process_document.map(doc_urls)
    summary = results.reduce(aggregate_results, {"documents": []})
    return summary


# The services that the documentation leaves to the reader.


def fetch_and_parse(doc_url: str) -> str:
    if "bad" in doc_url:
        raise ValueError(f"cannot parse {doc_url}")
    return f"content of {doc_url}"


def extract_fields(content: str) -> dict:
    return {"content": content, "length": len(content)}
