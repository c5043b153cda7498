"""Out-of-fold predictions of runs on disk: by id, with groups and decisions; what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from oof_runs import OofRuns
from toys import values

from comp.contract.metrics import ACCURACY, AUC
from comp.contract.sample import Sample
from comp.errors import DataError, RunError
from comp.inference.decisions import honest_score
from comp.inference.predictions import save_predictions
from comp.pipeline.run_oof import common_ids, fitted_decisions, read_run_oofs

IDS = [f"s{row}" for row in range(12)]
FOLDS = {name: row % 3 for row, name in enumerate(IDS)}
SAMPLES = [
    Sample(id=name, target=float(row % 2), group=f"p{row // 6}" if row < 6 else None)
    for row, name in enumerate(IDS)
]


def predictions(seed: int = 0) -> Mapping[str, float]:
    return dict(zip(IDS, np.random.default_rng(seed).random(len(IDS)).tolist(), strict=True))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OofRuns:
    """Two runs over the same folds."""
    made = OofRuns(tmp_path, monkeypatch, SAMPLES, classes=("no", "yes"), metric=ACCURACY)
    made.write("a1", predictions(), FOLDS)
    made.write("b1", dict(reversed(list(predictions(1).items()))), FOLDS)
    return made


def test_pairs_meet_by_id_in_the_order_of_the_data(runs: OofRuns) -> None:
    first, second = read_run_oofs(["a1", "b"], runs.workspace)
    common = common_ids([first, second])
    assert (common.ids, common.same_folds, common.notes) == (IDS, True, [])
    for run, seed in ((first, 0), (second, 1)):
        pairs = list(run.pairs(common.ids))
        assert [pair.id for pair in pairs] == IDS
        assert [float(pair[0][0]) for pair in pairs] == [row % 2 for row in range(12)]
        expected = np.array(list(predictions(seed).values()), dtype=np.float32)
        np.testing.assert_array_equal([pair[1][0] for pair in pairs], expected)


def test_pairs_of_all_samples_are_collected_once(runs: OofRuns) -> None:
    (run,) = read_run_oofs(["a1"], runs.workspace)
    assert run.pairs() is run.pairs(IDS) is run.pairs(None)
    assert [pair.id for pair in run.pairs(IDS[::-1])] == IDS[::-1]
    assert [pair.id for pair in run.pairs(IDS[:2])] == IDS[:2]


def test_groups_are_those_of_folds_csv(runs: OofRuns) -> None:
    path = runs.workspace.runs("toy") / "a1" / "folds.csv"
    path.write_text(path.read_text().replace("s7,1,\n", "s7,1,p0\n"))
    (run,) = read_run_oofs(["a1"], runs.workspace)
    assert len({run.groups[name] for name in IDS}) == 1 + 5
    assert run.groups["s0"] == run.groups["s7"] != run.groups["s8"]


def test_the_decisions_are_those_of_the_run(runs: OofRuns) -> None:
    runs.write("c1", predictions(), FOLDS, finished=False)
    finished, unfinished = read_run_oofs(["a1", "c1"], runs.workspace)
    assert (finished.finished, unfinished.finished) == (True, False)
    assert finished.score == honest_score(
        runs.competition, finished.pairs(), fitted_decisions(finished), finished.fold_of
    )
    assert fitted_decisions(unfinished) == fitted_decisions(finished)
    assert "c1 is not finished" in common_ids([finished, unfinished]).notes


def test_a_run_that_joined_nothing_has_the_predictions_of_its_finished_folds(
    runs: OofRuns,
) -> None:
    runs.write("c1", predictions(2), FOLDS, finished=False)
    folder = runs.workspace.runs("toy") / "c1"
    (folder / "oof.safetensors").unlink()
    for fold in range(3):
        (folder / f"fold-{fold}").mkdir()
        own = [(s, np.float32([predictions(2)[s.id]])) for s in SAMPLES if FOLDS[s.id] == fold]
        save_predictions(folder / f"fold-{fold}" / "oof.safetensors", own)
        if fold != 1:  # which is still training
            (folder / f"fold-{fold}" / "meta.json").write_text("{}")
    first, stopped = read_run_oofs(["a1", "c1"], runs.workspace)
    common = common_ids([first, stopped])
    assert common.ids == [name for name in IDS if FOLDS[name] != 1]
    found = {pair.id: float(pair[1][0]) for pair in stopped.pairs()}
    assert found == pytest.approx({name: predictions(2)[name] for name in common.ids})
    assert "c1 is not finished" in common.notes


def test_only_common_samples_of_runs_over_other_folds(runs: OofRuns) -> None:
    half = {name: FOLDS[name] for name in IDS if FOLDS[name] < 2}
    runs.write("c1", {name: predictions()[name] for name in half}, FOLDS)
    turned = {name: (fold + 1) % 3 for name, fold in FOLDS.items()}
    runs.write("d1", predictions(), turned)
    other = {name: row // 4 for row, name in enumerate(IDS)}
    runs.write("e1", predictions(), other)
    first, part, renumbered, different = read_run_oofs(["a1", "c1", "d1", "e1"], runs.workspace)
    common = common_ids([first, part])
    assert common.ids == list(half)
    assert common.notes == ["only the 8 samples that all runs have are used (12 of a1, 8 of c1)"]
    assert common_ids([first, renumbered]).same_folds
    common = common_ids([first, different])
    assert not common.same_folds
    assert "different folds" in common.notes[0]


def test_runs_without_a_common_sample_are_refused(runs: OofRuns) -> None:
    for run_id, fold in (("c1", 0), ("d1", 1)):
        runs.write(run_id, {n: p for n, p in predictions().items() if FOLDS[n] == fold}, FOLDS)
    with pytest.raises(RunError, match=r"share 0 samples .*c1 4, d1 4"):
        common_ids(read_run_oofs(["c1", "d1"], runs.workspace))


def add_data(runs: OofRuns, name: str, shift: int = 0) -> None:
    """Another data folder, with `shift` other samples at its end."""
    more = [Sample(id=f"t{row}", target=float(row % 2)) for row in range(shift)]
    runs.data[runs.workspace.root / name] = [*SAMPLES[shift:], *more]
    ids = [sample.id for sample in runs.data[runs.workspace.root / name]]
    chances = np.random.default_rng(4).random(len(ids)).tolist()
    runs.write(
        name, dict(zip(ids, chances, strict=True)), {n: int(n[1:]) % 3 for n in ids}, data=name
    )


def test_other_data_with_half_of_the_samples_is_enough(runs: OofRuns) -> None:
    add_data(runs, "half", 6)
    add_data(runs, "less", 7)
    first, half, less = read_run_oofs(["a1", "half", "less"], runs.workspace)
    assert common_ids([first, half]).ids == IDS[6:]
    with pytest.raises(RunError, match="share 5 samples"):
        common_ids([first, less])


def test_another_target_is_refused(runs: OofRuns) -> None:
    runs.data[runs.workspace.root / "moved"] = list(SAMPLES)
    runs.change_target("moved", 3, target=0.0)
    runs.write("moved", predictions(), FOLDS, data="moved")
    with pytest.raises(DataError, match=r"'s3' has another target in .*moved \(moved\)"):
        common_ids(read_run_oofs(["a1", "moved"], runs.workspace))


def test_changed_data_is_refused(runs: OofRuns) -> None:
    runs.change_target("data", 3, target=0.0)
    with pytest.raises(DataError, match="has changed since run a1 started"):
        read_run_oofs(["a1", "b1"], runs.workspace)


def test_runs_that_cannot_be_compared_are_refused(runs: OofRuns) -> None:
    runs.write("c1", predictions(), FOLDS, synthetic=True)
    runs.write("d1", predictions(), FOLDS, competition="another")
    runs.write("e1", predictions(), FOLDS, finished=False)
    (runs.workspace.runs("toy") / "e1" / "oof.safetensors").unlink()
    for names, message in {
        ("a1", "a"): "run a1 is given twice",
        ("a1", "c1"): "synthetic is False in a1 and True in c1",
        ("a1", "d1"): "competition is toy in a1 and another in d1",
        ("a1", "e1"): "run e1 has no finished fold: continue it",
        ("a1", "f1"): "no run 'f1'",
    }.items():
        with pytest.raises(RunError, match=message):
            read_run_oofs(names, runs.workspace)


def test_units_share_a_prediction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [
        Sample(id=f"{unit}{number}", target=float(row % 2), unit=unit)
        for row, unit in enumerate("abcd")
        for number in range(2)
    ]
    fields = {"classes": ("no", "yes"), "metric": AUC, "pool": "mean"}
    runs = OofRuns(tmp_path, monkeypatch, samples, **fields)
    runs.write(
        "a1",
        dict(zip("abcd", (0.1, 0.9, 0.2, 0.8), strict=True)),
        {s.id: 0 for s in samples},
        finished=False,
    )
    (run,) = read_run_oofs(["a1"], runs.workspace)
    assert run.ids == ("a", "b", "c", "d")
    assert len(set(run.groups.values())) == 4
    assert honest_score(runs.competition, run.pairs(), None, run.fold_of) == 1.0


def test_numbers_have_no_decisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = OofRuns(tmp_path, monkeypatch, SAMPLES, task=values())
    runs.write("a1", predictions(), FOLDS)
    (run,) = read_run_oofs(["a1"], runs.workspace)
    assert fitted_decisions(run) is None
