"""Embeddings of the images of a competition, and what can be read from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from comp.config.nearest import did_you_mean
from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.images.prepare import make_reader, prepare_images, without_skipped
from comp.data.location import DataSource
from comp.errors import ConfigError
from comp.features.embedding_set import Embeddings
from comp.features.embeddings import check_pretrained, embed_samples
from comp.pipeline.request import RunRequest
from comp.runs.progress import Reporter

Splits = Literal["train", "test", "all"]
SplitSample = tuple[Split, Sample]


def embed(
    request: RunRequest,
    reporter: Reporter,
    *,
    split: Splits = "train",
    ids: Sequence[str] | None = None,
) -> Embeddings:
    """Compute the embeddings of the samples of a split, or of both; those that exist are read.

    Args:
        request: the data and the configuration.
        ids: only these samples of the split, in this order.

    Raises:
        ConfigError: the weights are random, the backbone has no embeddings, no sample has an id, or
            one of each split has it.
        DataError: the data is not valid.
    """
    competition, workspace = request.competition, request.workspace
    if split not in get_args(Splits):
        raise ConfigError(f"split = {split!r}: use train, test or all")
    request.check()
    source, config = request.load()
    check_pretrained(config)
    if competition.image_spec is None and competition.reader is None:
        raise ConfigError(
            f"the images of {competition.name} keep their sizes: embeddings need a competition "
            "whose images are resized to one size"
        )
    splits = ("train", "test") if split == "all" else (split,)
    every = [*_samples(competition, source, "train"), *_samples(competition, source, "test")]
    chosen = [(name, sample) for name, sample in every if name in splits]
    if ids is not None:
        chosen = _with_ids(chosen, ids)
    cached = chosen if ids else every  # the image cache of a run is that of all samples
    images = prepare_images(
        competition,
        config,
        [sample for _, sample in cached],
        workspace.images,
        reporter.images_decoded,
        request.skip_bad,
    )
    kept = [pair for pair in chosen if without_skipped([pair[1]], images.skipped)]
    samples = [sample for _, sample in kept]
    with TemporaryDirectory() as scratch:
        images.write_pointer(Path(scratch))
        reader = make_reader(competition, samples, config, Path(scratch))
        digest = images.cache.name if images.cache else None
        values = embed_samples(
            competition, config, samples, reader, workspace.features, reporter, digest
        )
    return Embeddings(
        competition=competition,
        backbone=config.backbone,
        samples=samples,
        splits=[name for name, _ in kept],
        values=values,
    )


def _samples(competition: Competition, source: DataSource, split: Split) -> list[SplitSample]:
    return [(split, sample) for sample in competition.samples(source.root, split)]


def _with_ids(chosen: Sequence[SplitSample], ids: Sequence[str]) -> list[SplitSample]:
    """The samples of these ids, in their order.

    Raises:
        ConfigError: an id has no sample, or one in each split.
    """
    by_id: dict[str, SplitSample] = {}
    both: set[str] = set()
    for name, sample in chosen:
        first, _ = by_id.setdefault(sample.id, (name, sample))
        both |= {sample.id} if first != name else set()
    missing = [name for name in ids if name not in by_id]
    if missing:
        raise ConfigError(
            f"no sample '{missing[0]}' among {len(by_id):,}: "
            f"{did_you_mean(missing[0], list(by_id))}give ids of this split"
        )
    unclear = [name for name in ids if name in both]
    if unclear:
        raise ConfigError(
            f"train and test both have a sample '{unclear[0]}': set split to train or test, or "
            "give no ids"
        )
    return [by_id[name] for name in dict.fromkeys(ids)]
