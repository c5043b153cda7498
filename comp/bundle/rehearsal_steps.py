"""The steps of a rehearsal: each runs the program of the bundle on another folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comp.bundle.child import Ended, run_program
from comp.bundle.hidden_test import NotPossibleError, plan_hidden_test
from comp.bundle.mount import Layout, link_folder, link_some, make_mount, truncate
from comp.bundle.rehearsal import Step
from comp.bundle.same import (
    ProgramPredictions,
    compare_predictions,
    compare_rows,
    compare_submissions,
)
from comp.bundle.scene import Scene, predict_there, spec_of, write_hidden_submissions
from comp.contract.sample import Sample
from comp.errors import CompError
from comp.inference.predictions import Predictions, fill_missing
from comp.pipeline.predict_files import SUBMISSION, TEST
from comp.submission.rows import submission_rows
from comp.submission.spec import SubmissionSpec
from comp.submission.validate import validate_submission
from comp.submission.write import write_like_template

PUBLIC, HIDDEN = "public test", "hidden test"
BROKEN, EMPTY = "broken image", "empty folder"
_PREDICTIONS = "predictions.npz"
_SMALLEST = 64
"""Bytes of an image that can be truncated."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder like Kaggle's input, and what the program wrote for it."""

    mount: Path
    data: Path
    bundle: Path
    output: Path

    @property
    def submission(self) -> Path:
        """The submission of the program."""
        return self.output / SUBMISSION

    def predictions(self) -> ProgramPredictions:
        """The predictions of the program.

        Raises:
            CompError: it has written none.
        """
        return ProgramPredictions(self.output.parent / _PREDICTIONS)


def make_place(scene: Scene, folder: Path, layout: Layout) -> Place:
    """Make the folder of a step, with the bundle and other data in it, but not yet the data."""
    mount, output = folder / "input", folder / "working"
    output.mkdir(parents=True)
    data, bundle = make_mount(
        mount, scene.slug, scene.bundle, scene.competition.sample_submission, layout
    )
    return Place(mount=mount, data=data, bundle=bundle, output=output)


def run_place(scene: Scene, place: Place, limit_s: float) -> Ended:
    """Run the program in a place."""
    predictions = place.output.parent / _PREDICTIONS
    predictions.unlink(missing_ok=True)
    place.submission.unlink(missing_ok=True)
    arguments = ["--device", scene.device, "--predictions", str(predictions)]
    return run_program(
        place.bundle, place.mount, place.output, arguments, limit_s, scene.settings.python
    )


def _step(name: str, ended: Ended, problem: str, words: str, **more: object) -> Step:
    return Step(
        name=name,
        passed=not problem,
        words=problem or words,
        seconds=ended.seconds,
        peak_bytes=ended.peak_bytes,
        network=ended.network,
        network_reason=ended.network_reason,
        **more,  # type: ignore[arg-type]
    )


def public_step(scene: Scene, place: Place, limit_s: float) -> Step:
    """The public test: predictions and submission are those of comp."""
    link_folder(scene.root, place.data)
    ended = run_place(scene, place, limit_s)
    spec = spec_of(scene, place.data, scene.samples)
    problem, largest = ended.problem, None
    if not problem:
        expected, submission = scene.predictions, scene.submission
        problem, largest = _check(scene, place, spec, scene.samples, expected, submission)
    words = f"predictions and submission as comp predict (largest difference {largest or 0:.1g})"
    return _step(PUBLIC, ended, problem, words, images=len(scene.samples), largest=largest)


def _check(
    scene: Scene,
    place: Place,
    spec: SubmissionSpec,
    samples: Sequence[Sample],
    expected: Mapping[str, np.ndarray],
    submission: Path,
) -> tuple[str, float | None]:
    """What is wrong with predictions and submission, and the largest difference of a prediction."""
    try:
        found = place.predictions()
        validate_submission(place.submission, spec)
        difference = compare_predictions(found, expected, scene.tolerance)
        if difference.problem:
            return difference.problem, difference.largest
        decimals = scene.competition.decimals
        rows = compare_submissions(place.submission, submission, decimals, scene.tolerance)
        problem = rows.problem or _rows_problem(scene, place, spec, samples, expected)
    except CompError as error:
        return str(error), None
    except FileNotFoundError:
        return "it has written no submission.csv", None
    return problem, difference.largest


def _rows_problem(
    scene: Scene,
    place: Place,
    spec: SubmissionSpec,
    samples: Sequence[Sample],
    expected: Mapping[str, np.ndarray],
) -> str:
    """What is wrong with the rows: comp writes others for the predictions of the program. This
    sees a wrong threshold or label where the predictions may differ a little.

    Args:
        expected: the predictions of comp, whose shapes count.
    """
    found, path = place.predictions(), place.output.parent / "as-comp.csv"
    pairs = ((each, found[each.id].reshape(expected[each.id].shape)) for each in samples)
    rows = submission_rows(scene.competition, pairs, scene.params)
    write_like_template(path, rows, spec)
    return compare_rows(place.submission, path, scene.competition.decimals)


def hidden_step(scene: Scene, place: Place, limit_s: float) -> Step:
    """A hidden test: twice the images with other ids, in another order."""
    try:
        plan = plan_hidden_test(scene.competition, scene.root, scene.samples)
    except NotPossibleError as error:
        return Step(name=HIDDEN, passed=None, words=f"not possible: {error}")
    link_folder(scene.root, place.data, plan.left_out)
    link_some(scene.root, place.data, plan.links)
    for path, table in plan.tables.items():
        table.write_csv(place.data / path)
    scratch = place.output.parent
    submission = scratch / "expected.csv"
    samples: Sequence[Sample] = plan.samples
    if scene.competition.sample_submission is None:  # the order is that of the listing
        samples = scene.competition.samples(place.data, "test")
    write_hidden_submissions(scene, place.data, samples, plan.old_ids, submission)
    known = scene.predictions
    expected: Mapping[str, np.ndarray] = {new: known[old] for new, old in plan.old_ids.items()}
    if scene.whole_test:
        there = predict_there(scene, place.data, scratch)
        expected, submission = Predictions(there / TEST), there / SUBMISSION
    ended = run_place(scene, place, limit_s)
    problem, largest = ended.problem, None
    if not problem:
        spec = spec_of(scene, place.data, samples)
        problem, largest = _check(scene, place, spec, samples, expected, submission)
    words = f"{len(samples):,} images with other ids in another order, as comp predict"
    return _step(HIDDEN, ended, problem, words, images=len(samples), largest=largest)


def broken_step(scene: Scene, place: Place, limit_s: float) -> Step:
    """The public test, where one file is cut: the other predictions stay as they were.

    Args:
        place: that of the public test, whose step has passed.
    """
    broken = _to_break(scene, place)
    if broken is None:
        return Step(name=BROKEN, passed=None, words="not possible: no image is a file of its own")
    expected: Mapping[str, np.ndarray]
    scratch = place.output.parent
    before = dict(place.predictions())
    truncate(place.data / broken.image_file.relative_to(scene.root))
    if scene.whole_test:
        expected = Predictions(predict_there(scene, place.data, scratch) / TEST)
    else:
        expected = _with_mean(before, broken)
    ended = run_place(scene, place, limit_s)
    problem = ended.problem or _broken_problem(scene, place, broken, expected, ended.out)
    words = f"{broken.id} has the mean prediction and a line in the log, the others are as before"
    if scene.whole_test:
        words = f"{broken.id} has the mean prediction and a line in the log, all as comp predict"
    return _step(BROKEN, ended, problem, words, images=len(scene.samples))


def _with_mean(before: Mapping[str, np.ndarray], broken: Sample) -> dict[str, np.ndarray]:
    """The predictions that are expected after an image was cut."""
    kept = [(Sample(id=name), value) for name, value in before.items() if name != broken.id]
    size = before[broken.id].shape[:2] if before[broken.id].ndim == 3 else None
    needed = [*(sample for sample, _ in kept), Sample(id=broken.id, size=size)]
    return {sample.id: values for sample, values in fill_missing(lambda: kept, needed)}


def _to_break(scene: Scene, place: Place) -> Sample | None:
    """The first sample whose image is a file of its own."""
    counts: dict[Path, int] = {}
    for sample in scene.samples:
        if sample.image:
            counts[sample.image] = counts.get(sample.image, 0) + 1
    for sample in scene.samples:
        if sample.image and counts[sample.image] == 1 and len(counts) > 1:
            path = place.data / sample.image.relative_to(scene.root)
            if path.is_file() and path.stat().st_size > _SMALLEST:
                return sample
    return None


def _broken_problem(
    scene: Scene, place: Place, broken: Sample, expected: Mapping[str, np.ndarray], log: str
) -> str:
    """What is wrong after an image was cut; "" if nothing is."""
    try:
        found = place.predictions()
        spec = spec_of(scene, place.data, scene.samples)
        validate_submission(place.submission, spec)
    except CompError as error:
        return str(error)
    except FileNotFoundError:
        return "it has written no submission.csv"
    difference = compare_predictions(found, expected, scene.tolerance)
    if difference.problem and difference.id == broken.id:
        return f"{broken.id}, which is broken, has not the mean prediction"
    if difference.problem:
        return f"after {broken.id} was cut, {difference.problem}"
    lines = [line for line in log.splitlines() if line.startswith("broken")]
    if not any(broken.id in line or broken.image_file.name in line for line in lines):
        return f"no line of the log says that {broken.id} is broken"
    return _rows_problem(scene, place, spec, scene.samples, expected)


def empty_step(scene: Scene, folder: Path, bundle: Path, limit_s: float) -> Step:
    """An empty folder: the program says so in one line and ends with exit code 2."""
    mount, output = folder / "input", folder / "working"
    for path in (mount, output):
        path.mkdir(parents=True)
    arguments = ["--device", scene.device]
    ended = run_program(bundle, mount, output, arguments, limit_s, scene.settings.python)
    said = (ended.err.strip() or ended.out.strip()).replace(str(mount), "/kaggle/input")
    line = said.splitlines()[-1] if said else ""
    problem = ""
    if ended.code == 0:
        problem = "it ended well, although there is no data"
    elif "Traceback" in ended.err + ended.out:
        problem = f"it ended with a traceback: {line}"
    elif ended.code != 2:
        problem = ended.problem
    elif not line:
        problem = "it ended without a word"
    elif len(ended.err.strip().splitlines()) > 1:
        problem = f"it said more than one line: {line}"
    return _step(EMPTY, ended, problem, f"one line and exit code 2: {line[:200]}")
