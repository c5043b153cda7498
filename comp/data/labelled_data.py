"""Labelled samples in a folder or zip that has the layout of a competition, or a part of it.

The labelled test samples count if there are some, else the training samples. Folders with the names
of the classes are enough.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.labelled_test import labelled_test
from comp.data.listing import contains, is_pattern
from comp.data.location import SeveralRootsError, open_data, open_folder
from comp.errors import CompError, CompetitionError, DataError
from comp.workspace import Workspace

LEVELS = 3
"""Levels of folders in which a part of the layout is searched."""


@dataclass(frozen=True, kw_only=True)
class LabelledData:
    """Labelled samples of a split; `known` are those of the other split, which readers may need."""

    split: Split
    samples: Sequence[Sample]
    known: Sequence[Sample]


def open_labelled(competition: Competition, path: Path, workspace: Workspace) -> LabelledData:
    """The labelled samples of a folder or a zip.

    Raises:
        DataError: it does not exist, or has no labelled samples.
    """
    try:
        root = open_data(competition, path, workspace).resolve()
    except SeveralRootsError:
        raise
    except DataError:
        part = _labelled_part(competition, open_folder(path, workspace).resolve(), workspace)
        if part is None:
            raise
        return part
    return _labelled(competition, root)


def _labelled_part(
    competition: Competition, folder: Path, workspace: Workspace
) -> LabelledData | None:
    """The labelled samples of a part of the layout; None if there are none.

    Raises:
        DataError: several folders of a level have such a part.
        CompetitionError: the only labels are wrong, such as those of a folder that is no class.
    """
    folders, wrong = list(_tree(folder)), list[CompetitionError]()
    parts = [path for path in folders if any(contains(path, n) for n in competition.layout)]
    for candidate in parts:
        found = _labelled_or_none(competition, candidate, wrong)
        if found:
            _check_alone(candidate, parts, folder)
            return found
    names = sorted(competition.layout, key=lambda name: name != "test")
    links = [name for name in names if name != "." and Path(name).name == name]
    labels = competition.task.labels
    classes = [path for path in folders if any((path / label).is_dir() for label in labels)]
    for candidate in classes:
        for name in links:
            if is_pattern(name):
                continue
            with suppress(OSError):
                found = _labelled_or_none(competition, _view(candidate, name, workspace), wrong)
                if found:
                    _check_alone(candidate, classes, folder)
                    return found
    if wrong:
        raise wrong[0]
    return None


def _labelled_or_none(
    competition: Competition, root: Path, wrong: list[CompetitionError]
) -> LabelledData | None:
    try:
        return _labelled(competition, root)
    except CompetitionError as error:
        wrong.append(error)
    except (CompError, OSError):
        pass
    return None


def _check_alone(candidate: Path, parts: Sequence[Path], folder: Path) -> None:
    """Check that no other folder of the same level has a part of the layout.

    Raises:
        DataError: one has.
    """
    level = [path for path in parts if len(path.parts) == len(candidate.parts)]
    if len(level) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in level[:3])
        raise DataError(
            f"{len(level)} folders in {folder} look like labelled data ({names}), and one is "
            "scored: give one of them, or put their files into one"
        )


def _labelled(competition: Competition, root: Path) -> LabelledData:
    """The labelled samples of a folder.

    Raises:
        DataError: there are none.
    """
    split: Split = "test"
    samples: Sequence[Sample] = ()
    with suppress(DataError, OSError):
        samples = labelled_test(competition, root)
    if not samples:
        split, samples = "train", competition.samples(root, "train")
    if not samples:
        raise DataError(f"{root} has no labelled samples: give labelled data")
    known: Sequence[Sample] = ()
    with suppress(CompError, OSError):  # a part of the layout is enough
        known = competition.samples(root, "train" if split == "test" else "test")
    listed = [replace(sample, fold=None, train_only=False) for sample in samples]
    return LabelledData(split=split, samples=listed, known=known)


def _tree(folder: Path) -> Iterator[Path]:
    """A folder and the visible folders in it, the topmost first."""
    level = [folder]
    for _ in range(LEVELS + 1):
        yield from level
        level = [path for parent in level for path in _folders(parent)]


def _folders(parent: Path) -> list[Path]:
    try:
        paths = sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return []
    return [path for path in paths if not path.name.startswith((".", "__"))]


def _view(folder: Path, name: str, workspace: Workspace) -> Path:
    """A folder in the cache in which `name` is a link to a folder.

    Raises:
        OSError: the link cannot be made.
    """
    key = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    view = workspace.cache / f"view-{key}-{name}"
    link = view / name
    view.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(folder, target_is_directory=True)
    return view
