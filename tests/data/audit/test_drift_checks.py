"""What an audit says of differences between train and test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit.drift_checks import drift_findings, measure_drifts
from comp.data.audit.findings import Finding
from comp.data.audit.inspection import Inspection
from comp.data.drift import separation
from comp.data.drift.drift import Drift
from comp.tasks.regression import regression

IMAGES, TABLE = toy(regression()), toy(regression(), columns=True)
CONFIG = resolve("toy", [])


@pytest.fixture(autouse=True)
def one_split_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """For speed."""
    monkeypatch.setattr(separation, "HALVES", 1)


def rows(seed: int, shift: float = 0, count: int = 120, **cells: Any) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [
        Sample(
            id=f"{seed}-{i}",
            target=0.0,
            features={"a": float(rng.normal() + shift), "b": "xyz"[rng.integers(3)]} | cells,
        )
        for i in range(count)
    ]


def looks(seed: int, shift: float = 0) -> tuple[list[Sample], dict[Path, Inspection]]:
    """Samples with the inspections of images that exist only there."""
    rng = np.random.default_rng(seed)
    samples = [Sample(id=f"{seed}-{i}", image=Path(f"{seed}/IM-{i}.png")) for i in range(90)]
    return samples, {
        s.image_file: Inspection(
            path=s.image_file,
            appearance={"brightness": rng.normal(100 + shift, 9), "sharpness": rng.normal(5, 1)},
        )
        for s in samples
    }


def found(
    competition: Competition,
    train: list[Sample],
    test: list[Sample],
    inspections: dict[Path, Inspection],
    config: RunConfig = CONFIG,
) -> tuple[list[Drift], dict[str, Finding]]:
    drifts, others = measure_drifts(competition, config, train, test, inspections)
    return drifts, {f.kind: f for f in (*drift_findings(drifts, config), *others)}


def test_images_that_differ_are_a_warning_with_features_and_both_ends() -> None:
    (train, first), (test, second) = looks(0), looks(1, shift=15)
    (drift,), findings = found(IMAGES, train, test, first | second)
    warning = findings["train-test-differ"]
    assert warning.severity == "warning"
    assert warning.words.endswith("compared: 90 training and 90 test samples")
    assert warning.names[0].startswith("brightness (median 10")
    assert warning.names[-2] == f"test samples least like train: {', '.join(drift.like_test)}"
    assert warning.names[-1].startswith("test samples most like train: 1-")
    assert len(warning.names) <= 5  # all are shown
    assert "stronger augmentation" in warning.advice


def test_images_alike_are_a_note() -> None:
    (train, first), (test, second) = looks(0), looks(1)
    _, findings = found(IMAGES, train, test, first | second)
    assert set(findings) == {"train-test-alike"}
    assert findings["train-test-alike"].severity == "note"


def test_images_that_were_not_decoded_are_not_compared() -> None:
    (train, first), (test, second) = looks(0), looks(1, shift=15)
    unread = {path: Inspection(path=path) for path in second}
    assert found(IMAGES, train, test, first | unread) == ([], {})


def test_too_few_samples_or_groups_are_a_note() -> None:
    (train, first), (test, second) = looks(0), looks(1, shift=15)
    drifts, findings = found(IMAGES, train, test[:40], first | second)
    assert (drifts, set(findings)) == ([], {"train-test-not-compared"})
    words = "40 test samples are too few to compare train and test: 50 are needed"
    assert findings["train-test-not-compared"].words == words
    grouped = [Sample(id=s.id, image=s.image, group=f"{i % 5}") for i, s in enumerate(train)]
    _, findings = found(IMAGES, grouped, test, first | second)
    words = "5 groups of training samples are too few to compare train and test: 20 are needed"
    assert findings["train-test-not-compared"].words == words
    few = found(TABLE, rows(0, count=30), rows(1), {})[1]["train-test-not-compared"]
    assert few.words.startswith("30 training samples are too few")


def test_columns_that_differ_are_a_warning_and_columns_alike_a_note() -> None:
    (drift,), findings = found(TABLE, rows(0), rows(1, shift=2), {})
    assert drift.by == "columns"
    assert [feature.name for feature in drift.features] == ["a"]
    assert "scheme = time" in findings["train-test-differ"].advice
    assert set(found(TABLE, rows(0), rows(1), {})[1]) == {"train-test-alike"}
    assert found(IMAGES, rows(0), rows(1, shift=2), {}) == ([], {})


def test_rare_categories_are_not_a_difference() -> None:
    """Their frequencies among the training rows alone would tell train from test."""
    rng = np.random.default_rng(0)
    train, test = (
        [
            Sample(id=f"{side}{i}", features={"a": i % 7, "place": f"p{rng.integers(300)}"})
            for i in range(240)
        ]
        for side in ("s", "t")
    )
    config = resolve("toy", [{"columns": {"categories": ["place"], "most": 10, "rare": 1}}])
    (drift,), findings = found(TABLE, train, test, {}, config)
    assert drift.auc < 0.6
    assert set(findings) == {"train-test-alike"}


def test_a_column_of_gaps_alone_is_left_out() -> None:
    config = resolve("toy", [{"columns": {"categories": ["place"], "most": 10}}])
    sides = (
        [Sample(id=f"{s}{i}", features={"a": i % 7, "place": f"{s}{i // 2}"}) for i in range(240)]
        for s in "st"
    )
    assert set(found(TABLE, *sides, {}, config)[1]) == {"train-test-alike"}


def test_a_column_that_test_lacks_is_left_to_the_other_checks() -> None:
    assert found(TABLE, rows(0, c=1.0), rows(1), {})[1].keys() <= {"train-test-alike"}
    more = [
        Sample(id=f"{i}", features={**s.features, "c": float(i)}) for i, s in enumerate(rows(0))
    ]
    assert found(TABLE, more, rows(1), {}) == ([], {})


def test_series_of_files_that_differ_are_a_note() -> None:
    (train, first), (test, second) = looks(0), looks(1)
    renamed = [
        Sample(id=s.id, image=Path(f"0/scan{i}.png") if i % 2 else s.image)
        for i, s in enumerate(train)
    ]
    inspections = {
        new.image_file: first[old.image_file] for new, old in zip(renamed, train, strict=True)
    }
    _, findings = found(IMAGES, renamed, test, inspections | second)
    (words,) = findings["file-series"].names
    assert words.endswith("IM-#.png is 50% of train and 100% of test")
