"""Predicts with the runs of a blend, each of which reads images in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from comp.bundle.parts.images import Image, Log
from comp.bundle.parts.predictions import Predicted, Predictor
from comp.inference.averages import mean_of


class Blended:
    """Predicts images with all runs of a bundle, and averages them with their weights.

    After the last prediction, `broken` has the images that a run could not predict, by their
    number. The arguments are those of `Predictor`.
    """

    def __init__(
        self,
        bundle: Mapping[str, Any],
        folder: Path,
        devices: Sequence[torch.device],
        log: Log,
        *,
        workers: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.members = members_of(bundle)
        self.predictors = [
            Predictor(
                member,
                folder,
                devices,
                log if number == 0 else _silent,
                workers=workers,
                batch_size=batch_size,
            )
            for number, member in enumerate(self.members)
        ]
        self.workers = self.predictors[0].workers
        self.broken: dict[int, Image] = {}

    def __call__(self, images: Sequence[Image], root: Path) -> Iterator[Predicted]:
        """Yield the prediction of each image that all runs can read, in order.

        Args:
            root: the folder of the data.

        Raises:
            DataError: not one can be read.
        """
        self.broken.clear()
        streams = [predictor(images, root) for predictor in self.predictors]
        weights = [float(member.get("weight", 1.0)) for member in self.members]
        for parts in _together(streams, self.broken):
            first = parts[0]
            values = first.values
            if len(parts) > 1:
                values = mean_of([part.values for part in parts], weights)
            yield Predicted(first.number, first.image, values)
        for predictor in self.predictors:
            self.broken.update(predictor.broken)


def members_of(bundle: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What bundle.json says of each run of a blend, with its networks; or of the one run."""
    members = bundle.get("members")
    if not members:
        return [bundle]
    return [
        {
            **bundle,
            **member,
            "networks": [part for part in bundle["networks"] if part["member"] == number],
        }
        for number, member in enumerate(members)
    ]


def _together(
    streams: Sequence[Iterator[Predicted]], broken: dict[int, Image]
) -> Iterator[list[Predicted]]:
    """The predictions of each image that all streams have; `broken` gets the others."""
    heads = [next(stream, None) for stream in streams]
    while True:
        known = [head for head in heads if head is not None]
        if len(known) < len(heads):
            broken.update({head.number: head.image for head in known})
            for stream in streams:
                broken.update({head.number: head.image for head in stream})
            return
        last = max(head.number for head in known)
        if all(head.number == last for head in known):
            yield known
            heads = [next(stream, None) for stream in streams]
            continue
        for place, head in enumerate(known):
            if head.number < last:
                broken[head.number] = head.image
                heads[place] = next(streams[place], None)


def _silent(_line: str) -> None:
    """A log that nobody reads: the first run says what there is to say."""
