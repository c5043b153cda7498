"""The lines about a run whose score or interval is unknown."""

from __future__ import annotations

from dataclasses import replace

from comp.demo.about import about_run
from comp.demo.session import Session


def test_a_run_that_is_not_finished_has_no_score(session: Session) -> None:
    facts = replace(session.facts, scores={})
    first = about_run(facts, session.predictor)[0]
    assert str(first) == "The run is not finished, so it has no score."


def test_without_the_predictions_there_is_no_interval(session: Session) -> None:
    facts = replace(session.facts, oof=None)
    score = session.facts.scores["cv_score"]
    assert str(about_run(facts, session.predictor)[0]) == f"accuracy out of fold: {score:.4g}."


def test_notes_and_one_model(session: Session) -> None:
    predictor = replace(session.predictor, notes=["the plugin changed"], count=1)
    _, limits, _, note = about_run(session.facts, predictor)
    assert str(limits).startswith("The answer is that of one trained model. It answers")
    assert note == "the plugin changed"
