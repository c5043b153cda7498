"""The files of `comp suspects`: suspects.csv, and a sheet with the images of the first suspects."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from comp.contract.sample import Sample
from comp.data.dropped import MARK, mark_of
from comp.data.images.decode import write_image
from comp.data.units import unit_of
from comp.files import replacing
from comp.inference.oof import read_target
from comp.page.thumbnails import unit_picture
from comp.pipeline.run_oof import RunOof
from comp.report.suspects import SuspectTile, draw_sheet
from comp.runs.suspects import Suspect, SuspectList

COLUMNS = (
    *("rank", "id", "label", "given", "suggested", "p_given", "p_suggested", "score"),
    *("estimated_wrong", "fold", "group", MARK),
)
"""The columns of suspects.csv; `drop = FILE` needs `id`, and sees by `mark` whether an id still
means the same sample."""
ON_SHEET = 48
"""Suspects on the sheet."""


def write_suspects(found: SuspectList, run: RunOof, path: Path) -> Path | None:
    """Write the suspects to a CSV file, and a sheet of the first images next to it.

    Returns:
        The sheet, a PNG file; None if the samples have no images, or there is no suspect.

    Raises:
        DiskError: a file cannot be written.
        DataError: an image cannot be read.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(suspect, run) for suspect in found.suspects)
    sheet = path.with_suffix(".png")
    tiles = _tiles(found.suspects[:ON_SHEET], run)
    if not tiles:
        sheet.unlink(missing_ok=True)  # of an earlier call
        return None
    write_image(sheet, draw_sheet(tiles))
    return sheet


def _row(suspect: Suspect, run: RunOof) -> dict[str, object]:
    wrong = {True: "yes", False: "no", None: ""}[suspect.estimated_wrong]
    return asdict(suspect) | {"estimated_wrong": wrong, MARK: mark_of(run.samples[suspect.id])}


def _tiles(suspects: Sequence[Suspect], run: RunOof) -> list[SuspectTile]:
    """The suspects that have an image; of a unit of several samples, the image of the first."""
    first: dict[str, Sample] = {}
    for sample in run.data.train:
        if sample.image is not None:
            first.setdefault(unit_of(sample), sample)
    if not any(suspect.id in first for suspect in suspects):
        return []
    return [
        SuspectTile(suspect=suspect, panels=_panels(first[suspect.id], suspect.id, run))
        for suspect in suspects
        if suspect.id in first
    ]


def _panels(sample: Sample, name: str, run: RunOof) -> list[np.ndarray]:
    image = run.images(sample)["image"]
    task = run.competition.task
    if task.output == "numbers":
        return [image]
    target = read_target(task, sample, run.images)
    return [image, unit_picture(target), unit_picture(run.predictions[name])]
