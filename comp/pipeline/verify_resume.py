"""Proves, on a configuration of the user, that a resumed training equals an uninterrupted one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from comp.config.schema import RunConfig
from comp.config.sections import ThawConfig
from comp.data.location import DataSource
from comp.errors import RunError
from comp.files import make_folder
from comp.pipeline.estimator_fold import fit_estimator
from comp.pipeline.fold import train
from comp.pipeline.fold_context import epoch_steps, make_fold_context
from comp.pipeline.members import ARRAYS, member_config, network_names
from comp.pipeline.run_inputs import RunInputs, prepare_run, scratch_run
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Silent
from comp.training.checkpoint_writer import CheckpointWriter
from comp.training.device import explain_out_of_memory
from comp.training.state import RESUME, TrainingCheckpoint, read_checkpoint
from comp.workspace import Workspace

STEPS = 6
"""Optimizer steps of each training. The second training resumes after half of them."""
TIMERS = ("wait_s", "validate_s", "seconds")
"""Values of the meter that differ between any two trainings."""


@dataclass(frozen=True, kw_only=True)
class VerifyResult:
    """The number of compared parts of the training state, and the names of those that differ."""

    competition: str
    steps: int
    stopped_after: int
    thawing: bool
    """Whether weights that were frozen until the stop changed after it."""
    parts: int
    differing: tuple[str, ...]
    sha256: str
    """Of the weights after the last step of the uninterrupted training."""

    @property
    def exact(self) -> bool:
        """Whether no part differs."""
        return not self.differing


def verify(
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
    fold: int = 0,
    skip_bad: bool = False,
) -> VerifyResult:
    """Train a few steps of a fold without a stop, and again with a stop in the middle, and compare
    everything that the next step depends on.

    Both trainings use temporary folders. If the configuration thaws stages, the first thaw comes
    after the stop. A model that is not a network starts again when it is resumed, so it is fitted
    twice.

    Raises:
        CompError: the data or the configuration is wrong.
    """
    inputs = prepare_run(config, source, workspace, [fold], reporter, skip_bad, any_time=True)
    results = []
    for name in config.model:
        one = member_config(config, name)
        check = _verify_network if name in network_names(config) else _verify_estimator
        results.append(check(one, inputs, fold))
    if len(results) == 1:
        return results[0]
    return VerifyResult(
        competition=config.competition,
        steps=STEPS,
        stopped_after=STEPS // 2,
        thawing=any(result.thawing for result in results),
        parts=sum(result.parts for result in results),
        differing=tuple(
            f"{name}: {part}"
            for name, result in zip(config.model, results, strict=True)
            for part in result.differing
        ),
        sha256=_digest([result.sha256 for result in results]),
    )


def _verify_network(config: RunConfig, inputs: RunInputs, fold: int) -> VerifyResult:
    data = inputs.source.root
    config = _short_config(config, len(inputs.training_part(fold)))
    with scratch_run(inputs) as folder, scratch_run(inputs) as resumed_folder:
        uninterrupted = _train(config, data, fold, folder)
        first = _read(folder.path / "1.pt")
        middle = _read(folder.path / f"{STEPS // 2}.pt")
        resumed = _train(config, data, fold, resumed_folder, resume_from=middle)
    expected, actual = _digests(uninterrupted), _digests(resumed)
    thawed = _unchanged_weights(first, middle) - _unchanged_weights(middle, uninterrupted)
    return VerifyResult(
        competition=config.competition,
        steps=STEPS,
        stopped_after=STEPS // 2,
        thawing=bool(thawed),
        parts=len(expected),
        differing=tuple(name for name in expected if expected[name] != actual.get(name)),
        sha256=_digest(uninterrupted.state["model"]),
    )


def _verify_estimator(config: RunConfig, inputs: RunInputs, fold: int) -> VerifyResult:
    """Fit twice, and compare the predictions."""
    digests: list[dict[str, str]] = []
    for _ in range(2):
        with scratch_run(inputs) as folder:
            place = folder.fold(fold)
            make_folder(place)
            root, silent = inputs.source.root, Silent()
            fit_estimator(config, fold, root, folder.path, place, silent)
            digests.append(
                {name: sha256((place / name).read_bytes()).hexdigest() for name in ARRAYS}
            )
    expected, actual = digests
    return VerifyResult(
        competition=config.competition,
        steps=STEPS,
        stopped_after=0,
        thawing=False,
        parts=len(expected),
        differing=tuple(name for name in expected if expected[name] != actual[name]),
        sha256=expected["test.safetensors"],
    )


def _unchanged_weights(before: TrainingCheckpoint, after: TrainingCheckpoint) -> set[str]:
    """The names of the weights that are equal in two checkpoints."""
    old, new = before.state["model"], after.state["model"]
    return {name for name in old if torch.equal(old[name], new[name])}


def _short_config(config: RunConfig, samples: int) -> RunConfig:
    """The configuration of a training of a few steps, with a thaw in the second half if the
    configuration thaws stages.

    Args:
        samples: number of training samples.
    """
    changes: dict[str, Any] = {"max_steps": STEPS, "budget": None, "validations": 2}
    if config.thaw.how != "never":
        step = 1 / epoch_steps(config, samples)
        after = (STEPS // 2 + 0.5) * step
        changes["thaw"] = ThawConfig(how=config.thaw.how, after=after, every=step)
    return config.model_copy(update=changes)


class _EveryStepWriter(CheckpointWriter):
    """Saves the checkpoint after every step in a file `<step>.pt`."""

    def save(self, parts: Any, step: int, pending: bool = False) -> None:
        assert self.path is not None
        path, self.path = self.path, self.path.with_name(f"{step}.pt")
        super().save(parts, step, pending)
        self.path = path


def _train(
    config: RunConfig,
    data: Path,
    fold: int,
    folder: RunFolder,
    resume_from: TrainingCheckpoint | None = None,
) -> TrainingCheckpoint:
    """Train a fold, and return the checkpoint after the last step."""
    context = make_fold_context(config, fold, data, folder.path)
    writer = _EveryStepWriter(folder.path / RESUME, STEPS, every_steps=1)
    history = folder.path / "history.jsonl"
    with explain_out_of_memory():
        train(context, STEPS, history, Silent(), lambda _model: 0.0, writer, resume_from)
    return _read(folder.path / f"{STEPS}.pt")


def _read(path: Path) -> TrainingCheckpoint:
    checkpoint = read_checkpoint(path)
    if checkpoint is None:
        raise RunError(
            f"cannot verify: after step {path.stem} the weights or the loss are not finite; lower "
            "optim.lr"
        )
    return checkpoint


def _digests(checkpoint: TrainingCheckpoint) -> dict[str, str]:
    """A SHA-256 of every part of a checkpoint, without measured times."""
    meter = {name: value for name, value in checkpoint.state["meter"].items() if name not in TIMERS}
    generators = {
        f"generator of {name}": state for name, state in checkpoint.generator_states.items()
    }
    parts = {**checkpoint.state, "meter": meter, **generators}
    return {name: _digest(value) for name, value in parts.items()}


def _digest(value: Any) -> str:
    digest = sha256()
    _update(digest, value)
    return digest.hexdigest()


def _update(digest: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
        digest.update(
            value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    elif isinstance(value, Mapping):
        for key in value:
            digest.update(repr(key).encode())
            _update(digest, value[key])
    elif isinstance(value, list | tuple):
        for part in value:
            _update(digest, part)
    else:
        digest.update(repr(value).encode())
