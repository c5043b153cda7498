"""Why ids of a table have no image: another folder, suffix or column, or a part that is missing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from comp.data.listing import SUFFIXES, image_files, printable_path
from comp.errors import DataError
from comp.tasks.alike_names import AlikeNames, split_suffix
from comp.tasks.image_ids import ImageIndex, ImageSearch

EXAMINED = 1000
"""Ids without an image whose cause is looked for."""
LONGEST = 60
"""Characters of an id in a message."""


@dataclass
class Cause:
    """A cause, the ids that it explains, and the remedy; `words` describe the first of the ids."""

    ids: list[str] = field(default_factory=list)
    words: str = ""
    advice: str = ""


@dataclass(frozen=True)
class _Case:
    search: ImageSearch
    index: ImageIndex
    missing: Sequence[str]
    """The first ids without an image."""
    some_found: bool
    """Whether other ids have one."""
    by_base: dict[str, list[int]]
    """Last part of a name, without suffix and in lower case -> the images of the folders."""

    def alike(self, name: str) -> str | None:
        """The image of the folders with the same last part as an id."""
        indices = self.by_base.get(_base(name), [])
        return self.index.names[indices[0]] if indices else None


def missing_message(
    search: ImageSearch, index: ImageIndex, missing: Sequence[str], ids: Sequence[str]
) -> str:
    """One line: which ids have no image, why, and what to do."""
    by_base: dict[str, list[int]] = {}
    for i, name in enumerate(index.names):
        by_base.setdefault(_base(name), []).append(i)
    case = _Case(search, index, missing[:EXAMINED], len(missing) < len(ids), by_base)
    causes = [cause for find in FINDERS if (cause := find(case)) and cause.ids]
    best = max(causes, key=lambda cause: len(cause.ids)) if causes else _rest(case, missing, ids)
    where = " and ".join(map(str, search.folders[:3]))
    verb = "has" if len(search.folders) == 1 else "have"
    return (
        f"{where} {verb} no image for '{_short(best.ids[0])}' of {search.table.name} "
        f"({len(missing):,} of {len(ids):,} are missing): {best.words}; {best.advice}"
    )


def _base(name: str) -> str:
    return split_suffix(name)[0].rpartition("/")[2].casefold()


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}..."


def _suffix(case: _Case) -> Cause:
    """The image has another suffix than the id."""
    cause = Cause()
    for name in case.missing:
        stem, family = split_suffix(name)
        image = case.alike(name)
        if family and image and split_suffix(image)[0] == stem:
            cause.ids.append(name)
            cause.words = cause.words or f"the id ends in {Path(name).suffix}, the image is {image}"
    cause.advice = f"correct the suffixes in {case.search.table.name}, or leave them out"
    return cause


def _letters(case: _Case) -> Cause:
    """Upper and lower case differ."""
    cause = Cause()
    names = {split_suffix(n)[0].casefold(): n for n in reversed(case.index.names)}
    for name in case.missing:
        image = names.get(split_suffix(name)[0].casefold())
        if image and split_suffix(image)[0] != split_suffix(name)[0]:
            cause.ids.append(name)
            cause.words = cause.words or f"the image is {image}, in other capitals"
    cause.advice = f"write the ids of {case.search.table.name} as the images are named"
    return cause


def _subfolder(case: _Case) -> Cause:
    """The image is in a subfolder that the id does not name, or the id names other folders."""
    cause, search = Cause(), case.search
    for name in case.missing:
        image = case.alike(name)
        if image is None or split_suffix(image)[0].rpartition("/")[2] != _stem_of(name):
            continue
        if image.rpartition("/")[0] == split_suffix(name)[0].rpartition("/")[0]:
            continue
        cause.ids.append(name)
        if not cause.words and "/" in split_suffix(name)[0]:
            cause.words = f"the id is a path, and the image is {image} in the folder"
            cause.advice = (
                f"write the ids as the paths below the folder, or correct {search.folder_argument} "
                "in the plugin"
            )
        elif not cause.words:
            deep = "/".join("*" for _ in image.split("/")[:-1])
            path = case.index.paths[case.by_base[_base(name)][0]]
            folder = next(f for f in search.folders if path.is_relative_to(f))
            below = _relative(folder, search.root)
            cause.words = f"the image is {image}, in a subfolder"
            cause.advice = f"set {search.folder_argument} = '{_joined(below, deep)}' in the plugin"
            if search.one_folder:
                cause.advice = f"correct {search.folder_argument} in the plugin, or move the images"
    return cause


def _stem_of(name: str) -> str:
    return split_suffix(name)[0].rpartition("/")[2]


def _elsewhere(case: _Case) -> Cause:
    """The image is in another folder of the data."""
    cause, search = Cause(), case.search
    if search.one_folder:
        return cause
    bases = {_base(name) for name in case.missing}
    try:
        others = [p for p in image_files(search.root, any_name=True) if _base(p.name) in bases]
    except OSError:
        return cause
    outside = {
        _base(p.name): p
        for p in others
        if not any(p.is_relative_to(folder) for folder in search.folders)
    }
    cause.ids = [name for name in case.missing if _base(name) in outside]
    if not cause.ids:
        return cause
    parents = Counter(_relative(outside[_base(i)].parent, search.root) for i in cause.ids)
    found = [*dict.fromkeys(parents)][:4]
    names = [_relative(folder, search.root) for folder in search.folders]
    folders = [*names, *found] if case.some_found else found
    value = repr(folders[0]) if len(folders) == 1 else f"({', '.join(map(repr, folders))})"
    path = outside[_base(cause.ids[0])]
    cause.words = f"it is {printable_path(path.relative_to(search.root))} in {search.root}"
    cause.advice = f"set {search.folder_argument} = {value} in the plugin"
    return cause


def _decimals(case: _Case) -> Cause:
    """Whole numbers are written with a decimal point, as programs do if a cell is blank."""
    cause = Cause()
    for name in case.missing:
        whole = name.strip().removesuffix(".0")
        if whole != name.strip() and whole in case.index.exact:
            cause.ids.append(name)
            cause.words = cause.words or f"the image is {case.index.find(whole)[0].name}"
    cause.advice = f"write the ids of {case.search.table.name} as whole numbers"
    return cause


def _format(case: _Case) -> Cause:
    """A file of the same name has a format that is not supported."""
    cause = Cause()
    files: dict[str, str] = {}
    for folder in case.search.folders:
        for parent, _, names in os.walk(folder):
            below = os.path.relpath(parent, folder).replace(os.sep, "/")
            prefix = "" if below == "." else f"{below}/"
            files |= {f"{prefix}{name}".rpartition(".")[0]: f"{prefix}{name}" for name in names}
    for name in case.missing:
        file = files.get(name) or files.get(name.rpartition(".")[0] or name)
        if file and Path(file).suffix.lower() not in SUFFIXES:
            cause.ids.append(name)
            cause.words = cause.words or f"the file is {file}, in a format that is not supported"
    cause.advice = "convert such files to PNG or JPEG"
    return cause


def _column(case: _Case) -> Cause:
    """Another column of the table names the images."""
    from comp.data.text_table import read_text_table

    cause, search = Cause(), case.search
    if case.some_found:
        return cause
    try:
        frame = read_text_table(search.table)
    except DataError:
        return cause
    names = AlikeNames(case.index)
    for name in frame.columns:
        cells = [cell for cell in frame[name].head(EXAMINED).to_list() if cell]
        alike = names.find(cells, all_numbers=False)
        known = [cell for cell in cells if cell in case.index.exact or cell in alike]
        if cells and len(known) > len(cells) // 2 and not set(known) & set(case.missing):
            cause.ids = list(case.missing)
            cause.words = f"the column '{name}' has the names of the images, such as '{known[0]}'"
            cause.advice = f"set {search.id_argument} = '{name}' in the plugin"
            return cause
    return cause


FINDERS: tuple[Callable[[_Case], Cause], ...] = (
    _suffix,
    _letters,
    _decimals,
    _subfolder,
    _elsewhere,
    _format,
    _column,
)
"""The first of those that explain the most ids is told."""


def _rest(case: _Case, missing: Sequence[str], ids: Sequence[str]) -> Cause:
    """No cause is found: a part of the images is missing, or all are."""
    search, names = case.search, case.index.names
    cause = Cause(list(case.missing[:1]))
    if not names:
        cause.words = f"{'there is no such folder' if _absent(search) else _content(search)}"
        cause.advice = f"correct {search.folder_argument} in the plugin, or fetch the data again"
    elif len(missing) < len(ids):
        cause.words = f"the other {len(ids) - len(missing):,} are there, such as {names[0]}"
        cause.advice = f"fetch the data again, or remove the rows from {search.table.name}"
    else:
        cause.words = f"the images have names such as {names[0]}"
        cause.advice = (
            f"correct {search.folder_argument} or {search.id_argument} in the plugin, or fetch the "
            "data again"
        )
    return cause


def _absent(search: ImageSearch) -> bool:
    return not any(folder.is_dir() for folder in search.folders)


def _content(search: ImageSearch) -> str:
    """What a folder without images has."""
    counts: Counter[str] = Counter()
    links: list[str] = []
    for folder in search.folders:
        for parent, folders, files in os.walk(folder):
            counts.update(Path(name).suffix.lower() or "no suffix" for name in files)
            links += [name for name in folders if Path(parent, name).is_symlink()]
    if links:
        return f"'{links[0]}' in it is a link to a folder, which is not read"
    kinds = ", ".join(f"{count:,} with {suffix}" for suffix, count in counts.most_common(3))
    return f"it has no image, only files {kinds}" if kinds else "it is empty"


def _relative(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)


def _joined(folder: str, more: str) -> str:
    return more if folder == "." else f"{folder}/{more}"
