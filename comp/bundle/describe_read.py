"""How a bundle reads an image: what the reader and the pipeline of a competition make of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comp.bundle.describe_dense import whole_channels
from comp.bundle.parts.read import why_not
from comp.bundle.refusal import refuse
from comp.config.image_size import height_and_width
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.images.formats import HEAD_BYTES, format_of, read_bytes
from comp.data.images.prepare import spec_of
from comp.data.images.prepared import PreparedImages
from comp.data.pipelines import pipeline_of
from comp.errors import DataError
from comp.runs.folder import RunFolder


def describe_read(
    competition: Competition, config: RunConfig, run: RunFolder, test: Sequence[Sample]
) -> dict[str, Any]:
    """The section `read`, as `comp.bundle.parts.read.make_reader` reads it.

    Args:
        test: the test samples; their formats must be such that Pillow reads them.

    Raises:
        RunError: only comp can read these images.
    """
    portable = competition.portable
    known = PreparedImages.read_pointer(run.reader_folder).value_range
    value_range = known.record() if known and known.bounds else None
    if config.image.equalize != "none":
        refuse(f"image.equalize = {config.image.equalize} is done by OpenCV")
    formats = _formats([sample.image_file for sample in test])
    if portable and portable.reader:
        settings = dict(portable.settings(config))
        return {
            "kind": "own",
            "settings": settings,
            "formats": formats,
            "value_range": value_range,
        }
    crop = _middle_crop(competition, config)
    if not competition.reader and competition.image_spec:
        spec = spec_of(competition.image_spec, config)
        if spec.equalize != "none":
            refuse(f"the plugin equalises its images ({spec.equalize}) with OpenCV")
        if crop and spec.policy != "partial":
            refuse("the pipeline of the plugin crops the images")
        return {
            "kind": "compressed" if spec.stored == "jpeg" else "resized",
            "size": list(height_and_width(spec.size)),
            "policy": spec.policy,
            "channels": spec.channels,
            "interpolation": spec.interpolation,
            "crop_pct": spec.crop_pct,
            "formats": formats,
            "value_range": value_range,
        }
    channels = whole_channels(competition)
    if crop or channels is None:
        refuse(
            f"{competition.name} has a reader of its own, and no portable=Portable(reader=...) for "
            "bundles in its plugin"
        )
    return {
        "kind": "whole",
        "channels": channels,
        "formats": formats,
        "value_range": value_range,
    }


def _middle_crop(competition: Competition, config: RunConfig) -> bool:
    """Whether the pipeline of prediction cuts out the middle, as `image.resize` = partial says.

    Raises:
        RunError: it does something else.
    """
    changes = pipeline_of(competition, config, False).changes
    for change in changes:
        if change.kind != "middle" or config.image.resize != "partial":
            refuse(f"the pipeline of the plugin changes the images of a prediction ({change.name})")
    return bool(changes)


def _formats(paths: Sequence[Path]) -> list[str]:
    """The formats of the files, sorted, after a check that Pillow reads them as comp does.

    Raises:
        RunError: it does not read one of them so.
    """
    found: set[str] = set()
    for path in dict.fromkeys(paths):
        try:
            data = read_bytes(path)
        except DataError:  # a broken image, which gets the mean prediction
            continue
        kind = format_of(path, data[:HEAD_BYTES])
        found |= {kind} if kind else set()
        problem = why_not(kind, data)
        if problem:
            refuse(f"{path.name} is {problem}, which Pillow does not read as comp does")
    return sorted(found)
