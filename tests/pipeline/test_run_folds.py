"""The folds of a run: domains of images, and those of a run that resumes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract.sample import Sample
from comp.data.images.prepared import PreparedImages
from comp.errors import FoldError
from comp.pipeline.run_folds import check_domains, make_run_folds
from comp.runs.progress import Silent
from comp.tasks.classification import task_of

PETS = toy(task_of(("cat", "dog")))


class Watching(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.measured: list[tuple[int, int, str]] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def images_decoded(self, done: int, total: int, doing: str = "decoding") -> None:
        self.measured.append((done, total, doing))


def settings(**keys: Any) -> RunConfig:
    return resolve("toy", [{"scheme": "domain", "folds": 2, **keys}])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Dark and light images of both classes, in turn."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    samples = []
    for i in range(24):
        path = folder / f"{i}.png"
        level = 60 if i // 2 % 2 else 190
        Image.fromarray(rng.normal(level, 10, (16, 16, 3)).clip(0, 255).astype(np.uint8)).save(path)
        samples.append(Sample(id=path.name, image=path, target=float(i % 2)))
    return samples


def test_dark_images_are_one_fold(photos: list[Sample]) -> None:
    reporter = Watching()
    made = make_run_folds(settings(), PETS, photos, PreparedImages(), reporter)
    dark = {made.folds[sample.id] for i, sample in enumerate(photos) if i // 2 % 2}
    light = {made.folds[sample.id] for i, sample in enumerate(photos) if not i // 2 % 2}
    assert sorted([dark, light], key=min) == [{0}, {1}]
    assert made.domains["by"] == "appearance"
    assert reporter.measured[-1] == (24, 24, "measuring images")


def test_a_resumed_run_keeps_its_folds_and_a_plan_measures_no_image(photos: list[Sample]) -> None:
    reporter = Watching()
    recorded = {sample.id: i % 2 for i, sample in enumerate(photos)}
    made = make_run_folds(settings(), PETS, photos, PreparedImages(), reporter, recorded=recorded)
    assert (made.folds, made.domains) == (recorded, {})
    plan = make_run_folds(settings(), PETS, photos, PreparedImages(), reporter, planned=True)
    assert sorted(plan.folds.values()) == [0] * 12 + [1] * 12
    assert "the plan has folds of equal sizes" in reporter.notes[0]
    assert reporter.measured == []


def test_a_column_that_is_missing_is_named_before_images_are_decoded(photos: list[Sample]) -> None:
    check_domains(settings(), PETS, photos)
    check_domains(settings(scheme="auto", domain="column:site"), PETS, photos)
    with pytest.raises(FoldError, match="no column 'site'"):
        check_domains(settings(domain="column:site"), PETS, photos)
