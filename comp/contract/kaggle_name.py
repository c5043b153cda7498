"""The name of a competition or a data set on Kaggle, and the ways in which people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from comp.errors import CompetitionError

_SLUG = r"[A-Za-z0-9_][\w.-]*"
_REFERENCE = re.compile(rf"competitions/{_SLUG}|datasets/{_SLUG}/{_SLUG}")
_HOST = re.compile(r"(?:https?:)?/*(?:\w+\.)?kaggle\.com(?::\d+)?(?:/|$)", re.IGNORECASE)
_COMPETITIONS = ("c", "competition", "competitions")
_DATASETS = ("d", "dataset", "datasets")
_OTHER_PAGES = (
    *("account", "benchmarks", "code", "discussions", "docs", "kernels", "learn", "models"),
    *("organizations", "rankings", "search", "settings", "simulations", "submissions", "t", "work"),
)
"""First parts of addresses of pages that are neither a competition nor a data set."""


@dataclass(frozen=True)
class _Address:
    """A text as parts of a path; `on_kaggle` if it starts with Kaggle's host."""

    parts: tuple[str, ...]
    on_kaggle: bool

    @property
    def reference(self) -> str:
        """The reference that the text means, "" if it is none."""
        parts, kind = self.parts, self.parts[0].lower() if self.parts else ""
        if kind in _COMPETITIONS:
            found = f"competitions/{parts[1]}" if len(parts) > 1 else ""
        elif kind in _DATASETS:
            found = f"datasets/{parts[1]}/{parts[2]}" if len(parts) > 2 else ""
        elif kind in _OTHER_PAGES:
            found = ""
        elif len(parts) == 2 or (self.on_kaggle and len(parts) > 2):
            found = f"datasets/{parts[0]}/{parts[1]}"  # the address of a data set until 2022
        else:
            found = f"competitions/{parts[0]}" if len(parts) == 1 and not self.on_kaggle else ""
        return found if _REFERENCE.fullmatch(found) and not self.version else ""

    @property
    def version(self) -> str:
        """The version in the address of a data set, such as "versions/3"; "" if there is none."""
        parts = self.parts
        return "/".join(parts[-2:]) if len(parts) > 3 and parts[-2] == "versions" else ""

    @property
    def has_kind(self) -> bool:
        """Whether the text says that it is a competition or a data set."""
        kind = self.parts[0].lower() if self.parts else ""
        return self.on_kaggle or kind in (*_COMPETITIONS, *_DATASETS)


def _address(text: str) -> _Address:
    """Split a text: `c/leaves`, `www.kaggle.com/c/leaves/overview`, `ada/x-rays?select=a.csv`."""
    path = re.split(r"[?#]", text.strip(" \t\r\n<>'\""), maxsplit=1)[0]
    rest = _HOST.sub("", path, count=1) if _HOST.match(path) else path
    parts = tuple(part for part in unquote(rest).split("/") if part)
    return _Address(parts, on_kaggle=rest != path)


def check_reference(kaggle: str) -> str:
    """The reference `competitions/<slug>` or `datasets/<owner>/<slug>` that a text means: itself,
    `c/<slug>`, or an address of kaggle.com.

    Raises:
        CompetitionError: it is none, or it does not say of which kind it is; the message has the
            right spelling.
    """
    if isinstance(kaggle, str):
        address = _address(kaggle)
        if address.has_kind and address.reference:
            return address.reference
    raise CompetitionError(f"kaggle = {kaggle!r:.100}: {_advice(kaggle)}")


def given_reference(text: str) -> str:
    """The reference that a user means on the command line: like `check_reference`, and
    `<owner>/<slug>` is a data set; "" if it is none.

    Raises:
        CompetitionError: the address of one version of a data set.
    """
    address = _address(text)
    if address.version:
        raise CompetitionError(f"{text}: {_newest(address)}")
    return address.reference if address.has_kind or len(address.parts) == 2 else ""


def is_address(text: str) -> bool:
    """Whether a text is an address of kaggle.com, or says its kind as `c/<slug>` does."""
    return "/" in text and _address(text).has_kind


def nearest_reference(kaggle: str) -> str:
    """The reference that an address, a slug or another spelling means; "" if it is none."""
    return _address(kaggle).reference


def _newest(address: _Address) -> str:
    return f"the newest version is downloaded: leave out /{address.version}"


def _advice(kaggle: object) -> str:
    address = _address(kaggle if isinstance(kaggle, str) else "")
    if address.version:
        return _newest(address)
    if address.reference:
        return f"write '{address.reference}'"
    return "write 'competitions/<slug>' or 'datasets/<owner>/<slug>', the end of its address"
