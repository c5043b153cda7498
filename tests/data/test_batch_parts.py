from __future__ import annotations

from accelerate.data_loader import BatchSamplerShard

from comp.data.batch_parts import MirroredParts
from comp.data.dataset import ResumableBatchSampler


def test_the_parts_of_a_batch_pair_its_images_as_the_whole_does() -> None:
    sampler = ResumableBatchSampler(40, 12, 3, seed=(0, 0))
    mirrored = MirroredParts(sampler, 3)
    shards = [
        list(BatchSamplerShard(mirrored, 3, rank, split_batches=True))  # type: ignore[arg-type]
        for rank in range(3)
    ]
    for whole, *parts in zip(sampler, *shards, strict=True):
        pairs = {frozenset(pair) for pair in zip(whole, reversed(whole), strict=True)}
        of_parts = [
            frozenset(pair) for part in parts for pair in zip(part, reversed(part), strict=True)
        ]
        assert set(of_parts) == pairs
        assert sorted(draw for part in parts for draw in part) == sorted(whole)
        assert [len(part) for part in parts] == [4, 4, 4]
