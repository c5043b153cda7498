"""A run on disk as Python code sees it: the table of out-of-fold predictions, and bad files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from toys import values

from comp.contract import registry
from comp.contract.sample import Sample
from comp.data.fingerprint import fingerprint
from comp.data.folds import write_folds
from comp.errors import DataError, RunError
from comp.files import write_json
from comp.inference.predictions import save_predictions
from comp.pipeline.run_view import Run
from comp.tasks.classification import task_of
from competitions.chest_xray import COMPETITION as CHEST_XRAY

SAMPLES = [
    Sample(id=f"s{i}", image=Path(f"s{i}.png"), target=float(label), stratum=str(label))
    for i, label in enumerate([0, 1, 2, 1])
]
FOLDS = {"s0": 0, "s1": 1, "s2": 0, "s3": 1}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of chest-xray on the folder `data`, without predictions."""
    use(monkeypatch, task=task_of(("healthy", "ill")))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    folder = tmp_path / "runs" / "chest-xray" / "r1"
    folder.mkdir(parents=True)
    record: dict[str, object] = {
        "competition": "chest-xray",
        "data": str(tmp_path / "data"),
        "synthetic": False,
    }
    for sample in SAMPLES:
        sample.image.write_bytes(sample.id.encode())
    record["data_fingerprint"] = fingerprint([*SAMPLES, *SAMPLES])
    write_json(folder / "run.json", record | {"run_id": "r1", "state": "running", "config": {}})
    write_folds(folder / "folds.csv", SAMPLES, FOLDS)
    return Run(folder)


def use(monkeypatch: pytest.MonkeyPatch, **fields: object) -> None:
    """Give the competition the samples above and other fields."""
    changed = dataclasses.replace(
        CHEST_XRAY,
        samples=lambda root, split: SAMPLES,
        **fields,  # type: ignore[arg-type]
    )
    monkeypatch.setattr(registry, "competitions", lambda: {"chest-xray": changed})


def save(run: Run, samples: list[Sample], outputs: int) -> np.ndarray:
    values = np.linspace(0, 1, len(samples) * outputs, dtype=np.float32).reshape(-1, outputs)
    save_predictions(run.folder / "oof.safetensors", zip(samples, values, strict=True))
    return values


def test_two_classes_have_one_column_of_predictions(run: Run) -> None:
    values = save(run, SAMPLES, 1)
    frame = run.oof()
    assert list(frame) == ["id", "fold", "target", "prediction"]
    assert list(frame["id"]) == ["s0", "s1", "s2", "s3"]
    assert list(frame["fold"]) == [0, 1, 0, 1]
    assert list(frame["target"]) == [0, 1, 2, 1]
    assert [str(frame[name].dtype) for name in list(frame)[1:]] == ["int64", "int64", "float32"]
    np.testing.assert_array_equal(frame["prediction"], values[:, 0])


def test_several_classes_have_a_column_each(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, task=task_of(("a", "b", "c")))
    values = save(run, SAMPLES, 3)
    frame = run.oof()
    columns = ["prediction_a", "prediction_b", "prediction_c"]
    assert list(frame)[3:] == columns
    np.testing.assert_array_equal(frame[columns].to_numpy(), values)


def test_numbers_have_float_targets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, task=values(2))
    save(run, SAMPLES, 2)
    frame = run.oof()
    assert list(frame)[3:] == ["prediction_0", "prediction_1"]
    assert str(frame["target"].dtype) == "float64"


def test_only_predicted_samples_have_a_row(run: Run) -> None:
    save(run, [SAMPLES[3], SAMPLES[1]], 1)
    frame = run.oof()
    assert list(frame["id"]) == ["s1", "s3"]
    assert list(frame["prediction"]) == [1.0, 0.0]


def test_without_predictions_or_data_there_is_no_table(run: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"oof\.safetensors"):
        run.oof()
    save(run, SAMPLES, 1)
    (tmp_path / "data").rmdir()
    with pytest.raises(DataError, match="data"):
        run.oof()


@pytest.mark.parametrize(
    "samples",
    [SAMPLES[1:], [dataclasses.replace(SAMPLES[0], target=1.0), *SAMPLES[1:]]],
    ids=["a sample is gone", "a label is another"],
)
def test_changed_data_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, samples: list[Sample]
) -> None:
    save(run, SAMPLES, 1)
    changed = dataclasses.replace(CHEST_XRAY, samples=lambda root, split: samples)
    monkeypatch.setattr(registry, "competitions", lambda: {"chest-xray": changed})
    with pytest.raises(DataError, match="has changed since run r1 started"):
        run.oof()


def test_files_of_older_versions_have_the_present_names(run: Run) -> None:
    record = {"competition": "chest-xray", "state": "stopped", "sample": True}
    write_json(run.folder / "run.json", record)
    write_json(run.folder / "scores.json", {"metric": "AUC", "cv_score": 0.5, "sample": True})
    assert run.state == "interrupted"
    assert run.synthetic is True
    assert run.scores()["synthetic"] is True


def test_a_killed_run_is_interrupted_and_says_how_to_continue(run: Run) -> None:
    assert run.state == "interrupted"
    assert "state interrupted" in repr(run)
    with pytest.raises(RunError, match=r"has no scores.*comp\.resume\('r1'\)"):
        _ = run.cv_score


def test_damaged_files_are_a_message_and_a_repr(run: Run) -> None:
    (run.folder / "scores.json").write_text("{")
    with pytest.raises(RunError, match=r"scores\.json cannot be read"):
        run.scores()
    assert "cannot be read" in repr(run)
    (run.folder / "run.json").write_text("<b>")
    assert repr(run).startswith("<run r1: ")
    assert "<b>" not in run._repr_html_()
