"""Pictures of samples as cards of a page, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comp.data.dropped import mark_of
from comp.exploration.panels.names import named
from comp.exploration.pictures import Pictures
from comp.exploration.subjects import Named, Subjects, choose
from comp.exploration.targets import is_masks
from comp.page.blocks import Card
from comp.page.thumbnails import thumbnail
from comp.page.words import Text, say
from comp.runs.progress import Reporter
from comp.signals import stop_if_requested

SIDE = 88
"""Pixels of the longer side of a picture."""
BUDGET = 2_000_000
"""Bytes of all pictures of a page; further cards have none."""
OUTLINE = np.array([255, 64, 64], dtype=np.uint8)
Key = tuple[str, str]


class Cards:
    """Makes cards. Pictures are read by `load`, in one go, for all samples that cards were made of
    until then.

    Args:
        seed: of the samples of a contact sheet.
    """

    def __init__(self, subjects: Subjects, pictures: Pictures, seed: int) -> None:
        self.subjects, self.pictures, self.seed = subjects, pictures, seed
        self.masked = is_masks(subjects)
        self.paired = subjects.competition.task.output == "image" and not self.masked
        rows = enumerate(zip(subjects.splits, subjects.samples, strict=True))
        self._rows: dict[Key, int] = {}
        for row, (split, sample) in rows:
            self._rows.setdefault((split, sample.id), row)
        self._wanted: dict[Key, None] = {}
        self._loaded: dict[Key, list[str]] = {}
        self.cut = False

    @property
    def any(self) -> bool:
        """Whether samples have images."""
        return any(sample.image for sample in self.subjects.samples)

    def sheet(self, rows: Sequence[int], most: int) -> list[Named]:
        """Some of the samples of these rows, at random."""
        return [self.subjects.named(row) for row in choose(self.subjects, rows, most, self.seed)]

    def card(self, sample: Named, lines: Sequence[Text] = (), label: bool = True) -> Card:
        """The card of a sample, with its class, if `label`, and further lines."""
        pictures = self._pictures(sample)
        captions: Sequence[Text] = ()
        if len(pictures) == 2:
            captions = (say("image"), say("mask") if self.masked else say("target"))
        about: list[Text] = [sample.label] if sample.label else []
        if sample.split == "test":
            about = [say("test")]
        return Card(
            id=sample.id,
            pictures=pictures,
            captions=captions,
            lines=[*(about if label else []), *lines],
        )

    def pair(self, first: Named, second: Named, lines: Sequence[Text], of: Named) -> Card:
        """The card of two samples side by side, with the id of one of them."""
        pictures = [self._pictures(sample)[:1] for sample in (first, second)]
        known, row = all(pictures), self._rows.get((of.split, of.id))
        return Card(
            id=of.id,
            mark="" if row is None else mark_of(self.subjects.samples[row]),
            pictures=[uri for found in pictures for uri in found] if known else (),
            captions=[_named(sample) for sample in (first, second)] if known else (),
            lines=lines if known else [_named(first), _named(second), *lines],
        )

    def _pictures(self, sample: Named) -> list[str]:
        key = (sample.split, sample.id)
        if key not in self._loaded:
            self._wanted[key] = None
        return self._loaded.get(key, [])

    def load(self, reporter: Reporter) -> None:
        """Read the pictures of all samples that cards were made of."""
        size, total = 0, len(self._wanted)
        for done, key in enumerate(self._wanted, start=1):
            stop_if_requested()
            found = self._read(key) if size < BUDGET else []
            size += sum(map(len, found))
            self._loaded[key] = found
            reporter.images_decoded(done, total, "drawing")
        self.cut = size >= BUDGET
        self._wanted = {}

    def _read(self, key: Key) -> list[str]:
        row = self._rows.get(key)
        sample = None if row is None else self.subjects.samples[row]
        image = self.pictures.image(sample) if sample else None
        if sample is None or image is None:
            return []
        masks = self.pictures.masks(sample) if self.masked and key[0] == "train" else None
        second = outlined(image, masks) if masks is not None else None
        if self.paired:
            second = self.pictures.target(sample)
        shown = [image] if second is None else [image, second]
        return [thumbnail(picture, SIDE) for picture in shown]


def _named(sample: Named) -> Text:
    label = f" ({sample.label})" if sample.label else ""
    return say("{split}: {id}", split=named(sample.split), id=f"{sample.id}{label}")


def outlined(image: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """An image uint8 (H, W) or (H, W, 3) with its masks (H, W, K), of 0..1, in red."""
    import cv2

    colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    covered = masks.argmax(axis=2) > 0 if masks.shape[2] > 1 else masks[..., 0] > 0.5
    size = (colour.shape[1], colour.shape[0])
    inside = cv2.resize(covered.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    tinted = colour.copy()
    tinted[inside] = (0.55 * tinted[inside] + 0.45 * OUTLINE).astype(np.uint8)
    return tinted
