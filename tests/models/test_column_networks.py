"""Networks of columns: their edges, shapes and records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.errors import ConfigError
from comp.models.column_networks import ColumnSpec, build_column_network


def config_of(**settings: Any) -> RunConfig:
    small = {
        "mlp": {"width": 16, "layers": 1},
        "tabm": {"width": 16, "layers": 1, "members": 3},
    }
    return resolve("toy", [small, settings])


def spec_of(
    count: int = 50, numbers: int = 3, cardinalities: tuple[int, ...] = (4, 2)
) -> ColumnSpec:
    values = np.random.default_rng(0).normal(size=(count, numbers)).astype(np.float32)
    return ColumnSpec.of(values, cardinalities, bins=8)


def test_edges_are_quantiles_and_constant_columns_have_one_bin() -> None:
    values = np.stack([np.arange(9.0), np.full(9, 5.0), [0] * 8 + [1]], axis=1).astype(np.float32)
    spec = ColumnSpec.of(values, (), bins=4)
    assert spec.edges == ((0.0, 2.0, 4.0, 6.0, 8.0), (5.0, 6.0), (0.0, 1.0))
    assert ColumnSpec.from_record(spec.record()) == spec


@pytest.mark.parametrize("name", ["mlp", "tabm"])
@pytest.mark.parametrize(("numbers", "cardinalities"), [(3, (4, 2)), (3, ()), (0, (4, 2))])
def test_raw_outputs_have_the_scale_of_the_targets(
    name: str, numbers: int, cardinalities: tuple[int, ...]
) -> None:
    spec = spec_of(numbers=numbers, cardinalities=cardinalities)
    network = build_column_network(name, config_of(), spec, 2, scaled=True).eval()
    rows = torch.randn(5, numbers), torch.ones(5, len(cardinalities), dtype=torch.long)
    before = network(*rows)
    assert before.shape == ((5, 3, 2) if name == "tabm" else (5, 2))
    network.target_mean.copy_(torch.tensor([100.0, 0.0]))
    network.target_std.copy_(torch.tensor([10.0, 1.0]))
    expected = before * torch.tensor([10.0, 1.0]) + torch.tensor([100.0, 0.0])
    torch.testing.assert_close(network(*rows), expected)


def test_a_network_without_columns_is_refused() -> None:
    empty = ColumnSpec(edges=(), cardinalities=())
    with pytest.raises(ConfigError, match="model = mlp: no column is left"):
        build_column_network("mlp", config_of(), empty, 1, scaled=False)


def test_the_same_spec_and_weights_give_the_same_outputs() -> None:
    spec = spec_of()
    first = build_column_network("tabm", config_of(), spec, 1, scaled=True).eval()
    record = ColumnSpec.from_record(spec.record())
    second = build_column_network("tabm", config_of(), record, 1, scaled=True).eval()
    second.load_state_dict(first.state_dict())
    rows = torch.randn(4, 3), torch.zeros(4, 2, dtype=torch.long)
    assert torch.equal(first(*rows), second(*rows))
