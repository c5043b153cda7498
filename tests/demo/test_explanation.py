"""Explanations of single images, and why there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.demo import explanation as module
from comp.demo.explanation import Explainer, Explanation
from comp.demo.session import Session


def explain(session: Session, explainer: Explainer, photo: Path) -> Explanation:
    sample, predictor = Sample(id="mine", image=photo), session.predictor
    prediction = predictor.predict(sample)
    return explainer.explain(sample, predictor.reader_of, prediction, np.array([1.0]))


def test_the_question_is_what_was_decided(session: Session, photo: Path) -> None:
    found = explain(session, session.explainer, photo)
    assert "speak for dog, in the network of fold 0" in str(found.words)
    assert found.overlay is not None


def test_without_the_data_of_the_run_there_is_none(session: Session, photo: Path) -> None:
    found = explain(session, Explainer(None, "the data is gone"), photo)
    assert (str(found.words), found.overlay) == ("no explanation: the data is gone", None)


def test_a_large_image_has_none(
    session: Session, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 100)
    found = explain(session, session.explainer, photo)
    assert str(found.words) == "no explanation: the image is too large for it"
