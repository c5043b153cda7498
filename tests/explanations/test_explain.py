"""Whole explanations: a planted square, a transformer, masks, and runs that have no maps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import planted
import pytest
import timm
import torch
from oof_runs import OofRuns
from torch import nn

from comp.contract.metrics import ACCURACY, DICE
from comp.contract.sample import Sample, Split
from comp.data.images.decode import write_image
from comp.errors import ConfigError
from comp.explanations.corner import corner_focus, find_corner
from comp.explanations.explain import explain_samples
from comp.explanations.explained import Explained, ExplainedSample
from comp.explanations.files import record_of, write_explanations
from comp.explanations.subjects import Subjects
from comp.pipeline.run_oof import RunOof, read_run_oof
from comp.runs.folder import RunFolder
from comp.tasks.image_to_image import image_to_image
from comp.tasks.segmentation import segmentation


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    """Registers a competition for all tests of this file that use its run."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def square(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> RunOof:
    """A run that learned the white square in the top right corner."""
    return planted.train_square(tmp_path_factory.mktemp("square"), patch, planted.planted())


@pytest.fixture(scope="module")
def explained(square: RunOof) -> Explained:
    """All samples with the square, with every check."""
    ids = [name for name in square.ids if name.endswith("1")]
    return explain_samples(square, ids, occlusion=True, sanity=True)


def share_at_square(sample: ExplainedSample) -> float:
    """The share of the map within the square and its rim."""
    rows, columns = (
        slice(max(0, part.start - planted.RIM), part.stop + planted.RIM) for part in planted.SQUARE
    )
    return float(sample.heat[rows, columns].sum() / sample.heat.sum())


def test_grad_cam_points_at_the_planted_square(square: RunOof, explained: Explained) -> None:
    assert square.score is not None
    assert square.score > 0.9
    found = [sample for sample in explained.samples if sample.target == "marked"]
    assert len(found) >= 20
    assert min(share_at_square(sample) for sample in found) >= 0.8
    assert not explained.reason
    assert explained.grid == (8, 8)


def test_the_checks_agree_with_the_maps(explained: Explained) -> None:
    agreements = [sample.agreement or 0.0 for sample in explained.samples]
    assert np.mean(agreements) > 0.5
    assert explained.agreement.startswith("Grad-CAM and occlusion agree in ")
    assert explained.sanity is not None
    assert explained.sanity.verdict == "passed"
    occluded = explained.samples[0].occlusion
    assert occluded is not None
    row, column = np.unravel_index(int(occluded.argmax()), occluded.shape)
    assert row < 20
    assert column > 40


def test_a_sample_is_explained_by_the_network_that_held_it_out(explained: Explained) -> None:
    """Without augmentation of the test it gives the recorded prediction again."""
    for sample in explained.samples:
        assert sample.network == pytest.approx(sample.probability, abs=1e-5)
    assert {sample.fold for sample in explained.samples} == {0, 1}


def test_a_corner_decides_on_the_planted_run_alone(
    square: RunOof, explained: Explained, tmp_path: Path
) -> None:
    focus = find_corner(square)
    assert focus is not None
    assert focus.decides
    assert (focus.label, focus.corner) == ("marked", "top right")
    assert focus.share > 0.5 > focus.other_corners
    assert focus.border > focus.border_expected
    assert focus.probability is not None
    assert focus.covered is not None
    assert focus.covered < 0.5 < focus.probability
    assert "top right corner" in focus.words
    some = corner_focus(explained.samples)
    assert some is not None
    assert some.stands_out
    assert not some.decides  # nothing was covered
    few = corner_focus([s for s in explained.samples if s.target == "marked"][:5])
    assert few is not None
    assert not few.stands_out
    with pytest.MonkeyPatch.context() as patch:
        disc = planted.train_disc(tmp_path, patch, planted.planted())
        other = find_corner(disc)
    assert other is not None
    assert not other.stands_out
    assert not other.decides


def test_the_other_class_can_be_the_target(square: RunOof) -> None:
    name = next(name for name in square.ids if name.endswith("1"))
    (marked,) = explain_samples(square, [name]).samples
    (plain,) = explain_samples(square, [name], target="plain").samples
    np.testing.assert_allclose(plain.signed, -marked.signed, rtol=1e-4, atol=1e-6)
    assert plain.probability == pytest.approx(1 - (marked.probability or 0), abs=1e-5)
    with pytest.raises(ConfigError, match="no target 'plane': did you mean 'plain'"):
        explain_samples(square, [name], target="plane")


def test_samples_by_id_and_the_worst_ones(square: RunOof) -> None:
    subjects = Subjects(square)
    worst = subjects.of(subjects.worst(3))
    errors = [abs(float(s.prediction[0] - s.truth[0])) for s in worst]  # type: ignore[index]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == max(abs(float(t[0] - p[0])) for t, p in square.pairs())
    found = explain_samples(square, [square.data.test[1].id], test=True)
    (test,) = found.samples
    assert (test.split, test.truth, test.wrong, test.fold) == ("test", "", None, 0)
    assert any("network of fold 0 alone" in note for note in found.notes)
    both = explain_samples(square, [square.data.test[1].id])
    assert both.samples[0].split == "train"
    assert subjects.in_both([square.data.test[1].id, "t40-0"]) == [square.data.test[1].id]
    with pytest.raises(ConfigError, match="no sample 't01-2' among the 52"):
        explain_samples(square, ["t01-2"])


def test_files_and_json(square: RunOof, explained: Explained) -> None:
    sheet = write_explanations(explained, square.folder)
    assert sheet == square.folder.path / "explain" / "sheet.png"
    assert sheet.read_bytes()[:4] == b"\x89PNG"
    record = json.loads((sheet.parent / "explain.json").read_text())
    assert record["sanity"]["verdict"] == "passed"
    assert np.shape(record["samples"][0]["map"]) == (8, 8)
    assert "map" not in record_of(explained)["samples"][0]
    json.dumps(record_of(explained))


class Transformer(nn.Module):
    """timm's smallest transformer with a class token, for the planted pictures."""

    def __init__(self) -> None:
        super().__init__()
        sizes = {"img_size": planted.SIDE, "patch_size": 8, "embed_dim": 32, "depth": 2}
        self.backbone = timm.create_model("test_vit", num_classes=1, **sizes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.backbone((image - 0.3) / 0.3)
        return out


def test_a_transformer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = planted.train_square(tmp_path, monkeypatch, planted.planted(Transformer), max_steps=2)
    found = explain_samples(run, run.ids[:4], occlusion=True, sanity=True)
    assert found.layer == "backbone.blocks.1.norm1"
    assert found.grid == (8, 8)
    assert found.method == "attention"
    assert all(sample.signed.any() for sample in found.samples)
    assert found.sanity is not None
    assert found.sanity.verdict == "passed"


class Masks(nn.Module):
    """Bright cells of 4 x 4 pixels are the mask: the weights that a training would find."""

    multiple = 8

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.ReLU())
        self.up = nn.Conv2d(4, 1, 1)
        with torch.no_grad():
            self.down[0].weight.fill_(1 / 48)
            self.down[0].bias.fill_(-0.7)
            self.up.weight.fill_(10.0)
            self.up.bias.fill_(-4.0)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        cells = self.up(self.down(image))
        return nn.functional.interpolate(cells, size=image.shape[-2:], mode="bilinear")


def mask_samples(root: Path, split: Split) -> list[Sample]:
    """The masks of the planted pictures are beside them."""
    found = planted.samples(root, split)
    if split == "test":
        return list(found)
    return [replace(s, target=root / "masks" / f"{s.id}.png") for s in found]


def test_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(48):
        mask = np.zeros((planted.SIDE, planted.SIDE, 1), np.uint8)
        if index % 2:
            mask[planted.SQUARE] = 255
        write_image(tmp_path / "data" / "masks" / f"t{index:02d}-{index % 2}.png", mask)
    fields: dict[str, Any] = {
        "task": segmentation(("square",)),
        "metric": DICE,
        "samples": mask_samples,
        "rows": lambda sample, _chances, mask: {"id": [sample.id], "share": [float(mask.mean())]},
    }
    competition = planted.planted(Masks, **fields)
    unchanged = {"max_steps": 1, "optim": {"name": "sgd", "lr": 1e-9}}
    run = planted.train_square(tmp_path, monkeypatch, competition, **unchanged)
    ids = [name for name in run.ids if name.endswith("1")][:6]
    found = explain_samples(run, ids)
    assert found.samples[0].target == "square"
    assert found.samples[0].truth == "3.5% of pixels"
    assert np.mean([share_at_square(sample) for sample in found.samples]) >= 0.8
    assert find_corner(run) is None  # a mask is no class


def run_of(tmp_path: Path, patch: pytest.MonkeyPatch, record: Any, **fields: Any) -> RunOof:
    tmp_path.mkdir()
    samples = [Sample(id=f"s{row}", target=float(row % 2)) for row in range(8)]
    classes = {} if "task" in fields else {"classes": ("no", "yes"), "metric": ACCURACY}
    runs = OofRuns(tmp_path, patch, samples, **classes | fields)
    runs.write(
        "r1", {s.id: 0.4 for s in samples}, {f"s{row}": row % 2 for row in range(8)}, **record
    )
    return read_run_oof(RunFolder(runs.workspace.find_run("r1")), runs.workspace)


def test_runs_without_maps_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [
        (
            {"blend": {"runs": [{"run_id": "a"}, {"run_id": "b"}]}},
            {},
            "explain one of its runs, a, b",
        ),
        ({"config": {"folds": 2, "model": ["gbdt"]}}, {}, "has no network that sees images"),
        ({}, {"inputs": ("features",)}, "see no images"),
    ]
    for number, (record, fields, words) in enumerate(cases):
        run = run_of(tmp_path / str(number), monkeypatch, {"fit": False, **record}, **fields)
        found = explain_samples(run, run.ids)
        assert words in found.reason
        assert not found.samples
        assert find_corner(run) is None


def test_restored_images_have_no_answer_to_explain(square: RunOof) -> None:
    restoring = replace(square.competition, task=image_to_image())
    found = explain_samples(replace(square, competition=restoring), square.ids[:1])
    assert "there is no one answer" in found.reason


def test_missing_weights_are_a_reason(square: RunOof, tmp_path: Path) -> None:
    empty = replace(square, folder=RunFolder(tmp_path))
    (tmp_path / "run.json").write_text((square.folder.path / "run.json").read_text())
    found = explain_samples(replace(empty, finished=False), square.ids[:1])
    assert "the fold is not finished" in found.reason
