"""Where the weights are kept on Kaggle: a private data set, or a private model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from comp.kaggle.client import dataset_versions, model_versions
from comp.kaggle.client.dataset_versions import DataSetSpec, DatasetStatus
from comp.kaggle.client.model_versions import ModelSpec
from comp.kaggle.client.session import Kaggle
from comp.notebook.names import Names

ABOUT = "A bundle of comp: weights and a program that predicts with them."


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What a notebook gets, as `KernelSpec` names it."""

    datasets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


class Store(Protocol):
    """A data set or a model with versions."""

    @property
    def kind(self) -> Literal["dataset", "model"]:
        """What uploads are for."""

    @property
    def noun(self) -> str:
        """What it is, for messages."""

    @property
    def files_by_name(self) -> bool:
        """Whether a version is found by the name of a file, since Kaggle tells no notes."""

    def status(self) -> DatasetStatus:
        """Whether the newest version is ready."""

    def find(self, mark: str) -> int | None:
        """The newest version with this mark."""

    def make(self, notes: str, files: Mapping[str, str]) -> int | None:
        """Make a version; the request is sent once."""

    def sources(self, version: int | None) -> Sources:
        """How a notebook names it."""


@dataclass(frozen=True)
class DataSetStore:
    """A private data set."""

    kaggle: Kaggle
    owner: str
    names: Names
    kind: Literal["dataset", "model"] = "dataset"
    noun: str = "data set"
    files_by_name: bool = False

    def status(self) -> DatasetStatus:
        """Whether the newest version is ready."""
        return dataset_versions.dataset_status(self.kaggle, self.owner, self.names.slug)

    def find(self, mark: str) -> int | None:
        """The newest version whose notes have this mark."""
        return dataset_versions.find_version(self.kaggle, self.owner, self.names.slug, mark)

    def make(self, notes: str, files: Mapping[str, str]) -> int | None:
        """Make the data set or a version of it; the request is sent once."""
        if self.status().state == "absent":
            spec = DataSetSpec(
                owner=self.owner,
                slug=self.names.slug,
                title=self.names.title,
                description=f"{ABOUT} {notes}",
            )
            return dataset_versions.create_dataset(self.kaggle, spec, files)
        return dataset_versions.create_version(
            self.kaggle, self.owner, self.names.slug, notes, files
        )

    def sources(self, _version: int | None) -> Sources:
        """The data set; a notebook gets its newest version."""
        return Sources(datasets=(f"{self.owner}/{self.names.slug}",))


@dataclass(frozen=True)
class ModelStore:
    """A private model with one instance."""

    kaggle: Kaggle
    owner: str
    names: Names
    kind: Literal["dataset", "model"] = "model"
    noun: str = "model"
    files_by_name: bool = True

    @property
    def _spec(self) -> ModelSpec:
        return ModelSpec(
            owner=self.owner, slug=self.names.slug, title=self.names.title, description=ABOUT
        )

    def status(self) -> DatasetStatus:
        """Whether the newest version is ready."""
        return model_versions.model_status(self.kaggle, self._spec)

    def find(self, mark: str) -> int | None:
        """The newest version with a file that has this mark in its name."""
        return model_versions.find_model_version(self.kaggle, self._spec, mark)

    def make(self, notes: str, files: Mapping[str, str]) -> int | None:
        """Make a version, and before the first the model; each request is sent once."""
        return model_versions.create_model_version(self.kaggle, self._spec, notes, files)

    def sources(self, version: int | None) -> Sources:
        """One version of the model."""
        return Sources(models=(self._spec.source(version or 1),))


def store_of(kind: str, kaggle: Kaggle, owner: str, names: Names) -> Store:
    """The data set or the model of a run."""
    if kind == "model":
        return ModelStore(kaggle, owner, names)
    return DataSetStore(kaggle, owner, names)
