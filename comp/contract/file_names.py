"""Messages about files that a plugin names and the data does not have."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comp.contract.competition import Competition

SHOWN = 5
"""Names of the data in a message."""


def wrong_file_name(competition: Competition, missing: Iterable[str], folder: Path) -> str:
    """Why the plugin, and not the data, is wrong about missing names: the data has a similar name;
    "" if it does not.

    Args:
        missing: names that the plugin says and `folder` does not contain.
    """
    known = {*competition.layout, competition.sample_submission}
    for name in missing:
        wanted = PurePosixPath(name)
        others = names_like(folder / wanted.parent, wanted)
        others = [other for other in others if str(wanted.parent / other) not in known]
        near = nearest_name(wanted.name, others)
        if near:
            argument = competition.file_arguments.get(name)
            says = f"{argument} = '{name}'" if argument else f"'{name}'"
            return (
                f"the plugin of {competition.name} says {says}, but {folder} contains "
                f"{wanted.parent / near}: correct the plugin"
            )
    return ""


def some_of(names: Sequence[str]) -> str:
    """The first names, and the number of the others."""
    more = f" and {len(names) - SHOWN:,} more" * (len(names) > SHOWN)
    return f"{', '.join(names[:SHOWN])}{more}"


def names_like(folder: Path, wanted: PurePosixPath) -> list[str]:
    """The visible names in a folder of the same kind: files of the same suffix, or folders."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        path.name
        for path in paths
        if not path.name.startswith((".", "__"))
        and path.is_dir() == (not wanted.suffix)
        and path.suffix.lower() == wanted.suffix.lower()
    ]


def nearest_name(name: str, others: Iterable[str]) -> str:
    """The name that is spelled most like another, "" if none is near."""
    spelled = {other.lower().replace("_", "").replace("-", ""): other for other in others}
    plain = name.lower().replace("_", "").replace("-", "")
    near = difflib.get_close_matches(plain, spelled, n=1, cutoff=0.75)
    return spelled[near[0]] if near else ""
