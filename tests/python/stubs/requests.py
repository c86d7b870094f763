"""A web with one search engine and one document."""


class _Response:
    text = "the document"

    def json(self):
        return {"results": [{"url": "http://a"}]}


def get(url, params=None):
    return _Response()
