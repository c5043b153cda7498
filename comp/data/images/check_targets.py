"""Checks that the values of all target images fit the task, before any training."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from comp.contract.sample import Reader, Sample
from comp.contract.task import Task
from comp.data.cores import cores
from comp.data.images.decode_many import OnImage
from comp.data.images.orientation import turning_problem
from comp.errors import DataError
from comp.signals import stop_if_requested


def check_target_images(
    task: Task, samples: Sequence[Sample], reader: Reader, on_image: OnImage | None = None
) -> None:
    """Read the target image of each training sample, and check its values, its size, and
    that it is turned like its image.

    Does nothing if the task accepts every target image.

    Args:
        on_image: called with the number of images that are checked, and their total.

    Raises:
        DataError: a target does not fit; the message has the number of such samples and the first.
    """
    if task.check_image is None:
        return
    problems: list[tuple[str, str]] = []
    with ThreadPoolExecutor(cores()) as pool:
        found = pool.map(lambda sample: _problem(task, reader, sample), samples)
        for done, (sample, problem) in enumerate(zip(samples, found, strict=True), 1):
            stop_if_requested()
            if problem:
                problems.append((sample.id, problem))
            if on_image:
                on_image(done, len(samples))
    if problems:
        first, problem = problems[0]
        count = len(problems)
        more = f" ({count:,} of {len(samples):,} targets do not fit)" if count > 1 else ""
        raise DataError(f"the target image of {first} {problem}{more}")


def _problem(task: Task, reader: Reader, sample: Sample) -> str:
    assert task.check_image
    item = reader(sample)
    if "target" not in item:
        return "is missing: add it, or remove the sample"
    image, target = item["image"], item["target"]
    if image.shape[:2] != target.shape[:2]:
        target_size, size = (f"{a.shape[1]} x {a.shape[0]}" for a in (target, image))
        return f"has the size {target_size}, its image {size}: both must have the same size"
    problem = task.check_image(target)
    if problem or not isinstance(sample.target, Path):
        return problem
    return turning_problem(sample.image_file, sample.target, image.shape[:2])
