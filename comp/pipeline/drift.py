"""Compare train and test before a run trains, in a second or two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from statistics import median

from comp.contract.sample import Sample
from comp.data.drift.appearance import Appearance, header_statistics
from comp.data.drift.columns import column_drift
from comp.data.drift.drift import LEAST, Drift, Sides
from comp.data.drift.images import image_drift, own_images
from comp.data.drift.words import drift_advice, drift_sentence
from comp.data.images.prepare import without_skipped
from comp.errors import CompError, DataError
from comp.files import read_json, write_json
from comp.pipeline.appearances import appearances
from comp.pipeline.run_inputs import RunInputs
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter

FORMAT = 1
"""Part of the key of a stored result; increase it when the result changes."""
MOST = 300
"""Images of train and of test that a run compares; `comp check` compares more."""
MOST_ROWS = 1000
"""Rows of train and of test that a run compares."""
PIXELS = 50_000_000
"""Pixels that a run decodes to compare images that it has not decoded before."""
PROBED = 16
"""Images whose headers show how large images are."""


def find_drift(inputs: RunInputs) -> Drift:
    """Compare the images of train and test as the network gets them, or their columns if they have
    no images. A result of the same images is stored in their cache.

    It draws no number from a global generator, so that training does not depend on it.

    Raises:
        CompError: they cannot be compared; the message says why.
    """
    if inputs.source.synthetic:
        raise DataError("synthetic data: train and test say nothing about the competition")
    train, test = (without_skipped(s, inputs.images.skipped) for s in (inputs.train, inputs.test))
    seed = inputs.config.seed
    if not any(sample.image for sample in train):
        if not inputs.competition.columns:
            raise DataError("samples have neither images nor columns: nothing to compare")
        return column_drift(Sides.of(train, test, MOST_ROWS, seed), inputs.config.columns)
    train, test = own_images(train), own_images(test)
    most = MOST if inputs.images.cache else _affordable([*train, *test])
    sides = Sides.of(train, test, most, seed)
    stored = inputs.images.cache and inputs.images.cache / f"drift-{_key(sides)}.json"
    if stored:
        with suppress(OSError, ValueError, KeyError, TypeError):
            return Drift.from_record(read_json(stored))
    drift = image_drift(sides, _looks(inputs, sides))
    if stored:
        with suppress(CompError, OSError):  # the cache may be read-only, or removed by another run
            write_json(stored, drift.record())
    return drift


def note_drift(inputs: RunInputs, folder: RunFolder, reporter: Reporter) -> None:
    """Say whether train and test differ, and write it to run.json; if they cannot be compared, only
    run.json says why."""
    try:
        drift = find_drift(inputs)
    except CompError as error:
        folder.update_record(drift={"found": None, "reason": str(error)})
        return
    folder.update_record(drift=drift.record())
    sentence = drift_sentence(drift)
    if drift.found:
        name = inputs.config.competition
        sentence = f"{sentence}; {drift_advice(drift, inputs.config)}; 'comp check {name}' has more"
    reporter.note(sentence)


def _affordable(samples: Sequence[Sample]) -> int:
    """How many images of each side can be decoded.

    Raises:
        DataError: too few, because they are large.
    """
    chosen = samples[:: max(1, len(samples) // PROBED)]
    headers = [header_statistics(sample.image_file) for sample in chosen]
    sizes = [float(h["width"]) * float(h["height"]) for h in headers if "width" in h]
    pixels = median(sizes) if sizes else 0.0
    most = min(MOST, int(PIXELS / max(1.0, 2 * pixels)))
    if most < LEAST:
        raise DataError(
            f"images of {pixels:,.0f} pixels are too large to decode them for a comparison of "
            "train and test: use 'comp check'"
        )
    return most


def _key(sides: Sides) -> str:
    """Everything besides the images that decides the result, as a part of a SHA-256 in hex."""
    ids = [[s.id, str(s.image)] for s in sides.samples]
    facts = [FORMAT, sides.seed, len(sides.train), ids, sides.groups.tolist()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _looks(inputs: RunInputs, sides: Sides) -> list[Appearance]:
    return appearances(inputs.competition, inputs.config, inputs.images, sides.samples)
