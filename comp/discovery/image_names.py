"""The folders whose images the ids of a table name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from comp.discovery.inventory import Inventory
from comp.tasks.alike_names import AlikeNames
from comp.tasks.image_ids import ImageIndex, ImageSearch, folders_of, is_number
from comp.tasks.missing_images import missing_message

MASK_WORDS = ("mask", "annotation", "segmentation", "groundtruth", "ground_truth")
"""Parts of the names of folders that have masks."""
MOST_FOLDERS, FEW_FOLDERS = 8, 3
"""Folders of the images of one table; more than a few are named with wildcards."""
USUAL = frozenset({".jpg", ".jpeg", ".png"})
"""Formats that are preferred if the same images exist in several."""


@dataclass(frozen=True)
class Match:
    """The images of some ids, which are below `folders`."""

    folders: tuple[str, ...]
    ids: int
    """How many different ids there are."""
    images: int
    """How many images the folders have."""
    missing: tuple[str, ...] = ()
    """The ids without an image."""
    cause: str = ""
    """Why the first of them has none, "" if nothing shows it."""
    names: frozenset[str] = frozenset()
    """The ids."""

    @property
    def folder(self) -> str | tuple[str, ...]:
        """The value of the argument `images`."""
        return self.folders[0] if len(self.folders) == 1 else self.folders

    @property
    def matched(self) -> int:
        """How many ids have an image."""
        return self.ids - len(self.missing)

    @property
    def gap(self) -> str:
        """Which ids have no image, in a sentence."""
        why = f" ({self.cause})" if self.cause else ""
        return (
            f"{len(self.missing):,} of {self.ids:,} have no image, such as '{self.missing[0]}'{why}"
        )

    @property
    def where(self) -> str:
        """The folders in a sentence."""
        names = ["the main folder" if name == "." else f"{name}/" for name in self.folders]
        return " and ".join(names[:3]) + ", ..." * (len(names) > 3)


class ImageNames:
    """The images of an inventory by their names."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory

    @cached_property
    def _folders(self) -> dict[str, list[str]]:
        """Key of the name of an image, without and with suffix -> the folders that have it."""
        found: dict[str, list[str]] = defaultdict(list)
        for folder, names in self.inventory.images.items():
            for name in names:
                for key in {_key(PurePosixPath(name).stem), _key(name)}:
                    found[key].append(folder)
        return found

    def share(self, ids: Iterable[str]) -> float:
        """The share of the ids that are the name of an image in any folder."""
        distinct = _distinct(ids)
        hits = sum(_key(PurePosixPath(i).name) in self._folders for i in distinct)
        return hits / len(distinct) if distinct else 0.0

    def match(self, ids: Iterable[str], table: str, prefer: Sequence[str] = ()) -> Match | None:
        """The folder, or the folders, with the images of these ids; None if there are no such
        images.

        Args:
            table: the table with the ids, relative to the root.
            prefer: words that the folder should contain if several have equally many, such as
                "test".
        """
        distinct = _distinct(ids)
        bases = {i: self._bases(i) for i in distinct}
        folders: list[str] = []
        left = distinct
        while left and len(folders) < MOST_FOLDERS:
            hits = Counter(base for i in left for base in bases[i])
            if not hits:
                break
            best = max(hits, key=lambda base: self._rank(base, hits[base], len(left), prefer))
            folders.append(best)
            left = [i for i in left if best not in bases[i]]
        if not folders:
            return None
        if len(folders) > FEW_FOLDERS:
            folders = [self._wildcard(bases, prefer)]
        missing, cause = self._check(distinct, sorted(folders), table)
        images = sum(map(self._size, folders))
        found = tuple(sorted(folders))
        return Match(found, len(distinct), images, missing, cause, frozenset(distinct))

    def _check(
        self, ids: Sequence[str], folders: Sequence[str], table: str
    ) -> tuple[tuple[str, ...], str]:
        """The ids without an image, as a run looks for them, and why the first has none."""
        root = self.inventory.root
        index = ImageIndex(folders_of(root, folders, "images"))
        absent = [i for i in ids if i not in index.exact]
        alike = AlikeNames(index).find(absent, all(map(is_number, ids))) if absent else {}
        missing = [i for i in absent if i not in alike]
        if not missing:
            return (), ""
        search = ImageSearch(root, index.folders, root / table)
        found = re.search(r"missing\): (.*?);", missing_message(search, index, missing, ids))
        cause = found[1] if found and not found[1].startswith("the column") else ""
        return tuple(missing), cause

    def _bases(self, name: str) -> set[str]:
        """The folders below which an id is the path of an image."""
        path = PurePosixPath(name.replace("\\", "/"))
        parents = path.parent.as_posix()
        found = set()
        for folder in self._folders.get(_key(path.name), ()):
            if parents == "." or folder.endswith(f"/{parents}"):
                found.add(folder.removesuffix(f"/{parents}") if parents != "." else folder)
            elif folder == parents:
                found.add(".")
        return found

    def _wildcard(self, bases: Mapping[str, set[str]], prefer: Sequence[str]) -> str:
        """The folders of the images as a name with wildcards, such as train/*."""
        hits: Counter[str] = Counter()
        for found in bases.values():
            names = set()
            for base in found:
                parts = base.split("/")
                names |= {"/".join([*parts[:-k], *"*" * k]) for k in range(1, len(parts) + 1)}
            hits.update(names)
        return max(
            hits,
            key=lambda name: (
                hits[name],
                sum(word in name.lower() for word in prefer),
                -name.count("*"),
                name,
            ),
        )

    def _size(self, base: str) -> int:
        if "*" in base:
            return self.inventory.image_count
        direct = self.inventory.images.get(base)
        return len(direct) if direct else sum(map(len, self.inventory.below(base).values()))

    def _rank(
        self, base: str, hits: int, ids: int, prefer: Sequence[str]
    ) -> tuple[int, int, float, bool, int, str]:
        """More hits first; then no folders of masks, and preferred names; then folders of few other
        images, of usual formats, and high ones."""
        named = sum(word in base.lower() for word in prefer)
        named -= 10 * any(word in base.lower() for word in MASK_WORDS)
        images = self._size(base)
        overlap = hits / max(1, ids + images - hits)
        first = next((names[0] for names in self.inventory.below(base).values()), "")
        usual = PurePosixPath(first).suffix.lower() in USUAL
        return hits, named, overlap, usual, -base.count("/"), base


def _distinct(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(i.strip() for i in ids if i and i.strip()))


def _key(name: str) -> str:
    """The same text for names that differ in capitals, Unicode or the zeros of a number."""
    text = unicodedata.normalize("NFC", name).casefold()
    return text.lstrip("0") or "0" if text.isdigit() else text
