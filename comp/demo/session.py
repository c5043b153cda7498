"""A run on the page: what it answers to a dropped file, and its examples."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from comp.contract.sample import Sample
from comp.data.images.decode import displayable
from comp.data.images.prepared import PreparedImages
from comp.data.images.raw import read_raw
from comp.demo.about import about_run
from comp.demo.answer import Answer, answer_of
from comp.demo.explanation import Explainer, Explanation
from comp.demo.predictor import Predictor, open_predictor
from comp.demo.upload import uploaded_sample
from comp.errors import CompError, DataError, RunError
from comp.page.words import Text
from comp.review.facts import RunFacts, read_facts
from comp.workspace import Workspace

EXAMPLES = 8
"""Test images on the page."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the page shows of one image; `explanation` is None while it is computed."""

    answer: Answer
    explanation: Explanation | None = None


@dataclass
class Session:
    """The run of a page, with its models in memory."""

    facts: RunFacts
    predictor: Predictor
    explainer: Explainer

    @classmethod
    def open(
        cls, run_id: str, workspace: Workspace, scratch: Path, device: str | None = None
    ) -> Session:
        """Read a run and load its models.

        Raises:
            RunError: no such run, or one that predicts no images.
        """
        predictor = open_predictor(run_id, workspace, scratch, device)
        facts = read_facts(run_id, workspace)
        _refuse_pixel_tables(facts)
        explainer = Explainer(facts.oof, facts.oof_missing, device or "auto")
        return cls(facts, predictor, explainer)

    @property
    def title(self) -> str:
        """The title of the competition."""
        return self.facts.competition.title

    @cached_property
    def about(self) -> Sequence[Text]:
        """What the page says about the run."""
        return about_run(self.facts, self.predictor)

    @cached_property
    def examples(self) -> Sequence[tuple[Sample, np.ndarray]]:
        """Some test images, spread over all of them; those that cannot be read are left out."""
        known = [s for s in self.facts.oof.data.test if s.image] if self.facts.oof else []
        step = max(1, len(known) // EXAMPLES)
        found = []
        for sample in known[::step][:EXAMPLES]:
            try:
                found.append((sample, self.picture(sample)))
            except CompError:
                continue
        return found

    def picture(self, sample: Sample) -> np.ndarray:
        """The image of a sample as a picture, uint8 (H, W) or (H, W, 3).

        Raises:
            DataError: it cannot be read.
        """
        assert sample.image is not None
        path = Path(sample.image)
        known = PreparedImages.read_pointer(self.predictor.run.reader_folder).value_range
        return displayable(read_raw(path), known, path)

    def answers_to(self, path: Path) -> Iterator[Answered]:
        """The prediction of a dropped file, then also its explanation.

        Raises:
            DataError: it is no image that the run can predict.
        """
        try:
            yield from self.answers(uploaded_sample(path))
        except CompError as error:  # it names the folder where the page keeps the file
            raise DataError(str(error).replace(f"{path.parent}{os.sep}", "")) from None

    def answers(self, sample: Sample) -> Iterator[Answered]:
        """The prediction of a sample, then also its explanation.

        Raises:
            DataError: its image cannot be read.
        """
        predictor = self.predictor
        picture = self.picture(sample)
        prediction = predictor.predict(sample)
        answer = answer_of(predictor.competition.task, prediction, predictor.params, picture)
        yield Answered(answer=answer)
        explanation = self.explainer.explain(
            sample, predictor.reader_of, prediction, answer.decided
        )
        yield Answered(answer=answer, explanation=explanation)


def _refuse_pixel_tables(facts: RunFacts) -> None:
    """Refuse a run whose images are the rows of a table."""
    known = [*facts.oof.data.test, *facts.oof.data.train][:1] if facts.oof else []
    if any(Path(str(sample.image)).suffix.lower() == ".csv" for sample in known):
        raise RunError(
            f"run {facts.run_id} reads images from the rows of a table, and comp demo shows files "
            "of images: use 'comp predict' with the table"
        )
