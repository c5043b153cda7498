"""The functions of a kind. predict.py has only those of the kinds that bundle.json names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from comp.errors import DataError

T = TypeVar("T")


def of_kind(known: Mapping[str, T], kind: str, what: str) -> T:
    """What a registry has for a kind.

    Args:
        what: what is of this kind, for the message.

    Raises:
        DataError: this program does not have it.
    """
    if kind not in known:
        listed = ", ".join(known) or "none"
        raise DataError(
            f"bundle.json names the {what} '{kind}', which this predict.py does not have (it has: "
            f"{listed}): take both files from one bundle"
        )
    return known[kind]
