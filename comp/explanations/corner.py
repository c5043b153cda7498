"""Does a corner of the image decide? A mark, a logo or a letter in a corner can tell the class.

The maps of the surest samples of a class are measured: which part of what speaks for the class lies
in a corner. Only if it is the same corner in most of them, and covering that corner changes the
answer while covering another does not, does a corner decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from comp.errors import RunError
from comp.explanations.explain import OnStage, explain_samples
from comp.explanations.explained import ExplainedSample
from comp.explanations.networks import RunNetworks
from comp.explanations.question import named_question, probability_of
from comp.explanations.subjects import Subjects
from comp.pipeline.run_oof import RunOof

SIDE = 0.25
"""A corner is a part of this height and width: 1/16 of the area."""
EDGE = 0.125
"""The border is this part of the height above and below, and of the width at both sides."""
LEAST_SAMPLES = 6
"""Of a class; fewer say nothing."""
LEAST_SHARE, LEAST_OF = 0.5, 0.75
"""A corner stands out if in this part of the samples it has this share of the map."""
TIMES_OTHERS = 3.0
"""And if it has this many times the share of any other corner, on average."""
LEAST_FALL = 0.2
"""A corner decides if covering it lowers the mean probability of the class by this, and by
`TIMES_OTHERS` as much as covering any other corner."""
EACH, MOST_CLASSES = 8, 6
"""Samples of a class, and classes, that `find_corner` explains."""
CORNERS = ("top left", "top right", "bottom left", "bottom right")


@dataclass(frozen=True, kw_only=True)
class CornerFocus:
    """The corner with the largest share of the maps of a class."""

    label: str
    """The class that the maps explain."""
    corner: str
    """One of `CORNERS`."""
    samples: int
    """Maps of the class that were measured."""
    pointing: int
    """Those with at least half of their map in the corner."""
    share: float
    """The mean share of the maps in the corner; by its area it would be 1/16."""
    expected: float
    """The share of the area."""
    other_corners: float
    """The largest mean share of another corner."""
    border: float
    """The mean share of the maps in the border of the image."""
    border_expected: float
    """The share of the area of the border."""
    probability: float | None = None
    """The mean probability of the class; None if no corner was covered."""
    covered: float | None = None
    """The same, if the corner has the mean colour of its image."""
    covered_other: float | None = None
    """The lowest mean probability if another corner is covered."""

    @property
    def stands_out(self) -> bool:
        """Whether the maps of the class point to one corner."""
        return (
            self.samples >= LEAST_SAMPLES
            and self.pointing >= LEAST_OF * self.samples
            and self.share >= TIMES_OTHERS * self.other_corners
        )

    @property
    def decides(self) -> bool:
        """Whether the corner decides: the maps point to it, and the answer depends on it."""
        if self.probability is None or self.covered is None or self.covered_other is None:
            return False
        fall, other = self.probability - self.covered, self.probability - self.covered_other
        return self.stands_out and fall >= max(LEAST_FALL, TIMES_OTHERS * other)

    @property
    def words(self) -> str:
        """The measurement in one sentence."""
        text = (
            f"{self.label}: {self.share:.0%} of the map lies in the {self.corner} corner "
            f"({self.expected:.0%} of the area), at least half of it in {self.pointing} of "
            f"{self.samples} samples"
        )
        if self.probability is None or self.covered is None or self.covered_other is None:
            return text
        return (
            f"{text}; covering this corner moves the mean probability from "
            f"{self.probability:.2f} to {self.covered:.2f}, covering another to "
            f"{self.covered_other:.2f} at the lowest"
        )


def corner_focus(samples: Sequence[ExplainedSample]) -> CornerFocus | None:
    """Measure maps: the class and the corner with the largest share; None without maps.

    Args:
        samples: those of one class are measured together; several of each are needed.
    """
    by_label: dict[str, list[np.ndarray]] = {}
    for sample in samples:
        if not sample.empty:
            by_label.setdefault(sample.target, []).append(sample.heat)
    found = [_measured(label, maps) for label, maps in by_label.items()]
    return max(found, key=lambda focus: (focus.stands_out, focus.share), default=None)


def _measured(label: str, maps: Sequence[np.ndarray]) -> CornerFocus:
    shares = np.array([list(_shares(heat).values()) for heat in maps])  # (maps, corners)
    mean = shares.mean(axis=0)
    best = int(mean.argmax())
    inner = [_inner(heat).sum() / heat.sum() for heat in maps]
    height, width = maps[0].shape
    return CornerFocus(
        label=label,
        corner=CORNERS[best],
        samples=len(maps),
        pointing=int((shares[:, best] >= LEAST_SHARE).sum()),
        share=float(mean[best]),
        expected=float(_corners(height, width)[CORNERS[best]].mean()),
        other_corners=float(np.delete(mean, best).max()),
        border=1 - float(np.mean(inner)),
        border_expected=1 - _inner(maps[0]).size / maps[0].size,
    )


def _shares(heat: np.ndarray) -> Mapping[str, float]:
    """The share of a map in each corner."""
    total = float(heat.sum())
    places = _corners(*heat.shape)
    return {name: float(heat[where].sum()) / total for name, where in places.items()}


def _corners(height: int, width: int) -> Mapping[str, np.ndarray]:
    """Which pixels are in each corner, bool (H, W)."""
    rows, columns = max(1, round(SIDE * height)), max(1, round(SIDE * width))
    parts = {"top": slice(0, rows), "bottom": slice(height - rows, height)}
    sides = {"left": slice(0, columns), "right": slice(width - columns, width)}
    found: dict[str, np.ndarray] = {}
    for name in CORNERS:
        part, _, side = name.partition(" ")
        found[name] = np.zeros((height, width), dtype=bool)
        found[name][parts[part], sides[side]] = True
    return found


def _inner(heat: np.ndarray) -> np.ndarray:
    """A map without the border."""
    rows, columns = (max(1, round(EDGE * side)) for side in heat.shape)
    return heat[rows:-rows, columns:-columns]


def find_corner(
    run: RunOof, *, device: str = "auto", on_stage: OnStage | None = None
) -> CornerFocus | None:
    """Explain the surest samples of each class of a run, and measure their corners; None if the
    run cannot be explained, or does not predict classes.

    Only if the maps point to a corner, it is covered: `CornerFocus.decides` then says whether the
    answers depend on it.

    Raises:
        DataError: an image cannot be read.
    """
    ids = Subjects(run).surest(EACH, MOST_CLASSES)
    explained = explain_samples(run, ids, device=device, on_stage=on_stage) if ids else None
    focus = corner_focus(explained.samples) if explained else None
    if explained is None or focus is None or not focus.stands_out:
        return focus
    chosen = [sample.id for sample in explained.samples if sample.target == focus.label]
    try:
        return _covered(run, focus, chosen, RunNetworks(run, device))
    except RunError:
        return focus


def _covered(
    run: RunOof, focus: CornerFocus, ids: Sequence[str], networks: RunNetworks
) -> CornerFocus:
    """The focus with the probabilities of its class when corners are covered."""
    task = run.competition.task
    question = named_question(task, focus.label)
    found: dict[str, list[float]] = {name: [] for name in ("", *CORNERS)}
    subjects = sorted(Subjects(run).of(ids), key=lambda subject: subject.fold)
    network = None
    for subject in subjects:
        if network is None or network.fold != subject.fold:
            network = networks.of(subject.fold)
        inputs = network.inputs([network.read(subject.sample)])
        mean = inputs.images.mean(dim=(2, 3), keepdim=True)
        for name, values in found.items():
            images = inputs.images
            if name:
                corner = torch.from_numpy(_corners(*images.shape[-2:])[name])
                images = torch.where(corner.to(images.device), mean, images)
            _, predictions = network.explainer.predict(replace(inputs, images=images))
            values.append(probability_of(task, predictions[0], question) or 0.0)
    means = {name: float(np.mean(values)) for name, values in found.items()}
    others = [means[name] for name in CORNERS if name != focus.corner]
    return replace(
        focus,
        probability=means[""],
        covered=means[focus.corner],
        covered_other=min(others),
    )
