"""The form of a name of a competition or a data set on Kaggle."""

from __future__ import annotations

import re

from comp.errors import CompetitionError

_SLUG = r"[A-Za-z0-9_][\w.-]*"
_REFERENCE = re.compile(rf"competitions/{_SLUG}|datasets/{_SLUG}/{_SLUG}")


def check_reference(kaggle: str) -> None:
    """Refuse a text that is not `competitions/<slug>` or `datasets/<owner>/<slug>`.

    Raises:
        CompetitionError: the message has the nearest right spelling.
    """
    if isinstance(kaggle, str) and _REFERENCE.fullmatch(kaggle):
        return
    raise CompetitionError(f"kaggle = {kaggle!r:.100}: {_advice(kaggle)}")


def nearest_reference(kaggle: str) -> str:
    """The reference that an address, a slug or another spelling means; "" if it is none."""
    parts = re.sub(r"^.*kaggle\.com/", "", kaggle).strip(" /").split("/")
    if parts[0] in ("c", "competition", "competitions") and len(parts) > 1:
        nearest = f"competitions/{parts[1]}"
    elif parts[0] in ("d", "dataset", "datasets") and len(parts) > 2:
        nearest = f"datasets/{parts[1]}/{parts[2]}"
    elif parts[0] in ("competitions", "datasets"):
        nearest = ""
    else:
        nearest = {1: "competitions/", 2: "datasets/"}.get(len(parts), "") + "/".join(parts)
    return nearest if _REFERENCE.fullmatch(nearest) else ""


def _advice(kaggle: object) -> str:
    if nearest := nearest_reference(str(kaggle)):
        return f"write '{nearest}'"
    return "write 'competitions/<slug>' or 'datasets/<owner>/<slug>', the end of its address"
