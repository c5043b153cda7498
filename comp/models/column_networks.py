"""Networks of the columns of a table: a perceptron and TabM, on embeddings of each column."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from comp.config.column_networks import MlpConfig, TabmConfig
from comp.config.schema import RunConfig
from comp.errors import ConfigError

Edges = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """What a network must know of the treated columns before it can be built.

    `edges` are the rising edges of the bins of each number, two or more; `cardinalities` are the
    numbers of categories, among them the unknown one.
    """

    edges: tuple[Edges, ...]
    cardinalities: tuple[int, ...]

    @classmethod
    def of(cls, numbers: np.ndarray, cardinalities: Sequence[int], bins: int) -> Self:
        """The spec of training rows.

        Args:
            numbers: float32 (N, F), finite.
            bins: most bins of a number; they have equal numbers of rows.
        """
        columns = np.asarray(numbers, dtype=np.float64).T
        return cls(
            edges=tuple(_edges(column, bins) for column in columns),
            cardinalities=tuple(map(int, cardinalities)),
        )

    def record(self) -> dict[str, Any]:
        """The values as JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """The spec that `record` returned."""
        edges = tuple(tuple(map(float, column)) for column in record["edges"])
        return cls(edges=edges, cardinalities=tuple(map(int, record["cardinalities"])))


def _edges(column: np.ndarray, bins: int) -> Edges:
    """The quantiles of a column; a constant one gets a bin of width 1."""
    quantiles = np.quantile(column, np.linspace(0, 1, bins + 1)) if len(column) else np.zeros(1)
    edges = np.unique(quantiles.astype(np.float32))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0] + 1], dtype=np.float32)
    return tuple(edges.astype(float).tolist())


class ColumnNetwork(nn.Module):
    """A network of columns, whose raw outputs are those of `body`.

    Input `numbers`, float32 (N, F), and `categories`, int64 (N, C); output float32 (N, outputs) or,
    of a body with several members, (N, members, outputs).

    With `scaled` outputs, those of the body are multiplied by `target_std` and increased by
    `target_mean`, as in `comp.models.classifier.Classifier`.
    """

    target_mean: Tensor
    target_std: Tensor

    def __init__(self, body: nn.Module, scaled: int = 0) -> None:
        """Args: `scaled` is the number of scaled outputs, 0 if they are not scaled."""
        super().__init__()
        self.body = body
        self.scaled = bool(scaled)
        if scaled:
            self.register_buffer("target_mean", torch.zeros(scaled))
            self.register_buffer("target_std", torch.ones(scaled))

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        out: Tensor = self.body(numbers, categories).float()
        return out * self.target_std + self.target_mean if self.scaled else out


class ColumnEmbedding(nn.Module):
    """Embeds each column: numbers by piecewise linear functions, categories by a table.

    `numbers`, float32 (N, F), and `categories`, int64 (N, C), to float32 (N, `width`).
    """

    def __init__(self, spec: ColumnSpec, size: int) -> None:
        """Args: `size` is the width of the embedding of a number; that of a category is smaller if
        it has few values."""
        super().__init__()
        self.numbers = _piecewise(spec, size)
        widths = [min(2 * size, (count + 1) // 2) for count in spec.cardinalities]
        self.categories = nn.ModuleList(
            nn.Embedding(count, width)
            for count, width in zip(spec.cardinalities, widths, strict=True)
        )
        self.width = len(spec.edges) * size + sum(widths)

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        parts = [table(categories[:, index]) for index, table in enumerate(self.categories)]
        if self.numbers is not None:
            parts.insert(0, self.numbers(numbers).flatten(1))
        return torch.cat(parts, dim=1)


class Mlp(nn.Module):
    """A perceptron on the embeddings of the columns."""

    def __init__(self, spec: ColumnSpec, outputs: int, config: MlpConfig) -> None:
        super().__init__()
        self.embedding = ColumnEmbedding(spec, config.embedding)
        layers: list[nn.Module] = []
        width = self.embedding.width
        for _ in range(config.layers):
            layers += [nn.Linear(width, config.width), nn.ReLU(), nn.Dropout(config.dropout)]
            width = config.width
        self.layers = nn.Sequential(*layers, nn.Linear(width, outputs))

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        out: Tensor = self.layers(self.embedding(numbers, categories))
        return out


class TabmBody(nn.Module):
    """TabM: k perceptrons that share most weights, each with its own outputs (N, k, outputs).

    Gorishniy et al., TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling,
    2024.
    """

    def __init__(self, spec: ColumnSpec, outputs: int, config: TabmConfig) -> None:
        super().__init__()
        from tabm import TabM

        self.network = TabM.make(
            n_num_features=len(spec.edges),
            cat_cardinalities=list(spec.cardinalities),
            d_out=outputs,
            num_embeddings=_piecewise(spec, config.embedding),
            k=config.members,
            n_blocks=config.layers,
            d_block=config.width,
            dropout=config.dropout,
        )

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        out: Tensor = self.network(
            numbers if numbers.shape[1] else None, categories if categories.shape[1] else None
        )
        return out


def _piecewise(spec: ColumnSpec, size: int) -> nn.Module | None:
    """Piecewise linear embeddings of the numbers (Gorishniy et al., 2022), None without numbers."""
    if not spec.edges:
        return None
    from rtdl_num_embeddings import PiecewiseLinearEmbeddings

    edges = [torch.tensor(column, dtype=torch.float32) for column in spec.edges]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*just two bin edges")  # a flag needs no more
        module: nn.Module = PiecewiseLinearEmbeddings(edges, size, activation=False, version="B")
    return module


def build_column_network(
    name: str, config: RunConfig, spec: ColumnSpec, outputs: int, scaled: bool
) -> ColumnNetwork:
    """The network `name`, mlp or tabm.

    Args:
        outputs: raw outputs of a row.
        scaled: whether the outputs get the mean and the standard deviation of the targets.

    Raises:
        ConfigError: no column is left.
    """
    if not spec.edges and not spec.cardinalities:
        raise ConfigError(
            f"model = {name}: no column is left to learn from: name fewer columns in columns.drop"
        )
    bodies: dict[str, nn.Module] = {}
    if name == "mlp":
        bodies[name] = Mlp(spec, outputs, config.mlp)
    else:
        bodies[name] = TabmBody(spec, outputs, config.tabm)
    return ColumnNetwork(bodies[name], outputs if scaled else 0)


def bins_of(name: str, config: RunConfig) -> int:
    """The most bins of a number that the network `name` takes."""
    return config.mlp.bins if name == "mlp" else config.tabm.bins
