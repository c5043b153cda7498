"""The trainings of a fold, which differ in their seed: their configurations and their folders.

With `seeds = 1` the training is the fold itself. With more, each has a folder `seed-<number>` in
the fold, and the first one has the seed of the run, so it is what the run trains without seeds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from comp.config.schema import RunConfig
from comp.data.folds import fold_seed_of


def training_seeds(config: RunConfig) -> list[int]:
    """The seed of each training of a fold, 32 bits: `seed` and seeds that are derived from it.

    They are streams of numpy's SeedSequence with a spawn key, so that they differ from the seeds
    of folds, which are derived by entropy.
    """
    first, rest = config.seed, range(1, config.seeds)
    derived = (np.random.SeedSequence(first, spawn_key=(number,)) for number in rest)
    return [first, *(int(sequence.generate_state(1)[0]) for sequence in derived)]


def seed_folder(fold_folder: Path, number: int) -> Path:
    """The folder of one training (from 0) of a fold that has several."""
    return fold_folder / f"seed-{number}"


def trainings(config: RunConfig, fold_folder: Path) -> list[tuple[RunConfig, Path]]:
    """The configuration and the folder of each training of a fold. The folds stay those of the
    run."""
    if config.seeds == 1:
        return [(config, fold_folder)]
    common = {"seeds": 1, "fold_seed": fold_seed_of(config)}
    return [
        (
            config.model_copy(update={**common, "seed": seed}),
            seed_folder(fold_folder, number),
        )
        for number, seed in enumerate(training_seeds(config))
    ]
