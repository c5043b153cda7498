"""Proof, on a configuration of the user's own, that a stopped training goes on exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from comp.config.schema import RunConfig
from comp.config.sections import ThawConfig
from comp.data.folds import write_folds
from comp.data.location import Source
from comp.errors import RunError
from comp.pipeline.fold import train
from comp.pipeline.fold_context import epoch_steps, make_fold_context
from comp.pipeline.run_inputs import RunInputs, prepare_run
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Silent
from comp.training.device import explain_out_of_memory
from comp.training.state import RESUME, CheckpointWriter, TrainingCheckpoint, read
from comp.workspace import Workspace

STEPS = 6
"""Optimizer steps of each training; it is stopped after half of them."""
CLOCKS = ("wait_s", "validate_s", "seconds")


@dataclass(frozen=True, kw_only=True)
class VerifyResult:
    """What was compared: how many parts of the state, and those that differ, by name."""

    competition: str
    steps: int
    stopped_after: int
    thawing: bool
    """Whether weights that stood still until the stop moved after it."""
    parts: int
    differing: tuple[str, ...]
    sha256: str
    """Of the weights after the last step of the training that was not stopped."""

    @property
    def exact(self) -> bool:
        """Whether nothing differs."""
        return not self.differing


def verify(
    config: RunConfig,
    source: Source,
    workspace: Workspace,
    reporter: Reporter,
    fold: int = 0,
    skip_bad: bool = False,
) -> VerifyResult:
    """Train a few steps of a fold straight through, and again with a stop in the middle, in
    temporary folders, and compare all that the next step would depend on.

    Where the configuration thaws stages, the first thaw comes after the stop.

    Raises:
        CompError: for whatever is wrong with data or configuration.
    """
    inputs = prepare_run(config, source, workspace, [fold], reporter, skip_bad)
    config = _quick(config, sum(held != fold for held in inputs.folds.values()))
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        straight = _trained(config, inputs, fold, place / "straight", None)
        middle = _kept(place / "straight" / f"{STEPS // 2}.pt")
        stopped = _trained(config, inputs, fold, place / "stopped", middle)
        start = _kept(place / "straight" / "1.pt")
    first, second = _digests(straight), _digests(stopped)
    return VerifyResult(
        competition=config.competition,
        steps=STEPS,
        stopped_after=STEPS // 2,
        thawing=bool(_still(start, middle) - _still(middle, straight)),
        parts=len(first),
        differing=tuple(name for name in first if first[name] != second.get(name)),
        sha256=_digest(straight.parts["model"]),
    )


def _still(before: TrainingCheckpoint, after: TrainingCheckpoint) -> set[str]:
    """The weights, by name, that are the same in two states."""
    old, new = before.parts["model"], after.parts["model"]
    return {name for name in old if torch.equal(old[name], new[name])}


def _quick(config: RunConfig, samples: int) -> RunConfig:
    """The configuration with a few steps, of which the later ones train thawed stages of a network
    that trains on so many samples."""
    changes: dict[str, Any] = {"max_steps": STEPS, "budget": None, "validations": 2}
    if config.thaw.how != "never":
        step = 1 / epoch_steps(config, samples)
        after = (STEPS // 2 + 0.5) * step
        changes["thaw"] = ThawConfig(how=config.thaw.how, after=after, every=step)
    return config.model_copy(update=changes)


class _Copies(CheckpointWriter):
    """Keeps the state after every step under a name of its own."""

    def save(self, parts: Any, step: int, pending: bool = False) -> None:
        assert self.path is not None
        kept, self.path = self.path, self.path.with_name(f"{step}.pt")
        super().save(parts, step, pending)
        self.path = kept


def _trained(
    config: RunConfig, inputs: RunInputs, fold: int, place: Path, saved: TrainingCheckpoint | None
) -> TrainingCheckpoint:
    """Train, from `saved` on if there is one, and return the last state."""
    place.mkdir()
    folder = RunFolder(place)
    write_folds(folder.folds_csv, inputs.train, inputs.folds)
    inputs.images.write_pointer(folder.reader_folder)
    context = make_fold_context(config, fold, inputs.source.root, place)
    checkpoint_writer = _Copies(place / RESUME, STEPS, every_steps=1)
    history = place / "history.jsonl"
    with explain_out_of_memory():
        train(context, STEPS, history, Silent(), lambda _model: 0.0, checkpoint_writer, saved)
    return _kept(place / f"{STEPS}.pt")


def _kept(path: Path) -> TrainingCheckpoint:
    saved = read(path)
    if saved is None:
        raise RunError(
            f"the state after step {path.stem} holds values that are not finite, so nothing can be "
            "proved: lower optim.lr"
        )
    return saved


def _digests(saved: TrainingCheckpoint) -> dict[str, str]:
    """A SHA-256 of every part of a state, but for what clocks measured."""
    meter = {name: value for name, value in saved.parts["meter"].items() if name not in CLOCKS}
    generators = {f"generator of {name}": state for name, state in saved.generators.items()}
    parts = {**saved.parts, "meter": meter, **generators}
    return {name: _digest(value) for name, value in parts.items()}


def _digest(value: Any) -> str:
    total = sha256()
    _feed(total, value)
    return total.hexdigest()


def _feed(total: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        total.update(f"{value.dtype}{tuple(value.shape)}".encode())
        total.update(
            value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    elif isinstance(value, Mapping):
        for key in value:
            total.update(repr(key).encode())
            _feed(total, value[key])
    elif isinstance(value, list | tuple):
        for part in value:
            _feed(total, part)
    else:
        total.update(repr(value).encode())
