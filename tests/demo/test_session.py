"""A run on the page: what it says about itself, its examples, and its answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from comp.contract.sample import Sample
from comp.demo.session import Session, _refuse_pixel_tables
from comp.errors import DataError, RunError
from comp.page.words import translate


def test_the_page_says_the_score_and_the_limits(session: Session) -> None:
    score, limits, synthetic = map(str, session.about)
    assert score.startswith("accuracy out of fold: ")
    assert "95 % interval" in score
    assert "60 samples" in score
    assert limits.startswith("The answer is the mean of 4 trained models. It answers every image")
    assert "synthetic" in synthetic
    assert translate("ko")(session.about[1]).startswith("답은 학습된 모델 4개의 평균입니다. Cats")


def test_examples_are_test_images(session: Session) -> None:
    known = {sample.id for sample in session.facts.oof.data.test} if session.facts.oof else set()
    assert len(session.examples) == 8
    assert {sample.id for sample, _ in session.examples} <= known
    assert all(picture.dtype == np.uint8 for _, picture in session.examples)


def test_the_prediction_comes_first_and_then_the_explanation(session: Session, photo: Path) -> None:
    first, second = session.answers_to(photo)
    assert first.explanation is None
    assert second.answer is first.answer
    assert sum(first.answer.chances.values()) == pytest.approx(1)
    assert str(first.answer.headline).startswith("decision: ")
    assert second.explanation is not None
    assert second.explanation.overlay is not None
    assert second.explanation.overlay.shape == (320, 320, 3)
    decided = str(first.answer.headline).split()[1]
    assert str(second.explanation.words).startswith(f"Grad-CAM: bright parts speak for {decided}")


def test_a_file_of_cmyk_and_one_with_an_odd_name_are_answered(
    session: Session, tmp_path: Path
) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8))
    picture.convert("CMYK").save(tmp_path / "printed.jpg")
    picture.save(tmp_path / "사진 <b>'1'.png")
    for path in tmp_path.iterdir():
        assert next(session.answers_to(path)).answer.picture.shape[2] == 3


def test_a_damaged_file_is_named_without_the_folder_of_the_page(
    session: Session, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:200])
    with pytest.raises(DataError, match=r"^cut\.png is not a readable image"):
        list(session.answers_to(tmp_path / "cut.png"))


def test_images_in_the_rows_of_a_table_are_refused(session: Session) -> None:
    row = Sample(id="1", image=Path("test.csv"))
    data = SimpleNamespace(test=[row], train=[])
    facts = SimpleNamespace(run_id="20260101", oof=SimpleNamespace(data=data))
    with pytest.raises(RunError, match="reads images from the rows of a table"):
        _refuse_pixel_tables(facts)  # type: ignore[arg-type]
