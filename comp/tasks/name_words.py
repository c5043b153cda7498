"""Which label a column is of, by the words of their names: is_ant and pAnt are of "ant"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_PARTS = re.compile(r"(?:(?<![^\W_])-)?\d+(?:\.\d+)?|[^\W\d_]+")
"""Numbers, whose minus is not a hyphen after a letter or digit, and letters of any alphabet."""
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+")
_LEADING_ZEROS = re.compile(r"^(-?)0+(?=\d)")

Words = list[str]


def misplaced(columns: Sequence[str], names: Sequence[str]) -> tuple[str, str] | None:
    """The first column that is of one of the names, but has the index of another, and that other
    name; None if there is none.

    A column is of a name if they are equal. If the words of each column contain those of exactly
    one name, or the reverse, and no two columns those of the same, each column is of that name. If
    this is true of some columns only, it counts for the names that have a letter.

    Args:
        columns: as many as names.
    """
    if tuple(columns) == tuple(names):
        return None
    for column, name in zip(columns, names, strict=True):
        if column != name and column in names:
            return column, name
    found = _name_of_each([_words(c) for c in columns], [_words(n) for n in names])
    return next(((columns[i], names[i]) for i, j in found.items() if i != j), None)


def mentioned(column: str, names: Sequence[str]) -> set[str]:
    """The names whose words are a part of those of a column."""
    return {names[j] for j in _contained(_words(column), _by_key([_words(n) for n in names]))}


def _name_of_each(columns: Sequence[Words], names: Sequence[Words]) -> dict[int, int]:
    """Index of a column -> index of its name, in the order of the columns."""
    some: dict[int, int] = {}
    for first, second in ((columns, names), (_distinct(columns), _distinct(names))):
        backward = {i: j for j, i in _pairs(second, first).items()}
        for pairs in (_pairs(first, second), backward):
            if len(pairs) == len(columns):
                return dict(sorted(pairs.items()))
            letters = [
                i for i, j in pairs.items() if _has_letter(first[i]) and _has_letter(second[j])
            ]
            some = {i: pairs[i] for i in letters} | some
    return dict(sorted(some.items()))


def _has_letter(words: Words) -> bool:
    return any(map(str.isalpha, _key(words)))


def _pairs(whole: Sequence[Words], parts: Sequence[Words]) -> dict[int, int]:
    """The indices of the names that contain one part, which no other name contains."""
    by_key = _by_key(parts)
    found = [_contained(words, by_key) for words in whole]
    counts = Counter(part for several in found for part in several)
    chosen = {i: min(several) for i, several in enumerate(found) if len(several) == 1}
    return {i: part for i, part in chosen.items() if counts[part] == 1}


def _contained(words: Words, by_key: dict[str, list[int]]) -> set[int]:
    """The indices of the parts that are a run of the words, without those inside a longer run."""
    spans = [
        (start, stop)
        for start in range(len(words))
        for stop in range(start + 1, len(words) + 1)
        if _key(words[start:stop]) in by_key
    ]
    inside = {(a, b) for a, b in spans for c, d in spans if c <= a and b <= d and (a, b) != (c, d)}
    longest = set(spans) - inside
    return {index for a, b in longest for index in by_key[_key(words[a:b])]}


def _by_key(names: Sequence[Words]) -> dict[str, list[int]]:
    by_key: dict[str, list[int]] = {}
    for index, words in enumerate(names):
        by_key.setdefault(_key(words), []).append(index)
    by_key.pop("", None)
    return by_key


def _distinct(names: Sequence[Words]) -> list[Words]:
    """The words of each name without those with which all names begin or end."""
    shortest = min(map(len, names), default=0)
    start = stop = 0
    while start < shortest - 1 and len({words[start] for words in names}) == 1:
        start += 1
    while stop < shortest - 1 - start and len({words[-1 - stop] for words in names}) == 1:
        stop += 1
    return [words[start : len(words) - stop] for words in names]


def _words(name: str) -> Words:
    """The words and numbers of a name in lower case: of isAnt, p_10 or class-01."""
    words: Words = []
    for part in _PARTS.findall(name):
        if part[-1].isdigit():
            words.append(_LEADING_ZEROS.sub(r"\1", part))
        else:
            words += [word.lower() for word in _CAMEL.findall(part)]
    return words


def _key(words: Words) -> str:
    """The words as one text, so that macOS is macos, but 1 and 2 are not 12."""
    return re.sub(r"(?<!\d) | (?![-\d])", "", " ".join(words))
