"""A competition as a network of columns sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.errors import RunError
from comp.pipeline.fold_columns import FoldColumns, on_columns
from comp.tasks.binary import binary
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.training.losses import make_loss


def competition_of(task: object) -> Competition:
    return table(
        name="toy",
        title="Toy",
        kaggle="competitions/toy",
        task=task,  # type: ignore[arg-type]
        target="y",
    )


def config_of(competition: Competition, model: str) -> RunConfig:
    layers = [competition.defaults, competition.synthetic_defaults, {"model": model}]
    return resolve("toy", layers)


@pytest.mark.parametrize("task", [binary(("no", "yes")), regression(("y",))])
def test_each_member_of_tabm_has_its_own_loss_and_predictions_are_averaged(
    task: object, tmp_path: Path
) -> None:
    competition = competition_of(task)
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    train = competition.samples(tmp_path, "train")
    config = config_of(competition, "tabm")
    seen = on_columns(competition, config, FoldColumns.fit(config, train, train))
    raw, target = torch.randn(6, 4, 1), torch.tensor([[0.0], [1.0]] * 3)
    soften, activation = competition.task.soften, competition.task.activation
    assert soften
    assert activation
    assert seen.task.activation
    soft = soften(target, 0.0)
    alone = make_loss(competition, config, train)
    losses = torch.stack([alone(raw[:, k], soft) for k in range(4)])
    torch.testing.assert_close(make_loss(seen, config, train)(raw, soft), losses.mean())
    predictions = torch.stack([activation(raw[:, k]) for k in range(4)])
    torch.testing.assert_close(seen.task.activation(raw), predictions.mean(dim=0))


def test_what_a_fold_knows_of_its_columns_is_saved(tmp_path: Path) -> None:
    competition = competition_of(regression(("y",)))
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    train = competition.samples(tmp_path, "train")
    columns = FoldColumns.fit(config_of(competition, "mlp"), train, train[:100])
    columns.save(tmp_path / "fold")
    loaded = FoldColumns.load(tmp_path / "fold")
    assert loaded.spec == columns.spec
    rows = [sample.features for sample in train[100:]]
    expected, found = (c.treatment.for_network(rows) for c in (columns, loaded))
    np.testing.assert_array_equal(found.numbers, expected.numbers)
    (tmp_path / "fold" / "columns.json").write_text("{}")
    with pytest.raises(RunError, match=r"columns\.json is damaged .*train the fold again"):
        FoldColumns.load(tmp_path / "fold")
    assert FoldColumns.fit(config_of(competition, "gbdt"), train, train).spec is None
