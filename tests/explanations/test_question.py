"""What is explained, for every kind of task."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toys import values

from comp.contract.task import Task
from comp.explanations.question import (
    Question,
    answers,
    kind_of,
    named_question,
    probability_of,
    question_of,
    regions_of,
    words_of,
)
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.segmentation import segmentation

TASKS: dict[str, Task] = {
    "classes": multiclass(("a", "b", "c")),
    "labels": multilabel(("red", "round")),
    "grades": ordinal(("low", "middle", "high")),
    "numbers": values(2),
    "masks": segmentation(("cell",)),
}


@pytest.mark.parametrize("kind", TASKS)
def test_kinds(kind: str) -> None:
    assert kind_of(TASKS[kind]) == kind


def array(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float32)


def asked(task: Task, *arrays: np.ndarray | None) -> str:
    return question_of(task, *arrays).name  # type: ignore[arg-type]


def test_the_default_question_is_about_the_decision() -> None:
    assert asked(binary(("no", "yes")), array(0.4), array(1), array(0)) == "yes"
    assert asked(TASKS["classes"], array(0.1, 0.7, 0.2), array(1), None) == "b"
    wrong = asked(TASKS["labels"], array(0.9, 0.8), array(1, 1), array(1, 0))
    right = asked(TASKS["labels"], array(0.9, 0.8), array(1, 1), array(1, 1))
    assert (wrong, right) == ("round", "red")
    assert asked(TASKS["grades"], array(1.4), array(1), array(2)) == "grade"
    assert asked(TASKS["numbers"], array(1, 5), None, array(1, 2)) == "number 1"
    exclusive = segmentation(("background", "cell", "gap"), exclusive=True)
    masks = np.zeros((4, 4, 3), np.float32)
    masks[..., 0], masks[0, 0] = 1, (0, 0, 1)
    assert asked(exclusive, masks, masks, None) == "gap"
    assert named_question(TASKS["classes"], "c").column == 2


def test_log_odds_do_not_saturate() -> None:
    columns, none = torch.tensor([0, 1]), torch.zeros(2, 0, 0)
    one = torch.tensor([[40.0], [40.0]])
    assert answers(binary(("no", "yes")), one, columns, none).tolist() == [-40, 40]
    raw = torch.tensor([[50.0, 0.0, -9.0], [50.0, 0.0, -9.0]])
    found = answers(TASKS["classes"], raw, columns, none)
    chances = raw.double().softmax(dim=1)
    expected = [torch.logit(chances[0, 1:].sum()).item() * -1, torch.logit(chances[1, 1]).item()]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)
    labels = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert answers(TASKS["labels"], labels, columns, none).tolist() == [1, 4]


def test_grades_of_thresholds_are_explained_by_their_expectation() -> None:
    raw = torch.tensor([[0.3, -0.2]])  # of the loss corn
    task = TASKS["grades"]
    assert task.activation is not None
    found = answers(task, raw, torch.tensor([0]), torch.zeros(1, 0, 0))
    assert found.tolist() == task.activation(raw)[:, 0].tolist()


def test_the_region_of_a_mask_is_what_is_predicted() -> None:
    raw = torch.full((2, 1, 2, 2), -3.0)
    raw[0, 0, 0, 1] = 2.0
    regions = regions_of(TASKS["masks"], raw, [Question(column=0, name="cell")] * 2)
    assert regions[0].tolist() == [[0, 1], [0, 0]]
    assert regions[1].flatten().tolist() == pytest.approx([0.25] * 4)
    found = answers(TASKS["masks"], raw, torch.tensor([0, 0]), regions)
    assert found.tolist() == pytest.approx([2, -3])


def test_words_and_probabilities() -> None:
    assert words_of(TASKS["classes"], array(2)) == "c"
    assert words_of(TASKS["grades"], array(0)) == "low"
    assert words_of(TASKS["labels"], array(0, 1)) == "round"
    assert words_of(TASKS["labels"], array(0, 0)) == "none"
    assert words_of(TASKS["numbers"], array(1.5, 2)) == "1.5, 2"
    assert words_of(TASKS["masks"], np.eye(2, dtype=np.float32)[..., None]) == "50.0% of pixels"
    assert words_of(TASKS["classes"], None) == ""
    assert words_of(TASKS["classes"], array(np.nan)) == "not finite"
    first = Question(column=0, name="no")
    assert probability_of(binary(("no", "yes")), array(0.25), first) == 0.75
    assert probability_of(TASKS["numbers"], array(np.nan, 1), first) is None
