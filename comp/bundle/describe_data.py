"""Where a bundle finds the data, and which images it predicts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.bundle.parts.locate import folders_in, header_of_sample
from comp.bundle.parts.samples import list_images, row_ids
from comp.bundle.refusal import refuse
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.errors import DataError
from comp.tasks.image_ids import names_of
from comp.tasks.table import Table

MOST_FOLDERS = 100
"""Folders of test images that are listed by name."""
MOST_INSIDE = 40
"""Folders of the data by which it is told from other data."""


def describe_data(competition: Competition, root: Path, test: Sequence[Sample]) -> dict[str, Any]:
    """The section `data`, as `find_data` and `list_images` read it.

    It is tried on the public test: the images must be those of the plugin.

    Args:
        root: the data.
        test: the test samples.

    Raises:
        RunError: how the plugin finds the image of an id is not known.
    """
    fixed = describe_place(competition, root)
    for alike in (False, True):
        for tried in _candidates(competition, root, test):
            data = fixed | tried | {"alike": alike}
            if _lists(root, data, test):
                return data | {"alike": alike or _is_of_comp(competition)}
    return refuse(
        f"the paths of the test images of {competition.name} do not follow from their ids and from "
        "the names of folders"
    )


def _is_of_comp(competition: Competition) -> bool:
    """Whether comp lists the samples. It also finds names that differ a little, which the hidden
    test may have although the public test has none."""
    return type(getattr(competition.samples, "__self__", None)).__module__.startswith("comp.")


def _folders_inside(root: Path) -> list[str]:
    """The folders of the data, and those in them, by which it differs from other data."""
    top = folders_in(root)[:MOST_INSIDE]
    inside = [folder for parent in top for folder in folders_in(parent)[:MOST_INSIDE]]
    names = [folder.relative_to(root).as_posix() for folder in [*top, *inside]]
    return names[:MOST_INSIDE]


def describe_place(competition: Competition, root: Path) -> dict[str, Any]:
    """The part of the section `data` by which `find_data` knows the data."""
    sample = competition.sample_submission
    return {
        "sample_submission": sample,
        "layout": list(competition.layout),
        "slug": competition.kaggle.rpartition("/")[2],
        "header": list(header_of_sample(root / sample)) if sample else [],
        "id_column": _id_column(competition),
        "inside": _folders_inside(root),
    }


def table_of(competition: Competition) -> Table | None:
    """The table of a competition whose rows are those of a table of images."""
    table = getattr(competition.rows, "__self__", None)
    return table if type(table) is Table else None


def _id_column(competition: Competition) -> str | None:
    """The column of the ids of the submission; None: the first one of the sample submission."""
    table = table_of(competition)
    if table is None:
        return None
    if table.submission_id:
        return table.submission_id
    return None if competition.sample_submission else table.id_column


def _lists(root: Path, data: Mapping[str, Any], test: Sequence[Sample]) -> bool:
    """Whether a section lists the images of the public test."""
    try:
        found = list_images(root, data, log=_silent)
    except DataError:
        return False
    listed = [(image.id, _full(image.path)) for image in found]
    return sorted(listed) == sorted((sample.id, _full(sample.image_file)) for sample in test)


def _silent(_line: str) -> None:
    """A log that nobody reads."""


def _full(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - links are not followed


def _candidates(
    competition: Competition, root: Path, test: Sequence[Sample]
) -> Iterator[dict[str, Any]]:
    """What the section may say of ids and folders, the plainest first."""
    ids = _id_forms(competition, root, test)
    table = table_of(competition)
    folders = [list(names_of(table.test_images))] if table else []
    plain = {"before": "", "after": "", "anywhere": False}
    for form in ids:
        for names in folders:
            yield {"ids": form, "folders": names, **plain}
        for found in _found(root, test):
            yield {"ids": form, **plain, **found}


def _id_forms(competition: Competition, root: Path, test: Sequence[Sample]) -> list[str]:
    """How the id of an image may follow from a cell, or from a path."""
    sample = competition.sample_submission
    if sample is None:
        return ["path", "stem"]
    cells = list(row_ids(root / sample, _id_column(competition)))
    names = "|".join(map(re.escape, sorted(competition.task.labels, key=len, reverse=True)))
    forms = ["(.*)", r"(.*)_\d+_\d+", rf"(.*?)[_-](?:{names})" if names else "", r"(.*)_\d+"]
    wanted = {sample.id for sample in test}
    return [form for form in forms if form and _ids_by(form, cells) == wanted]


def _ids_by(form: str, cells: Sequence[str]) -> set[str] | None:
    pattern = re.compile(form, re.DOTALL)
    matches = [pattern.fullmatch(cell) for cell in cells]
    return {match[1] for match in matches if match} if all(matches) else None


def _found(root: Path, test: Sequence[Sample]) -> Iterator[dict[str, Any]]:
    """Folders, and what is around the ids in the names of images, from the public test."""
    paths = [Path(os.path.relpath(sample.image_file, root)).as_posix() for sample in test]
    if not paths:
        refuse("the public test has no images, so how to find them is not known")
    if any(path.startswith("../") for path in paths):
        refuse("test images are outside the data")
    around = {_around(path, sample.id) for path, sample in zip(paths, test, strict=True)}
    if None not in around and len(around) <= MOST_FOLDERS:
        parts = [each for each in around if each]
        affixes = {(before, after) for _, before, after in parts}
        if len(affixes) == 1:
            before, after = affixes.pop()
            folders = sorted({folder or "." for folder, _, _ in parts})
            common = os.path.commonpath(folders)
            if len(folders) > 1 and common:  # the hidden test may have others
                yield {"folders": [common], "before": before, "after": after, "anywhere": True}
            yield {"folders": folders, "before": before, "after": after}
    shared = os.path.commonpath([os.path.dirname(path) or "." for path in paths])  # noqa: PTH120
    yield {"folders": [shared or "."]}
    yield {"folders": [shared or "."], "anywhere": True}
    top = sorted({path.split("/")[0] for path in paths if "/" in path})
    if 0 < len(top) <= MOST_FOLDERS:
        yield {"folders": top}


def _around(path: str, name: str) -> tuple[str, str, str] | None:
    """The folder, and what is before and after an id in the name of its image, without the
    suffix; None if the id is not in the path."""
    start = path.rfind(name)
    if start < 0 or not name:
        return None
    folder, _, before = path[:start].rpartition("/")
    rest = path[start + len(name) :]
    after = rest.rpartition(".")[0] if "." in rest else rest
    return folder, before, after
