"""External data: training samples of other folders, which train in every fold without a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.columns.cells import meaning
from comp.data.listed import list_samples
from comp.data.location import open_data
from comp.errors import DataError, RunError
from comp.files import read_json, sha256, write_json
from comp.workspace import Workspace

POINTER = "external.json"


def open_external(
    competition: Competition, config: RunConfig, workspace: Workspace
) -> Sequence[Path]:
    """The folders of `external`; zips are unpacked into the cache of the workspace.

    Raises:
        DataError: one does not exist, or does not have the competition's layout.
    """
    folders = []
    for path in config.external:
        try:
            folders.append(open_data(competition, path, workspace).resolve())
        except DataError as error:
            raise DataError(f"external = {path}: {error}") from None
    return folders


def read_train(
    competition: Competition, root: Path, external: Sequence[Path] = ()
) -> Sequence[Sample]:
    """The training samples of a data folder, then those of `external` folders.

    The ids of the latter start with `external-1/`, with the number of the folder. They keep their
    groups and units: a fold that holds out a group does not train on its external samples. But
    units of one name in two folders are two predictions (`comp.data.units.unit_of`).

    Raises:
        DataError: samples of a folder cannot be read.
    """
    samples = list_samples(competition, root, "train")
    if not external:
        return samples
    return [*samples, *read_external(competition, external)]


def read_external(competition: Competition, external: Sequence[Path]) -> list[Sample]:
    """The training samples of `external` folders."""
    samples: list[Sample] = []
    for number, folder in enumerate(external, 1):
        try:
            added = list_samples(competition, folder, "train")
        except DataError as error:
            raise DataError(f"external = {folder}: {error}") from None
        samples += [
            replace(sample, id=f"external-{number}/{sample.id}", fold=None, train_only=True)
            for sample in added
        ]
    return samples


def copies_of_scored(samples: Sequence[Sample]) -> list[str]:
    """Ids of the samples that only train and whose image file has the same bytes as that of a
    sample that is held out in some fold, or whose row has the same cells: they would give its
    target away."""
    scored = [sample for sample in samples if not sample.train_only]
    others = [sample for sample in samples if sample.train_only]
    if not others:
        return []
    shared = {sample.image for sample in scored if sample.image}
    sizes = {path.stat().st_size for path in shared if path.is_file()}
    images = {s.id: s.image for s in others if s.image and s.image.is_file()}
    suspects = {i: path for i, path in images.items() if path.stat().st_size in sizes}
    wanted = {path.stat().st_size for path in suspects.values()}
    known = {sha256(path) for path in shared if path.is_file() and path.stat().st_size in wanted}
    copies = {i for i, path in suspects.items() if path not in shared and sha256(path) in known}
    rows = {_cells(sample) for sample in scored if sample.image is None}
    copies |= {s.id for s in others if s.image is None and _cells(s) in rows}
    return [sample.id for sample in others if sample.id in copies]


def _cells(sample: Sample) -> tuple[tuple[str, str], ...]:
    """The row of a sample; cells that mean the same are equal."""
    return tuple((name, meaning(cell)) for name, cell in sample.features.items())


def write_pointer(folder: Path, external: Sequence[Path]) -> None:
    """Write the external folders to a file in `folder`, if there are any."""
    if external:
        write_json(folder / POINTER, [str(path.absolute()) for path in external])


def read_pointer(folder: Path) -> Sequence[Path]:
    """Read the file of `write_pointer`; without it, there are no external folders.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / POINTER
    if not path.is_file():
        return []
    try:
        return [Path(text) for text in read_json(path)]
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path} is damaged ({error}): remove it, or run again") from None
