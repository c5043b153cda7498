"""A sample as a card of a gallery: its pictures, what is true, and what the run says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from comp.data.dropped import mark_of
from comp.errors import CompError
from comp.inference.oof import read_target
from comp.page.blocks import Card
from comp.page.document import name as shown_name
from comp.page.thumbnails import thumbnail, unit_picture
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.main_columns import MainColumn, main_columns
from comp.review.plain_numbers import plain

MOST_VALUES = 4
"""Columns of a target of several numbers that a card shows."""
MOST_LABELS = 6
"""Labels of a sample that a card names."""


class SampleCards:
    """Makes the cards of one run.

    Args:
        overlays: a further picture of some samples by id, as a data URI, such as an explanation.
    """

    def __init__(self, facts: RunFacts, overlays: Mapping[str, str] | None = None) -> None:
        self.facts = facts
        self.overlays = overlays or {}

    @cached_property
    def _row_of(self) -> Mapping[str, int]:
        numbers = self.facts.numbers
        return {name: row for row, name in enumerate(numbers.ids)} if numbers else {}

    @cached_property
    def _columns(self) -> Sequence[MainColumn]:
        return main_columns(self.facts)

    def card(
        self,
        name: str,
        *,
        first: Sequence[Text] = (),
        more: Sequence[Text] = (),
        words: bool = True,
    ) -> Card:
        """The card of a sample with a prediction.

        Args:
            first: lines above all others.
            more: lines below them.
            words: whether to say what is true and what is predicted.
        """
        said = self._words(name) if words else []
        pictures, oof = self._pictures(name), self.facts.oof
        assert oof is not None
        return Card(
            id=name,
            mark=mark_of(oof.samples[name]),
            pictures=[uri for _, uri in pictures],
            captions=[caption for caption, _ in pictures] if len(pictures) > 1 else (),
            lines=[*first, *said, *self._group(name), *self._cells(name), *more],
            tags=self.tags(name),
        )

    def tags(self, name: str) -> dict[str, str]:
        """The fold of a sample, and its class if it has one."""
        oof = self.facts.oof
        assert oof is not None
        tags = {"fold": str(oof.fold_of[name])}
        names = self.facts.task.label_names(oof.samples[name].target)
        if names and self.facts.numbers is not None:
            tags["class"] = names_of(names)
        return tags

    def _words(self, name: str) -> list[Text]:
        """What is true and what is decided; nothing of images."""
        numbers, oof = self.facts.numbers, self.facts.oof
        if numbers is None or oof is None:
            return []
        row = self._row_of[name]
        truth = self._value(numbers.targets[row])
        decided = self.decided(name)
        return [say("true: {value}", value=truth), say("predicted: {value}", value=decided)]

    def _group(self, name: str) -> list[Text]:
        oof = self.facts.oof
        assert oof is not None
        kind, _, group = oof.groups[name].partition(" ")
        return [say("group: {name}", name=group)] if kind == "group" else []

    def decided(self, name: str) -> str:
        """What the run decides on a sample, or predicts if it decides nothing."""
        numbers, task = self.facts.numbers, self.facts.task
        assert numbers is not None
        row = self._row_of[name]
        if numbers.decided is not None and np.isfinite(numbers.decided[row]).all():
            return self._value(numbers.decided[row])
        values = numbers.predictions[row]
        if task.exclusive is not None and np.isfinite(values).all():
            chances = task.exclusive.probabilities(values[None])[0]
            return task.labels[int(chances.argmax())]
        return _numbers(values, task.labels)

    def _value(self, values: np.ndarray) -> str:
        task = self.facts.task
        target = float(values[0]) if len(values) == 1 else tuple(map(float, values))
        names = task.label_names(target)
        if names:
            return names_of(names)
        return "-" if task.suspects == "labels" else _numbers(values, task.labels)

    def _cells(self, name: str) -> list[str]:
        """The main columns of a row of a table."""
        oof = self.facts.oof
        assert oof is not None
        row = oof.samples[name].features
        return [
            f"{shown_name(column.name)}: {_cell(row.get(column.name))}" for column in self._columns
        ]

    def _pictures(self, name: str) -> list[tuple[Text, str]]:
        """Captions and data URIs: the image, of images the target and the prediction, and the
        overlay. An image that cannot be read is left out."""
        found: list[tuple[Text, str]] = []
        image = self.facts.image(name)
        if image is not None and image.dtype == np.uint8:
            found.append((say("image"), thumbnail(shown_channels(self.facts, image))))
        if self.facts.task.output == "image":
            found += self._planes(name)
        if name in self.overlays:
            found.append((say("explanation"), self.overlays[name]))
        return found

    def _planes(self, name: str) -> list[tuple[Text, str]]:
        oof, labels = self.facts.oof, self.facts.task.labels
        assert oof is not None
        found: list[tuple[Text, str]] = []
        try:
            target = read_target(self.facts.task, oof.samples[name], oof.reader)
            prediction = np.asarray(oof.predictions[name], dtype=np.float32)
        except (CompError, OSError, KeyError):
            return []
        for caption, values in ((say("target"), target), (say("prediction"), prediction)):
            shown: Text = caption
            if values.shape[2] not in (1, 3) and labels:
                shown = say("{what} of {label}", what=caption, label=labels[0])
            found.append((shown, thumbnail(unit_picture(values))))
        return found


def shown_channels(facts: RunFacts, image: np.ndarray) -> np.ndarray:
    """The channels of an image that are its picture: of one that is restored as many as the
    prediction has, because a reader may add features as further channels."""
    count = facts.task.outputs
    return image[..., :count] if facts.task.restores and count in (1, 3) else image


def names_of(names: Sequence[str]) -> str:
    """Names in one line, at most six."""
    more = f" +{len(names) - MOST_LABELS}" if len(names) > MOST_LABELS else ""
    return ", ".join(names[:MOST_LABELS]) + more


def _numbers(values: np.ndarray, labels: Sequence[str]) -> str:
    if len(values) == 1:
        return plain(float(values[0]))
    named = list(zip(labels or map(str, range(len(values))), values.tolist(), strict=False))
    more = " ..." if len(named) > MOST_VALUES else ""
    return ", ".join(f"{name} {plain(value)}" for name, value in named[:MOST_VALUES]) + more


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return plain(value) if isinstance(value, float) else shown_name(str(value))
