"""A competition as a network of columns sees it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from comp.config.columns import ColumnsConfig
from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.errors import DataError, RunError
from comp.pipeline import fold_columns
from comp.pipeline.estimator_fold import _check_score
from comp.pipeline.fold_columns import FoldColumns, on_columns
from comp.pipeline.members import cell_notes
from comp.pipeline.model_checks import check_models
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


def rows_of(**columns: list[Any]) -> list[Sample]:
    cells = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [Sample(id=str(i), features=row, target=float(i)) for i, row in enumerate(cells)]


@pytest.mark.parametrize("model", ["gbdt", "linear", "knn"])
def test_constant_columns_alone_are_refused_before_the_training(model: str) -> None:
    """They were a ValueError of scikit-learn, after the run had started."""
    competition = competition_of(regression(("y",)))
    samples = rows_of(a=[1] * 20, b=[None] * 20)
    with pytest.raises(DataError, match=f"model = {model} has no column to learn from"):
        check_models(competition, config_of(competition, model), samples, samples)


def test_cells_of_predicted_rows_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """comp predict took them as gaps in silence, and columns that were all text, too."""
    competition = competition_of(regression(("y",)))
    config, samples = config_of(competition, "gbdt"), rows_of(a=list(range(20)))
    FoldColumns.fit(config, samples, samples).save(tmp_path)
    assert cell_notes(competition, config, tmp_path, samples) == []
    (note,) = cell_notes(competition, config, tmp_path, rows_of(a=["x", 1, 2, 3]))
    assert note.startswith("column 'a': 1 of 4 cells are not numbers, such as 'x'")
    with pytest.raises(DataError, match="column 'a' is a number in the training rows, but 2 of 2"):
        cell_notes(competition, config, tmp_path, rows_of(a=["x", "y"]))
    with pytest.raises(DataError, match="column 'a' of the training rows is missing"):
        cell_notes(competition, config, tmp_path, rows_of(b=[1, 2]))


def test_training_dates_of_a_second_form_are_told_before_the_training() -> None:
    """They were gaps in silence, if the user had named the column in columns.dates."""
    competition = competition_of(regression(("y",)))
    dates = [f"2024-01-{day:02}" for day in range(1, 21)]
    test = rows_of(a=dates)
    config = config_of(competition, "gbdt")
    config = config.model_copy(update={"columns": ColumnsConfig(dates=["a"])})
    (note,) = check_models(competition, config, rows_of(a=[*dates, "31/01/2024"]), test).notes
    assert note.startswith("column 'a': 1 of its 21 training cells are not dates of the form of")
    assert check_models(competition, config, test, test).notes == []


def test_a_score_that_is_no_number_ends_the_fold_with_the_reason() -> None:
    """RMSLE of predictions below 0 was an AttributeError after the last fold."""
    competition = competition_of(regression(("y",)))
    context: Any = SimpleNamespace(
        competition=competition, config=config_of(competition, "linear"), fold=1
    )
    _check_score(context, 0.5, np.array([[1.0]]))
    with pytest.raises(RunError, match=r"fold 1: linear has no RMSE .* least prediction is -0\.5"):
        _check_score(context, float("nan"), np.array([[1.0], [-0.5]]))
    with pytest.raises(RunError, match="its predictions are not finite"):
        _check_score(context, float("nan"), np.array([[np.inf]]))


def test_a_loss_that_no_model_of_the_run_reads_is_told() -> None:
    competition, samples = competition_of(regression(("y",))), rows_of(a=list(range(20)))
    config = config_of(competition, "gbdt")
    assert check_models(competition, config, samples, samples).notes == []
    mae = config.model_copy(update={"loss": config.loss.model_copy(update={"name": "mae"})})
    (note,) = check_models(competition, mae, samples, samples).notes
    assert note.startswith("loss.name = mae is for networks: gbdt minimizes the squared error")


def test_equal_rows_have_the_kinds_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    find = fold_columns.find_kinds
    monkeypatch.setattr(fold_columns, "_KINDS", {})
    monkeypatch.setattr(
        fold_columns, "find_kinds", lambda rows, config: (calls.append(1), find(rows, config))[1]
    )
    for last, config in (("3", ColumnsConfig()), ("3", ColumnsConfig()), ("x", ColumnsConfig())):
        kinds = fold_columns._kinds_of([{"a": "1"}, {"a": last}], config)
        assert kinds[0].kind == ("number" if last == "3" else "category")
    assert len(calls) == 2
    dropped = fold_columns._kinds_of([{"a": "1"}, {"a": "x"}], ColumnsConfig(drop=["a"]))
    assert dropped[0].kind == "dropped"
    for last in (-1.0, -2.0):  # equal hashes
        (column,) = fold_columns._kinds_of([{"a": -1.0}, {"a": last}], ColumnsConfig())
        assert column.kind == ("constant" if last == -1.0 else "number")
