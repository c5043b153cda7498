"""What the services of the fake Kaggle have in common: errors, pages, times, slugs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Answer = tuple[int, Any]
"""A status and its JSON, or 302 and an address."""
LARGEST_PAGE = 500


def error(code: int, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {"code": code, "message": message}


def now() -> str:
    """The time as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def page(name: str, items: Sequence[Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The page of a list that a request asks for."""
    size = min(int(body.get("pageSize") or 20), LARGEST_PAGE)
    start = int(body.get("pageToken") or 0)
    more = str(start + size) if start + size < len(items) else ""
    return {name: list(items[start : start + size]), "nextPageToken": more}


def slug_of(title: str) -> str:
    """The slug that Kaggle makes of a title."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
