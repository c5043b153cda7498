"""Lists that Kaggle gives in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from comp.errors import AnswerError
from comp.kaggle.client.session import Kaggle

PAGE_SIZE = 200
MAX_PAGES = 200
"""Pages that are read: 40,000 entries."""


def list_pages(
    kaggle: Kaggle,
    action: str,
    service: str,
    method: str,
    request: Any,
    name: str,
    remedies: Mapping[int, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """The entries of a list; `request` has `page_size` and `page_token`, `name` is the field of the
    answer with the entries.

    Raises:
        RefusedError, NetworkError: see `Kaggle.call`.
        AnswerError: the list cannot be read, or is too long to be read whole.
    """
    request.page_size = PAGE_SIZE
    for _ in range(MAX_PAGES):
        page = kaggle.call_json(action, service, method, request, remedies=remedies)
        yield from objects(page.get(name))
        token = str(page.get("nextPageToken") or "")
        if not token:
            return
        request.page_token = token
    raise AnswerError(f"{action}: the list has more than {PAGE_SIZE * MAX_PAGES} entries")


def objects(listed: Any) -> list[dict[str, Any]]:
    """A list of JSON objects; null is an empty one.

    Raises:
        AnswerError: `listed` is something else.
    """
    found = [] if listed is None else listed
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise AnswerError("Kaggle's list cannot be read: try again later")
    return found
