"""Checks an exported file on real samples: does it predict what the run's own networks predict?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from comp.contract.sample import Sample
from comp.errors import CompError, RunError
from comp.export.networks import Entries
from comp.pipeline.run_oof import RunOof

LIMIT = 1e-4
"""The largest difference that counts as equal, times the largest prediction if that is above 1."""
COUNT = 6
"""Samples of the check: the first alone, then three at once, then the rest."""


class Reads(Protocol):
    """A model that reads samples."""

    def read(self, samples: Sequence[Sample]) -> Entries:
        """The inputs of samples."""
        ...


Run = Callable[[Entries], np.ndarray]
"""Inputs -> predictions, by the exported file."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far the exported file is from the networks of the run."""

    samples: int
    split: str
    """Of which split the samples are, test or train."""
    batches: Sequence[int]
    """The sizes of the batches."""
    sizes: Sequence[tuple[int, int]]
    """Heights and widths of the images."""
    largest: float
    """The largest difference of a prediction."""
    limit: float
    """The difference that is allowed: 1e-4, times the largest prediction if that is above 1."""

    @property
    def equal(self) -> bool:
        """Whether all differences are within the limit."""
        return self.largest <= self.limit


def check_samples(run: RunOof) -> tuple[str, list[Sample]]:
    """The samples of a check: the first test samples, or training samples without them."""
    split, listed = ("test", run.data.test) if run.data.test else ("train", run.data.train)
    return split, list(listed[:COUNT])


def check_batches(loaded: Reads, samples: Sequence[Sample], dense: bool) -> list[Entries]:
    """The inputs of the check: one sample, three at once, the rest; of a network that predicts
    images also a cut of another height and width.

    Images of different sizes are cut to the smallest, so that three can be one batch.
    """
    single = [loaded.read([sample]) for sample in samples]
    if "image" in single[0]:
        height, width = (min(e["image"].shape[axis] for e in single) for axis in (1, 2))
        cut = [_cut(entries, height, width) for entries in single]
    else:
        cut = single
    batches = [single[0], _joined([cut[i % len(cut)] for i in range(3)])]
    if len(cut) > 3:
        batches.append(_joined(cut[3:]))
    if dense:
        image = single[0]["image"]
        batches.append(_cut(single[0], _odd(image.shape[1]), _odd(image.shape[2] * 3 // 4)))
    return batches


def example_of(batch: Entries, dense: bool, multiple: int) -> Entries:
    """Inputs of two samples from which a graph is made. Images of a dense network have sides that
    need no padding and differ, so that no length is taken for another."""
    two = {name: np.concatenate([values[:1], values[-1:]]) for name, values in batch.items()}
    if not dense:
        return two
    side = max(32, multiple)
    image = two["image"]
    return two | {"image": np.resize(image, (2, 2 * side, 3 * side, image.shape[3]))}


def _cut(entries: Entries, height: int, width: int) -> Entries:
    image = np.ascontiguousarray(entries["image"][:, :height, :width])
    return entries | {"image": image}


def _odd(length: int) -> int:
    """A shorter odd length."""
    return max(1, (length * 4 // 5) | 1)


def _joined(several: Sequence[Entries]) -> Entries:
    return {name: np.concatenate([each[name] for each in several]) for name in several[0]}


def agreement(
    split: str, batches: Sequence[Entries], expected: Sequence[np.ndarray], predict: Run
) -> Agreement:
    """Compare the exported file with what the run's own networks predict.

    Raises:
        RunError: the file cannot be run, or returns another shape.
    """
    largest, scale = 0.0, 1.0
    for entries, wanted in zip(batches, expected, strict=True):
        found = run_file(predict, entries)
        if found.shape != wanted.shape:
            raise RunError(
                f"the exported file returns the shape {found.shape} and the network {wanted.shape} "
                f"for inputs of {_shapes(entries)}: this network cannot be exported this way, use "
                "--to safetensors"
            )
        difference = np.abs(found.astype(np.float64) - wanted)
        largest = max(largest, float(np.nan_to_num(difference, nan=np.inf).max(initial=0.0)))
        scale = max(scale, float(np.abs(wanted).max(initial=0.0)))
    images = [entries["image"].shape[1:3] for entries in batches if "image" in entries]
    return Agreement(
        samples=min(COUNT, sum(len(next(iter(e.values()))) for e in batches)),
        split=split,
        batches=sorted({len(next(iter(e.values()))) for e in batches}),
        sizes=sorted({(int(h), int(w)) for h, w in images}),
        largest=largest,
        limit=LIMIT * scale,
    )


def refuse_difference(found: Agreement, what: str) -> None:
    """Raises RunError: the file predicts something else than the networks of the run."""
    if not found.equal:
        raise RunError(
            f"the {what} file predicts something else than the run, by {found.largest:.2g} (limit "
            f"{found.limit:.2g}) on {found.samples} {found.split} samples, so nothing was written: "
            "use --to safetensors, or 'comp bundle'"
        )


def run_file(predict: Run, entries: Entries) -> np.ndarray:
    """The predictions of the exported file.

    Raises:
        RunError: it cannot be run on these inputs.
    """
    try:
        return predict(entries)
    except CompError:
        raise
    except Exception as error:  # onnxruntime and torch.jit raise many kinds
        line = str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
        raise RunError(
            f"the exported file cannot predict inputs of {_shapes(entries)} ({line}): use --to "
            "safetensors, or 'comp bundle'"
        ) from error


def _shapes(entries: Entries) -> str:
    return ", ".join(f"{name} {tuple(values.shape)}" for name, values in entries.items())
