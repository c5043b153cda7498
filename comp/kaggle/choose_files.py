"""Which files of a competition or a data set are downloaded, and which a plugin needs first."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from comp.contract.competition import Competition
from comp.contract.file_names import some_of
from comp.errors import DataError
from comp.kaggle.client.file_list import FileEntry

SHOWN = 40
"""Lines of a list of files; more files are shown by folder."""


def chosen_files(
    entries: Sequence[FileEntry], files: Sequence[str], only: Sequence[str], what: str
) -> list[FileEntry]:
    """The entries with one of the names `files`, or that match one of the patterns `only`.

    A pattern is for the whole name, in which `*` stands for slashes too; the name of a folder
    stands for all files in it.

    Args:
        what: the reference, for messages.

    Raises:
        DataError: a name or a pattern fits no file.
    """
    names = {entry.name for entry in entries}
    for file in files:
        if file not in names:
            raise DataError(f"{what} has no file '{file}': {_nearest(file, names)}")
    for pattern in only:
        if not any(_matches(entry.name, pattern) for entry in entries):
            raise DataError(f"no file of {what} matches --only '{pattern}': {_nearest('', names)}")
    return [
        entry
        for entry in entries
        if entry.name in files or any(_matches(entry.name, pattern) for pattern in only)
    ]


def needed_files(competition: Competition, entries: Sequence[FileEntry]) -> list[FileEntry]:
    """The files without which a run of a competition does not start: those of its layout, and the
    sample submission; a zip stands for what it holds."""
    wanted = [*competition.layout]
    if competition.sample_submission:
        wanted.append(competition.sample_submission)
    return [entry for entry in entries if any(_holds(entry.name, name) for name in wanted)]


def in_lines(entries: Sequence[FileEntry], needed: Iterable[FileEntry] = ()) -> list[str]:
    """A line for each file, or for each folder if there are many; a star marks what is needed."""
    stars = {entry.name for entry in needed}
    rows = [(entry.name, entry.bytes, entry.name in stars) for entry in entries]
    if len(rows) > SHOWN:
        rows = _by_folder(entries, stars)
    lines = [f"{in_units(size):>10}  {'*' if star else ' '} {name}" for name, size, star in rows]
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], f"{'':>10}    and {more:,} more"] if more > 0 else lines


def total(entries: Sequence[FileEntry]) -> str:
    """The number and the size of files, in words."""
    count = f"{len(entries):,} file{'s' * (len(entries) != 1)}"
    return f"{count}, {in_units(sum(entry.bytes for entry in entries))}"


def options_for(entries: Sequence[FileEntry], all_entries: Sequence[FileEntry]) -> str:
    """The options that choose some of all files; folders whose files are all chosen are named as
    such."""
    names = {entry.name for entry in entries}
    folders = Counter(_top(entry.name) for entry in all_entries if "/" in entry.name)
    inside = Counter(_top(name) for name in names if "/" in name)
    whole = [folder for folder, count in inside.items() if folders[folder] == count > 1]
    options = [f"--only {_quoted(f'{folder}/')}" for folder in whole]
    return " ".join(
        options + [f"--file {_quoted(n)}" for n in sorted(names) if _top(n) not in whole]
    )


def _matches(name: str, pattern: str) -> bool:
    inside = name.startswith(f"{pattern.rstrip('/')}/")
    return name == pattern or inside or fnmatchcase(name, pattern)


def _holds(name: str, wanted: str) -> bool:
    """Whether a file is a wanted file, is below a wanted folder, or is a zip of either."""
    path, target = PurePosixPath(name), PurePosixPath(wanted)
    if path.suffix == ".zip":
        path = path.with_suffix("")
        if path.name in (target.name, target.stem):
            return True
    return f"/{target}/" in f"/{path}/"


def _by_folder(entries: Sequence[FileEntry], stars: set[str]) -> list[tuple[str, int, bool]]:
    """Files outside folders, and one row for each top folder."""
    rows = [(e.name, e.bytes, e.name in stars) for e in entries if "/" not in e.name]
    for folder in sorted({_top(entry.name) for entry in entries if "/" in entry.name}):
        inside = [e for e in entries if e.name.startswith(f"{folder}/")]
        starred = any(e.name in stars for e in inside)
        rows.append((f"{folder}/ ({len(inside):,} files)", sum(e.bytes for e in inside), starred))
    return rows


def _top(name: str) -> str:
    return name.partition("/")[0]


def _quoted(name: str) -> str:
    return (
        name if name.replace("/", "").replace(".", "").replace("_", "").isalnum() else f"'{name}'"
    )


def in_units(count: int) -> str:
    """A number of bytes in words."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} B"


def _nearest(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6) if name else []
    return f"did you mean '{near[0]}'?" if near else f"it has {some_of(known)}"
