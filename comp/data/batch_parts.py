"""The order of a batch whose parts several ranks mix."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import Sampler

from comp.data.dataset import Draw, ResumableBatchSampler


class MirroredParts(Sampler[list[Draw]]):
    """The batches of a sampler, each in an order in which an image and its partner are in the same
    part.

    Mixing gives the image at place i of a batch of N the partner at place N - 1 - i. A part of this
    order contains i and N - 1 - i, and mixing it pairs them again, so that several ranks mix the
    same pairs as one process.

    Args:
        parts: the number of parts, twice of which divides the batch size.
    """

    def __init__(self, sampler: ResumableBatchSampler, parts: int) -> None:
        self.sampler, self.parts = sampler, parts
        self.batch_size = sampler.batch_size

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[list[Draw]]:
        half = self.batch_size // (2 * self.parts)
        for batch in self.sampler:
            mirrored = []
            for start in range(0, self.parts * half, half):
                first = range(start, start + half)
                mirrored += [batch[place] for place in first]
                mirrored += [batch[-1 - place] for place in reversed(first)]
            yield mirrored
