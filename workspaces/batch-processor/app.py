"""A batch of documents, each parsed in a call of its own, then put together."""

from tensorlake.applications import application, function

from documents import extract_fields, fetch_and_parse


@function(timeout=120)
def process_document(doc_url: str) -> dict:
    """Parse a single document. Each call is independently checkpointed."""
    content = fetch_and_parse(doc_url)
    extracted = extract_fields(content)
    return extracted


@function()
def aggregate_results(results: dict, acc: dict) -> dict:
    """Combine results as they arrive."""
    acc["documents"].append(results)
    return acc


@application()
@function(timeout=1800)
def batch_processor(doc_urls: list[str]) -> dict:
    results = process_document.map(doc_urls)
    summary = results.reduce(aggregate_results, {"documents": []})
    return summary
