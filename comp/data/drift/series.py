"""Series of files: names of one form, such as `IM-#-#.jpeg`, in train and in test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

RARE = 0.02
"""Share of the names of a side below which a form counts as other."""
DIFFERENT = 0.2
"""Total variation of the forms from which the names differ."""
OTHER = "other names"
_SPLIT_WORDS = re.compile(
    r"(?i)(?<![a-z])(train|training|test|testing|val|valid|validation)"
    r"(?![a-z])"
)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class Series:
    """The forms of the names of train and test: form -> share, the most frequent first.

    `distance` is their total variation: 0 if the shares are equal, 1 if no form is in both.
    """

    train: dict[str, float]
    test: dict[str, float]
    distance: float

    @property
    def differ(self) -> bool:
        """Whether some forms are in both, and their shares differ: names that differ in every
        sample only show how the files of a split are called."""
        return DIFFERENT <= self.distance < 1


def name_form(name: str) -> str:
    """The form of a file name: digits become #, and words such as train and test become *."""
    return _DIGITS.sub("#", _SPLIT_WORDS.sub("*", name))


def compare_names(train: Sequence[str], test: Sequence[str]) -> Series:
    """The forms of file names; names such as hashes, each with its own form, count as other."""
    sides = [Counter(map(name_form, names)) for names in (train, test)]
    sizes = [max(1, len(names)) for names in (train, test)]
    frequent = [
        form
        for form in sides[0] | sides[1]
        if any(side[form] >= RARE * size for side, size in zip(sides, sizes, strict=True))
    ]
    shares = []
    for side, size in zip(sides, sizes, strict=True):
        share = {form: side[form] / size for form in frequent if side[form]}
        rest = 1 - sum(share.values())
        shares.append(share | ({OTHER: rest} if rest > 1e-9 else {}))
    forms = {*shares[0], *shares[1]}
    distance = sum(abs(shares[0].get(f, 0.0) - shares[1].get(f, 0.0)) for f in forms) / 2
    return Series(train=_sorted(shares[0]), test=_sorted(shares[1]), distance=round(distance, 4))


def _sorted(shares: dict[str, float]) -> dict[str, float]:
    pairs = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
    return {form: round(share, 4) for form, share in pairs}
