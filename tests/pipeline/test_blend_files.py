"""Blends of masks: streamed, with the decisions of each fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oof_runs import OofRuns

from comp.contract.metrics import IOU
from comp.contract.sample import Item, Sample
from comp.errors import ConfigError, RunError
from comp.inference.predictions import Predictions
from comp.pipeline.blend import blend
from comp.pipeline.blend_job import SilentReporter
from comp.runs.blend_results import BlendSummary
from comp.submission.rle import RleFormat, encode
from comp.tasks.segmentation import segmentation

SIDE = 12
FOLDS = {f"s{row}": row % 3 for row in range(12)}
TEST = [Sample(id=f"t{row}") for row in range(4)]


def mask_of(name: str) -> np.ndarray:
    """float32 (H, W, 1): a rectangle whose place follows from the id."""
    start = int(name[1:]) % 6
    mask = np.zeros((SIDE, SIDE, 1), np.float32)
    mask[start : start + 6, 2:9] = 1
    return mask


def noisy(names: Iterable[str], size: float, seed: int) -> Mapping[str, np.ndarray]:
    """Probabilities of masks, with noise."""
    rng = np.random.default_rng(seed)
    noise = {name: size * rng.normal(size=(SIDE, SIDE, 1)) for name in names}
    return {n: np.clip(0.35 + 0.3 * mask_of(n) + e, 0, 1) for n, e in noise.items()}


def read(sample: Sample) -> Item:
    mask = mask_of(sample.id).astype(np.uint8)
    return {"target": mask, "image": np.repeat(mask, 3, axis=2)}


def rows(sample: Sample, _prediction: np.ndarray, decision: np.ndarray) -> Mapping[str, Any]:
    return {"id": [sample.id], "runs": [encode(decision, RleFormat())]}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OofRuns:
    monkeypatch.setattr("comp.tasks.mask_scores._draws", lambda *_: 10)
    monkeypatch.setattr("comp.inference.paired.DRAWS", 20)
    (tmp_path / "no.png").write_bytes(b"no image")
    samples = [Sample(id=name, image=tmp_path / "no.png") for name in FOLDS]
    made = OofRuns(
        tmp_path,
        monkeypatch,
        samples,
        TEST,
        task=segmentation(),
        metric=IOU,
        rows=rows,
        rle_columns=("runs",),
        sample_submission=None,
        layout=(),
        reader=lambda _samples, _config, _folder: read,
    )
    for seed, (name, size) in enumerate({"a1": 0.15, "b1": 0.2, "c1": 0.6}.items()):
        test = noisy([sample.id for sample in TEST], size, seed + 9)
        made.write(name, noisy(FOLDS, size, seed), FOLDS, test=test)
    return made


def blend_of(runs: OofRuns, method: str) -> BlendSummary:
    return blend(["a1", "b1", "c1"], runs.workspace, SilentReporter(), method)


def test_masks_are_weighted_in_one_pass(runs: OofRuns) -> None:
    summary = blend_of(runs, "weights")
    folder = runs.workspace.runs("toy")
    weights = [member.weight or 0 for member in summary.runs]
    assert weights[0] > weights[1] > weights[2]
    assert weights[0] / weights[1] == pytest.approx((0.2 / 0.15) ** 2, rel=0.25)
    for file, names in (("oof", list(FOLDS)), ("test", [sample.id for sample in TEST])):
        found = Predictions(summary.run_dir / f"{file}.safetensors")
        members = [
            Predictions(folder / name / f"{file}.safetensors") for name in ("a1", "b1", "c1")
        ]
        for name in names:
            if file == "oof":
                weights = [member.fold_weights[FOLDS[name]] for member in summary.runs]
            else:
                weights = [member.weight or 0 for member in summary.runs]
            expected = sum(w * m[name] for w, m in zip(weights, members, strict=True))
            np.testing.assert_allclose(found[name], expected, atol=1e-6)
    assert summary.n_rows == len(TEST)
    assert summary.cv_score > max(member.score for member in summary.runs)
    assert summary.cv_score > summary.mean_score


def test_greedy_and_mean_of_masks(runs: OofRuns) -> None:
    greedy, mean = blend_of(runs, "greedy"), blend_of(runs, "mean")
    assert [member.weight for member in mean.runs] == [pytest.approx(1 / 3)] * 3
    assert mean.cv_score == mean.mean_score == greedy.mean_score
    weights = [member.weight or 0 for member in greedy.runs]
    assert weights[0] > weights[1] > weights[2]
    with pytest.raises(ConfigError, match="method stack needs a row of numbers per sample"):
        blend_of(runs, "stack")


def test_masks_of_other_sizes_are_refused(runs: OofRuns) -> None:
    small = {name: values[:6] for name, values in noisy(FOLDS, 0.1, 5).items()}
    test = noisy([sample.id for sample in TEST], 0.1, 6)
    runs.write("d1", small, FOLDS, test=test, finished=False, state="finished")
    (runs.workspace.runs("toy") / "d1" / "scores.json").write_text('{"cv_score": 0.5}')
    with pytest.raises(RunError, match=r"run d1 predicts 's0' with the shape \(6, 12, 1\), run a1"):
        blend(["a1", "d1"], runs.workspace, SilentReporter())
