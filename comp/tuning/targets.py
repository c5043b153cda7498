"""Whether all trials of a study are scored on the same targets.

The samples and their folds are those of the study. Targets that are numbers are in the samples, but
a plugin's reader makes target images, and the options of the plugin may change them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from comp.data.images.prepare import make_reader, without_skipped
from comp.inference.oof import read_target
from comp.pipeline.run_inputs import RunInputs, scratch_run
from comp.runs.folder import RunFolder
from comp.signals import stop_if_requested
from comp.tuning.space import Space

SECTIONS = ("options", "image")
"""Sections of the configuration that can change target images."""
OTHER_TARGETS = (
    "its values change the target images, so that its score cannot be compared with that of the "
    "default: leave out the keys of options or image that do it"
)


def targets_of(inputs: RunInputs, space: Space) -> str:
    """The `target_hash` of the default; "" if no key of the space can change the targets."""
    if not any(p.key.partition(".")[0] in SECTIONS for p in space.parameters):
        return ""
    with scratch_run(inputs) as folder:
        return target_hash(inputs, folder)


def target_hash(inputs: RunInputs, folder: RunFolder) -> str:
    """A SHA-256 over the target images that the folds of the inputs are scored on; "" if the
    targets are numbers.

    Args:
        folder: of the run, which has the pointers of the inputs.

    Raises:
        DataError: a target image cannot be read.
    """
    competition, wanted = inputs.competition, set(inputs.folds_to_train)
    scored = [
        sample
        for sample in inputs.train
        if inputs.folds[sample.id] in wanted
        and (sample.target is None or isinstance(sample.target, Path))
    ]
    if not scored:
        return ""
    samples = without_skipped([*inputs.train, *inputs.test], inputs.images.skipped)
    reader = make_reader(competition, samples, inputs.config, folder.reader_folder)
    total = hashlib.sha256()
    for sample in scored:
        stop_if_requested()
        target = read_target(competition.task, sample, reader)
        total.update(f"{sample.id}|{target.shape}|{target.dtype}\n".encode())
        total.update(np.ascontiguousarray(target).tobytes())
    return total.hexdigest()
