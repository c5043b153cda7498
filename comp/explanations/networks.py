"""The networks of a finished run: loads that of a fold, and reads what it gets of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

from comp.config.model import NETWORK
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.dataset import SampleSet, to_unit
from comp.explanations.grad_cam import Explainer, Inputs
from comp.pipeline.fold_columns import FoldColumns, columns_reader, on_columns
from comp.pipeline.members import member_config, member_folder
from comp.pipeline.run_oof import RunOof
from comp.pipeline.seeds import trainings
from comp.runs.lineage import member_ids
from comp.training.checkpoint import load_weights
from comp.training.device import choose_device

Entries = dict[str, Tensor]
"""The entries of an item that the network takes, by name."""


def why_not(run: RunOof) -> str:
    """Why a run cannot be explained, with what to do instead; "" if it can."""
    members = member_ids(run.folder.record())
    task = run.competition.task
    if members:
        return (
            f"run {run.run_id} is a blend and has no network of its own: explain one of its runs, "
            f"{', '.join(members)}"
        )
    if NETWORK not in run.config.model:
        return (
            f"run {run.run_id} has no network that sees images (model = "
            f"{', '.join(run.config.model)}): explain a run with model=network"
        )
    if task.output == "image" and (task.restores or task.decision is None):
        return (
            f"the networks of {run.competition.name} return an image, of which each pixel depends "
            "on its own neighbourhood: there is no one answer that a map could explain"
        )
    if "image" not in run.competition.inputs:
        return f"the networks of {run.competition.name} see no images: there is nothing to mark"
    return ""


@dataclass(frozen=True, kw_only=True)
class FoldNetwork:
    """The network of a fold, and how it reads samples."""

    fold: int
    explainer: Explainer
    competition: Competition
    reader: Reader
    config: RunConfig
    device: torch.device

    def read(self, sample: Sample) -> Entries:
        """What the network gets of a sample: images uint8 (C, H, W), numbers as they are."""
        inputs, pipeline = self.competition.inputs, self.competition.pipeline(self.config, False)
        item = SampleSet([sample], self.reader, pipeline, inputs=inputs)[0, 0]
        return {name: item[name] for name in inputs}

    def inputs(self, entries: Sequence[Entries]) -> Inputs:
        """The arguments of the network for samples of one size, on its device."""
        names = self.competition.inputs
        stacked = {n: to_unit(torch.stack([e[n] for e in entries]).to(self.device)) for n in names}
        return Inputs(
            images=stacked["image"],
            others=tuple(stacked[name] for name in names if name != "image"),
            image_at=names.index("image"),
        )


@dataclass
class RunNetworks:
    """The networks of the folds of a run. One is in memory at a time, and built once if all have
    the same layers."""

    run: RunOof
    device_name: str = "auto"
    notes: list[str] = field(default_factory=list)
    """What the user should know of the networks."""
    _network: nn.Module | None = None

    @cached_property
    def device(self) -> torch.device:
        """Where the networks run.

        Raises:
            DeviceError: this machine does not have the device.
        """
        return choose_device(self.device_name)

    def of(self, fold: int) -> FoldNetwork:
        """The network of a fold; of several seeds, the first one.

        Raises:
            RunError: its weights are missing or damaged.
        """
        run, config = self.run, self.run.config
        one_by_one = trainings(config, run.folder.fold(fold))
        first, place = one_by_one[0]
        folder = member_folder(place, first, NETWORK)
        # the weights of the fold replace the pretrained ones, which are not read again
        changes = {"pretrained": False, "weights": None}
        alone = member_config(first, NETWORK).model_copy(update=changes)
        if len(one_by_one) > 1:
            self._note(f"each fold has {len(one_by_one)} networks: the maps are those of the first")
        if len(config.model) > 1:
            others = ", ".join(name for name in config.model if name != NETWORK)
            self._note(f"predictions are a blend with {others}: the maps are of the network alone")
        columns = FoldColumns.load(folder) if run.competition.columns else None
        seen = on_columns(run.competition, alone, columns)
        if self._network is None or columns:
            with torch.random.fork_rng(devices=[]):
                self._network = seen.model(alone)
        network = self._network
        load_weights(folder, network)
        network = network.to(self.device).eval().requires_grad_(False)
        return FoldNetwork(
            fold=fold,
            explainer=Explainer(network=network, task=seen.task),
            competition=seen,
            reader=columns_reader(alone, columns, [], lambda: run.images),
            config=alone,
            device=self.device,
        )

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
